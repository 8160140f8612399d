//! G1: the embedded font has a glyph for everything that can be shown.

use std::collections::BTreeSet;
use std::path::PathBuf;

use dashpoint_membership::{DEFAULT_CATALOGUE_TOML, DEFAULT_POLICY_TOML};
use dashpoint_ui::gallery::all;
use skrifa::{FontRef, MetadataProvider};

use crate::Report;
use crate::texts;

pub fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Characters of a text that one of the two weights lacks.
pub fn missing(text: &str) -> Vec<String> {
    let wanted: BTreeSet<char> = text.chars().filter(|char| !char.is_control()).collect();
    let mut lacking = Vec::new();
    for weight in ["Regular", "Medium"] {
        let bytes =
            std::fs::read(folder().join(format!("font/DashpointSans-{weight}.ttf"))).unwrap();
        let font = FontRef::new(&bytes).unwrap();
        let map = font.charmap();
        lacking.extend(
            wanted
                .iter()
                .filter(|char| map.map(**char).is_none())
                .map(|char| format!("{weight} lacks {char} (U+{:04X})", u32::from(*char))),
        );
    }
    lacking
}

/// Both catalogues, the 8,105 characters of names, what a cloud serves, and everything that the samples say.
pub fn g1(report: &mut Report) {
    let table = std::fs::read_to_string(folder().join("font/characters.txt")).unwrap();
    let count = table.chars().filter(|char| !char.is_whitespace()).count();
    if count != 8_105 {
        report.hold(
            "G1",
            "table",
            vec![format!("{count} characters instead of 8,105")],
        );
    }
    report.hold("G1", "table", missing(&table));
    report.hold("G1", "english", missing(&texts::english().join("")));
    report.hold("G1", "chinese", missing(&texts::chinese().join("")));
    report.hold("G1", "policy", missing(DEFAULT_POLICY_TOML));
    report.hold("G1", "benefits", missing(DEFAULT_CATALOGUE_TOML));
    // The states have the numbers and dates that are made in Rust.
    let samples: String = all()
        .iter()
        .map(|case| format!("{:?}", case.state()))
        .collect();
    report.hold("G1", "samples", missing(&samples));
}
