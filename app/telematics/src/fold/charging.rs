//! The fold's part that charges and gives back.

use dashpoint_membership::Meter;

use super::{Counters, FoldContext, PluggedIn, PriorState, VehicleFold};
use crate::charge::{EnergyOrigin, OpenCharge, Unseen, reconstructed};
use crate::discharge::OpenDischarge;
use crate::driver::Driver;
use crate::intake::Stamped;
use crate::reading::{ROLLING_KMH, STANDSTILL_KMH, SignalReading};
use crate::settings::Settings;
use crate::trip::OpenTrip;

/// A smaller rise that nobody has seen belongs to the session before or after it, in watt-hours.
const UNSEEN_MIN_WH: u64 = 100;
/// A greater one is no charging: more than the largest battery.
const UNSEEN_MAX_WH: u64 = 250_000;

/// Less is a piece of a session, in watt-hours.
const PIECE_WH: u64 = 1_000;
/// Longest pause within a session.
const PAUSE_MS_MAX: i64 = 2 * 3_600_000;

/// The charging flag in a batch, when it is there.
#[derive(Clone, Copy)]
struct Flag {
    at_ms: i64,
    on: bool,
    retained: bool,
}

impl VehicleFold {
    /// Returns the source of the energy, as known now.
    pub(super) fn origin(&self, at_ms: i64, settings: &Settings) -> Option<EnergyOrigin> {
        let power_w = self.charge.as_ref()?.power_w();
        Some(EnergyOrigin::of(
            &self.picture.mix,
            self.mix_since_ms,
            at_ms,
            power_w,
            settings,
        ))
    }

