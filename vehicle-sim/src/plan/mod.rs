//! A command, worked out into every message with its time, before anything is published.

mod car;
mod charge;
mod exchange;
mod fault;
mod messages;
mod script;
mod setup;

pub use exchange::MeterKind;

pub use charge::{EnergySource, SimulatedCharge};

pub use messages::Plan;

pub(crate) use messages::Mark;

pub(crate) use car::{Car, whole_second};
pub(crate) use fault::{BusFault, FaultKind};
pub(crate) use setup::Setup;
