//! Properties over random values and random bytes.

use std::collections::BTreeMap;

use dashpoint_membership::{
    Award, CapId, ClockQuality, CoarseTime, DrivingTime, Entry, EntryBody, Epoch, EventTime,
    Evidence, EvidenceDigest, Factor, FactorSeen, LocalDay, Meter, MeterInterval, MeterNumber,
    Milli, Points, PolicyVersion, RuleId, Seq, ServerTime, Transaction, Trip,
};
use dashpoint_wire::{decode, encode, inflate};
use proptest::prelude::*;
use proptest::sample::Index;

use crate::samples::{self, BINDING, HASH};

type Used = BTreeMap<CapId, BTreeMap<LocalDay, Milli>>;

fn used() -> impl Strategy<Value = Used> {
    let days = prop::collection::btree_map(
        any::<i32>().prop_map(LocalDay::new),
        any::<i64>().prop_map(Milli::new),
        0..8,
    );
    let cap = "[a-z0-9-]{1,48}".prop_map(|name| CapId::new(name).unwrap());
    prop::collection::btree_map(cap, days, 0..8)
}

fn trip() -> impl Strategy<Value = Trip> {
    let numbers = any::<(u64, u64, (bool, u32), u32, u32, u32, u16)>();
    let factors = prop::collection::vec(any::<(u64, u64)>(), 0..6);
    (numbers, any::<i32>(), factors).prop_map(|(numbers, minute, factors)| {
        let (from, to, (exact, driving), missed_s, used_wh, regained_wh, score_x100) = numbers;
        Trip {
            odometer: MeterInterval {
                number: MeterNumber::new(missed_s).unwrap_or_default(),
                ..MeterInterval::of_first(Meter::Odometer, from, to)
            },
            started: CoarseTime::containing_unix_s(i64::from(minute) * 60),
            driving: if exact {
                DrivingTime::Seconds(driving)
            } else {
                DrivingTime::Minutes(driving)
            },
            missed_s,
            used_wh,
            regained_wh,
            assisted_percent: exact.then_some(missed_s as u8),
            braking_resolution_s: exact.then_some(missed_s as u16),
            score_x100,
            factors: factors
                .into_iter()
                .map(|(against_ms, base_ms)| FactorSeen {
                    factor: Factor::LateNight,
                    against_ms,
                    base_ms,
                })
                .collect(),
        }
    })
}

fn award() -> impl Strategy<Value = Award> {
    ("[a-z]{1,48}", any::<(i64, i64, i64)>()).prop_map(|(rule, (points, growth, predicted))| {
        Award {
            rule: RuleId::new(rule).unwrap(),
            points: Milli::new(points),
            growth: Milli::new(growth),
            predicted: Points::new(predicted),
        }
    })
}

fn entry() -> impl Strategy<Value = Entry> {
    let header = any::<(u32, u64, i64, i16, u32, bool)>();
    let awards = prop::collection::vec(award(), 0..4);
    (header, trip(), awards).prop_map(|(header, trip, awards)| {
        let (epoch, seq, receipt_at, utc_offset_min, policy, carried) = header;
        let transaction = Transaction::Earn {
            evidence: Evidence::Trip(trip),
            digest: EvidenceDigest::from_bytes([9; 32]),
            awards,
        };
        let body = if carried {
            EntryBody::Carry {
                original: HASH,
                transaction,
            }
        } else {
            EntryBody::Fresh(transaction)
        };
        Entry {
            epoch: Epoch::new(epoch),
            seq: Seq::new(seq),
            prev: HASH,
            binding: BINDING,
            time: EventTime {
                at: CoarseTime::containing_unix_s(receipt_at / 2),
                utc_offset_min,
                quality: ClockQuality::Doubtful,
            },
            receipt_at: ServerTime::from_unix_s(receipt_at),
            policy: PolicyVersion::new(policy),
            body,
        }
    })
}

/// One change of some bytes.
#[derive(Debug, Clone)]
enum Change {
    Set(Index, u8),
    Insert(Index, u8),
    Remove(Index),
    Repeat(Index, Index),
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        any::<(Index, u8)>().prop_map(|(at, byte)| Change::Set(at, byte)),
        any::<(Index, u8)>().prop_map(|(at, byte)| Change::Insert(at, byte)),
        any::<Index>().prop_map(Change::Remove),
        any::<(Index, Index)>().prop_map(|(from, to)| Change::Repeat(from, to)),
    ]
}

fn apply(bytes: &mut Vec<u8>, change: &Change) {
    if bytes.is_empty() {
        return;
    }
    match change {
        Change::Set(at, byte) => *at.get_mut(bytes) = *byte,
        Change::Insert(at, byte) => bytes.insert(at.index(bytes.len()), *byte),
        Change::Remove(at) => {
            bytes.remove(at.index(bytes.len()));
        }
        Change::Repeat(from, to) => {
            let (from, to) = (from.index(bytes.len()), to.index(bytes.len()));
            let part = bytes[from.min(to)..from.max(to)].to_vec();
            bytes.extend(part);
        }
    }
}

proptest! {
    #[test]
    fn every_entry_comes_back(entry in entry()) {
        prop_assert_eq!(decode::<Entry>(&encode(&entry)), Ok(entry));
    }

    #[test]
    fn every_map_comes_back_whatever_its_keys(used in used()) {
        prop_assert_eq!(decode::<Used>(&encode(&used)), Ok(used));
    }

    #[test]
    fn random_bytes_are_refused_or_canonical(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        for sample in samples::all() {
            if let Ok(again) = (sample.reread)(&bytes) {
                prop_assert_eq!(&again, &bytes);
            }
            if let Some(seal) = &sample.seal {
                prop_assert!((seal.verify)(&bytes, &seal.signer.key().public()).is_err());
            }
        }
        if let Ok(inflated) = inflate(&bytes, 1_000) {
            prop_assert!(inflated.len() <= 1_000);
        }
    }

    #[test]
    fn changed_bytes_are_refused_or_canonical(
        which in any::<Index>(),
        changes in prop::collection::vec(change(), 1..4),
    ) {
        let samples = samples::all();
        let sample = which.get(&samples);
        let mut bytes = match &sample.seal {
            Some(seal) => seal.payload.clone(),
            None => sample.bytes.clone(),
        };
        for change in &changes {
            apply(&mut bytes, change);
        }
        if let Ok(again) = (sample.reread)(&bytes) {
            prop_assert_eq!(again, bytes);
        }
    }
}
