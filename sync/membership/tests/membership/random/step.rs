//! One step of a history.

use dashpoint_membership::*;
use proptest::collection::vec;
use proptest::prelude::*;

use crate::support::*;

/// Something that one of the cars records.
#[derive(Debug, Clone)]
pub(super) enum Record {
    Drive {
        distance_m: u64,
        net_wh: u32,
        score_x100: u16,
    },
    Charge {
        energy_wh: u64,
        permille: u16,
        grade: Grade,
    },
    CheckIn,
}

impl Record {
    pub(super) fn subject(&self) -> Subject {
        match *self {
            Self::Drive {
                distance_m,
                net_wh,
                score_x100,
            } => {
                let mut trip = trip(0, distance_m, net_wh);
                trip.score_x100 = score_x100;
                earn(Evidence::Trip(trip))
            }
            Self::Charge {
                energy_wh,
                permille,
                grade,
            } => earn(Evidence::Charge(charge(energy_wh, permille, grade))),
            Self::CheckIn => CHECK_IN,
        }
    }
}

pub(super) fn records() -> impl Strategy<Value = Record> {
    let drive = (200..60_000_u64, 0..9_000_u32, 8_500..=10_000_u16);
    let grades = prop_oneof![
        3 => Just(Grade::Metered),
        2 => Just(Grade::Declared),
        1 => Just(Grade::Estimated),
    ];
    prop_oneof![
        4 => drive.prop_map(|(distance_m, net_wh, score_x100)| Record::Drive {
            distance_m,
            net_wh,
            score_x100,
        }),
        3 => (100..40_000_u64, 200..=1_000_u16, grades).prop_map(|(energy_wh, permille, grade)| {
            Record::Charge {
                energy_wh,
                permille,
                grade,
            }
        }),
        3 => Just(Record::CheckIn),
    ]
}

/// Seconds that pass: mostly within a day, now and then days or weeks.
pub(super) fn waits() -> impl Strategy<Value = i64> {
    prop_oneof![
        5 => 60..12 * HOUR,
        2 => DAY..4 * DAY,
        1 => 4 * DAY..25 * DAY,
    ]
}

pub(super) fn histories<S: Strategy>(steps: S) -> impl Strategy<Value = Vec<S::Value>>
where
    S::Value: Clone + std::fmt::Debug,
{
    vec(steps, 1..60)
}
