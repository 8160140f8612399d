//! One request out, one answer back.

use std::error::Error as StdError;
use std::io;
use std::time::Duration;

use dashpoint_membership::{DeviceId, ServerTime};
use dashpoint_sync::{Credential, HttpRequest, Method, Response, TransportFailure};
use dashpoint_wire::{
    MAX_DECODED, RequestTarget, RequestToken, Signed, SigningKey, WireError, authorization,
    deflate, inflate,
};
use reqwest::header::{
    ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, DATE, HeaderMap,
    HeaderValue, RETRY_AFTER,
};
use reqwest::{Client, Url, redirect};

use crate::base_url::BaseUrl;
use crate::retry_after::retry_after_s;
use crate::tls::{TlsSetupError, TlsTime, client_config};

/// Media type of all bodies.
const CBOR: HeaderValue = HeaderValue::from_static("application/cbor");
/// Coding of all bodies.
const DEFLATE: HeaderValue = HeaderValue::from_static("deflate");
/// Names the device where the path does not.
const DEVICE_HEADER: &str = "dashpoint-device";
/// An idle connection is closed soon: a car that drove through a tunnel must not wait for a dead one.
const IDLE: Duration = Duration::from_secs(20);

/// Time limits of the network.
#[derive(Debug, Clone, Copy)]
pub struct Timeouts {
    /// Until there is a connection.
    pub connect: Duration,
    /// Until the last byte of the answer is there.
    pub total: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            total: Duration::from_secs(30),
        }
    }
}

/// Parts of a transport.
#[derive(Debug)]
pub struct TransportSetup {
    /// Address of the cloud.
    pub base: BaseUrl,
    /// The operator's authority, in PEM; not looked at when the cloud is on this machine and reached by http.
    pub authority_pem: Option<Vec<u8>>,
    /// The time by which certificates are judged.
    pub time: TlsTime,
    /// Time limits of the network.
    pub timeouts: Timeouts,
}

/// Signs for one head unit.
#[derive(Debug, Clone)]
pub struct Signer {
    /// The head unit.
    pub device: DeviceId,
    /// Its key.
    pub key: SigningKey,
}

/// Sends requests to the one cloud that the car knows.
#[derive(Debug, Clone)]
pub struct Transport {
    base: BaseUrl,
    client: Client,
    time: TlsTime,
}

