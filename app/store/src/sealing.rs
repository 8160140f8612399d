//! Private evidence and checkpoints at rest: sealed when they are written, opened when they are read.
//!
//! Sealed bytes begin with a mark, so that what an older program wrote in the clear is told apart and read as it is until
//! it has been sealed.

use std::fs;
use std::path::Path;

use dashpoint_membership::{LedgerVersion, MemberId, ServerEpoch};
use rusqlite::types::{FromSql, ToSql};
use rusqlite::{Connection, OpenFlags, OptionalExtension as _, TransactionBehavior, params};

use crate::database::{self, CACHE, FileKind, LEDGER};
use crate::entry::NewEntry;
use crate::error::{Doing as _, DoingOn as _, StoreError};
use crate::seal::{NonceSource, SealKey, seal, unseal};
use crate::store::Store;

/// Begins what is sealed; sixteen random bytes, the salt of private evidence in the clear, are never these.
const MARK: &[u8; 16] = b"dashpoint/seal/1";

/// The place of something sealed: authenticated with it, so that nothing is opened anywhere else.
#[derive(Debug, Clone)]
pub(crate) enum SealedPlace {
    /// Beside the entry of this hash, which is of one device and one place of its chain.
    Entry([u8; 32]),
    /// With evidence that waits to be signed, by its digest: the evidence names its binding, which is of one device.
    Awaiting([u8; 32]),
    /// Under a name in the cache; the name of a fold's checkpoint has the device in it.
    Checkpoint(String),
    /// Beside the statements of a member, by the life of the cloud and the version of the account.
    AccountRow(MemberId, ServerEpoch, LedgerVersion),
    /// In the copy of a file as an older program left it.
    Copy,
}

impl SealedPlace {
    fn about(&self) -> Vec<u8> {
        let row;
        let (kind, rest): (&[u8], &[u8]) = match self {
            Self::AccountRow(member, life, version) => {
                row = [
                    &member.as_bytes()[..],
                    &life.get().to_be_bytes(),
                    &version.get().to_be_bytes(),
                ]
                .concat();
                (b"dashpoint/account-row/v1", &row)
            }
            Self::Entry(hash) => (b"dashpoint/private/v1", hash),
            Self::Awaiting(digest) => (b"dashpoint/awaiting/v1", digest),
            Self::Checkpoint(name) => (b"dashpoint/checkpoint/v1", name.as_bytes()),
            Self::Copy => (b"dashpoint/copy/v1", b""),
        };
        [kind, rest].concat()
    }
}

/// Seals bytes for a place.
pub(crate) fn close(
    key: &SealKey,
    nonces: &mut NonceSource,
    place: &SealedPlace,
    plain: &[u8],
) -> Result<Vec<u8>, StoreError> {
    let nonce = nonces().ok_or(StoreError::NoNonce)?;
    let sealed = seal(key, nonce, &place.about(), plain).ok_or(StoreError::OutOfRange {
        what: "the length of what is sealed",
    })?;
    let name = key.name();
    Ok([&MARK[..], &name, &name, &sealed].concat())
}

/// Bytes that are kept, as far as they can be had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Opened {
    /// They were not sealed, or the key opened them.
    Plain(Vec<u8>),
    /// They were sealed with another key.
    OtherKey,
    /// They were sealed with this key, and are no longer what was sealed.
    Damaged,
}

impl Opened {
    /// The bytes, if they can be had.
    pub(crate) fn plain(self) -> Option<Vec<u8>> {
        match self {
            Self::Plain(plain) => Some(plain),
            Self::OtherKey | Self::Damaged => None,
        }
    }
}

