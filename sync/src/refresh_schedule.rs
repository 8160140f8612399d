//! Refreshes that are due from time to time, even when no entry waits.

use std::collections::BTreeMap;

use dashpoint_membership::MemberId;

/// Interval between requests for statements, policy and catalogue.
pub const REFRESH_MS: u64 = 15 * 60 * 1_000;
/// Interval between requests for a fresh receipt while no entry brings one: the offline allowance counts from the last
/// one, and a restored cloud learns from it how far it was.
pub const RECEIPT_MS: u64 = 6 * 60 * 60 * 1_000;
/// Pause after a request that the cloud refused.
pub const REFUSED_MS: u64 = 60 * 60 * 1_000;

/// Something to ask for; in the order in which they are asked when several are due.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum RefreshTask {
    /// A fresh receipt.
    Receipt,
    /// A member's statement.
    Statement(MemberId),
    /// The policy.
    Policy,
    /// The catalogue.
    Catalogue,
}

/// Times at which the refreshes are due, in monotonic milliseconds.
#[derive(Debug, Clone)]
pub struct RefreshSchedule(BTreeMap<RefreshTask, u64>);

impl RefreshSchedule {
    /// Everything is due at once.
    pub fn new(members: impl IntoIterator<Item = MemberId>) -> Self {
        let statements = members.into_iter().map(RefreshTask::Statement);
        let others = [
            RefreshTask::Receipt,
            RefreshTask::Policy,
            RefreshTask::Catalogue,
        ];
        Self(statements.chain(others).map(|task| (task, 0)).collect())
    }

    /// The first that is due.
    pub fn due(&self, monotonic_ms: u64) -> Option<RefreshTask> {
        let is_due = |(_, due_ms): &(&RefreshTask, &u64)| **due_ms <= monotonic_ms;
        self.0.iter().find(is_due).map(|(task, _)| *task)
    }

    /// Returns the time at which the next refresh is due.
    pub fn next_ms(&self) -> u64 {
        self.0.values().copied().min().unwrap_or(u64::MAX)
    }

    /// Not before `due_ms`, and then.
    pub fn put(&mut self, task: RefreshTask, due_ms: u64) {
        self.0.insert(task, due_ms);
    }

    /// All of them now.
    pub fn mark_all_due(&mut self) {
        self.0.values_mut().for_each(|due_ms| *due_ms = 0);
    }

    /// All statements now.
    pub fn mark_statements_due(&mut self) {
        for (task, due_ms) in &mut self.0 {
            if matches!(task, RefreshTask::Statement(_)) {
                *due_ms = 0;
            }
        }
    }
}
