//! Integrity check of the ledger's file.

use std::fmt;

use dashpoint_membership::{EntryHash, Epoch, Seq};
use dashpoint_wire::digest;
use rusqlite::{Connection, InterruptHandle, ffi};

use crate::chain;
use crate::entry::place;
use crate::error::{Doing as _, StoreError};
use crate::store::StoreReader;
use crate::types::CheckDepth;

/// Something that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// SQLite's word on a page, an index or a constraint.
    File(String),
    /// The signed bytes are not those of the hash beside them.
    Bytes(Epoch, Seq),
    /// The entry does not follow the one before.
    Link(Epoch, Seq),
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(what) => f.write_str(what),
            Self::Bytes(epoch, seq) => write!(f, "the bytes of entry {epoch}-{seq} were changed"),
            Self::Link(epoch, seq) => {
                write!(f, "entry {epoch}-{seq} does not follow the one before")
            }
        }
    }
}

impl StoreReader {
    /// Looks at the ledger; no finding means that it is whole. Signatures are for the caller to verify.
    ///
    /// Meant for after the first frame: [`CheckDepth::Full`] reads the whole file.
    ///
    /// # Errors
    /// [`StoreError::is_corrupt`] when it is too damaged to be looked at.
    pub fn check(&self, check: CheckDepth) -> Result<Vec<Finding>, StoreError> {
        match check {
            CheckDepth::Ends => {
                look_at_ends(&self.ledger)?;
                Ok(Vec::new())
            }
            CheckDepth::Pages => pages(&self.ledger, "PRAGMA quick_check(20)"),
            CheckDepth::Full => whole(&self.ledger),
        }
    }

    /// Returns a handle that ends a check of this reader from another thread.
    #[must_use]
    pub fn stopper(&self) -> CheckStopper {
        CheckStopper(self.ledger.get_interrupt_handle())
    }
}

/// Ends what a reader is looking at when it is dropped; what the reader was asked then fails.
pub struct CheckStopper(InterruptHandle);

impl Drop for CheckStopper {
    fn drop(&mut self) {
        self.0.interrupt();
    }
}

impl fmt::Debug for CheckStopper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CheckStopper").finish_non_exhaustive()
    }
}

/// Returns whether the ledger may be used.
pub(crate) fn is_ledger_sound(ledger: &Connection, check: CheckDepth) -> Result<bool, StoreError> {
    look_at_ends(ledger)?;
    Ok(match check {
        CheckDepth::Ends => true,
        CheckDepth::Pages => is_file_sound(ledger)?,
        CheckDepth::Full => whole(ledger)?.is_empty(),
    })
}

/// The first things that are wrong with any page, index, reference or link: what a look at a running ledger finds, the
/// next opening of the folder finds too.
fn whole(ledger: &Connection) -> Result<Vec<Finding>, StoreError> {
    let mut findings = pages(ledger, "PRAGMA integrity_check(20)")?;
    findings.extend(pages(ledger, "PRAGMA foreign_key_check")?);
    if findings.is_empty() {
        findings = links(ledger)?;
    }
    Ok(findings)
}

/// Returns whether all pages of a file can be read.
pub(crate) fn is_file_sound(file: &Connection) -> Result<bool, StoreError> {
    Ok(pages(file, "PRAGMA quick_check(1)")?.is_empty())
}

/// Reads the few rows that work begins with.
fn look_at_ends(ledger: &Connection) -> Result<(), StoreError> {
    if let Some(epoch) = chain::newest_epoch(ledger)? {
        chain::head(ledger, epoch)?;
    }
    for table in ["mark", "awaiting", "binding", "certificate", "meta"] {
        ledger
            .query_row(&format!("SELECT count(*) FROM {table}"), [], |_| Ok(()))
            .doing("look at the ledger")?;
    }
    Ok(())
}

fn pages(file: &Connection, pragma: &str) -> Result<Vec<Finding>, StoreError> {
    let doing = "check the file's pages";
    let mut statement = file.prepare(pragma).doing(doing)?;
    let rows = statement.query_map([], |row| row.get::<_, String>(0));
    let lines: Vec<String> = rows.and_then(Iterator::collect).doing(doing)?;
    if lines.iter().any(|line| is_unread(line)) {
        let unread = ffi::Error::new(ffi::SQLITE_IOERR_READ);
        return Err(rusqlite::Error::SqliteFailure(unread, None)).doing(doing);
    }
    Ok(lines
        .into_iter()
        .filter(|line| line != "ok")
        .map(Finding::File)
        .collect())
}

/// Returns whether a line is SQLite's report on a page that the device did not give: that says nothing of the file,
/// which must not be set aside for it.
fn is_unread(line: &str) -> bool {
    let code = line
        .rsplit_once("error code=")
        .and_then(|(_, code)| code.trim().parse::<i32>().ok());
    code.is_some_and(|code| code & 0xff == ffi::SQLITE_IOERR) || line.contains("failed to get page")
}

/// Holds every entry against its hash and the one before.
fn links(ledger: &Connection) -> Result<Vec<Finding>, StoreError> {
    let doing = "check the chain";
    let mut statement = ledger
        .prepare("SELECT id, hash, prev, raw FROM entry ORDER BY id")
        .doing(doing)?;
    let mut rows = statement.query([]).doing(doing)?;
    let mut findings = Vec::new();
    let mut last: Option<(Epoch, Seq, EntryHash)> = None;
    while let Some(row) = rows.next().doing(doing)? {
        let (epoch, seq) = place(row.get(0).doing(doing)?)?;
        let hash = EntryHash::from_bytes(row.get(1).doing(doing)?);
        let prev = EntryHash::from_bytes(row.get(2).doing(doing)?);
        let raw: Vec<u8> = row.get(3).doing(doing)?;
        if digest(&raw) != *hash.as_bytes() {
            findings.push(Finding::Bytes(epoch, seq));
        }
        let before = match last {
            Some((e, s, hash)) if e == epoch && s.next() == seq => Some(hash),
            _ if seq.get() == 1 => {
                chain::point(ledger, epoch, Seq::new(0))?.map(|grant| grant.hash)
            }
            _ => None,
        };
        if before != Some(prev) {
            findings.push(Finding::Link(epoch, seq));
        }
        last = Some((epoch, seq, hash));
    }
    Ok(findings)
}
