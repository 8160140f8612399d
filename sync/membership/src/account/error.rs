//! Refusals of an account, and violations of its invariants.

use crate::ids::{CapId, EntryRef, RuleId};
use crate::points::Points;

use super::LotId;

/// A reason that an account refuses a change, or is not one that the rules can make.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AccountError {
    /// Nothing, or less, was to be moved.
    #[error("{0} points cannot be moved; at least 1 can")]
    NotPositive(Points),
    /// More was to be spent than can be.
    #[error("{asked} points were asked for, {spendable} can be spent")]
    NotEnough {
        /// Points that the request asked for.
        asked: Points,
        /// Points that have not expired.
        spendable: Points,
    },
    /// Only what was spent can be taken back.
    #[error("only a spending can be reversed")]
    NotASpending,
    /// More would be given back to a lot than was taken from it.
    #[error("lot {0} has been given back already")]
    GivenBackAlready(LotId),
    /// The account contradicts itself.
    #[error("the account contradicts itself: {0}")]
    Flawed(Flaw),
}

impl AccountError {
    /// Returns whether the account itself is wrong, rather than the request.
    #[must_use]
    pub const fn is_flaw(&self) -> bool {
        matches!(self, Self::Flawed(_))
    }
}

/// A violation of an invariant of accounts.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Flaw {
    /// A lot is used up, or has more left than it had.
    #[error("lot {0} has not between 1 and all of its points left")]
    LotRemaining(LotId),
    /// Lots are not in the order they were earned, or two have one name.
    #[error("lot {0} is out of order")]
    LotOrder(LotId),
    /// A lot is named after a version that is still to come.
    #[error("lot {0} is newer than the account")]
    LotFromTheFuture(LotId),
    /// Arrears beside points that could pay them, or less than none.
    #[error("arrears of {0} beside points that could pay them, or below 0")]
    Arrears(Points),
    /// Growth value below 0, or more in the period than in all.
    #[error("growth value below 0, or more in the period than in all")]
    Growth,
    /// A remainder that holds a whole, or less than nothing.
    #[error("the remainder of rule {0} is not within 0..=999")]
    Remainder(RuleId),
    /// Less than nothing used of a cap.
    #[error("less than nothing is used of cap {0}")]
    Used(CapId),
    /// Less than nothing is held back, or one entry is held back twice.
    #[error("entry {0} is held back twice, or for less than nothing")]
    Pending(EntryRef),
}
