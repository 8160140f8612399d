//! The policy: one signed bundle of everything that the operator may change without shipping an app.

mod cap_title;
mod compiled;
mod decimal;
mod earning;
mod error;
mod named_model;
mod payable;
mod policies;
mod score_model;
mod signable;
mod site_mix;
mod tier;
mod validate;
mod warning;

use serde::{Deserialize, Serialize};

pub use compiled::{CompiledPolicy, CompiledRule, SkippedRule};
pub use decimal::{Decimal8, ParseDecimalError};
pub use earning::{Allowance, AllowanceLimit, Cap, CapOver, EarningRule, Period, RuleKind};
pub(crate) use error::PathStep;
pub use error::{PolicyError, Unpayable, ValuePlace};
pub use policies::Policies;
pub use score_model::{FactorModel, FasterThanAhead, LateHour, ScoreModel, Thresholds};
pub use site_mix::SiteMix;
pub use tier::{Demotion, Tier, Tiers};
pub use warning::PolicyWarning;

pub use crate::carbon::{Carbon, co2_avoided_g};
pub use crate::trigger::Trigger;

use crate::ids::PolicyVersion;
use crate::points::Points;
use crate::time::ServerTime;

/// The policy that the programme ships with, as TOML.
pub const DEFAULT_POLICY_TOML: &str = include_str!("../../policy/default.toml");

/// The rules of one version: what is paid, within which caps, how a drive is scored, how points expire.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// Raised with each change; the cloud never lowers it.
    pub version: PolicyVersion,
    /// From when it is in force.
    pub valid_from: ServerTime,
    /// Until when it is meant to be in force.
    pub valid_until: ServerTime,
    /// Time after `valid_until` in which an award under it is still paid by it, in seconds.
    pub grace_s: u32,
    /// Version of the time zone database that the operator counts days with, such as `2026a`.
    pub zone_data: String,
    /// Worth of a point: that many points are one yuan.
    pub points_per_yuan: u32,
    /// Earning rules.
    pub rules: Vec<EarningRule>,
    /// Caps on what they pay.
    pub caps: Vec<Cap>,
    /// The score model of a drive.
    pub score: ScoreModel,
    /// Carbon factors of a kilometre and a kilowatt-hour.
    pub carbon: Carbon,
    /// Declared mixes of charging points.
    pub sites: Vec<SiteMix>,
    /// Assumed renewable shares for when nothing better is known, by local time of day.
    pub windows: Vec<CleanWindow>,
    /// The tiers.
    pub tiers: Tiers,
    /// Expiry of points.
    pub expiry: Expiry,
    /// Days before an expiry at which the member is reminded, descending.
    pub remind_days: Vec<u16>,
    /// Limits on the entries of a car without a receipt.
    pub allowance: Allowance,
    /// Days for which points that rest on an estimate are held back; 0 pays them at once.
    pub estimate_hold_days: u16,
    /// The rule profile that the rules are written in, from 1; `None` for the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule_profile: Option<u32>,
}

/// A window of the local day with its assumed share of renewable energy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CleanWindow {
    /// First minute of the local day, 0..1440.
    pub from_min: u16,
    /// First minute after it; not above 1440.
    pub to_min: u16,
    /// Share of renewable energy, in permille.
    pub renewable_permille: u16,
}

/// Expiry of points.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Expiry {
    /// At the end of the member's local day, that many months after they were earned.
    Months(u16),
    /// At the end of the Nth calendar year, counting the year they were earned in as the first.
    CalendarYears(u16),
}

impl Policy {
    /// The rule profile that the rules are written in.
    #[must_use]
    pub fn needed_profile(&self) -> u32 {
        self.rule_profile.unwrap_or(1)
    }

    /// The worth of points in fen (hundredths of a yuan), rounded down.
    #[must_use]
    pub fn worth_fen(&self, points: Points) -> i64 {
        points.get().saturating_mul(100) / i64::from(self.points_per_yuan.max(1))
    }
}
