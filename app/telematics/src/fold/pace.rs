//! The cadence of a car's words of motion, and the silence of the bus.

use serde::{Deserialize, Serialize};

use crate::cadence::Cadence;
use crate::intake::Stamped;
use crate::paced_time::PaceStep;
use crate::reading::SignalReading;
use crate::tick::TICK_MS_MAX;
use crate::trip::GAP_MS;

/// So many speeds in a row that differ, and the car says what has changed only.
const CHANGES_MIN: u32 = 8;

/// The cadence of the signals that tell of motion, and the silence of the bus.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct PaceWatch {
    speed: Cadence,
    battery: Cadence,
    odometer: Cadence,
    motion: Cadence,
    /// The longest silence of the whole bus since the last speed, and since the last battery power.
    hush_ms: i64,
    battery_hush_ms: i64,
    /// Speeds since the last one that was said again unchanged, and that one.
    changes: u32,
    last_kmh: Option<f64>,
    /// The last silence of the whole bus.
    silent_ms: i64,
    /// The head unit has listened since the last sample of the car's motion.
    is_heard: bool,
    /// The first moment since the start, or since the car was another one.
    heard_since_ms: Option<i64>,
}

impl PaceWatch {
    /// The bus was silent for so long.
    pub(super) fn pass(&mut self, silent_ms: i64) {
        self.silent_ms = silent_ms;
        self.hush_ms = self.hush_ms.max(silent_ms);
        self.battery_hush_ms = self.battery_hush_ms.max(silent_ms);
    }

    /// Nobody listened for a while.
    pub(super) fn lose_sight(&mut self) {
        (self.is_heard, self.heard_since_ms) = (false, None);
        (self.hush_ms, self.battery_hush_ms) = (i64::MAX, i64::MAX);
    }

    /// Takes the time of what was said.
    pub(super) fn note(&mut self, news: &[&Stamped]) {
        let live = news
            .iter()
            .filter(|stamped| !stamped.retained && !stamped.refitted);
        for Stamped { reading, at_ms, .. } in live.copied() {
            #[expect(
                clippy::wildcard_enum_match_arm,
                reason = "nothing else tells of motion"
            )]
            match reading {
                SignalReading::SpeedKmh(kmh) => {
                    let is_change = self.last_kmh.replace(*kmh) != Some(*kmh);
                    self.changes = if is_change {
                        self.changes.saturating_add(1)
                    } else {
                        0
                    };
                    self.speed.note(*at_ms);
                    self.hush_ms = 0;
                }
                SignalReading::BatteryW(_) => {
                    self.battery.note(*at_ms);
                    self.battery_hush_ms = 0;
                    continue;
                }
                SignalReading::OdometerM(_) => self.odometer.note(*at_ms),
                SignalReading::Moving(_) => {}
                _ => continue,
            }
            self.motion.note(*at_ms);
            self.is_heard = true;
        }
    }

    /// Returns how often the car says its speed.
    pub(super) fn speeds(&self) -> &Cadence {
        &self.speed
    }

    /// Returns whether the car says its speed only when it has changed.
    pub(super) fn is_on_change(&self) -> bool {
        self.changes >= CHANGES_MIN
    }

    /// Returns whether the head unit has listened since the last sample of the car's motion.
    pub(super) fn is_heard(&self) -> bool {
        self.is_heard
    }

    /// Notes that the head unit listens.
    pub(super) fn hear(&mut self, at_ms: i64) {
        self.heard_since_ms = self.heard_since_ms.or(Some(at_ms));
    }

    /// Returns since when the head unit listens.
    pub(super) fn heard_since_ms(&self) -> Option<i64> {
        self.heard_since_ms
    }

    /// Returns the longest time between two readings of the odometer that is no silence.
    pub(super) fn odometer_patience_ms(&self) -> Option<i64> {
        self.odometer.patience_ms()
    }

    /// Returns the longest time between two words of motion that is no silence.
    pub(super) fn usual_silence_ms(&self) -> i64 {
        let usual_ms = self.motion.patience_ms();
        usual_ms.map_or(GAP_MS, |usual_ms| usual_ms.max(GAP_MS))
    }

    /// Returns whether the bus was silent just before this moment.
    pub(super) fn was_hushed(&self) -> bool {
        self.silent_ms > GAP_MS
    }

    /// Tells what is known of a time between two speeds that is longer than a tick.
    pub(super) fn speed_step(&self, ms: i64) -> PaceStep {
        step(&self.speed, self.hush_ms, ms)
    }

    /// The same for the power of the battery.
    pub(super) fn battery_step(&self, ms: i64) -> PaceStep {
        step(&self.battery, self.battery_hush_ms, ms)
    }

    /// Forgets the times: the clock of the bus has been set back.
    pub(super) fn forget_times(&mut self) {
        for cadence in self.cadences() {
            cadence.forget_times();
        }
        self.heard_since_ms = None;
    }

    /// The time of the bus was wrong by so many milliseconds.
    pub(super) fn translate(&mut self, by_ms: i64) {
        for cadence in self.cadences() {
            cadence.translate(by_ms);
        }
        self.heard_since_ms = self.heard_since_ms.map(|at_ms| at_ms.saturating_add(by_ms));
    }

    fn cadences(&mut self) -> [&mut Cadence; 4] {
        let Self {
            speed,
            battery,
            odometer,
            motion,
            ..
        } = self;
        [speed, battery, odometer, motion]
    }
}

fn step(cadence: &Cadence, hush_ms: i64, ms: i64) -> PaceStep {
    let patience_ms = cadence.patience_ms();
    if patience_ms.is_some_and(|patience_ms| ms <= patience_ms) {
        PaceStep::Usual
    } else if hush_ms <= patience_ms.unwrap_or(0).max(TICK_MS_MAX) {
        PaceStep::Unchanged
    } else {
        PaceStep::Untold
    }
}
