//! The list of a restore of what people did after the backup: each command that it prints does it again.

use dashpoint_cloud::{ClockKind, CloudCore, Selected, open_file};
use dashpoint_membership::*;
use rusqlite::Connection;

use crate::doubts;
use crate::lives::Operated;
use crate::loopback::machine_now;
use crate::restored_scene::Scene;
use crate::support::*;

#[test]
fn a_restore_lists_what_people_did_after_the_backup() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let cloud = Operated { data: data.clone() };
    cloud.while_serving(|| ());
    let path = data.join("cloud.db");
    let key = std::fs::read(data.join("cloud-key.pk8")).unwrap();
    let key = dashpoint_wire::SigningKey::from_pkcs8(&key).unwrap();
    let now = at(machine_now());
    let open = || World {
        core: CloudCore::start(
            open_file(&path).unwrap(),
            key.clone(),
            ClockKind::System,
            now,
        )
        .unwrap(),
        now,
        cloud_key: key.public(),
    };
    let mut world = open();
    let first = world.member(1);
    let mut early = world.car(2, 3, first);
    // One entry is paid, and two wait for an operator: at 396 km/h.
    let mut held = world.car(9, 10, first);
    let trips = [
        doubts::drive(&world, 4_000_000, 10_000, 600),
        doubts::drive(&world, 4_020_000, 66_000, 600),
        doubts::drive(&world, 4_100_000, 66_000, 600),
    ];
    let trips = trips.map(|trip| held.mint(drove(trip), now));
    world.settled(&mut held, &trips);
    let [paid, accepted, refused] = trips.map(|trip| EntryRef {
        device: held.device,
        epoch: trip.body().epoch,
        seq: trip.body().seq,
    });
    let backup = folder.path().join("backup.db");
    let name = backup.to_str().unwrap();
    world.core.back_up(&backup).unwrap();
    drop(world);
    let nothing = cloud.done(&["restore", name]);
    assert!(
        nothing.contains("nothing of what the database before had"),
        "{nothing}"
    );

    let mut world = open();
    let second = world.member(4);
    let late = world.car(5, 6, second);
    let thief = world.car(7, 8, second);
    // It earned after the backup, and was replaced.
    let last = doubts::drive(&world, 0, 10_000, 600);
    let last = early.mint(drove(last), now);
    world.settled(&mut early, &[last]);
    world.core.revoke_device(early.device, now).unwrap();
    world
        .core
        .revoke_fraud(thief.device, "a copied unit", now)
        .unwrap();
    let mut policy = world.core.policy(None, now).unwrap();
    policy.version = policy.version.next();
    world.core.sign_policy(policy, now).unwrap();
    world.core.accept_held(accepted, "a race", now).unwrap();
    world.core.refuse_held(refused, "a tow", now).unwrap();
    let vehicle = VehicleId::from_bytes([10; 16]);
    world
        .core
        .free_stretches(vehicle, Selected::Entry(paid), true, "goodwill", now)
        .unwrap();
    let balance = world.balance(first);
    drop(world);
    let said = cloud.done(&["restore", name]);
    for line in [
        format!("member add --id {second}"),
        format!(
            "device {} stays shut out, its 1 entry came over, ",
            early.device
        ),
        format!("device {} stays shut out", thief.device),
        "--reason 'a race'".to_owned(),
        format!("device {} for member {second} was enrolled", late.device),
    ] {
        assert!(said.contains(&line), "{line:?} is not in {said}");
    }
    assert!(!said.contains(&format!("member {first}")), "{said}");
    assert!(!said.contains(&format!("device {} for", thief.device)));
    // Each command that it prints does what it says before the server starts.
    let commands = commands_of(&said);
    let kinds: Vec<_> = commands.iter().map(|words| words[..2].join(" ")).collect();
    assert_eq!(
        kinds,
        ["member add", "review accept", "review refuse", "meter free",],
        "{said}"
    );
    for command in &commands {
        let words: Vec<&str> = command.iter().map(String::as_str).collect();
        cloud.done(&words);
    }
    // What a lost database had shut out is shut out, too, although nothing here knows it.
    let unknown = DeviceId::from_bytes([0x77; 16]).to_string();
    let done = cloud.done(&["device", "revoke", &unknown, "--fraud", "--reason", "again"]);
    assert!(done.contains("is not let in"), "{done}");
    let mut world = open();
    assert_eq!(world.balance(first), balance);
    assert_eq!(world.core.held_lines().unwrap(), []);
    let stretches = world.core.stretches(vehicle).unwrap();
    let freed = stretches.iter().filter(|stretch| stretch.freed.is_some());
    assert_eq!(
        freed.map(|stretch| stretch.entry).collect::<Vec<_>>(),
        [paid]
    );
    let known = world.core.admitted_device(early.device, now).unwrap();
    assert!(known.is_none(), "it is shut out again");
}

