//! Claims of entries on stretches of meters.

use dashpoint_membership::{Entry, EntryRef, Given, ServerTime};

use super::unit_of_work::UnitOfWork;
use crate::error::CloudError;
use crate::plausible::EntryTimes;
use crate::store::devices::Device;
use crate::store::uses::{self, Use};
use crate::store::{awaited, intervals};

impl UnitOfWork<'_> {
    /// Gives an entry the stretch of the meter that it claims, if it claims one.
    pub(super) fn hold(
        &self,
        claim: Option<&Use<'_>>,
        given: Option<&Given>,
    ) -> Result<(), CloudError> {
        let Some(claim) = claim else {
            return Ok(());
        };
        let interval = claim.evidence.interval();
        intervals::claim(self.db, claim.vehicle, interval, claim.entry, given)?;
        awaited::settled(self.db, claim.entry)?;
        uses::insert(self.db, claim)
    }
}

/// The claim of an entry on a meter, if it makes one.
pub(super) fn claim<'a>(
    device: &Device,
    place: EntryRef,
    entry: &'a Entry,
    receipt_at: ServerTime,
    arrived: ServerTime,
) -> Option<Use<'a>> {
    let evidence = entry.transaction().evidence()?;
    Some(Use {
        entry: place,
        vehicle: device.vehicle,
        evidence,
        span: EntryTimes::of(entry, evidence),
        receipt_at,
        arrived,
    })
}
