//! The address of the cloud, with the check that it may be used.

use std::fmt;
use std::net::IpAddr;

use reqwest::Url;

/// The address of the cloud: https, or http to this machine itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BaseUrl(Url);

/// Reasons for refusing an address of the cloud.
#[derive(Debug, thiserror::Error)]
pub enum BaseUrlError {
    /// It is no URL at all.
    #[error("it is not a URL")]
    NotAUrl(#[source] url_error::ParseError),
    /// Neither http nor https.
    #[error("it begins with {scheme}://; https:// is expected")]
    Scheme {
        /// The scheme of the address.
        scheme: String,
    },
    /// Anybody on the way could read and change plain http.
    #[error(
        "http:// is allowed only to this machine itself (127.0.0.1, [::1], localhost); https:// is expected"
    )]
    PlainHttp,
    /// It carries a user, a query or a fragment, which would be lost or sent along.
    #[error("it carries a user, a query or a fragment; scheme, host, port and path are expected")]
    Extras,
}

/// The error of reqwest's URL type, which reqwest itself does not name.
mod url_error {
    pub type ParseError = <reqwest::Url as std::str::FromStr>::Err;
}

/// Takes an address that is safe to send requests to.
///
/// # Errors
/// [`BaseUrlError`] says what is expected instead.
pub fn check_base_url(text: &str) -> Result<BaseUrl, BaseUrlError> {
    let mut url = Url::parse(text).map_err(BaseUrlError::NotAUrl)?;
    match url.scheme() {
        "https" => {}
        "http" if is_loopback(&url) => {}
        "http" => return Err(BaseUrlError::PlainHttp),
        scheme => {
            return Err(BaseUrlError::Scheme {
                scheme: scheme.to_owned(),
            });
        }
    }
    let has_user = !url.username().is_empty() || url.password().is_some();
    if has_user || url.query().is_some() || url.fragment().is_some() {
        return Err(BaseUrlError::Extras);
    }
    let path = url.path().trim_end_matches('/').to_owned();
    url.set_path(&path);
    Ok(BaseUrl(url))
}

fn is_loopback(url: &Url) -> bool {
    let Some(host) = url.host_str() else {
        return false;
    };
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || address.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

impl BaseUrl {
    /// The address of a path of the cloud, which begins with `/` and may end with a query.
    pub(crate) fn join(&self, path_and_query: &str) -> Url {
        let (path, query) = match path_and_query.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (path_and_query, None),
        };
        let mut url = self.0.clone();
        let whole = format!("{}{path}", self.0.path().trim_end_matches('/'));
        url.set_path(&whole);
        url.set_query(query);
        url
    }

    /// Returns whether the address uses TLS.
    #[must_use]
    pub fn is_https(&self) -> bool {
        self.0.scheme() == "https"
    }
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str().trim_end_matches('/'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn https_anywhere_and_http_only_to_this_machine() {
        for good in [
            "https://cloud.example",
            "https://cloud.example:8443/dashpoint/",
            "http://127.0.0.1:8080",
            "http://127.9.9.9",
            "http://[::1]:8080",
            "http://localhost:1",
        ] {
            assert!(check_base_url(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "cloud.example",
            "http://cloud.example",
            "http://10.0.0.1",
            "http://127.0.0.1.evil.example",
            "http://localhost.evil.example",
            "ftp://127.0.0.1",
            "https://user@cloud.example",
            "https://cloud.example/?a=b",
            "https://cloud.example/#x",
        ] {
            assert!(check_base_url(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_path_is_put_behind_the_base() {
        for (base, whole) in [
            ("https://c.example", "https://c.example/v1/policy?since=3"),
            (
                "https://c.example/dp/",
                "https://c.example/dp/v1/policy?since=3",
            ),
        ] {
            let base = check_base_url(base).unwrap();
            assert_eq!(base.join("/v1/policy?since=3").as_str(), whole);
        }
    }
}
