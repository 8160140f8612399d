//! One seed, one life: cars, a cloud, a network, clocks and disks, all faulty, around the real machines.
//!
//! Real are the engine of the head unit with its reconciler, store, books and rules, SQLite, the signatures, the core of
//! the cloud. The model is what lies around them: the vehicle, the network, the clocks, the disks, and the thin edge of
//! HTTP. After every step the oracle holds what the screen shows against what the cloud has settled.

mod api_layer;
mod car;
mod chain_times;
mod cloud;
mod cloud_clock;
mod cloud_record;
mod convergence;
mod coverage;
mod doubt;
mod drivers;
mod driving;
mod enrolment;
mod failing;
mod flight;
mod meters;
mod mischief;
mod network;
mod oracle;
mod people;
mod planted;
mod policy;
mod random;
mod refusal;
mod replaced;
mod replaced_car;
mod silent_counters;
mod stranger;
mod travelling;
mod vehicle;
mod violation;
mod weather;
mod world;

pub use coverage::{Counts, Coverage, ENOUGH};
pub use failing::{Lived, Side, fail_at_every_call};
pub use planted::Planted;
pub use violation::Violation;

use world::SimulatedWorld;

/// Lives one seed to its end, with a bug planted at a seam if there is to be one, and returns what it has reached.
///
/// # Errors
/// [`Violation`] when the promise was broken; the same seed breaks it again.
pub fn run_seed(seed: u64, planted: Option<Planted>) -> Result<Coverage, Violation> {
    SimulatedWorld::new(seed, planted)?.live()
}
