//! The head unit's JSON outputs, as far as the demo needs them.

use std::collections::BTreeMap;

use dashpoint_membership::{Evidence, Transaction, Verdict};
use serde::Deserialize;

use crate::story::LinkState;

/// Output of `status --json`, as far as the demo needs it.
#[derive(Debug, Deserialize)]
pub struct HeadUnitStatus {
    /// State of the running program; `None` when it does not run.
    pub live: Option<HeadUnitLive>,
    /// The members of this car.
    pub members: Vec<HeadUnitMember>,
}

/// State of the running program.
#[derive(Debug, Deserialize)]
pub struct HeadUnitLive {
    /// State of the connection to the cloud.
    pub connection: HeadUnitConnection,
    /// Entries without a receipt.
    #[serde(rename = "entries_without_receipt")]
    pub waiting: u64,
    /// True while the in-vehicle broker is connected.
    pub bus: bool,
    /// Samples taken since it started.
    pub taken: u64,
    /// The number of them that the broker had retained.
    pub kept: u64,
    /// Samples refused since it started, by kind.
    pub refused: BTreeMap<String, u64>,
    /// Each signal that is used.
    pub signals: Vec<HeadUnitSignal>,
    /// Trips and sessions of guests since it started.
    pub guest: u64,
}

/// A signal of the car.
#[derive(Debug, Deserialize)]
pub struct HeadUnitSignal {
    /// Its VSS path.
    pub path: String,
    /// Samples of it refused since the start, by kind.
    pub refused: BTreeMap<String, u64>,
}

/// State of the connection to the cloud.
#[derive(Debug, Deserialize)]
pub struct HeadUnitConnection {
    /// In a word.
    pub state: LinkState,
}

/// A member as the car shows him.
#[derive(Debug, Deserialize)]
pub struct HeadUnitMember {
    /// Points that the cloud has confirmed.
    pub confirmed: i64,
    /// Points that it has not.
    pub pending: i64,
    /// The tier.
    pub tier: String,
}

/// Output of `sync --json`, as far as the demo needs it.
#[derive(Debug, Deserialize)]
pub struct SyncAttempt {
    /// `met` when car and cloud have met.
    pub result: String,
}

/// Output of `ledger --json`, as far as the demo needs it.
#[derive(Debug, Deserialize)]
pub struct HeadUnitLedger {
    /// The entries, oldest first.
    pub entries: Vec<HeadUnitEntry>,
    /// Result of the verification, when it was asked for.
    pub verification: Option<LedgerVerification>,
}

impl HeadUnitLedger {
    /// Returns whether a trip is in it.
    pub fn has_trip(&self) -> bool {
        let transactions = self
            .entries
            .iter()
            .filter_map(|row| row.transaction.as_ref());
        transactions
            .into_iter()
            .any(|transaction| matches!(transaction.evidence(), Some(Evidence::Trip(_))))
    }
}

/// An entry of the ledger.
#[derive(Debug, Clone, Deserialize)]
pub struct HeadUnitEntry {
    /// Life of the chain.
    pub epoch: u32,
    /// Place in it.
    pub seq: u64,
    /// SHA-256 of its bytes.
    pub hash: String,
    /// Points that the car expects.
    pub predicted: i64,
    /// Points that the account has of it; none while the cloud has not spoken.
    pub paid: Option<i64>,
    /// Its state, in English.
    pub state: String,
    /// Verdict of the cloud.
    pub verdict: Option<Verdict>,
    /// The transaction; `None` when the entry does not verify.
    pub transaction: Option<Transaction>,
}

impl HeadUnitEntry {
    /// Returns the evidence, if it has some.
    pub fn evidence(&self) -> Option<&Evidence> {
        self.transaction.as_ref()?.evidence()
    }

    /// Returns whether it verifies and measures nothing: a check-in.
    pub fn is_unmeasured(&self) -> bool {
        let transaction = self.transaction.as_ref();
        transaction.is_some_and(|transaction| transaction.evidence().is_none())
    }
}

/// Result of a verification.
#[derive(Debug, Default, Deserialize)]
pub struct LedgerVerification {
    /// One thing after another.
    pub checks: Vec<LedgerCheck>,
}

impl LedgerVerification {
    /// Returns whether everything holds.
    pub fn holds(&self) -> bool {
        !self.checks.is_empty() && self.checks.iter().all(|check| check.faults.is_empty())
    }
}

/// One thing that must hold.
#[derive(Debug, Deserialize)]
pub struct LedgerCheck {
    /// Name of the check.
    pub what: String,
    /// The number of items that were checked.
    pub looked_at: u64,
    /// The places where the check fails.
    pub faults: Vec<String>,
}
