//! Enrolments and policies that a database forgot when it went back: what this very cloud signed for a car proves itself,
//! and is written back.

use std::collections::BTreeSet;

use dashpoint_membership::policy::CompiledPolicy;
use dashpoint_membership::{Chain, DeviceId, Epoch, Policy, Seq, ServerEpoch, ServerTime};
use dashpoint_wire::message::EnrolmentProof;
use dashpoint_wire::{
    Binding, DeviceCertificate, EpochGrant, MAX_BINDINGS, MAX_POLICIES, PublicKey, Raw, Signed,
    WireError,
};

use super::CloudCore;
use super::clock_guard;
use super::epochs::head_of;
use super::unit_of_work::UnitOfWork;
use crate::error::CloudError;
use crate::store::bindings::Bound;
use crate::store::devices::{Device, Head};
use crate::store::{bindings, bundles, cloud_row, devices, grants, members, proofs, receipts};

/// A proof whose signatures are this cloud's.
#[derive(Debug)]
pub(super) struct ShownEnrolment {
    pub certificate: Signed<DeviceCertificate>,
    pub grant: Signed<EpochGrant>,
    /// Those that are not here.
    pub bindings: Vec<Signed<Binding>>,
    pub policies: Vec<Signed<Policy>>,
}

impl ShownEnrolment {
    fn verified(
        cloud: &PublicKey,
        device: DeviceId,
        proof: &EnrolmentProof,
        known: &BTreeSet<Vec<u8>>,
    ) -> Result<Self, CloudError> {
        Self::check(cloud, device, proof, known)
            .map_err(|refused| CloudError::NotProven { device, refused })
    }

    /// Verifies what is shown: each thing once, and no binding that is here byte by byte, so that a proof costs no more than what
    /// this cloud signed and lacks.
    fn check(
        cloud: &PublicKey,
        device: DeviceId,
        proof: &EnrolmentProof,
        known: &BTreeSet<Vec<u8>>,
    ) -> Result<Self, WireError> {
        let policies = proof.policies.as_deref().unwrap_or_default();
        if proof.bindings.len() > MAX_BINDINGS || policies.len() > MAX_POLICIES {
            return Err(WireError::Unsound("too many bindings or policies"));
        }
        if !are_distinct(proof.bindings.iter().map(Raw::as_bytes))
            || !are_distinct(policies.iter().map(Raw::as_bytes))
        {
            return Err(WireError::Unsound("a binding or a policy twice"));
        }
        let bindings = proof.bindings.iter().cloned();
        let bindings = bindings.filter(|binding| !known.contains(binding.as_bytes()));
        let policies = policies.iter().cloned();
        Ok(Self {
            certificate: proof.certificate.clone().verify(cloud, &device)?,
            grant: proof.grant.clone().verify(cloud, &device)?,
            bindings: bindings
                .map(|binding| binding.verify(cloud, &device))
                .collect::<Result<_, _>>()?,
            policies: policies
                .map(|policy| policy.verify(cloud, &()))
                .collect::<Result<_, _>>()?,
        })
    }
}

fn are_distinct<'a>(mut shown: impl Iterator<Item = &'a [u8]>) -> bool {
    let mut seen = BTreeSet::new();
    shown.all(|bytes| seen.insert(bytes))
}

