//! What comes from the cloud: answers, statements, policies, who this car is.

mod common;

use std::ops::ControlFlow;

use common::{
    BINDING, Car, DEVICE, MEMBER, accepted, answer, key, new_entry, open, policy, receipt,
    statement,
};
use dashpoint_membership::{
    Allocation, Catalogue, CatalogueVersion, Cause, DeviceId, EntryRef, Epoch, Growth,
    LedgerVersion, LotId, Points, PolicyVersion, Rejection, Seq, ServerEpoch, ServerTime,
    Settlement, VehicleId, Verdict,
};
use dashpoint_store::{Applied, Put, StoreError};
use dashpoint_wire::{Binding, ChainPoint, DeviceCertificate, EntryVerdict, Signed};

#[test]
fn the_same_answer_twice_changes_nothing() {
    let mut car = Car::with_trips(3);
    let unconfirmed = car.store.read().unconfirmed(Epoch::new(1)).unwrap();
    assert_eq!(
        (unconfirmed.entries, unconfirmed.points),
        (3, Points::new(36))
    );
    assert_eq!(unconfirmed.since_unix_s, Some(1_790_000_000));

    let answer = answer(&car, 2, 1);
    let applied = car.store.apply(&answer).unwrap();
    assert_eq!((applied.verdicts, applied.statements), (2, 1));
    assert_eq!(car.store.apply(&answer).unwrap(), Applied::default());

    let read = car.store.read();
    let last = read.last_receipt().unwrap().unwrap();
    assert_eq!(last.raw, answer.receipt.to_raw());
    assert_eq!(last.through.seq, Seq::new(2));
    assert_eq!(read.unconfirmed(Epoch::new(1)).unwrap().entries, 1);
    let page = read.activity(None, 10).unwrap();
    let judged: Vec<bool> = page.iter().map(|row| row.verdict.is_some()).collect();
    assert_eq!(judged, [false, true, true]);
}

/// The cloud's clock was ahead for a while, and nothing was driven meanwhile.
#[test]
fn of_the_receipts_for_one_place_the_one_recorded_last_counts_whatever_its_time() {
    let mut car = Car::with_trips(3);
    let timed = |car: &Car, through: usize, at: i64| {
        let mut answer = answer(car, through, 1);
        let body = answer.receipt.body();
        let head = ChainPoint {
            epoch: body.epoch,
            seq: body.through,
            hash: body.head,
        };
        answer.receipt = receipt(head, 1, at);
        answer
    };
    for (through, at) in [
        (2, 1_790_000_000),
        (2, 1_799_000_000),
        (2, 1_790_000_900),
        (2, 1_790_001_800),
        (2, 1_789_000_000),
        (3, 1_799_000_000),
        (3, 1_790_002_700),
        (3, 1_790_003_600),
    ] {
        car.store.apply(&timed(&car, through, at)).unwrap();
        let last = car.store.read().last_receipt().unwrap().unwrap();
        assert_eq!(last.server_time.as_unix_s(), at, "through {through}");
        assert_eq!(last.through.seq, Seq::new(through as u64));
    }
}

