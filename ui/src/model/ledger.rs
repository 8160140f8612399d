//! Rows of the ledger as the member sees them.

use dashpoint_membership::policy::{Cap, Period};
use dashpoint_membership::{
    Adjustment, CompiledPolicy, EntryRef, Evidence, EvidenceDigest, Factor, Growth, MemberAction,
    Milli, Points, PolicyVersion, Rejection, ReviewReason, ServerTime, Text, Transaction,
};

use crate::{RowKind, RowStatus};

/// One line of the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowData {
    /// Time of the event.
    pub at: ServerTime,
    /// The subject of the row.
    pub subject: RowSubject,
    /// The result of the row.
    pub outcome: RowOutcome,
    /// The rules that pay for it, and the version of the policy.
    pub rule: Option<(Text, PolicyVersion)>,
    /// Change of the growth value.
    pub growth: Growth,
    /// Digest of the private evidence.
    pub digest: Option<EvidenceDigest>,
    /// The signed entry.
    pub entry: Option<EntryRef>,
    /// The cap that cut it, when it was paid in part.
    pub cut: Option<LimitData>,
    /// The rules that pay nothing for it.
    pub unpaid: Vec<UnpaidRule>,
}

impl RowData {
    /// Returns its state.
    #[must_use]
    pub const fn status(&self) -> RowStatus {
        match (&self.outcome, &self.subject) {
            (RowOutcome::AwaitingConnection { .. } | RowOutcome::AwaitingSignature { .. }, _) => {
                RowStatus::Pending
            }
            (RowOutcome::InReview { .. }, _) => RowStatus::HeldBack,
            (RowOutcome::Booked { .. }, RowSubject::Expiry { .. }) => RowStatus::Expired,
            (
                RowOutcome::Booked { .. }
                | RowOutcome::PaidLate {
                    was_rejected: false,
                    ..
                },
                _,
            ) => RowStatus::Confirmed,
            (
                RowOutcome::PaidLate {
                    was_rejected: true, ..
                },
                _,
            ) => RowStatus::PaidLate,
            (RowOutcome::Settled { .. }, _) => RowStatus::Settled,
            (RowOutcome::Adjusted { .. }, _) => RowStatus::Adjusted,
            (RowOutcome::Rejected { .. }, _) => RowStatus::Rejected,
            (RowOutcome::Refused { .. }, _) => RowStatus::Refused,
            (RowOutcome::TakenBack { .. }, _) => RowStatus::TakenBack,
            (RowOutcome::Unpaid { .. }, _) => RowStatus::NotPaid,
            (RowOutcome::Nothing(_), _) => RowStatus::Nothing,
        }
    }
}

/// A rule that pays nothing for an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnpaidRule {
    /// Title that the member reads.
    pub title: Text,
    /// The reason.
    pub failed: Failed,
}

impl UnpaidRule {
    /// Returns the rules that are told beside the reason of an entry: none where that reason is the one of each.
    #[must_use]
    pub fn told_beside<'a>(failed: Option<&Failed>, rules: &'a [Self]) -> &'a [Self] {
        if rules.iter().all(|rule| Some(&rule.failed) == failed) {
            &[]
        } else {
            rules
        }
    }

    /// Returns whether rules that are told say the reason of an entry themselves.
    #[must_use]
    pub fn say(failed: &Failed, told: &[Self]) -> bool {
        told.iter().any(|rule| rule.failed == *failed)
    }
}

/// The subject of a row of the activity list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RowSubject {
    /// A trip, a charge or a discharge.
    Measured(Evidence),
    /// The daily check-in.
    CheckIn,
    /// The next meter of a quantity was opened.
    MeterOpened,
    /// Points went for a benefit.
    Spent {
        /// The benefit that was redeemed.
        benefit: Text,
    },
    /// An operator gave points.
    Granted {
        /// The reason, as the operator wrote it.
        reason: String,
    },
    /// Points expired.
    Expiry {
        /// Time at which the points were earned.
        earned: ServerTime,
    },
    /// A payment was taken back.
    Reversal,
    /// An award was taken back.
    Clawback,
    /// The tier changed.
    Tier {
        /// From.
        from: Text,
        /// To.
        to: Text,
    },
}