/// Opens what [`close`] made, and gives what is not sealed as it is. The name of the key stands there twice, so that a bit
/// that flips in it is not taken for another key.
pub(crate) fn open(key: Option<&SealKey>, place: &SealedPlace, kept: Vec<u8>) -> Opened {
    let Some(rest) = kept.strip_prefix(&MARK[..]) else {
        return Opened::Plain(kept);
    };
    let Some((names, sealed)) = rest.split_at_checked(2 * SealKey::NAME_LEN) else {
        return Opened::Damaged;
    };
    let (name, again) = names.split_at(SealKey::NAME_LEN);
    let Some(key) = key else {
        return Opened::OtherKey;
    };
    if name == again && name != key.name() {
        return Opened::OtherKey;
    }
    unseal(key, &place.about(), sealed).map_or(Opened::Damaged, Opened::Plain)
}

impl Store {
    /// The entry with its private evidence sealed. Without a key it is written without: it is for disputes alone, and no
    /// point waits for it.
    pub(crate) fn sealed(&mut self, entry: &NewEntry) -> Result<NewEntry, StoreError> {
        let place = SealedPlace::Entry(*entry.point.hash.as_bytes());
        let private = match (&entry.private, &self.read.seal) {
            (Some(plain), Some(key)) => Some(close(key, &mut self.nonces, &place, plain)?),
            (Some(_), None) | (None, _) => None,
        };
        Ok(NewEntry {
            private,
            ..entry.clone()
        })
    }

    pub(crate) fn all_sealed(&mut self, entries: &[NewEntry]) -> Result<Vec<NewEntry>, StoreError> {
        entries.iter().map(|entry| self.sealed(entry)).collect()
    }

    /// Seals what an older program, or one without its key, has left in the clear.
    pub(crate) fn seal_the_rest(&mut self) -> Result<(), StoreError> {
        let Some(key) = self.read.seal else {
            return Ok(());
        };
        let folder = self.folder().to_owned();
        seal_checkpoints(&mut self.read.cache, &folder, &key, &mut self.nonces)?;
        let doing = "look for unsealed evidence";
        let is_unsealed: bool = self
            .read
            .ledger
            .query_row(
                "SELECT EXISTS (SELECT 1 FROM meta WHERE name = 'unsealed')",
                [],
                |row| row.get(0),
            )
            .doing(doing)?;
        if !is_unsealed {
            return Ok(());
        }
        let rows = seal_ledger(&mut self.read.ledger, &key, &mut self.nonces)?;
        if rows > 0 {
            compact(&self.read.ledger)?;
        }
        seal_ledger_copies(&folder, &key, &mut self.nonces)?;
        self.read
            .ledger
            .execute("DELETE FROM meta WHERE name = 'unsealed'", [])
            .map(|_| ())
            .doing("note that all evidence is sealed")
    }
}

/// Row number and hash of an entry, with what is kept of its private evidence.
type Kept = (i64, [u8; 32], Vec<u8>);

/// Seals the private evidence of every entry, on the chain and beside it: the one time that rows of entries are changed.
fn seal_ledger(
    ledger: &mut Connection,
    key: &SealKey,
    nonces: &mut NonceSource,
) -> Result<u64, StoreError> {
    let doing = "seal private evidence";
    let tx = ledger
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .doing(doing)?;
    let trigger: String = tx
        .query_row(
            "SELECT sql FROM sqlite_schema WHERE type = 'trigger' AND name = 'entry_is_final'",
            [],
            |row| row.get(0),
        )
        .doing(doing)?;
    tx.execute_batch("DROP TRIGGER entry_is_final")
        .doing(doing)?;
    let mut sealed = 0;
    for table in ["entry", "stray"] {
        let mut after = (i64::MIN, [0; 32]);
        let next = format!(
            "SELECT id, hash, private FROM {table} WHERE (id, hash) > (?1, ?2) AND private IS NOT NULL
             ORDER BY id, hash LIMIT 1"
        );
        let update = format!("UPDATE {table} SET private = ?3 WHERE id = ?1 AND hash = ?2");
        loop {
            let row: Option<Kept> = one(&tx, &next, params![after.0, after.1]).doing(doing)?;
            let Some((id, hash, private)) = row else {
                break;
            };
            if !private.starts_with(MARK) {
                let private = close(key, nonces, &SealedPlace::Entry(hash), &private)?;
                tx.prepare_cached(&update)
                    .and_then(|mut update| update.execute(params![id, hash, private]))
                    .doing(doing)?;
                sealed += 1;
            }
            after = (id, hash);
        }
    }
    tx.execute_batch(&trigger).doing(doing)?;
    tx.commit().doing(doing)?;
    Ok(sealed)
}

