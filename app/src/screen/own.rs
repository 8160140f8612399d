//! The car's own entries as the screen needs them.

use dashpoint_membership::{Entry, EntryBody, EntryHash, Evidence, Transaction, Verdict};
use dashpoint_store::{Activity, StoreError, StoreReader};
use dashpoint_telematics::{PrivateEvidence, TripTrace};
use dashpoint_wire::ChainPoint;

use crate::books::{Books, SaltedEvidence};

/// Rows that the list keeps: a fortnight of driving, and no more than a moment to read.
const ROWS_MAX: u32 = 120;

/// One own entry and the cloud's word on it.
#[derive(Debug, Clone, PartialEq)]
pub struct OwnEntry {
    /// Its place and hash.
    pub point: ChainPoint,
    /// The decoded entry.
    pub entry: Entry,
    /// The newest word of the cloud.
    pub verdict: Option<Verdict>,
    /// The private evidence; only of the newest trip, and only when its digest is the signed one.
    pub trace: Option<TripTrace>,
}

/// Reads the newest own entries, newest first; what does not verify is left out and for `ledger --verify` to tell.
///
/// # Errors
/// When the ledger cannot be read.
pub fn read(reader: &StoreReader, books: &Books) -> Result<Vec<OwnEntry>, StoreError> {
    let page = reader.activity(None, ROWS_MAX)?;
    let mut own: Vec<OwnEntry> = Vec::with_capacity(page.len());
    let mut said_again: Vec<EntryHash> = Vec::new();
    for activity in page {
        let hash = activity.point.hash;
        let Some(read) = own_entry(activity, books) else {
            continue;
        };
        if let EntryBody::Carry { original, .. } = &read.entry.body {
            said_again.push(*original);
        }
        if !said_again.contains(&hash) {
            own.push(read);
        }
    }
    if let Some(newest) = own.iter_mut().find(|own| is_trip(&own.entry)) {
        newest.trace = trace(reader, newest)?;
    }
    Ok(own)
}

fn own_entry(activity: Activity, books: &Books) -> Option<OwnEntry> {
    let identity = &books.identity;
    let signed = activity.raw.verify(&identity.device_key, &identity.device);
    Some(OwnEntry {
        point: activity.point,
        entry: signed.ok()?.into_parts().1,
        verdict: activity.verdict.map(|stored| stored.verdict),
        trace: None,
    })
}

/// Returns whether an entry is of a trip.
pub(super) const fn is_trip(entry: &Entry) -> bool {
    matches!(
        entry.transaction(),
        Transaction::Earn {
            evidence: Evidence::Trip(_),
            ..
        }
    )
}

fn trace(reader: &StoreReader, own: &OwnEntry) -> Result<Option<TripTrace>, StoreError> {
    let Transaction::Earn { digest, .. } = own.entry.transaction() else {
        return Ok(None);
    };
    let stored = reader.entry(own.point.epoch, own.point.seq)?;
    let private = stored.and_then(|stored| stored.private);
    let kept = private.and_then(|private| SaltedEvidence::signed_as(private, digest));
    Ok(match kept.and_then(|kept| kept.decode()) {
        Some(PrivateEvidence::Trip(trace)) => Some(trace),
        Some(PrivateEvidence::Charge(_) | PrivateEvidence::Discharge(_)) | None => None,
    })
}
