//! The messages of a plan, and the meters after each step.

use jiff::Timestamp;

use crate::message::{Delivery, Message};
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
    /// The number of messages that are samples (QoS 0).
    pub fn samples(&self) -> usize {
        self.messages
            .iter()
            .filter(|message| message.delivery == Delivery::Sample)
            .count()
    }

    /// The time of the first message and the latest time of any.
    pub fn span(&self) -> (Timestamp, Timestamp) {
        let latest = self.messages.iter().map(|message| message.at).max();
        match (self.messages.first(), latest) {
            (Some(first), Some(latest)) => (first.at, latest),
            (_, None) | (None, _) => (Timestamp::UNIX_EPOCH, Timestamp::UNIX_EPOCH),
        }
    }

    /// Returns the car's state when only the first `published` messages went out: the meters of the step that the last
    /// of them belongs to, since the head unit may have seen any of its messages. `None` when nothing went out.
    pub(crate) fn mark_after(&self, published: usize) -> Option<&Mark> {
        if published == 0 {
            return None;
        }
        let at = self.marks.partition_point(|mark| mark.messages < published);
        self.marks.get(at).or(self.marks.last())
    }
}
