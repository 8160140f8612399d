//! Doubts: evidence that contradicts no shape, and that odometer, time, speed or energy forbid.
//!
//! Bounds over time count in server time, from the receipt that the car held to the arrival. The times of one entry are held against
//! each other by whatever clock; against the enrolment and against those of other entries only where the car trusts its clock.

use dashpoint_membership::policy::ScoreModel;
use dashpoint_membership::{
    Charge, CoarseTime, Discharge, Entry, Evidence, Factor, FactorSeen, MeterInterval, ServerTime,
    Trip,
};

use super::energy::{EnergyWindow, ExcessEnergy, lasted_s, session_wh_max};
use super::limits::*;
use super::recent::MeterSums;
use super::times::{EntryTimes, Overlaps};

/// A claim of evidence that cannot be settled before an operator has looked at it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Doubt {
    /// Faster on average than a car is driven.
    #[error("faster than {SPEED_KMH_MAX} km/h on average")]
    Speed,
    /// The trip or session began before its head unit was enrolled.
    #[error("begins before its head unit was enrolled")]
    BeforeEnrolment,
    /// Times that contradict each other.
    #[error("its own times contradict each other")]
    OwnTimes,
    /// More driving than time has passed.
    #[error("more driving than time has passed")]
    Busy,
    /// Another trip or session of the vehicle at the same time.
    #[error("overlaps in time with others of the vehicle")]
    Overlap,
    /// Charging or giving back while the vehicle is driven.
    #[error("a session and a trip at the same time")]
    Beside,
    /// Below a reading that was known when it happened.
    #[error("below a reading that was known before")]
    Behind,
    /// Further ahead than the vehicle can have come.
    #[error("further ahead than the vehicle can have come")]
    Ahead,
    /// More energy than battery and road allow.
    #[error("more energy than battery and road allow")]
    Energy,
    /// More energy than a charger gives in its time.
    #[error("more energy than a charger gives in that time")]
    Power,
    /// More energy regained than the road can have given.
    #[error("more energy regained than the road can have given")]
    Regained,
    /// More energy used than the road can have taken.
    #[error("more energy used than the road can have taken")]
    Used,
    /// A factor that saw next to nothing of the trip.
    #[error("a factor that saw next to nothing of the trip")]
    Unseen,
    /// Late hours without their factor.
    #[error("late hours without their factor")]
    LateHours,
    /// It claims of a meter that is not open.
    #[error("on a meter that was not open")]
    NotOpen,
    /// The opening of a meter whose number is not the next one.
    #[error("not the next meter of the vehicle")]
    SkipsMeter,
    /// One opening more than the policy lets pass.
    #[error("more meters than the policy lets a vehicle open in a year")]
    ManyMeters,
    /// The opening of a meter that was not steady for a day.
    #[error("a meter that was not steady for a day")]
    Unsteady,
    /// The opening of a meter whose reading goes on from the one before.
    #[error("its reading goes on from the meter before")]
    GoesOn,
    /// The opening of a meter since whose beginning the one before has counted.
    #[error("the meter before has counted since")]
    StillCounts,
    /// It was in doubt before a restore, and nobody had accepted it.
    #[error("was in doubt before the restore")]
    BeforeRestore,
}

/// A reading of a meter, with the newest server time before which it cannot have been.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MeterReading {
    /// The reading.
    pub at: u64,
    /// The receipt that the car held then.
    pub since: ServerTime,
}

/// State of the meter of a claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MeterState {
    /// It is the first of its quantity, or was opened.
    pub is_open: bool,
    /// Its first reading, as its opening has it.
    pub first: Option<u64>,
    /// The vehicle has more than one of the quantity.
    pub is_one_of_several: bool,
}

