//! Statements are sealed on the disk: what of a member can be read without the key, and what is done without it.

mod common;

use std::fs;

use common::{Car, MEMBER, NAME, SEAL, accepted, answer, open, options, receipt, statement};
use dashpoint_store::{CheckDepth, Put, Reconciled, SealKey, Store, StoreError};

#[test]
fn the_members_name_is_nowhere_in_the_folder() {
    let mut car = Car::with_trips(1);
    car.store.apply(&answer(&car, 1, 1)).unwrap();
    let signed = statement(1, 9, 1_790_000_100);
    assert!(
        signed
            .raw()
            .windows(NAME.len())
            .any(|window| window == NAME.as_bytes()),
        "the search would find it"
    );
    car.store.put_statement(&signed).unwrap();
    let search = |folder: &std::path::Path| {
        for file in fs::read_dir(folder).unwrap() {
            let path = file.unwrap().path();
            let bytes = fs::read(&path).unwrap();
            assert!(
                !bytes
                    .windows(NAME.len())
                    .any(|window| window == NAME.as_bytes()),
                "{}",
                path.display()
            );
        }
    };
    search(car.folder.path());
    let (folder, ..) = car.parked();
    search(folder.path());
}

#[test]
fn without_the_right_key_a_statement_is_absent_and_comes_again() {
    let mut car = Car::with_trips(0);
    let signed = statement(1, 5, 1_790_000_000);
    car.store.put_statement(&signed).unwrap();
    let (folder, ..) = car.parked();

    let mut without = options(CheckDepth::Ends);
    without.seal = None;
    let mut store = Store::open(folder.path(), without).unwrap();
    assert_eq!(store.read().statements().unwrap().sealed, [MEMBER]);
    assert!(matches!(
        store.put_statement(&signed),
        Err(StoreError::NoSealKey)
    ));
    drop(store);

    let mut other = options(CheckDepth::Ends);
    other.seal = Some(SealKey::from_bytes([10; 32]));
    let mut store = Store::open(folder.path(), other).unwrap();
    let held = store.read().statements().unwrap();
    assert_eq!((held.readable.len(), held.sealed), (0, vec![MEMBER]));
    assert_eq!(store.put_statement(&signed).unwrap(), Put::Stored);
    assert_eq!(store.read().statements().unwrap().readable.len(), 1);
    drop(store);

    let mut dry = options(CheckDepth::Ends);
    dry.nonces = Box::new(|| None);
    dry.seal = Some(SEAL);
    let mut store = Store::open(folder.path(), dry).unwrap();
    assert!(matches!(
        store.put_statement(&signed),
        Err(StoreError::NoNonce)
    ));
}

#[test]
fn a_row_that_claims_to_be_newer_than_it_is_does_not_open() {
    let mut car = Car::with_trips(0);
    let signed = statement(1, 5, 1_790_000_000);
    car.store.put_statement(&signed).unwrap();
    let (folder, ..) = car.parked();
    let tool = rusqlite::Connection::open(folder.path().join("cache.db")).unwrap();
    tool.execute("UPDATE statement SET version = 6", [])
        .unwrap();
    drop(tool);
    let mut store = open(folder.path());
    assert_eq!(store.read().statements().unwrap().sealed, [MEMBER]);
    assert_eq!(store.put_statement(&signed).unwrap(), Put::Stored);
}

#[test]
fn an_answer_counts_also_without_a_key_for_its_statements() {
    let (folder, chain, entries) = Car::with_trips(2).parked();
    let mut without = options(CheckDepth::Ends);
    without.seal = None;
    let mut store = Store::open(folder.path(), without).unwrap();
    let answer = Reconciled {
        receipt: receipt(chain.head, 1, 1_790_000_100),
        verdicts: entries
            .iter()
            .map(|e| accepted(e.body().seq.get(), 12))
            .collect(),
        statements: vec![statement(1, 2, 1_790_000_000)],
    };
    let applied = store.apply(&answer).unwrap();
    assert_eq!((applied.verdicts, applied.statements), (2, 0));
}
