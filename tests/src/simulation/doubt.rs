//! Evidence in doubt, worked out anew from the outside by the words of the protocol (section 8).

use dashpoint_membership::policy::LateHour;
use dashpoint_membership::{
    ClockQuality, CoarseTime, Current, DeviceId, Entry, EntryRef, Evidence, Factor, Meter,
    MeterInterval, ServerTime, Trip, VehicleId,
};

const DAY_S: i64 = 86_400;
/// Seconds by which driving may exceed the time that passed.
const SLACK_S: i64 = 10_800;

/// An entry that holds a stretch of a meter.
#[derive(Debug, Clone)]
pub(super) struct MeterClaim {
    /// The entry.
    pub by: EntryRef,
    /// Its stretch.
    pub interval: MeterInterval,
    /// It was paid neither points nor growth value.
    pub is_unpaid: bool,
    /// Its device signed that rules give something for it: a thousandth may have been paid.
    pub has_award: bool,
    /// Its device was shut out: what it claims says nothing of the vehicle any more.
    is_shut_out: bool,
    /// The newest receipt that the car is known to have had.
    held: i64,
    arrived: i64,
    lasted_s: i64,
    /// Watt-hours regained, and used, that its metres and its time do not explain.
    unexplained_wh: [i64; 2],
    /// Its beginning and its end by the clock of the car.
    times: (i64, i64),
    /// The same, unless the clock is said to be wrong.
    said: Option<(i64, i64)>,
    /// The same, when nothing contradicts them.
    span: Option<(i64, i64)>,
    /// The clock of the car was ahead for certain.
    is_ahead: bool,
}

/// The claim of an entry on a meter, and whether it is in doubt: as it was seen, and as it is when receipts that nobody saw
/// were signed.
#[derive(Debug, Clone)]
pub(super) struct WeighedClaim {
    /// The meter.
    pub meter: (VehicleId, Meter),
    /// The claim.
    pub claims: [MeterClaim; 2],
    /// It is in doubt.
    pub is_in_doubt: [bool; 2],
}

/// The meter of a claim.
#[derive(Debug, Clone, Copy)]
pub(super) struct ClaimedMeter {
    pub is_open: bool,
    /// Its first reading, with the receipt of its opening and the time since which it may have been.
    pub first: Option<(i64, i64)>,
    /// The vehicle has several of the quantity.
    pub is_one_of_several: bool,
}

/// The times that a doubt is measured by, in seconds.
#[derive(Debug, Clone, Copy)]
pub(super) struct DoubtTimes {
    /// The enrolment of the device.
    pub enrolled: ServerTime,
    /// The newest receipt that the car is known to have had.
    pub held: ServerTime,
    /// The arrival.
    pub now: ServerTime,
}

impl MeterClaim {
    /// The claim of an entry on a meter.
    pub fn of(by: EntryRef, entry: &Entry, evidence: &Evidence, times: DoubtTimes) -> Self {
        let ended = entry.time.at.as_unix_s();
        let started = match evidence {
            Evidence::Trip(trip) => Some(trip.started),
            Evidence::Charge(charge) => charge.started,
            Evidence::Discharge(discharge) => discharge.started,
        };
        let started = started.map_or(ended, CoarseTime::as_unix_s);
        let now = times.now.as_unix_s();
        let is_doubtful = entry.time.quality == ClockQuality::Doubtful;
        let said = (!is_doubtful).then_some((started, ended));
        // A session goes on when the clock is set, and then its length is none.
        let has_length = match evidence {
            Evidence::Trip(_) => true,
            Evidence::Charge(_) | Evidence::Discharge(_) => {
                started >= entry.receipt_at.as_unix_s() || ended - started <= SLACK_S
            }
        };
        Self {
            by,
            interval: evidence.interval(),
            is_unpaid: false,
            has_award: !entry.transaction().awards().is_empty(),
            is_shut_out: false,
            held: times.held.as_unix_s(),
            arrived: now,
            lasted_s: match evidence {
                Evidence::Trip(trip) => lasted_s(trip),
                Evidence::Charge(_) | Evidence::Discharge(_) => 0,
            },
            unexplained_wh: match evidence {
                Evidence::Trip(trip) => unexplained_wh(trip),
                Evidence::Charge(_) | Evidence::Discharge(_) => [0; 2],
            },
            times: (started, ended),
            said,
            span: said.filter(|(started, ended)| has_length && started <= ended),
            is_ahead: ended - now > 900,
        }
    }

