//! Enrolment from the command line: through an outage, and where the word of another is needed.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::support::{Car, MemberCloud, PATIENCE, free_port, until};

/// Waits until the head unit has told this to programs; every line that it told is one value.
fn hears(log: &Path, what: &Value) -> Value {
    until(&format!("the head unit tells {what}"), PATIENCE, || {
        let said = fs::read_to_string(log).unwrap();
        let lines = said.lines().filter(|line| !line.is_empty());
        let mut told = lines.map(|line| serde_json::from_str::<Value>(line).unwrap());
        let wanted = what.as_object().unwrap();
        told.find(|told| wanted.iter().all(|(key, value)| told[key] == *value))
    })
}

#[test]
fn enrolment_goes_on_through_an_outage_and_names_whose_word_it_waits_for() {
    let folder = tempfile::tempdir().unwrap();
    let port = free_port();
    let mut cloud = MemberCloud::start(&folder.path().join("cloud"), port);
    let (owner, other) = (cloud.add_member(), cloud.add_member());
    let car = |name: &str| Car::new(&folder.path().join(name), 1, port, cloud.key());
    let (first, second) = (car("first"), car("second"));

    let log = folder.path().join("first.jsonl");
    let mut asking = first.begin_enrolment(&log);
    let code = hears(&log, &json!({ "event": "code" }))["code"].clone();
    let code = code.as_str().unwrap();
    assert!(code.len() == 9 && code.as_bytes()[4] == b'-', "{code}");
    hears(&log, &json!({ "event": "waiting", "for": "member" }));
    cloud.kill();
    hears(&log, &json!({ "event": "waiting", "for": "cloud" }));
    assert!(asking.has_ended().is_none(), "the code is still good");
    cloud.serve();
    cloud.approve_who_waits(&owner);
    assert!(asking.ended().success());
    let enrolled = hears(&log, &json!({ "event": "enrolled" }));
    assert_eq!(enrolled["member"], owner);

    // Another head unit in the same vehicle, for another member.
    let log = folder.path().join("second.jsonl");
    let mut asking = second.begin_enrolment(&log);
    hears(&log, &json!({ "event": "waiting", "for": "member" }));
    cloud.approve_who_waits(&other);
    hears(&log, &json!({ "event": "waiting", "for": "consent" }));
    cloud.consent_to_who_waits();
    assert!(asking.ended().success());
    assert_eq!(
        hears(&log, &json!({ "event": "enrolled" }))["member"],
        other
    );
}
