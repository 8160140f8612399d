//! Batches of readings folded, in order, into what is open.

mod braking;
mod charging;
mod driving;
mod ending;
mod meter_watch;
mod meters;
mod pace;
mod parking;
mod translate;

use braking::BrakingWatch;
use dashpoint_membership::Meter;
use meter_watch::MeterWatch;
use pace::PaceWatch;
use serde::{Deserialize, Serialize};

use crate::charge::OpenCharge;
use crate::counts::Counts;
use crate::discharge::OpenDischarge;
use crate::driver::Driver;
use crate::evidence::{Finished, TripEnd};
use crate::intake::{Batch, SeenSample, Stamped};
use crate::marks::{Marks, MeterMark};
use crate::meter::MeterTrack;
use crate::meter_opened::MeterOpened;
use crate::parked_trip::{ParkedTrip, UnreadWay};
use crate::picture::Picture;
use crate::reading::SignalReading;
use crate::settings::Settings;
use crate::signal::Signal;
use crate::trip::{GAP_MS, OpenTrip};

/// Time after which nothing is sent again that was said before.
const AGAIN_MS_MAX: i64 = 23 * 3_600_000;
/// Interval of the checkpoints, in milliseconds of event time.
const CHECKPOINT_MS: i64 = 60_000;

/// Everything that has been folded so far.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct VehicleFold {
    picture: Picture,
    odometer: MeterTrack,
    charged: MeterTrack,
    consumed: MeterTrack,
    marks: Marks,
    /// Set while the odometer may be another one.
    #[serde(default)]
    odometer_watch: Option<MeterWatch>,
    /// The same of the counter of charged energy.
    #[serde(default)]
    charged_watch: Option<MeterWatch>,
    /// The charged energy that is accounted for: some cars count what braking gives back, and that is no charging.
    charged_floor_wh: Option<u64>,
    trip: Option<OpenTrip>,
    /// The trip that is over, and waits for its odometer.
    #[serde(default)]
    parked: Option<ParkedTrip>,
    /// Metres that the last trip has left to be read.
    #[serde(default)]
    unread: Option<UnreadWay>,
    charge: Option<OpenCharge>,
    /// The last session, while the car stands where it was charged.
    #[serde(default)]
    plug: Option<PluggedIn>,
    /// Odometer when it began, in metres.
    #[serde(default)]
    charge_from_m: Option<u64>,
    discharge: Option<OpenDischarge>,
    /// Time at which the last trip ended.
    #[serde(default)]
    trip_ended_ms: Option<i64>,
    #[serde(default)]
    braking: BrakingWatch,
    #[serde(default)]
    pace: PaceWatch,
    /// Time since which the car says that it may drive, or does not say that it may not.
    #[serde(default)]
    ready_ms: Option<i64>,
    /// Newest stamp of a power that was counted as given back. It has no lifetime meter: what carries an older stamp may have
    /// been counted before.
    #[serde(default)]
    discharged_said_ms: Option<i64>,
    last_driver: Option<Driver>,
    /// The bus has said that it does not say who drives: a name after that is another driver, not one that comes late.
    #[serde(default)]
    is_name_taken_back: bool,
    /// Both counters of charged energy when they were last known together.
    #[serde(default)]
    counters: Option<Counters>,
    /// Time before which a published origin of energy belongs to another session.
    mix_since_ms: Option<i64>,
    last_ms: Option<i64>,
    /// Nothing was seen for a while: the charged energy may have risen unseen.
    slept: bool,
    checkpoint_due_ms: Option<i64>,
}

/// The counter of charged energy, and that of its renewable part.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Counters {
    charged_ms: i64,
    charged_wh: u64,
    /// Time and value of the last published renewable counter.
    renewable: Option<(i64, u64)>,
}

/// A session that is over, and the time since which its origin was known.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct PluggedIn {
    ended_ms: i64,
    mix_since_ms: Option<i64>,
}

