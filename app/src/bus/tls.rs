//! TLS to the in-vehicle broker: its authority is pinned, and the head unit may show a certificate of its own.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use dashpoint_membership::ServerTime;
use dashpoint_sync_http::TlsTime;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};

use crate::clock::system_unix_ms;

/// The files of TLS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    /// Certificate of the authority that vouches for the broker, PEM.
    pub ca: PathBuf,
    /// Certificate of the head unit and its key, PEM.
    pub own: Option<(PathBuf, PathBuf)>,
}

/// Reasons that TLS cannot be set up: one line each.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file holds nothing of use.
    #[error("{}: expected {expected}, PEM", path.display())]
    File {
        /// Path of the file.
        path: PathBuf,
        /// The content that the file should have.
        expected: &'static str,
        /// The cause.
        source: pem::Error,
    },
    /// Certificate and key do not fit, or are of a kind that nobody uses.
    #[error("the certificates of the bus cannot be used")]
    Unusable(#[source] rustls::Error),
}

/// Reads the files. Certificates are judged by the time of the build, or the system's when later: a car may wake in 1970.
///
/// # Errors
/// [`TlsError`].
pub fn client_config(files: &TlsFiles) -> Result<Arc<ClientConfig>, TlsError> {
    let mut authorities = RootCertStore::empty();
    for certificate in certificates(&files.ca)? {
        authorities.add(certificate).map_err(TlsError::Unusable)?;
    }
    let system = Arc::new(|| Some(system_unix_ms().div_euclid(1_000)));
    let time = Arc::new(TlsTime::new(ServerTime::from_unix_s(0), system));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_details(provider, time)
        .with_safe_default_protocol_versions()
        .map_err(TlsError::Unusable)?
        .with_root_certificates(authorities);
    let config = match &files.own {
        None => builder.with_no_client_auth(),
        Some((certificate, key)) => {
            let own_key = PrivateKeyDer::from_pem_file(key).map_err(|source| TlsError::File {
                path: key.clone(),
                expected: "a private key",
                source,
            })?;
            builder
                .with_client_auth_cert(certificates(certificate)?, own_key)
                .map_err(TlsError::Unusable)?
        }
    };
    Ok(Arc::new(config))
}

/// Every certificate of a file, at least one.
fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let broken = |source| TlsError::File {
        path: path.to_owned(),
        expected: "a certificate",
        source,
    };
    let found: Vec<_> = CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect)
        .map_err(broken)?;
    if found.is_empty() {
        return Err(broken(pem::Error::NoItemsFound));
    }
    Ok(found)
}
