//! Each command that people can give, done after a backup: a restore of it lists what it undoes, with the command that does it
//! again, or keeps it; and it lists nothing else.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::ExitCode;

use clap::{CommandFactory, Parser};
use dashpoint_cloud::cli::{CloudArgs, Edge, execute, main};
use dashpoint_cloud::{AskIds, ClockKind, CloudCore, CloudError, GrantedIds, open_file};
use dashpoint_membership::*;
use dashpoint_wire::SigningKey;
use dashpoint_wire::message::EnrolRequest;

use crate::support::*;

/// A cloud before the backup, with something that each command can be given for.
struct Scene {
    folder: tempfile::TempDir,
    world: World,
    owner: Car,
    thief: Car,
    /// A head unit that was shut out before the backup and holds a stretch.
    retired: Car,
    /// An entry of the owner's whose evidence is in doubt.
    held: EntryRef,
    acted: ServerTime,
}

impl Scene {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("cloud");
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let init = ["dashpoint-cloud", "--data", data.to_str().unwrap(), "init"];
        assert_eq!(
            main(init.map(Into::into), &mut out, &mut err),
            ExitCode::SUCCESS
        );
        // The key alone: the cloud begins at the time of the scene.
        std::fs::remove_file(data.join("cloud.db")).unwrap();
        let mut world = open(&data, at(NOON));
        let [first, second, _, other] = [1, 2, 4, 5].map(|number| world.member(number));
        let mut owner = world.car(2, 3, first);
        let mut thief = world.car(7, 3, second);
        let mut retired = world.car(8, 5, first);
        world.pass(HOUR);
        let session = owner.mint(charged(charge(0, 18_000)), world.now);
        assert!(paid(&world.verdict(&mut owner, &session)) > 0);
        let right = world.now;
        world.leap_to(right.plus_s(3_652 * DAY));
        world.core.maintain(world.now).unwrap();
        world.leap_to(right.plus_s(HOUR));
        for (car, from) in [(&mut thief, 0), (&mut owner, 0), (&mut retired, 0)] {
            let drive = car.mint(drove(trip(from, 20_000)), world.now);
            world.verdict(car, &drive);
        }
        // At 396 km/h.
        let mut fast = trip(30_000, 66_000);
        fast.started = CoarseTime::containing_unix_s(world.now.as_unix_s() - 600);
        fast.driving = DrivingTime::Seconds(600);
        (fast.used_wh, fast.regained_wh) = (9_900, 0);
        let fast = owner.mint(drove(fast), world.now);
        let verdict = world.verdict(&mut owner, &fast);
        assert!(matches!(verdict, Verdict::Review { .. }), "{verdict:?}");
        let held = owner.point();
        let held = EntryRef {
            device: owner.device,
            epoch: held.epoch,
            seq: held.seq,
        };
        world.core.revoke_device(retired.device, world.now).unwrap();
        for (number, vehicle) in [(0x31, 9), (0x32, 3), (0x33, 3)] {
            let request = EnrolRequest {
                key: SigningKey::from_seed(&[number; 32]).public(),
                vehicle: VehicleId::from_bytes([vehicle; 16]),
                vin_last4: "4711".to_owned(),
                driver: None,
            };
            let ids = AskIds {
                id: [number; 16],
                code: format!("WAKE00{number:02X}"),
            };
            world.core.ask(&request, ids, world.now).unwrap();
        }
        let ids = GrantedIds {
            device: DeviceId::from_bytes([0x33; 16]),
            binding: BindingId::from_bytes([0x33; 16]),
        };
        // Claimed by its own member before the backup.
        world
            .core
            .approve("WAKE0033", other, ids, world.now)
            .unwrap();
        world
            .core
            .back_up(&folder.path().join("backup.db"))
            .unwrap();
        world.pass(60);
        let acted = world.now;
        Self {
            folder,
            world,
            owner,
            thief,
            retired,
            held,
            acted,
        }
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().unwrap().to_owned()
    }

    /// Gives a command to the cloud, beside the program that serves it.
    #[track_caller]
    fn give(&mut self, words: &str) -> String {
        let words = self.filled(words);
        let args = ["dashpoint-cloud"].into_iter().chain(words.split(' '));
        let args = CloudArgs::try_parse_from(args).unwrap();
        let edge = Edge {
            now: self.world.now,
            ids: [[0x41; 16], [0x42; 16]],
            json: false,
        };
        let mut out = Vec::new();
        execute(args.command, &mut self.world.core, edge, &mut out)
            .unwrap_or_else(|refused| panic!("{words}: {refused}"));
        String::from_utf8(out).unwrap()
    }

    /// Writes the scene's names into a line.
    fn filled(&self, line: &str) -> String {
        let member = |number| MemberId::from_bytes([number; 16]).to_string();
        let entry = |car: &Car| format!("{}/1-1", car.device);
        let vehicle = |number| VehicleId::from_bytes([number; 16]).to_string();
        [
            ("OWNER_MEMBER", member(1)),
            ("STRANGER_MEMBER", member(4)),
            ("OTHER_MEMBER", member(5)),
            ("NEW_MEMBER", member(0x41)),
            ("NEW_DEVICE", DeviceId::from_bytes([0x41; 16]).to_string()),
            ("UNKNOWN", DeviceId::from_bytes([0x66; 16]).to_string()),
            ("THIEF_ENTRY", entry(&self.thief)),
            ("RETIRED_ENTRY", entry(&self.retired)),
            ("HELD", self.held.to_string()),
            ("OWNER", self.owner.device.to_string()),
            ("THIEF", self.thief.device.to_string()),
            ("RETIRED", self.retired.device.to_string()),
            ("VEHICLE3", vehicle(3)),
            ("VEHICLE5", vehicle(5)),
            (
                "TYPED",
                format!("dashpoint-cloud --data {}", self.path("cloud")),
            ),
            ("FOLDER", self.folder.path().to_str().unwrap().to_owned()),
        ]
        .into_iter()
        .fold(line.to_owned(), |line, (name, is)| line.replace(name, &is))
    }

    /// Puts the backup back and returns what is said.
    fn restore(&mut self) -> String {
        drop(std::mem::replace(&mut self.world, World::new()));
        let (data, backup) = (self.path("cloud"), self.path("backup.db"));
        let args = ["dashpoint-cloud", "--data", &data, "restore", &backup];
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let exit = main(args.map(Into::into), &mut out, &mut err);
        assert_eq!(exit, ExitCode::SUCCESS, "{}", String::from_utf8_lossy(&err));
        self.world = open(Path::new(&data), self.acted);
        String::from_utf8(out).unwrap()
    }
}