impl RowSubject {
    /// Makes the subject of an own entry.
    #[must_use]
    pub fn of(transaction: &Transaction) -> Self {
        match transaction {
            Transaction::Earn { evidence, .. } => Self::Measured(evidence.clone()),
            Transaction::Member {
                action: MemberAction::CheckIn,
                ..
            } => Self::CheckIn,
            Transaction::OpenMeter(_) => Self::MeterOpened,
        }
    }

    /// Returns the evidence of driving or charging; `None` where there is none.
    #[must_use]
    pub const fn evidence(&self) -> Option<&Evidence> {
        match self {
            Self::Measured(evidence) => Some(evidence),
            Self::CheckIn
            | Self::MeterOpened
            | Self::Spent { .. }
            | Self::Granted { .. }
            | Self::Expiry { .. }
            | Self::Reversal
            | Self::Clawback
            | Self::Tier { .. } => None,
        }
    }

    /// Returns the benefit or tier that it names; `None` for what is named by its kind alone.
    pub(crate) const fn title(&self) -> Option<&Text> {
        match self {
            Self::Spent { benefit } => Some(benefit),
            Self::Tier { to, .. } => Some(to),
            Self::Measured(_)
            | Self::CheckIn
            | Self::MeterOpened
            | Self::Granted { .. }
            | Self::Expiry { .. }
            | Self::Reversal
            | Self::Clawback => None,
        }
    }

    /// Returns the sign that a list shows it by.
    pub(crate) const fn kind(&self) -> RowKind {
        match self {
            Self::Measured(Evidence::Trip(_)) => RowKind::Trip,
            Self::Measured(Evidence::Charge(_)) => RowKind::Charge,
            Self::Measured(Evidence::Discharge(_)) => RowKind::Discharge,
            Self::CheckIn => RowKind::CheckIn,
            Self::MeterOpened => RowKind::MeterOpened,
            Self::Spent { .. } => RowKind::Spent,
            Self::Granted { .. } => RowKind::Granted,
            Self::Expiry { .. } => RowKind::Expiry,
            Self::Reversal => RowKind::Reversal,
            Self::Clawback => RowKind::Clawback,
            Self::Tier { .. } => RowKind::Tier,
        }
    }
}

/// The result of a row: its state, with amounts and reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RowOutcome {
    /// Signed, and not yet sent or answered.
    AwaitingConnection {
        /// Points that the car predicts.
        predicted: Points,
    },
    /// Signed, and not paid: the cloud refuses this car.
    Unpaid {
        /// Points that the car had predicted.
        predicted: Points,
    },
    /// Kept without a signature.
    AwaitingSignature {
        /// Points that the car predicts.
        predicted: Points,
    },
    /// The cloud holds it back.
    InReview {
        /// Points that are held back.
        points: Points,
        /// The reason of the review.
        reason: ReviewReason,
        /// Until when.
        until: ServerTime,
    },
    /// Booked as it stands.
    Booked {
        /// Points booked; negative for a debit.
        points: Points,
    },
    /// Paid otherwise than predicted.
    Adjusted {
        /// Points that were paid.
        paid: Points,
        /// Points that the car had predicted.
        predicted: Points,
        /// The reason of the difference.
        why: Adjustment,
    },
    /// Not admissible.
    Rejected {
        /// Points that the car had predicted.
        predicted: Points,
        /// The reason of the rejection.
        reason: Rejection,
    },
    /// It was held back or rejected at first, and paid later.
    PaidLate {
        /// Points that were paid.
        points: Points,
        /// Points that the car had predicted.
        predicted: Points,
        /// True when it was rejected at first.
        was_rejected: bool,
    },
    /// The account has it; the verdict is on no disk of this car any more, and with it what was paid.
    Settled {
        /// Points that the car had predicted.
        predicted: Points,
    },
    /// It was held back, and an operator refused it.
    Refused {
        /// Points that the car had predicted.
        predicted: Points,
    },
    /// It was paid, and an operator took it back, or a part of it.
    TakenBack {
        /// Points that were paid.
        paid: Points,
        /// Points that were taken back.
        taken: Points,
    },
    /// It earned nothing.
    Nothing(Failed),
}

