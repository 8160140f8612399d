//! Classifies the end of a connection to the in-vehicle broker, and words it.

use std::error::Error;
use std::io;
use std::iter;

use super::access::BusConfig;
use super::link::BusLinkError;

/// The end of a connection, or the reason that there was none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ended {
    /// Nothing was heard for too long.
    Silent,
    /// It broke.
    Lost,
    /// Nobody is there, or hangs up before a word.
    Absent,
    /// The broker wants to be shown something else.
    Refused,
    /// The broker is not who it should be.
    Untrusted,
}

impl Ended {
    /// Classifies an error of the connection.
    pub(super) fn by(error: &BusLinkError) -> Self {
        match tls_error(error) {
            Some(rustls::Error::InvalidCertificate(_)) => return Self::Untrusted,
            // TLS 1.3 tells a client that shows no certificate only after the handshake, where MQTT has begun.
            Some(_) => return Self::Refused,
            None => {}
        }
        match error {
            BusLinkError::Silent(_) => Self::Silent,
            BusLinkError::Refused(_) | BusLinkError::Host(_) => Self::Refused,
            BusLinkError::Slow
            | BusLinkError::Closed
            | BusLinkError::Io(_)
            | BusLinkError::Malformed(_)
            | BusLinkError::Length(_)
            | BusLinkError::Unexpected => Self::Lost,
        }
    }

    /// The same, where there was no connection yet.
    pub(super) fn before_it_began(self) -> Self {
        match self {
            Self::Silent | Self::Lost | Self::Absent => Self::Absent,
            Self::Refused | Self::Untrusted => self,
        }
    }

    /// Says what whoever set the bus up can do about it.
    pub(super) fn tell(self, config: &BusConfig) {
        let BusConfig { host, port, .. } = config;
        match self {
            Self::Absent => {
                tracing::warn!(
                    "there is no broker at {host}:{port} yet; it is tried again each second"
                );
            }
            Self::Refused => tracing::error!(
                "the broker is there and does not let the head unit in; look at user, password_file and tls in [bus]"
            ),
            Self::Untrusted => tracing::error!(
                "the broker at {host}:{port} is not one that the authority in [bus.tls] vouches for"
            ),
            Self::Silent | Self::Lost => {}
        }
    }
}

/// Finds the TLS error in a connection error, wherever it is nested.
fn tls_error(error: &BusLinkError) -> Option<&rustls::Error> {
    let first: &(dyn Error + 'static) = error;
    let causes = iter::successors(Some(first), |cause| (*cause).source());
    causes
        .filter_map(|cause| cause.downcast_ref::<io::Error>()?.get_ref())
        .find_map(|inside| inside.downcast_ref::<rustls::Error>())
}
