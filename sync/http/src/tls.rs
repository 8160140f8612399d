//! TLS to the one authority that the operator pinned, at a time that a wrong clock cannot spoil.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use dashpoint_membership::ServerTime;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::time_provider::TimeProvider;
use rustls::{ClientConfig, RootCertStore};

/// Reads the system clock, in seconds since 1970-01-01T00:00:00Z; `None` while there is a reason to doubt it.
pub type SystemClock = Arc<dyn Fn() -> Option<i64> + Send + Sync>;

/// The time by which certificates are judged: the last signed server time or the build, whichever is later; the system
/// clock when it is good and later still.
///
/// Clones share the time.
#[derive(Clone)]
pub struct TlsTime {
    floor_unix_s: Arc<AtomicI64>,
    system: SystemClock,
}

impl TlsTime {
    /// Starts from the time of the build or the last signed server time, whichever is later.
    #[must_use]
    pub fn new(floor: ServerTime, system: SystemClock) -> Self {
        Self {
            floor_unix_s: Arc::new(AtomicI64::new(floor.as_unix_s())),
            system,
        }
    }

    /// Takes the last signed server time. It may be earlier than one before it, which a clock that was ahead has signed; it
    /// must be of a document that was verified and accepted, since nothing else may bring an expired certificate back.
    pub fn signed(&self, at: ServerTime) {
        self.floor_unix_s.store(at.as_unix_s(), Ordering::Relaxed);
    }

    /// The time by which certificates are judged now.
    #[must_use]
    pub fn current(&self) -> ServerTime {
        let floor = self.floor_unix_s.load(Ordering::Relaxed);
        ServerTime::from_unix_s((self.system)().map_or(floor, |system| system.max(floor)))
    }
}

impl fmt::Debug for TlsTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TlsTime").field(&self.current()).finish()
    }
}

impl TimeProvider for TlsTime {
    fn current_time(&self) -> Option<UnixTime> {
        let seconds = u64::try_from(self.current().as_unix_s()).ok()?;
        Some(UnixTime::since_unix_epoch(Duration::from_secs(seconds)))
    }
}

/// Reasons that TLS cannot be set up from the pinned authority.
#[derive(Debug, thiserror::Error)]
pub enum TlsSetupError {
    /// The text is not PEM.
    #[error("the cloud's authority is not a PEM file")]
    Pem(#[source] rustls::pki_types::pem::Error),
    /// No certificate in it.
    #[error("the file of the cloud's authority holds no certificate")]
    Empty,
    /// A certificate in it, or TLS itself, is refused.
    #[error("the cloud's authority cannot be used")]
    Refused(#[source] rustls::Error),
}

/// A client that trusts the certificates in the PEM text and nobody else; nobody at all without one.
pub fn client_config(
    authority_pem: Option<&[u8]>,
    time: TlsTime,
) -> Result<ClientConfig, TlsSetupError> {
    let mut roots = RootCertStore::empty();
    if let Some(pem) = authority_pem {
        for certificate in CertificateDer::pem_slice_iter(pem) {
            roots
                .add(certificate.map_err(TlsSetupError::Pem)?)
                .map_err(TlsSetupError::Refused)?;
        }
        if roots.is_empty() {
            return Err(TlsSetupError::Empty);
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_details(provider, Arc::new(time))
        .with_safe_default_protocol_versions()
        .map_err(TlsSetupError::Refused)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(config)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(floor: i64, system: Option<i64>) -> TlsTime {
        TlsTime::new(ServerTime::from_unix_s(floor), Arc::new(move || system))
    }

    #[test]
    fn the_last_signed_time_counts_or_a_later_one_of_the_system() {
        for (floor, system, signed, expected) in [
            (100, None, None, 100),
            (100, Some(50), None, 100),
            (100, Some(150), None, 150),
            (100, None, Some(120), 120),
            (100, Some(110), Some(120), 120),
            (9_000, None, Some(120), 120),
            (9_000, Some(110), Some(120), 120),
            (9_000, Some(150), Some(120), 150),
        ] {
            let time = time(floor, system);
            if let Some(signed) = signed {
                time.signed(ServerTime::from_unix_s(signed));
            }
            assert_eq!(time.current().as_unix_s(), expected);
        }
    }

    #[test]
    fn an_authority_must_hold_a_certificate() {
        for bad in [
            &b""[..],
            b"no pem at all",
            b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        ] {
            assert!(client_config(Some(bad), time(0, None)).is_err());
        }
    }
}
