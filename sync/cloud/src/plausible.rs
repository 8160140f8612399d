//! Bounds of what a car can do, for evidence that is attested by the device and not measured again.

mod doubt;
mod energy;
mod limits;
mod opening;
mod recent;
mod times;

use dashpoint_membership::policy::ScoreModel;
use dashpoint_membership::{
    Arrival, Charge, Discharge, Entry, Evidence, Meter, MeterInterval, MeterOpening, Trip,
    score_x100,
};

pub use doubt::{
    Doubt, History, MeterReading, MeterState, doubt, energy_window_starts, window_start,
};
pub use energy::{EnergyWindow, ExcessEnergy, lasted_s};
pub use opening::{OpeningHistory, YEAR_S, opening_doubt};
pub use recent::{MeterSums, RecentUse, neighbours};
pub use times::{EntryTimes, KnownSpan, Overlaps};

/// Reason for which evidence cannot be true; the car is told `implausible`, the operator's log says which.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EvidenceFlaw {
    /// It says that a receipt was held that was not signed.
    #[error("held a receipt of the future")]
    ReceiptOfTheFuture,
    /// Another meter than the kind of evidence is about.
    #[error("claims another meter")]
    OtherMeter,
    /// An interval that is empty or runs backwards.
    #[error("claims nothing, or backwards")]
    EmptyInterval,
    /// A meter reading beyond any vehicle's life.
    #[error("a reading beyond a vehicle's life")]
    ReadingTooHigh,
    /// More in one session than a vehicle can.
    #[error("more than a vehicle can")]
    TooMuch,
    /// A trip faster than any car.
    #[error("faster than a car")]
    TooFast,
    /// A trip longer than anybody drives without a stop.
    #[error("longer than a trip")]
    TooLong,
    /// Factors twice, out of order, or with more against the driver than was seen.
    #[error("factors that contradict themselves")]
    Factors,
    /// A score that the factors do not give.
    #[error("a score that the factors do not give")]
    Score,
    /// A share above the whole.
    #[error("a share above the whole")]
    Share,
}

/// 10 million kilometres, in metres; and as much in watt-hours.
const READING_MAX: u64 = 10_000_000_000;
/// Metres in nine seconds at 400 km/h: integers keep the bound exact.
const METRES_IN_9_S_MAX: u64 = 1_000;
/// A trip ends with the ignition; three days cover a caravan that never switches off.
const TRIP_S_MAX: u64 = 3 * 86_400;
/// One megawatt, in watt-hours a second times 3,600: more than any drive or brake of a car.
const DRIVE_W_MAX: u64 = 1_000_000;
/// Watt-hours beyond the power bound that rounding of the counters may add.
const ENERGY_SLACK_WH: u64 = 1_000;
/// One session fills a lorry's battery at most.
const SESSION_WH_MAX: u64 = 2_000_000;
/// The score is rounded once, by the car; its arithmetic may differ in the last digit.
const SCORE_SLACK_X100: u16 = 1;

/// Finds what cannot be true in an entry; `None` when all of it can.
#[must_use]
pub fn flaw(entry: &Entry, model: &ScoreModel, arrival: Arrival) -> Option<EvidenceFlaw> {
    if arrival.receipt_at > arrival.at {
        return Some(EvidenceFlaw::ReceiptOfTheFuture);
    }
    if let Some(opening) = entry.transaction().opening() {
        return opening_flaw(opening);
    }
    match entry.transaction().evidence()? {
        Evidence::Trip(trip) => trip_flaw(trip, model),
        Evidence::Charge(charge) => charge_flaw(charge),
        Evidence::Discharge(discharge) => discharge_flaw(discharge),
    }
}

fn trip_flaw(trip: &Trip, model: &ScoreModel) -> Option<EvidenceFlaw> {
    let lasted_s = trip.driving.at_most_s() + u64::from(trip.missed_s);
    let energy_wh_max = lasted_s * DRIVE_W_MAX / 3_600 + ENERGY_SLACK_WH;
    interval_flaw(trip.odometer, Meter::Odometer)
        .or_else(|| (lasted_s > TRIP_S_MAX).then_some(EvidenceFlaw::TooLong))
        .or_else(|| {
            let too_fast = trip.odometer.length() * 9 > lasted_s * METRES_IN_9_S_MAX;
            too_fast.then_some(EvidenceFlaw::TooFast)
        })
        .or_else(|| {
            let energy_wh = u64::from(trip.used_wh.max(trip.regained_wh));
            (energy_wh > energy_wh_max).then_some(EvidenceFlaw::TooMuch)
        })
        .or_else(|| factors_flaw(trip, lasted_s))
        .or_else(|| (trip.assisted_percent > Some(100)).then_some(EvidenceFlaw::Share))
        .or_else(|| {
            let given = score_x100(model, &trip.factors);
            let off = given.abs_diff(trip.score_x100) > SCORE_SLACK_X100;
            (off || trip.score_x100 > 10_000).then_some(EvidenceFlaw::Score)
        })
}

