//! Every version of the policy that one end holds.

use std::collections::BTreeMap;

use super::{CompiledPolicy, Period};
use crate::ids::{CapId, PolicyVersion, TierId};
use crate::text::Text;
use crate::time::ServerTime;

/// The versions held, at least one.
#[derive(Debug, Clone)]
pub struct Policies {
    versions: BTreeMap<PolicyVersion, CompiledPolicy>,
}

impl Policies {
    /// Begins with one version.
    #[must_use]
    pub fn new(first: CompiledPolicy) -> Self {
        Self {
            versions: BTreeMap::from([(first.version(), first)]),
        }
    }

    /// Takes all versions that there are; `None` when there is none.
    #[must_use]
    pub fn of(versions: impl IntoIterator<Item = CompiledPolicy>) -> Option<Self> {
        let versions: BTreeMap<_, _> = versions
            .into_iter()
            .map(|policy| (policy.version(), policy))
            .collect();
        (!versions.is_empty()).then_some(Self { versions })
    }

    /// Adds a version; a version that is held already stays as it is, since what was signed is never changed.
    pub fn insert(&mut self, policy: CompiledPolicy) {
        self.versions.entry(policy.version()).or_insert(policy);
    }

    /// One version.
    #[must_use]
    pub fn get(&self, version: PolicyVersion) -> Option<&CompiledPolicy> {
        self.versions.get(&version)
    }

    /// Finds the title of a tier in the newest version that has it.
    #[must_use]
    pub fn tier_title(&self, tier: &TierId) -> Option<&Text> {
        let newest_first = self.versions.values().rev();
        let mut tiers = newest_first.flat_map(|version| &version.policy().tiers.ladder);
        let found = tiers.find(|step| step.id == *tier);
        found.map(|step| &step.title)
    }

    /// The highest version.
    #[must_use]
    pub fn newest(&self) -> &CompiledPolicy {
        self.versions
            .last_key_value()
            .map(|(_, policy)| policy)
            .expect("invariant: begins with a version and never loses one")
    }

    /// The highest version that was in force from that time or before: one that has run out stays in force until a
    /// newer one begins. Before the first began, the first.
    #[must_use]
    pub fn in_force_at(&self, at: ServerTime) -> &CompiledPolicy {
        self.versions
            .values()
            .rev()
            .find(|policy| policy.policy().valid_from <= at)
            .or_else(|| self.versions.values().next())
            .unwrap_or_else(|| self.newest())
    }

    /// Returns the version that values what counts for `cap_time`: the one that it was signed under while that pays, else the
    /// one in force.
    #[must_use]
    pub fn valuing<'a>(
        &'a self,
        signed: &'a CompiledPolicy,
        cap_time: ServerTime,
    ) -> &'a CompiledPolicy {
        if signed.pays_at(cap_time) {
            signed
        } else {
            self.in_force_at(cap_time)
        }
    }

    /// The longest stretch over which any version counts a cap; a year for a cap that no version held has.
    pub(crate) fn cap_period(&self, cap: &CapId) -> Period {
        self.versions
            .values()
            .flat_map(|policy| &policy.policy().caps)
            .filter(|known| known.id == *cap)
            .map(|known| known.per)
            .max()
            .unwrap_or(Period::Year)
    }
}
