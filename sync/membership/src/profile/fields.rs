//! The fields that rules may read, by trigger.

use std::fmt;

use serde::Serialize;

use crate::evidence::{Current, Grade};
use crate::trigger::Trigger;

/// The type of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FieldKind {
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

/// One field of a trigger.
#[derive(Debug, Clone, Copy)]
pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) kind: FieldKind,
    /// Least value of admissible evidence; evidence beyond is rejected, and no rule is paid for it.
    pub(super) least: i64,
    /// Greatest value of admissible evidence.
    pub(super) most: i64,
    /// Rule profile that has it first.
    since: u32,
    unit: &'static str,
    about: &'static str,
}

/// The driving time in seconds, which no entry states any more.
///
/// Policies that were signed with it are still read: it is sixty times `driving_min` for an entry that states minutes.
/// No list of names offers it.
pub(super) const RETIRED: &str = "driving_s";

/// The longest trip that is admissible, in seconds.
const TRIP_S_MAX: i64 = 3 * 86_400;
/// As many metres in nine seconds are the fastest trip that is admissible.
const METRES_IN_9_S_MAX: i64 = 1_000;
/// The energy that admissible evidence of a trip draws or puts back at most, in watt-hours: a megawatt all the way.
const TRIP_WH_MAX: i64 = TRIP_S_MAX * 1_000_000 / 3_600 + 1_000;
/// The energy of the largest admissible session, in watt-hours.
const SESSION_WH_MAX: i64 = 2_000_000;
/// The least and the greatest value of `co2_avoided_g`: nothing bounds the factors of a policy.
const ANY: (i64, i64) = (i64::MIN, i64::MAX);

const fn integer(
    name: &'static str,
    (least, most): (i64, i64),
    unit: &'static str,
    about: &'static str,
) -> Field {
    Field {
        name,
        kind: FieldKind::Int,
        least,
        most,
        since: 1,
        unit,
        about,
    }
}

/// A field that came with rule profile 2.
const fn later(field: Field) -> Field {
    Field { since: 2, ..field }
}

/// A part of the local time at which a thing began; -1 where nobody saw it.
const fn start(name: &'static str, most: i64, about: &'static str) -> Field {
    later(integer(name, (-1, most), "", about))
}

const START_HOUR: Field = start(
    "start_hour",
    23,
    "hour of the local day in which it began; -1 when nobody saw it",
);
const START_MINUTE: Field = start(
    "start_minute",
    59,
    "minute of that hour, rounded down to five; -1 when nobody saw it",
);
const START_WEEKDAY: Field = start(
    "start_weekday",
    7,
    "weekday on which it began, 1 is Monday and 7 Sunday; -1 when nobody saw it",
);
const START_MONTH: Field = start(
    "start_month",
    12,
    "month in which it began, from 1 to 12; -1 when nobody saw it",
);

/// The time of a factor that counted against the driver.
const fn seconds(name: &'static str, about: &'static str) -> Field {
    later(integer(name, (0, TRIP_S_MAX + 1), "s", about))
}

const fn boolean(name: &'static str, about: &'static str) -> Field {
    Field {
        name,
        kind: FieldKind::Bool,
        least: 0,
        most: 1,
        since: 1,
        unit: "",
        about,
    }
}

const fn named(name: &'static str, enumeration: Enumeration, about: &'static str) -> Field {
    Field {
        name,
        kind: FieldKind::Enum(enumeration),
        least: 0,
        most: 2,
        since: 1,
        unit: "",
        about,
    }
}

