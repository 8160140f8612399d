//! Every schema that was ever released, as the cloud of its time left it, brought to the newest; whatever is not this
//! program's is left as it is.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use dashpoint_cloud::{ClockKind, CloudError, SelectedEntries, open_file, restore};
use dashpoint_membership::*;
use dashpoint_wire::SigningKey;
use rusqlite::Connection;

use crate::support::*;

/// A member, two head units, entries paid, refused and of another branch, an epoch that was opened anew.
fn live_in(path: &Path) -> (World, Car) {
    let mut world = World::on_disk(path);
    let member = world.member(1);
    let (mut car, mut other) = (world.car(2, 3, member), world.car(4, 3, member));
    let entries = [
        car.mint(drove(trip_of_seconds()), world.now),
        car.mint(charged(charge(0, 9_000)), world.now),
    ];
    world.settled(&mut car, &entries);
    let again = other.mint(drove(trip_of_seconds()), world.now);
    assert_eq!(
        world.verdict(&mut other, &again),
        rejected(Rejection::AlreadyPaid)
    );
    world.pass(HOUR);
    let grant = world.open_epoch(&mut car);
    car.enter(&grant.verify(&world.cloud_key, &car.device).unwrap());
    (world, car)
}

/// A trip in the form that the first schema's cars signed.
fn trip_of_seconds() -> Trip {
    Trip {
        driving: DrivingTime::Seconds(1_800),
        ..trip(1_000, 12_000)
    }
}

fn fixture(schema: i64) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/schema");
    folder.join(format!("cloud-{schema}.sql"))
}

fn version(db: &Connection) -> i64 {
    db.pragma_query_value(None, "user_version", |row| row.get(0))
        .unwrap()
}

fn newest() -> i64 {
    version(&dashpoint_cloud::open_in_memory().unwrap())
}

/// The whole database as statements that make it again.
fn dump(path: &Path) -> String {
    let db = Connection::open(path).unwrap();
    let texts = |sql: &str| -> Vec<String> {
        let mut statement = db.prepare(sql).unwrap();
        let rows = statement.query_map([], |row| row.get(0)).unwrap();
        rows.map(Result::unwrap).collect()
    };
    let mut script = "PRAGMA foreign_keys = OFF;\n".to_owned();
    for pragma in ["application_id", "user_version"] {
        let value: i64 = db
            .pragma_query_value(None, pragma, |row| row.get(0))
            .unwrap();
        script.push_str(&format!("PRAGMA {pragma} = {value};\n"));
    }
    let schema = "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%' ORDER BY rowid";
    for made in texts(schema) {
        script.push_str(&format!("{made};\n"));
    }
    let tables = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY rowid";
    for table in texts(tables) {
        let columns = texts(&format!("SELECT name FROM pragma_table_info('{table}')"));
        let values: Vec<_> = columns
            .iter()
            .map(|name| format!("quote(\"{name}\")"))
            .collect();
        let (columns, values) = (columns.join("\", \""), values.join(" || ', ' || "));
        for row in texts(&format!("SELECT {values} FROM {table}")) {
            script.push_str(&format!(
                "INSERT INTO {table} (\"{columns}\") VALUES ({row});\n"
            ));
        }
    }
    script
}

#[test]
fn the_newest_schema_is_written_down_with_rows_in_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cloud.db");
    drop(live_in(&path));
    let (found, written_down) = (dump(&path), fixture(newest()));
    if std::env::var_os("DASHPOINT_BLESS").is_some() {
        fs::write(&written_down, &found).unwrap();
    }
    let expected = fs::read_to_string(&written_down).unwrap_or_default();
    assert!(
        found == expected,
        "{}: a released schema is never edited; a new one is written with DASHPOINT_BLESS=1",
        written_down.display()
    );
}

