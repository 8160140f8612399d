//! One member's account: lots, growth value, tier, caps used.

mod check;
mod error;
mod holding;
mod lots;
mod tiering;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::ids::{BenefitId, CapId, EntryRef, LedgerVersion, RuleId, TierId};
use crate::points::{Growth, Milli, Points};
use crate::time::{LocalDay, ServerTime};
use crate::verdict::{Paid, ReviewReason, Verdict};

pub use error::{AccountError, Flaw};
pub use lots::LOTS_MAX;

/// Everything about a member that the rules need to know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// Raised with each change.
    pub version: LedgerVersion,
    /// Lots of spendable points, in the order they were earned; a lot with nothing left is dropped.
    pub lots: Vec<Lot>,
    /// Points owed after a clawback; later awards pay them first. Nonzero only while nothing can be spent.
    pub arrears: Points,
    /// Growth value since the last tier review.
    pub growth: Growth,
    /// Growth value since the present tier was reached or kept.
    pub growth_in_period: Growth,
    /// The tier.
    pub tier: TierHeld,
    /// Thousandths paid against each cap, by the first local day of the period: an entry that arrives late still counts
    /// for its own day.
    pub used: BTreeMap<CapId, BTreeMap<LocalDay, Milli>>,
    /// Thousandths carried to the next award of each rule.
    pub remainders: BTreeMap<RuleId, Remainder>,
    /// Held back by the cloud, oldest first.
    pub pending: Vec<Pending>,
}

/// Points that expire together: one lot for each expiry, beside those that something was taken from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lot {
    /// The settlement that made it.
    pub id: LotId,
    /// Points that were ever paid into it.
    pub points: Points,
    /// Points left: 1..=points.
    pub remaining: Points,
    /// First instant at which they can no longer be spent.
    pub expires: ServerTime,
}

/// A lot is named after the ledger version that made it.
pub type LotId = LedgerVersion;

/// A tier as one member holds it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TierHeld {
    /// The tier.
    pub tier: TierId,
    /// Since when, or since its last review.
    pub since: ServerTime,
    /// Time of its review; `None` for the lowest.
    pub until: Option<ServerTime>,
}

/// Thousandths of a rule that did not make a whole yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remainder {
    /// Of points: 0..=999.
    pub points: Milli,
    /// Of growth value: 0..=999.
    pub growth: Milli,
}

/// Points that the cloud holds back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pending {
    /// For which entry.
    pub entry: EntryRef,
    /// Amount that is held back.
    pub paid: Paid,
    /// The reason.
    pub reason: ReviewReason,
    /// Time at which they are paid unless somebody objects; for evidence in doubt, at which an operator is to have decided.
    pub until: ServerTime,
    /// Expiry of the lot that they will make.
    pub expires: ServerTime,
}

/// One row of the ledger as the member sees it: what changed the account, and how.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settlement {
    /// The state of the account that it made.
    pub version: LedgerVersion,
    /// Time of the change.
    pub at: ServerTime,
    /// Cause of the change.
    pub cause: Cause,
    /// Change of the balance.
    pub points: Points,
    /// Change of the growth value.
    pub growth: Growth,
    /// Change of the arrears.
    pub arrears: Points,
    /// From which lots points were taken, or to which they were given back, or into which they were paid; sums to `points`
    /// without its sign unless the points make a lot of their own.
    pub allocations: Vec<Allocation>,
    /// The higher tier that it lifted the member to, if it did.
    pub promoted: Option<TierId>,
}

/// Part of a change and the lot that it came from or went into.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Allocation {
    /// The lot.
    pub lot: LotId,
    /// Points taken from the lot, counted positive.
    pub points: Points,
    /// Points ever paid into the lot; with `expires`, what a reversal needs to make a used-up lot again.
    pub size: Points,
    /// Expiry of the lot.
    pub expires: ServerTime,
}

/// The cause of a change of an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cause {
    /// The verdict on an entry.
    Entry {
        /// The entry.
        entry: EntryRef,
        /// The verdict.
        verdict: Verdict,
    },
    /// An amount that was held back is paid.
    Released {
        /// For which entry.
        entry: EntryRef,
    },
    /// Points were spent.
    Spent {
        /// On which benefit.
        benefit: BenefitId,
    },
    /// A debit was taken back, lot by lot.
    Reversed {
        /// The settlement.
        of: LedgerVersion,
    },
    /// A lot expired.
    Expired {
        /// The lot.
        lot: LotId,
    },
    /// An award turned out wrong and was taken back.
    ClawedBack {
        /// For which entry.
        entry: EntryRef,
    },
    /// An operator gave points, with a reason on record.
    Granted {
        /// The reason that the member reads.
        reason: String,
    },
    /// The tier changed or was kept at its review.
    TierChanged {
        /// The tier before.
        from: TierId,
        /// The tier now.
        to: TierId,
    },
}

impl Cause {
    /// Returns the entry of which it changed what was paid, after the verdict.
    #[must_use]
    pub const fn changed_entry(&self) -> Option<EntryRef> {
        match self {
            Self::Released { entry } | Self::ClawedBack { entry } => Some(*entry),
            Self::Entry { .. }
            | Self::Spent { .. }
            | Self::Reversed { .. }
            | Self::Expired { .. }
            | Self::Granted { .. }
            | Self::TierChanged { .. } => None,
        }
    }
}
