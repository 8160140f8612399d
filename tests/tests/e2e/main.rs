//! The real programs together: the head unit and the member cloud as processes of their own, a broker between head unit
//! and vehicle, and a network in between that does what the test says.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on fails; helpers outside of test functions are tests too"
)]

mod clocks;
mod clones;
mod comebacks;
mod cuts;
mod damage;
mod disks;
mod drivers;
mod enrolling;
mod keys;
mod kills;
mod lives;
mod look;
mod meters;
mod outages;
mod points;
mod policies;
mod random_kills;
mod refusals;
mod schemas;
mod screen;
mod stalls;
mod strangers;
#[expect(
    dead_code,
    reason = "shared with the tests of the vehicle's input; each uses another part"
)]
mod support;
mod whole_way;