    pub(super) fn charge(
        &mut self,
        at_ms: i64,
        news: &[&Stamped],
        before: &PriorState,
        origin_before: Option<EnergyOrigin>,
        context: &mut FoldContext<'_>,
    ) {
        #[expect(
            clippy::wildcard_enum_match_arm,
            reason = "nothing else is of the session"
        )]
        let flag = news.iter().find_map(|stamped| match stamped.reading {
            SignalReading::Charging(on) => Some(Flag {
                at_ms: stamped.at_ms,
                on,
                retained: stamped.retained,
            }),
            _ => None,
        });
        #[expect(
            clippy::wildcard_enum_match_arm,
            reason = "nothing else is of the counter"
        )]
        let counter = news.iter().find_map(|stamped| match stamped.reading {
            SignalReading::ChargedWh(wh) => Some((*stamped, wh)),
            _ => None,
        });
        let mut known_wh = before.charged_wh;
        if let Some((stamped, _)) = counter.filter(|_| self.trip.is_some()) {
            self.braking.note(stamped);
        }
        if let Some((stamped, wh)) = counter
            && known_wh.is_some_and(|known_wh| known_wh < wh)
        {
            let is_unplugged = self.picture.charging == Some(false) && flag.is_none();
            let is_braking = self.charge.is_none() && (self.trip.is_some() || is_unplugged);
            self.braking.rise(stamped, is_braking);
        }
        let of_trip = counter.filter(|(stamped, _)| self.is_of_last_trip(stamped));
        let counter = counter.filter(|_| of_trip.is_none());
        let counter = counter.map(|(stamped, wh)| (stamped.at_ms, wh));
        self.end_paused_unseen(counter, context);
        if let Some((_, wh)) = counter
            && std::mem::take(&mut self.slept)
            && self.charge.is_none()
            && self.trip.is_none()
        {
            self.settle_unseen(wh, 1, at_ms, context);
            known_wh = Some(wh);
        }
        if self.has_driven_away(at_ms) {
            self.end_charging(at_ms, context);
        }
        if self.drives_on(at_ms) {
            self.plug = None;
        }
        if let Some(flag) = flag.filter(|flag| flag.on) {
            self.go_on_charging(flag, context);
            if self.charge.is_none() {
                self.start_charging(flag, known_wh, context);
            }
        }
        self.note_power(news);
        if let Some((_, wh)) = of_trip {
            self.charged_floor_wh = self.charged_floor_wh.max(Some(wh));
            if let Some(charge) = &mut self.charge {
                charge.begin_at(wh);
            }
        }
        if let Some((counter_ms, wh)) = counter {
            self.take_counter((counter_ms, wh), before.charged_ms, origin_before, context);
        }
        if let Some(flag) = flag.filter(|flag| !flag.on) {
            self.pause_charging(flag.at_ms, context);
            if self.charge.is_none() {
                self.mix_since_ms = self.mix_since_ms.or(Some(flag.at_ms));
            }
        }
    }

    /// The flow has stopped. What is worth little yet waits for more: a wallbox that follows the sun stops every few minutes.
    fn pause_charging(&mut self, at_ms: i64, context: &mut FoldContext<'_>) {
        let Some(charge) = &mut self.charge else {
            return;
        };
        if charge.energy_wh() < PIECE_WH {
            if charge.paused_ms().is_none() {
                // It is over as far as anybody knows: only a checkpoint holds it.
                self.checkpoint_due_ms = None;
            }
            charge.pause(at_ms);
        } else {
            self.end_charging(at_ms, context);
        }
    }

    /// A session that waits takes no rise of which nobody knows when it was.
    fn end_paused_unseen(&mut self, counter: Option<(i64, u64)>, context: &mut FoldContext<'_>) {
        let (Some((_, wh)), Some(charge)) = (counter, &self.charge) else {
            return;
        };
        let (_, known_wh) = charge.stretch_wh().unwrap_or((wh, wh));
        let is_unseen = self.slept && wh.saturating_sub(known_wh) >= UNSEEN_MIN_WH;
        if let Some(paused_ms) = charge.paused_ms().filter(|_| is_unseen) {
            self.end_charging(paused_ms, context);
        }
    }

    /// The car charges again: with the plug still in, the charging point is the same, and a session that waits goes on.
    fn go_on_charging(&mut self, flag: Flag, context: &mut FoldContext<'_>) {
        let is_pause = |ended_ms: i64| flag.at_ms.saturating_sub(ended_ms) <= PAUSE_MS_MAX;
        if let Some(plug) = self.plug.take().filter(|plug| is_pause(plug.ended_ms)) {
            self.mix_since_ms = plug.mix_since_ms;
        }
        let owner = self.owner();
        let Some(charge) = &mut self.charge else {
            return;
        };
        let may_go_on = |paused_ms: i64| is_pause(paused_ms) && *charge.driver() == owner;
        if charge.paused_ms().is_none_or(may_go_on) {
            charge.go_on();
        } else {
            self.end_charging(flag.at_ms, context);
        }
    }

    /// Ends a session that has waited for more for too long.
    pub(super) fn pass_charging(&mut self, now_ms: i64, context: &mut FoldContext<'_>) {
        let paused_ms = self.charge.as_ref().and_then(OpenCharge::paused_ms);
        if paused_ms.is_some_and(|paused_ms| now_ms.saturating_sub(paused_ms) > PAUSE_MS_MAX) {
            self.end_charging(paused_ms.unwrap_or(now_ms), context);
        }
    }

    /// Returns whether a counter may have been captured in the trip that is over: what braking gave back until then is no
    /// charging.
    fn is_of_last_trip(&self, stamped: &Stamped) -> bool {
        let captured_ms = self.braking.captured_ms(stamped);
        captured_ms < stamped.at_ms
            && self.trip.is_none()
            && self.marks.charged.is_some()
            && self.trip_ended_ms >= Some(captured_ms)
    }

    /// Returns whether a word says that a car charges which drives: it is false, or was said before. Some cars charge with the ignition
    /// on, which is a trip, but none charges while it moves.
    pub(super) fn is_false_word_of_drive(&self, stamped: &Stamped) -> bool {
        let moved = match self.picture.speed {
            Some((_, speed_kmh)) => speed_kmh > STANDSTILL_KMH,
            None => self.picture.moving == Some(true),
        };
        let rolls = self.rolls(stamped.at_ms);
        let is_trip = self.trip.is_some();
        matches!(stamped.reading, SignalReading::Charging(true))
            && !stamped.retained
            && (is_trip || rolls)
            && (stamped.may_be_old() || (is_trip && (rolls || (moved && stamped.refitted))))
    }

    /// Returns whether the car drives, and has moved since its charging began: a trip that was open then has no beginning that ends it.
    fn has_driven_away(&self, at_ms: i64) -> bool {
        let Some(charge) = &self.charge else {
            return false;
        };
        let from_m = self.charge_from_m;
        let has_moved = from_m.is_some() && self.odometer.value() > from_m;
        let drives = charge.paused_ms().is_some() && self.drives_on(at_ms);
        has_moved && self.rolls(at_ms) || drives
    }

    /// Returns whether the car drives within an open trip.
    fn drives_on(&self, at_ms: i64) -> bool {
        let is_fast = |(_, speed_kmh): (i64, f64)| speed_kmh > ROLLING_KMH;
        self.trip.is_some() && self.rolls(at_ms) && self.picture.speed.is_none_or(is_fast)
    }

    /// The car drives away: whatever charged it has ended.
    pub(super) fn stop_charging(
        &mut self,
        at_ms: i64,
        charged_wh: Option<u64>,
        context: &mut FoldContext<'_>,
    ) {
        self.end_charging(at_ms, context);
        self.plug = None;
        self.end_discharging(context);
        // What was read before it sets off was charged, also when nothing was heard since.
        if let Some(wh) = charged_wh {
            self.settle_unseen(wh, UNSEEN_MIN_WH, at_ms, context);
        }
        self.mix_since_ms = Some(at_ms);
    }

    /// The counter is somewhere else now: nothing is paid for the way there.
    pub(super) fn charged_moved(&mut self, wh: u64, context: &mut FoldContext<'_>) {
        if let Some(charge) = self.charge.take() {
            let finished = charge.finish(&mut self.marks, context.settings);
            self.emit(finished, context);
        }
        self.charged_floor_wh = self.charged_floor_wh.max(Some(wh));
        self.mark(Meter::Charged, wh, context);
    }

    pub(super) fn discharge(
        &mut self,
        at_ms: i64,
        news: &[&Stamped],
        before: &PriorState,
        context: &mut FoldContext<'_>,
    ) {
        let power = news
            .iter()
            .find(|stamped| matches!(stamped.reading, SignalReading::BatteryW(_)));
        if let (Some(open), Some(stamped)) = (&mut self.discharge, power) {
            let said_ms = self.discharged_said_ms.unwrap_or(i64::MIN);
            let new_ms = stamped.said_ms.saturating_sub(said_ms);
            match before.battery_w {
                Some((from_ms, watts)) if !stamped.refitted => {
                    open.power(from_ms.max(at_ms.saturating_sub(new_ms)), at_ms, watts);
                    self.discharged_said_ms = Some(said_ms.max(stamped.said_ms));
                }
                Some(_) | None => open.skip_to(at_ms),
            }
        }
        for stamped in news {
            #[expect(
                clippy::wildcard_enum_match_arm,
                reason = "nothing else begins or ends it"
            )]
            match stamped.reading {
                SignalReading::Discharging(true) if self.discharge.is_none() => {
                    let started_ms = (!stamped.retained).then_some(stamped.at_ms);
                    let open =
                        OpenDischarge::start(self.owner(), started_ms, stamped.at_ms, &self.marks);
                    self.discharge = Some(open);
                    // It may have begun later than its time says: the power until the next word of it is of before.
                    if stamped.refitted {
                        let of_now = |(said_ms, _): &(i64, f64)| *said_ms >= at_ms;
                        self.picture.battery_w = self.picture.battery_w.filter(of_now);
                    }
                }
                SignalReading::Discharging(false) => self.end_discharging(context),
                _ => {}
            }
        }
    }

    fn end_discharging(&mut self, context: &mut FoldContext<'_>) {
        if let Some(open) = self.discharge.take() {
            self.checkpoint_due_ms = None;
            let finished = open.finish(&mut self.marks, context.settings);
            self.emit(finished, context);
        }
    }

    /// Charging belongs to whoever is known to sit there, else to the last driver whose name was not taken back.
    pub(super) fn owner(&self) -> Driver {
        let present = self.picture.driver();
        match (&present, &self.last_driver) {
            (Driver::Named { .. }, _) | (Driver::Unidentified | Driver::Guest, None) => present,
            (Driver::Unidentified | Driver::Guest, Some(last)) => last.clone(),
        }
    }

    fn accounted_wh(&self) -> Option<u64> {
        self.marks
            .charged
            .map(|mark| mark.max(self.charged_floor_wh.unwrap_or(0)))
    }

    fn start_charging(&mut self, flag: Flag, known_wh: Option<u64>, context: &mut FoldContext<'_>) {
        if let Some(wh) = known_wh.filter(|_| !self.slept) {
            self.settle_unseen(wh, UNSEEN_MIN_WH, flag.at_ms, context);
        }
        // A first counter is still to come: whatever it then shows had been charged before.
        let from_wh = self
            .accounted_wh()
            .filter(|_| known_wh.is_some() && !self.slept);
        let started_ms = (!flag.retained).then_some(flag.at_ms);
        self.charge_from_m = None;
        self.charge = Some(OpenCharge::start(
            self.owner(),
            started_ms,
            flag.at_ms,
            from_wh,
        ));
        self.checkpoint_due_ms = None;
    }

    /// Takes the counter, whose last value was read at `known_ms`.
    fn take_counter(
        &mut self,
        (at_ms, wh): (i64, u64),
        known_ms: Option<i64>,
        origin_before: Option<EnergyOrigin>,
        context: &mut FoldContext<'_>,
    ) {
        let origin_now = EnergyOrigin::of(
            &self.picture.mix,
            self.mix_since_ms,
            at_ms,
            self.charge.as_ref().and_then(OpenCharge::power_w),
            context.settings,
        );
        let accounted_wh = self.accounted_wh();
        // Where only the odometer tells of motion, the car may have braked until it is read.
        let is_unread = self.is_blind() && self.odometer.seen_ms() < known_ms;
        let may_roll = self.may_roll() || is_unread;
        let may_brake = |trip: &OpenTrip| may_roll || !trip.stands_since(known_ms);
        let is_braking = self.trip.as_ref().is_some_and(may_brake);
        let first = match &mut self.charge {
            Some(charge) => {
                charge.stretch_wh().is_none() && !charge.reaches_back(accounted_wh, at_ms, wh)
            }
            None => false,
        };
        if first || accounted_wh.is_none() {
            self.settle_unseen(wh, 1, at_ms, context);
        }
        match &mut self.charge {
            // The energy since the last value flowed under what was known then.
            Some(charge) => {
                charge.take_counter(at_ms, wh, origin_before.unwrap_or(origin_now), origin_now);
            }
            None if is_braking => {
                self.charged_floor_wh = self.charged_floor_wh.max(Some(wh));
            }
            None => {}
        }
    }

    fn note_power(&mut self, news: &[&Stamped]) {
        let Some(charge) = &mut self.charge else {
            return;
        };
        for stamped in news {
            #[expect(
                clippy::wildcard_enum_match_arm,
                reason = "nothing else is power or place"
            )]
            match &stamped.reading {
                SignalReading::BatteryW(watts) => charge.battery_power(*watts),
                SignalReading::ChargingW(watts) => charge.average_power(*watts),
                _ => {}
            }
        }
        let holds = |said_ms: i64| self.mix_since_ms.is_none_or(|since_ms| said_ms >= since_ms);
        if let Some((_, evse)) = self
            .picture
            .mix
            .evse
            .as_ref()
            .filter(|(said_ms, _)| holds(*said_ms))
        {
            charge.evse(evse);
        }
    }

    pub(super) fn end_charging(&mut self, at_ms: i64, context: &mut FoldContext<'_>) {
        if let Some(charge) = self.charge.take() {
            self.plug = Some(PluggedIn {
                ended_ms: at_ms,
                mix_since_ms: self.mix_since_ms,
            });
            self.mix_since_ms = Some(at_ms);
            self.checkpoint_due_ms = None;
            let finished = charge.finish(&mut self.marks, context.settings);
            self.emit(finished, context);
        }
    }

    /// Accounts for a rise of the counter that no session was open for, when it is `least_wh` or more.
    fn settle_unseen(&mut self, wh: u64, least_wh: u64, at_ms: i64, context: &mut FoldContext<'_>) {
        let Some(from_wh) = self.accounted_wh() else {
            self.mark(Meter::Charged, wh, context);
            return;
        };
        let rise_wh = wh.saturating_sub(from_wh);
        if rise_wh < least_wh {
            return;
        }
        if rise_wh > UNSEEN_MAX_WH {
            Self::refuse_charged(context);
            self.mark(Meter::Charged, wh, context);
            return;
        }
        let unseen = Unseen {
            stretch_wh: (from_wh, wh),
            found_ms: at_ms,
            permille: self.unseen_permille(from_wh, wh, at_ms, context.settings),
        };
        let finished = reconstructed(self.owner(), unseen, &mut self.marks, context.settings);
        self.emit(finished, context);
    }

    /// The renewable share of a rise that nobody saw: what the car's own counter of it says, when it was said anew
    /// since and begins where the rise does; else what the policy assumes of the time in which it must have been.
    fn unseen_permille(&self, from_wh: u64, wh: u64, at_ms: i64, settings: &Settings) -> u16 {
        let known = self
            .counters
            .filter(|known| known.charged_wh.abs_diff(from_wh) < UNSEEN_MIN_WH);
        let counted = || {
            let (before_ms, before_wh) = known?.renewable?;
            let (said_ms, renewable_wh) = self.picture.mix.renewable_wh?;
            let rise_wh = wh.checked_sub(from_wh).filter(|rise_wh| *rise_wh > 0)?;
            let part_wh = renewable_wh
                .checked_sub(before_wh)
                .filter(|part_wh| said_ms > before_ms && *part_wh <= rise_wh + UNSEEN_MIN_WH)?;
            u16::try_from((part_wh.min(rise_wh) * 1_000 + rise_wh / 2) / rise_wh).ok()
        };
        counted()
            .unwrap_or_else(|| settings.assumed_between(known.map(|known| known.charged_ms), at_ms))
    }

    /// Remembers both counters of charged energy as they are known together now.
    pub(super) fn note_counters(&mut self) {
        let charged = self.charged.seen_ms().zip(self.charged.value());
        self.counters = charged.map(|(charged_ms, charged_wh)| Counters {
            charged_ms,
            charged_wh,
            renewable: self.picture.mix.renewable_wh,
        });
    }
}
