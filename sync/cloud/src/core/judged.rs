//! Judgement on an entry, and how it ends when the database before a restore had the entry.

use dashpoint_membership::{Arrival, Entry, EntryBody, EntryHash, MemberId, Rejection, ServerTime};
use dashpoint_wire::{Raw, Signed};
use rusqlite::Connection;

use super::freed_meters::FreedMeters;
use crate::error::CloudError;
use crate::plausible::Doubt;
use crate::store::awaited::{self, AwaitedEntry};
use crate::store::devices::Device;
use crate::store::intervals::{self, Freed};
use crate::store::left_behind::LeftOutcome;
use crate::store::log;

/// Member of an entry, and the reason that it is not admissible, if it is not.
pub(super) struct Admission {
    pub member: Option<MemberId>,
    pub refused: Option<Rejection>,
    pub doubt: Option<Doubt>,
}

/// Judgement on an entry, before it is settled.
pub(super) struct Judged {
    /// Hash of the first entry that said it.
    pub origin: EntryHash,
    pub admission: Admission,
    pub arrival: Arrival,
    /// Newest receipt that the car is known to have held when it made the entry.
    pub known_from: ServerTime,
    /// The act that took its stretch from it in the database before a restore: it holds none here.
    pub freed: Option<Freed>,
}

impl Judged {
    /// Lets an entry of a device that was awaited end as it did in the database before a restore.
    pub fn end_as_before(
        &mut self,
        db: &Connection,
        device: &Device,
        entry: &Entry,
        awaited: &AwaitedEntry,
    ) -> Result<(), CloudError> {
        let was_second = awaited.outcome == LeftOutcome::Rejected(Rejection::AlreadyPaid);
        self.end_as(awaited.outcome.clone());
        let wanted = entry.transaction().interval().filter(|_| was_second);
        if let Some(wanted) = wanted.filter(|_| self.admission.refused.is_none()) {
            let freed = FreedMeters::new(intervals::freed(db, device.vehicle)?);
            if freed.touch_own(device.id, wanted) {
                // It was taken from the device itself.
                self.admission.refused = Some(Rejection::AlreadyPaid);
                self.admission.doubt = None;
            }
        }
        Ok(())
    }

    fn end_as(&mut self, outcome: LeftOutcome) {
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
            LeftOutcome::StaysSecond => admission.refused = Some(Rejection::AlreadyPaid),
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

/// An entry that is sent, beside what a restore awaits.
pub(super) struct Sent {
    /// Hash of the first entry that said it; of itself when it only pretends to say what an awaited one said.
    pub origin: EntryHash,
    pub awaited: Option<AwaitedEntry>,
}

/// Finds what became of an entry in the database before a restore, and keeps its stretch from all but itself.
pub(super) fn find_awaited(
    db: &Connection,
    device: &Device,
    entry: &Signed<Entry>,
) -> Result<Sent, CloudError> {
    let origin = origin(entry);
    let not_awaited = |origin| Sent {
        origin,
        awaited: None,
    };
    let Some(found) = awaited::find(db, device.id, device.vehicle, origin)? else {
        return Ok(not_awaited(origin));
    };
    let is_carried = matches!(entry.body().body, EntryBody::Carry { .. });
    if is_carried && log::knows_origin(db, device.vehicle, origin)? {
        // What is awaited is for the original, which is here.
        return Ok(not_awaited(origin));
    }
    if !says_the_same(entry.body(), &found)? {
        return Ok(not_awaited(entry.hash()));
    }
    awaited::keep_for(db, &found, entry.body().reference(device.id))?;
    Ok(Sent {
        origin,
        awaited: Some(found),
    })
}

fn says_the_same(entry: &Entry, awaited: &AwaitedEntry) -> Result<bool, CloudError> {
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

/// Returns the time of an entry as far as the cloud can know it: not before the receipt that the device held, not after
/// now.
pub(super) fn happened(entry: &Entry, arrival: Arrival) -> ServerTime {
    let held = if entry.receipt_at > arrival.at {
        arrival.receipt_at
    } else {
        entry.receipt_at
    };
    ServerTime::from_unix_s(entry.time.at.as_unix_s())
        .max(held)
        .min(arrival.at)
}
