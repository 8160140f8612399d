//! Access to the in-vehicle broker.

use std::path::Path;
use std::sync::Arc;
use std::{fmt, fs, io};

use rustls::ClientConfig;

use super::Mapping;

/// Splits the `HOST:PORT` of a broker.
#[must_use]
pub fn host_and_port(text: &str) -> Option<(String, u16)> {
    let (host, port) = text.rsplit_once(':')?;
    let port = port.parse().ok()?;
    (!host.is_empty()).then(|| (host.to_owned(), port))
}

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

impl BusLogin {
    /// Reads the password, which is the first line of a file; `None` when there is none.
    ///
    /// # Errors
    /// An error of the file.
    pub fn read(user: String, file: &Path) -> io::Result<Option<Self>> {
        let text = fs::read_to_string(file)?;
        let password = text.lines().next().map(str::to_owned);
        Ok(password.map(|password| Self { user, password }))
    }
}

impl fmt::Debug for BusLogin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BusLogin")
            .field("user", &self.user)
            .finish_non_exhaustive()
    }
}