    /// Returns whether both claim a common unit.
    pub fn overlaps(&self, other: &Self) -> bool {
        self.interval.overlaps(&other.interval)
    }

    /// Returns whether it ends before it begins, or has more driving than fits in between.
    const fn is_out_of_time(&self) -> bool {
        let (started, ended) = self.times;
        ended < started || self.lasted_s - (ended - started) > 600
    }

    /// Returns whether its device was shut out.
    pub const fn is_shut_out(&self) -> bool {
        self.is_shut_out
    }

    /// The newest receipt that the car is known to have had.
    pub const fn held_at(&self) -> i64 {
        self.held
    }

    /// Its beginning by the clock of the car, when nothing contradicts it.
    pub fn sure_start(&self) -> Option<i64> {
        let span = self.span.filter(|_| !self.is_ahead);
        span.map(|(started, _)| started)
    }

    /// Its device is shut out.
    pub fn shut_out(&mut self) {
        self.is_shut_out = true;
    }

    /// A device is shut out; returns whether the claim stays: not when it is of that device, and nothing was paid for it.
    pub fn outlasts(&mut self, shut_out: DeviceId) -> bool {
        let is_his = self.by.device == shut_out;
        self.is_shut_out |= is_his;
        !(is_his && self.is_unpaid)
    }
}

/// Returns whether an entry is in doubt beside those that hold a stretch of a meter of its vehicle.
pub(super) fn is_in_doubt<'a>(
    entry: &Entry,
    evidence: &Evidence,
    late_hours: &[LateHour],
    claim: &'a MeterClaim,
    times: DoubtTimes,
    meter: ClaimedMeter,
    holders: impl Iterator<Item = &'a MeterClaim>,
) -> bool {
    let vehicle: Vec<&MeterClaim> = holders.filter(|known| !known.is_shut_out).collect();
    let of_quantity = |known: &&MeterClaim| known.interval.meter == claim.interval.meter;
    let quantity: Vec<&MeterClaim> = vehicle.iter().copied().filter(of_quantity).collect();
    let of_meter = |known: &&MeterClaim| known.interval.number == claim.interval.number;
    let known = quantity.iter().copied().filter(of_meter).collect();
    let beside = Beside {
        claim,
        meter,
        enrolled: times.enrolled.as_unix_s(),
        now: claim.arrived,
        window: claim.held.min(claim.arrived - DAY_S),
        known,
        quantity,
        vehicle,
    };
    let is_behind = beside
        .highest(|known| known.arrived <= claim.held)
        .is_some_and(|known| claim.interval.from < known.interval.to);
    let is_below = meter
        .first
        .is_some_and(|(first, _)| units(claim.interval.from) < first);
    !meter.is_open
        || is_behind
        || is_below
        || claim.is_out_of_time()
        || beside.is_at_once()
        || beside.is_driven_meanwhile()
        || match evidence {
            Evidence::Trip(trip) => {
                contradicts_itself(trip)
                    || beside.is_unexplained()
                    || beside.is_older_than_the_device(11_100)
                    || misses_late_hours(entry, trip, late_hours)
                    || beside.is_too_far()
                    || beside.is_too_long()
            }
            Evidence::Charge(charge) => {
                let kw = if charge.current == Current::Ac {
                    43
                } else {
                    1_000
                };
                beside.is_too_much(charge.started.is_some(), kw)
            }
            Evidence::Discharge(discharge) => {
                beside.is_too_much(discharge.started.is_some(), 1_000)
            }
        }
}

