//! Epochs: only the cloud opens one, and each number once.

use dashpoint_membership::{Chain, DeviceId, Epoch, ServerTime};
use dashpoint_wire::message::{EpochRequest, EpochResponse};
use dashpoint_wire::{ChainPoint, EpochGrant, Raw, Signed};

use super::CloudCore;
use super::desk::Desk;
use super::entries::point;
use crate::error::CloudError;
use crate::store::devices::{self, Head};
use crate::store::grants;

impl CloudCore {
    /// Opens the next epoch for a device whose chain cannot go on: it follows the cloud's head. The same request gets the
    /// same grant again, byte for byte.
    ///
    /// # Errors
    /// [`CloudError`] when the database fails.
    pub fn open_epoch(
        &mut self,
        device: DeviceId,
        request: &EpochRequest,
        now: ServerTime,
    ) -> Result<EpochResponse, CloudError> {
        self.work(now, |desk| {
            if let Some(raw) = grants::asked_with(desk.db, device, request.head)? {
                return Ok(EpochResponse {
                    grant: Raw::from(raw),
                });
            }
            let found = desk.device(device)?;
            let grant = EpochGrant {
                device,
                epoch: found.head.epoch.next(),
                follows: Some(point(&found.head)),
                issued: desk.now,
                server_epoch: desk.server_epoch,
                chain: found.head.chain,
            };
            let grant = desk.grant(grant, Some(request.head))?;
            devices::move_head(desk.db, device, &head_of(&grant))?;
            Ok(EpochResponse {
                grant: grant.into(),
            })
        })
    }
}

impl Desk<'_> {
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

    /// Signs and keeps a grant.
    fn grant(
        &self,
        grant: EpochGrant,
        asked: Option<ChainPoint>,
    ) -> Result<Signed<EpochGrant>, CloudError> {
        let (device, epoch, issued) = (grant.device, grant.epoch, grant.issued);
        let signed = self.sign(grant, &device)?;
        grants::insert(self.db, device, epoch, signed.raw(), issued, asked)?;
        Ok(signed)
    }
}

/// The head of an epoch that has no entry yet.
pub(super) fn head_of(grant: &Signed<EpochGrant>) -> Head {
    Head {
        epoch: grant.body().epoch,
        seq: dashpoint_membership::Seq::new(0),
        hash: grant.hash(),
        chain: grant.body().chain,
    }
}
