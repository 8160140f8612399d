//! Each command that people can give, done after a backup: a restore of it lists what it undoes, with the command that does it
//! again, or keeps it; and it lists nothing else.

use std::collections::BTreeSet;

use clap::CommandFactory;
use dashpoint_cloud::CloudError;
use dashpoint_cloud::cli::CloudArgs;
use dashpoint_membership::*;

use crate::restored_scene::Scene;
use crate::support::*;

/// The word of a restore on a command that was given after the backup.
enum Said {
    /// It changed nothing that is for a person to do again.
    Nothing,
    /// Each line, of which each but the last words may be given again.
    Undone(&'static [&'static str]),
    /// The head unit stays shut out.
    KeptOut(&'static str),
    /// One line, and the head unit stays shut out.
    UndoneAndKeptOut(&'static str, &'static str),
    /// It is not a command on a cloud that has a database.
    NotBeside,
}

use Said::{KeptOut, NotBeside, Nothing, Undone, UndoneAndKeptOut};

/// Every command, with the lines that are given, in order; a line that begins with `#` is done by the scene.
const COMMANDS: [(&str, &[&str], Said); 45] = [
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
    ("device revoke", &["device revoke OWNER"], KeptOut("OWNER")),
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
    // A restore takes openings over with the words on them (`meters/restored.rs`); here no meter waits.
    ("meter accept", &["meter list"], Nothing),
    ("meter refuse", &["meter list"], Nothing),
    ("meter correct", &["meter list"], Nothing),
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
        UndoneAndKeptOut(
            "a stretch was freed: TYPED meter free VEHICLE3 --entry THIEF_ENTRY --reason sold",
            "THIEF",
        ),
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
    ("completions", &[], NotBeside),
    ("policy fields", &[], NotBeside),
    ("policy check", &[], NotBeside),
    ("policy list", &["policy list"], Nothing),
    (
        "policy sign",
        &["#policy", "policy sign FOLDER/policy.toml"],
        Nothing,
    ),
    ("policy revert", &["policy revert 1 --version 2"], Nothing),
    ("rule report", &["rule report"], Nothing),
    ("catalogue show", &["catalogue show"], Nothing),
    (
        "catalogue check",
        &["#catalogue", "catalogue check FOLDER/catalogue.toml"],
        Nothing,
    ),
    (
        "catalogue sign",
        &["#catalogue", "catalogue sign FOLDER/catalogue.toml"],
        Nothing,
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
        "claims",
        "consents",
        "decisions",
        "devices",
        "enrolments",
        "expiries_reversed",
        "frauds",
        "freed",
        "members",
    ];
    // And what was signed for all cars, with the head units that were replaced: their receipts, grants and entries too.
    let kept = [
        "accepted_clocks",
        "awaited",
        "catalogues",
        "cloud",
        "opening_words",
        "openings",
        "policies",
        "unconfirmed_clock",
    ];
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
    let none = text.contains("nothing of what the database before had from people is undone");
    let about = format!("{command} {lines:?}: {text}");
    match said {
        Nothing | NotBeside => assert!(none && out.is_empty(), "{about}"),
        KeptOut(device) => {
            assert!(none && out.len() == 1, "{about}");
            assert!(out[0].contains(&scene.filled(device)), "{about}");
        }
        Undone(expected) => {
            assert!(out.is_empty(), "{about}");
            all_again(&mut scene, &undone, expected, &about);
        }
        UndoneAndKeptOut(expected, device) => {
            assert!(out.len() == 1, "{about}");
            assert!(out[0].contains(&scene.filled(device)), "{about}");
            all_again(&mut scene, &undone, &[expected], &about);
        }
    }
}

/// Holds the lines that a restore lists to those that are expected, and gives their commands.
#[track_caller]
fn all_again(scene: &mut Scene, undone: &[&str], expected: &[&str], about: &str) {
    assert_eq!(undone.len(), expected.len(), "{about}");
    for (line, expected) in undone.iter().zip(expected) {
        let expected = scene.filled(expected);
        assert!(line.starts_with(&expected), "{expected:?}: {about}");
        again(scene, line);
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
