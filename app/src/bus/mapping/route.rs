//! The route of one signal, for reports.

use dashpoint_telematics::Signal;

use crate::bus::conversion::Conversion;

/// Topic and conversion of one signal.
#[derive(Debug, Clone, PartialEq)]
pub struct Route {
    /// The signal.
    pub signal: Signal,
    /// Its topic, or the first of two; none when the car cannot say it, or when what is written of it is wrong.
    pub topic: Option<String>,
    /// Conversion of its values.
    pub conversion: Conversion,
    /// Place in the message, other topics and constants, in words for a report; empty for a plain value.
    pub place: String,
}