/// `policy sign` would be refused, and a reason that long too.
#[test]
fn only_commands_that_are_taken_are_listed() {
    let mut scene = Scene::new();
    scene.give("review refuse HELD --reason tow");
    drop(std::mem::replace(&mut scene.world, World::new()));
    let db = Connection::open(scene.path("cloud/cloud.db")).unwrap();
    let triggers = "SELECT name FROM sqlite_schema WHERE type = 'trigger'";
    let triggers: Vec<String> = db
        .prepare(triggers)
        .unwrap()
        .query_map([], |row| row.get(0))
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap();
    for trigger in triggers {
        db.execute_batch(&format!("DROP TRIGGER {trigger}"))
            .unwrap();
    }
    db.execute_batch(
        "UPDATE policies SET raw = zeroblob(200);
         UPDATE catalogues SET raw = zeroblob(200);
         UPDATE decisions SET reason = replace(hex(zeroblob(200)), '0', '拖');",
    )
    .unwrap();
    drop(db);
    let said = scene.restore();
    for document in ["policy", "catalogue"] {
        let expected = format!("  {document} 1: another {document} has version 1 here");
        assert!(said.contains(&expected), "{said}");
        assert!(!said.contains(&format!("{document} sign")), "{said}");
    }
    let commands = commands_of(&said);
    let [refuse] = &commands[..] else {
        panic!("{said}")
    };
    assert_eq!(refuse[..2], ["review", "refuse"]);
    assert_eq!(refuse.last().unwrap(), &"拖".repeat(170));
}

/// A restore that is made twice replaces its own database, which nobody has done anything to: what was undone is undone still.
#[test]
fn a_second_restore_of_one_backup_says_what_the_first_said() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let cloud = Operated { data: data.clone() };
    cloud.while_serving(|| ());
    let key = std::fs::read(data.join("cloud-key.pk8")).unwrap();
    let key = dashpoint_wire::SigningKey::from_pkcs8(&key).unwrap();
    let now = at(machine_now());
    let db = open_file(&data.join("cloud.db")).unwrap();
    let core = CloudCore::start(db, key.clone(), ClockKind::System, now).unwrap();
    let mut world = World {
        core,
        now,
        cloud_key: key.public(),
    };
    let first = world.member(1);
    let mut early = world.car(2, 3, first);
    let backup = folder.path().join("backup.db");
    let name = backup.to_str().unwrap();
    world.core.back_up(&backup).unwrap();
    let second = world.member(4);
    let last = early.mint(drove(doubts::drive(&world, 0, 10_000, 600)), now);
    world.settled(&mut early, &[last]);
    world.core.revoke_device(early.device, now).unwrap();
    drop(world);
    let said = [(); 3].map(|()| cloud.done(&["restore", name]));
    for (said, life) in said.iter().zip(2..) {
        assert!(
            said.contains(&format!("life {life} of the database")),
            "{said}"
        );
        let aside = format!(
            "the one before is {}",
            data.join(format!("cloud.db.before-life-{life}")).display()
        );
        assert!(said.contains(&aside), "{said}");
        assert!(
            said.contains(&format!("member add --id {second}")),
            "{said}"
        );
        let over = format!(
            "device {} stays shut out, its 1 entry came over",
            early.device
        );
        assert_eq!(said.matches(&over).count(), 1, "{said}");
        let earlier = format!(
            "of {} as well",
            data.join("cloud.db.before-life-2").display()
        );
        assert_eq!(said.contains(&earlier), life == 3, "{said}");
        assert_eq!(said.contains("came of a restore, too"), life > 2, "{said}");
    }
    // What was done again is not undone any more, and a backup of after it lacks nothing.
    cloud.done(&["member", "add", "--id", &second.to_string(), "--name", "x"]);
    let newer = folder.path().join("newer.db");
    let newer = newer.to_str().unwrap();
    cloud.done(&["backup", newer]);
    let nothing = cloud.done(&["restore", newer]);
    assert!(
        nothing.contains("nothing of what the database before had"),
        "{nothing}"
    );
}

/// The words of the commands that a restore lists, as a shell takes them apart.
fn commands_of(said: &str) -> Vec<Vec<String>> {
    let lines = said.lines().filter_map(|line| line.strip_prefix("  "));
    let commands = lines.filter_map(|line| line.split_once(": dashpoint-cloud --data "));
    commands
        .map(|(_, command)| {
            let words = shell_words(command);
            // The folder is the one that was restored.
            words[1..].to_vec()
        })
        .collect()
}

/// Takes a line apart as a shell does.
fn shell_words(line: &str) -> Vec<String> {
    let said = std::process::Command::new("sh")
        .args(["-c", &format!("printf '%s\\n' {line}")])
        .output()
        .unwrap();
    let said = String::from_utf8(said.stdout).unwrap();
    said.lines().map(str::to_owned).collect()
}
