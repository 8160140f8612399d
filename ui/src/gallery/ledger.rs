//! Sample rows of the ledger, one of each kind and outcome, and sample trips.

use dashpoint_membership::policy::Period;
use dashpoint_membership::{
    Adjustment, CapId, Charge, CoarseTime, Current, DeviceId, Discharge, DrivingTime, EntryRef,
    Epoch, Evidence, EvidenceDigest, Factor, FactorSeen, Grade, Growth, Meter, MeterInterval,
    Points, PolicyVersion, Rejection, ReviewReason, RuleId, Seq, Trip,
};

use super::people::{text, tiers};
use super::variation::{NOW, Variation};
use crate::model::{
    Availability, CauseData, Failed, LimitData, RowData, RowOutcome, RowSubject, TripData,
    UnpaidRule,
};

/// Rows of the normal sample.
pub(super) const COUNT: usize = 27;

pub(super) fn rows(variation: Variation) -> Availability<Vec<RowData>> {
    match variation {
        Variation::Normal => Availability::Here(normal()),
        Variation::Empty => Availability::Here(Vec::new()),
        Variation::Error => Availability::Damaged,
        Variation::Longest => Availability::Here(longest()),
    }
}

/// The outcomes of trips and charges, newest first, then everything that is not measured.
fn normal() -> Vec<RowData> {
    let pays = |points| RowOutcome::Booked {
        points: Points::new(points),
    };
    let rejected = |reason| RowOutcome::Rejected {
        predicted: Points::new(6),
        reason,
    };
    let review = |reason| RowOutcome::InReview {
        points: Points::new(14),
        reason,
        until: NOW.plus_s(6 * 86_400),
    };
    let adjusted = |why| RowOutcome::Adjusted {
        paid: Points::new(4),
        predicted: Points::new(9),
        why,
    };
    let mut all: Vec<(RowSubject, RowOutcome)> = vec![
        (
            charge(18_000, 800),
            RowOutcome::AwaitingConnection {
                predicted: Points::new(8),
            },
        ),
        (drive(23_300, 9_434), pays(4)),
        (
            drive(1_900, 10_000),
            RowOutcome::Nothing(Failed::Distance {
                got_m: 1_900,
                needed_m: 2_000,
            }),
        ),
        (discharge(5_200), pays(3)),
        (
            drive(12_900, 8_225),
            RowOutcome::Nothing(Failed::Score {
                got_x100: 8_225,
                needed_x100: 9_000,
            }),
        ),
    ];
    if let Ok(cap) = CapId::new("day") {
        all.push((charge(31_000, 1_000), adjusted(Adjustment::Cap { cap })));
    }
    all.push((
        charge(9_000, 420),
        adjusted(Adjustment::Policy {
            version: PolicyVersion::new(7),
        }),
    ));
    if let Ok(rule) = RuleId::new("clean-charging") {
        all.push((
            drive(88_000, 9_910),
            adjusted(Adjustment::Rule { rule: rule.clone() }),
        ));
        all.push((
            drive(9_000, 9_700),
            adjusted(Adjustment::Remainder { rule }),
        ));
    }
    all.extend([
        (drive(15_000, 9_800), rejected(Rejection::NoBinding)),
        (drive(15_100, 9_800), rejected(Rejection::BindingNotValid)),
        (drive(15_200, 9_800), rejected(Rejection::AlreadyPaid)),
        (drive(15_300, 9_800), rejected(Rejection::AlreadyRecorded)),
        (charge(15_400, 500), rejected(Rejection::Implausible)),
        (charge(15_500, 500), rejected(Rejection::UnknownPolicy)),
        (drive(41_000, 9_600), review(ReviewReason::OverAllowance)),
        (charge(22_000, 500), review(ReviewReason::Estimated)),
        (drive(42_000, 9_600), review(ReviewReason::Forked)),
        (
            drive(7_000, 9_500),
            RowOutcome::AwaitingSignature {
                predicted: Points::new(2),
            },
        ),
        (
            charge(11_000, 120),
            RowOutcome::Nothing(Failed::Renewable {
                got_permille: 120,
                needed_permille: 500,
            }),
        ),
        (
            charge(12_000, 900),
            RowOutcome::Nothing(Failed::CapReached(LimitData {
                over: text("Clean charging", "清洁充电"),
                per: Period::Day,
                most: Points::new(30),
                room: Some(Points::ZERO),
            })),
        ),
        (drive(5_000, 9_500), RowOutcome::Nothing(Failed::Guest)),
        (drive(5_100, 9_500), RowOutcome::Nothing(Failed::NoRule)),
        (
            drive(5_200, 9_500),
            RowOutcome::Unpaid {
                predicted: Points::new(4),
            },
        ),
        (
            without_energy(drive(5_300, 8_000)),
            RowOutcome::Nothing(Failed::NoEnergy),
        ),
    ]);
    all.extend(booked());
    all.truncate(COUNT);
    finish(all)
}

