//! Entries: a trip, charging sessions, a check-in, a session of giving back, a carried trip, and the opening of a meter.

use dashpoint_membership::{
    Award, Charge, ClockQuality, CoarseTime, Current, Discharge, DrivingTime, Entry, EntryBody,
    Epoch, EventTime, Evidence, EvidenceDigest, Factor, FactorSeen, Grade, MemberAction, Meter,
    MeterInterval, MeterNumber, MeterOpening, Milli, Points, PolicyVersion, RuleId, Seq,
    Transaction, Trip,
};

use super::{BINDING, DEVICE, HASH, NOW, Sample, Signer, sealed};

pub fn samples() -> Vec<Sample> {
    let entry = |name, entry: &Entry| sealed(name, Signer::Car, entry, DEVICE);
    vec![
        entry("entry-trip", &trip_entry()),
        entry("entry-charge", &fresh(2, charge())),
        entry("entry-check-in", &fresh(3, check_in())),
        entry("entry-discharge", &fresh(4, discharge())),
        entry("entry-carry", &carried_trip()),
        entry("entry-trip-seconds", &trip_of_seconds()),
        entry("entry-open-meter", &fresh(6, opening())),
        entry("entry-charge-second", &fresh(7, second_charge())),
        entry("entry-trip-assisted", &assisted_trip()),
    ]
}

/// A drive of 12,888 m with one hard braking: what a car signs most.
pub fn trip_entry() -> Entry {
    fresh(1, trip())
}

fn fresh(seq: u64, transaction: Transaction) -> Entry {
    Entry {
        epoch: Epoch::new(1),
        seq: Seq::new(seq),
        prev: HASH,
        binding: BINDING,
        time: EventTime {
            at: CoarseTime::containing_unix_s(NOW.as_unix_s()),
            utc_offset_min: 480,
            quality: ClockQuality::Synced,
        },
        receipt_at: NOW.plus_s(-86_400),
        policy: PolicyVersion::new(1),
        body: EntryBody::Fresh(transaction),
    }
}

fn carried_trip() -> Entry {
    let original = trip_entry();
    Entry {
        epoch: Epoch::new(2),
        body: EntryBody::Carry {
            original: HASH,
            transaction: trip(),
        },
        ..original
    }
}

/// The form of trips that were signed before they stated minutes.
fn trip_of_seconds() -> Entry {
    let mut transaction = trip();
    if let Transaction::Earn {
        evidence: Evidence::Trip(trip),
        ..
    } = &mut transaction
    {
        trip.driving = DrivingTime::Seconds(596);
    }
    fresh(5, transaction)
}

/// A trip of a car that says how much of it was assisted.
fn assisted_trip() -> Entry {
    let mut transaction = trip();
    if let Transaction::Earn {
        evidence: Evidence::Trip(trip),
        ..
    } = &mut transaction
    {
        trip.assisted_percent = Some(37);
        trip.braking_resolution_s = Some(30);
    }
    fresh(6, transaction)
}

fn award(rule: &str, points: i64, growth: i64) -> Award {
    Award {
        rule: RuleId::new(rule).unwrap(),
        points: Milli::new(points),
        growth: Milli::new(growth),
        predicted: Points::new(points / Milli::PER_ONE),
    }
}

fn trip() -> Transaction {
    Transaction::Earn {
        evidence: Evidence::Trip(Trip {
            odometer: MeterInterval::of_first(Meter::Odometer, 23_456_789, 23_469_677),
            started: CoarseTime::containing_unix_s(NOW.as_unix_s() - 900),
            driving: DrivingTime::Minutes(10),
            missed_s: 0,
            used_wh: 2_210,
            regained_wh: 340,
            assisted_percent: None,
            braking_resolution_s: None,
            score_x100: 8_225,
            factors: vec![FactorSeen {
                factor: Factor::HardBraking,
                against_ms: 2_000,
                base_ms: 72_000,
            }],
        }),
        digest: EvidenceDigest::from_bytes([0x5d; 32]),
        awards: vec![
            award("clean-drive", 9_144, 9_144),
            award("safe-trip", 12_888, 12_888),
        ],
    }
}

fn charge() -> Transaction {
    Transaction::Earn {
        evidence: Evidence::Charge(Charge {
            charged: MeterInterval::of_first(Meter::Charged, 4_100_000, 4_118_000),
            started: None,
            renewable_permille: 800,
            grade: Grade::Metered,
            current: Current::Dc,
        }),
        digest: EvidenceDigest::from_bytes([0x5e; 32]),
        awards: vec![award("clean-charge", 72_000, 72_000)],
    }
}

/// The counter of a battery that was replaced.
fn opening() -> Transaction {
    Transaction::OpenMeter(MeterOpening {
        meter: Meter::Charged,
        number: MeterNumber::FIRST.next(),
        last: 4_118_000,
        first: 50_000,
        since: CoarseTime::containing_unix_s(NOW.as_unix_s() - 90_000),
    })
}

/// A session on it.
fn second_charge() -> Transaction {
    let mut transaction = charge();
    if let Transaction::Earn {
        evidence: Evidence::Charge(charge),
        ..
    } = &mut transaction
    {
        charge.charged = MeterInterval {
            number: MeterNumber::FIRST.next(),
            ..MeterInterval::of_first(Meter::Charged, 50_000, 68_000)
        };
    }
    transaction
}

fn discharge() -> Transaction {
    Transaction::Earn {
        evidence: Evidence::Discharge(Discharge {
            discharged: MeterInterval::of_first(Meter::Discharged, 0, 5_000),
            started: Some(CoarseTime::containing_unix_s(NOW.as_unix_s())),
        }),
        digest: EvidenceDigest::from_bytes([0x5f; 32]),
        awards: Vec::new(),
    }
}

fn check_in() -> Transaction {
    Transaction::Member {
        action: MemberAction::CheckIn,
        awards: vec![award("check-in", 1_000, 0)],
    }
}
