//! The restore's part of the entries that are awaited: what the replaced database had, that this one lacks.

use std::collections::BTreeSet;

use dashpoint_membership::{
    DeviceId, Entry, EntryHash, EntryRef, MeterNumber, Rejection, VehicleId, Verdict,
};
use dashpoint_wire::Raw;
use rusqlite::Connection;

use super::awaited::{AwaitedEntry, COLUMNS, IS_SENT_AGAIN, find, read};
use super::intervals::{self, bounds};
use super::left_behind::{LeftOutcome, outcome};
use super::{Col, Json, devices, kept, log, reviews};
use crate::error::CloudError;

/// Writes what the replaced database has and this one lacks, with what that one awaited itself, and what this one did.
pub(crate) fn take_over(replaced: &Connection, db: &Connection) -> Result<(), CloudError> {
    let own = still_awaited(db)?;
    db.execute("DELETE FROM awaited", [])?;
    let mut waiting = Vec::new();
    for device in devices::list(replaced)? {
        if !devices::is_fraud(replaced, device.id)? {
            take_log(replaced, device.id, device.vehicle, db, &mut waiting)?;
        }
    }
    // After those that hold a stretch there: it is theirs until an operator's word is given again.
    for one in waiting {
        insert(db, one)?;
    }
    for one in still_awaited(replaced)? {
        insert(db, one)?;
    }
    for one in own {
        // One that came there said itself what became of it.
        if !log::knows_origin(replaced, one.vehicle, one.origin)? {
            insert(db, one)?;
        }
    }
    Ok(())
}

/// Writes the entries of a device's log that this database lacks, as far as it matters what became of them. Those that waited there
/// for what an earlier restore had taken from them are left to the caller.
fn take_log(
    replaced: &Connection,
    device: DeviceId,
    vehicle: VehicleId,
    db: &Connection,
    waits_there: &mut Vec<AwaitedEntry>,
) -> Result<(), CloudError> {
    let mut statement = replaced.prepare_cached(
        "SELECT epoch, seq, origin, verdict, raw FROM entries WHERE device = ?1 ORDER BY epoch, seq",
    )?;
    let mut rows = statement.query([Col(device)])?;
    while let Some(row) = rows.next()? {
        let origin = row.get::<_, Col<EntryHash>>(2)?.0;
        let entry = EntryRef {
            device,
            epoch: row.get::<_, Col<_>>(0)?.0,
            seq: row.get::<_, Col<_>>(1)?.0,
        };
        let verdict = row.get::<_, Json<Verdict>>(3)?.0;
        // The entry that it repeats says what became of it.
        let repeated = Verdict::Rejected {
            reason: Rejection::AlreadyRecorded,
        };
        let raw: Vec<u8> = row.get(4)?;
        let mut outcome = outcome(replaced, entry, &verdict)?;
        if outcome == LeftOutcome::Rejected(Rejection::AlreadyPaid)
            && !is_anothers(replaced, vehicle, origin, &raw)?
        {
            outcome = LeftOutcome::StaysSecond;
        }
        if let Some(one) = waiting(replaced, vehicle, origin, entry)? {
            waits_there.push(one);
            continue;
        }
        let stretch = intervals::of(replaced, entry)?.map(|stretch| stretch.interval);
        if verdict != repeated && (stretch.is_some() || outcome != LeftOutcome::Counted) {
            let one = AwaitedEntry {
                vehicle,
                origin,
                entry,
                outcome,
                raw,
                stretch,
                gone: None,
            };
            insert(db, one)?;
        }
    }
    Ok(())
}

/// Finds what an entry of a database that is restored itself waits for there.
fn waiting(
    replaced: &Connection,
    vehicle: VehicleId,
    origin: EntryHash,
    entry: EntryRef,
) -> Result<Option<AwaitedEntry>, CloudError> {
    if !has_table(replaced)? {
        return Ok(None);
    }
    let found = find(replaced, entry.device, vehicle, origin)?;
    Ok(found.filter(|one| one.entry == entry && one.gone.is_none()))
}

/// Returns whether the stretch that an entry claims is another one's in the replaced database, or kept for one there.
fn is_anothers(
    replaced: &Connection,
    vehicle: VehicleId,
    origin: EntryHash,
    raw: &[u8],
) -> Result<bool, CloudError> {
    // What a damaged database has cannot be read; it is judged anew then.
    let Ok(claimed) = Raw::<Entry>::from(raw.to_vec()).claimed() else {
        return Ok(true);
    };
    let Some(wanted) = claimed.transaction().interval() else {
        return Ok(true);
    };
    let is_kept = has_table(replaced)? && intervals::is_kept(replaced, vehicle, wanted, origin)?;
    Ok(is_kept || intervals::is_held(replaced, vehicle, wanted)?)
}

