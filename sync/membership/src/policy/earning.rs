//! Earning rules, caps and the offline allowance, as data.

use serde::{Deserialize, Serialize};

use crate::ids::{CapId, RuleId};
use crate::points::{Milli, Points};
use crate::text::Text;
use crate::trigger::Trigger;

/// The kind of transaction that a rule names, which may be one that this program does not know.
///
/// A file of the operator names known kinds only; a policy that a newer cloud has signed may name others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(from = "Trigger")]
pub enum RuleKind {
    /// A kind that this program evaluates.
    Known(Trigger),
    /// The number of a kind that a newer program evaluates.
    Unknown(u64),
}

impl From<Trigger> for RuleKind {
    fn from(kind: Trigger) -> Self {
        Self::Known(kind)
    }
}

impl PartialEq<Trigger> for RuleKind {
    fn eq(&self, kind: &Trigger) -> bool {
        *self == Self::Known(*kind)
    }
}

impl Serialize for RuleKind {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Known(kind) => kind.serialize(serializer),
            Self::Unknown(number) => serializer.collect_str(&format_args!("unknown-{number}")),
        }
    }
}

/// One earning rule: three expressions of the rule profile (a closed subset of CEL) over integer evidence fields.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EarningRule {
    /// Its name in entries and reports.
    pub id: RuleId,
    /// The kind of transaction that it evaluates.
    pub on: RuleKind,
    /// Title that the member reads.
    pub title: Text,
    /// Boolean: whether it pays at all.
    pub when: String,
    /// Integer: thousandths of a point.
    pub points: String,
    /// Integer: thousandths of growth value.
    pub growth: String,
    /// Evaluated and reported, pays nothing.
    #[serde(default)]
    pub shadow: bool,
}

impl EarningRule {
    /// The most that one rule pays for one transaction: a million points. Keeps all sums far from the ends of 64 bits.
    pub const PAYS_MAX: Milli = Milli::new(1_000_000_000);
}

/// The payments that a cap adds up.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CapOver {
    /// Payments of one rule.
    Rule(RuleId),
    /// Payments of all rules of one kind.
    Kind(RuleKind),
    /// Payments of all rules.
    All,
}

/// A stretch of the member's local calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Period {
    /// A day.
    Day,
    /// A week, from Monday.
    Week,
    /// A month.
    Month,
    /// A year.
    Year,
}

/// The most that a member earns in a period, over all devices.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cap {
    /// Its name in verdicts.
    pub id: CapId,
    /// The payments that it adds up.
    pub over: CapOver,
    /// Over which stretch.
    pub per: Period,
    /// The most.
    pub points: Points,
}

/// Limits on the entries of a device until its next receipt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Allowance {
    /// Beyond it the screen asks to connect.
    pub soft: AllowanceLimit,
    /// Beyond it an award is kept but needs confirmation.
    pub hard: AllowanceLimit,
    /// Days for which the cloud waits for an objection before it pays what was minted beyond `hard`.
    pub confirm_days: u16,
    /// Meters of one quantity that a vehicle may open in a year before an operator has to decide; `None` for
    /// [`Self::METERS_PER_YEAR`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub meters_per_year: Option<u16>,
}

impl Allowance {
    /// Meters that are opened without an operator where a policy says nothing: a battery is replaced once, if ever.
    pub const METERS_PER_YEAR: u16 = 1;

    /// Meters of one quantity that a vehicle may open in a year before an operator has to decide.
    #[must_use]
    pub fn meters_per_year(&self) -> u16 {
        self.meters_per_year.unwrap_or(Self::METERS_PER_YEAR)
    }
}

/// One level of the offline allowance; whichever is reached first counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AllowanceLimit {
    /// Points minted.
    pub points: Points,
    /// Entries signed.
    pub entries: u32,
    /// Days since the last receipt.
    pub days: u16,
}
