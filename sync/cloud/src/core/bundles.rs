//! Policies and catalogues: checked, signed, kept for ever.

use dashpoint_membership::policy::CompiledPolicy;
use dashpoint_membership::{Catalogue, CatalogueVersion, Policy, PolicyVersion, ServerTime};
use dashpoint_wire::{Raw, Signed};
use serde::Serialize;

use super::CloudCore;
use super::unit_of_work::UnitOfWork;
use crate::error::CloudError;
use crate::store::{bundles, cloud_row};

/// One version of the policy as `policy list` shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PolicyLine {
    /// The version.
    pub version: PolicyVersion,
    /// From when it is in force.
    #[serde(rename = "valid_from_unix_s")]
    pub valid_from: ServerTime,
    /// Until when it is meant to be.
    #[serde(rename = "valid_until_unix_s")]
    pub valid_until: ServerTime,
    /// The number of its earning rules.
    pub rules: usize,
    /// True when it is in force now.
    pub in_force: bool,
}

/// Distance by which a version may be above the newest one: a version may be a date, such as 20261129. An entry that names
/// a higher one names a policy that nobody signed.
pub(super) const VERSION_STEP_MAX: u32 = 100_000_000;

impl UnitOfWork<'_> {
    /// Refuses a version of the policy that cannot be signed here.
    fn check_new(&self, version: PolicyVersion) -> Result<(), CloudError> {
        let newest = self.policies.newest().version();
        let is_missing = self.policies.get(version).is_none();
        let may_be_lower = self.server_epoch > cloud_row::FIRST;
        if version <= newest && !(is_missing && may_be_lower) {
            return Err(CloudError::VersionNotHigher {
                found: version.get(),
                newest: newest.get(),
            });
        }
        let most = highest_after(newest);
        if version > most {
            return Err(CloudError::VersionTooFar {
                found: version,
                most,
            });
        }
        Ok(())
    }

    /// Refuses a catalogue that cannot be signed here.
    fn check_new_catalogue(&self, catalogue: &Catalogue) -> Result<(), CloudError> {
        catalogue.check(self.policies.newest())?;
        let version = catalogue.version;
        let newest = bundles::newest_catalogue(self.db)?.map(|(newest, _)| newest);
        match newest.filter(|newest| version <= *newest) {
            None => Ok(()),
            Some(newest) => Err(CloudError::VersionNotHigher {
                found: version.get(),
                newest: newest.get(),
            }),
        }
    }

    /// Returns whether a policy that entries name may have been signed before this database went back: it is not here, and
    /// not so far above the newest that nobody can have signed it.
    pub fn may_be_forgotten(&self, version: PolicyVersion) -> bool {
        self.policies.get(version).is_none()
            && version.get() > 0
            && version <= highest_after(self.policies.newest().version())
    }

    pub fn policy_bytes(&self, version: PolicyVersion) -> Result<Raw<Policy>, CloudError> {
        bundles::policy(self.db, version)?
            .map(Raw::from)
            .ok_or(CloudError::NoPolicyVersion(version))
    }

    pub fn catalogue_bytes(&self) -> Result<(CatalogueVersion, Raw<Catalogue>), CloudError> {
        let (version, raw) = bundles::newest_catalogue(self.db)?.ok_or(CloudError::NoCatalogue)?;
        Ok((version, Raw::from(raw)))
    }
}

/// The highest version that may be signed after one.
const fn highest_after(newest: PolicyVersion) -> PolicyVersion {
    PolicyVersion::new(newest.get().saturating_add(VERSION_STEP_MAX))
}

impl CloudCore {
    /// Checks the version of a policy that is to be signed later.
    ///
    /// # Errors
    /// [`CloudError::VersionNotHigher`], [`CloudError::VersionTooFar`].
    pub fn check_version(
        &mut self,
        version: PolicyVersion,
        now: ServerTime,
    ) -> Result<(), CloudError> {
        self.look(now, |unit| unit.check_new(version))
    }

    /// Signs a new version of the policy. In a life that began with a backup it may also be a lower one that the backup
    /// lacks: entries of before may name it.
    ///
    /// # Errors
    /// [`CloudError::Policy`] when it does not compile; [`CloudError::VersionNotHigher`]: a version is never replaced;
    /// [`CloudError::VersionTooFar`].
    pub fn sign_policy(&mut self, policy: Policy, now: ServerTime) -> Result<(), CloudError> {
        CompiledPolicy::compile(policy.clone())?;
        self.work(now, |unit| {
            let version = policy.version;
            unit.check_new(version)?;
            let signed = unit.sign(policy, &())?;
            bundles::insert_policy(unit.db, version, signed.raw(), unit.now)
        })
    }