/// An output of the fold, in the order in which outputs are to be stored.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum FoldOutcome {
    /// A trip has begun.
    TripStarted { driver: Driver, at_ms: i64 },
    /// A trip or a session is over.
    Finished(Box<Finished>),
    /// A meter is settled up to here.
    Mark(MeterMark),
    /// A counter turned out to be another meter.
    MeterOpened(Box<MeterOpened>),
}

/// Context of a step of the fold.
pub(crate) struct FoldContext<'a> {
    pub(crate) settings: &'a Settings,
    pub(crate) counts: &'a mut Counts,
    pub(crate) out: &'a mut Vec<FoldOutcome>,
}

/// The state before a batch: ticks and meter intervals begin there.
struct PriorState {
    speed: Option<(i64, f64)>,
    moving: Option<bool>,
    longitudinal_ms: Option<i64>,
    lateral_ms: Option<i64>,
    battery_w: Option<(i64, f64)>,
    odometer_m: Option<u64>,
    odometer_ms: Option<i64>,
    charged_ms: Option<i64>,
    charged_wh: Option<u64>,
    consumed_wh: Option<u64>,
}

impl VehicleFold {
    pub(crate) fn new(marks: Marks) -> Self {
        Self {
            picture: Picture::default(),
            odometer: MeterTrack::above(marks.odometer),
            charged: MeterTrack::above(marks.charged),
            consumed: MeterTrack::default(),
            marks,
            odometer_watch: None,
            charged_watch: None,
            charged_floor_wh: None,
            trip: None,
            parked: None,
            unread: None,
            charge: None,
            plug: None,
            charge_from_m: None,
            discharge: None,
            trip_ended_ms: None,
            braking: BrakingWatch::default(),
            pace: PaceWatch::default(),
            ready_ms: None,
            discharged_said_ms: None,
            last_driver: None,
            is_name_taken_back: false,
            counters: None,
            mix_since_ms: None,
            last_ms: None,
            slept: true,
            checkpoint_due_ms: None,
        }
    }

    /// Goes on after a restart. What is open and settled already is dropped: it was committed before the crash.
    pub(crate) fn wake(&mut self, marks: Marks) {
        self.settle(marks);
        // One that has only just begun stands at the mark too, but does not begin below it.
        let settled = |stretch: Option<(u64, u64)>, mark: Option<u64>| matches!((stretch, mark), (Some((from, to)), Some(mark)) if from < mark && to <= mark);
        let Marks {
            odometer,
            charged,
            discharged,
            ..
        } = self.marks;
        self.trip = self
            .trip
            .take()
            .filter(|trip| !settled(trip.stretch_m(), odometer));
        self.parked = self
            .parked
            .take()
            .filter(|parked| !settled(parked.trip.stretch_m(), odometer));
        self.charge = self
            .charge
            .take()
            .filter(|charge| !settled(charge.stretch_wh(), charged));
        self.discharge = self
            .discharge
            .take()
            .filter(|open| discharged.unwrap_or(0) <= open.from_wh);
        self.slept = true;
    }

    /// Nobody listened for a while: a trip that begins before the meters are read again begins where they are read.
    pub(crate) fn lose_sight(&mut self) {
        self.odometer.lose_sight();
        self.consumed.lose_sight();
        self.pace.lose_sight();
    }

    /// Goes on after a time in another vehicle: nobody listened to this one.
    pub(crate) fn come_back(&mut self) {
        self.slept = true;
        self.lose_sight();
    }

    /// Takes marks that became known otherwise.
    pub(crate) fn settle(&mut self, marks: Marks) {
        self.marks = self.marks.highest(marks);
        for meter in [Meter::Odometer, Meter::Charged] {
            self.settle_meter(meter, marks);
        }
    }

    /// Returns the marks that may be on the disk.
    pub(crate) fn marks(&self) -> Marks {
        let settled = Meter::ALL.map(|meter| self.settled(meter));
        let mut marks = Marks::default();
        for mark in settled.into_iter().flatten() {
            marks.raise(mark);
        }
        marks
    }

