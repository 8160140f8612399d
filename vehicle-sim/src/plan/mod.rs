//! A command, worked out into every message with its time, before anything is published.

mod charge;
mod drive;
mod script;

pub use charge::{Charge, EnergySource};

pub(crate) use charge::plan_charge;
pub(crate) use drive::{DriveInput, plan_drive};
pub(crate) use script::Script;

use jiff::Timestamp;

use crate::message::{Delivery, Message};
use crate::meters::Meters;

/// Everything that a command will publish.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// In the order of publishing and of time. Never empty.
    pub messages: Vec<Message>,
    /// The meters as they stand once so many messages have been published, in that order.
    pub(crate) marks: Vec<Mark>,
}

/// The meters after a step of the plan.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Mark {
    /// How many messages it takes to get here.
    pub(crate) messages: usize,
    pub(crate) at: Timestamp,
    pub(crate) meters: Meters,
}

impl Plan {
    /// The number of messages that are samples (QoS 0).
    pub fn samples(&self) -> usize {
        self.messages
            .iter()
            .filter(|message| message.delivery == Delivery::Sample)
            .count()
    }

    /// The times of the first and the last message.
    pub fn span(&self) -> (Timestamp, Timestamp) {
        match (self.messages.first(), self.messages.last()) {
            (Some(first), Some(last)) => (first.at, last.at),
            (_, None) | (None, _) => (Timestamp::UNIX_EPOCH, Timestamp::UNIX_EPOCH),
        }
    }

    /// Where the car stands when only the first `published` messages went out: the meters of the step that the last
    /// of them belongs to, since the head unit may have seen any of its messages. `None` when nothing went out.
    pub(crate) fn mark_after(&self, published: usize) -> Option<&Mark> {
        if published == 0 {
            return None;
        }
        let at = self.marks.partition_point(|mark| mark.messages < published);
        self.marks.get(at).or(self.marks.last())
    }
}