impl CloudCore {
    /// The key that a device signs with, also of one that this database forgot and that shows its certificate; nothing else that
    /// it shows is looked at yet.
    ///
    /// # Errors
    /// [`CloudError::NotProven`] for a certificate that this cloud did not sign; [`CloudError::NoDevice`] for a device that is shut out or
    /// whose certificate has ended.
    pub fn proven_key(
        &self,
        device: DeviceId,
        proof: &EnrolmentProof,
        now: ServerTime,
    ) -> Result<PublicKey, CloudError> {
        if devices::find(&self.db, device)?.is_some() {
            let admitted = self.admitted_device(device, now)?;
            return admitted
                .map(|known| known.key)
                .ok_or(CloudError::NoDevice(device));
        }
        if devices::is_barred(&self.db, device)? {
            return Err(CloudError::NoDevice(device));
        }
        let life = cloud_row::find(&self.db)?.ok_or(CloudError::ForeignDatabase)?;
        let certificate = proof.certificate.clone();
        let certificate = certificate
            .verify(&self.key.public(), &device)
            .map_err(|refused| CloudError::NotProven { device, refused })?;
        let certificate = certificate.body();
        if clock_guard::believed(&life, now) >= certificate.valid_until {
            return Err(CloudError::NoDevice(device));
        }
        Ok(certificate.key)
    }

    /// Takes note that a device is asked to show its proof.
    pub(super) fn note_asked<T>(&mut self, done: &Result<T, CloudError>) {
        if let Err(CloudError::ProofWanted {
            device,
            lacking,
            place,
        }) = done
        {
            self.asked_proofs.ask(*device, (*lacking, *place));
        }
    }

    /// Takes back what a database that went back forgot of a device's enrolment and of its policies. When nobody said that
    /// it went back, a new life begins.
    ///
    /// # Errors
    /// [`CloudError::NotProven`]; [`CloudError::NoDevice`] when the device is kept out or its key was enrolled anew;
    /// [`CloudError::MemberForgotten`] when it earns for a member who is not here, [`CloudError::PolicyForgotten`] for a
    /// policy that this program cannot evaluate: what else it showed was taken.
    pub fn take_proof(
        &mut self,
        device: DeviceId,
        proof: &EnrolmentProof,
        now: ServerTime,
    ) -> Result<(), CloudError> {
        let known = bindings::signed(&self.db, device)?;
        let shown = ShownEnrolment::verified(&self.key.public(), device, proof, &known)?;
        let (begun, still_lacking) = self.work(now, |unit| {
            unit.may_come_back(device, &shown)?;
            let begun = match unit.life_to_begin(device, &shown)? {
                Some(after) => Some(unit.begin_server_epoch(after)?),
                None => None,
            };
            let life = begun.unwrap_or(unit.server_epoch);
            Ok((begun, unit.put_back(device, &shown, life)?))
        })?;
        if let Some(life) = begun {
            tracing::warn!(
                %device, server_epoch = life.get(),
                "a device shows what this cloud signed and is not here: the database went back, a new life begins"
            );
        }
        let done = still_lacking.map_or(Ok(()), Err);
        self.note_wait(device, &done);
        if done.is_ok() {
            self.asked_proofs.answer(device);
        }
        done
    }
}

