//! A new kind of entry touches the files that ARCHITECTURE.md lists, and no more than ten: those that name the check-in, the
//! plainest kind, where kinds are told apart.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on fails; helpers outside of test functions are tests too"
)]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// The most production files that a new kind of entry may touch.
const FILES_MAX: usize = 10;

/// The arms of the check-in, and its lines in tables: an entry that makes one names `MemberAction` only.
const ARMS: [&str; 8] = [
    "EntryKind::CheckIn",
    "Trigger::CheckIn",
    "Transaction::Member",
    "RowSubject::CheckIn",
    "RowKind::CheckIn",
    "RowKind.check-in",
    "enum RowKind {",
    "Transaction {\n        1 => Earn",
];

/// Finds the files below a folder that name an arm, outside of tests, benches and the gallery.
fn find(top: &Path, folder: &Path, found: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if path.is_dir() {
            let left_out = ["target", "tests", "benches", "gallery"].contains(&name);
            if !left_out && !name.starts_with('.') {
                find(top, &path, found);
            }
            continue;
        }
        if !(name.ends_with(".rs") || name.ends_with(".slint")) || name == "tests.rs" {
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        let (production, _) = text
            .split_once("#[cfg(test)]\nmod tests")
            .unwrap_or((&text, ""));
        if ARMS.iter().any(|arm| production.contains(arm)) {
            let below = path.strip_prefix(top).unwrap();
            found.insert(below.to_str().unwrap().to_owned());
        }
    }
}

#[test]
fn a_new_kind_of_entry_touches_the_files_that_architecture_lists() {
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut found = BTreeSet::new();
    find(top, top, &mut found);
    let architecture = fs::read_to_string(top.join("ARCHITECTURE.md")).unwrap();
    let (_, section) = architecture.split_once("## A new kind of entry\n").unwrap();
    let section = section.split("\n## ").next().unwrap();
    let listed: BTreeSet<String> = section
        .lines()
        .filter_map(|line| line.strip_prefix("- `")?.split('`').next())
        .map(str::to_owned)
        .collect();
    assert_eq!(found, listed, "files that name kinds of entries");
    assert!(found.len() <= FILES_MAX, "{found:#?}");
}