/// Facts about the vehicle that an entry is held against: of what holds a stretch of its meters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct History {
    /// Time at which the device was enrolled.
    pub enrolled: ServerTime,
    /// The newest receipt that the car is known to have held when it made the entry.
    pub receipt_at: ServerTime,
    /// The meter.
    pub meter: MeterState,
    /// The highest reading that was known when the car got its receipt.
    pub known_then: Option<u64>,
    /// The highest reading below the claim.
    pub below: Option<MeterReading>,
    /// The highest reading of a day ago, or the first of all.
    pub day_ago: Option<MeterReading>,
    /// Sums since [`window_start`].
    pub lately: MeterSums,
    /// Energy that nothing accounts for of the trips before and after a trip, of those since [`window_start`].
    pub neighbours: ExcessEnergy,
    /// Energy of sessions since each of [`energy_window_starts`], for a session.
    pub energy: Vec<EnergyWindow>,
    /// Others at the same time.
    pub overlaps: Overlaps,
}

/// The beginning of the stretch of server time over which sums are taken: the receipt that the car held, or a day ago.
#[must_use]
pub fn window_start(receipt_at: ServerTime, now: ServerTime) -> ServerTime {
    receipt_at.min(now.plus_s(-signed(DAY_S)))
}

/// The beginnings of the stretches of server time over which the energy of sessions is summed: that of all sums, and a week ago
/// when that is earlier.
#[must_use]
pub fn energy_window_starts(receipt_at: ServerTime, now: ServerTime) -> [ServerTime; 2] {
    let start = window_start(receipt_at, now);
    [start, start.min(now.plus_s(-signed(WEEK_S)))]
}

/// Finds what an operator has to look at in an entry; `None` when nothing is in doubt.
#[must_use]
pub fn doubt(
    entry: &Entry,
    model: &ScoreModel,
    history: &History,
    now: ServerTime,
) -> Option<Doubt> {
    let evidence = entry.transaction().evidence()?;
    let interval = evidence.interval();
    let times = EntryTimes::of(entry, evidence);
    if !history.meter.is_open {
        return Some(Doubt::NotOpen);
    }
    match evidence {
        Evidence::Trip(trip) => trip_doubt(trip, model)
            .or_else(|| excess_doubt(ExcessEnergy::of_trip(trip).with(history.neighbours)))
            .or_else(|| own_times_doubt(&times, lasted_s(trip), ENROL_SLACK_S, history, now))
            .or_else(|| late_doubt(entry, trip, model))
            .or_else(|| odometer_doubt(interval, history, now))
            .or_else(|| time_doubt(trip, history, now))
            .or_else(|| overlap_doubt(&history.overlaps)),
        Evidence::Charge(Charge { started, .. })
        | Evidence::Discharge(Discharge { started, .. }) => {
            own_times_doubt(&times, 0, SESSION_ENROL_SLACK_S, history, now)
                .or_else(|| power_doubt(evidence, started.is_some(), &times))
                .or_else(|| energy_doubt(evidence, started.is_some(), history, now))
                .or_else(|| overlap_doubt(&history.overlaps))
        }
    }
}

fn trip_doubt(trip: &Trip, model: &ScoreModel) -> Option<Doubt> {
    let (metres, lasted_s) = (trip.odometer.length(), lasted_s(trip));
    if metres.saturating_mul(3_600) > lasted_s * SPEED_KMH_MAX * 1_000 {
        return Some(Doubt::Speed);
    }
    if let Some(doubt) = excess_doubt(ExcessEnergy::of_trip(trip)) {
        return Some(doubt);
    }
    let driving_ms = trip.driving.at_most_s() * 1_000;
    let is_gentle = model.thresholds.brake_soft_mg <= BRAKE_SOFT_MG_MAX;
    let is_unseen = |seen: &FactorSeen| is_unseen(*seen, driving_ms, is_gentle);
    trip.factors.iter().any(is_unseen).then_some(Doubt::Unseen)
}