const TRIP: [Field; 29] = [
    integer(
        "distance_m",
        (1, TRIP_S_MAX * METRES_IN_9_S_MAX / 9),
        "m",
        "distance by the odometer",
    ),
    integer(
        "driving_min",
        (0, TRIP_S_MAX / 60),
        "min",
        "time in motion or in traffic, rounded up",
    ),
    integer(
        "missed_s",
        (0, TRIP_S_MAX),
        "s",
        "time of the trip of which nothing was seen",
    ),
    integer(
        "used_wh",
        (0, TRIP_WH_MAX),
        "Wh",
        "energy drawn from the battery; 0 when the car has no signal for it",
    ),
    integer(
        "regained_wh",
        (0, TRIP_WH_MAX),
        "Wh",
        "energy put back by braking",
    ),
    integer(
        "net_wh",
        (-TRIP_WH_MAX, TRIP_WH_MAX),
        "Wh",
        "used_wh - regained_wh",
    ),
    integer(
        "score_x100",
        (0, 10_000),
        "0.01",
        "driving score times 100: 10000 is perfect",
    ),
    integer(
        "co2_avoided_g",
        ANY,
        "g",
        "CO2 avoided against a petrol car; negative when the grid emitted more",
    ),
    integer(
        "observed_factors",
        (0, 6),
        "",
        "number of score factors that the car has a signal for",
    ),
    boolean(
        "hard_braking_observed",
        "the car has a signal for hard braking; not a judgement of the driving",
    ),
    boolean(
        "aggressive_turning_observed",
        "the car has a signal for sharp turning; not a judgement of the driving",
    ),
    boolean(
        "unsafe_following_observed",
        "the car has a signal for close following; not a judgement of the driving",
    ),
    boolean(
        "late_night_observed",
        "the car has a signal for driving late at night; not a judgement of the driving",
    ),
    boolean(
        "excessive_speed_observed",
        "the car has a signal for high speed; not a judgement of the driving",
    ),
    boolean(
        "unbuckled_observed",
        "the car has a signal for the seat belt; not a judgement of the driving",
    ),
    seconds(
        "hard_braking_s",
        "time of hard braking, rounded down; 0 when the car has no signal for it",
    ),
    seconds(
        "aggressive_turning_s",
        "time of sharp turning, rounded down; 0 when the car has no signal for it",
    ),
    seconds(
        "unsafe_following_s",
        "time of close following, rounded down; 0 when the car has no signal for it",
    ),
    seconds(
        "late_night_s",
        "time at late hours, each by its weight, rounded down; 0 when the car has no signal for it",
    ),
    seconds(
        "excessive_speed_s",
        "time at too high a speed, rounded down; 0 when the car has no signal for it",
    ),
    seconds(
        "unbuckled_s",
        "time with an open belt, rounded down; 0 when the car has no signal for it",
    ),
    later(integer(
        "assisted_percent",
        (0, 100),
        "0.01",
        "share of the distance with assisted driving, SAE level 2 or higher; 0 when the car has no signal for it",
    )),
    later(boolean(
        "assistance_observed",
        "the car has a signal for assisted driving; not a judgement of the driving",
    )),
    later(integer(
        "braking_resolution_s",
        (0, 65_535),
        "s",
        "usual time between two speeds, rounded up; above 5 they tell no braking; 0 when it is not known",
    )),
    START_HOUR,
    START_MINUTE,
    START_WEEKDAY,
    START_MONTH,
    integer(RETIRED, (0, TRIP_S_MAX), "s", ""),
];

const CHARGE: [Field; 10] = [
    integer(
        "energy_wh",
        (1, SESSION_WH_MAX),
        "Wh",
        "energy charged by the counter",
    ),
    integer(
        "renewable_permille",
        (0, 1_000),
        "0.001",
        "share of renewable energy, weighted by energy",
    ),
    integer(
        "renewable_wh",
        (0, SESSION_WH_MAX),
        "Wh",
        "energy_wh * renewable_permille / 1000",
    ),
    named(
        "grade",
        Enumeration::Grade,
        "source of the share: metered, declared or estimated",
    ),
    named("current", Enumeration::Current, "ac, dc or unknown"),
    boolean(
        "reconstructed",
        "only the counter shows the session: the head unit slept",
    ),
    START_HOUR,
    START_MINUTE,
    START_WEEKDAY,
    START_MONTH,
];