/// A claim beside those that are known.
struct Beside<'a> {
    claim: &'a MeterClaim,
    meter: ClaimedMeter,
    enrolled: i64,
    now: i64,
    window: i64,
    /// Those on the same meter.
    known: Vec<&'a MeterClaim>,
    /// Those on meters of the same quantity.
    quantity: Vec<&'a MeterClaim>,
    /// Those on any.
    vehicle: Vec<&'a MeterClaim>,
}

impl Beside<'_> {
    fn passed_s(&self, since: i64) -> i64 {
        (self.now - since).max(0)
    }

    fn highest(&self, holds: impl Fn(&MeterClaim) -> bool) -> Option<&MeterClaim> {
        let found = self.known.iter().filter(|known| holds(known));
        found.max_by_key(|known| known.interval.to).copied()
    }

    /// The highest reading that is not above the claim, and the time since which it may have been.
    fn below(&self) -> Option<(i64, i64)> {
        let known = self.highest(|known| known.interval.to <= self.claim.interval.from);
        let known = known.map(|known| (units(known.interval.to), known.held));
        let (at, held) = known.or(self.meter.first)?;
        // None by a clock that was ahead.
        Some((at, if held > self.now { self.enrolled } else { held }))
    }

    fn lately(&self) -> impl Iterator<Item = &&MeterClaim> {
        let within = self.window..=self.now;
        let quantity = self.quantity.iter();
        quantity.filter(move |known| within.contains(&known.held))
    }

    /// Those of the device that makes the claim.
    fn own_lately(&self) -> impl Iterator<Item = &&MeterClaim> {
        let device = self.claim.by.device;
        self.lately().filter(move |known| known.by.device == device)
    }

    fn is_too_far(&self) -> bool {
        let reach_m = |since: i64| 50_000 + self.passed_s(since) * 4_000_000 / DAY_S;
        let MeterInterval { from, to, .. } = self.claim.interval;
        let gap = self
            .below()
            .is_some_and(|(at, since)| units(from) > at + reach_m(since));
        let day_ago = self
            .highest(|known| known.arrived <= self.now - DAY_S)
            .map(|known| (units(known.interval.to), known.held))
            .or(self.meter.first)
            .or_else(|| {
                let first = self.known.iter().min_by_key(|known| known.interval.to);
                first.map(|known| (units(known.interval.from), known.held))
            });
        let leap = day_ago
            .is_some_and(|(at, since)| units(to) > at + reach_m(since.min(self.now - DAY_S)));
        let together_m = self.said_since(Meter::Odometer, self.window) + units(to) - units(from);
        let is_several = self.meter.is_one_of_several && together_m > reach_m(self.window);
        gap || leap || is_several
    }

    /// Returns whether it adds to trips in a row that were unexplained already, beyond the steps of two counters.
    fn is_unexplained(&self) -> bool {
        let mut trips: Vec<&MeterClaim> = self.lately().copied().collect();
        trips.push(self.claim);
        trips.sort_by_key(|trip| (trip.interval.number, trip.interval.from));
        let own = trips
            .iter()
            .position(|trip| std::ptr::eq(*trip, self.claim));
        let own = own.unwrap_or_default();
        (0..2).any(|kind| {
            let wh = |trips: &[&MeterClaim]| -> i64 {
                trips.iter().map(|trip| trip.unexplained_wh[kind]).sum()
            };
            // Every row that the trip is part of.
            let mut rows = (0..=own).flat_map(|from| (own..trips.len()).map(move |to| (from, to)));
            wh(&[self.claim]) > 0 && rows.any(|(from, to)| wh(&trips[from..=to]) > 2_000)
        })
    }

    /// Returns whether it says that it began so many seconds before an enrolment that is not in the future itself, or ended three
    /// hours and the rounding before.
    fn is_older_than_the_device(&self, most_s: i64) -> bool {
        let is_before = |(started, ended): (i64, i64)| {
            self.enrolled - started > most_s || self.enrolled - ended > 11_100
        };
        self.enrolled <= self.now && self.claim.said.is_some_and(is_before)
    }

    fn is_too_long(&self) -> bool {
        let own_s = self.claim.lasted_s;
        let others_s: i64 = self.lately().map(|known| known.lasted_s).sum();
        let longest_s = self.lately().map(|known| known.lasted_s).max();
        let within_s = own_s + others_s - own_s.max(longest_s.unwrap_or(0));
        let device_s: i64 = self.own_lately().map(|known| known.lasted_s).sum();
        own_s > self.passed_s(self.enrolled) + SLACK_S
            || own_s + device_s > self.passed_s(self.enrolled) + 21_600
            || within_s > self.passed_s(self.window) + SLACK_S
    }

    fn is_at_once(&self) -> bool {
        let shared = self.quantity.iter().map(|known| self.shared_s(known));
        let shared: Vec<i64> = shared.filter(|shared_s| *shared_s > 0).collect();
        shared.len() >= 2 || shared.iter().sum::<i64>() >= 3_600
    }

    /// The seconds that both say to have lasted at the same time, but for the rounding.
    fn shared_s(&self, known: &MeterClaim) -> i64 {
        let is_of_one_clock = known.by.device == self.claim.by.device;
        let compares =
            known.is_ahead == self.claim.is_ahead && (!known.is_ahead || is_of_one_clock);
        match (self.claim.span, known.span) {
            (Some((started, ended)), Some((from, to))) if compares => {
                let shared_s = to.min(ended) - from.max(started);
                if shared_s > 600 { shared_s - 300 } else { 0 }
            }
            _ => 0,
        }
    }

    /// Returns whether a trip and sessions share half an hour more than the trip stood still.
    fn is_driven_meanwhile(&self) -> bool {
        let stood_s = |trip: &MeterClaim| {
            let span_s = trip.span.map_or(0, |(started, ended)| ended - started);
            (span_s - trip.lasted_s).max(0)
        };
        let is_trip = |claim: &MeterClaim| claim.interval.meter == Meter::Odometer;
        let mut driven_s = 0;
        for known in &self.vehicle {
            match (is_trip(self.claim), is_trip(known)) {
                (true, false) => driven_s += self.shared_s(known),
                (false, true) => driven_s += (self.shared_s(known) - stood_s(known)).max(0),
                (true, true) | (false, false) => {}
            }
        }
        if is_trip(self.claim) {
            driven_s -= stood_s(self.claim);
        }
        driven_s >= 1_800
    }

    /// What was said on a meter since a time.
    fn said_since(&self, meter: Meter, since: i64) -> i64 {
        let of_meter = self
            .vehicle
            .iter()
            .filter(|known| known.interval.meter == meter);
        let within = of_meter.filter(|known| (since..=self.now).contains(&known.held));
        within.map(|known| units(known.interval.length())).sum()
    }

    fn is_too_much(&self, was_seen: bool, kw: i64) -> bool {
        let leap_wh = |since: i64| 250_000 + self.passed_s(since) * 1_000_000 / DAY_S;
        let meter = self.claim.interval.meter;
        // What the vehicle has said from a time on explains so much since another.
        let explained_wh = |from: i64, since: i64| {
            let unsaid_wh = 250_000 + self.passed_s(since) * 70_000 / DAY_S;
            if meter == Meter::Charged {
                let road_wh = self.said_since(Meter::Odometer, from) / 2;
                unsaid_wh + road_wh + self.said_since(Meter::Discharged, from)
            } else {
                unsaid_wh + self.said_since(Meter::Charged, from)
            }
        };
        let (from, to) = (
            units(self.claim.interval.from),
            units(self.claim.interval.to),
        );
        let below = self.below();
        let since = below.map_or(self.enrolled, |(_, since)| since);
        let reading = below.map_or(from, |(at, _)| at);
        let own_wh: i64 = self
            .own_lately()
            .map(|known| units(known.interval.length()))
            .sum();
        let unseen_wh = if was_seen {
            0
        } else {
            (self.passed_s(since) * 20_000 / DAY_S).min(70_000)
        };
        let (started, ended) = self.claim.times;
        let is_too_fast =
            was_seen && to - from > (ended - started + 600) * kw * 1_000 / 3_600 + 2_000;
        let week = self.window.min(self.now - 7 * DAY_S);
        let mut windows = [self.window, week].into_iter();
        is_too_fast
            || self.is_older_than_the_device(173_100)
            || to - from > 250_000 + unseen_wh
            || to - reading > leap_wh(since)
            || windows
                .any(|since| self.said_since(meter, since) + to - from > explained_wh(since, since))
            || own_wh + to - from > explained_wh(self.window, self.enrolled)
    }
}