#[test]
fn every_schema_with_entries_inside_is_brought_to_the_newest() {
    let now = tempfile::tempdir().unwrap();
    let (mut world, mut car) = live_in(&now.path().join("cloud.db"));
    let member = car.member;
    let points = world.balance(member);
    let lines = world
        .core
        .entry_lines(SelectedEntries::default(), None)
        .unwrap();
    assert!(points > 0 && lines.len() == 3);
    let next = car.mint(drove(trip(20_000, 12_000)), world.now);
    for schema in 1..=newest() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cloud.db");
        let old = Connection::open(&path).unwrap();
        old.pragma_update(None, "journal_mode", "WAL").unwrap();
        old.execute_batch(&fs::read_to_string(fixture(schema)).unwrap())
            .unwrap();
        assert_eq!(version(&old), schema);
        drop(old);

        let opened = open_file(&path).unwrap();
        assert_eq!(version(&opened), newest());
        let mut brought = World::with(opened, ClockKind::System);
        brought.now = world.now;
        assert_eq!(brought.balance(member), points, "schema {schema}");
        let found = brought
            .core
            .entry_lines(SelectedEntries::default(), None)
            .unwrap();
        assert_eq!(found, lines, "schema {schema}");
        assert_eq!(brought.head(&car), world.head(&car), "schema {schema}");
        // The chain goes on.
        let posted = brought.post(&car, std::slice::from_ref(&next));
        assert!(
            matches!(posted, dashpoint_cloud::PostOutcome::Settled(_)),
            "schema {schema}: {posted:?}"
        );
    }
}

/// A program is newer than the backups of the day before, than the database that is there, and than a restore that was cut off.
#[test]
fn backups_of_every_schema_are_restored() {
    let now = tempfile::tempdir().unwrap();
    let (mut world, car) = live_in(&now.path().join("cloud.db"));
    let (points, head) = (world.balance(car.member), world.head(&car));
    let key = SigningKey::from_seed(&[0xc1; 32]);
    let key = [
        &b"\x30\x51\x02\x01\x01\x30\x05\x06\x03\x2b\x65\x70\x04\x22\x04\x20"[..],
        &[0xc1; 32],
        b"\x81\x21\x00",
        key.public().as_bytes(),
    ]
    .concat();
    for (schema, is_cut_off) in (1..=newest()).flat_map(|schema| [(schema, false), (schema, true)])
    {
        let folder = tempfile::tempdir().unwrap();
        let (data, backup) = (folder.path().join("cloud"), folder.path().join("backup.db"));
        let old = Connection::open(&backup).unwrap();
        old.execute_batch(&fs::read_to_string(fixture(schema)).unwrap())
            .unwrap();
        drop(old);
        fs::create_dir(&data).unwrap();
        fs::write(data.join("cloud-key.pk8"), &key).unwrap();
        fs::copy(&backup, data.join("cloud.db")).unwrap();
        if is_cut_off {
            fs::copy(&backup, data.join("cloud.db.restored")).unwrap();
        }
        let place = format!("schema {schema}, cut off: {is_cut_off}");
        let restored = restore(&data, &backup, world.now)
            .unwrap_or_else(|refused| panic!("{place}: {refused}"));
        assert_eq!(restored.undone, Some(Vec::new()), "{place}");
        assert!(restored.awaited.is_some(), "{place}");
        let files = fs::read_dir(&data).unwrap();
        let names: BTreeSet<_> = files.map(|file| file.unwrap().file_name()).collect();
        let expected = [
            "cloud-key.pk8",
            "cloud.db",
            "cloud.db.before-life-2",
            "serve.lock",
        ];
        assert_eq!(
            names,
            expected.into_iter().map(Into::into).collect(),
            "{place}"
        );
        let mut brought = World::on_disk(&data.join("cloud.db"));
        brought.now = world.now;
        assert_eq!(brought.balance(car.member), points, "{place}");
        assert_eq!(brought.head(&car), head, "{place}");
    }
}

