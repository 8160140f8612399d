//! Versions of the signed documents that the car holds: the few numbers that decide which of two is newer.

use std::collections::BTreeMap;

use dashpoint_membership::{
    CatalogueVersion, LedgerVersion, MemberId, PolicyVersion, ServerEpoch, ServerTime, Statement,
};

/// Orders the statements of one member; the greater one is the newer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct StatementMark {
    /// The life of the cloud's database.
    pub server_epoch: ServerEpoch,
    /// The account's version.
    pub version: LedgerVersion,
    /// Time at which it was issued.
    pub issued: ServerTime,
}

impl StatementMark {
    /// The mark of a statement.
    #[must_use]
    pub const fn of(statement: &Statement) -> Self {
        Self {
            server_epoch: statement.server_epoch,
            version: statement.account.version,
            issued: statement.issued,
        }
    }
}

/// The documents that the car holds.
#[derive(Debug, Clone)]
pub struct KnownVersions {
    pub members: BTreeMap<MemberId, Option<StatementMark>>,
    pub policy: Option<PolicyVersion>,
    /// The newest that a receipt named.
    pub policy_heard_of: Option<PolicyVersion>,
    pub catalogue: Option<CatalogueVersion>,
    /// The highest that the cloud signed so far: its older word is not taken.
    pub server_epoch: ServerEpoch,
}

impl KnownVersions {
    /// Returns whether the statement is of a member known here, newer than the one held, and of no earlier server epoch
    /// than the last one seen.
    pub fn wants(&self, statement: &Statement) -> bool {
        let newer = |held: &Option<StatementMark>| {
            held.is_none_or(|held| StatementMark::of(statement) > held)
        };
        statement.server_epoch >= self.server_epoch
            && self.members.get(&statement.member).is_some_and(newer)
    }

    /// The version after which a statement is asked for; `None` asks for the whole of it.
    ///
    /// Versions of two lives of the cloud's database do not compare.
    pub fn statement_since(&self, member: MemberId) -> Option<LedgerVersion> {
        let mark = self.members.get(&member).copied().flatten()?;
        (mark.server_epoch == self.server_epoch).then_some(mark.version)
    }

    /// The statement of that mark is stored.
    pub fn take_mark(&mut self, member: MemberId, mark: StatementMark) {
        self.raise_server_epoch(mark.server_epoch);
        self.members.insert(member, Some(mark));
    }

    /// A receipt names the newest policy; tells whether that is news.
    pub fn hears_of_policy(&mut self, version: PolicyVersion) -> bool {
        let is_news = self.policy < Some(version) && self.policy_heard_of < Some(version);
        if is_news {
            self.policy_heard_of = Some(version);
        }
        is_news
    }

    /// A higher server epoch was signed.
    pub fn raise_server_epoch(&mut self, seen: ServerEpoch) {
        self.server_epoch = self.server_epoch.max(seen);
    }
}
