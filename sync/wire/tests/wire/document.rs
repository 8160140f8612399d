//! `PROTOCOL.md` names every context, key, number and limit that the code has, and no key or number more.

use std::collections::BTreeMap;
use std::path::Path;

use dashpoint_membership::{Catalogue, Entry, Policy, Statement};
use dashpoint_wire::codec::{MAX_ITEMS, MAX_TEXT, Schema, Shape};
use dashpoint_wire::message::{
    Divergence, EnrolRequest, EnrolState, EnrolTicket, EnrolmentProof, EntriesPage, EntriesRequest,
    EntriesResponse, EpochRequest, EpochResponse, Refusal, RefusalCode,
};
use dashpoint_wire::{
    Binding, Cbor, DeviceCertificate, EpochGrant, MAX_BINDINGS, MAX_BODY, MAX_DECODED, MAX_ENTRIES,
    MAX_POLICIES, Receipt, RequestToken, TOKEN_WINDOW_S,
};

use crate::{samples, vectors};

fn protocol() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../PROTOCOL.md");
    std::fs::read_to_string(path).unwrap()
}

/// Everything that is signed or sent.
fn schema() -> Schema {
    let mut schema = Schema::default();
    let roots = [
        Entry::describe,
        Receipt::describe,
        EpochGrant::describe,
        Binding::describe,
        DeviceCertificate::describe,
        Statement::describe,
        Policy::describe,
        Catalogue::describe,
        RequestToken::describe,
        EntriesRequest::describe,
        EntriesResponse::describe,
        Divergence::describe,
        EntriesPage::describe,
        EpochRequest::describe,
        EpochResponse::describe,
        EnrolmentProof::describe,
        EnrolRequest::describe,
        EnrolTicket::describe,
        EnrolState::describe,
        Refusal::describe,
    ];
    for describe in roots {
        describe(&mut schema);
    }
    schema
}

/// What the document has to say of each type: a table under its heading, or a line of the table of newtypes.
fn expected() -> BTreeMap<String, Vec<String>> {
    let mut sections = BTreeMap::<String, Vec<String>>::new();
    for (name, shape) in schema().shapes() {
        match shape {
            Shape::Newtype(inner) => sections
                .entry("newtypes".to_owned())
                .or_default()
                .push(format!("| `{name}` | {inner} |")),
            Shape::Table(rows) => {
                let rows = rows
                    .iter()
                    .map(|row| format!("| {} | `{}` | {} |", row.number, row.name, row.holds));
                sections.insert(format!("`{name}`"), rows.collect());
            }
        }
    }
    sections
}

/// The tables under headings of the fourth level, without their last column, which says what things mean.
fn documented(text: &str) -> BTreeMap<String, Vec<String>> {
    let mut sections = BTreeMap::<String, Vec<String>>::new();
    let mut heading = None;
    for line in text.lines() {
        if line.starts_with('#') {
            heading = line.strip_prefix("#### ").map(str::to_owned);
        }
        let Some(heading) = &heading else { continue };
        let cells: Vec<_> = line.split('|').map(str::trim).collect();
        let is_row = line.starts_with("| ") && !line.starts_with("| ---") && cells.len() > 3;
        let rows = sections.entry(heading.clone()).or_default();
        if is_row && cells[1] != "key" && cells[1] != "number" && cells[1] != "type" {
            let meaning = cells[cells.len() - 2];
            assert!(!meaning.is_empty(), "{heading}: {line} says nothing");
            rows.push(format!("| {} |", cells[1..cells.len() - 2].join(" | ")));
        }
    }
    sections
}

#[test]
fn every_key_and_number_is_in_the_document() {
    let documented = documented(&protocol());
    for (heading, rows) in expected() {
        let expected = rows.join("\n");
        let found = documented.get(&heading).map(|rows| rows.join("\n"));
        assert_eq!(
            found.as_ref(),
            Some(&expected),
            "#### {heading} of PROTOCOL.md has to say\n{expected}"
        );
    }
    let unknown: Vec<_> = documented
        .keys()
        .filter(|heading| !expected().contains_key(*heading))
        .collect();
    assert_eq!(unknown, Vec::<&String>::new(), "the code has no such types");
}

#[test]
fn every_signed_thing_is_in_the_document() {
    let text = protocol();
    for (sample, seal) in samples::all_sealed() {
        let context = format!("| `{}` |", seal.context);
        let row = text.lines().find(|line| line.starts_with(&context));
        let row = row.unwrap_or_else(|| panic!("{context} is not in PROTOCOL.md"));
        let signer = seal.signer.name();
        for said in [
            format!("| {signer} |"),
            format!("| {} |", seal.max_len),
            format!("`{}`", sample.name),
        ] {
            assert!(row.contains(&said), "{said} is not in {row}");
        }
    }
}

#[test]
fn every_message_is_in_the_document() {
    let text = protocol();
    for sample in samples::all() {
        let name = format!("`{}`", sample.name);
        assert!(text.contains(&name), "{name} is not in PROTOCOL.md");
    }
}

#[test]
fn the_example_in_the_document_is_the_vector() {
    let text = protocol();
    let example = text.split("```hex\n").nth(1).unwrap();
    let example = example.split("```").next().unwrap();
    let digits: String = example
        .lines()
        .filter_map(|line| line.split('#').next())
        .flat_map(str::split_whitespace)
        .collect();
    let vector = data_encoding::HEXLOWER.encode(&vectors::read("entry-check-in"));
    assert_eq!(digits, vector);
}

#[test]
fn the_limits_are_in_the_document() {
    let text = protocol();
    for (limit, said) in [
        (MAX_TEXT, "at most 4,096 bytes"),
        (MAX_ITEMS, "at most 65,536 items"),
        (MAX_DECODED, "at most 1,048,576 bytes"),
        (MAX_BODY, "at most 65,536 bytes in a request"),
        (MAX_ENTRIES, "At most 100 entries"),
        (MAX_BINDINGS, "At most 256 bindings"),
        (MAX_POLICIES, "at most 4 policies"),
        (
            usize::try_from(TOKEN_WINDOW_S).unwrap(),
            "within 120 seconds",
        ),
    ] {
        let digits: String = said.chars().filter(char::is_ascii_digit).collect();
        assert_eq!(digits, limit.to_string());
        assert!(text.contains(said), "{said:?} is not in PROTOCOL.md");
    }
    for code in [
        RefusalCode::Malformed,
        RefusalCode::Token,
        RefusalCode::Device,
        RefusalCode::NotBound,
        RefusalCode::NotFound,
        RefusalCode::TooLarge,
        RefusalCode::NotAuthentic,
        RefusalCode::SlowDown,
        RefusalCode::Unavailable,
    ] {
        let said = format!("| `{code:?}` | | {}. ", code.status());
        assert!(text.contains(&said), "{said:?} is not in PROTOCOL.md");
    }
}