/// Returns whether a factor that was observed saw less than it does of so much driving; `is_gentle` when gentle braking counts as well.
const fn is_unseen(seen: FactorSeen, driving_ms: u64, is_gentle: bool) -> bool {
    let is_no_sample = seen.base_ms > 0 && seen.base_ms < SAMPLE_MS;
    match seen.factor {
        // Time above a threshold that each stop has.
        Factor::HardBraking => {
            let is_long = is_gentle && driving_ms >= BRAKES_IN_MS;
            is_no_sample || (is_long && seen.base_ms < BRAKING_MS_MIN)
        }
        // Time above a threshold that a straight and empty road has none of. None says the same as a factor that is not there,
        // and costs the driver nothing either way.
        Factor::AggressiveTurning | Factor::UnsafeFollowing => is_no_sample,
        // The time of driving itself.
        Factor::LateNight | Factor::ExcessiveSpeed => {
            seen.base_ms.saturating_mul(10) < driving_ms.saturating_mul(9)
        }
        // The belt may become known late on the way. What was seen counts in whole minutes.
        Factor::Unbuckled => seen.base_ms < MINUTE_MS && seen.base_ms < driving_ms,
    }
}

fn excess_doubt(excess: ExcessEnergy) -> Option<Doubt> {
    match excess.is_too_much() {
        (true, _) => Some(Doubt::Regained),
        (false, true) => Some(Doubt::Used),
        (false, false) => None,
    }
}

/// Holds the times of a trip or session against each other and against the enrolment, which may have come so long after the
/// beginning.
fn own_times_doubt(
    times: &EntryTimes,
    lasted_s: u64,
    enrol_slack_s: u64,
    history: &History,
    now: ServerTime,
) -> Option<Doubt> {
    if times.contradict(lasted_s) {
        return Some(Doubt::OwnTimes);
    }
    let grain_s = CoarseTime::GRAIN_MIN * 60;
    let began = times.started.plus_s(signed(enrol_slack_s) + grain_s);
    let ended = times.ended.plus_s(signed(ENROL_SLACK_S) + grain_s);
    let is_before = began < history.enrolled || ended < history.enrolled;
    // An enrolment after now was dated by a clock of this cloud that was ahead.
    let is_known = times.is_trusted && history.enrolled <= now;
    (is_known && is_before).then_some(Doubt::BeforeEnrolment)
}

/// Compares the late hours between the trip's own times with what the factor says: a car counts both by the same clock.
fn late_doubt(entry: &Entry, trip: &Trip, model: &ScoreModel) -> Option<Doubt> {
    let grain_s = CoarseTime::GRAIN_MIN * 60;
    let (from_s, to_s) = (
        trip.started.as_unix_s().saturating_add(grain_s),
        entry.time.at.as_unix_s(),
    );
    let span_s = u64::try_from(to_s.saturating_sub(from_s)).unwrap_or(0);
    // A clock that was set on the way says nothing of the hours.
    if span_s > lasted_s(trip) + BUSY_SLACK_S {
        return None;
    }
    let offset_s = i64::from(entry.time.utc_offset_min) * 60;
    let weight = |at_s: i64| {
        let hour = at_s.saturating_add(offset_s).rem_euclid(signed(DAY_S)) / 3_600;
        let late = model
            .late_hours
            .iter()
            .find(|late| i64::from(late.hour) == hour);
        late.map_or(0, |late| u64::from(late.weight_percent))
    };
    let late_ms: u64 = (from_s..to_s)
        .step_by(60)
        .map(|at_s| weight(at_s) * 600)
        .sum();
    let idle_ms = span_s.saturating_sub(trip.driving.at_most_s()) * 1_000;
    let least_ms = late_ms.saturating_sub(idle_ms);
    let seen = trip
        .factors
        .iter()
        .find(|seen| seen.factor == Factor::LateNight);
    let said_ms = seen.map_or(0, |seen| seen.against_ms);
    (least_ms > LATE_MS_MAX && said_ms < least_ms / 2).then_some(Doubt::LateHours)
}

/// Returns whether a stretch begins below a reading of its meter that was known before.
fn is_behind(interval: MeterInterval, history: &History) -> bool {
    let mut known = history.known_then.into_iter().chain(history.meter.first);
    known.any(|known| interval.from < known)
}

