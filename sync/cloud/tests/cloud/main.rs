//! The cloud on real SQLite: its core without a network, then over loopback, then from the command line.

#![expect(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "a test that cannot go on fails; helpers outside of test functions are tests too"
)]

mod allowance;
mod atoms;
mod chain;
mod chains;
mod cli;
mod clock;
mod doubts;
mod enrolment;
mod enrolment_bounds;
mod floods;
mod folders;
mod http;
mod lives;
mod loopback;
mod migrations;
mod new_devices;
mod policy;
mod proof;
mod refused_commands;
<<<<<<< HEAD
mod restored_list;
=======
mod restored_acts;
>>>>>>> a1e85c1 (restore: each act that is undone is listed, and who was shut out stays out)
mod reversals;
mod sharing;
mod storage;
mod support;
mod upkeep;
mod verdicts;
mod waits;