/// Makes rows that have no measurement. The first two are open somewhere in the gallery.
fn booked() -> Vec<(RowSubject, RowOutcome)> {
    let went = |points| RowOutcome::Booked {
        points: Points::new(points),
    };
    vec![
        (
            RowSubject::Spent {
                benefit: text("Charging voucher, 20 kWh", "20 度充电券"),
            },
            went(-400),
        ),
        (
            RowSubject::Expiry {
                earned: NOW.plus_s(-730 * 86_400),
            },
            went(-320),
        ),
        (RowSubject::CheckIn, went(1)),
        (
            RowSubject::Tier {
                from: tiers()[1].0.clone(),
                to: tiers()[2].0.clone(),
            },
            went(0),
        ),
        (
            RowSubject::Granted {
                reason: "生日关怀 Birthday".to_owned(),
            },
            went(200),
        ),
        (RowSubject::Reversal, went(400)),
        (RowSubject::Clawback, went(-12)),
    ]
}

/// The rows that are not measured come first, so that their words are seen; the numbers are as long as they get.
fn longest() -> Vec<RowData> {
    let mut all = booked();
    all.extend([
        (
            drive(1_999_900, 10_000),
            RowOutcome::Adjusted {
                paid: Points::new(999_999),
                predicted: Points::new(9_999_999),
                why: Adjustment::Policy {
                    version: PolicyVersion::new(99_999),
                },
            },
        ),
        (
            discharge(199_900),
            RowOutcome::InReview {
                points: Points::new(999_999),
                reason: ReviewReason::Forked,
                until: NOW.plus_s(200 * 86_400),
            },
        ),
    ]);
    all.rotate_right(2);
    let mut rows = finish(all);
    for row in &mut rows {
        row.at = NOW.plus_s(-400 * 86_400);
        row.growth = Growth::new(9_999_999);
        row.rule = Some((
            text(
                "Clean charging at night, weighted by the renewable share",
                "夜间清洁充电，按可再生能源占比加权",
            ),
            PolicyVersion::new(99_999),
        ));
    }
    rows
}

fn finish(all: Vec<(RowSubject, RowOutcome)>) -> Vec<RowData> {
    let mut hours = 0;
    all.into_iter()
        .enumerate()
        .map(|(index, (subject, outcome))| {
            let (cut, unpaid) = (cut(&outcome), unpaid(&outcome));
            hours += if index < 2 { 1 } else { 11 };
            let measured = matches!(subject, RowSubject::Measured(_));
            // Of an entry that earned nothing no rule has an award.
            let has_award = !matches!(outcome, RowOutcome::Nothing(_));
            let rule = subject.evidence().map(|evidence| match evidence {
                Evidence::Charge(_) => text("Clean charging", "清洁充电"),
                Evidence::Trip(_) => text("Calm driving", "平稳驾驶"),
                Evidence::Discharge(_) => text("Helping the grid", "反向送电"),
            });
            RowData {
                at: NOW.plus_s(-3_600 * hours),
                subject,
                outcome,
                rule: rule
                    .filter(|_| has_award)
                    .map(|title| (title, PolicyVersion::new(7))),
                growth: Growth::new(if measured && has_award { 2 } else { 0 }),
                digest: measured.then(|| EvidenceDigest::from_bytes([0xa7; 32])),
                cut,
                unpaid,
                entry: measured.then(|| EntryRef {
                    device: DeviceId::from_bytes([1; 16]),
                    epoch: Epoch::new(2),
                    seq: Seq::new(418_u64.saturating_sub(index as u64)),
                }),
            }
        })
        .collect()
}

/// A trip of a car that does not tell the energy that it uses.
fn without_energy(subject: RowSubject) -> RowSubject {
    let RowSubject::Measured(Evidence::Trip(trip)) = subject else {
        return subject;
    };
    RowSubject::Measured(Evidence::Trip(Trip {
        used_wh: 0,
        regained_wh: 0,
        ..trip
    }))
}

/// The rules that pay nothing for such a trip.
fn unpaid(outcome: &RowOutcome) -> Vec<UnpaidRule> {
    let rules = [
        (text("Clean kilometres", "清洁里程"), Failed::NoEnergy),
        (
            text("Calm driving", "平稳驾驶"),
            Failed::Score {
                got_x100: 8_000,
                needed_x100: 9_000,
            },
        ),
    ];
    if *outcome != RowOutcome::Nothing(Failed::NoEnergy) {
        return Vec::new();
    }
    let rules = rules.into_iter();
    rules
        .map(|(title, failed)| UnpaidRule { title, failed })
        .collect()
}

/// The cap that an adjusting verdict names.
fn cut(outcome: &RowOutcome) -> Option<LimitData> {
    let RowOutcome::Adjusted {
        paid,
        why: Adjustment::Cap { .. },
        ..
    } = outcome
    else {
        return None;
    };
    Some(LimitData {
        over: text("all points", "全部积分"),
        per: Period::Day,
        most: Points::new(100),
        room: Some(*paid),
    })
}

