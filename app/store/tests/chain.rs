//! The chain: what the ledger takes, what it refuses, and that it is all or nothing.

mod common;

use std::ops::ControlFlow;

use common::{BINDING, Car, Chain, first, new_entry, open, private};
use dashpoint_membership::{Epoch, Meter, MeterNumber, Points, Seq};
use dashpoint_store::{Begun, NewEntry, SettledMark, StoreError};
use rusqlite::Connection;

fn mark(meter: Meter, high: u64) -> SettledMark {
    SettledMark {
        meter,
        number: MeterNumber::FIRST,
        high,
    }
}

#[test]
fn entries_come_back_as_they_were_signed() {
    let car = Car::with_trips(5);
    let read = car.store.read();
    assert_eq!(read.head(Epoch::new(1)).unwrap(), Some(car.chain.head));
    let sent = read.entries_after(Epoch::new(1), Seq::new(2), 2).unwrap();
    let expected: Vec<_> = car.entries[2..4].iter().map(|e| e.to_raw()).collect();
    assert_eq!(sent, expected);
    let mut seen = Vec::new();
    read.for_each_entry(|entry| {
        assert_eq!(entry.summary.binding, BINDING);
        assert_eq!(entry.summary.predicted, Points::new(12));
        assert!(!entry.summary.carried);
        seen.push((entry.point.seq.get(), entry.private));
        if seen.len() == 3 {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    })
    .unwrap();
    let expected: Vec<_> = (0..3)
        .map(|at| (at as u64 + 1, Some(private(&car.entries[at]))))
        .collect();
    assert_eq!(seen, expected);
    let page = read
        .activity(Some((Epoch::new(1), Seq::new(5))), 2)
        .unwrap();
    let places: Vec<u64> = page.iter().map(|row| row.point.seq.get()).collect();
    assert_eq!(places, [4, 3], "newest first, before the given one");
    assert_eq!(read.marks().unwrap()[&first(Meter::Odometer)], 6_000);
}

#[test]
fn everything_is_there_after_a_restart() {
    let (folder, chain, entries) = Car::with_trips(3).parked();
    let store = open(folder.path());
    assert!(store.incidents().is_empty());
    assert_eq!(store.read().head(Epoch::new(1)).unwrap(), Some(chain.head));
    let entry = store
        .read()
        .entry(Epoch::new(1), Seq::new(3))
        .unwrap()
        .unwrap();
    assert_eq!(entry.raw, entries[2].to_raw());
    assert_eq!(
        store.read().marks().unwrap()[&first(Meter::Odometer)],
        4_000
    );
}

#[test]
fn only_the_next_link_is_taken() {
    let mut car = Car::with_trips(2);
    let again = car.store.commit_entry(&new_entry(&car.entries[1]));
    assert!(matches!(again, Err(StoreError::Taken { seq, .. }) if seq == Seq::new(2)));

    let mut fork = car.chain.clone();
    fork.head.hash = car.entries[0].hash();
    let wrong_prev = car.store.commit_entry(&new_entry(&fork.trip(10)));
    assert!(matches!(wrong_prev, Err(StoreError::NotNext { .. })));

    let mut gap = car.chain.clone();
    gap.trip(10);
    let gap = car.store.commit_entry(&new_entry(&gap.trip(10)));
    assert!(matches!(gap, Err(StoreError::NotNext { head, .. }) if head == car.chain.head));

    let mut ungranted = car.chain.clone();
    ungranted.grant();
    let ungranted = car.store.commit_entry(&new_entry(&ungranted.trip(10)));
    assert!(matches!(ungranted, Err(StoreError::NotGranted { .. })));

    assert_eq!(
        car.store.read().head(Epoch::new(1)).unwrap(),
        Some(car.chain.head)
    );
    car.store
        .commit_entry(&new_entry(&car.chain.trip(10)))
        .unwrap();
}

#[test]
fn what_was_claimed_is_not_claimed_again() {
    let mut car = Car::with_trips(2);
    car.chain.odometer -= 1;
    let refused = car.store.commit_entry(&new_entry(&car.chain.trip(10)));
    assert!(matches!(
        refused,
        Err(StoreError::AlreadySettled {
            meter: Meter::Odometer,
            from: 2_999,
            mark: 3_000
        })
    ));
}

#[test]
fn later_meters_have_their_own_marks() {
    let mut car = Car::with_trips(1);
    let charge = new_entry(&car.chain.charge(900_000, 910_000));
    car.store.commit_entry(&charge).unwrap();
    let opened = new_entry(&car.chain.open_charged(910_000, 50_000));
    car.store.commit_entry(&opened).unwrap();
    let second = (Meter::Charged, MeterNumber::FIRST.next());
    assert_eq!(car.store.read().marks().unwrap()[&second], 50_000);
    let later = new_entry(&car.chain.second_charge(50_000, 60_000));
    let head = car.store.commit_entry(&later).unwrap();
    let marks = car.store.read().marks().unwrap();
    assert_eq!(marks[&second], 60_000);
    assert_eq!(marks[&first(Meter::Charged)], 910_000);
    let stored = car.store.read().entry(head.epoch, head.seq).unwrap();
    let claim = stored.unwrap().summary.claim.unwrap();
    assert_eq!((claim.number, claim.to), (second.1, 60_000));
    let again = new_entry(&car.chain.second_charge(59_000, 70_000));
    assert!(matches!(
        car.store.commit_entry(&again),
        Err(StoreError::AlreadySettled { mark: 60_000, .. })
    ));
}

/// The mark is raised after the row is written: when it cannot be, the row must go too.
#[test]
fn an_entry_and_its_marks_are_one() {
    let mut car = Car::with_trips(1);
    let before = car.chain.head;
    let entry = new_entry(&car.chain.trip(500));
    let broken = entry
        .clone()
        .with_marks([mark(Meter::Charged, 7), mark(Meter::Discharged, u64::MAX)]);
    let error = car.store.commit_entry(&broken).unwrap_err();
    assert!(matches!(error, StoreError::OutOfRange { .. }), "{error}");
    let read = car.store.read();
    assert_eq!(read.head(Epoch::new(1)).unwrap(), Some(before));
    assert_eq!(read.marks().unwrap()[&first(Meter::Odometer)], 2_000);
    assert!(!read.marks().unwrap().contains_key(&first(Meter::Charged)));

    let whole = entry.with_marks([mark(Meter::Charged, 7)]);
    car.store.commit_entry(&whole).unwrap();
    assert_eq!(car.store.read().marks().unwrap()[&first(Meter::Charged)], 7);
}

#[test]
fn no_tool_changes_or_deletes_what_was_signed() {
    let mut car = Car::with_trips(2);
    let answer = dashpoint_store::Reconciled {
        receipt: common::receipt(car.chain.head, 1, 1_790_000_100),
        verdicts: vec![common::accepted(1, 12), common::accepted(2, 12)],
        statements: Vec::new(),
    };
    car.store.apply(&answer).unwrap();
    let ledger = car.ledger();
    let (_folder, mut chain, _) = car.parked();
    let tool = Connection::open(ledger).unwrap();
    for (sql, says) in [
        ("UPDATE entry SET points = 99", "never changed"),
        ("DELETE FROM entry", "never deleted"),
        (
            "INSERT OR REPLACE INTO entry (id, hash, prev, raw, private, binding, trigger, carried, points, at_min, made_at)
             SELECT id, hash, prev, raw, private, binding, trigger, carried, 99, at_min, made_at FROM entry",
            "the place is taken",
        ),
        ("UPDATE verdict SET raw = x'00'", "never changed"),
        ("DELETE FROM verdict", "never deleted"),
        ("UPDATE receipt SET through = 0", "never changed"),
        ("DELETE FROM receipt", "never deleted"),
        ("UPDATE mark SET high = 0", "never lowered"),
        ("DELETE FROM mark", "never deleted"),
        ("UPDATE epoch SET raw = x'00'", "never changed"),
        ("DELETE FROM epoch", "never deleted"),
        (
            "INSERT INTO entry (id, hash, prev, raw, binding, trigger, carried, points, at_min, made_at)
             SELECT id + 5, hash, hash, raw, binding, trigger, carried, 99, at_min, made_at FROM entry",
            "does not follow",
        ),
    ] {
        let error = tool.execute(sql, []).expect_err(sql);
        assert!(error.to_string().contains(says), "{sql}: {error}");
    }
    // The database itself refuses a link that does not fit, whatever program writes it.
    let next = chain.trip(1);
    let insert = "INSERT INTO entry (id, hash, prev, raw, binding, trigger, carried, points, at_min, made_at)
        VALUES ((1 << 40) | 3, ?1, ?2, ?3, zeroblob(16), 1, 0, 0, 0, 0)";
    let wrong = tool.execute(insert, (next.hash().as_bytes(), [0_u8; 32], next.raw()));
    assert!(wrong.unwrap_err().to_string().contains("does not follow"));
    tool.execute(
        insert,
        (
            next.hash().as_bytes(),
            next.body().prev.as_bytes(),
            next.raw(),
        ),
    )
    .unwrap();
}

#[test]
fn an_epoch_begins_with_its_carries_or_not_at_all() {
    let mut car = Car::with_trips(3);
    let mut chain = car.chain.clone();
    let grant = chain.grant();
    let carries: Vec<NewEntry> = car.entries[1..]
        .iter()
        .map(|original| new_entry(&chain.carry(original)))
        .collect();
    let mut swapped = carries.clone();
    swapped.swap(0, 1);
    assert!(car.store.begin_epoch(&grant, &swapped).is_err());
    assert_eq!(car.store.read().epochs().unwrap().len(), 1);

    assert_eq!(car.store.begin_epoch(&grant, &carries).unwrap(), Begun::Now);
    assert_eq!(
        car.store.begin_epoch(&grant, &carries).unwrap(),
        Begun::Before
    );
    let read = car.store.read();
    assert_eq!(read.head(Epoch::new(2)).unwrap(), Some(chain.head));
    assert_eq!(read.unconfirmed(Epoch::new(2)).unwrap().entries, 2);
    assert!(read.activity(None, 1).unwrap()[0].summary.carried);
    assert_eq!(read.newest_epoch().unwrap().unwrap().raw, grant.to_raw());

    let late = car.store.commit_entry(&new_entry(&car.chain.trip(1)));
    assert!(matches!(late, Err(StoreError::OldEpoch { .. })));
    // Carried claims lie below the marks; fresh ones go on from there.
    chain.odometer = car.chain.odometer;
    car.store.commit_entry(&new_entry(&chain.trip(1))).unwrap();
}

#[test]
fn evidence_waits_for_its_signature_without_losing_its_claim() {
    let mut car = Car::with_trips(1);
    let claim = mark(Meter::Odometer, car.chain.odometer + 700);
    let id = car
        .store
        .keep_awaiting(b"evidence", Some(b"private part"), &[claim], 1_790_000_500)
        .unwrap();
    assert_eq!(
        car.store.read().marks().unwrap()[&first(Meter::Odometer)],
        2_700
    );
    let waiting = car.store.read().awaiting().unwrap();
    assert_eq!(
        (waiting[0].id, waiting[0].evidence.as_slice()),
        (id, &b"evidence"[..])
    );
    let entry = new_entry(&car.chain.trip(700));
    car.store.commit_awaited(id, &entry).unwrap();
    assert!(car.store.read().awaiting().unwrap().is_empty());
    let next = new_entry(&car.chain.trip(1));
    assert!(matches!(
        car.store.commit_awaited(id, &next),
        Err(StoreError::NotAwaiting)
    ));
    assert_eq!(
        car.store.read().head(Epoch::new(1)).unwrap(),
        Some(entry.point()),
        "the entry went with the refusal"
    );
}

#[test]
fn a_disk_that_went_back_gets_its_entries_back() {
    let (mut chain, grant) = Chain::start();
    let entries: Vec<_> = (0..6).map(|_| chain.trip(100)).collect();
    let folder = tempfile::tempdir().unwrap();
    let mut store = open(folder.path());
    let fetched: Vec<_> = entries
        .iter()
        .map(|entry| NewEntry::new(entry, None, 1_790_000_000))
        .collect();
    assert!(matches!(
        store.restore_entries(&[], &fetched),
        Err(StoreError::NotGranted { .. })
    ));
    let restored = store
        .restore_entries(std::slice::from_ref(&grant), &fetched[..3])
        .unwrap();
    assert_eq!((restored.filled, restored.known), (3, 0));
    let restored = store.restore_entries(&[grant], &fetched).unwrap();
    assert_eq!((restored.filled, restored.known), (3, 3));
    let read = store.read();
    assert_eq!(read.head(Epoch::new(1)).unwrap(), Some(chain.head));
    assert_eq!(read.marks().unwrap()[&first(Meter::Odometer)], 1_600);
    let entry = read.entry(Epoch::new(1), Seq::new(6)).unwrap().unwrap();
    assert_eq!(entry.private, None);
}

#[test]
fn a_branch_that_contradicts_is_refused_and_kept_beside() {
    let mut car = Car::with_trips(3);
    let mut other = car.chain.clone();
    other.odometer = 9_000;
    other.head = dashpoint_wire::ChainPoint {
        epoch: Epoch::new(1),
        seq: Seq::new(2),
        hash: car.entries[1].hash(),
    };
    let branch: Vec<_> = (0..3)
        .map(|_| NewEntry::new(&other.trip(100), None, 0))
        .collect();
    assert!(matches!(
        car.store.restore_entries(&[], &branch),
        Err(StoreError::Taken { seq, .. }) if seq == Seq::new(3)
    ));
    assert!(matches!(
        car.store.restore_entries(&[], &branch[1..]),
        Err(StoreError::NotNext { .. })
    ));
    assert_eq!(
        car.store.read().marks().unwrap()[&first(Meter::Odometer)],
        4_000
    );
    assert_eq!(car.store.keep_beside(&branch).unwrap(), 3);
    assert_eq!(car.store.keep_beside(&branch).unwrap(), 0);
    assert_eq!(
        car.store
            .keep_beside(&[new_entry(&car.entries[0])])
            .unwrap(),
        0,
        "what is in the chain is not beside it"
    );
    let read = car.store.read();
    assert_eq!(read.head(Epoch::new(1)).unwrap(), Some(car.chain.head));
    assert_eq!(read.marks().unwrap()[&first(Meter::Odometer)], 9_300);
    let beside: Vec<_> = read.strays().unwrap().iter().map(|e| e.point).collect();
    let expected: Vec<_> = branch.iter().map(NewEntry::point).collect();
    assert_eq!(beside, expected);
}
