//! The messages of a plan, and the meters after each step.

use jiff::Timestamp;

use crate::message::Message;
use crate::meters::CarMeters;

/// Everything that a command will publish.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// In the order of publishing, which is the order of time but for what a fault delays.
    pub messages: Vec<Message>,
    /// The meters as they stand once so many messages have been published, in that order.
    pub(crate) marks: Vec<Mark>,
    /// Before which messages the broker is to be restarted, in order.
    pub(crate) restarts: Vec<usize>,
}

/// The meters after a step of the plan.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Mark {
    /// The number of messages up to here.
    pub(crate) messages: usize,
    pub(crate) at: Timestamp,
    pub(crate) meters: CarMeters,
}

impl Plan {
    /// The time of the first message and the latest time of any.
    pub fn span(&self) -> (Timestamp, Timestamp) {
        let latest = self.messages.iter().map(|message| message.at).max();
        match (self.messages.first(), latest) {
            (Some(first), Some(latest)) => (first.at, latest),
            (_, None) | (None, _) => (Timestamp::UNIX_EPOCH, Timestamp::UNIX_EPOCH),
        }
    }
}
