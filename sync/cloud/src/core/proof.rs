//! Enrolments that a database forgot when it went back: what this very cloud signed for a car proves itself, and is written
//! back.

use dashpoint_membership::{
    BindingId, Chain, DeviceId, Epoch, MemberId, Seq, ServerEpoch, ServerTime,
};
use dashpoint_wire::message::EnrolmentProof;
use dashpoint_wire::{
    Binding, DeviceCertificate, EpochGrant, MAX_BINDINGS, PublicKey, Signed, WireError,
};

use super::CloudCore;
use super::clock_guard;
use super::epochs::head_of;
use super::unit_of_work::UnitOfWork;
use crate::error::CloudError;
use crate::store::bindings::Bound;
use crate::store::devices::{Device, Head};
use crate::store::{bindings, cloud_row, devices, grants, members, proofs, receipts};

/// A proof whose signatures are this cloud's.
struct ShownEnrolment {
    certificate: Signed<DeviceCertificate>,
    grant: Signed<EpochGrant>,
    bindings: Vec<Signed<Binding>>,
}

impl ShownEnrolment {
    fn verified(
        cloud: &PublicKey,
        device: DeviceId,
        proof: &EnrolmentProof,
    ) -> Result<Self, CloudError> {
        let verified = || {
            if proof.bindings.len() > MAX_BINDINGS {
                return Err(WireError::Unsound("too many bindings"));
            }
            let bindings = proof.bindings.iter().cloned();
            Ok(Self {
                certificate: proof.certificate.clone().verify(cloud, &device)?,
                grant: proof.grant.clone().verify(cloud, &device)?,
                bindings: bindings
                    .map(|binding| binding.verify(cloud, &device))
                    .collect::<Result<_, _>>()?,
            })
        };
        verified().map_err(|refused| CloudError::NotProven { device, refused })
    }
}

impl CloudCore {
    /// The key that a device signs with, also of one that this database forgot and that shows its certificate.
    ///
    /// # Errors
    /// [`CloudError::NotProven`] for what this cloud did not sign; [`CloudError::NoDevice`] for a device that is shut out or
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
        let shown = ShownEnrolment::verified(&self.key.public(), device, proof)?;
        let certificate = shown.certificate.body();
        if clock_guard::believed(&life, now) >= certificate.valid_until {
            return Err(CloudError::NoDevice(device));
        }
        Ok(certificate.key)
    }

    /// Takes back what a database that went back forgot of a device's enrolment. When nobody said that it went back, a new
    /// life begins.
    ///
    /// # Errors
    /// [`CloudError::NotProven`]; [`CloudError::NoDevice`] when the device is kept out or its key was enrolled anew;
    /// [`CloudError::MemberForgotten`] when it earns for a member who is not here: what else it showed was taken.
    pub fn take_proof(
        &mut self,
        device: DeviceId,
        proof: &EnrolmentProof,
        now: ServerTime,
    ) -> Result<(), CloudError> {
        let shown = ShownEnrolment::verified(&self.key.public(), device, proof)?;
        let taken = self.work(now, |unit| {
            unit.may_come_back(device, &shown)?;
            if let Some(life) = unit.life_to_begin(device, &shown)? {
                return Ok(Err(life));
            }
            unit.put_back(device, &shown).map(Ok)
        })?;
        let missing = match taken {
            Ok(missing) => missing,
            Err(after) => {
                let life = self.begin_server_epoch(after, now)?;
                tracing::warn!(
                    %device, server_epoch = life.get(),
                    "a device shows an enrolment that is not here: the database went back, a new life begins"
                );
                self.work(now, |unit| unit.put_back(device, &shown))?
            }
        };
        let done = missing.map_or(Ok(()), |member| Err(CloudError::MemberForgotten(member)));
        self.note_wait(device, &done);
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
        if self.server_epoch == cloud_row::FIRST {
            for binding in &shown.bindings {
                went_back |= bindings::find(self.db, binding.body().id)?.is_none();
            }
        }
        Ok(went_back.then_some(granted.max(self.server_epoch)))
    }

    /// Writes back what is not here; returns a member who is not here either.
    fn put_back(
        &self,
        device: DeviceId,
        shown: &ShownEnrolment,
    ) -> Result<Option<MemberId>, CloudError> {
        if devices::find(self.db, device)?.is_none() {
            self.put_back_device(device, shown)?;
        }
        let grant = shown.grant.body();
        if grants::find(self.db, device, grant.epoch)?.is_none() {
            let raw = shown.grant.raw();
            grants::insert(self.db, device, grant.epoch, raw, grant.issued, None)?;
            receipts::keep(self.db, device, grant.issued)?;
        }
        let mut missing = None;
        for binding in &shown.bindings {
            let body = binding.body();
            if bindings::find(self.db, body.id)?.is_some() {
                continue;
            }
            if members::profile(self.db, body.member)?.is_none() {
                missing = Some(body.member);
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
        if missing.is_none() {
            proofs::keep(self.db, device, self.server_epoch)?;
        }
        Ok(missing)
    }

    /// Writes a device back. Its chain begins with the grant of its first epoch; one that is in a later epoch says all of its
    /// entries again.
    fn put_back_device(&self, device: DeviceId, shown: &ShownEnrolment) -> Result<(), CloudError> {
        let certificate = shown.certificate.body();
        let enrolled = certificate.issued.min(self.now);
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

    /// Returns whether an entry's binding may have been given before this database went back: it is not here, and the device
    /// has not yet shown those that it holds.
    pub(super) fn may_have_forgotten(
        &self,
        device: DeviceId,
        binding: BindingId,
    ) -> Result<bool, CloudError> {
        Ok(self.server_epoch > cloud_row::FIRST
            && bindings::find(self.db, binding)?.is_none()
            && !proofs::was_shown(self.db, device, self.server_epoch)?)
    }
}