    /// Checks a catalogue that is to be signed later.
    ///
    /// # Errors
    /// [`CloudError::Catalogue`], [`CloudError::VersionNotHigher`].
    pub fn check_catalogue(
        &mut self,
        catalogue: &Catalogue,
        now: ServerTime,
    ) -> Result<(), CloudError> {
        self.look(now, |unit| unit.check_new_catalogue(catalogue))
    }

    /// Signs a new version of the catalogue.
    ///
    /// # Errors
    /// [`CloudError::Catalogue`], [`CloudError::VersionNotHigher`].
    pub fn sign_catalogue(
        &mut self,
        catalogue: Catalogue,
        now: ServerTime,
    ) -> Result<(), CloudError> {
        self.work(now, |unit| {
            unit.check_new_catalogue(&catalogue)?;
            let version = catalogue.version;
            let signed = unit.sign(catalogue, &())?;
            bundles::insert_catalogue(unit.db, version, signed.raw(), unit.now)
        })
    }

    /// The next policy for a car that has `since`: it walks to the newest one by one, and never misses the one in force.
    /// `None` when there is nothing newer.
    ///
    /// # Errors
    /// [`CloudError`] when the database fails.
    pub fn policy_since(
        &mut self,
        since: PolicyVersion,
        now: ServerTime,
    ) -> Result<Option<Raw<Policy>>, CloudError> {
        self.look(now, |unit| {
            let in_force = unit.policy().version();
            // Versions that were superseded before this car came are history to it.
            let after = since.max(PolicyVersion::new(in_force.get().saturating_sub(1)));
            let next = bundles::policies_after(unit.db, after)?;
            Ok(next.into_iter().next().map(Raw::from))
        })
    }

    /// The newest catalogue, unless the car has it already.
    ///
    /// # Errors
    /// [`CloudError`] when the database fails.
    pub fn catalogue_since(
        &mut self,
        since: CatalogueVersion,
        now: ServerTime,
    ) -> Result<Option<Raw<Catalogue>>, CloudError> {
        self.look(now, |unit| {
            let (version, raw) = unit.catalogue_bytes()?;
            Ok((version > since).then_some(raw))
        })
    }

    /// A version of the policy, or the one in force.
    ///
    /// # Errors
    /// [`CloudError::NoPolicyVersion`], [`CloudError::NoPolicy`].
    pub fn policy(
        &mut self,
        version: Option<PolicyVersion>,
        now: ServerTime,
    ) -> Result<Policy, CloudError> {
        self.look(now, |unit| match version {
            Some(version) => unit
                .policies
                .get(version)
                .map(|policy| policy.policy().clone())
                .ok_or(CloudError::NoPolicyVersion(version)),
            None => Ok(unit.policy().policy().clone()),
        })
    }

    /// Every version of the policy, ascending.
    ///
    /// # Errors
    /// [`CloudError`] when the database fails.
    pub fn policy_list(&mut self, now: ServerTime) -> Result<Vec<PolicyLine>, CloudError> {
        self.look(now, |unit| {
            let in_force = unit.policy().version();
            let raws = bundles::policies_after(unit.db, PolicyVersion::new(0))?;
            let key = unit.key.public();
            let line = |raw: Vec<u8>| {
                let policy = Signed::<Policy>::verify(raw, &key, &())?.into_parts().1;
                Ok(PolicyLine {
                    version: policy.version,
                    valid_from: policy.valid_from,
                    valid_until: policy.valid_until,
                    rules: policy.rules.len(),
                    in_force: policy.version == in_force,
                })
            };
            raws.into_iter().map(line).collect()
        })
    }

    /// The newest catalogue.
    ///
    /// # Errors
    /// [`CloudError`] when the database fails.
    pub fn catalogue(&mut self, now: ServerTime) -> Result<Catalogue, CloudError> {
        self.look(now, |unit| {
            let (_, raw) = unit.catalogue_bytes()?;
            Ok(raw.verify(&unit.key.public(), &())?.into_parts().1)
        })
    }
}
