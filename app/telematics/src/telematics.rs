//! The fold as a whole: samples in, outcomes out.

use crate::cadence::STEP_MS_MAX;
use crate::checkpoint::Checkpoint;
use crate::counts::Counts;
use crate::drive_state::{DriveState, MotionWatch};
use crate::driver::Driver;
use crate::fact_watch::FactWatch;
use crate::fold::{FoldContext, FoldOutcome, VehicleFold};
use crate::intake::{Batch, Intake, KeptClocks, Stamped, TakenSample, TimeChange, TimeCheck};
use crate::marks::{Marks, MeterMark};
use crate::outcome::Outcome;
use crate::reading::{Sample, SignalReading};
use crate::settings::Settings;
use crate::vehicle_fact::VehicleFact;

/// Vehicle signals folded into trips and charging sessions.
///
/// It reads no clock: it knows the times of the samples, and the silences that [`Telematics::quiet`] tells. The same samples with
/// the same silences give the same outcomes. Without silences, as from a recording, a clock that is off may be placed otherwise.
#[derive(Debug)]
pub struct Telematics {
    settings: Settings,
    intake: Intake,
    fold: VehicleFold,
    motion: MotionWatch,
    facts: FactWatch,
    counts: Counts,
    /// True when the samples are of another vehicle than the marks.
    is_elsewhere: bool,
}

impl Telematics {
    /// Time without a word after which no trip can be open any more, in milliseconds: the longest silence within one, and what may
    /// be late.
    pub const QUIET_MS_MAX: i64 = STEP_MS_MAX + 30_000;

    /// A fold that knows nothing but what is settled.
    #[must_use]
    pub fn new(settings: Settings, marks: Marks) -> Self {
        Self {
            settings,
            intake: Intake::default(),
            fold: VehicleFold::new(marks),
            motion: MotionWatch::default(),
            facts: FactWatch::default(),
            counts: Counts::default(),
            is_elsewhere: false,
        }
    }

    /// Goes on from a checkpoint. What of it the marks show to be settled is dropped.
    #[must_use]
    pub fn resume(
        settings: Settings,
        marks: Marks,
        checkpoint: Checkpoint,
    ) -> (Self, Vec<Outcome>) {
        let Checkpoint {
            mut fold,
            waiting,
            clocks,
        } = checkpoint;
        fold.wake(marks);
        let (intake, batches) = Intake::resume(waiting, fold.last_ms(), &clocks);
        let mut resumed = Self {
            settings,
            intake,
            fold,
            motion: MotionWatch::default(),
            facts: FactWatch::default(),
            counts: Counts::default(),
            is_elsewhere: false,
        };
        let mut out = Vec::new();
        resumed.fold_all(&batches, &mut out);
        resumed.intake.remember(resumed.fold.last_seen());
        resumed.fold.lose_sight();
        (resumed, out)
    }

    /// Takes one sample. What comes out is nearly always nothing, and to be kept in its order.
    pub fn observe(&mut self, sample: &Sample) -> Vec<Outcome> {
        let mut out = Vec::new();
        let reading = match SignalReading::new(sample.signal, &sample.value) {
            Ok(reading) => reading,
            Err(fault) => {
                self.counts.refuse(sample.signal, fault);
                self.intake.end_quiet();
                return out;
            }
        };
        let Sample {
            signal,
            ts_ms,
            retained,
            ..
        } = *sample;
        let stamped = Stamped {
            signal,
            at_ms: ts_ms,
            reading,
            retained,
            refitted: false,
            said_ms: ts_ms,
            captured_ms: ts_ms,
        };
        let mut taken = self.intake.take(&stamped, &mut self.counts);
        self.follow_all(Some(stamped), &mut taken, &mut out);
        let mut batches = taken.batches;
        // A new VIN is told before anything that waits is folded: it may be of another vehicle.
        let names_vehicle =
            |told: &Outcome| matches!(told, Outcome::VehicleFact(VehicleFact::Vin(_)));
        if !out.iter().any(names_vehicle) {
            batches.extend(self.intake.ripen());
        }
        self.fold_all(&batches, &mut out);
        out
    }