/// Returns whether a database awaits anything at all: one that is only read may be of an older program.
fn has_table(db: &Connection) -> Result<bool, CloudError> {
    Ok(db.table_exists(None, "awaited")?)
}

/// Lists the entries that a database awaits itself.
fn still_awaited(db: &Connection) -> Result<Vec<AwaitedEntry>, CloudError> {
    if !has_table(db)? {
        return Ok(Vec::new());
    }
    let mut statement = db.prepare(&format!("SELECT {COLUMNS} FROM awaited"))?;
    let rows = statement.query_map([], read)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Awaits an entry, unless it is awaited already, or here; one that is here and had its stretch later, by an operator's word, or was
/// left its points after that, is awaited until that word is given again, and one that such a word did not help is kept from it. A
/// stretch of which another one has a unit is not kept for it.
fn insert(db: &Connection, one: AwaitedEntry) -> Result<(), CloudError> {
    if log::knows_origin(db, one.vehicle, one.origin)? {
        let is_here = log::find(db, one.entry)?.is_some();
        let is_lacking = one.gone.is_none() && one.outcome.is_by_word();
        if !is_here || !is_lacking || intervals::has_held(db, one.entry)? {
            return Ok(());
        }
        if reviews::is_decided(db, one.entry)? {
            return Ok(());
        }
    }
    let stretch = match one.stretch {
        Some(stretch)
            if one.gone.is_some() || !intervals::is_kept(db, one.vehicle, stretch, one.origin)? =>
        {
            Some(stretch)
        }
        Some(_) | None => None,
    };
    let bounds = stretch.map(bounds).transpose()?;
    db.prepare_cached(&format!(
        "INSERT INTO awaited ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)
         ON CONFLICT (vehicle, origin) DO NOTHING",
    ))?
    .execute((
        Col(one.vehicle),
        Col(one.origin),
        Col(one.entry.device),
        Col(one.entry.epoch),
        Col(one.entry.seq),
        Json(&one.outcome),
        one.raw,
        stretch.map(|stretch| Col(stretch.meter)),
        bounds.map(|(lo, _)| lo),
        bounds.map(|(_, hi)| hi),
        one.gone.map(Col),
        Col(stretch.map_or(MeterNumber::FIRST, |stretch| stretch.number)),
    ))?;
    Ok(())
}

/// Awaits nothing more of head units that one of both databases has shut out, and nothing at all of frauds. For those that are
/// `spared` their entries can come over still. Returns the number of entries that are awaited.
pub(crate) fn keep_living(
    replaced: &Connection,
    db: &Connection,
    spared: &[DeviceId],
) -> Result<usize, CloudError> {
    for side in [replaced, db] {
        for (device, _, fraud) in kept::shut_out(side)? {
            let which = match fraud {
                Some(_) => "gone IS NULL",
                None if spared.contains(&device) => continue,
                None => IS_SENT_AGAIN,
            };
            db.execute(
                &format!("DELETE FROM awaited WHERE device = ?1 AND {which}"),
                [Col(device)],
            )?;
        }
    }
    let mut statement = db.prepare(&format!("SELECT device FROM awaited WHERE {IS_SENT_AGAIN}"))?;
    let devices = statement.query_map([], |row| Ok(row.get::<_, Col<DeviceId>>(0)?.0))?;
    let devices: Vec<DeviceId> = devices.collect::<Result<_, _>>()?;
    let sent_again = devices.iter().filter(|device| !spared.contains(device));
    Ok(sent_again.count())
}

/// Lists the devices that a database has shut out and awaits entries of all the same: they can come over still.
pub(crate) fn spared(replaced: &Connection) -> Result<Vec<DeviceId>, CloudError> {
    let mut spared = Vec::new();
    if has_table(replaced)? {
        let question = format!("SELECT 1 FROM awaited WHERE device = ?1 AND {IS_SENT_AGAIN}");
        let mut waits = replaced.prepare(&question)?;
        for (device, ..) in kept::shut_out(replaced)? {
            if waits.exists([Col(device)])? {
                spared.push(device);
            }
        }
    }
    Ok(spared)
}

/// Lists the vehicles with a stretch that was kept and is free.
pub(crate) fn vehicles_with_freed(db: &Connection) -> Result<BTreeSet<VehicleId>, CloudError> {
    let mut statement = db.prepare(
        "SELECT DISTINCT vehicle FROM awaited WHERE gone IS NOT NULL AND meter IS NOT NULL",
    )?;
    let rows = statement.query_map([], |row| Ok(row.get::<_, Col<_>>(0)?.0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}
