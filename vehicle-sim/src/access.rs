//! Credentials for a broker that requires them.

use std::error::Error;
use std::fmt;
use std::fs;
use std::io;
use std::iter;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rumqttc::{ConnectReturnCode, ConnectionError};
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};

use crate::error::SimError;

/// Credentials for the broker; none by default.
#[derive(Debug, Clone, Default)]
pub struct Access {
    /// Name and password.
    pub login: Option<BrokerLogin>,
    /// An encrypted connection, and who the simulator is on it.
    pub tls: Option<Tls>,
}

/// Name and password.
#[derive(Clone, PartialEq, Eq)]
pub struct BrokerLogin {
    pub(crate) user: String,
    pub(crate) password: String,
}

impl fmt::Debug for BrokerLogin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Login")
            .field("user", &self.user)
            .finish_non_exhaustive()
    }
}

impl BrokerLogin {
    /// A name, and a file with its password in the first line.
    ///
    /// # Errors
    /// When there is none.
    pub fn read(user: &str, password_file: &Path) -> Result<Self, SimError> {
        let text = fs::read_to_string(password_file).map_err(|source| SimError::Read {
            path: password_file.to_owned(),
            source,
        })?;
        match text.lines().next() {
            Some(password) if !password.is_empty() => Ok(Self {
                user: user.to_owned(),
                password: password.to_owned(),
            }),
            Some(_) | None => Err(SimError::NoPassword {
                path: password_file.to_owned(),
            }),
        }
    }
}

/// TLS, set up.
#[derive(Debug, Clone)]
pub struct Tls(pub(crate) Arc<ClientConfig>);

impl Tls {
    /// PEM files: the authority that vouches for the broker, and the simulator's own certificate with its key.
    ///
    /// # Errors
    /// When a file does not hold what it should.
    pub fn read(authority: &Path, own: Option<(&Path, &Path)>) -> Result<Self, SimError> {
        let mut authorities = RootCertStore::empty();
        for certificate in certificates(authority)? {
            authorities.add(certificate).map_err(SimError::Tls)?;
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(SimError::Tls)?
            .with_root_certificates(authorities);
        let config = match own {
            None => builder.with_no_client_auth(),
            Some((certificate, key)) => {
                let own_key = PrivateKeyDer::from_pem_file(key)
                    .map_err(|source| broken(key, "a private key", source))?;
                builder
                    .with_client_auth_cert(certificates(certificate)?, own_key)
                    .map_err(SimError::Tls)?
            }
        };
        Ok(Self(Arc::new(config)))
    }
}

/// Every certificate of a file, at least one.
fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, SimError> {
    let found: Vec<_> = CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect)
        .map_err(|source| broken(path, "a certificate", source))?;
    if found.is_empty() {
        return Err(broken(path, "a certificate", pem::Error::NoItemsFound));
    }
    Ok(found)
}

fn broken(path: &Path, expected: &'static str, source: pem::Error) -> SimError {
    SimError::Pem {
        path: PathBuf::from(path),
        expected,
        source: Box::new(source),
    }
}

/// The reason that a reachable broker gives no connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ConnectionRefusal {
    /// It does not want this client.
    ByBroker,
    /// It is not who it should be.
    OfBroker,
}

impl ConnectionRefusal {
    /// Classifies a failed attempt to connect; `None` when no broker answers.
    pub(crate) fn of(error: &ConnectionError) -> Option<Self> {
        if let Some(rustls::Error::InvalidCertificate(_)) = tls_error(error) {
            return Some(Self::OfBroker);
        }
        match error {
            // TLS 1.3 tells a client that shows no certificate only after the handshake, where MQTT has begun; and a
            // broker with TLS hangs up on whoever comes without.
            ConnectionError::ConnectionRefused(
                ConnectReturnCode::BadUserNamePassword | ConnectReturnCode::NotAuthorized,
            )
            | ConnectionError::Tls(_)
            | ConnectionError::MqttState(_) => Some(Self::ByBroker),
            ConnectionError::ConnectionRefused(_)
            | ConnectionError::Io(_)
            | ConnectionError::NetworkTimeout
            | ConnectionError::FlushTimeout
            | ConnectionError::NotConnAck(_)
            | ConnectionError::RequestsDone
            | ConnectionError::DisconnectTimeout
            | ConnectionError::SessionStateMismatch { .. }
            | ConnectionError::SessionStore(_)
            | ConnectionError::SessionRestore(_)
            | ConnectionError::BrokerTransportMismatch
            // The enum is open: a reason that is not known here says nothing about this client.
            | _ => None,
        }
    }
}

/// Finds the TLS error in a connection error, wherever it is nested.
fn tls_error(error: &ConnectionError) -> Option<&rustls::Error> {
    let first: &(dyn Error + 'static) = error;
    let causes = iter::successors(Some(first), |cause| (*cause).source());
    causes
        .filter_map(|cause| cause.downcast_ref::<io::Error>()?.get_ref())
        .find_map(|inside| inside.downcast_ref::<rustls::Error>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_in_the_files_is_checked_before_anything_is_said() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        let missing = BrokerLogin::read("gateway", &file).unwrap_err();
        assert!(missing.to_string().contains("cannot read"), "{missing}");
        fs::write(&file, "\nsecret\n").unwrap();
        let empty = BrokerLogin::read("gateway", &file).unwrap_err().to_string();
        assert!(empty.ends_with("no password in its first line"), "{empty}");
        fs::write(&file, "secret\nnot this\n").unwrap();
        let login = BrokerLogin::read("gateway", &file).unwrap();
        assert_eq!(login.password, "secret");
        assert!(!format!("{login:?}").contains("secret"));
        let no_pem = Tls::read(&file, None).unwrap_err().to_string();
        assert!(no_pem.ends_with("expected a certificate, PEM"), "{no_pem}");
    }
}
