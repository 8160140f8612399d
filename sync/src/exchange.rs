//! Requests to the cloud and their answers, independent of sockets.

/// Kind of request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Method {
    /// Reads.
    Get,
    /// Writes.
    Post,
}

impl Method {
    /// The name as HTTP and the request token spell it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
        }
    }
}

/// The proof of a request's origin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Credential {
    /// Not at all: enrolment, before there is a device.
    None,
    /// A token signed by the device key over method, path, body digest, time and the cloud's nonce if it gave one.
    Device {
        /// From the refusal that this request answers.
        nonce: Option<[u8; 16]>,
    },
}

/// A request to the cloud, ready but for signature and compression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpRequest {
    /// Kind of request.
    pub method: Method,
    /// Path and query, from `/v1` on.
    pub path: String,
    /// Canonical CBOR, not yet deflated; empty for a read.
    pub body: Vec<u8>,
    /// The proof of the request's origin.
    pub credential: Credential,
}

/// An answer of the cloud, inflated within its bound.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// Status code.
    pub status: u16,
    /// Pause that the cloud asks for, in seconds.
    pub retry_after_s: Option<u64>,
    /// The body as it was before it was deflated.
    pub body: Vec<u8>,
}

/// The reason for a missing answer; it is unknown whether the request arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TransportFailure {
    /// No connection: no network, no name, nobody listening, cut off.
    Unreachable,
    /// No answer in time.
    TimedOut,
    /// A connection whose other end could not prove to be the cloud.
    Tls,
    /// An answer that is no HTTP, does not inflate, or is longer than its bound.
    BadAnswer,
    /// The request could not be made: the device key does not sign.
    NotSent,
}
