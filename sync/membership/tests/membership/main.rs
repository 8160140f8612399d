//! The rules of membership, seen from outside.
#![allow(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "helpers of tests are tests, too"
)]

mod awards;
mod caps;
mod conditions;
mod files;
mod lots;
mod openings;
mod payable;
mod policies;
mod profile;
mod random;
mod shipped;
mod signable;
mod slow_cars;
mod support;
mod tiers;
mod verdicts;
mod view;
