//! What comes from the vehicle, through a real mosquitto into the head unit as a process of its own: known drives, a
//! recording with positions, floods of nonsense, a bus that breaks, a charge that nobody saw.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on fails; helpers outside of test functions are tests too"
)]

mod asleep;
mod broken_bus;
mod by_hand;
mod certificates;
mod flood;
mod gateways;
mod hearing;
mod known;
mod listening;
mod page;
mod positions;
mod readme;
mod ready;
mod search;
#[expect(
    dead_code,
    unused_imports,
    reason = "shared with the tests of the whole; each uses another part"
)]
#[path = "../e2e/support/mod.rs"]
mod support;
mod too_large;