impl RowOutcome {
    /// Returns the points that the row stands for: those that the account has of it, or that are on their way; `None` while this
    /// car does not know them.
    #[must_use]
    pub fn points(&self) -> Option<Points> {
        match self {
            Self::AwaitingConnection { predicted } | Self::AwaitingSignature { predicted } => {
                Some(*predicted)
            }
            Self::InReview { points, .. }
            | Self::PaidLate { points, .. }
            | Self::Booked { points } => Some(*points),
            Self::Adjusted { paid, .. } => Some(*paid),
            // The account has the rest.
            Self::TakenBack { paid, taken } => Some(paid.minus(*taken)),
            Self::Settled { .. } => None,
            Self::Unpaid { .. }
            | Self::Rejected { .. }
            | Self::Refused { .. }
            | Self::Nothing(_) => Some(Points::ZERO),
        }
    }
}

/// The reason that nothing was earned: the condition that was not met, or the cap that was reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failed {
    /// The driving score, times 100.
    Score {
        /// The measured score times 100.
        got_x100: u16,
        /// The score times 100 that the rule requires.
        needed_x100: u16,
    },
    /// The distance.
    Distance {
        /// The measured distance, in metres.
        got_m: u64,
        /// The distance that the rule requires, in metres.
        needed_m: u64,
    },
    /// The share of renewable energy.
    Renewable {
        /// The measured share, in permille.
        got_permille: u16,
        /// The share that the rule requires, in permille.
        needed_permille: u16,
    },
    /// The energy of a session.
    Energy {
        /// The measured energy, in watt-hours.
        got_wh: u64,
        /// The energy that the rule requires, in watt-hours.
        needed_wh: u64,
    },
    /// The time of the trip of which nothing was seen.
    Missed {
        /// That time, in seconds.
        got_s: u64,
        /// The most that the rule allows, in seconds.
        most_s: u64,
    },
    /// The car has no signal for a factor of the score.
    Unobserved {
        /// The factor.
        factor: Factor,
    },
    /// The car has no signal for the energy that it draws.
    NoEnergy,
    /// No emission was avoided.
    NothingAvoided,
    /// Another condition of a rule.
    Condition {
        /// Title of the rule.
        rule: Text,
        /// The condition, as rules are written.
        source: String,
    },
    /// A rule gives no amount for it.
    NoAmount {
        /// Title of the rule.
        rule: Text,
    },
    /// It is worth less than a thousandth of a point.
    TooLittle,
    /// It is worth less than a whole point.
    Fraction {
        /// Its worth, in thousandths.
        milli: Milli,
        /// True when all of it is carried on to the next award; a cap may have taken it else.
        is_carried: bool,
    },
    /// A cap was reached before.
    CapReached(LimitData),
    /// A guest was driving.
    Guest,
    /// No rule looks at it.
    NoRule,
}

/// A cap of the policy and the room that it had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LimitData {
    /// The awards that it bounds.
    pub over: Text,
    /// The stretch of the calendar that it counts.
    pub per: Period,
    /// The most points in it.
    pub most: Points,
    /// Points that it had room for; `None` where nobody knows: a verdict tells the payment of all awards together.
    pub room: Option<Points>,
}

impl LimitData {
    /// Makes the words of a cap from the policy that has it, with the room that it had.
    #[must_use]
    pub fn of(policy: &CompiledPolicy, cap: &Cap, room: Option<Points>) -> Self {
        Self {
            over: policy.cap_title(cap),
            per: cap.per,
            most: cap.points,
            room: room.map(|room| room.max(Points::ZERO)),
        }
    }
}
