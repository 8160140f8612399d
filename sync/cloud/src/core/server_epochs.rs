//! Lives of the database: one that was put back from a backup begins a new one, so that nobody takes its older word for a
//! newer one, and cars send again what it lacks.

use dashpoint_membership::{DeviceId, EntryRef, Seq, ServerEpoch, ServerTime};
use dashpoint_wire::{Raw, Receipt};

use super::CloudCore;
use super::unit_of_work::UnitOfWork;
use crate::error::CloudError;
use crate::store::{bindings, clock_leap, cloud_row, devices, log};

impl CloudCore {
    /// The present life.
    ///
    /// # Errors
    /// [`CloudError`] when the database fails.
    pub fn server_epoch(&self) -> Result<ServerEpoch, CloudError> {
        let life = cloud_row::find(&self.db)?.ok_or(CloudError::ForeignDatabase)?;
        Ok(life.server_epoch)
    }

    /// Begins a new life, later than the present one and than `after`.
    ///
    /// # Errors
    /// [`CloudError`] when the database fails.
    pub fn begin_server_epoch(
        &mut self,
        after: ServerEpoch,
        now: ServerTime,
    ) -> Result<ServerEpoch, CloudError> {
        self.unguarded(now, |unit, _| unit.begin_server_epoch(after))
    }

    /// Takes a time for the newest known one, as the operator did whose word was kept.
    pub(crate) fn believe(&mut self, known: ServerTime) -> Result<(), CloudError> {
        self.unguarded(known, |unit, _| {
            cloud_row::believe(unit.db, known)?;
            clock_leap::confirm(unit.db)?;
            bindings::begin_by(unit.db, known)
        })
    }

    /// Takes note of a time at which this cloud is known to have been at work.
    pub(crate) fn know(&mut self, known: ServerTime) -> Result<(), CloudError> {
        self.unguarded(known, |unit, _| cloud_row::know(unit.db, known))
    }

    /// A receipt of this cloud that its log does not bear out says that the database went back without anybody saying
    /// so: then a new life begins by itself.
    pub(super) fn detect_rollback(
        &mut self,
        device: DeviceId,
        receipt: Option<&Raw<Receipt>>,
        now: ServerTime,
    ) -> Result<(), CloudError> {
        let Some(receipt) = receipt else {
            return Ok(());
        };
        let receipt = match receipt.clone().verify(&self.key.public(), &device) {
            Ok(receipt) => receipt.into_parts().1,
            Err(refused) => {
                tracing::warn!(%device, %refused, "a device holds a receipt that this cloud did not sign");
                return Ok(());
            }
        };
        let present = self.server_epoch()?;
        let forgot = receipt.server_epoch > present
            || (receipt.server_epoch == present && !self.log_contains(device, &receipt)?);
        if forgot {
            // Not by a clock that is not believed: the request is refused then, and the receipt comes again.
            let life = self.work(now, |unit| unit.begin_server_epoch(receipt.server_epoch))?;
            tracing::warn!(
                %device,
                server_epoch = life.get(),
                "a device holds a receipt that the log does not bear out: the database went back, a new life begins"
            );
        }
        Ok(())
    }

    /// Returns whether the log has the entry that the receipt names.
    fn log_contains(&self, device: DeviceId, receipt: &Receipt) -> Result<bool, CloudError> {
        let Some(known) = devices::find(&self.db, device)? else {
            return Ok(true);
        };
        if (receipt.epoch, receipt.through) > (known.head.epoch, known.head.seq) {
            return Ok(false);
        }
        if receipt.through == Seq::new(0) {
            return Ok(true);
        }
        let place = EntryRef {
            device,
            epoch: receipt.epoch,
            seq: receipt.through,
        };
        let logged = log::find(&self.db, place)?;
        Ok(logged.is_some_and(|logged| logged.hash == receipt.head))
    }
}

impl UnitOfWork<'_> {
    pub(super) fn begin_server_epoch(&self, after: ServerEpoch) -> Result<ServerEpoch, CloudError> {
        let next = self.server_epoch.max(after).next();
        cloud_row::raise(self.db, next)?;
        Ok(next)
    }
}