#[test]
fn an_older_receipt_does_not_become_the_last() {
    let mut car = Car::with_trips(3);
    for through in [3, 1, 2] {
        car.store.apply(&answer(&car, through, 1)).unwrap();
    }
    let last = car.store.read().last_receipt().unwrap().unwrap();
    assert_eq!(last.through.seq, Seq::new(3));
    let mut kept = Vec::new();
    let looked = car.store.read().for_each_receipt(|receipt| {
        assert_eq!(
            receipt.raw.hash(),
            answer(&car, kept.len() + 1, 1).receipt.hash()
        );
        kept.push(receipt.through.seq.get());
        if kept.len() == 2 {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    });
    looked.unwrap();
    assert_eq!(kept, [1, 2], "oldest first, until it breaks off");
}

#[test]
fn a_cloud_that_was_restored_judges_anew_and_its_earlier_word_stays() {
    let mut car = Car::with_trips(2);
    car.store.apply(&answer(&car, 2, 1)).unwrap();
    let mut anew = answer(&car, 1, 2);
    let rejected = Verdict::Rejected {
        reason: Rejection::AlreadyPaid,
    };
    anew.verdicts[0].verdict = rejected.clone();
    assert_eq!(car.store.apply(&anew).unwrap().verdicts, 1);
    let read = car.store.read();
    let word = read.verdict(Epoch::new(1), Seq::new(1)).unwrap().unwrap();
    assert_eq!(
        (word.server_epoch, word.verdict),
        (ServerEpoch::new(2), rejected)
    );
    assert_eq!(
        read.unconfirmed(Epoch::new(1)).unwrap().entries,
        1,
        "what the restored cloud lacks is unconfirmed again"
    );
}

#[test]
fn a_cloud_that_contradicts_itself_is_counted_and_never_blocks() {
    let mut car = Car::with_trips(2);
    let first = answer(&car, 2, 1);
    car.store.apply(&first).unwrap();
    let mut second = first.clone();
    second.verdicts[0] = accepted(1, 999);
    second.verdicts.push(EntryVerdict {
        seq: Seq::new(77),
        ..accepted(77, 1)
    });
    let applied = car.store.apply(&second).unwrap();
    assert_eq!((applied.contradictions, applied.elsewhere), (1, 1));
    let word = car.store.read().verdict(Epoch::new(1), Seq::new(1));
    assert_eq!(word.unwrap().unwrap().verdict, first.verdicts[0].verdict);

    let mut forked = second;
    let wrong = ChainPoint {
        epoch: Epoch::new(1),
        seq: Seq::new(2),
        hash: car.entries[0].hash(),
    };
    forked.receipt = receipt(wrong, 1, 1_790_000_999);
    assert!(matches!(
        car.store.apply(&forked),
        Err(StoreError::Taken { .. })
    ));
}

#[test]
fn a_statement_is_never_replaced_by_an_older_one() {
    let mut car = Car::with_trips(0);
    let newest = statement(2, 5, 1_790_000_100);
    assert_eq!(car.store.put_statement(&newest).unwrap(), Put::Stored);
    for older in [
        statement(2, 5, 1_790_000_100),
        statement(2, 5, 1_790_000_099),
        statement(2, 4, 1_790_000_200),
        statement(1, 9, 1_790_000_300),
    ] {
        assert_eq!(car.store.put_statement(&older).unwrap(), Put::Older);
    }
    let held = car.store.read().statements().unwrap();
    assert_eq!(held.readable.len(), 1);
    assert_eq!(held.readable[0].member, MEMBER);
    assert_eq!(held.readable[0].version, LedgerVersion::new(5));
    assert_eq!(held.readable[0].raw, newest.to_raw());
    let after_restore = statement(3, 1, 1_790_000_000);
    assert_eq!(
        car.store.put_statement(&after_restore).unwrap(),
        Put::Stored
    );
}

/// A statement brings only what is new since the one before: what it said of own entries stays.
#[test]
fn what_became_of_own_entries_outlives_the_statement_that_said_it() {
    let mut car = Car::with_trips(2);
    car.store.apply(&answer(&car, 1, 1)).unwrap();
    let entry = |device, seq| EntryRef {
        device,
        epoch: Epoch::new(1),
        seq: Seq::new(seq),
    };
    let other = DeviceId::from_bytes([7; 16]);
    let verdict = accepted(2, 12).verdict;
    let rows = [
        (
            2,
            Cause::Released {
                entry: entry(DEVICE, 1),
            },
        ),
        (
            3,
            Cause::ClawedBack {
                entry: entry(DEVICE, 2),
            },
        ),
        (
            4,
            Cause::Released {
                entry: entry(other, 1),
            },
        ),
        (
            5,
            Cause::Entry {
                entry: entry(DEVICE, 2),
                verdict,
            },
        ),
        (
            6,
            Cause::Entry {
                entry: entry(DEVICE, 1),
                verdict: accepted(1, 12).verdict,
            },
        ),
    ];
    let rows = rows.map(|(version, cause)| row(version, cause));
    let says = |life, since, version, rows: &[Settlement]| {
        let mut body = statement(life, version, 1_790_000_000 + version as i64)
            .into_parts()
            .1;
        body.since = LedgerVersion::new(since);
        body.settlements = rows.to_vec();
        Signed::sign(body, &key(), &MEMBER).unwrap()
    };
    let versions = |car: &Car| -> Vec<u64> {
        let rows = car.store.read().account_rows(MEMBER).unwrap();
        rows.iter().map(|row| row.version.get()).collect()
    };
    // Without the name of the device nothing is an own entry.
    car.store.put_statement(&says(1, 0, 6, &rows)).unwrap();
    assert_eq!(versions(&car), [0_u64; 0]);
    car.store.put_meta("device", DEVICE.as_bytes()).unwrap();
    car.store.put_statement(&says(1, 0, 7, &rows)).unwrap();
    // The verdict on the first entry is in the ledger.
    assert_eq!(versions(&car), [2, 3, 5]);
    car.store.put_statement(&says(1, 7, 8, &[])).unwrap();
    assert_eq!(versions(&car), [2, 3, 5]);
    let kept = car.store.read().account_rows(MEMBER).unwrap();
    assert_eq!(kept[0].cause, rows[0].cause);
    assert_eq!(kept[0].points, rows[0].points);
    // A restored cloud says what it knows of the time after; the rest of its earlier life is open again.
    let again = row(
        4,
        Cause::ClawedBack {
            entry: entry(DEVICE, 1),
        },
    );
    car.store.put_statement(&says(2, 2, 4, &[again])).unwrap();
    assert_eq!(versions(&car), [2, 4]);
}

/// A statement has 200 settlements at most: with more of them since the backup, it begins behind it.
#[test]
fn what_a_restored_cloud_may_have_forgotten_of_own_entries_is_not_kept() {
    let say = |life, issued, since, rows: Vec<Settlement>| {
        let version = rows.last().map_or(since, |row| row.version.get());
        let mut body = statement(life, version, issued).into_parts().1;
        body.since = LedgerVersion::new(since);
        body.settlements = rows;
        Signed::sign(body, &key(), &MEMBER).unwrap()
    };
    let taken_back = |version, device| {
        let (epoch, seq) = (Epoch::new(1), Seq::new(1));
        let entry = EntryRef { device, epoch, seq };
        row(version, Cause::ClawedBack { entry })
    };
    let own = taken_back(5, DEVICE);
    let issued = own.at.plus_s(10);
    let after = |since: u64, count: u64, at: ServerTime| {
        let filler = |version| Settlement {
            at,
            ..taken_back(version, DeviceId::from_bytes([7; 16]))
        };
        (since + 1..=since + count).map(filler).collect::<Vec<_>>()
    };
    let spread = |row: Settlement| Settlement {
        allocations: (0..12)
            .map(|lot| Allocation {
                lot: LotId::new(lot),
                points: Points::new(1),
                size: Points::new(1),
                expires: row.at,
            })
            .collect(),
        ..row
    };
    for (rows, is_kept, told) in [
        (
            after(300, 200, issued.plus_s(1)),
            false,
            "all of it is of the new life",
        ),
        (after(300, 200, issued), true, "it begins before the backup"),
        (
            after(300, 199, issued.plus_s(1)),
            true,
            "nothing was left out",
        ),
        (
            after(300, 150, issued.plus_s(1))
                .into_iter()
                .map(spread)
                .collect(),
            false,
            "the row before has no room beside so many lots",
        ),
        (
            after(4, 200, issued),
            false,
            "the new life has another row there",
        ),
    ] {
        let mut car = Car::with_trips(1);
        car.store.put_meta("device", DEVICE.as_bytes()).unwrap();
        let old = say(1, issued.as_unix_s(), 4, vec![own.clone()]);
        car.store.put_statement(&old).unwrap();
        assert_eq!(car.store.read().account_rows(MEMBER).unwrap().len(), 1);
        let since = rows[0].version.get() - 1;
        let new = say(2, issued.as_unix_s() + 5, since, rows);
        car.store.put_statement(&new).unwrap();
        let kept = car.store.read().account_rows(MEMBER).unwrap();
        assert_eq!(kept.len(), usize::from(is_kept), "{told}");
        // The next one says nothing of it.
        let newest = new.body().account.version.get();
        let next = say(
            2,
            issued.as_unix_s() + 9,
            newest,
            after(newest, 200, issued.plus_s(8)),
        );
        car.store.put_statement(&next).unwrap();
        let kept = car.store.read().account_rows(MEMBER).unwrap();
        assert_eq!(kept.len(), usize::from(is_kept), "{told}");
    }
}

fn row(version: u64, cause: Cause) -> Settlement {
    Settlement {
        version: LedgerVersion::new(version),
        at: ServerTime::from_unix_s(1_790_000_000),
        cause,
        points: Points::new(3),
        growth: Growth::ZERO,
        arrears: Points::ZERO,
        allocations: Vec::new(),
        promoted: None,
    }
}

#[test]
fn every_policy_is_kept_and_the_newest_catalogue() {
    let mut car = Car::with_trips(0);
    let sign = |version| Signed::sign(policy(version), &key(), &()).unwrap();
    for version in [2, 1] {
        assert_eq!(car.store.put_policy(&sign(version)).unwrap(), Put::Stored);
    }
    assert_eq!(car.store.put_policy(&sign(2)).unwrap(), Put::Older);
    let held = car.store.read().policies().unwrap();
    let versions: Vec<_> = held.iter().map(|(version, _)| *version).collect();
    assert_eq!(versions, [PolicyVersion::new(1), PolicyVersion::new(2)]);
    assert_eq!(held[1].1, sign(2).to_raw());

    let catalogue = |version| {
        let mut catalogue: Catalogue =
            toml::from_str(dashpoint_membership::DEFAULT_CATALOGUE_TOML).unwrap();
        catalogue.version = CatalogueVersion::new(version);
        Signed::sign(catalogue, &key(), &()).unwrap()
    };
    assert_eq!(car.store.read().catalogue().unwrap(), None);
    assert_eq!(car.store.put_catalogue(&catalogue(3)).unwrap(), Put::Stored);
    assert_eq!(car.store.put_catalogue(&catalogue(2)).unwrap(), Put::Older);
    let (version, raw) = car.store.read().catalogue().unwrap().unwrap();
    assert_eq!(version, CatalogueVersion::new(3));
    assert_eq!(raw, catalogue(3).to_raw());
}

#[test]
fn a_checkpoint_that_outlives_its_entry_cannot_be_paid_again() {
    let mut car = Car::with_trips(1);
    car.store.put_checkpoint("trip", b"at 500 m").unwrap();
    car.store.put_checkpoint("trip", b"at 900 m").unwrap();
    let mut again = car.chain.clone();
    car.store
        .commit_entry(&new_entry(&car.chain.trip(900)))
        .unwrap();
    // The power fails here: the entry is durable, the checkpoint is not dropped yet.
    let (folder, chain, _) = car.parked();
    let mut store = open(folder.path());
    let left = store.read().checkpoint("trip").unwrap();
    assert_eq!(left.as_deref(), Some(&b"at 900 m"[..]));
    again.head = chain.head;
    let doubled = store.commit_entry(&new_entry(&again.trip(900)));
    assert!(matches!(doubled, Err(StoreError::AlreadySettled { .. })));
    store.clear_checkpoint("trip").unwrap();
    assert_eq!(store.read().checkpoint("trip").unwrap(), None);
}

#[test]
fn the_newest_certificate_and_bindings_count() {
    let mut car = Car::with_trips(0);
    let certificate = |until| {
        let body = DeviceCertificate {
            device: DEVICE,
            vehicle: VehicleId::from_bytes([6; 16]),
            key: key().public(),
            issued: ServerTime::from_unix_s(1),
            valid_until: ServerTime::from_unix_s(until),
        };
        Signed::sign(body, &key(), &DEVICE).unwrap()
    };
    let binding = |until| {
        let body = Binding {
            id: BINDING,
            device: DEVICE,
            member: MEMBER,
            driver: None,
            valid_from: ServerTime::from_unix_s(1),
            valid_until: ServerTime::from_unix_s(until),
        };
        Signed::sign(body, &key(), &DEVICE).unwrap()
    };
    assert_eq!(car.store.read().certificate().unwrap(), None);
    for until in [10, 20, 20] {
        car.store.put_certificate(&certificate(until)).unwrap();
        car.store.put_binding(&binding(until)).unwrap();
    }
    let read = car.store.read();
    assert_eq!(read.certificate().unwrap(), Some(certificate(20).to_raw()));
    assert_eq!(read.bindings().unwrap(), [(BINDING, binding(20).to_raw())]);
    assert_eq!(read.meta("last-check").unwrap(), None);
    car.store.put_meta("last-check", b"1").unwrap();
    car.store.put_meta("last-check", b"2").unwrap();
    assert_eq!(
        car.store.read().meta("last-check").unwrap().as_deref(),
        Some(&b"2"[..])
    );
}