fn open(data: &Path, now: ServerTime) -> World {
    let key = std::fs::read(data.join("cloud-key.pk8")).unwrap();
    let key = SigningKey::from_pkcs8(&key).unwrap();
    let db = open_file(&data.join("cloud.db")).unwrap();
    World {
        core: CloudCore::start(db, key.clone(), ClockKind::System, now).unwrap(),
        now,
        cloud_key: key.public(),
    }
}

/// The word of a restore on a command that was given after the backup.
enum Said {
    /// It changed nothing that is for a person to do again.
    Nothing,
    /// Each line, of which each but the last words may be given again.
    Undone(&'static [&'static str]),
    /// The head unit stays shut out.
    KeptOut(&'static str),
    /// It is not a command on a cloud that has a database.
    NotBeside,
}

use Said::{KeptOut, NotBeside, Nothing, Undone};

/// Every command, with the lines that are given, in order; a line that begins with `#` is done by the scene.
const COMMANDS: [(&str, &[&str], Said); 38] = [
    ("serve", &["#accept-clock"], Nothing),
    ("init", &[], NotBeside),
    ("restore", &[], NotBeside),
    ("member list", &["member list"], Nothing),
    ("member show", &["member show OWNER_MEMBER"], Nothing),
    (
        "member add",
        &["member add --name Han"],
        Undone(&[
            "member NEW_MEMBER: TYPED member add --id NEW_MEMBER --name Han --zone Asia/Shanghai",
        ]),
    ),
    ("device list", &["device list"], Nothing),
    (
        "device approve",
        &["device approve WAKE-0031 --member OWNER_MEMBER"],
        Undone(&[
            "device NEW_DEVICE for member OWNER_MEMBER was enrolled: it comes back by itself",
        ]),
    ),
    (
        "device approve",
        &["device approve WAKE-0032 --member STRANGER_MEMBER --reason agreed"],
        Undone(&[
            "device NEW_DEVICE for member STRANGER_MEMBER was enrolled (agreed): it comes back by itself",
        ]),
    ),
    (
        "device approve",
        &["device approve WAKE-0032 --member STRANGER_MEMBER"],
        Undone(&[
            "request WAKE-0032 waits for those whom the vehicle earns for; its car may ask again with another code: TYPED device approve WAKE-0032 --member STRANGER_MEMBER",
        ]),
    ),
    (
        "device consent",
        &["device consent WAKE-0033 --member OWNER_MEMBER"],
        Undone(&[
            "device NEW_DEVICE for member OTHER_MEMBER was enrolled (agreed: member OWNER_MEMBER): it comes back",
        ]),
    ),
    (
        "device refuse",
        &["device refuse WAKE-0031"],
        Undone(&[
            "request WAKE-0031 was refused, and is to be again while it waits again: TYPED device refuse WAKE-0031",
        ]),
    ),
    (
        "device revoke",
        &["device revoke OWNER"],
        Undone(&["device OWNER was shut out: TYPED device revoke OWNER"]),
    ),
    (
        "device revoke",
        &["device revoke THIEF --fraud --reason stolen"],
        Undone(&[
            "device THIEF was shut out as a fraud: TYPED device revoke THIEF --fraud --reason stolen",
        ]),
    ),
    (
        "device revoke",
        &["device revoke RETIRED --fraud --reason stolen"],
        Undone(&[
            "device RETIRED was shut out as a fraud: TYPED device revoke RETIRED --fraud --reason stolen",
        ]),
    ),
    // What is held back for a fraud is refused with it.
    (
        "device revoke",
        &["device revoke OWNER --fraud --reason stolen"],
        Undone(&[
            "device OWNER was shut out as a fraud: TYPED device revoke OWNER --fraud --reason stolen",
        ]),
    ),
    (
        "device revoke",
        &["device revoke UNKNOWN"],
        KeptOut("UNKNOWN"),
    ),
    (
        "device revoke",
        &["device revoke UNKNOWN --fraud --reason stolen"],
        KeptOut("UNKNOWN"),
    ),
    (
        "device revoke",
        &[
            "device approve WAKE-0031 --member OWNER_MEMBER",
            "device revoke NEW_DEVICE",
        ],
        KeptOut("NEW_DEVICE"),
    ),
    ("review list", &["review list"], Nothing),
    (
        "review accept",
        &["review accept HELD --reason seen"],
        Undone(&["entry HELD was accepted: TYPED review accept HELD --reason seen"]),
    ),
    (
        "review refuse",
        &["review refuse HELD --reason seen"],
        Undone(&["entry HELD was refused: TYPED review refuse HELD --reason seen"]),
    ),
    ("meter list", &["meter list VEHICLE3"], Nothing),
    (
        "meter free",
        &["meter free VEHICLE3 --entry THIEF_ENTRY --reason sold"],
        Undone(&[
            "a stretch was freed: TYPED meter free VEHICLE3 --entry THIEF_ENTRY --reason sold",
        ]),
    ),
    (
        "meter free",
        &["meter free VEHICLE3 --device THIEF --keep-points --reason sold"],
        Undone(&[
            "a stretch was freed: TYPED meter free VEHICLE3 --entry THIEF_ENTRY --keep-points --reason sold",
        ]),
    ),
    // Of a head unit that was shut out before the backup.
    (
        "meter free",
        &["meter free VEHICLE5 --entry RETIRED_ENTRY --reason sold"],
        Undone(&[
            "a stretch was freed: TYPED meter free VEHICLE5 --entry RETIRED_ENTRY --reason sold",
        ]),
    ),
    // And of one that is shut out after it.
    (
        "meter free",
        &[
            "meter free VEHICLE3 --entry THIEF_ENTRY --reason sold",
            "#later",
            "device revoke THIEF",
        ],
        Undone(&[
            "a stretch was freed: TYPED meter free VEHICLE3 --entry THIEF_ENTRY --reason sold",
            "device THIEF was shut out: TYPED device revoke THIEF",
        ]),
    ),
    // An act on an entry that another act follows.
    (
        "review refuse",
        &[
            "review accept HELD --reason seen",
            "#later",
            "meter free VEHICLE3 --entry HELD --reason sold",
        ],
        Undone(&[
            "entry HELD was accepted: TYPED review accept HELD --reason seen",
            "a stretch was freed: TYPED meter free VEHICLE3 --entry HELD --reason sold",
        ]),
    ),
    ("policy show", &["policy show"], Nothing),
    ("policy fields", &[], NotBeside),
    ("policy check", &[], NotBeside),
    ("policy list", &["policy list"], Nothing),
    (
        "policy sign",
        &["#policy", "policy sign FOLDER/policy.toml"],
        Undone(&["policy 2, with its file for FILE: TYPED policy sign FILE"]),
    ),
    ("catalogue show", &["catalogue show"], Nothing),
    (
        "catalogue sign",
        &["#catalogue", "catalogue sign FOLDER/catalogue.toml"],
        Undone(&["catalogue 2, with its file for FILE: TYPED catalogue sign FILE"]),
    ),
    (
        "entries",
        &[
            "entries",
            "statement OWNER_MEMBER",
            "key",
            "backup FOLDER/other.db",
        ],
        Nothing,
    ),
    (
        "expiry reverse",
        &["expiry reverse --since 2036-01-01T00:00:00Z --reason clock"],
        Undone(&[
            "what had expired was given back: TYPED expiry reverse --since 2036-11-21T05:00:00Z --member OWNER_MEMBER \
             --reason clock",
        ]),
    ),
    ("maintain", &["maintain"], Nothing),
];

