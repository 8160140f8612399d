//! Carries what can be read of a ledger that cannot be used into a new one.
//!
//! The new file is built beside the old one, made durable, and only then do both get their new names: a crash on the
//! way leaves either the old file or the whole new one.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use dashpoint_membership::{Epoch, Seq};
use dashpoint_wire::digest;
use rusqlite::types::Value;
use rusqlite::{Connection, OpenFlags, Row, params_from_iter};

use crate::aside::{self, Incident, Trouble};
use crate::database::{self, LEDGER};
use crate::entry::{EPOCH_MAX, meter_of, row_id};
use crate::error::{Doing as _, DoingOn as _, StoreError};
use crate::ledger::{self, INSERT_STRAY};
use crate::lost;
use crate::sidecar::sidecar_file;
use crate::types::SettledMark;

/// Places in a row without a readable entry after which an epoch counts as read to its end: more than any page holds,
/// so that what lies behind some lost pages is found.
const MISSES_MAX: u32 = 4_096;

/// Tables that are copied row by row as they are: name, columns, in an order that satisfies their references.
const PLAIN: [(&str, &str, usize); 7] = [
    ("mark", "meter, high", 2),
    ("awaiting", "id, evidence, made_at, private", 4),
    (
        "receipt",
        "server_epoch, epoch, through, server_time, head, raw",
        6,
    ),
    ("certificate", "id, raw", 2),
    ("binding", "id, binding, raw", 3),
    ("meta", "name, value", 2),
    ("verdict", "entry, server_epoch, raw", 3),
];

const ENTRY: &str = "SELECT id, hash, prev, raw, private, binding, trigger, carried, points,
    at_min, meter, meter_from, meter_to, made_at FROM";

/// Sets the ledger aside and puts what can be read of it in its place.
pub(crate) fn replace(
    folder: &Path,
    vfs: Option<&str>,
    trouble: Trouble,
) -> Result<Incident, StoreError> {
    let (file, scratch) = (LEDGER.file(folder), LEDGER.scratch(folder));
    aside::remove_scratch(&scratch)?;
    let mut new = database::create(&LEDGER, &scratch, vfs)?;
    let mut found = Salvaged::default();
    if trouble == Trouble::Corrupt {
        let mended = file.with_extension("mended.db");
        aside::remove_scratch(&mended)?;
        let old = match open_damaged(&file, vfs) {
            Ok(old) => Some(old),
            Err(_) => {
                copy_with_header(&file, &scratch, &mended)?;
                open_damaged(&mended, vfs).ok()
            }
        };
        if let Some(old) = old {
            let tx = new.transaction().doing("salvage the ledger")?;
            found = salvage(&old, &tx)?;
            tx.commit().doing("salvage the ledger")?;
        }
        aside::remove_scratch(&mended)?;
    }
    database::checkpoint(&new)?;
    drop(new);
    let kept_as = aside::set_aside(&LEDGER, folder, trouble)?;
    aside::rename_if_there(&scratch, &file)?;
    aside::sync_folder(folder)?;
    Ok(Incident {
        trouble,
        kept_as,
        chained: found.chained,
        beside: found.beside,
        unreadable: found.unreadable,
    })
}

#[derive(Default)]
struct Salvaged {
    chained: u64,
    beside: u64,
    unreadable: u64,
    /// Row numbers of entries that were there, and whose bytes are not those that were signed.
    spoilt: BTreeSet<i64>,
}

fn open_damaged(file: &Path, vfs: Option<&str>) -> rusqlite::Result<Connection> {
    // Reading plays the log in, so nothing that was committed is missed; a file without a readable header fails here.
    let old = database::connect(file, vfs, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    old.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))?;
    Ok(old)
}

/// Bytes at the start of a database file that describe the whole of it.
const HEADER: usize = 100;
/// Bytes of a page, which is what SQLite makes them unless told otherwise.
const PAGE: usize = 4_096;

/// Copies a file that SQLite does not take for a database, with the header of a sound one of the same schema: all that
/// a header says is the same in both, but for the count of pages and the list of free ones.
fn copy_with_header(file: &Path, sound: &Path, copy: &Path) -> Result<(), StoreError> {
    let mut bytes = fs::read(file).doing_on("read", file)?;
    let header = fs::read(sound).doing_on("read", sound)?;
    if let (Some(to), Some(from)) = (bytes.get_mut(..HEADER), header.get(..HEADER)) {
        to.copy_from_slice(from);
    }
    let pages = u32::try_from(bytes.len() / PAGE).unwrap_or(u32::MAX);
    if let Some(count) = bytes.get_mut(28..32) {
        count.copy_from_slice(&pages.to_be_bytes());
    }
    if let Some(free) = bytes.get_mut(32..40) {
        free.fill(0);
    }
    fs::write(copy, bytes).doing_on("write", copy)?;
    let log = sidecar_file(file, "-wal");
    if log.exists() {
        fs::copy(&log, sidecar_file(copy, "-wal")).doing_on("copy", &log)?;
    }
    Ok(())
}

fn salvage(old: &Connection, new: &Connection) -> Result<Salvaged, StoreError> {
    let mut found = Salvaged::default();
    let epochs = copy_epochs(old, new, &mut found)?;
    for table in ["entry", "stray"] {
        for epoch in &epochs {
            copy_entries(old, new, table, *epoch, &mut found)?;
        }
    }
    found.chained = ledger::adopt(new)?;
    found.beside = new
        .query_row("SELECT count(*) FROM stray", [], |row| row.get(0))
        .doing("count what was salvaged")?;
    for (table, columns, width) in PLAIN {
        copy_rows(old, new, table, columns, width, &mut found)?;
    }
    lost::add(new, found.spoilt.iter().copied())?;
    raise_to_claims(new)?;
    Ok(found)
}

