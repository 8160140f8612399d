//! A message as a gateway publishes it.

use jiff::Timestamp;

use crate::message::Delivery;

/// A message of a gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GatewayMessage {
    pub topic: String,
    pub payload: String,
    /// Simulated time at which it goes out.
    pub at: Timestamp,
    /// The newest time in the payload, as it stands there; the time of going out when there is none.
    pub stamp: Timestamp,
    pub delivery: Delivery,
}