/// Commands that only look, and are given beside `entries`.
const LOOK: [&str; 3] = ["statement", "key", "backup"];

fn leaves(command: &clap::Command, path: &str, into: &mut BTreeSet<String>) {
    let path = format!("{path} {}", command.get_name());
    let mut below = command.get_subcommands().peekable();
    if below.peek().is_none() {
        into.insert(path.trim().to_owned());
    }
    for one in below {
        leaves(one, &path, into);
    }
}

#[test]
fn a_restore_knows_every_command() {
    let mut commands = BTreeSet::new();
    for command in CloudArgs::command().get_subcommands() {
        leaves(command, "", &mut commands);
    }
    let here = COMMANDS.iter().map(|(command, ..)| *command).chain(LOOK);
    let here: BTreeSet<String> = here.map(str::to_owned).collect();
    assert_eq!(
        here, commands,
        "a new command belongs into the table above, and what it writes into `store/undone.rs`"
    );
}

/// Every table, with what a restore does for it.
#[test]
fn a_restore_knows_every_table() {
    let listed = [
        "barred",
        "bindings",
        "catalogues",
        "claims",
        "consents",
        "decisions",
        "devices",
        "enrolments",
        "expiries_reversed",
        "frauds",
        "freed",
        "members",
        "policies",
    ];
    let kept = ["accepted_clocks", "cloud"];
    // What cars send again, what follows from it, and what counts for a time only.
    let from_cars = [
        "allocations",
        "entries",
        "forgone",
        "forks",
        "grants",
        "intake",
        "intervals",
        "lots",
        "proofs",
        "receipt_times",
        "reviews",
        "settlements",
        "uses",
    ];
    let db = dashpoint_cloud::open_in_memory().unwrap();
    let mut statement = db
        .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
        .unwrap();
    let tables = statement.query_map([], |row| row.get(0)).unwrap();
    let tables: BTreeSet<String> = tables.map(Result::unwrap).collect();
    let known = listed.into_iter().chain(kept).chain(from_cars);
    let known: BTreeSet<String> = known.map(str::to_owned).collect();
    assert_eq!(tables, known);
}

