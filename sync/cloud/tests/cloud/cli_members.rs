//! Members and devices at the command line: how operators name members, and what is told of them.

use std::process::ExitCode;

use crate::awaited::Shared;
use crate::cli::{refused, run, say};
use crate::support::*;
use dashpoint_cloud::NewMember;
use dashpoint_membership::*;

fn named(world: &mut World, id: [u8; 16], name: &str) -> MemberId {
    let id = MemberId::from_bytes(id);
    let new = NewMember {
        id,
        name: name.to_owned(),
        zone: "Asia/Shanghai".to_owned(),
    };
    world.core.add_member(&new, world.now).unwrap();
    id
}

/// Ids that begin alike for six digits.
fn alike(last: u8) -> [u8; 16] {
    let mut id = [0x26; 16];
    id[4] = last;
    id
}

#[test]
fn members_are_found_by_name_or_digits() {
    let mut world = World::new();
    let chen = named(&mut world, alike(0xc3), "陈玥");
    named(&mut world, alike(0xc4), "Li");
    named(&mut world, [0x51; 16], "Li");
    let shown = format!("member    {chen} (陈玥)");
    for name in ["陈玥", "26262626c3", "26262626C3", &chen.to_string()] {
        let said = say(&mut world, &format!("statement {name}"));
        assert!(said.starts_with(&shown), "{name}: {said}");
    }
    let commands = [
        "member show WHO",
        "statement WHO",
        "entries --member WHO",
        "rule report --member WHO",
        "device approve 7K3MZ0QA --member WHO",
        "device consent 7K3MZ0QA --member WHO",
        "expiry reverse --since 2036-11-22T00:00:00Z --reason leapt --member WHO",
    ];
    for command in commands {
        // Fewer than eight digits are a slip.
        for name in ["nobody", "2626262", "2626262626262626262626262626262f"] {
            let said = refused(&mut world, &command.replace("WHO", name));
            assert!(said.starts_with("no member has the "), "{command}: {said}");
        }
        let said = refused(&mut world, &command.replace("WHO", "26262626"));
        assert_eq!(
            said,
            "\"26262626\" means 2 members: 26262626c32626262626262626262626 (陈玥), 26262626c42626262626262626262626 (Li); \
             give the id, or more of it",
            "{command}"
        );
        let said = refused(&mut world, &command.replace("WHO", "Li"));
        assert!(said.starts_with("\"Li\" means 2 members: "), "{said}");
    }
}

/// A world with a car of one vehicle and two of another.
fn cars() -> World {
    let mut world = World::new();
    let member = world.member(1);
    let mut car = world.car(2, 3, member);
    world.car(4, 3, member);
    world.car(6, 5, member);
    world.pass(HOUR);
    let entries = [
        car.mint(drove(trip(1_000, 12_000)), world.now),
        car.mint(CHECK_IN, world.now),
    ];
    world.settled(&mut car, &entries);
    world
}

#[test]
fn devices_are_found_by_digits() {
    let mut world = cars();
    let all = say(&mut world, "entries");
    let none = say(&mut world, "entries --device 04040404");
    assert_eq!((all.lines().count(), none.lines().count()), (3, 1));
    for typed in ["02020202", "0202020202", &"02".repeat(16)] {
        let found = say(&mut world, &format!("entries --device {typed}"));
        assert_eq!(found, all, "{typed}");
    }
    let commands = [
        "entries --device WHO",
        "rule report --device WHO",
        "device revoke WHO",
        "meter free 03030303 --reason sold --device WHO",
    ];
    for command in commands {
        for typed in ["0202020", "02020203", "…4711"] {
            let said = refused(&mut world, &command.replace("WHO", typed));
            assert!(said.starts_with("no device has the id "), "{said}");
        }
    }
    let freed = say(&mut world, "device revoke 02020202");
    assert!(freed.starts_with("revoked; "), "{freed}");
}

#[test]
fn vehicles_are_found_by_their_vin() {
    let mut world = cars();
    let said = refused(&mut world, "meter list 4711");
    assert_eq!(
        said,
        "\"4711\" means 2 vehicles: 03030303030303030303030303030303 (…4711), 05050505050505050505050505050505 (…4711); \
         give the id, or more of it"
    );
    for typed in ["03030303", &"03".repeat(16)] {
        let listed = say(&mut world, &format!("meter list {typed}"));
        let row = "odometer  1000 m  13000 m  02020202020202020202020202020202/1-1  held";
        assert_eq!(listed.lines().nth(1).unwrap(), row, "{typed}");
    }
    let said = refused(&mut world, "meter list 4712");
    assert!(
        said.starts_with("no vehicle has a VIN whose last four characters are \"4712\""),
        "{said}"
    );
    let json = say(&mut world, "--json meter list 03030303");
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    let interval = serde_json::json!({ "meter": "odometer", "from_m": 1_000, "to_m": 13_000 });
    assert_eq!(json["stretches"][0]["interval"], interval);
}