/// Reasons for a missing answer or a missing transport.
#[derive(Debug, thiserror::Error)]
pub enum TransportError {
    /// https without the operator's authority.
    #[error("the cloud is reached by https, and no authority is configured to know it by")]
    NoAuthority,
    /// The operator's authority cannot be used.
    #[error("TLS cannot be set up")]
    TlsSetup(#[from] TlsSetupError),
    /// The HTTP client cannot be set up.
    #[error("the HTTP client cannot be set up")]
    ClientSetup(#[source] reqwest::Error),
    /// The request needs a token, and there is no key to sign it.
    #[error("there is no device key to sign the request with")]
    NoKey,
    /// The token cannot be made.
    #[error("the request token cannot be made")]
    Token(#[source] WireError),
    /// No answer, or half of one.
    #[error("no answer from the cloud")]
    Network(#[source] reqwest::Error),
    /// The answer is longer than its bound.
    #[error("the answer is longer than {MAX_DECODED} bytes")]
    TooLong,
    /// The answer is coded in a way that was not asked for.
    #[error("the answer is coded in a way that was not asked for")]
    Coding,
    /// The answer does not inflate within its bound.
    #[error("the answer does not inflate")]
    Inflate(#[source] WireError),
}

impl TransportError {
    /// Makes it without the address of the request, which names a member or a device.
    fn network(error: reqwest::Error) -> Self {
        Self::Network(error.without_url())
    }

    /// Returns the failure as the machine knows it.
    #[must_use]
    pub fn failure(&self) -> TransportFailure {
        match self {
            Self::NoAuthority | Self::TlsSetup(_) => TransportFailure::Tls,
            Self::ClientSetup(_) | Self::NoKey | Self::Token(_) => TransportFailure::NotSent,
            Self::TooLong | Self::Coding | Self::Inflate(_) => TransportFailure::BadAnswer,
            Self::Network(error) if error.is_timeout() => TransportFailure::TimedOut,
            Self::Network(error) => match cause(error) {
                FailureCause::Tls => TransportFailure::Tls,
                FailureCause::Io => TransportFailure::Unreachable,
                FailureCause::Other if error.is_connect() => TransportFailure::Unreachable,
                FailureCause::Other => TransportFailure::BadAnswer,
            },
        }
    }
}

enum FailureCause {
    Tls,
    Io,
    Other,
}

/// Returns the innermost cause of an error of the HTTP client, which does not report it itself.
fn cause(error: &reqwest::Error) -> FailureCause {
    let mut found = FailureCause::Other;
    let mut next = error.source();
    while let Some(source) = next {
        if source.is::<rustls::Error>() {
            return FailureCause::Tls;
        }
        next = source.source();
        if let Some(io) = source.downcast_ref::<io::Error>() {
            found = FailureCause::Io;
            // What an IO error wraps is not its source but itself; only this way leads to it.
            if let Some(inner) = io.get_ref() {
                next = Some(inner as &(dyn StdError + 'static));
            }
        }
    }
    found
}

impl Transport {
    /// Sets up the client; connects to nothing.
    ///
    /// # Errors
    /// [`TransportError`] when TLS or the client cannot be set up.
    pub fn new(setup: TransportSetup) -> Result<Self, TransportError> {
        let builder = Client::builder()
            .connect_timeout(setup.timeouts.connect)
            .timeout(setup.timeouts.total)
            .pool_idle_timeout(IDLE)
            .pool_max_idle_per_host(1)
            .redirect(redirect::Policy::none())
            .no_proxy()
            .referer(false)
            .https_only(setup.base.is_https());
        let pem = match setup.authority_pem {
            Some(pem) if setup.base.is_https() => Some(pem),
            None if setup.base.is_https() => return Err(TransportError::NoAuthority),
            // On this machine itself no certificate is ever looked at; the client wants a TLS all the same.
            Some(_) | None => None,
        };
        let tls = client_config(pem.as_deref(), setup.time.clone())?;
        let client = builder
            .tls_backend_preconfigured(tls)
            .build()
            .map_err(TransportError::ClientSetup)?;
        Ok(Self {
            base: setup.base,
            client,
            time: setup.time,
        })
    }

    /// Takes the last signed server time, by which the certificates of the connections to come are judged.
    pub fn signed(&self, at: ServerTime) {
        self.time.signed(at);
    }

    /// Sends a request, with a token signed at `unix_s` of the car's clock if it needs one.
    ///
    /// # Errors
    /// [`TransportError`] when there is no whole answer within the bounds of time and length; an answer of any status is
    /// none.
    pub async fn send(
        &self,
        request: &HttpRequest,
        signer: Option<&Signer>,
        unix_s: i64,
    ) -> Result<Response, TransportError> {
        let url = self.base.join(&request.path);
        let body = if request.body.is_empty() {
            Vec::new()
        } else {
            deflate(&request.body)
        };
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, CBOR);
        headers.insert(ACCEPT_ENCODING, DEFLATE);
        if !body.is_empty() {
            headers.insert(CONTENT_TYPE, CBOR);
            headers.insert(CONTENT_ENCODING, DEFLATE);
        }
        if let Credential::Device { nonce } = request.credential {
            let signer = signer.ok_or(TransportError::NoKey)?;
            let path = path_and_query(&url);
            let asked = RequestTarget {
                method: request.method.as_str(),
                path: &path,
                body: &body,
            };
            let token = RequestToken::new(asked, unix_s, nonce);
            authorize(&mut headers, signer, token)?;
        }
        let method = match request.method {
            Method::Get => reqwest::Method::GET,
            Method::Post => reqwest::Method::POST,
        };
        let answer = self
            .client
            .request(method, url)
            .headers(headers)
            .body(body)
            .send()
            .await
            .map_err(TransportError::network)?;
        read(answer, unix_s).await
    }
}

fn authorize(
    headers: &mut HeaderMap,
    signer: &Signer,
    token: RequestToken,
) -> Result<(), TransportError> {
    let token = Signed::sign(token, &signer.key, &signer.device).map_err(TransportError::Token)?;
    let not_text = |_| TransportError::Token(WireError::Authorization);
    let value = HeaderValue::try_from(authorization(&token)).map_err(not_text)?;
    let device = HeaderValue::try_from(signer.device.to_string()).map_err(not_text)?;
    headers.insert(AUTHORIZATION, value);
    headers.insert(DEVICE_HEADER, device);
    Ok(())
}

fn path_and_query(url: &Url) -> String {
    match url.query() {
        Some(query) => format!("{}?{query}", url.path()),
        None => url.path().to_owned(),
    }
}

async fn read(mut answer: reqwest::Response, unix_s: i64) -> Result<Response, TransportError> {
    let status = answer.status().as_u16();
    let text = |name| {
        answer
            .headers()
            .get(name)
            .and_then(|value| value.to_str().ok())
    };
    let retry_after_s =
        text(RETRY_AFTER).and_then(|value| retry_after_s(value, text(DATE), unix_s));
    let is_deflated = match answer.headers().get(CONTENT_ENCODING) {
        None => false,
        Some(coding) if coding == DEFLATE => true,
        Some(coding) if coding == "identity" => false,
        Some(_) => return Err(TransportError::Coding),
    };
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(TransportError::network)? {
        if body.len() + chunk.len() > MAX_DECODED {
            return Err(TransportError::TooLong);
        }
        body.extend_from_slice(&chunk);
    }
    if is_deflated && !body.is_empty() {
        body = inflate(&body, MAX_DECODED).map_err(TransportError::Inflate)?;
    }
    Ok(Response {
        status,
        retry_after_s,
        body,
    })
}
