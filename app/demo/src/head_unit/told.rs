//! What the head unit tells of itself, as far as the demo looks.

use std::collections::BTreeMap;

use dashpoint_membership::{Transaction, Verdict};
use serde::Deserialize;

use crate::story::Link;

/// What `status --json` tells, as far as the demo looks.
#[derive(Debug, Deserialize)]
pub struct Status {
    /// What the running program tells about itself; none when it does not run.
    pub live: Option<Live>,
    /// The members of this car.
    pub members: Vec<Member>,
}

/// What the running program tells about itself.
#[derive(Debug, Deserialize)]
pub struct Live {
    /// How the connection to the cloud stands.
    pub connection: Connection,
    /// Entries without a receipt.
    pub waiting: u64,
    /// Whether the in-vehicle broker is connected.
    pub bus: bool,
    /// Samples taken since it started.
    pub taken: u64,
    /// How many of them the broker had kept from before.
    pub kept: u64,
    /// Samples refused since it started, by kind.
    pub refused: BTreeMap<String, u64>,
    /// Trips and sessions of guests since it started.
    pub guest: u64,
}

/// How the connection to the cloud stands.
#[derive(Debug, Deserialize)]
pub struct Connection {
    /// In a word.
    pub state: Link,
}

/// A member as the car shows him.
#[derive(Debug, Deserialize)]
pub struct Member {
    /// Points that the cloud has confirmed.
    pub confirmed: i64,
    /// Points that it has not.
    pub pending: i64,
    /// The tier.
    pub tier: String,
}

/// What `ledger --json` tells, as far as the demo looks.
#[derive(Debug, Deserialize)]
pub struct Ledger {
    /// The entries, oldest first.
    pub entries: Vec<Row>,
    /// What was verified, when it was asked for.
    pub verification: Option<Verification>,
}

/// An entry of the ledger.
#[derive(Debug, Clone, Deserialize)]
pub struct Row {
    /// Life of the chain.
    pub epoch: u32,
    /// Place in it.
    pub seq: u64,
    /// SHA-256 of its bytes.
    pub hash: String,
    /// Points that the car expects.
    pub predicted: i64,
    /// Points that the cloud paid; none while it has not spoken.
    pub paid: Option<i64>,
    /// What the cloud said.
    pub verdict: Option<Verdict>,
    /// What it says; none when it does not verify.
    pub transaction: Option<Transaction>,
}

/// What was verified.
#[derive(Debug, Default, Deserialize)]
pub struct Verification {
    /// One thing after another.
    pub checks: Vec<Check>,
}

/// One thing that must hold.
#[derive(Debug, Deserialize)]
pub struct Check {
    /// What.
    pub what: String,
    /// How many were looked at.
    pub looked_at: u64,
    /// Where it does not hold.
    pub faults: Vec<String>,
}
