//! Epochs: only the cloud opens one, and each number once.

use dashpoint_membership::{Chain, DeviceId, Epoch, Seq, ServerTime};
use dashpoint_wire::message::{EpochRequest, EpochResponse};
use dashpoint_wire::{ChainPoint, EpochGrant, Raw, Receipt, Signed};

use super::CloudCore;
use super::unit_of_work::UnitOfWork;
use crate::bucket::Stored;
use crate::error::CloudError;
use crate::lacking::Lacking;
use crate::store::devices::{self, Device, Head};
use crate::store::{grants, receipts};

/// Distance by which a device's own epoch may be ahead of the last one that this cloud is known to have opened: a cloud
/// restored from a backup has forgotten the last few.
const FORGOTTEN_MAX: u32 = 32;

impl CloudCore {
    /// Opens the next epoch for a device whose chain cannot go on: it follows the cloud's head. While that epoch has no
    /// entry, the same request gets the same grant again, byte for byte.
    ///
    /// # Errors
    /// [`CloudError`] when the database fails.
    pub fn open_epoch(
        &mut self,
        device: DeviceId,
        request: &EpochRequest,
        now: ServerTime,
    ) -> Result<EpochResponse, CloudError> {
        self.detect_rollback(device, request.last_receipt.as_ref(), now)?;
        let not_shown = self.asked_proofs.answered(device);
        let opened = self.work(now, |unit| {
            let found = unit.device(device)?;
            if let Some(grant) = unit.unused_grant(device, &found.head, request.head)? {
                return Ok(EpochResponse { grant });
            }
            let heard = unit.heard_epoch(device, request.last_receipt.as_ref());
            let newest = unit.newest_epoch(&found)?.max(heard);
            let named = request.head.epoch;
            let (lacking, place) = (Lacking::Epoch(named), request.head.hash);
            if named > reach(newest) && !not_shown.contains(&(lacking, place)) {
                return Err(CloudError::ProofWanted {
                    device,
                    lacking,
                    place,
                });
            }
            unit.take_in(device, Stored::Epochs, 1)?;
            let grant = EpochGrant {
                device,
                epoch: next_epoch(newest, named),
                follows: Some(found.head.point()),
                issued: unit.now,
                server_epoch: unit.server_epoch,
                chain: found.head.chain,
            };
            let grant = unit.grant(grant, Some(request.head))?;
            devices::move_head(unit.db, device, &head_of(&grant))?;
            Ok(EpochResponse {
                grant: grant.into(),
            })
        });
        self.note_asked(&opened);
        opened
    }
}

/// The number after the cloud's own epoch, or after the device's if the cloud was restored from before it.
fn next_epoch(own: Epoch, named: Epoch) -> Epoch {
    if named <= reach(own) {
        own.max(named).next()
    } else {
        own.next()
    }
}

/// The last epoch that a device may be in when the cloud knows of one.
const fn reach(own: Epoch) -> Epoch {
    Epoch::new(own.get().saturating_add(FORGOTTEN_MAX))
}

impl UnitOfWork<'_> {
    /// Signs the first grant of a device.
    pub fn first_grant(&self, device: DeviceId) -> Result<Signed<EpochGrant>, CloudError> {
        let grant = EpochGrant {
            device,
            epoch: Epoch::new(1),
            follows: None,
            issued: self.now,
            server_epoch: self.server_epoch,
            chain: Chain::start(self.now),
        };
        self.sign(grant, &device)
    }

    /// The epoch of a receipt that this cloud signed; the first without one.
    fn heard_epoch(&self, device: DeviceId, receipt: Option<&Raw<Receipt>>) -> Epoch {
        let verified = receipt.map(|receipt| receipt.clone().verify(&self.key.public(), &device));
        match verified {
            Some(Ok(receipt)) => receipt.body().epoch,
            Some(Err(_)) | None => Epoch::new(1),
        }
    }

    /// The newest epoch of a device that is known: one that the device has shown may be after its head.
    fn newest_epoch(&self, device: &Device) -> Result<Epoch, CloudError> {
        let granted = grants::newest(self.db, device.id)?;
        Ok(granted.map_or(device.head.epoch, |granted| granted.max(device.head.epoch)))
    }

    /// The grant at the head, while nothing follows it and it was given for that very request.
    fn unused_grant(
        &self,
        device: DeviceId,
        head: &Head,
        asked: ChainPoint,
    ) -> Result<Option<Raw<EpochGrant>>, CloudError> {
        let unused = head.seq == Seq::new(0);
        if !unused || !grants::was_asked_with(self.db, device, head.epoch, asked)? {
            return Ok(None);
        }
        Ok(grants::find(self.db, device, head.epoch)?.map(Raw::from))
    }

    /// Signs and keeps a grant.
    fn grant(
        &self,
        grant: EpochGrant,
        asked: Option<ChainPoint>,
    ) -> Result<Signed<EpochGrant>, CloudError> {
        let (device, epoch, issued) = (grant.device, grant.epoch, grant.issued);
        let signed = self.sign(grant, &device)?;
        grants::insert(self.db, device, epoch, signed.raw(), issued, asked)?;
        receipts::keep(self.db, device, issued)?;
        Ok(signed)
    }
}

/// The head of an epoch that has no entry yet.
pub(super) fn head_of(grant: &Signed<EpochGrant>) -> Head {
    Head {
        epoch: grant.body().epoch,
        seq: Seq::new(0),
        hash: grant.hash(),
        chain: grant.body().chain,
    }
}