#[test]
fn each_act_after_a_backup_is_listed_or_stays() {
    let rows = COMMANDS
        .iter()
        .filter(|(.., said)| !matches!(said, NotBeside));
    // Each is tried, whatever becomes of the others.
    let failed = rows.filter(|row| std::panic::catch_unwind(|| check(row)).is_err());
    let failed: Vec<_> = failed.map(|(command, lines, _)| (command, lines)).collect();
    assert!(failed.is_empty(), "{failed:?}");
}

fn check((command, lines, said): &(&str, &[&str], Said)) {
    let mut scene = Scene::new();
    for line in *lines {
        match *line {
            "#later" => scene.world.pass(60),
            "#accept-clock" => scene.world.leap_to(scene.acted.plus_s(-2 * DAY)),
            "#policy" | "#catalogue" => {
                let name = line.trim_start_matches('#');
                let text = scene.give(&format!("{name} show"));
                let text = text.replace("\nversion = 1\n", "\nversion = 2\n");
                let text = if text.starts_with("version = 1\n") {
                    text.replacen("version = 1\n", "version = 2\n", 1)
                } else {
                    text
                };
                std::fs::write(scene.path(&format!("{name}.toml")), text).unwrap();
            }
            line => drop(scene.give(line)),
        }
    }
    let text = scene.restore();
    let is_out = |line: &&str| line.contains("stays shut out");
    let undone: Vec<&str> = text
        .lines()
        .filter_map(|line| line.strip_prefix("  "))
        .collect();
    let out: Vec<&str> = text.lines().filter(is_out).collect();
    let none = text.contains("nothing that people did after the backup is undone");
    let about = format!("{command} {lines:?}: {text}");
    match said {
        Nothing | NotBeside => assert!(none && out.is_empty(), "{about}"),
        KeptOut(device) => {
            assert!(none && out.len() == 1, "{about}");
            assert!(out[0].contains(&scene.filled(device)), "{about}");
        }
        Undone(expected) => {
            assert!(out.is_empty() && undone.len() == expected.len(), "{about}");
            for (line, expected) in undone.iter().zip(*expected) {
                assert!(
                    line.starts_with(&scene.filled(expected)),
                    "{expected:?}: {about}"
                );
                again(&mut scene, line);
            }
        }
    }
}