fn interval(meter: Meter, length: u64) -> MeterInterval {
    let from = match meter {
        Meter::Odometer => 18_204_100,
        Meter::Charged => 3_310_400,
        Meter::Discharged => 204_000,
    };
    MeterInterval::of_first(meter, from, from + length)
}

fn driven(metres: u64, score_x100: u16) -> Trip {
    let wh = u32::try_from(metres * 155 / 1_000).unwrap_or(u32::MAX);
    Trip {
        odometer: interval(Meter::Odometer, metres),
        started: CoarseTime::containing_unix_s(NOW.as_unix_s() - 2_400),
        driving: DrivingTime::rounded_up(metres * 100),
        missed_s: 0,
        used_wh: wh,
        regained_wh: wh / 6,
        assisted_percent: None,
        braking_resolution_s: None,
        score_x100,
        factors: [
            Factor::HardBraking,
            Factor::AggressiveTurning,
            Factor::LateNight,
            Factor::ExcessiveSpeed,
            Factor::Unbuckled,
        ]
        .map(|factor| FactorSeen {
            factor,
            against_ms: 0,
            base_ms: 60_000,
        })
        .to_vec(),
    }
}

fn drive(metres: u64, score_x100: u16) -> RowSubject {
    RowSubject::Measured(Evidence::Trip(driven(metres, score_x100)))
}

fn charge(watt_hours: u64, renewable_permille: u16) -> RowSubject {
    RowSubject::Measured(Evidence::Charge(Charge {
        charged: interval(Meter::Charged, watt_hours),
        started: None,
        renewable_permille,
        grade: match renewable_permille {
            0..500 => Grade::Estimated,
            500..1_000 => Grade::Declared,
            _ => Grade::Metered,
        },
        current: if watt_hours > 20_000 {
            Current::Dc
        } else {
            Current::Ac
        },
    }))
}

fn discharge(watt_hours: u64) -> RowSubject {
    RowSubject::Measured(Evidence::Discharge(Discharge {
        discharged: interval(Meter::Discharged, watt_hours),
        started: None,
    }))
}

pub(super) fn trip(variation: Variation) -> TripData {
    let mut data = TripData {
        started: NOW.plus_s(-2_400),
        ended: NOW.plus_s(-60),
        trip: driven(23_300, 9_434),
        outcome: RowOutcome::AwaitingConnection {
            predicted: Points::new(18),
        },
        cut: None,
        unpaid: Vec::new(),
        awards: vec![
            (text("Clean kilometres", "清洁里程"), Points::new(12)),
            (text("Calm driving", "平稳驾驶"), Points::new(6)),
        ],
        causes: vec![
            cause(Factor::HardBraking, 1_800, 2),
            cause(Factor::AggressiveTurning, 900, 1),
        ],
        factors: 6,
        co2_avoided_g: Some(3_210),
        charged_since: false,
        renewable_permille: Some(800),
    };
    match variation {
        Variation::Normal => {}
        Variation::Empty => {
            data.trip = driven(1_900, 8_000);
            (data.trip.used_wh, data.trip.regained_wh) = (0, 0);
            data.outcome = RowOutcome::Nothing(Failed::NoEnergy);
            data.unpaid = unpaid(&data.outcome);
            data.awards.clear();
            data.causes.clear();
            data.co2_avoided_g = None;
            data.renewable_permille = None;
        }
        Variation::Error => {
            data.trip.missed_s = 42;
            data.outcome = RowOutcome::AwaitingSignature {
                predicted: Points::new(18),
            };
        }
        Variation::Longest => lengthen(&mut data),
    }
    data
}

fn lengthen(data: &mut TripData) {
    data.trip = driven(1_999_900, 0);
    data.trip.missed_s = 86_399;
    data.trip.factors.clear();
    data.outcome = RowOutcome::Adjusted {
        paid: Points::new(999_999),
        predicted: Points::new(9_999_999),
        why: Adjustment::Policy {
            version: PolicyVersion::new(99_999),
        },
    };
    let rule = text("Calm driving on weekdays", "工作日平稳驾驶奖励");
    data.awards = vec![(rule, Points::new(999_999)); 4];
    data.causes = [
        Factor::HardBraking,
        Factor::AggressiveTurning,
        Factor::UnsafeFollowing,
        Factor::ExcessiveSpeed,
        Factor::Unbuckled,
    ]
    .map(|factor| cause(factor, 1_200, 999))
    .to_vec();
    data.co2_avoided_g = Some(999_900);
}

const fn cause(factor: Factor, seconds_ago: i64, seconds: u32) -> CauseData {
    CauseData {
        factor,
        at: NOW.plus_s(-seconds_ago),
        seconds,
    }
}