    /// Follows motion and facts, which do not wait for late samples.
    fn follow_all(
        &mut self,
        sample: Option<Stamped>,
        taken: &mut TakenSample,
        out: &mut Vec<Outcome>,
    ) {
        if taken.change == Some(TimeChange::Anew) {
            self.motion.forget_times();
            self.facts.forget_times();
        }
        for released in taken.released.drain(..) {
            self.follow(&released, false, out);
        }
        if let (Some(sample), Some(check)) = (sample, taken.check) {
            match check {
                TimeCheck::Believed(at_ms) | TimeCheck::Late(at_ms) => {
                    self.follow(&Stamped { at_ms, ..sample }, false, out);
                }
                TimeCheck::Strange => self.follow(&sample, true, out),
                TimeCheck::Released => {}
            }
        }
        if let Some(TimeChange::By(by_ms)) = taken.change {
            self.motion.translate(by_ms);
            self.facts.translate(by_ms);
        }
    }

    fn follow(&mut self, stamped: &Stamped, is_strange: bool, out: &mut Vec<Outcome>) {
        let state = self.motion.take(stamped, is_strange);
        out.extend(state.map(Outcome::DriveState));
        let fact = self.facts.take(stamped, is_strange);
        out.extend(fact.map(Outcome::VehicleFact));
    }

    /// Tells whether the samples are of another vehicle than the marks. While they are, nothing is folded. Motion and facts
    /// are followed in any vehicle.
    ///
    /// With each change what waits is dropped, since nobody knows of which vehicle it is, and the times of the vehicle before
    /// are forgotten: its clock is another one.
    pub fn set_elsewhere(&mut self, is_elsewhere: bool) {
        if self.is_elsewhere == is_elsewhere {
            return;
        }
        self.is_elsewhere = is_elsewhere;
        (self.intake, _) = Intake::resume(Vec::new(), self.fold.last_ms(), &KeptClocks::default());
        self.motion.forget_times();
        self.facts.forget_times();
        if !is_elsewhere {
            self.fold.come_back();
        }
    }

    /// Nothing has arrived for so many milliseconds: samples held back for later ones are folded, retained state is
    /// taken for complete after one second, an open trip ends when the car is silent for longer than in a drive.
    ///
    /// To be called about once a second while the bus is quiet, always with the whole time since the last sample, and after minutes
    /// without a call once more before the next sample: what is as far ahead as the bus was quiet is in time.
    pub fn quiet(&mut self, for_ms: i64) -> Vec<Outcome> {
        let mut out = Vec::new();
        let mut taken = self.intake.quiet(for_ms, &mut self.counts);
        self.follow_all(None, &mut taken, &mut out);
        self.fold_all(&taken.batches, &mut out);
        if let Some(newest_ms) = self.intake.newest_ms().max(self.fold.last_ms()) {
            let Self {
                settings,
                fold,
                counts,
                ..
            } = self;
            let mut folded = Vec::new();
            let mut context = FoldContext {
                settings,
                counts,
                out: &mut folded,
            };
            // What waits happened before the quiet: time has come no further for whoever has not taken it yet. Words that were not taken
            // end no silence.
            let silent_ms = for_ms.max(self.intake.quiet_ms());
            let now_ms = newest_ms.saturating_add(silent_ms);
            let waits_ms = self.intake.oldest_waiting_ms();
            fold.pass(waits_ms.unwrap_or(now_ms).min(now_ms), &mut context);
            self.tell(folded, &mut out);
            out.extend(self.motion.pass(now_ms).map(Outcome::DriveState));
        }
        out
    }

    /// Folds everything that is held back: the end of a recording.
    pub fn drain(&mut self) -> Vec<Outcome> {
        let mut out = Vec::new();
        let mut taken = self.intake.drain(&mut self.counts);
        self.follow_all(None, &mut taken, &mut out);
        self.fold_all(&taken.batches, &mut out);
        let mut folded = Vec::new();
        self.fold.drain(&mut FoldContext {
            settings: &self.settings,
            counts: &mut self.counts,
            out: &mut folded,
        });
        out.extend(folded.into_iter().map(Outcome::from));
        out
    }

    /// The state to go on from, for an orderly end. What waits in another vehicle is not of the one that goes on.
    #[must_use]
    pub fn checkpoint(&self) -> Checkpoint {
        let waiting = if self.is_elsewhere {
            Vec::new()
        } else {
            self.intake.waiting()
        };
        Checkpoint {
            fold: self.fold.clone(),
            waiting,
            clocks: self.intake.clocks(),
        }
    }