fn one(
    tx: &Connection,
    sql: &str,
    values: impl rusqlite::Params,
) -> rusqlite::Result<Option<Kept>> {
    let mut statement = tx.prepare_cached(sql)?;
    statement
        .query_row(values, |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .optional()
}

/// Seals the copies that were made of a ledger before its migration. What waited in them is sealed as a whole.
fn seal_ledger_copies(
    folder: &Path,
    key: &SealKey,
    nonces: &mut NonceSource,
) -> Result<(), StoreError> {
    for mut copy in copies(&LEDGER, folder)? {
        seal_ledger(&mut copy, key, nonces)?;
        let read = "SELECT id, evidence FROM awaiting";
        let write = "UPDATE awaiting SET evidence = ?2 WHERE id = ?1";
        seal_column::<i64>(&mut copy, read, write, |_| SealedPlace::Copy, key, nonces)?;
        compact(&copy)?;
    }
    Ok(())
}

/// Opens the copies of a kind of file that lie in the folder.
fn copies(kind: &FileKind, folder: &Path) -> Result<Vec<Connection>, StoreError> {
    let prefix = format!("{}.schema-", kind.stem);
    let mut copies = Vec::new();
    for entry in fs::read_dir(folder).doing_on("list", folder)? {
        let path = entry.doing_on("list", folder)?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name.starts_with(&prefix) && name.ends_with(".db") {
            let access = OpenFlags::SQLITE_OPEN_READ_WRITE;
            copies.push(database::connect(&path, None, access).doing("open a copy")?);
        }
    }
    Ok(copies)
}

/// Seals the checkpoints of a cache and, where there were any in the clear, those of its copies.
fn seal_checkpoints(
    cache: &mut Connection,
    folder: &Path,
    key: &SealKey,
    nonces: &mut NonceSource,
) -> Result<(), StoreError> {
    let read = "SELECT name, raw FROM checkpoint WHERE length(raw) > 0";
    let write = "UPDATE checkpoint SET raw = ?2 WHERE name = ?1";
    let place = |name: &String| SealedPlace::Checkpoint(name.clone());
    if seal_column(cache, read, write, place, key, nonces)? == 0 {
        return Ok(());
    }
    compact(cache)?;
    for mut copy in copies(&CACHE, folder)? {
        seal_column(&mut copy, read, write, place, key, nonces)?;
        compact(&copy)?;
    }
    Ok(())
}

/// Seals one column of a small table, each row by its key; returns how many were in the clear.
fn seal_column<K: FromSql + ToSql>(
    file: &mut Connection,
    read: &str,
    write: &str,
    place: impl Fn(&K) -> SealedPlace,
    key: &SealKey,
    nonces: &mut NonceSource,
) -> Result<u64, StoreError> {
    let doing = "seal what lies in the clear";
    let tx = file.transaction().doing(doing)?;
    let rows: Vec<(K, Vec<u8>)> = tx
        .prepare(read)
        .and_then(|mut rows| {
            rows.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
                .collect()
        })
        .doing(doing)?;
    let mut sealed = 0;
    for (id, plain) in rows.iter().filter(|(_, kept)| !kept.starts_with(MARK)) {
        let closed = close(key, nonces, &place(id), plain)?;
        tx.execute(write, params![id, closed]).doing(doing)?;
        sealed += 1;
    }
    tx.commit().doing(doing)?;
    Ok(sealed)
}

/// Writes the file anew, so that nothing of what was overwritten stays in its free pages, nor in its log.
fn compact(file: &Connection) -> Result<(), StoreError> {
    file.execute_batch("VACUUM").doing("compact the database")?;
    database::checkpoint(file)
}
