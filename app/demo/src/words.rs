//! The words of the captions: made here and nowhere else.

use dashpoint_membership::policy::Carbon;
use dashpoint_membership::{Charge, Evidence, Factor, Trip};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use vehicle_sim::Cycle;

use crate::head_unit::Row;
use crate::judge::{evidence, grade, thousandth, trip_co2_g};

/// The name of a cycle, as its makers write it.
#[must_use]
pub fn cycle_name(cycle: Cycle) -> &'static str {
    match cycle {
        Cycle::Udds => "UDDS",
        Cycle::Hwfet => "HWFET",
        Cycle::Us06 => "US06",
        Cycle::Wltc3b => "WLTC 3b",
    }
}

/// A minute of the story.
#[must_use]
pub fn minute(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned(zone.clone()).strftime("%H:%M").to_string()
}

/// A day of the story.
#[must_use]
pub fn day(at: Timestamp, zone: &TimeZone) -> String {
    let at = at.to_zoned(zone.clone());
    at.strftime("%A %-d %B %Y").to_string()
}

/// An amount with its noun.
#[must_use]
pub fn points(amount: i64) -> String {
    match amount {
        1 => "1 point".to_owned(),
        amount => format!("{amount} points"),
    }
}

/// What the head unit saw of a drive or a charge.
#[must_use]
pub fn seen(row: &Row, carbon: &Carbon) -> String {
    match evidence(row) {
        Some(Evidence::Trip(trip)) => trip_seen(trip, carbon),
        Some(Evidence::Charge(charge)) => charge_seen(charge),
        Some(Evidence::Discharge(given)) => {
            format!(
                "{:.2} kWh given back",
                thousandth(given.discharged.length())
            )
        }
        None => "an entry without evidence".to_owned(),
    }
}

fn trip_seen(trip: &Trip, carbon: &Carbon) -> String {
    let braking = trip
        .factors
        .iter()
        .find(|seen| seen.factor == Factor::HardBraking && seen.against_ms > 0);
    let why = braking.map_or_else(String::new, |seen| {
        let (hard_s, all_s) = (seen.against_ms / 1000, seen.base_ms / 1000);
        format!(" ({hard_s} of {all_s} s of braking were hard)")
    });
    let unseen = match trip.missed_s {
        0 => String::new(),
        missed_s => format!(", {missed_s} s of it unseen"),
    };
    format!(
        "one trip of {:.2} km{unseen}, score {}{why}, {} of CO2 avoided",
        thousandth(trip.odometer.length()),
        score(trip.score_x100),
        co2(trip_co2_g(trip, carbon)),
    )
}

fn charge_seen(charge: &Charge) -> String {
    format!(
        "{:.2} kWh, {} % of it renewable ({})",
        thousandth(charge.charged.length()),
        f64::from(charge.renewable_permille) / 10.0,
        grade(charge.grade)
    )
}

/// A score with its two places.
#[must_use]
pub fn score(score_x100: u16) -> String {
    format!("{}.{:02}", score_x100 / 100, score_x100 % 100)
}

/// Grams as kilograms.
#[must_use]
pub fn co2(grams: i64) -> String {
    let sign = if grams < 0 { "-" } else { "" };
    format!("{sign}{:.2} kg", thousandth(grams.unsigned_abs()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_read_well() {
        assert_eq!(points(1), "1 point");
        assert_eq!(points(0), "0 points");
        assert_eq!(score(8_225), "82.25");
        assert_eq!(score(10_000), "100.00");
        assert_eq!(co2(-1_204), "-1.20 kg");
    }
}
