//! Vehicle signals folded into trips, charging sessions and their evidence.
//!
//! Pure: no clock, no files, no network. Event time drives everything; what arrives when makes no difference within the
//! two seconds that a sample may be late. A sample that is later, but newer for its own signal, counts at its arrival.

mod ahead;
mod cadence;
mod charge;
mod checkpoint;
mod counts;
mod discharge;
mod drive_state;
mod driver;
mod evidence;
mod fact_watch;
mod factors;
mod fold;
mod held_speed;
mod intake;
mod marks;
mod meter;
mod meter_opened;
mod no_reading;
mod outcome;
mod paced_time;
mod parked_trip;
mod picture;
mod price_rules;
mod probation;
mod reading;
mod settings;
mod signal;
mod speed_span;
mod stretch;
mod telematics;
mod tick;
mod trip;
mod vehicle_fact;

pub use cadence::STEP_MS_MAX;
pub use checkpoint::Checkpoint;
pub use counts::{Counts, Fault, SignalCounts};
pub use drive_state::{DriveState, Motion, drive_state};
pub use driver::Driver;
pub use evidence::{
    BrakingSource, ChargeStep, ChargeTrace, DischargeTrace, Finished, PrivateEvidence, Spell,
    TripEnd, TripTrace,
};
pub use marks::{Marks, MeterMark};
pub use meter_opened::MeterOpened;
pub use outcome::Outcome;
pub use reading::{Sample, Value};
pub use settings::Settings;
pub use signal::{FORMER_PATHS, Signal, ValueKind};
pub use telematics::Telematics;
pub use vehicle_fact::VehicleFact;