    pub(crate) fn last_ms(&self) -> Option<i64> {
        self.last_ms
    }

    /// Returns the last sample of each signal, for the clocks after a restart.
    pub(crate) fn last_seen(&self) -> impl Iterator<Item = SeenSample> + '_ {
        self.picture.last_seen().map(|(signal, at_ms)| {
            #[expect(
                clippy::wildcard_enum_match_arm,
                reason = "nothing else is a meter that only rises"
            )]
            let value = match signal {
                Signal::Odometer => self.odometer.value(),
                Signal::ChargedEnergy => self.charged.value(),
                _ => None,
            };
            SeenSample {
                signal,
                at_ms,
                value,
                word: self.picture.word(signal),
            }
        })
    }

    pub(crate) fn trip_driver(&self) -> Option<&Driver> {
        self.trip.as_ref().map(|trip| &trip.driver)
    }

    pub(crate) fn at_the_wheel(&self) -> Driver {
        let trip = self.trip.as_ref();
        trip.map_or_else(|| self.picture.driver(), |trip| trip.driver.clone())
    }

    pub(crate) fn has_told_driver(&self) -> bool {
        self.picture.has_told_driver()
    }

    /// Returns whether a trip is open, or waits for its odometer: that one has no driver any more.
    pub(crate) fn has_trip(&self) -> bool {
        self.trip.is_some() || self.parked.is_some()
    }

    /// Returns whether a trip or a session is over and waits for what may still belong to it, or for its meter.
    pub(crate) fn awaits_end(&self) -> bool {
        let is_paused = |charge: &OpenCharge| charge.paused_ms().is_some();
        let watches = [&self.odometer_watch, &self.charged_watch];
        let is_waited_for = |watch: &MeterWatch| !watch.waiting.is_empty();
        self.parked.is_some()
            || self.charge.as_ref().is_some_and(is_paused)
            || watches.into_iter().flatten().any(is_waited_for)
    }

    pub(crate) fn is_charging(&self) -> bool {
        self.charge
            .as_ref()
            .is_some_and(|charge| charge.paused_ms().is_none())
    }

    /// Returns whether a checkpoint is due.
    pub(crate) fn wants_checkpoint(&mut self) -> bool {
        let is_open = self.has_trip()
            || self.charge.is_some()
            || self.discharge.is_some()
            || self.odometer_watch.is_some()
            || self.charged_watch.is_some();
        let Some(now_ms) = self.last_ms.filter(|_| is_open) else {
            self.checkpoint_due_ms = None;
            return false;
        };
        if self.checkpoint_due_ms.is_some_and(|due_ms| now_ms < due_ms) {
            return false;
        }
        self.checkpoint_due_ms = Some(now_ms.saturating_add(CHECKPOINT_MS));
        true
    }

    /// Time has come so far without anything to fold.
    pub(crate) fn pass(&mut self, now_ms: i64, context: &mut FoldContext<'_>) {
        if self.has_waited(now_ms) {
            self.end_parked(context);
        }
        if let Some(end) = self.ends_by(now_ms) {
            self.end_by_silence(end, context);
        }
        self.pass_charging(now_ms, context);
    }

    /// Nothing comes any more: the trip of a parked car ends without its odometer, and a session without more pieces.
    pub(crate) fn drain(&mut self, context: &mut FoldContext<'_>) {
        self.pass_charging(i64::MAX, context);
        self.end_parked(context);
    }

    pub(crate) fn take(&mut self, batch: &Batch, context: &mut FoldContext<'_>) {
        self.release_opened(context);
        match batch {
            Batch::Instant { at_ms, readings } => {
                self.pace.hear(*at_ms);
                self.pass(*at_ms, context);
                self.move_clock(*at_ms, context);
                self.fold(*at_ms, readings, context);
            }
            Batch::Retained(readings) => {
                let newest_ms = readings.iter().map(|stamped| stamped.at_ms).max();
                let newest_ms = newest_ms.unwrap_or_default();
                // A trip from before a long sleep must not stand in the way of what was charged meanwhile.
                self.pass(newest_ms, context);
                self.fold(newest_ms, readings, context);
            }
            Batch::OutOfOrder(name) => {
                self.picture.take_overtaken(name);
                self.follow_driver(context);
            }
            Batch::Translated(by_ms) => self.translate(*by_ms),
        }
    }

    fn move_clock(&mut self, at_ms: i64, context: &mut FoldContext<'_>) {
        if let Some(last_ms) = self.last_ms {
            self.pace.pass(at_ms.saturating_sub(last_ms));
            self.slept |= at_ms.saturating_sub(last_ms) > GAP_MS;
            if at_ms < last_ms {
                self.end_parked(context);
                self.end_trip(TripEnd::Gap, context);
                self.picture.forget_times();
                self.braking.forget_times();
                self.pace.forget_times();
                self.ready_ms = self.ready_ms.min(Some(at_ms));
                // It was before now in any case.
                self.trip_ended_ms = self.trip_ended_ms.min(Some(at_ms));
                if last_ms.saturating_sub(at_ms) > AGAIN_MS_MAX {
                    self.discharged_said_ms = None;
                }
                self.mix_since_ms = None;
                self.plug = None;
                self.checkpoint_due_ms = None;
                for meter in [&mut self.odometer, &mut self.charged, &mut self.consumed] {
                    meter.rewind(at_ms);
                }
            }
        }
        self.last_ms = Some(at_ms);
    }

    fn fold(&mut self, at_ms: i64, readings: &[Stamped], context: &mut FoldContext<'_>) {
        let mut before = self.before();
        let was_charging = self.picture.charging;
        let origin_before = self.origin(at_ms, context.settings);
        let mut news = Vec::with_capacity(readings.len());
        for stamped in readings {
            if !self.picture.is_news(stamped.signal, stamped.at_ms) {
                self.picture.take_overtaken(stamped);
                self.confirm_meter(stamped);
                continue;
            }
            if self.take_meter(stamped, &mut before, context) {
                self.picture.take(stamped);
                news.push(stamped);
            }
        }
        self.drive(at_ms, &news, &before, context);
        // The first reading at the charging point is where it stands: the one before may be of before the drive.
        let is_odometer =
            |stamped: &&Stamped| matches!(stamped.reading, SignalReading::OdometerM(_));
        if self.charge.is_some() && news.iter().any(is_odometer) {
            self.charge_from_m = self.charge_from_m.or(self.odometer.value());
        }
        self.pace.note(&news);
        let told = news.len();
        news.retain(|stamped| !self.is_false_word_of_drive(stamped));
        if news.len() < told {
            self.picture.charging = was_charging;
        }
        self.charge(at_ms, &news, &before, origin_before, context);
        self.discharge(at_ms, &news, &before, context);
        if news
            .iter()
            .any(|stamped| matches!(stamped.reading, SignalReading::ChargedWh(_)))
        {
            self.note_counters();
        }
    }

    fn before(&self) -> PriorState {
        PriorState {
            speed: self.picture.speed,
            moving: self.picture.moving,
            longitudinal_ms: self.picture.longitudinal_ms,
            lateral_ms: self.picture.lateral_ms,
            battery_w: self.picture.battery_w,
            odometer_m: self.odometer.current(),
            odometer_ms: self.odometer.seen_ms(),
            charged_ms: self.charged.seen_ms(),
            charged_wh: self.charged.value(),
            consumed_wh: self.consumed.current(),
        }
    }

    fn confirm_meter(&mut self, stamped: &Stamped) {
        #[expect(
            clippy::wildcard_enum_match_arm,
            reason = "a trip begins at these two meters"
        )]
        match stamped.reading {
            SignalReading::OdometerM(metres) => self.odometer.confirm(stamped.at_ms, metres),
            SignalReading::ConsumedWh(wh) => self.consumed.confirm(stamped.at_ms, wh),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests;