fn contradicts_itself(trip: &Trip) -> bool {
    let (lasted_s, metres) = (lasted_s(trip), units(trip.odometer.length()));
    let driven_ms = units(trip.driving.at_most_s()) * 1_000;
    let saw_nothing = trip.factors.iter().any(|seen| match seen.factor {
        Factor::HardBraking if driven_ms >= 3_600_000 => seen.base_ms < 1_000,
        Factor::HardBraking | Factor::AggressiveTurning | Factor::UnsafeFollowing => {
            seen.base_ms > 0 && seen.base_ms < 10
        }
        Factor::LateNight | Factor::ExcessiveSpeed => units(seen.base_ms) * 10 < driven_ms * 9,
        Factor::Unbuckled => units(seen.base_ms) < driven_ms.min(60_000),
    });
    metres * 3_600 > lasted_s * 250_000
        || unexplained_wh(trip).iter().any(|wh| *wh > 2_000)
        || saw_nothing
}

fn unexplained_wh(trip: &Trip) -> [i64; 2] {
    let (metres, used_wh) = (units(trip.odometer.length()), i64::from(trip.used_wh));
    [
        i64::from(trip.regained_wh) - used_wh - metres.min(55_000),
        used_wh - metres - lasted_s(trip) * 10_000 / 3_600,
    ]
}

