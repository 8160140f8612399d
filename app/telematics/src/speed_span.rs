//! Changes of speed that braking is told from, and what the published acceleration says of them.

use serde::{Deserialize, Serialize};

/// More than any road car brakes or speeds up by, in thousandths of g.
pub(crate) const IMPOSSIBLE_MG: f64 = 1_200.0;
/// A force turns by no more in a second, in thousandths of g: a driver who has braked hard has yet to find the other pedal.
const TURN_MG_PER_S: f64 = 400.0;
/// Two sources differ in a braking when they are further apart, in thousandths of g: it is hard by one, and soft by the other.
const APART_MG: f64 = 100.0;
/// Braking and speeding up for which two sources are compared at least.
const COMPARED_MS_MIN: u64 = 10_000;

pub(crate) const MG_PER_MPS2: f64 = 1_000.0 / 9.806_65;
pub(crate) const KMH_PER_MPS: f64 = 3.6;

/// The mean of a published acceleration.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct PublishedForce {
    mg_ms: f64,
    ms: u64,
}

impl PublishedForce {
    pub(crate) fn add(&mut self, ms: u64, mg: f64) {
        self.mg_ms += mg * ms as f64;
        self.ms += ms;
    }

    /// Returns its mean over a time, when it was there for enough of it.
    fn mean_mg(self, span_ms: u64) -> Option<f64> {
        let covers = self.ms > 0 && self.ms * 2 >= span_ms && self.ms * 4 <= span_ms * 5;
        covers.then(|| self.mg_ms / self.ms as f64)
    }
}

/// A change of speed: it is judged when the next one is known.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct SpeedSpan {
    pub(crate) from_ms: i64,
    pub(crate) to_ms: i64,
    pub(crate) from_kmh: f64,
    pub(crate) to_kmh: f64,
    /// Time that the change may have taken, if that is longer.
    pub(crate) over_ms: i64,
    pub(crate) published: PublishedForce,
}

impl SpeedSpan {
    fn ms(&self) -> u64 {
        self.to_ms.abs_diff(self.from_ms)
    }

    fn over(&self, ms: u64) -> f64 {
        let backward_mps2 = (self.from_kmh - self.to_kmh) / KMH_PER_MPS / (ms as f64 / 1_000.0);
        backward_mps2 * MG_PER_MPS2
    }

    /// The force backwards in thousandths of g.
    pub(crate) fn mg(&self) -> f64 {
        self.over(self.ms().max(self.over_ms.unsigned_abs()))
    }

    /// Returns whether no car changes its speed so fast.
    pub(crate) fn is_impossible(&self) -> bool {
        self.over(self.ms()).abs() > IMPOSSIBLE_MG
    }

    /// Returns whether it takes the change before it back, so soon that the speed between both was none.
    pub(crate) fn takes_back(&self, last: &Self) -> bool {
        let follows = last.to_ms == self.from_ms && last.to_kmh == self.from_kmh;
        let (last_mg, mg) = (last.over(last.ms()), self.over(self.ms()));
        let is_opposite = last_mg * mg < 0.0;
        let is_alike = last_mg.abs().min(mg.abs()) * 2.0 > last_mg.abs().max(mg.abs());
        let turn_s = (last.ms() + self.ms()) as f64 / 2_000.0;
        follows && is_opposite && is_alike && (last_mg - mg).abs() > TURN_MG_PER_S * turn_s
    }

    /// The time of the bus was wrong by so many milliseconds.
    pub(crate) fn translate(&mut self, by_ms: i64) {
        self.from_ms = self.from_ms.saturating_add(by_ms);
        self.to_ms = self.to_ms.saturating_add(by_ms);
    }
}

/// The distance of the published acceleration from that of the speed, where one of both tells of some.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct ForceDifference {
    apart_mg_ms: f64,
    ms: u64,
}

impl ForceDifference {
    pub(crate) fn note(&mut self, span: &SpeedSpan) {
        let speed_mg = span.over(span.ms());
        let Some(published_mg) = span.published.mean_mg(span.ms()) else {
            return;
        };
        if speed_mg.abs().max(published_mg.abs()) > APART_MG {
            self.apart_mg_ms += (speed_mg - published_mg).abs() * span.ms() as f64;
            self.ms += span.ms();
        }
    }

    /// Returns whether both disagree all the time.
    pub(crate) fn is_steady(&self) -> bool {
        self.ms >= COMPARED_MS_MIN && self.apart_mg_ms > APART_MG * self.ms as f64
    }
}
