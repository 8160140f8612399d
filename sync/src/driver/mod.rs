//! The only sockets of this crate: one request out, one answer back, over TLS to the pinned authority.

mod base_url;
mod retry_after;
mod tls;
mod transport;

pub use base_url::{BaseUrl, BaseUrlError, check_base_url};
pub use retry_after::retry_after_s;
pub use tls::{SystemClock, TlsSetupError, TlsTime};
pub use transport::{Setup, Signer, Timeouts, Transport, TransportError};
