//! The HTTPS transport of the car: sends one request of the reconciler and returns one answer, over TLS to the pinned
//! authority.
//!
//! It decides nothing: `dashpoint-sync` makes the requests and reads the answers. The only sockets to the cloud are here.

mod base_url;
mod retry_after;
mod tls;
mod transport;

pub use base_url::{BaseUrl, BaseUrlError, check_base_url};
pub use retry_after::retry_after_s;
pub use tls::{SystemClock, TlsSetupError, TlsTime};
pub use transport::{Signer, Timeouts, Transport, TransportError, TransportSetup};