    /// Goes on under another policy or in another zone; what is open ends under it. Who is a guest stays.
    pub fn set_settings(&mut self, settings: Settings) {
        self.settings = Settings {
            is_guest: self.settings.is_guest,
            ..settings
        };
    }

    /// From now on what ends is a guest's, or no longer.
    pub fn set_guest(&mut self, is_guest: bool) {
        self.settings.is_guest = is_guest;
    }

    /// Returns whether a trip or a session is over and only a checkpoint holds it: it waits for its odometer, or for more pieces.
    #[must_use]
    pub fn awaits_end(&self) -> bool {
        self.fold.awaits_end()
    }

    /// A mark that became known otherwise, such as a stretch that the cloud has paid to another device.
    pub fn settle(&mut self, marks: Marks) {
        self.fold.settle(marks);
    }

    /// Returns the marks of all meters.
    #[must_use]
    pub fn marks(&self) -> Marks {
        self.fold.marks()
    }

    /// Returns the drive state.
    #[must_use]
    pub fn drive_state(&self) -> DriveState {
        self.motion.state()
    }

    /// Returns the driver of the open trip; `None` when none is open.
    #[must_use]
    pub fn trip_driver(&self) -> Option<&Driver> {
        self.fold.trip_driver()
    }

    /// Returns whether a trip is open, or waits for the odometer of a parked car.
    #[must_use]
    pub fn has_trip(&self) -> bool {
        self.fold.has_trip()
    }

    /// Ends what is over and waits, and the trip of a car that stands: who drives, and who drove, are about to be another choice.
    pub fn hand_over(&mut self) -> Vec<Outcome> {
        let mut folded = Vec::new();
        self.fold.hand_over(&mut FoldContext {
            settings: &self.settings,
            counts: &mut self.counts,
            out: &mut folded,
        });
        let mut out = Vec::new();
        self.tell(folded, &mut out);
        out
    }

    /// Returns the driver at the wheel: that of the open trip, else the one whom the bus names.
    #[must_use]
    pub fn at_the_wheel(&self) -> Driver {
        self.fold.at_the_wheel()
    }

    /// Returns whether the bus has said who drives, also that the car does not say.
    #[must_use]
    pub fn has_told_driver(&self) -> bool {
        self.fold.has_told_driver()
    }

    /// Returns whether a charging session is open.
    #[must_use]
    pub fn is_charging(&self) -> bool {
        self.fold.is_charging()
    }

    /// Newest event time that was believed, in milliseconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub fn bus_time_ms(&self) -> Option<i64> {
        self.intake.newest_ms()
    }

    /// Newest event time that has arrived, in milliseconds since 1970-01-01T00:00:00Z: as [`Telematics::bus_time_ms`], or further
    /// while the last sample waits until another signal confirms its time.
    #[must_use]
    pub fn arrived_ms(&self) -> Option<i64> {
        self.intake.arrived_ms()
    }

    /// Returns the counts of taken and refused samples.
    #[must_use]
    pub fn counts(&self) -> &Counts {
        &self.counts
    }

    fn fold_all(&mut self, batches: &[Batch], out: &mut Vec<Outcome>) {
        if batches.is_empty() || self.is_elsewhere {
            return;
        }
        let Self {
            settings,
            fold,
            counts,
            ..
        } = self;
        let mut folded = Vec::new();
        let mut context = FoldContext {
            settings,
            counts,
            out: &mut folded,
        };
        for batch in batches {
            fold.take(batch, &mut context);
        }
        self.tell(folded, out);
    }

    /// Tells what was folded, and a checkpoint when it is due. After an end the one from before it must not stay the newest.
    fn tell(&mut self, folded: Vec<FoldOutcome>, out: &mut Vec<Outcome>) {
        let is_due = self.fold.wants_checkpoint();
        let ended = folded.iter().any(|outcome| {
            matches!(
                outcome,
                FoldOutcome::Finished(_) | FoldOutcome::MeterOpened(_)
            )
        });
        out.extend(folded.into_iter().map(Outcome::from));
        if is_due || ended {
            out.push(Outcome::Checkpoint(Box::new(self.checkpoint())));
        }
    }
}

impl From<MeterMark> for Marks {
    fn from(mark: MeterMark) -> Self {
        let mut marks = Self::default();
        marks.raise(mark);
        marks
    }
}
