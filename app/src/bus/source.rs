//! Topics that carry more than one plain value: places in JSON, several signals, operands of a join.

use dashpoint_telematics::{Signal, Value};

use super::conversion::Conversion;
use super::pointer::Pointers;
use super::time_form::TimeForm;

/// The use of a topic.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum TopicUse {
    /// One signal, whose value is the whole payload: the index of its route.
    Plain(usize),
    /// Anything else.
    Shared(Box<SharedTopic>),
}

/// A topic of several sources. Its text is parsed once for all of them.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct SharedTopic {
    pub(super) pointers: Pointers,
    pub(super) sources: Vec<TopicSource>,
}

/// One value that a topic carries.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct TopicSource {
    pub(super) signal: Signal,
    pub(super) place: SourcePlace,
    /// Slots that must have these texts; else the message is about something else.
    pub(super) only: Vec<(usize, String)>,
    pub(super) conversion: Conversion,
    pub(super) sink: Sink,
    /// Said before each value of this one, at its time.
    pub(super) beside: Vec<(Signal, Value)>,
}

/// The place of a value in its message.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum SourcePlace {
    /// The whole payload: a value, or a data point.
    Whole,
    /// A slot of a JSON text, and one of its time.
    Slot {
        value: usize,
        time: Option<(usize, TimeForm)>,
    },
}

/// The use of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sink {
    /// It is its signal's.
    Signal,
    /// It is an operand: the index of the join, and its side.
    Operand { join: usize, side: usize },
}

/// The way in which two operands become one value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Joining {
    /// The one times the other, such as volts and amperes.
    Product,
    /// The one less the other, such as energy used and energy put back.
    Difference,
}

/// Two operands that become one value of a signal.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Join {
    pub(super) signal: Signal,
    pub(super) joining: Joining,
    /// Distance of the operands' times at most, in milliseconds.
    pub(super) within_ms: u64,
    /// Conversion of the result.
    pub(super) conversion: Conversion,
    /// Said before each value, at its time.
    pub(super) beside: Vec<(Signal, Value)>,
}