/// Copies the grants, and names the epochs to look for entries in: those granted and, should grants be lost, those of
/// the ends of the entries.
fn copy_epochs(
    old: &Connection,
    new: &Connection,
    found: &mut Salvaged,
) -> Result<Vec<Epoch>, StoreError> {
    copy_rows(old, new, "epoch", "epoch, hash, raw", 3, found)?;
    let mut newest: u32 = new
        .query_row("SELECT coalesce(max(epoch), 0) FROM epoch", [], |row| {
            row.get(0)
        })
        .doing("count what was salvaged")?;
    for end in ["min(id)", "max(id)"] {
        let sql = format!("SELECT {end} >> 40 FROM entry");
        if let Ok(Some(epoch)) = old.query_row(&sql, [], |row| row.get::<_, Option<u32>>(0)) {
            newest = newest.max(epoch.min(EPOCH_MAX));
        }
    }
    Ok((1..=newest).map(Epoch::new).collect())
}

/// Copies the readable entries of an epoch, one place at a time, so that a lost page costs no more than its rows. All
/// go beside the chain first; [`ledger::adopt`] then links them.
fn copy_entries(
    old: &Connection,
    new: &Connection,
    table: &str,
    epoch: Epoch,
    found: &mut Salvaged,
) -> Result<(), StoreError> {
    let Ok(mut select) = old.prepare(&format!("{ENTRY} {table} WHERE id = ?1")) else {
        return Ok(());
    };
    let mut misses = 0;
    let mut seq = Seq::new(0);
    // On a page that cannot be read may be entries, or none that are left: those behind which another is found were there.
    let mut on_lost_pages = Vec::new();
    while misses < MISSES_MAX {
        seq = seq.next();
        misses += 1;
        let id = row_id(epoch, seq)?;
        let Ok(mut rows) = select.query([id]) else {
            continue;
        };
        loop {
            match rows.next() {
                Ok(Some(row)) => {
                    misses = 0;
                    found.spoilt.extend(on_lost_pages.drain(..));
                    match intact(row) {
                        Some(values) => {
                            new.prepare_cached(INSERT_STRAY)
                                .and_then(|mut insert| insert.execute(params_from_iter(values)))
                                .doing("salvage an entry")?;
                        }
                        None => {
                            found.unreadable += 1;
                            found.spoilt.insert(id);
                        }
                    }
                }
                Ok(None) => break,
                Err(_) => {
                    found.unreadable += 1;
                    on_lost_pages.push(id);
                    break;
                }
            }
        }
    }
    Ok(())
}

/// The columns of an entry whose bytes have the hash beside them.
fn intact(row: &Row<'_>) -> Option<Vec<Value>> {
    let hash: [u8; 32] = row.get(1).ok()?;
    let raw: Vec<u8> = row.get(3).ok()?;
    if digest(&raw) != hash {
        return None;
    }
    (0..14).map(|column| row.get(column).ok()).collect()
}

/// Copies rows until one cannot be read; one that the new file refuses is left out.
fn copy_rows(
    old: &Connection,
    new: &Connection,
    table: &str,
    columns: &str,
    width: usize,
    found: &mut Salvaged,
) -> Result<(), StoreError> {
    let places = vec!["?"; width].join(", ");
    let insert = format!("INSERT OR IGNORE INTO {table} ({columns}) VALUES ({places})");
    let mut insert = new.prepare(&insert).doing("salvage rows")?;
    let Ok(mut select) = old.prepare(&format!("SELECT {columns} FROM {table}")) else {
        return Ok(());
    };
    let Ok(mut rows) = select.query([]) else {
        return Ok(());
    };
    loop {
        match rows.next() {
            Ok(Some(row)) => {
                let values: rusqlite::Result<Vec<Value>> =
                    (0..width).map(|column| row.get(column)).collect();
                match values.and_then(|values| insert.execute(params_from_iter(values))) {
                    Ok(_) => {}
                    Err(error) => {
                        let error = Err::<(), _>(error).doing("salvage rows");
                        match error {
                            Err(error) if error.is_disk_full() || error.is_io() => {
                                return Err(error);
                            }
                            Ok(()) | Err(_) => found.unreadable += 1,
                        }
                    }
                }
            }
            Ok(None) => return Ok(()),
            Err(_) => {
                found.unreadable += 1;
                return Ok(());
            }
        }
    }
}

/// Marks must not be below what a salvaged entry claims, even where their own rows are lost.
fn raise_to_claims(new: &Connection) -> Result<(), StoreError> {
    let doing = "salvage the meter marks";
    let mut statement = new
        .prepare(
            "SELECT meter, max(meter_to) FROM
                 (SELECT meter, meter_to FROM entry UNION ALL SELECT meter, meter_to FROM stray)
             WHERE meter IS NOT NULL GROUP BY meter",
        )
        .doing(doing)?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)));
    let claims: Vec<(i64, u64)> = rows.and_then(Iterator::collect).doing(doing)?;
    for (code, high) in claims {
        let (meter, number) = meter_of(code)?;
        let mark = SettledMark {
            meter,
            number,
            high,
        };
        ledger::raise(new, mark)?;
    }
    Ok(())
}
