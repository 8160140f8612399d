//! One seed, one life: cars, a cloud, a network, clocks and disks, all faulty, around the real machines.
//!
//! Real are the engine of the head unit with its reconciler, store, books and rules, SQLite, the signatures, the core of
//! the cloud. The model is what lies around them: the vehicle, the network, the clocks, the disks, and the thin edge of
//! HTTP. After every step the oracle holds what the screen shows against what the cloud has settled.

mod car;
mod chain_times;
mod cloud;
mod cloud_books;
mod cloud_clock;
mod crew;
mod doubt;
mod edge;
mod enrolment;
mod failing;
mod mischief;
mod oracle;
mod people;
mod planted;
mod policy;
mod post;
mod random;
mod rest;
mod road;
mod stranger;
mod tally;
mod travelling;
mod vehicle;
mod weather;
mod world;

use std::fmt;

pub use failing::{Lived, Side, fail_at_every_call};
pub use planted::Planted;
pub use tally::{Counts, ENOUGH, Tally};

use world::World;

/// The promise was broken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    what: String,
    story: Vec<String>,
}

impl Violation {
    pub(crate) const fn new(what: String) -> Self {
        Self {
            what,
            story: Vec::new(),
        }
    }

    pub(crate) fn after(self, story: impl IntoIterator<Item = String>) -> Self {
        Self {
            story: story.into_iter().collect(),
            ..self
        }
    }

    /// Returns the last steps before the violation, oldest first.
    #[must_use]
    pub fn story(&self) -> &[String] {
        &self.story
    }

    pub(crate) fn at(self, at: &str) -> Self {
        Self {
            what: format!("{at}: {}", self.what),
            story: self.story,
        }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

/// Lives one seed to its end, with a bug planted at a seam if there is to be one, and returns what it has reached.
///
/// # Errors
/// [`Violation`] when the promise was broken; the same seed breaks it again.
pub fn run_seed(seed: u64, planted: Option<Planted>) -> Result<Tally, Violation> {
    World::new(seed, planted)?.live()
}