const DISCHARGE: [Field; 6] = [
    integer(
        "energy_wh",
        (1, SESSION_WH_MAX),
        "Wh",
        "energy given back to the grid",
    ),
    boolean(
        "reconstructed",
        "only the counter shows the session: the head unit slept",
    ),
    START_HOUR,
    START_MINUTE,
    START_WEEKDAY,
    START_MONTH,
];

pub(super) const fn fields(on: Trigger) -> &'static [Field] {
    match on {
        Trigger::Trip => &TRIP,
        Trigger::Charge => &CHARGE,
        Trigger::Discharge => &DISCHARGE,
        Trigger::CheckIn => &[],
    }
}

/// The fields that a rule may use today.
fn current_fields(on: Trigger) -> impl Iterator<Item = &'static Field> {
    fields(on).iter().filter(|field| field.name != RETIRED)
}

/// Returns the rule profile that has a field first; 1 for a name that no trigger has.
pub(crate) fn field_since(on: Trigger, name: &str) -> u32 {
    let found = fields(on).iter().find(|field| field.name == name);
    found.map_or(1, |field| field.since)
}

/// The names of fields by their places.
pub(super) fn name_all(on: Trigger, places: Vec<usize>) -> Vec<&'static str> {
    places
        .into_iter()
        .map(|place| fields(on)[place].name)
        .collect()
}

/// The names that a rule may use today.
pub(super) fn names(on: Trigger) -> impl Iterator<Item = &'static str> {
    current_fields(on).map(|field| field.name)
}

/// A field that rules may use, as the operator's tables show it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct RuleField {
    /// The kind of transaction that has it.
    pub on: Trigger,
    /// Its name in rules.
    pub name: &'static str,
    /// `integer`, `boolean`, `grade` or `current`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// Unit of its values; empty for a number of things, and for what is no integer.
    pub unit: &'static str,
    /// Meaning in one line.
    pub about: &'static str,
}

/// The value of a field as a rule would write it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum FieldValue {
    /// An integer.
    Integer(i64),
    /// True or false.
    Boolean(bool),
    /// A named value.
    Name(&'static str),
}

impl FieldValue {
    /// Reads the value of a field of a trigger, as [`Condition`](super::Condition) has it.
    #[must_use]
    pub fn of(on: Trigger, field: &str, value: i64) -> Self {
        let found = fields(on).iter().find(|known| known.name == field);
        match found.map(|field| field.kind) {
            None | Some(FieldKind::Int) => Self::Integer(value),
            Some(FieldKind::Bool) => Self::Boolean(value != 0),
            Some(FieldKind::Enum(enumeration)) => {
                let mut names = CONSTANTS.into_iter();
                let named = names.find(|(_, of, place)| *of == enumeration && *place == value);
                named.map_or(Self::Integer(value), |(name, ..)| Self::Name(name))
            }
        }
    }
}

impl fmt::Display for FieldValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Integer(value) => value.fmt(f),
            Self::Boolean(value) => value.fmt(f),
            Self::Name(name) => f.write_str(name),
        }
    }
}

/// Lists every field that a rule may use, by trigger.
pub fn rule_fields() -> impl Iterator<Item = RuleField> {
    let triggers = [
        Trigger::Trip,
        Trigger::Charge,
        Trigger::Discharge,
        Trigger::CheckIn,
    ];
    triggers.into_iter().flat_map(|on| {
        current_fields(on).map(move |field| RuleField {
            on,
            name: field.name,
            kind: match field.kind {
                FieldKind::Int => "integer",
                FieldKind::Bool => "boolean",
                FieldKind::Enum(Enumeration::Grade) => "grade",
                FieldKind::Enum(Enumeration::Current) => "current",
            },
            unit: field.unit,
            about: field.about,
        })
    })
}

pub(super) const fn grade(grade: Grade) -> i64 {
    match grade {
        Grade::Metered => 0,
        Grade::Declared => 1,
        Grade::Estimated => 2,
    }
}

pub(super) const fn current(current: Current) -> i64 {
    match current {
        Current::Ac => 0,
        Current::Dc => 1,
        Current::Unknown => 2,
    }
}
