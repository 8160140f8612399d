//! Warnings about a policy that can be signed, for the commands that check and sign.

use std::path::Path;

use dashpoint_membership::{CompiledPolicy, Policy, ServerTime};
use dashpoint_membership::{line_of_key, line_of_warning};

use super::show::{self, counted};
use crate::core::{CloudCore, DroppedRule, DroppedTier};
use crate::error::CloudError;

/// Warnings of a policy that can be signed, each with file and line.
#[derive(Debug)]
pub(super) struct Warnings(pub Vec<String>);

impl Warnings {
    pub(super) fn of(
        file: &Path,
        text: &str,
        compiled: &CompiledPolicy,
        now: Option<ServerTime>,
    ) -> Self {
        let told = |line: Option<usize>, problem: String| {
            let line = line.map_or_else(String::new, |line| format!("line {line}: "));
            format!("{}: {line}{problem}", file.display())
        };
        let found = compiled.warnings().into_iter();
        let found = found.map(|warning| told(line_of_warning(text, &warning), warning.to_string()));
        let until = compiled.policy().valid_until;
        let ended = now.filter(|now| until <= *now).map(|_| {
            told(
                line_of_key(text, "valid_until"),
                format!(
                    "valid_until: {} is past, so that it is never in force; write a later time",
                    show::time(until)
                ),
            )
        });
        Self(found.chain(ended).collect())
    }

    pub(super) fn text(&self) -> String {
        let lines = self.0.iter();
        lines
            .map(|warning| format!("warning: {warning}\n"))
            .collect()
    }
}

/// Names that a version of the policy no longer has.
#[derive(Debug, Default)]
pub(super) struct Dropped {
    pub rules: Vec<DroppedRule>,
    pub tiers: Vec<DroppedTier>,
}

impl Dropped {
    pub(super) fn of(
        core: &mut CloudCore,
        next: &Policy,
        now: ServerTime,
    ) -> Result<Self, CloudError> {
        Ok(Self {
            rules: core.dropped_rules(next, now)?,
            tiers: core.dropped_tiers(next, now)?,
        })
    }

    /// Warns of each, in a line.
    pub(super) fn text(&self) -> String {
        let rules = self.rules.iter().map(|dropped| {
            let members = counted(dropped.members, "member", "members");
            let (whole, rest) = dropped.points.split();
            let left = match dropped.members {
                0 => String::new(),
                _ => format!(
                    ": {whole}.{:03} points of {members} stay behind, less than one each, until a version has the id again",
                    rest.get()
                ),
            };
            format!(
                "warning: rule {} is not in it any more{left}; to name a rule anew, change its title and keep its id\n",
                dropped.rule
            )
        });
        let tiers = self.tiers.iter().map(|dropped| {
            let left = match dropped.members {
                0 => String::new(),
                1 => ": 1 member keeps it until the next entry or review".to_owned(),
                members => format!(": {members} members keep it until the next entry or review"),
            };
            format!(
                "warning: tier {} is not in it any more{left}; to name a tier anew, change its title and keep its id\n",
                dropped.tier
            )
        });
        rules.chain(tiers).collect()
    }
}
