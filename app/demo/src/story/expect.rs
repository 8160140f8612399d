//! Expectations at a step of a story.

use std::fmt;

use serde::{Deserialize, Deserializer, de};

/// Expectations at a step of a story. A field that is not named may have any value.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Expect {
    /// Points that the car shows as confirmed.
    pub confirmed: Option<ExpectedAmount>,
    /// Points that it shows as pending.
    pub pending: Option<ExpectedAmount>,
    /// Points that the cloud has.
    pub cloud: Option<ExpectedAmount>,
    /// Entries of the ledger.
    pub signed: Option<ExpectedAmount>,
    /// Of them paid as expected.
    pub accepted: Option<ExpectedAmount>,
    /// Of them paid otherwise.
    pub adjusted: Option<ExpectedAmount>,
    /// Of them not paid.
    pub rejected: Option<ExpectedAmount>,
    /// Of them without a word of the cloud.
    pub waiting: Option<ExpectedAmount>,
    /// The number of kills of the head unit.
    pub kills: Option<ExpectedAmount>,
    /// Trips and sessions that earned nothing because a guest drove, since the head unit was started.
    pub guest: Option<ExpectedAmount>,
    /// State of the connection to the cloud.
    pub connection: Option<LinkState>,
    /// The tier.
    pub tier: Option<String>,
    /// The cap or rule that an adjustment names.
    pub reason: Option<String>,
}

/// State of the connection to the cloud.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LinkState {
    /// Nothing was tried yet.
    Starting,
    /// The cloud answers, and nothing waits.
    Online,
    /// The cloud answers, and entries are on their way.
    Syncing,
    /// The cloud does not answer.
    Offline,
    /// The cloud refuses what this car sends.
    Fault,
}

/// An amount: a number, or a text like `">= 1"` or `"<= 3"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExpectedAmount {
    /// So many.
    Exactly(i64),
    /// So many or more.
    AtLeast(i64),
    /// So many or fewer.
    AtMost(i64),
}

/// The observed values.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ObservedState {
    /// As [`Expect::confirmed`].
    pub confirmed: i64,
    /// As [`Expect::pending`].
    pub pending: i64,
    /// As [`Expect::cloud`].
    pub cloud: i64,
    /// As [`Expect::signed`].
    pub signed: i64,
    /// As [`Expect::accepted`].
    pub accepted: i64,
    /// As [`Expect::adjusted`].
    pub adjusted: i64,
    /// As [`Expect::rejected`].
    pub rejected: i64,
    /// As [`Expect::kills`].
    pub kills: i64,
    /// As [`Expect::guest`].
    pub guest: i64,
    /// As [`Expect::connection`]; none when the head unit does not run.
    pub connection: Option<LinkState>,
    /// As [`Expect::tier`].
    pub tier: String,
    /// Every cap and rule that an adjustment names.
    pub reasons: Vec<String>,
}

impl Expect {
    /// Returns whether it names nothing.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Lists the expectations that are not met, each in a few words.
    pub fn compare(&self, seen: &ObservedState) -> Vec<String> {
        let waiting = seen.signed - seen.accepted - seen.adjusted - seen.rejected;
        let mut faults = Vec::new();
        for (what, expected, found) in [
            ("confirmed", self.confirmed, seen.confirmed),
            ("pending", self.pending, seen.pending),
            ("cloud", self.cloud, seen.cloud),
            ("signed", self.signed, seen.signed),
            ("accepted", self.accepted, seen.accepted),
            ("adjusted", self.adjusted, seen.adjusted),
            ("rejected", self.rejected, seen.rejected),
            ("waiting", self.waiting, waiting),
            ("kills", self.kills, seen.kills),
            ("guest", self.guest, seen.guest),
        ] {
            if let Some(expected) = expected
                && !expected.allows(found)
            {
                faults.push(format!("{what}: expected {expected}, found {found}"));
            }
        }
        if self.connection.is_some() && self.connection != seen.connection {
            let found = seen.connection.map_or("none", LinkState::name);
            let expected = self.connection.map_or("none", LinkState::name);
            faults.push(format!("connection: expected {expected}, found {found}"));
        }
        if let Some(tier) = self.tier.as_ref().filter(|tier| **tier != seen.tier) {
            faults.push(format!("tier: expected {tier}, found {}", seen.tier));
        }
        if let Some(reason) = &self.reason
            && !seen.reasons.contains(reason)
        {
            let found = seen.reasons.join(", ");
            faults.push(format!("reason: expected {reason}, found [{found}]"));
        }
        faults
    }
}

impl LinkState {
    /// The word for it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Online => "online",
            Self::Syncing => "syncing",
            Self::Offline => "offline",
            Self::Fault => "fault",
        }
    }
}

impl ExpectedAmount {
    const fn allows(self, found: i64) -> bool {
        match self {
            Self::Exactly(amount) => found == amount,
            Self::AtLeast(least) => found >= least,
            Self::AtMost(most) => found <= most,
        }
    }
}

impl fmt::Display for ExpectedAmount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exactly(amount) => write!(f, "{amount}"),
            Self::AtLeast(least) => write!(f, ">= {least}"),
            Self::AtMost(most) => write!(f, "<= {most}"),
        }
    }
}

impl<'de> Deserialize<'de> for ExpectedAmount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum AmountText {
            Number(i64),
            Text(String),
        }
        let text = match AmountText::deserialize(deserializer)? {
            AmountText::Number(amount) => return Ok(Self::Exactly(amount)),
            AmountText::Text(text) => text,
        };
        // A text that is no amount is refused below, with the forms that are.
        let number = |text: &str| text.trim().parse().ok();
        let least = text.strip_prefix(">=").and_then(number).map(Self::AtLeast);
        let most = || text.strip_prefix("<=").and_then(number).map(Self::AtMost);
        least.or_else(most).ok_or_else(|| {
            de::Error::custom(format!(
                "{text:?} is no amount: expected 3, \">= 3\" or \"<= 3\""
            ))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(expected: &str) -> Vec<String> {
        let expected: Expect = toml::from_str(expected).unwrap();
        expected.compare(&ObservedState {
            confirmed: 12,
            pending: 25,
            signed: 4,
            accepted: 1,
            adjusted: 1,
            connection: Some(LinkState::Offline),
            tier: "basic".to_owned(),
            reasons: vec!["all-day".to_owned()],
            ..ObservedState::default()
        })
    }

    #[test]
    fn what_is_so_is_no_fault() {
        let all = "confirmed = 12\npending = \">= 25\"\nsigned = \"<= 4\"\nwaiting = 2\nkills = 0\n\
                   connection = \"offline\"\ntier = \"basic\"\nreason = \"all-day\"";
        assert_eq!(faults(all), Vec::<String>::new());
    }

    #[test]
    fn what_is_not_so_is_named() {
        for (expected, said) in [
            ("confirmed = 13", "confirmed: expected 13, found 12"),
            ("pending = \"<= 24\"", "pending: expected <= 24, found 25"),
            ("adjusted = \">= 2\"", "adjusted: expected >= 2, found 1"),
            ("waiting = 0", "waiting: expected 0, found 2"),
            (
                "connection = \"online\"",
                "connection: expected online, found offline",
            ),
            ("tier = \"gold\"", "tier: expected gold, found basic"),
            (
                "reason = \"charge-day\"",
                "reason: expected charge-day, found [all-day]",
            ),
        ] {
            assert_eq!(faults(expected), [said]);
        }
    }
}
