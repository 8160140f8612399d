//! The in-vehicle bus: VSS 6.0 signals on MQTT.
//!
//! A lossy pipe: no promise rests on it. What a lost sample costs is told by the evidence as missed seconds.

mod access;
mod conversion;
mod decode;
mod ended;
mod link;
mod mapping;
mod mqtt;
mod payload;
mod pointer;
mod pulse;
mod shorten;
mod source;
#[cfg(test)]
mod tests;
mod time_form;
mod tls;
mod units;
mod words;

pub use access::{BusConfig, BusLogin, host_and_port};
pub use mapping::{IGNITION_ON, Mapping, MappingError, Route};
pub use mqtt::{Bus, wait_for_vin};
pub use payload::{PayloadError, typed};
pub use tls::{TlsError, TlsFiles, client_config};

use dashpoint_telematics::{Signal, Value};

/// Topic under which a VSS path is published, with dots as slashes (KUKSA's publisher).
pub const TOPIC_PREFIX: &str = "vss/";

/// Topic on which the head unit says how far it has come, for a simulator that must not outrun it.
pub const SEEN_TOPIC: &str = "dashpoint/seen";

/// Inputs from the bus.
#[derive(Debug, Clone, PartialEq)]
pub enum BusInput {
    /// A value of a signal.
    Sample {
        /// The signal.
        signal: Signal,
        /// The value in the type and the unit of its signal.
        value: Value,
        /// Time of the value, in milliseconds since 1970-01-01T00:00:00Z; `None` for a bare value.
        ts_ms: Option<i64>,
        /// True when the broker had retained it: state, never an edge.
        retained: bool,
    },
    /// A payload that is no data point.
    Refused {
        /// The signal.
        signal: Signal,
        /// The reason.
        error: PayloadError,
    },
    /// A message on a topic that nobody asked for.
    UnknownTopic,
    /// The connection was made.
    Connected,
    /// The connection was lost; it is being rebuilt.
    Lost,
}

/// The topic of a path: dots become slashes.
fn topic_under(prefix: &str, path: &str) -> String {
    format!("{prefix}{}", path.replace('.', "/"))
}