/// Gives the command that a line names, where it names one: it does what was undone.
#[track_caller]
fn again(scene: &mut Scene, line: &str) {
    let (_, command) = line.rsplit_once(": ").unwrap();
    if command.starts_with("it ") || command.ends_with(" FILE") {
        return;
    }
    scene.give(command.strip_prefix("dashpoint-cloud ").unwrap());
}

#[test]
fn who_was_shut_out_stays_out_of_each_restored_database() {
    let mut scene = Scene::new();
    let member = MemberId::from_bytes([1; 16]);
    let late = scene.world.car(0x51, 0x52, member);
    scene
        .world
        .core
        .revoke_device(late.device, scene.world.now)
        .unwrap();
    for _ in 0..3 {
        let said = scene.restore();
        assert!(
            said.contains(&format!("device {} stays shut out", late.device)),
            "{said}"
        );
        let shown = scene
            .world
            .core
            .proven_key(late.device, &late.proof, scene.world.now);
        assert!(matches!(shown, Err(CloudError::NoDevice(_))), "{shown:?}");
    }
}

#[test]
fn a_clock_that_was_taken_for_right_stays_so() {
    let mut scene = Scene::new();
    let right = scene.acted.plus_s(-40 * DAY);
    scene.world.leap_to(right);
    scene.restore();
    scene.world.core.maintain(right).unwrap();
}
