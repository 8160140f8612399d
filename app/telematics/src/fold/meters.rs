//! The fold's part that knows lifetime meters from each other: which counter goes on, and which may be another one.

use dashpoint_membership::{CoarseTime, Evidence, Meter, MeterNumber, MeterOpening};

use super::meter_watch::MeterWatch;
use super::{FoldContext, FoldOutcome, PriorState, VehicleFold};
use crate::charge::OpenCharge;
use crate::counts::Fault;
use crate::driver::Driver;
use crate::evidence::{Finished, TripEnd};
use crate::intake::Stamped;
use crate::marks::{Marks, MeterMark};
use crate::meter::{MeterTrack, Pace, Taken};
use crate::meter_opened::MeterOpened;
use crate::probation::{CounterIdentity, Probation};
use crate::reading::SignalReading;
use crate::signal::Signal;
use crate::trip::OpenTrip;

/// Trips or sessions that wait for their meter, the first: more than a car makes in the day that it takes. Later ones are dropped.
const WAITING_MAX: usize = 48;

impl VehicleFold {
    /// Takes a lifetime meter; `false` when its value is not believed. Any other reading is.
    pub(super) fn take_meter(
        &mut self,
        stamped: &Stamped,
        before: &mut PriorState,
        context: &mut FoldContext<'_>,
    ) -> bool {
        #[expect(
            clippy::wildcard_enum_match_arm,
            reason = "only three readings are lifetime meters"
        )]
        let taken = match stamped.reading {
            SignalReading::OdometerM(metres) => {
                self.take_odometer(stamped.at_ms, metres, before, context)
            }
            SignalReading::ChargedWh(wh) => self.take_charged(stamped.at_ms, wh, before, context),
            SignalReading::ConsumedWh(wh) => self.consumed.take(Pace::CONSUMED, stamped.at_ms, wh),
            _ => return true,
        };
        let Taken::Refused(fault) = taken else {
            return true;
        };
        let Stamped {
            signal, retained, ..
        } = *stamped;
        context.counts.refuse_taken(signal, fault, retained);
        false
    }

    fn take_odometer(
        &mut self,
        at_ms: i64,
        metres: u64,
        before: &mut PriorState,
        context: &mut FoldContext<'_>,
    ) -> Taken {
        let meter = Meter::Odometer;
        // One that was said again without rising may tell at once what the speeds have told since.
        let trip = self.trip.as_ref();
        let trip = trip.or(self.parked.as_ref().map(|parked| &parked.trip));
        let pace = Pace::ODOMETER.beyond(trip.map_or(0, OpenTrip::unread_m));
        let taken = self.odometer.take(pace, at_ms, metres);
        if !matches!(taken, Taken::Moved | Taken::Refused(_)) {
            // What has waited for this odometer is of the counter before.
            self.end_parked(context);
            self.end_trip(TripEnd::OdometerMoved, context);
            self.unread = None;
        }
        match taken {
            Taken::Moved | Taken::Refused(_) => {}
            Taken::Slipped => before.odometer_m = Some(metres),
            Taken::Replaced { first } => {
                self.begin_anew(meter, first);
                before.odometer_m = Some(first);
            }
            Taken::Left { first } => {
                self.begin_watch(meter, first);
                before.odometer_m = Some(first);
            }
            Taken::Returned { left, last } => {
                before.odometer_m = self.end_watch(meter, left, (last, metres), context);
            }
        }
        if taken == Taken::Moved && self.marks.of(meter).is_none() {
            // Nothing is paid for the time before the first value of a meter.
            self.mark(meter, metres, context);
        }
        self.tell_mark(meter, context);
        if taken == Taken::Moved {
            self.judge_meter(meter, at_ms, context);
        }
        taken
    }

    fn take_charged(
        &mut self,
        at_ms: i64,
        wh: u64,
        before: &mut PriorState,
        context: &mut FoldContext<'_>,
    ) -> Taken {
        let meter = Meter::Charged;
        let pace = if self.is_charging() || self.picture.charging == Some(true) {
            Pace::CHARGED
        } else {
            Pace::CHARGED_UNSEEN
        };
        let taken = self.charged.take(pace, at_ms, wh);
        match taken {
            Taken::Moved | Taken::Refused(_) => {}
            Taken::Slipped => self.charged_moved(wh, context),
            Taken::Replaced { first } => {
                let was_charging = self.is_charging();
                self.charge = None;
                self.begin_anew(meter, first);
                self.charged_floor_wh = None;
                self.charge_on(was_charging, Some(first), at_ms);
                before.charged_wh = Some(first);
            }
            Taken::Left { first } => {
                let was_charging = self.cut_charge(context);
                self.begin_watch(meter, first);
                self.charged_floor_wh = None;
                self.charge_on(was_charging, Some(first), at_ms);
                before.charged_wh = Some(first);
            }
            Taken::Returned { left, last } => {
                let was_charging = self.cut_charge(context);
                before.charged_wh = self.end_watch(meter, left, (last, wh), context);
                self.charge_on(was_charging, None, at_ms);
                // What was charged meanwhile is found like what was charged asleep.
                self.slept = true;
            }
        }
        self.tell_mark(meter, context);
        if taken == Taken::Moved {
            self.judge_meter(meter, at_ms, context);
        }
        taken
    }

    /// Ends the session at the counter that it had; returns whether the energy flows.
    fn cut_charge(&mut self, context: &mut FoldContext<'_>) -> bool {
        let Some(charge) = &self.charge else {
            return false;
        };
        if let Some(paused_ms) = charge.paused_ms() {
            self.end_charging(paused_ms, context);
            return false;
        }
        let finished = self
            .charge
            .take()
            .and_then(|charge| charge.finish(&mut self.marks, context.settings));
        self.emit(finished, context);
        true
    }

    /// Goes on with a session on another counter: that it charges is not said again.
    fn charge_on(&mut self, was_charging: bool, from_wh: Option<u64>, at_ms: i64) {
        if was_charging {
            let started_ms = from_wh.map(|_| at_ms);
            let owner = self.owner();
            self.charge = Some(OpenCharge::start(owner, started_ms, at_ms, from_wh));
        }
    }

    fn track(&self, meter: Meter) -> Option<&MeterTrack> {
        match meter {
            Meter::Odometer => Some(&self.odometer),
            Meter::Charged => Some(&self.charged),
            Meter::Discharged => None,
        }
    }

    fn track_mut(&mut self, meter: Meter) -> Option<&mut MeterTrack> {
        match meter {
            Meter::Odometer => Some(&mut self.odometer),
            Meter::Charged => Some(&mut self.charged),
            Meter::Discharged => None,
        }
    }

    fn watch(&self, meter: Meter) -> Option<&MeterWatch> {
        match meter {
            Meter::Odometer => self.odometer_watch.as_ref(),
            Meter::Charged => self.charged_watch.as_ref(),
            Meter::Discharged => None,
        }
    }

    fn watch_mut(&mut self, meter: Meter) -> Option<&mut Option<MeterWatch>> {
        match meter {
            Meter::Odometer => Some(&mut self.odometer_watch),
            Meter::Charged => Some(&mut self.charged_watch),
            Meter::Discharged => None,
        }
    }

    /// The first values of a meter were none: nothing is on the disk yet, or the meter begins there.
    fn begin_anew(&mut self, meter: Meter, first: u64) {
        if !self.track(meter).is_some_and(MeterTrack::is_settled) {
            self.marks.put(meter, self.marks.number(meter), Some(first));
        }
    }

    /// From now on the counter may be the next meter, from a value on.
    fn begin_watch(&mut self, meter: Meter, first: u64) {
        let settled = MeterWatch {
            number: self.marks.number(meter),
            mark: self.marks.of(meter),
            floor_wh: self.charged_floor_wh,
            waiting: Vec::new(),
            is_opened: false,
        };
        let Some(watch) = self.watch_mut(meter) else {
            return;
        };
        // What was watched before has come to nothing.
        let watch = watch.get_or_insert(settled);
        watch.waiting.clear();
        let number = watch.number.next();
        self.marks.put(meter, number, Some(first));
    }

    /// The counter is the meter from before again. What was driven or charged meanwhile is of that one, as far as it counted it too.
    ///
    /// Returns up to where that is.
    fn end_watch(
        &mut self,
        meter: Meter,
        left: Probation,
        (last, now): (u64, u64),
        context: &mut FoldContext<'_>,
    ) -> Option<u64> {
        let watch = self.watch_mut(meter)?.take()?;
        self.marks.put(meter, watch.number, watch.mark);
        if meter == Meter::Charged {
            self.charged_floor_wh = watch.floor_wh;
        }
        let base = left.before.1.max(watch.mark.unwrap_or(0));
        let counted = last.saturating_sub(left.first);
        if now.saturating_sub(base) < counted {
            return Some(base);
        }
        let mut reached = base;
        for mut finished in watch.waiting {
            let interval = interval_mut(&mut finished.evidence);
            let shifted = |value: u64| base + value.saturating_sub(left.first);
            interval.number = watch.number;
            (interval.from, interval.to) = (shifted(interval.from), shifted(interval.to));
            reached = interval.to;
            self.marks.raise(MeterMark::after(*interval));
            // Whose they are was settled when they ended.
            self.emit_as(false, Some(finished), context);
        }
        Some(reached)
    }

    /// Takes the counter for what it is once it has been steady for long enough.
    fn judge_meter(&mut self, meter: Meter, at_ms: i64, context: &mut FoldContext<'_>) {
        let probation = self.track(meter).and_then(MeterTrack::probation);
        let Some((probation, watch)) = probation.zip(self.watch(meter)) else {
            return;
        };
        let (number, mark) = (watch.number, watch.mark);
        match probation.judge(meter, at_ms) {
            CounterIdentity::Open => return,
            CounterIdentity::Same => {
                let reached = self.marks.of(meter);
                self.marks.put(meter, number, reached);
                let first = MeterMark {
                    meter,
                    number,
                    at: probation.first,
                };
                context.out.push(FoldOutcome::Mark(first));
            }
            CounterIdentity::Other if !context.settings.opens_meters => return,
            CounterIdentity::Other => {
                let since_s = probation.since_ms.div_euclid(1_000);
                let opened = MeterOpened {
                    opening: MeterOpening {
                        meter,
                        number: number.next(),
                        last: probation.before.1.max(mark.unwrap_or(0)),
                        first: probation.first,
                        since: CoarseTime::containing_unix_s(since_s),
                    },
                    driver: self.owner(),
                    at_ms,
                    utc_offset_min: context.settings.utc_offset_min,
                };
                context.out.push(FoldOutcome::MeterOpened(Box::new(opened)));
            }
        }
        self.release(meter, context);
    }

    /// Releases trips and sessions that have waited: the meter is what it was taken for.
    fn release(&mut self, meter: Meter, context: &mut FoldContext<'_>) {
        let watch = self.watch_mut(meter).and_then(Option::take);
        let (number, mark) = (self.marks.number(meter), self.marks.of(meter));
        if let Some(track) = self.track_mut(meter) {
            track.pass();
            track.settle(mark);
        }
        for mut finished in watch.into_iter().flat_map(|watch| watch.waiting) {
            let interval = interval_mut(&mut finished.evidence);
            interval.number = number;
            finished.marks = Marks::from(MeterMark::after(*interval));
            context.out.push(FoldOutcome::Finished(Box::new(finished)));
        }
    }

    /// Releases what has waited for a meter that the ledger turned out to know.
    pub(super) fn release_opened(&mut self, context: &mut FoldContext<'_>) {
        for meter in [Meter::Odometer, Meter::Charged] {
            if self.watch(meter).is_some_and(|watch| watch.is_opened) {
                self.release(meter, context);
            }
        }
    }

    /// Takes a mark of the ledger.
    pub(super) fn settle_meter(&mut self, meter: Meter, settled: Marks) {
        let Some(mark) = settled.mark(meter) else {
            return;
        };
        match self.watch_mut(meter) {
            Some(Some(watch)) if mark.number > watch.number => watch.is_opened = true,
            Some(Some(watch)) => watch.mark = watch.mark.max(Some(mark.at)),
            Some(None) | None => {}
        }
        if self.watch(meter).is_none()
            && let Some(track) = self.track_mut(meter)
        {
            track.settle(Some(mark.at));
        }
    }

    /// Tells of a trip or session that is over, or keeps it while its counter may be another meter.
    pub(super) fn emit(&mut self, finished: Option<Finished>, context: &mut FoldContext<'_>) {
        self.emit_as(context.settings.is_guest, finished, context);
    }

    /// The same of a guest, or of the driver.
    pub(super) fn emit_as(
        &mut self,
        is_guest: bool,
        finished: Option<Finished>,
        context: &mut FoldContext<'_>,
    ) {
        let Some(mut finished) = finished else {
            return;
        };
        let interval = finished.evidence.interval();
        finished
            .marks
            .put(interval.meter, interval.number, Some(interval.to));
        for other in [Meter::Odometer, Meter::Charged] {
            if other != interval.meter {
                let settled = self.settled(other);
                let number = settled.map_or(MeterNumber::FIRST, |mark| mark.number);
                finished
                    .marks
                    .put(other, number, settled.map(|mark| mark.at));
            }
        }
        if is_guest {
            finished.driver = Driver::Guest;
        }
        if let Some(Some(watch)) = self.watch_mut(interval.meter)
            && interval.number > watch.number
        {
            if watch.waiting.len() < WAITING_MAX {
                watch.waiting.push(finished);
            }
            return;
        }
        if let Some(track) = self.track_mut(interval.meter) {
            track.settle(Some(interval.to));
        }
        context.out.push(FoldOutcome::Finished(Box::new(finished)));
    }

    /// Returns the mark of a quantity that may be on the disk.
    pub(super) fn settled(&self, meter: Meter) -> Option<MeterMark> {
        match self.watch(meter) {
            Some(watch) => watch.mark.map(|at| MeterMark {
                meter,
                number: watch.number,
                at,
            }),
            None if self.track(meter).is_some_and(MeterTrack::is_unsure) => None,
            None => self.marks.mark(meter),
        }
    }

    /// Settles a meter up to a value.
    pub(super) fn mark(&mut self, meter: Meter, at: u64, context: &mut FoldContext<'_>) {
        let number = self.marks.number(meter);
        self.marks.raise(MeterMark { meter, number, at });
        if self.watch(meter).is_some() || self.track(meter).is_some_and(MeterTrack::is_unsure) {
            return;
        }
        let settled = self.marks.of(meter);
        if let Some(track) = self.track_mut(meter) {
            track.settle(settled);
        }
        context
            .out
            .push(FoldOutcome::Mark(MeterMark { meter, number, at }));
    }

    /// Tells the mark of a meter whose first value has been borne out.
    fn tell_mark(&mut self, meter: Meter, context: &mut FoldContext<'_>) {
        let is_told = self.track(meter).is_none_or(MeterTrack::is_settled);
        if !is_told
            && self.watch(meter).is_none()
            && let Some(mark) = self.settled(meter)
        {
            if let Some(track) = self.track_mut(meter) {
                track.settle(Some(mark.at));
            }
            context.out.push(FoldOutcome::Mark(mark));
        }
    }

    pub(super) fn refuse_charged(context: &mut FoldContext<'_>) {
        let charged = Signal::ChargedEnergy;
        context.counts.refuse_taken(charged, Fault::Jumped, false);
    }
}

fn interval_mut(evidence: &mut Evidence) -> &mut dashpoint_membership::MeterInterval {
    match evidence {
        Evidence::Trip(trip) => &mut trip.odometer,
        Evidence::Charge(charge) => &mut charge.charged,
        Evidence::Discharge(discharge) => &mut discharge.discharged,
    }
}
