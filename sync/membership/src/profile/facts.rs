//! The values of the fields that rules read, of one transaction.

use super::fields::{FieldValue, RETIRED, current, fields, grade};
use crate::carbon::{Carbon, co2_avoided_g};
use crate::entry::Transaction;
use crate::evidence::{Charge, Discharge, Evidence, Factor, Trip};
use crate::trigger::Trigger;

/// The values of the fields of one transaction.
#[derive(Debug, Clone)]
pub struct Facts {
    on: Trigger,
    values: Vec<i64>,
}

impl Facts {
    /// Takes the fields of a transaction, with the carbon factors of the policy that values it; `None` for a kind that no
    /// rule evaluates.
    #[must_use]
    pub fn of(transaction: &Transaction, carbon: &Carbon) -> Option<Self> {
        let on = Trigger::of(transaction.kind())?;
        let values = match transaction.evidence() {
            Some(Evidence::Trip(trip)) => trip_values(trip, carbon).to_vec(),
            Some(Evidence::Charge(charge)) => charge_values(charge).to_vec(),
            Some(Evidence::Discharge(discharge)) => discharge_values(discharge).to_vec(),
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

fn trip_values(trip: &Trip, carbon: &Carbon) -> [i64; 24] {
    let distance_m = amount(trip.odometer.length());
    let net_wh = i64::from(trip.used_wh) - i64::from(trip.regained_wh);
    let observed =
        |factor: Factor| i64::from(trip.factors.iter().any(|seen| seen.factor == factor));
    let seconds = |factor: Factor| {
        let seen = trip.factors.iter().find(|seen| seen.factor == factor);
        seen.map_or(0, |seen| amount(seen.against_ms / 1_000))
    };
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
        amount(trip.driving.at_most_s()),
    ]
}

fn charge_values(charge: &Charge) -> [i64; 6] {
    let energy_wh = amount(charge.charged.length());
    let renewable_permille = i64::from(charge.renewable_permille);
    [
        energy_wh,
        renewable_permille,
        energy_wh.saturating_mul(renewable_permille) / 1_000,
        grade(charge.grade),
        current(charge.current),
        i64::from(charge.started.is_none()),
    ]
}

fn discharge_values(discharge: &Discharge) -> [i64; 2] {
    [
        amount(discharge.discharged.length()),
        i64::from(discharge.started.is_none()),
    ]
}

fn amount(units: u64) -> i64 {
    i64::try_from(units).unwrap_or(i64::MAX)
}
