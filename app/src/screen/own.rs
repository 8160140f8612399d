//! The car's own entries as the screen needs them.

use dashpoint_membership::{Entry, Evidence};
use dashpoint_store::{StoreError, StoreReader};
use dashpoint_telematics::{PrivateEvidence, TripTrace};
use dashpoint_wire::ChainPoint;

use crate::books::{Books, SaltedEvidence};
use crate::entry_status::{EntryRow, EntryStatus, read_entries};

/// Rows that the list keeps: a fortnight of driving, and no more than a moment to read.
const ROWS_MAX: u32 = 120;

/// One own entry that verifies, with its state.
#[derive(Debug, Clone, PartialEq)]
pub struct OwnEntry {
    /// Its place and hash.
    pub point: ChainPoint,
    /// The decoded entry.
    pub entry: Entry,
    /// Its state.
    pub status: EntryStatus,
    /// The private evidence; only of the newest trip, and only when its digest is the signed one.
    pub trace: Option<TripTrace>,
}

/// Reads the newest own entries, newest first. What does not verify is left out and for `ledger --verify` to tell; what a
/// later entry says again is shown by that.
///
/// # Errors
/// When the ledger cannot be read.
pub fn read(reader: &StoreReader, books: &Books) -> Result<Vec<OwnEntry>, StoreError> {
    let rows = read_entries(reader, &books.identity, ROWS_MAX)?.into_iter();
    let rows = rows.filter(|row| row.said_again.is_none());
    let mut own: Vec<OwnEntry> = rows.filter_map(own_entry).collect();
    if let Some(newest) = own.iter_mut().find(|own| is_trip(&own.entry)) {
        newest.trace = trace(reader, newest)?;
    }
    Ok(own)
}

impl OwnEntry {
    /// Returns it as it stands while the cloud refuses this car.
    pub(super) fn while_refused(self) -> Self {
        Self {
            status: self.status.while_refused(true),
            ..self
        }
    }
}

fn own_entry(row: EntryRow) -> Option<OwnEntry> {
    Some(OwnEntry {
        point: row.activity.point,
        entry: row.entry?,
        status: row.status,
        trace: None,
    })
}

/// Returns whether an entry is of a trip.
pub(super) const fn is_trip(entry: &Entry) -> bool {
    matches!(entry.transaction().evidence(), Some(Evidence::Trip(_)))
}

fn trace(reader: &StoreReader, own: &OwnEntry) -> Result<Option<TripTrace>, StoreError> {
    let Some(digest) = own.entry.transaction().digest() else {
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