fn factors_flaw(trip: &Trip, lasted_s: u64) -> Option<EvidenceFlaw> {
    let ascending = trip
        .factors
        .windows(2)
        .all(|pair| pair[0].factor < pair[1].factor);
    // A second of grace: in entries that state seconds they are rounded down, the factors are not.
    let base_ms_max = (lasted_s + 1) * 1_000;
    let within = trip
        .factors
        .iter()
        .all(|seen| seen.against_ms <= seen.base_ms && seen.base_ms <= base_ms_max);
    (!ascending || !within).then_some(EvidenceFlaw::Factors)
}

fn charge_flaw(charge: &Charge) -> Option<EvidenceFlaw> {
    interval_flaw(charge.charged, Meter::Charged)
        .or_else(|| (charge.charged.length() > SESSION_WH_MAX).then_some(EvidenceFlaw::TooMuch))
        .or_else(|| (charge.renewable_permille > 1_000).then_some(EvidenceFlaw::Share))
}

fn discharge_flaw(discharge: &Discharge) -> Option<EvidenceFlaw> {
    interval_flaw(discharge.discharged, Meter::Discharged).or_else(|| {
        (discharge.discharged.length() > SESSION_WH_MAX).then_some(EvidenceFlaw::TooMuch)
    })
}

/// The first meter of a quantity is never opened.
fn opening_flaw(opening: &MeterOpening) -> Option<EvidenceFlaw> {
    if opening.number.is_first() {
        return Some(EvidenceFlaw::OtherMeter);
    }
    let reading = opening.last.max(opening.first);
    (reading > READING_MAX).then_some(EvidenceFlaw::ReadingTooHigh)
}

fn interval_flaw(interval: MeterInterval, meter: Meter) -> Option<EvidenceFlaw> {
    if interval.meter != meter {
        return Some(EvidenceFlaw::OtherMeter);
    }
    if interval.from >= interval.to {
        return Some(EvidenceFlaw::EmptyInterval);
    }
    (interval.to > READING_MAX).then_some(EvidenceFlaw::ReadingTooHigh)
}

#[cfg(test)]
mod tests {
    use dashpoint_membership::policy::{RuleKind, Trigger};
    use dashpoint_membership::{CompiledPolicy, DEFAULT_POLICY_TOML, Policy};

    use super::*;

    fn can_pay(on: Trigger, when: &str) -> bool {
        let mut policy = Policy::from_toml(DEFAULT_POLICY_TOML).unwrap();
        policy.caps.clear();
        policy.rules.truncate(1);
        policy.rules[0].on = RuleKind::Known(on);
        policy.rules[0].when = when.to_owned();
        policy.rules[0].points = "1".to_owned();
        policy.rules[0].growth = "0".to_owned();
        let policy = CompiledPolicy::compile(policy).unwrap();
        policy.check_payable().is_ok()
    }

    /// A rule for evidence that this cloud rejects is refused as one that never pays; for evidence at the bound it is not.
    #[test]
    fn the_limits_of_rule_fields_are_those_of_admissible_evidence() {
        for (on, field, most) in [
            (
                Trigger::Trip,
                "distance_m",
                TRIP_S_MAX * METRES_IN_9_S_MAX / 9,
            ),
            (Trigger::Trip, "driving_min", TRIP_S_MAX / 60),
            (Trigger::Trip, "missed_s", TRIP_S_MAX),
            (
                Trigger::Trip,
                "used_wh",
                TRIP_S_MAX * DRIVE_W_MAX / 3_600 + ENERGY_SLACK_WH,
            ),
            (Trigger::Trip, "score_x100", 10_000),
            (Trigger::Trip, "assisted_percent", 100),
            (Trigger::Trip, "braking_resolution_s", u64::from(u16::MAX)),
            (Trigger::Trip, "late_night_s", TRIP_S_MAX + 1),
            (Trigger::Charge, "energy_wh", SESSION_WH_MAX),
            (Trigger::Charge, "renewable_permille", 1_000),
            (Trigger::Discharge, "energy_wh", SESSION_WH_MAX),
        ] {
            assert!(can_pay(on, &format!("{field} == {most}")), "{field} {most}");
            let beyond = most + 1;
            assert!(
                !can_pay(on, &format!("{field} == {beyond}")),
                "{field} {beyond}"
            );
        }
        for field in ["distance_m", "driving_min"] {
            let least = i32::from(field == "distance_m");
            assert!(can_pay(Trigger::Trip, &format!("{field} == {least}")));
            assert!(!can_pay(Trigger::Trip, &format!("{field} < {least}")));
        }
    }
}