#[test]
fn entries_are_narrowed_down() {
    let mut world = cars();
    let rows = |world: &mut World, options: &str| {
        let said = say(world, &format!("entries {options}"));
        let rows = said.lines().skip(1).map(|row| {
            let mut cells = row.split_whitespace();
            let place = cells.next().unwrap().rsplit_once('/').unwrap().1;
            format!("{place} {}", cells.next().unwrap())
        });
        rows.collect::<Vec<_>>().join(", ")
    };
    for (options, expected) in [
        ("", "1-1 trip, 1-2 check-in"),
        ("--last 1", "1-2 check-in"),
        ("--last 9", "1-1 trip, 1-2 check-in"),
        ("--since 2026-11-22T06:00:00Z", ""),
        ("--until 2026-11-22T06:00:00Z --last 1", "1-2 check-in"),
        ("--until 2026-11-22T05:00:00Z", ""),
    ] {
        assert_eq!(rows(&mut world, options), expected, "{options}");
    }
    let said = refused(
        &mut world,
        "entries --since 2026-11-22T06:00:00Z --until 2026-11-22T06:00:00Z",
    );
    assert!(said.starts_with("no time lies between "), "{said}");
}

#[test]
fn a_long_choice_is_cut() {
    let mut world = World::new();
    for number in 1..20 {
        named(&mut world, [number; 16], "Li");
    }
    let said = refused(&mut world, "member show Li");
    assert!(said.starts_with("\"Li\" means 19 members: "), "{said}");
    assert!(
        said.contains("08080808") && !said.contains("09090909"),
        "{said}"
    );
    assert!(said.contains("and more (`member list`)"), "{said}");
}

#[test]
fn a_repeated_name_is_warned_of() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().to_str().unwrap();
    assert_eq!(run(&["--data", data, "init"]).0, ExitCode::SUCCESS);
    let add = ["--data", data, "member", "add", "--name", "陈玥"];
    let (code, first, err) = run(&add);
    assert_eq!((code, err.as_str()), (ExitCode::SUCCESS, ""));
    let (code, second, err) = run(&add);
    assert_eq!((code, second.lines().count()), (ExitCode::SUCCESS, 1));
    assert_eq!(
        err,
        format!(
            "dashpoint-cloud: warning: the member {} has the name \"陈玥\" already: commands that name the new one want the id\n",
            first.trim()
        )
    );
    let (_, out, err) = run(&[&add[..], &["--json"]].concat());
    let added: serde_json::Value = serde_json::from_str(&out).unwrap();
    let warned = added["warnings"][0].as_str().unwrap();
    assert!(warned.starts_with("2 members, "), "{warned}");
    assert!(err.is_empty(), "{err}");
}

#[test]
fn devices_show_last_contact_and_policy() {
    let mut world = World::new();
    let member = named(&mut world, alike(0xc3), "陈玥");
    let mut car = world.car(2, 3, member);
    world.car(4, 5, member);
    world.pass(HOUR);
    let entry = car.mint(drove(trip(1_000, 12_000)), world.now);
    world.settled(&mut car, &[entry]);
    world.pass(30);
    let entry = car.mint(CHECK_IN, world.now);
    world.settled(&mut car, &[entry]);
    world.pass(HOUR);
    let listed = say(&mut world, "--json device list");
    let listed: serde_json::Value = serde_json::from_str(&listed).unwrap();
    let told = |place: usize| {
        let device = &listed["devices"][place];
        (
            device["last_contact_unix_s"].clone(),
            device["policy"].clone(),
        )
    };
    assert_eq!(told(0), ((NOON + HOUR + 30).into(), 1.into()));
    assert_eq!(told(1), (NOON.into(), serde_json::Value::Null));
    let table = say(&mut world, "device list");
    let row = table.lines().nth(1).unwrap();
    assert!(row.contains("陈玥 (26262626)"), "{table}");
    assert!(row.contains("  2026-11-22T05:00:30Z  1 "), "{table}");
}

/// A member has several devices, and each has an entry 1-1.
#[test]
fn statements_name_the_device() {
    let mut world = World::new();
    let member = world.member(1);
    let (mut one, mut other) = (world.car(2, 3, member), world.car(4, 5, member));
    for car in [&mut one, &mut other] {
        let entry = car.mint(drove(trip(1_000, 12_000)), world.now);
        world.settled(car, &[entry]);
    }
    let said = say(&mut world, &format!("statement {member}"));
    for device in [one.device, other.device] {
        assert!(said.contains(&format!("  entry {device}/1-1: ")), "{said}");
    }
}

/// An awaited entry may have come already, as second: it is not said to be on its way.
#[test]
fn a_revocation_tells_what_is_lost() {
    let mut shared = Shared::new();
    let entries = shared.drive();
    shared.home.restore("b.db");
    crate::awaited::send(&mut shared.home, &shared.second, &entries[1]);
    let revoke = format!("device revoke {}", shared.first.device);
    let said = say(&mut shared.home.world, &revoke);
    assert!(
        said.ends_with(
            "1 trip or session that had counted before the restore: not paid here, as the device sends nothing more, and their \
             stretches are free\n"
        ),
        "{said}"
    );
}
