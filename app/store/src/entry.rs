//! Entries as they are given to the store and as they come out of it.

use dashpoint_membership::{
    BindingId, CoarseTime, Entry, EntryBody, EntryHash, EntryKind, Epoch, Meter, MeterInterval,
    MeterNumber, Points, Seq,
};
use dashpoint_wire::{ChainPoint, Raw, Signed};
use rusqlite::Row;

use crate::error::{Doing as _, StoreError};
use crate::types::{SettledMark, StoredVerdict};

/// A signed entry on its way into the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewEntry {
    pub(crate) point: ChainPoint,
    pub(crate) prev: EntryHash,
    pub(crate) raw: Vec<u8>,
    pub(crate) private: Option<Vec<u8>>,
    pub(crate) summary: EntrySummary,
    pub(crate) marks: Vec<SettledMark>,
    pub(crate) made_at_unix_s: i64,
}

impl NewEntry {
    /// Takes an entry, the private evidence that stays in the car (none for one that came back from the cloud), and
    /// the car's own clock when it was made, in seconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub fn new(signed: &Signed<Entry>, private: Option<Vec<u8>>, made_at_unix_s: i64) -> Self {
        let entry = signed.body();
        // A meter that is opened begins with a mark, also in a ledger that gets the entry back.
        let opened = entry.transaction().opening().map(|opening| SettledMark {
            meter: opening.meter,
            number: opening.number,
            high: opening.first,
        });
        Self {
            point: ChainPoint {
                epoch: entry.epoch,
                seq: entry.seq,
                hash: signed.hash(),
            },
            prev: entry.prev,
            raw: signed.raw().to_vec(),
            private,
            summary: EntrySummary::of(entry),
            marks: opened.into_iter().collect(),
            made_at_unix_s,
        }
    }

    /// Settles more meters with it than the one that it claims.
    #[must_use]
    pub fn with_marks(mut self, marks: impl IntoIterator<Item = SettledMark>) -> Self {
        self.marks.extend(marks);
        self
    }

    /// Its place and hash.
    #[must_use]
    pub const fn point(&self) -> ChainPoint {
        self.point
    }
}

/// Columns of an entry for lists and sums, without decoding it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EntrySummary {
    /// The binding.
    pub binding: BindingId,
    /// Its kind.
    pub kind: EntryKind,
    /// True when it carries an entry of an earlier epoch.
    pub carried: bool,
    /// Points that the car expects to be paid.
    pub predicted: Points,
    /// Time of the event, as its device saw it.
    pub at: CoarseTime,
    /// The stretch of a meter that it claims.
    pub claim: Option<MeterInterval>,
}

impl EntrySummary {
    /// Reads it off an entry.
    #[must_use]
    pub fn of(entry: &Entry) -> Self {
        Self {
            binding: entry.binding,
            kind: entry.transaction().kind(),
            carried: match entry.body {
                EntryBody::Fresh(_) => false,
                EntryBody::Carry { .. } => true,
            },
            predicted: entry.predicted(),
            at: entry.time.at,
            claim: entry.transaction().interval(),
        }
    }
}

/// An entry as the ledger keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredEntry {
    /// Its place and hash.
    pub point: ChainPoint,
    /// Hash of the entry before, as it was given; the signed one is in `raw`.
    pub prev: EntryHash,
    /// The signed bytes.
    pub raw: Raw<Entry>,
    /// Private evidence; none when the entry came back from the cloud, or the key does not open it.
    pub private: Option<Vec<u8>>,
    /// Set when the private evidence is sealed with the key at hand and is no longer what was sealed.
    pub is_private_damaged: bool,
    /// Its columns for lists and sums.
    pub summary: EntrySummary,
    /// The car's own clock when it was made, in seconds since 1970-01-01T00:00:00Z.
    pub made_at_unix_s: i64,
}

/// An entry and the cloud's word on it, as a list shows them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Activity {
    /// Its place and hash.
    pub point: ChainPoint,
    /// The signed bytes.
    pub raw: Raw<Entry>,
    /// Its columns for lists and sums.
    pub summary: EntrySummary,
    /// The newest word of the cloud, if it has spoken.
    pub verdict: Option<StoredVerdict>,
}

/// Bits of the row number that hold the place in the epoch.
const SEQ_BITS: u32 = 40;
/// The last place there is in an epoch.
pub(crate) const SEQ_MAX: u64 = (1 << SEQ_BITS) - 1;
/// The last epoch there is.
pub(crate) const EPOCH_MAX: u32 = (1 << (63 - SEQ_BITS)) - 1;

/// The row number of a place in the chain: in the order of the chain.
pub(crate) fn row_id(epoch: Epoch, seq: Seq) -> Result<i64, StoreError> {
    if epoch.get() > EPOCH_MAX {
        return Err(StoreError::OutOfRange { what: "the epoch" });
    }
    let seq = i64::try_from(seq.get())
        .ok()
        .filter(|seq| *seq <= SEQ_MAX.cast_signed())
        .ok_or(StoreError::OutOfRange {
            what: "the place in the epoch",
        })?;
    Ok(i64::from(epoch.get()) << SEQ_BITS | seq)
}