impl UnitOfWork<'_> {
    /// Makes sure that a device which is not known here is kept out by nobody's word, and its key not another device's.
    fn may_come_back(&self, device: DeviceId, shown: &ShownEnrolment) -> Result<(), CloudError> {
        let is_known = devices::find(self.db, device)?.is_some();
        let key = &shown.certificate.body().key;
        if !is_known
            && (devices::is_barred(self.db, device)? || devices::by_key(self.db, key)?.is_some())
        {
            return Err(CloudError::NoDevice(device));
        }
        Ok(())
    }

    /// The life after which a new one has to begin, when the proof shows that the database went back and nobody said so.
    fn life_to_begin(
        &self,
        device: DeviceId,
        shown: &ShownEnrolment,
    ) -> Result<Option<ServerEpoch>, CloudError> {
        let granted = shown.grant.body().server_epoch;
        let is_unknown = devices::find(self.db, device)?.is_none();
        let mut went_back =
            granted > self.server_epoch || (is_unknown && granted == self.server_epoch);
        // What a restore lacks, each device shows once in the life that it began.
        if self.server_epoch == cloud_row::FIRST
            || proofs::was_shown(self.db, device, self.server_epoch)?
        {
            for binding in &shown.bindings {
                went_back |= bindings::find(self.db, binding.body().id)?.is_none();
            }
            for policy in &shown.policies {
                went_back |= bundles::policy(self.db, policy.body().version)?.is_none();
            }
        }
        Ok(went_back.then_some(granted.max(self.server_epoch)))
    }

    /// Writes back what is not here; returns the failure that names what only people can put back.
    pub(super) fn put_back(
        &self,
        device: DeviceId,
        shown: &ShownEnrolment,
        life: ServerEpoch,
    ) -> Result<Option<CloudError>, CloudError> {
        if devices::find(self.db, device)?.is_none() {
            self.put_back_device(device, shown)?;
        }
        let grant = shown.grant.body();
        if grants::find(self.db, device, grant.epoch)?.is_none() {
            let raw = shown.grant.raw();
            grants::insert(self.db, device, grant.epoch, raw, grant.issued, None)?;
            receipts::keep(self.db, device, grant.issued)?;
        }
        let mut still_lacking = self.put_back_policies(shown)?;
        for binding in &shown.bindings {
            let body = binding.body();
            if bindings::find(self.db, body.id)?.is_some() {
                continue;
            }
            if members::profile(self.db, body.member)?.is_none() {
                still_lacking = Some(CloudError::MemberForgotten(body.member));
                continue;
            }
            tracing::warn!(%device, member = %body.member, "a binding that a restore had lost is back");
            bindings::insert(
                self.db,
                &Bound {
                    id: body.id,
                    device,
                    member: body.member,
                    driver: body.driver,
                    valid_from: body.valid_from,
                    valid_until: body.valid_until,
                    raw: binding.raw().to_vec(),
                },
            )?;
        }
        if still_lacking.is_none() {
            proofs::keep(self.db, device, life)?;
        }
        Ok(still_lacking)
    }

    /// Writes back the policies that are not here; returns the failure that names one which does not compile.
    fn put_back_policies(&self, shown: &ShownEnrolment) -> Result<Option<CloudError>, CloudError> {
        let mut failed = None;
        for policy in &shown.policies {
            let version = policy.body().version;
            if bundles::policy(self.db, version)?.is_some() {
                continue;
            }
            if let Err(refused) = CompiledPolicy::compile(policy.body().clone()) {
                tracing::warn!(%version, %refused, "a policy that a restore had lost is shown, and does not compile here");
                let newest = self.policies.newest().version();
                failed = Some(CloudError::PolicyForgotten {
                    named: version,
                    newest,
                });
                continue;
            }
            bundles::insert_policy(self.db, version, policy.raw(), self.now)?;
            tracing::warn!(%version, "a policy that a restore had lost is back");
        }
        Ok(failed)
    }

    /// Writes a device back. Its chain begins with the grant of its first epoch; one that is in a later epoch says all of its
    /// entries again.
    fn put_back_device(&self, device: DeviceId, shown: &ShownEnrolment) -> Result<(), CloudError> {
        let certificate = shown.certificate.body();
        // A future enrolment marks a clock that was ahead; `doubt` then ignores it.
        let enrolled = certificate.issued;
        let head = if shown.grant.body().epoch == Epoch::new(1) {
            head_of(&shown.grant)
        } else {
            Head {
                epoch: Epoch::new(1),
                seq: Seq::new(0),
                hash: shown.grant.hash(),
                chain: Chain::start(enrolled),
            }
        };
        devices::insert(
            self.db,
            &Device {
                id: device,
                vehicle: certificate.vehicle,
                vin_last4: String::new(),
                key: certificate.key,
                certificate: shown.certificate.raw().to_vec(),
                enrolled,
                valid_until: certificate.valid_until,
                revoked: None,
                forked: None,
                head,
            },
        )?;
        receipts::keep(self.db, device, enrolled)?;
        tracing::warn!(%device, "a device that a restore had lost is back");
        Ok(())
    }
}
