//! A bit of what was signed becomes another: nobody takes it for the word of a device or of the cloud.

use std::fs;
use std::ops::ControlFlow;

use dashpoint_membership::DeviceId;
use dashpoint_store::{SealKey, StoreReader};
use dashpoint_wire::{PublicKey, Raw, Scope, Signable};
use rusqlite::{Connection, params};

use crate::support::{Car, World, stderr, stdout};

/// What is kept of signed things: file, table, column.
const KEPT: [(&str, &str, &str); 12] = [
    ("ledger.db", "epoch", "raw"),
    ("ledger.db", "epoch", "hash"),
    ("ledger.db", "certificate", "raw"),
    ("ledger.db", "binding", "raw"),
    ("ledger.db", "entry", "raw"),
    ("ledger.db", "entry", "hash"),
    ("ledger.db", "entry", "private"),
    ("ledger.db", "receipt", "raw"),
    ("ledger.db", "receipt", "head"),
    ("cache.db", "statement", "sealed"),
    ("cache.db", "policy", "raw"),
    ("cache.db", "catalogue", "raw"),
];
/// Places of a value that are looked at, first and last among them; each is a run of the program.
const PLACES: usize = 5;

/// A car that has earned and is confirmed, and does not run.
fn confirmed() -> World {
    let mut world = World::after_a_day_offline();
    world.cloud.serve();
    world.car.start();
    world.car.reconcile();
    assert!(world.car.stop().success());
    world
}

fn flipped(bytes: &[u8], at: usize) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    bytes[at] ^= 1 << (at % 8);
    bytes
}

#[test]
fn a_flipped_bit_in_the_files_fails_the_verification_of_the_ledger() {
    let world = confirmed();
    let mut tried = 0;
    for (file, table, column) in KEPT {
        let file = Connection::open(world.car.data().join(file)).unwrap();
        disarm(&file, table);
        let values = values(&file, table, column);
        assert!(!values.is_empty(), "no {table}.{column}");
        for value in values {
            for place in 0..PLACES {
                let at = place * (value.len() - 1) / (PLACES - 1);
                let spoilt = flipped(&value, at);
                exchange(&file, (table, column), &value, &spoilt);
                assert_unverified(&world.car, &format!("byte {at} of {table}.{column}"));
                if place == PLACES / 2
                    && ["epoch", "certificate", "binding"].contains(&table)
                    && column == "raw"
                {
                    assert_does_not_start(&world.car, table);
                }
                exchange(&file, (table, column), &spoilt, &value);
                tried += 1;
            }
        }
    }
    assert!(tried >= KEPT.len() * PLACES, "{tried}");
    world.car.verified_ledger();
}

/// The triggers hold against a careless hand; a bit that flips asks no trigger.
fn disarm(file: &Connection, table: &str) {
    let mut triggers = file
        .prepare("SELECT name FROM sqlite_schema WHERE type = 'trigger' AND tbl_name = ?1")
        .unwrap();
    let names: Vec<String> = triggers
        .query_map([table], |row| row.get(0))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    for name in names {
        file.execute_batch(&format!("DROP TRIGGER {name}")).unwrap();
    }
}

fn values(file: &Connection, table: &str, column: &str) -> Vec<Vec<u8>> {
    let sql = format!("SELECT {column} FROM {table}");
    let mut statement = file.prepare(&sql).unwrap();
    let rows = statement.query_map([], |row| row.get(0)).unwrap();
    rows.map(Result::unwrap).collect()
}

fn exchange(file: &Connection, (table, column): (&str, &str), old: &[u8], new: &[u8]) {
    let sql = format!("UPDATE {table} SET {column} = ?2 WHERE {column} = ?1");
    assert!(file.execute(&sql, params![old, new]).unwrap() > 0);
}

#[track_caller]
fn assert_unverified(car: &Car, what: &str) {
    let output = car.ask(&["ledger", "--verify"]);
    let said = stderr(&output);
    assert_eq!(
        output.status.code(),
        Some(1),
        "{what}: {said}{}",
        stdout(&output)
    );
    assert!(!said.contains("panicked"), "{what}: {said}");
}

#[track_caller]
fn assert_does_not_start(car: &Car, what: &str) {
    let output = car.ask(&["run", "--no-screen"]);
    let said = stderr(&output);
    assert_eq!(output.status.code(), Some(1), "{what}: {said}");
    assert!(!said.contains("panicked"), "{what}: {said}");
}

#[test]
fn no_byte_of_anything_signed_can_be_another() {
    let world = confirmed();
    let car = &world.car;
    let seal = fs::read(car.data().join("seal.key")).unwrap();
    let seal = SealKey::from_bytes(seal.try_into().unwrap());
    let reader = StoreReader::open(&car.data(), None, Some(seal)).unwrap();
    let device: DeviceId = car.device();
    let cloud = world.cloud.key();

    let certificate = reader.certificate().unwrap().unwrap();
    let key = certificate.clone().verify(&cloud, &device).unwrap();
    let key = key.body().key;
    assert_sealed(&certificate, &cloud, &device);
    for epoch in reader.epochs().unwrap() {
        assert_sealed(&epoch.raw, &cloud, &device);
    }
    for (_, binding) in reader.bindings().unwrap() {
        assert_sealed(&binding, &cloud, &device);
    }
    let mut entries = 0;
    let look = |stored: dashpoint_store::StoredEntry| {
        assert_sealed(&stored.raw, &key, &device);
        entries += 1;
        ControlFlow::Continue(())
    };
    reader.for_each_entry(look).unwrap();
    let mut receipts = 0;
    let look = |stored: dashpoint_store::StoredReceipt| {
        assert_sealed(&stored.raw, &cloud, &device);
        receipts += 1;
        ControlFlow::Continue(())
    };
    reader.for_each_receipt(look).unwrap();
    for (_, policy) in reader.policies().unwrap() {
        assert_sealed(&policy, &cloud, &());
    }
    let (_, catalogue) = reader.catalogue().unwrap().unwrap();
    assert_sealed(&catalogue, &cloud, &());
    let statements = reader.statements().unwrap().readable;
    for stored in &statements {
        assert_sealed(&stored.raw, &cloud, &stored.member);
    }
    assert!(entries >= 2 && receipts >= 1 && statements.len() == 1);
}

/// It verifies as it is, and neither with another bit anywhere, nor shorter, nor longer, nor under another key.
fn assert_sealed<T: Signable<Scope = S>, S: Scope>(raw: &Raw<T>, key: &PublicKey, scope: &S) {
    let bytes = raw.as_bytes();
    let verifies = |bytes: Vec<u8>, key| Raw::<T>::from(bytes).verify(key, scope).is_ok();
    assert!(verifies(bytes.to_vec(), key));
    for at in 0..bytes.len() {
        assert!(!verifies(flipped(bytes, at), key), "byte {at}");
    }
    assert!(!verifies(bytes[..bytes.len() - 1].to_vec(), key));
    assert!(!verifies([bytes, &[0]].concat(), key));
    let another = flipped(key.as_bytes(), 7).try_into().unwrap();
    assert!(!verifies(bytes.to_vec(), &PublicKey::from_bytes(another)));
}
