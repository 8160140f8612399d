//! Access to the in-vehicle broker.

use std::fmt;
use std::sync::Arc;

use rustls::ClientConfig;

use super::Mapping;

/// Access to the in-vehicle broker, and the topics there.
#[derive(Debug, Clone)]
pub struct BusConfig {
    /// Host name or address.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// Topic and conversion of each signal.
    pub mapping: Mapping,
    /// TLS, when the broker wants it.
    pub tls: Option<Arc<ClientConfig>>,
    /// Name and password, when the broker wants them.
    pub login: Option<BusLogin>,
}

/// Name and password at the in-vehicle broker.
#[derive(Clone, PartialEq, Eq)]
pub struct BusLogin {
    /// The name.
    pub user: String,
    /// The password.
    pub password: String,
}

impl fmt::Debug for BusLogin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BusLogin")
            .field("user", &self.user)
            .finish_non_exhaustive()
    }
}
