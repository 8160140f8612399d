//! Judgement on an entry, and how it ends when the database before a restore had the entry.

use dashpoint_membership::{Arrival, Entry, EntryBody, EntryHash, MemberId, Rejection, ServerTime};
use dashpoint_wire::{Raw, Signed};

use super::freed_meters::FreedMeters;
use super::settler::Settler;
use crate::error::CloudError;
use crate::plausible::Doubt;
use crate::store::awaited::{self, Awaited};
use crate::store::intervals::{self, Freed};
use crate::store::left_behind::LeftOutcome;

/// Member of an entry, and the reason that it is not admissible, if it is not.
pub(super) struct Admission {
    pub member: Option<MemberId>,
    pub refused: Option<Rejection>,
    pub doubt: Option<Doubt>,
}

/// Judgement on an entry, before it is settled.
pub(super) struct Judged {
    pub admission: Admission,
    pub arrival: Arrival,
    /// Newest receipt that the car is known to have held when it made the entry.
    pub known_from: ServerTime,
    /// The act that took its stretch from it in the database before a restore: it holds none here.
    pub freed: Option<Freed>,
}

impl Judged {
    /// Lets an entry end as it did in the database before a restore.
    pub fn end_as(&mut self, outcome: LeftOutcome) {
        let admission = &mut self.admission;
        let is_second = admission.refused == Some(Rejection::AlreadyPaid);
        match outcome {
            // What is known of the vehicle here did not speak against it there.
            LeftOutcome::Counted | LeftOutcome::Accepted => admission.doubt = None,
            LeftOutcome::InDoubt => {
                // Time alone ends no doubt; what is in doubt holds no stretch, and another one may.
                if is_second {
                    admission.refused = None;
                }
                if admission.refused.is_none() {
                    admission.doubt = admission.doubt.take().or(Some(Doubt::BeforeRestore));
                }
            }
            // The first one holds its stretch, or it is kept for it; else this is the first one now.
            LeftOutcome::Rejected(Rejection::AlreadyPaid) => {}
            LeftOutcome::Rejected(reason) => admission.refused = Some(reason),
            LeftOutcome::Freed(freed) => {
                if !freed.left_points() {
                    admission.refused = Some(Rejection::AlreadyPaid);
                } else if is_second {
                    // Another one holds its units, by the operator's will.
                    admission.refused = None;
                }
                admission.doubt = None;
                self.freed = Some(freed);
            }
        }
        if self.admission.refused.is_some() {
            self.admission.doubt = None;
        }
    }
}

impl Settler<'_> {
    /// Finds what became of an entry in the database before a restore. A carried one that does not say what its original said is
    /// another one.
    pub(super) fn awaited(&self, entry: &Signed<Entry>) -> Result<Option<Awaited>, CloudError> {
        let (db, device) = (self.unit.db, self.device);
        let Some(found) = awaited::find(db, device.id, device.vehicle, origin(entry))? else {
            return Ok(None);
        };
        Ok(says_the_same(entry.body(), &found)?.then_some(found))
    }

    /// Judges an entry that was awaited, and awaits it no more.
    pub(super) fn judged_again(
        &mut self,
        entry: &Signed<Entry>,
        awaited: Awaited,
    ) -> Result<Judged, CloudError> {
        let (db, device) = (self.unit.db, self.device);
        let place = entry.body().reference(device.id);
        // So that its own stretch does not refuse it.
        awaited::keep_for(db, &awaited, place)?;
        let mut judged = self.judged(entry)?;
        let (had_stretch, was_second) = (
            awaited.stretch.is_some(),
            awaited.outcome == LeftOutcome::Rejected(Rejection::AlreadyPaid),
        );
        let is_second = judged.admission.refused == Some(Rejection::AlreadyPaid);
        if !(is_second && had_stretch) {
            awaited::came(db, &awaited)?;
        }
        judged.end_as(awaited.outcome);
        if let Some(wanted) = entry.body().transaction().interval().filter(|_| was_second) {
            let freed = FreedMeters::new(intervals::freed(db, device.vehicle)?);
            if judged.admission.refused.is_none() && freed.touch_own(device.id, wanted) {
                // It was taken from the device itself.
                judged.admission.refused = Some(Rejection::AlreadyPaid);
                judged.admission.doubt = None;
            }
        }
        Ok(judged)
    }
}

fn says_the_same(entry: &Entry, awaited: &Awaited) -> Result<bool, CloudError> {
    let known = Raw::<Entry>::from(awaited.raw.clone()).claimed()?;
    let is_fresh = |entry: &Entry| matches!(entry.body, EntryBody::Fresh(_));
    if is_fresh(entry) && is_fresh(&known) {
        // The hash is that of the bytes.
        return Ok(true);
    }
    let said = |entry: &Entry| (entry.time, entry.binding, entry.policy);
    Ok(known.transaction() == entry.transaction() && said(&known) == said(entry))
}

/// The hash of the first entry that said it.
pub(super) fn origin(entry: &Signed<Entry>) -> EntryHash {
    match &entry.body().body {
        EntryBody::Fresh(_) => entry.hash(),
        EntryBody::Carry { original, .. } => *original,
    }
}