/// The place in the chain of a row number.
pub(crate) fn place(id: i64) -> Result<(Epoch, Seq), StoreError> {
    let damaged = StoreError::Damaged {
        what: "place of an entry",
    };
    let Ok(epoch) = u32::try_from(id >> SEQ_BITS) else {
        return Err(damaged);
    };
    let seq = id.cast_unsigned() & SEQ_MAX;
    Ok((Epoch::new(epoch), Seq::new(seq)))
}

/// Quantities that a code has room for.
const QUANTITIES: i64 = 4;

/// The code of a meter: its quantity, and above that how many of the quantity were before it.
pub(crate) fn meter_code(meter: Meter, number: MeterNumber) -> i64 {
    let quantity = match meter {
        Meter::Odometer => 1,
        Meter::Charged => 2,
        Meter::Discharged => 3,
    };
    quantity + QUANTITIES * i64::from(number.get() - 1)
}

pub(crate) fn meter_of(code: i64) -> Result<(Meter, MeterNumber), StoreError> {
    let damaged = StoreError::Damaged { what: "meter" };
    let meter = match code.rem_euclid(QUANTITIES) {
        1 => Meter::Odometer,
        2 => Meter::Charged,
        3 => Meter::Discharged,
        _ => return Err(damaged),
    };
    let number = u32::try_from(code.div_euclid(QUANTITIES)).ok();
    let number = number.and_then(|before| MeterNumber::new(before.checked_add(1)?));
    number.map(|number| (meter, number)).ok_or(damaged)
}

/// A count of a meter as SQLite keeps it.
pub(crate) fn meter_value(value: u64) -> Result<i64, StoreError> {
    i64::try_from(value).map_err(|_| StoreError::OutOfRange {
        what: "the meter's count",
    })
}

impl EntrySummary {
    /// Reads the columns `binding, trigger, carried, points, at_min, meter, meter_from, meter_to`, in this order.
    pub(crate) fn read(row: &Row<'_>, first: usize) -> Result<Self, StoreError> {
        const DOING: &str = "read an entry's summary";
        let claim = match row.get::<_, Option<i64>>(first + 5).doing(DOING)? {
            None => None,
            Some(code) => {
                let (meter, number) = meter_of(code)?;
                Some(MeterInterval {
                    meter,
                    number,
                    from: row.get(first + 6).doing(DOING)?,
                    to: row.get(first + 7).doing(DOING)?,
                })
            }
        };
        let at_min = row.get(first + 4).doing(DOING)?;
        Ok(Self {
            binding: BindingId::from_bytes(row.get(first).doing(DOING)?),
            kind: EntryKind::of_number(row.get(first + 1).doing(DOING)?).ok_or(
                StoreError::Damaged {
                    what: "kind of an entry",
                },
            )?,
            carried: row.get(first + 2).doing(DOING)?,
            predicted: Points::new(row.get(first + 3).doing(DOING)?),
            at: CoarseTime::from_unix_min(at_min).ok_or(StoreError::Damaged {
                what: "time of an entry",
            })?,
            claim,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn row_numbers_keep_the_order_of_the_chain() {
        let places = [
            (1, 0),
            (1, 1),
            (1, SEQ_MAX),
            (2, 1),
            (EPOCH_MAX, 1),
            (EPOCH_MAX, SEQ_MAX),
        ];
        let ids: Vec<i64> = places
            .iter()
            .map(|(epoch, seq)| row_id(Epoch::new(*epoch), Seq::new(*seq)).unwrap())
            .collect();
        assert!(ids.is_sorted());
        for ((epoch, seq), id) in places.into_iter().zip(ids) {
            assert_eq!(place(id).unwrap(), (Epoch::new(epoch), Seq::new(seq)));
        }
        assert!(row_id(Epoch::new(EPOCH_MAX + 1), Seq::new(1)).is_err());
        assert!(row_id(Epoch::new(1), Seq::new(SEQ_MAX + 1)).is_err());
        assert!(place(-1).is_err());
    }

    #[test]
    fn codes_read_back() {
        let last = MeterNumber::new(u32::MAX).unwrap();
        for meter in Meter::ALL {
            for number in [MeterNumber::FIRST, MeterNumber::FIRST.next(), last] {
                assert_eq!(
                    meter_of(meter_code(meter, number)).unwrap(),
                    (meter, number)
                );
            }
        }
        // As programs have written them that knew one meter of each quantity.
        let codes = Meter::ALL.map(|meter| meter_code(meter, MeterNumber::FIRST));
        assert_eq!(codes, [1, 2, 3]);
        for code in [-1, 0, 4, 8, i64::MIN, i64::MAX] {
            assert!(meter_of(code).is_err(), "{code}");
        }
    }
}
