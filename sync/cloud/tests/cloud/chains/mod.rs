//! Whole chains with their accounts, and expressions of rules, in `sync/vectors/`: what another implementation of
//! `PROTOCOL.md` is held to.

mod clocks;
mod days;
mod doubts;
mod epochs;
mod evidence;
mod holds;
mod meters;
mod profile;
mod rules;
mod tape;
mod times;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

/// Set to 1, the test writes the chains instead of comparing them, and then fails: nothing is approved by accident.
const WRITE: &str = "DASHPOINT_WRITE_VECTORS";

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../vectors")
}

fn vectors() -> Vec<(String, Value)> {
    let chains = [
        ("days", days::story()),
        ("rules", rules::story()),
        ("clocks", clocks::story()),
        ("holds", holds::story()),
        ("times", times::story()),
        ("epochs", epochs::story()),
        ("evidence", evidence::story()),
        ("doubts", doubts::story()),
        ("meters", meters::story()),
    ];
    let chains = chains
        .into_iter()
        .map(|(name, tape)| (format!("chain-{name}.json"), tape.end()));
    chains
        .chain([("profile.json".to_owned(), profile::vector())])
        .collect()
}

#[test]
fn each_vector_is_what_the_cloud_makes() {
    let vectors = vectors();
    if std::env::var_os(WRITE).is_some() {
        fs::create_dir_all(folder()).unwrap();
        for (name, vector) in &vectors {
            fs::write(folder().join(name), lines(vector)).unwrap();
        }
        panic!("the vectors were written: look at the difference and run again without {WRITE}");
    }
    for (name, vector) in &vectors {
        let found = fs::read(folder().join(name)).unwrap_or_default();
        let found: Value = serde_json::from_slice(&found).unwrap_or_default();
        compare(name, &found, vector);
    }
    let present: BTreeSet<_> = fs::read_dir(folder())
        .unwrap()
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(present, vectors.into_iter().map(|(name, _)| name).collect());
}

/// Writes a vector with a line for each of its steps, so that a difference names the step.
fn lines(vector: &Value) -> String {
    let members = vector.as_object().unwrap().iter().map(|(name, value)| {
        let value = value.as_array().map_or_else(
            || value.to_string(),
            |items| {
                let items: Vec<_> = items.iter().map(Value::to_string).collect();
                format!("[\n{}\n]", items.join(",\n"))
            },
        );
        format!("\"{name}\": {value}")
    });
    format!("{{\n{}\n}}\n", members.collect::<Vec<_>>().join(",\n"))
}

/// Names the second implementation, which shares no line with this one: Python, written from the document.
fn checker() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/independent/check.py")
}

/// Looks for a Python with zone data; with `DASHPOINT_REQUIRE=all` a missing one fails the test.
fn has_python() -> bool {
    let ready = Command::new("python3")
        .args(["-c", "import zoneinfo; zoneinfo.ZoneInfo('Europe/Berlin')"])
        .output()
        .is_ok_and(|output| output.status.success());
    let required = std::env::var("DASHPOINT_REQUIRE").is_ok_and(|what| what == "all");
    assert!(ready || !required, "python3 with tzdata is missing");
    ready
}

fn check(chains: &Path) -> Output {
    let checker = Command::new("python3")
        .arg("-B")
        .arg(checker())
        .arg(chains)
        .output();
    checker.unwrap()
}

#[test]
fn an_independent_implementation_computes_every_chain_again() {
    if !has_python() {
        return;
    }
    let output = check(&folder());
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
}

/// A checker that takes whatever it is given would show nothing.
#[test]
fn the_independent_implementation_finds_each_changed_number() {
    if !has_python() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let chain: Value =
        serde_json::from_slice(&fs::read(folder().join("chain-epochs.json")).unwrap()).unwrap();
    let last = chain["steps"].as_array().unwrap().len() - 1;
    let member = "01010101010101010101010101010101";
    let places = [
        format!("/steps/{last}/verdict/accepted/paid/points"),
        format!("/steps/{last}/chain/cap_time"),
        format!("/steps/{last}/accounts/{member}/remainders/safe-trip/points"),
        format!("/steps/{last}/accounts/{member}/lots/0/expires"),
        format!("/steps/{}/account/growth", last - 1),
    ];
    for place in places {
        let mut changed = chain.clone();
        let number = changed
            .pointer_mut(&place)
            .unwrap_or_else(|| panic!("no {place}"));
        *number = Value::from(number.as_i64().unwrap() + 1);
        let file = dir.path().join("changed.json");
        fs::write(&file, changed.to_string()).unwrap();
        let output = check(&file);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(
            !output.status.success() && said.contains("computed"),
            "{place}: {said}"
        );
    }
}

/// Names the first step that differs: a whole chain is too long to be read.
fn compare(name: &str, found: &Value, expected: &Value) {
    let steps = |chain: &Value| chain["steps"].as_array().cloned().unwrap_or_default();
    for (place, (one, other)) in steps(found).iter().zip(steps(expected)).enumerate() {
        assert_eq!(*one, other, "{name}, step {place}; {WRITE}=1 writes it");
    }
    assert!(
        found == expected,
        "{name} is not what the cloud makes; {WRITE}=1 writes it"
    );
}
