//! How many bytes things take.

use std::fmt::Write;

use crate::samples;

/// A car keeps every entry for fifteen years and sends it over a poor network: a trip with two awards stays under
/// 320 bytes, 85 of them around the payload.
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
    assert!(trip.bytes.len() < 320, "{} bytes", trip.bytes.len());
    insta::assert_snapshot!(table, @"
      172 binding
      558 catalogue
     3443 catalogue-default
      171 certificate
      351 entry-carry
      268 entry-charge
      268 entry-charge-second
      196 entry-check-in
      230 entry-discharge
      193 entry-open-meter
      313 entry-trip
      319 entry-trip-assisted
      315 entry-trip-seconds
      134 grant-first
      176 grant-next
       42 message-divergence
     2778 message-enrol-approved
        1 message-enrol-consent
       78 message-enrol-request
       83 message-enrol-ticket
        1 message-enrol-waiting
     1215 message-enrolment-proof
      321 message-entries-page
      516 message-entries-request
     1302 message-entries-response
       42 message-epoch-request
      180 message-epoch-response
       21 message-refusal
      123 message-verdicts
      722 policy
     1538 policy-default
      724 policy-meters
      190 receipt
      979 statement
      172 token
    ");
}
