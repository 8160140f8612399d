//! Vehicle signals folded into trips, charging sessions and their evidence.
//!
//! Pure: no clock, no files, no network. Event time drives everything; what arrives when makes no difference beyond the
//! two seconds that a sample may be late.

mod charge;
mod checkpoint;
mod counts;
mod discharge;
mod drive_state;
mod driver;
mod factors;
mod fold;
mod intake;
mod marks;
mod meter;
mod outcome;
mod picture;
mod reading;
mod settings;
mod signal;
mod telematics;
mod trip;

pub use checkpoint::Checkpoint;
pub use counts::{Counts, Fault, SignalCounts};
pub use drive_state::{DriveState, Motion, drive_state};
pub use driver::Driver;
pub use marks::{Marks, MeterMark};
pub use outcome::{
    BrakingSource, ChargeStep, ChargeTrace, DischargeTrace, Finished, Outcome, PrivateEvidence,
    Spell, TripEnd, TripTrace,
};
pub use reading::{Sample, Value};
pub use settings::Settings;
pub use signal::{Signal, ValueKind};
pub use telematics::Telematics;
