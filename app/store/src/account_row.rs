//! Rows of the accounts about this head unit's own entries, as statements have brought them.

use dashpoint_membership::{
    Cause, DeviceId, EntryRef, LedgerVersion, MemberId, ServerEpoch, ServerTime, Settlement,
    Statement,
};
use dashpoint_wire::{decode, encode};
use rusqlite::{Connection, params};

use crate::entry::row_id;
use crate::error::{Doing as _, StoreError};
use crate::seal::{NonceSource, SealKey};
use crate::sealing::{SealedPlace, close, open};
use crate::store::StoreReader;

/// Name under which the ledger keeps the id of the device.
const DEVICE: &str = "device";

/// Picks the rows of a statement that are to be kept: what became of own entries after their verdicts, and verdicts that
/// the ledger does not have.
pub(crate) fn to_keep(
    ledger: &Connection,
    statement: &Statement,
) -> Result<Vec<Settlement>, StoreError> {
    let doing = "look for own entries of a statement";
    let device: Option<Vec<u8>> = {
        let mut names = ledger
            .prepare_cached("SELECT value FROM meta WHERE name = ?1")
            .doing(doing)?;
        let mut rows = names.query([DEVICE]).doing(doing)?;
        let row = rows.next().doing(doing)?;
        row.map(|row| row.get(0)).transpose().doing(doing)?
    };
    let device = device.and_then(|device| <[u8; DeviceId::LEN]>::try_from(device).ok());
    let Some(device) = device.map(DeviceId::from_bytes) else {
        return Ok(Vec::new());
    };
    let mut kept = Vec::new();
    for row in &statement.settlements {
        let (entry, is_verdict) = if let Cause::Entry { entry, .. } = &row.cause {
            (*entry, true)
        } else if let Some(entry) = row.cause.changed_entry() {
            (entry, false)
        } else {
            continue;
        };
        let is_known = is_verdict && has_verdict(ledger, &entry, statement.server_epoch)?;
        if entry.device == device && !is_known {
            kept.push(Settlement {
                allocations: Vec::new(),
                promoted: None,
                ..row.clone()
            });
        }
    }
    Ok(kept)
}

/// Returns whether the ledger has the verdict on an entry.
fn has_verdict(
    ledger: &Connection,
    entry: &EntryRef,
    life: ServerEpoch,
) -> Result<bool, StoreError> {
    ledger
        .prepare_cached(
            "SELECT EXISTS (SELECT 1 FROM verdict WHERE entry = ?1 AND server_epoch = ?2)",
        )
        .and_then(|mut found| {
            let id = row_id(entry.epoch, entry.seq).unwrap_or(-1);
            found.query_row(params![id, life.get()], |row| row.get(0))
        })
        .doing("look for a verdict")
}

/// Returns the version up to which the rows of earlier lives of the cloud's database are those of a statement's life too, given
/// when the statement before it was issued, when that was of an earlier life.
///
/// Rows that were settled by then are from before the database was restored. A list that is full may begin later than what both lives
/// share; then nothing says which of the older rows the restored database has. One of few rows is full too when they have so many
/// allocations that the row before them may have had no room.
fn shared_through(statement: &Statement, issued_before: Option<ServerTime>) -> LedgerVersion {
    let mut rows = statement.settlements.iter();
    let first = rows.find(|row| row.version > statement.since);
    let is_known = first.is_none_or(|first| issued_before.is_some_and(|issued| first.at <= issued));
    let rows = &statement.settlements;
    let has_room = |count: usize, most: u32| u32::try_from(count).is_ok_and(|count| count < most);
    let allocations = rows.iter().map(|row| row.allocations.len().max(1)).sum();
    let is_whole = has_room(rows.len(), Statement::SETTLEMENTS_MAX)
        && has_room(allocations, Statement::ALLOCATIONS_MAX / 2);
    match is_known || is_whole {
        true => statement.since,
        false => LedgerVersion::new(0),
    }
}

/// Keeps rows of a statement, sealed. Those of an earlier life of the cloud that its restored database may lack are dropped with
/// the first statement of the next one. `held` is when the statement before it was issued, and in which life.
pub(crate) fn keep(
    cache: &Connection,
    key: &SealKey,
    nonces: &mut NonceSource,
    held: Option<(ServerEpoch, ServerTime)>,
    statement: &Statement,
    rows: &[Settlement],
) -> Result<(), StoreError> {
    let (member, life) = (statement.member, statement.server_epoch);
    let doing = "keep what became of own entries";
    let shared = match held {
        Some((held, _)) if held == life => statement.since,
        Some((_, issued)) => shared_through(statement, Some(issued)),
        None => shared_through(statement, None),
    };
    cache
        .execute(
            "DELETE FROM account_row WHERE member = ?1 AND server_epoch < ?2 AND version > ?3",
            params![member.as_bytes(), life.get(), shared.get().cast_signed()],
        )
        .doing(doing)?;
    for row in rows {
        let place = SealedPlace::AccountRow(member, life, row.version);
        let sealed = close(key, nonces, &place, &encode(row))?;
        cache
            .prepare_cached(
                "INSERT OR REPLACE INTO account_row (member, server_epoch, version, sealed)
                 VALUES (?1, ?2, ?3, ?4)",
            )
            .and_then(|mut insert| {
                insert.execute(params![
                    member.as_bytes(),
                    life.get(),
                    row.version.get().cast_signed(),
                    sealed
                ])
            })
            .doing(doing)?;
    }
    Ok(())
}

impl StoreReader {
    /// Lists the rows that statements had of own entries of one member after their verdicts, by the cloud's life and oldest first,
    /// without the lots that it went to; none of what the key does not open.
    ///
    /// # Errors
    /// See [`StoreReader`].
    pub fn account_rows(&self, member: MemberId) -> Result<Vec<Settlement>, StoreError> {
        let doing = "read what became of own entries";
        let mut statement = self
            .cache
            .prepare_cached(
                "SELECT server_epoch, version, sealed FROM account_row WHERE member = ?1
                 ORDER BY server_epoch, version",
            )
            .doing(doing)?;
        let rows = statement.query_map([member.as_bytes()], |row| {
            Ok((
                ServerEpoch::new(row.get(0)?),
                LedgerVersion::new(row.get::<_, i64>(1)?.cast_unsigned()),
                row.get::<_, Vec<u8>>(2)?,
            ))
        });
        let mut kept = Vec::new();
        for row in rows.doing(doing)? {
            let (life, version, sealed) = row.doing(doing)?;
            let place = SealedPlace::AccountRow(member, life, version);
            let opened = open(self.seal.as_ref(), &place, sealed).plain();
            kept.extend(opened.and_then(|raw| decode::<Settlement>(&raw).ok()));
        }
        Ok(kept)
    }
}
