//! The cloud on real SQLite: its core without a network, then over loopback, then from the command line.

#![expect(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "a test that cannot go on fails; helpers outside of test functions are tests too"
)]

mod allowance;
mod atoms;
mod awaited;
mod awaited_words;
mod backed;
mod chain;
mod chains;
mod cli;
mod cli_members;
mod cli_policy;
mod cli_rules;
mod clock;
mod clock_leaps;
mod cut_off;
mod doubts;
mod enrolment;
mod enrolment_bounds;
mod floods;
mod folders;
mod http;
mod left_points;
mod lives;
mod loopback;
mod meters;
mod migrations;
mod new_devices;
mod policy;
mod proof;
mod refused_commands;
mod replaced_decided;
mod replaced_units;
mod replaced_worth;
mod restored_acts;
mod restored_list;
mod restored_random;
mod restored_scene;
mod reversals;
mod second_thoughts;
mod sharing;
mod storage;
mod support;
mod upkeep;
mod verdicts;
mod waits;