/// Columns that came later say of old rows what the program of their time did.
#[test]
fn later_columns_are_filled_for_rows_that_were_there_before() {
    for schema in 2..=newest() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cloud.db");
        let old = Connection::open(&path).unwrap();
        old.execute_batch(&fs::read_to_string(fixture(schema)).unwrap())
            .unwrap();
        // The session is held back, and the device has shown its enrolment where that is kept.
        old.execute_batch(
            "INSERT INTO reviews (device, epoch, seq, vehicle, doubt, opened)
             SELECT device, epoch, seq, vehicle, 'power', arrived FROM entries WHERE device = x'02020202020202020202020202020202'
                 AND seq = 2;",
        )
        .unwrap();
        let has_proofs = schema >= 4;
        if has_proofs {
            old.execute_batch("INSERT INTO proofs SELECT device, 1 FROM devices")
                .unwrap();
        }
        let given: Vec<Option<String>> = match schema {
            ..4 => vec![None, None],
            4.. => texts(&old, "SELECT given FROM intervals"),
        };
        drop(old);
        let brought = open_file(&path).unwrap();
        assert_eq!(
            texts(&brought, "SELECT CAST(took_room AS TEXT) FROM reviews"),
            [Some("1".to_owned())],
            "schema {schema}: it had taken its room when it came"
        );
        assert_eq!(
            texts(&brought, "SELECT given FROM intervals"),
            given,
            "schema {schema}: nobody knows what an older program gave"
        );
        let shown = texts(&brought, "SELECT CAST(server_epoch AS TEXT) FROM proofs");
        assert_eq!(
            shown.len(),
            if has_proofs { 2 } else { 0 },
            "schema {schema}"
        );
        assert_eq!(
            texts(&brought, "SELECT CAST(count(*) AS TEXT) FROM barred"),
            [Some("0".to_owned())]
        );
        let fails = brought.execute("UPDATE reviews SET took_room = 0", []);
        assert!(fails.is_err(), "schema {schema}: a review is never changed");
    }
}

fn texts(db: &Connection, sql: &str) -> Vec<Option<String>> {
    let mut statement = db.prepare(sql).unwrap();
    let rows = statement.query_map([], |row| row.get(0)).unwrap();
    rows.map(Result::unwrap).collect()
}

/// An operator's file is never replaced or renamed: the cloud does not start, and says why.
#[test]
fn what_is_not_this_clouds_is_refused_with_no_byte_changed() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    drop(live_in(&path("newer.db")));
    Connection::open(path("newer.db"))
        .unwrap()
        .pragma_update(None, "user_version", newest() + 1)
        .unwrap();
    let foreign = "CREATE TABLE recipes (name TEXT); INSERT INTO recipes VALUES ('soup');";
    for (name, user_version) in [("foreign-0.db", 0), ("foreign-1.db", 1)] {
        let db = Connection::open(path(name)).unwrap();
        db.execute_batch(foreign).unwrap();
        db.pragma_update(None, "user_version", user_version)
            .unwrap();
    }
    fs::write(path("noise.db"), [b'x'; 9_000]).unwrap();
    fs::write(path("empty.db"), b"").unwrap();
    for name in [
        "newer.db",
        "foreign-0.db",
        "foreign-1.db",
        "noise.db",
        "empty.db",
    ] {
        let before = fs::read(path(name)).unwrap();
        let refused = open_file(&path(name)).unwrap_err();
        let expected = match name {
            "newer.db" => matches!(refused, CloudError::NewerSchema { .. }),
            "noise.db" => matches!(refused, CloudError::Database(_)),
            "empty.db" => matches!(refused, CloudError::EmptyDatabase(_)),
            _ => matches!(refused, CloudError::ForeignDatabase),
        };
        assert!(expected, "{name}: {refused}");
        assert!(
            fs::read(path(name)).unwrap() == before,
            "{name}: bytes changed"
        );
    }
}