fn odometer_doubt(interval: MeterInterval, history: &History, now: ServerTime) -> Option<Doubt> {
    if is_behind(interval, history) {
        return Some(Doubt::Behind);
    }
    let reach_m = |since: ServerTime| GAP_M_MAX + passed_s(since, now) * DAY_M_MAX / DAY_S;
    let gap = history
        .below
        .is_some_and(|below| interval.from > below.at + reach_m(below.since));
    let leap = history.day_ago.is_some_and(|before| {
        let since = before.since.min(now.plus_s(-signed(DAY_S)));
        interval.to > before.at + reach_m(since)
    });
    // Several odometers together go no farther than one.
    let together = history.lately.units.saturating_add(interval.length());
    let is_too_far = history.meter.is_one_of_several
        && together > reach_m(window_start(history.receipt_at, now));
    (gap || leap || is_too_far).then_some(Doubt::Ahead)
}

fn time_doubt(trip: &Trip, history: &History, now: ServerTime) -> Option<Doubt> {
    let lasted_s = lasted_s(trip);
    let lately = &history.lately;
    // Of its own trips together: a device that is an hour old has not driven four of three hours.
    let enrolled_s = passed_s(history.enrolled, now);
    if lasted_s > enrolled_s + ENROL_SLACK_S
        || lately.own_lasted_s + lasted_s > enrolled_s + ENROL_SUM_SLACK_S
    {
        return Some(Doubt::BeforeEnrolment);
    }
    // One trip may have been under way when the stretch of time began.
    let within_s = lately.lasted_s + lasted_s - lately.longest_s.max(lasted_s);
    let window_s = passed_s(window_start(history.receipt_at, now), now);
    (within_s > window_s + BUSY_SLACK_S).then_some(Doubt::Busy)
}

fn overlap_doubt(overlaps: &Overlaps) -> Option<Doubt> {
    let is_twice = overlaps.count >= 2 || overlaps.seconds >= OVERLAP_S_MAX;
    let is_beside = overlaps.beside_s >= BESIDE_S_MAX;
    is_twice
        .then_some(Doubt::Overlap)
        .or_else(|| is_beside.then_some(Doubt::Beside))
}

/// Holds the energy of a session that was seen against its time. A car compares both itself, by whatever clock it has, before it
/// names the current.
fn power_doubt(evidence: &Evidence, was_seen: bool, times: &EntryTimes) -> Option<Doubt> {
    let wh = evidence.interval().length();
    (was_seen && wh > session_wh_max(evidence, times.span_s())).then_some(Doubt::Power)
}

fn energy_doubt(
    evidence: &Evidence,
    was_seen: bool,
    history: &History,
    now: ServerTime,
) -> Option<Doubt> {
    let interval = evidence.interval();
    if is_behind(interval, history) {
        return Some(Doubt::Behind);
    }
    let since = history.below.map_or(history.enrolled, |below| below.since);
    let since_s = passed_s(since, now);
    let reach_wh = BATTERY_WH_MAX + since_s * DAY_WH_MAX / DAY_S;
    let unseen_wh = if was_seen {
        0
    } else {
        UNSEEN_WH_MAX.min(since_s * UNSEEN_DAY_WH / DAY_S)
    };
    let wh = interval.length();
    let from = history
        .below
        .map_or(interval.from, |below| below.at.min(interval.from));
    let is_beyond = |window: &EnergyWindow| {
        window.same_wh + wh > window.room_wh(evidence, passed_s(window.since, now))
    };
    // What the device itself has said since it was enrolled.
    let is_beyond_device = |window: &EnergyWindow| {
        let enrolled_s = passed_s(history.enrolled, now);
        history.lately.own_units + wh > window.room_wh(evidence, enrolled_s)
    };
    let too_much = wh > BATTERY_WH_MAX + unseen_wh
        || interval.to - from > reach_wh
        || history.energy.iter().any(is_beyond)
        || history.energy.first().is_some_and(is_beyond_device);
    too_much.then_some(Doubt::Energy)
}

pub(super) fn passed_s(since: ServerTime, now: ServerTime) -> u64 {
    let passed_s = now.as_unix_s().saturating_sub(since.as_unix_s());
    u64::try_from(passed_s).unwrap_or(0)
}

pub(super) const fn signed(seconds: u64) -> i64 {
    seconds.cast_signed()
}
