//! The values of the fields that rules read, of one transaction.

use jiff::Timestamp;
use jiff::tz::Offset;

use super::fields::{FieldValue, RETIRED, current, fields, grade};
use crate::carbon::{Carbon, co2_avoided_g};
use crate::entry::Transaction;
use crate::evidence::{Charge, Discharge, Evidence, Factor, Trip};
use crate::time::CoarseTime;
use crate::trigger::Trigger;

/// The values of the fields of one transaction.
#[derive(Debug, Clone)]
pub struct Facts {
    on: Trigger,
    values: Vec<i64>,
}

impl Facts {
    /// Takes the fields of a transaction, with the offset of its local clock from UTC in minutes and the carbon factors of
    /// the policy that values it; `None` for a kind that no rule evaluates.
    #[must_use]
    pub fn of(transaction: &Transaction, utc_offset_min: i16, carbon: &Carbon) -> Option<Self> {
        let on = Trigger::of(transaction.kind())?;
        let values = match transaction.evidence() {
            Some(Evidence::Trip(trip)) => trip_values(trip, utc_offset_min, carbon).to_vec(),
            Some(Evidence::Charge(charge)) => charge_values(charge, utc_offset_min).to_vec(),
            Some(Evidence::Discharge(discharge)) => {
                discharge_values(discharge, utc_offset_min).to_vec()
            }
            None => Vec::new(),
        };
        assert_eq!(
            values.len(),
            fields(on).len(),
            "invariant: one value a field"
        );
        Some(Self { on, values })
    }

    pub(crate) const fn on(&self) -> Trigger {
        self.on
    }

    pub(super) fn values(&self) -> &[i64] {
        &self.values
    }

    /// Each field that a rule may use with its value, in the order of the tables.
    #[must_use]
    pub fn shown(&self) -> Vec<(&'static str, FieldValue)> {
        let named = self.named().into_iter();
        named
            .map(|(name, value)| (name, FieldValue::of(self.on, name, value)))
            .collect()
    }

    pub(crate) fn named(&self) -> Vec<(&'static str, i64)> {
        fields(self.on)
            .iter()
            .zip(&self.values)
            .map(|(field, value)| (field.name, *value))
            .filter(|(name, _)| *name != RETIRED)
            .collect()
    }
}

fn trip_values(trip: &Trip, utc_offset_min: i16, carbon: &Carbon) -> [i64; 29] {
    let distance_m = amount(trip.odometer.length());
    let net_wh = i64::from(trip.used_wh) - i64::from(trip.regained_wh);
    let observed =
        |factor: Factor| i64::from(trip.factors.iter().any(|seen| seen.factor == factor));
    let seconds = |factor: Factor| {
        let seen = trip.factors.iter().find(|seen| seen.factor == factor);
        seen.map_or(0, |seen| amount(seen.against_ms / 1_000))
    };
    let [hour, minute, weekday, month] = start_values(Some(trip.started), utc_offset_min);
    [
        distance_m,
        i64::from(trip.driving.minutes()),
        i64::from(trip.missed_s),
        i64::from(trip.used_wh),
        i64::from(trip.regained_wh),
        net_wh,
        i64::from(trip.score_x100),
        co2_avoided_g(carbon, distance_m, net_wh),
        amount(trip.factors.len() as u64),
        observed(Factor::HardBraking),
        observed(Factor::AggressiveTurning),
        observed(Factor::UnsafeFollowing),
        observed(Factor::LateNight),
        observed(Factor::ExcessiveSpeed),
        observed(Factor::Unbuckled),
        seconds(Factor::HardBraking),
        seconds(Factor::AggressiveTurning),
        seconds(Factor::UnsafeFollowing),
        seconds(Factor::LateNight),
        seconds(Factor::ExcessiveSpeed),
        seconds(Factor::Unbuckled),
        i64::from(trip.assisted_percent.unwrap_or(0)),
        i64::from(trip.assisted_percent.is_some()),
        i64::from(trip.braking_resolution_s.unwrap_or(0)),
        hour,
        minute,
        weekday,
        month,
        amount(trip.driving.at_most_s()),
    ]
}

fn charge_values(charge: &Charge, utc_offset_min: i16) -> [i64; 10] {
    let energy_wh = amount(charge.charged.length());
    let renewable_permille = i64::from(charge.renewable_permille);
    let [hour, minute, weekday, month] = start_values(charge.started, utc_offset_min);
    [
        energy_wh,
        renewable_permille,
        energy_wh.saturating_mul(renewable_permille) / 1_000,
        grade(charge.grade),
        current(charge.current),
        i64::from(charge.started.is_none()),
        hour,
        minute,
        weekday,
        month,
    ]
}

fn discharge_values(discharge: &Discharge, utc_offset_min: i16) -> [i64; 6] {
    let [hour, minute, weekday, month] = start_values(discharge.started, utc_offset_min);
    [
        amount(discharge.discharged.length()),
        i64::from(discharge.started.is_none()),
        hour,
        minute,
        weekday,
        month,
    ]
}

/// Hour, minute, weekday and month of the local time at which a thing began; -1 each where nobody saw it.
fn start_values(started: Option<CoarseTime>, utc_offset_min: i16) -> [i64; 4] {
    let offset_s = i64::from(utc_offset_min) * 60;
    let local_s = started.map(|started| started.as_unix_s().saturating_add(offset_s));
    let Some(local) = local_s.and_then(|local_s| Timestamp::from_second(local_s).ok()) else {
        return [-1; 4];
    };
    let local = Offset::UTC.to_datetime(local);
    let weekday = local.weekday().to_monday_one_offset();
    [local.hour(), local.minute(), weekday, local.month()].map(i64::from)
}

fn amount(units: u64) -> i64 {
    i64::try_from(units).unwrap_or(i64::MAX)
}
