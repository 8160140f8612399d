//! The fields that rules see, by trigger.

use crate::entry::{MemberAction, Transaction};
use crate::evidence::{Charge, Current, Discharge, Evidence, Factor, Grade, Trip};
use crate::policy::{Carbon, Trigger};
use crate::valuation::co2_avoided_g;

/// The type of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Int,
    Bool,
    Enum(Enumeration),
}

/// A closed set of named values. Rules compare them by `==` and `!=`; reports show their place in the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Enumeration {
    Grade,
    Current,
}

impl Enumeration {
    pub(super) const fn title(self) -> &'static str {
        match self {
            Self::Grade => "a grade (metered, declared or estimated)",
            Self::Current => "a kind of current (ac, dc or unknown)",
        }
    }
}

/// The named values: each name belongs to one enumeration only.
pub(super) const CONSTANTS: [(&str, Enumeration, i64); 6] = [
    ("metered", Enumeration::Grade, grade(Grade::Metered)),
    ("declared", Enumeration::Grade, grade(Grade::Declared)),
    ("estimated", Enumeration::Grade, grade(Grade::Estimated)),
    ("ac", Enumeration::Current, current(Current::Ac)),
    ("dc", Enumeration::Current, current(Current::Dc)),
    ("unknown", Enumeration::Current, current(Current::Unknown)),
];

type Field = (&'static str, Kind);

/// The driving time in seconds, which no entry states any more.
///
/// Policies that were signed with it are still read: it is sixty times `driving_min` for an entry that states minutes.
/// No list of names offers it.
const RETIRED: &str = "driving_s";

const TRIP: [Field; 16] = [
    ("distance_m", Kind::Int),
    ("driving_min", Kind::Int),
    ("missed_s", Kind::Int),
    ("used_wh", Kind::Int),
    ("regained_wh", Kind::Int),
    ("net_wh", Kind::Int),
    ("score_x100", Kind::Int),
    ("co2_avoided_g", Kind::Int),
    ("observed_factors", Kind::Int),
    ("hard_braking_observed", Kind::Bool),
    ("aggressive_turning_observed", Kind::Bool),
    ("unsafe_following_observed", Kind::Bool),
    ("late_night_observed", Kind::Bool),
    ("excessive_speed_observed", Kind::Bool),
    ("unbuckled_observed", Kind::Bool),
    (RETIRED, Kind::Int),
];

const CHARGE: [Field; 6] = [
    ("energy_wh", Kind::Int),
    ("renewable_permille", Kind::Int),
    ("renewable_wh", Kind::Int),
    ("grade", Kind::Enum(Enumeration::Grade)),
    ("current", Kind::Enum(Enumeration::Current)),
    ("reconstructed", Kind::Bool),
];

const DISCHARGE: [Field; 2] = [("energy_wh", Kind::Int), ("reconstructed", Kind::Bool)];

pub(super) const fn fields(on: Trigger) -> &'static [Field] {
    match on {
        Trigger::Trip => &TRIP,
        Trigger::Charge => &CHARGE,
        Trigger::Discharge => &DISCHARGE,
        Trigger::CheckIn => &[],
    }
}

/// The names that a rule may use today.
pub(super) fn names(on: Trigger) -> impl Iterator<Item = &'static str> {
    let names = fields(on).iter().map(|(name, _)| *name);
    names.filter(|name| *name != RETIRED)
}

/// The values of the fields for one transaction, in the order of [`fields`].
#[derive(Debug, Clone)]
pub(crate) struct Facts {
    on: Trigger,
    values: Vec<i64>,
}

impl Facts {
    pub(crate) fn of(transaction: &Transaction, carbon: &Carbon) -> Self {
        let values = match transaction {
            Transaction::Earn { evidence, .. } => match evidence {
                Evidence::Trip(trip) => trip_values(trip, carbon).to_vec(),
                Evidence::Charge(charge) => charge_values(charge).to_vec(),
                Evidence::Discharge(discharge) => discharge_values(discharge).to_vec(),
            },
            Transaction::Member {
                action: MemberAction::CheckIn,
                ..
            } => Vec::new(),
        };
        let on = transaction.trigger();
        assert_eq!(
            values.len(),
            fields(on).len(),
            "invariant: one value a field"
        );
        Self { on, values }
    }

    pub(super) fn values(&self) -> &[i64] {
        &self.values
    }

    pub(crate) fn named(&self) -> Vec<(&'static str, i64)> {
        fields(self.on)
            .iter()
            .zip(&self.values)
            .map(|((name, _), value)| (*name, *value))
            .filter(|(name, _)| *name != RETIRED)
            .collect()
    }
}

fn trip_values(trip: &Trip, carbon: &Carbon) -> [i64; 16] {
    let distance_m = amount(trip.odometer.length());
    let net_wh = i64::from(trip.used_wh) - i64::from(trip.regained_wh);
    let observed =
        |factor: Factor| i64::from(trip.factors.iter().any(|seen| seen.factor == factor));
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

const fn grade(grade: Grade) -> i64 {
    match grade {
        Grade::Metered => 0,
        Grade::Declared => 1,
        Grade::Estimated => 2,
    }
}

const fn current(current: Current) -> i64 {
    match current {
        Current::Ac => 0,
        Current::Dc => 1,
        Current::Unknown => 2,
    }
}
