//! The cloud's verdict on an entry.

use serde::{Deserialize, Serialize};

use crate::ids::{CapId, PolicyVersion, RuleId};
use crate::points::{Growth, Points};
use crate::time::ServerTime;

/// The cloud's final word on one entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Paid as the car predicted.
    Accepted {
        /// Amount that was paid.
        paid: Paid,
    },
    /// Paid, but not as predicted.
    Adjusted {
        /// Amount that was paid.
        paid: Paid,
        /// Reasons of the difference, in the order of the rules.
        reasons: Vec<Adjustment>,
    },
    /// Authentic, but not admissible: nothing is paid.
    Rejected {
        /// The reason.
        reason: Rejection,
    },
    /// Held back: shown as pending until it is settled.
    Review {
        /// Amount that is held back.
        paid: Paid,
        /// The reason.
        reason: ReviewReason,
        /// Time at which it is paid unless somebody objects; for evidence in doubt, at which an operator is to have decided.
        until: ServerTime,
    },
}

/// An amount of both accounts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Paid {
    /// Spendable points.
    pub points: Points,
    /// Growth value.
    pub growth: Growth,
}

/// A reason that an award was paid differently from the car's prediction.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Adjustment {
    /// The cap had less room, or more, than the car knew.
    Cap {
        /// The cap that bound.
        cap: CapId,
    },
    /// Valued under another version of the policy.
    Policy {
        /// The version that valued it.
        version: PolicyVersion,
    },
    /// The rule gives another amount for this evidence than the entry says.
    Rule {
        /// The rule.
        rule: RuleId,
    },
    /// A thousandth carried from another device tipped a whole point.
    Remainder {
        /// Of which rule.
        rule: RuleId,
    },
}

/// A reason that nothing is paid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rejection {
    /// The device has no such binding to a member.
    NoBinding,
    /// The binding was not valid then.
    BindingNotValid,
    /// A unit of the meter interval has been paid before.
    AlreadyPaid,
    /// The same transaction has been recorded under its original entry.
    AlreadyRecorded,
    /// The evidence contradicts itself, or what a car can do.
    Implausible,
    /// The cloud never had that version of the policy.
    UnknownPolicy,
}

/// A reason that an amount is held back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReviewReason {
    /// Minted beyond the hard limit of the offline allowance.
    OverAllowance,
    /// Rests on an estimate.
    Estimated,
    /// The device's chain forked.
    Forked,
    /// The evidence claims more than odometer, time, speed or energy allow: an operator decides, and time alone pays nothing.
    Evidence,
}

impl ReviewReason {
    /// Tells that an operator has to decide: what waits for this is never paid by time alone.
    #[must_use]
    pub const fn needs_decision(self) -> bool {
        match self {
            Self::Evidence => true,
            Self::OverAllowance | Self::Estimated | Self::Forked => false,
        }
    }
}

impl Paid {
    /// Nothing of both.
    pub const NOTHING: Self = Self {
        points: Points::ZERO,
        growth: Growth::ZERO,
    };

    /// Adds amounts up.
    #[must_use]
    pub fn sum(amounts: impl Iterator<Item = Self> + Clone) -> Self {
        Self {
            points: amounts.clone().map(|paid| paid.points).sum(),
            growth: amounts.map(|paid| paid.growth).sum(),
        }
    }

    /// Returns whether both amounts are nothing.
    #[must_use]
    pub const fn is_nothing(&self) -> bool {
        self.points.is_zero() && self.growth.is_zero()
    }
}

impl Verdict {
    /// Returns the amount that is paid, or held back.
    #[must_use]
    pub const fn paid(&self) -> Paid {
        match self {
            Self::Accepted { paid } | Self::Adjusted { paid, .. } | Self::Review { paid, .. } => {
                *paid
            }
            Self::Rejected { .. } => Paid::NOTHING,
        }
    }
}
