//! The time, new ids and the form of the output, which the commands get from outside.

use dashpoint_membership::ServerTime;

/// Inputs of the commands from outside: the time, new ids, and the output.
#[derive(Debug, Clone, Copy)]
pub struct Edge {
    /// The time by the cloud's clock.
    pub now: ServerTime,
    /// New random ids, drawn whether they are needed or not.
    pub ids: [[u8; 16]; 2],
    /// Write JSON in place of a table.
    pub json: bool,
}
