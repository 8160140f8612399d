//! How many bytes things take.

use std::fmt::Write;

use crate::samples;

/// A signed entry stays well under 300 bytes: it is what a car keeps for fifteen years and sends over a poor network.
#[test]
fn what_things_weigh() {
    let mut table = String::new();
    for sample in samples::all() {
        writeln!(table, "{:>5} {}", sample.bytes.len(), sample.name).unwrap();
    }
    let trip = samples::all()
        .into_iter()
        .find(|sample| sample.name == "entry-trip")
        .unwrap();
    assert!(trip.bytes.len() < 350, "{} bytes", trip.bytes.len());
    insta::assert_snapshot!(table, @"");
}