fn misses_late_hours(entry: &Entry, trip: &Trip, late_hours: &[LateHour]) -> bool {
    let (from_s, to_s) = (trip.started.as_unix_s() + 300, entry.time.at.as_unix_s());
    let span_s = (to_s - from_s).max(0);
    if span_s > lasted_s(trip) + SLACK_S {
        return false;
    }
    let late_ms: i64 = (0..span_s)
        .step_by(60)
        .map(|after_s| {
            let local_s = from_s + after_s + 60 * i64::from(entry.time.utc_offset_min);
            let hour = local_s.rem_euclid(DAY_S) / 3_600;
            let late = late_hours.iter().find(|late| i64::from(late.hour) == hour);
            late.map_or(0, |late| 600 * i64::from(late.weight_percent))
        })
        .sum();
    let idle_ms = (span_s - units(trip.driving.at_most_s())).max(0) * 1_000;
    let least_ms = late_ms - idle_ms;
    let mut factors = trip.factors.iter();
    let said = factors.find(|seen| seen.factor == Factor::LateNight);
    let said_ms = said.map_or(0, |seen| units(seen.against_ms));
    least_ms > 300_000 && said_ms < least_ms / 2
}

fn lasted_s(trip: &Trip) -> i64 {
    units(trip.driving.at_most_s()) + i64::from(trip.missed_s)
}

fn units(unsigned: u64) -> i64 {
    i64::try_from(unsigned).unwrap_or(i64::MAX)
}
