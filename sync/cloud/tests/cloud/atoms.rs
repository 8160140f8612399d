//! All of a request or none of it, and nothing believed from the disk that this cloud did not sign.

use dashpoint_cloud::{ClockKind, CloudCore, CloudError, open_file};
use dashpoint_wire::SigningKey;
use rusqlite::Connection;

use crate::support::*;

#[test]
fn a_batch_that_fails_in_the_middle_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cloud.db");
    let mut world = World::on_disk(&path);
    let member = world.member(1);
    let mut car = world.car(2, 3, member);
    let entries = [
        car.mint(drove(trip(1_000, 12_000)), world.now),
        car.mint(charged(charge(0, 9_000)), world.now),
        car.mint(CHECK_IN, world.now),
    ];
    let (head, statement) = (world.head(&car), world.statement(member));
    let disk = Connection::open(&path).unwrap();
    // The disk gives out at each place where a request writes.
    for (table, when) in [
        ("entries", "INSERT ON entries WHEN new.seq = 3"),
        (
            "intervals",
            "INSERT ON intervals WHEN new.meter = 'charged'",
        ),
        ("settlements", "INSERT ON settlements WHEN new.version = 3"),
        ("lots", "INSERT ON lots"),
        ("members", "UPDATE ON members"),
        ("devices", "UPDATE OF seq ON devices"),
        ("receipts", "UPDATE OF receipt ON devices"),
    ] {
        let fault = format!(
            "CREATE TRIGGER fault BEFORE {when} BEGIN SELECT RAISE(ABORT, 'disk full'); END"
        );
        disk.execute_batch(&fault).unwrap();
        let request = car.request(&entries);
        let posted = world.core.post_entries(car.device, &request, world.now);
        assert!(matches!(posted, Err(CloudError::Database(_))), "{table}");
        disk.execute_batch("DROP TRIGGER fault").unwrap();
        assert_eq!(world.head(&car), head, "{table}");
        assert_eq!(world.statement(member), statement, "{table}");
        let rows: i64 = disk
            .query_row(
                "SELECT (SELECT count(*) FROM entries) + (SELECT count(*) FROM intervals)
                      + (SELECT count(*) FROM settlements) + (SELECT count(*) FROM lots)",
                [],
                |row| row.get(0),
            )
            .unwrap();
        assert_eq!(rows, 0, "{table}");
    }
    let response = world.settled(&mut car, &entries);
    assert!(response.verdicts.iter().all(|said| !said.duplicate));
    let lots: i64 = disk
        .query_row("SELECT sum(remaining) FROM lots", [], |row| row.get(0))
        .unwrap();
    assert_eq!(
        lots,
        world.balance(member),
        "the lots in SQL are the balance"
    );
}

#[test]
fn a_policy_that_was_changed_on_the_disk_is_not_used() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cloud.db");
    drop(World::on_disk(&path));
    let disk = Connection::open(&path).unwrap();
    let mut raw: Vec<u8> = disk
        .query_row("SELECT raw FROM policies", [], |row| row.get(0))
        .unwrap();
    let middle = raw.len() / 2;
    raw[middle] ^= 1;
    disk.execute_batch("DROP TRIGGER policies_stay").unwrap();
    disk.execute("UPDATE policies SET raw = ?1", [&raw])
        .unwrap();
    let key = SigningKey::from_seed(&[0xc1; 32]);
    let db = open_file(&path).unwrap();
    let started = CloudCore::start(db, key, ClockKind::System, at(NOON));
    assert!(matches!(started, Err(CloudError::Wire(_))));
}
