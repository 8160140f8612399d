//! Entries that the database before a restore had, that this one lacks, and that their head units send again.

use dashpoint_membership::{
    DeviceId, Entry, EntryHash, EntryRef, Meter, MeterInterval, Rejection, ServerTime, VehicleId,
    Verdict,
};
use dashpoint_wire::Raw;
use rusqlite::{Connection, OptionalExtension, Row};

use super::intervals::{self, Freed, bounds, unsigned};
use super::left_behind::{LeftOutcome, outcome};
use super::{Col, Json, devices, kept, log};
use crate::error::CloudError;

/// One entry that is to come again.
pub(crate) struct AwaitedEntry {
    pub vehicle: VehicleId,
    origin: EntryHash,
    entry: EntryRef,
    pub outcome: LeftOutcome,
    /// The bytes that the database before had.
    pub raw: Vec<u8>,
    pub stretch: Option<MeterInterval>,
    /// Time at which the stretch became free.
    gone: Option<ServerTime>,
}

/// Narrows a question to entries that are here: they wait for an operator's word, or for a stretch that another one has. The origin
/// tells them from another entry that was made for the same place since.
macro_rules! is_here {
    () => {
        "EXISTS (SELECT 1 FROM entries WHERE (entries.device, entries.epoch, entries.seq, entries.origin)
             = (awaited.device, awaited.epoch, awaited.seq, awaited.origin))"
    };
}

/// Narrows a question to entries that are to be sent again.
const IS_SENT_AGAIN: &str = concat!("gone IS NULL AND NOT ", is_here!());

const COLUMNS: &str = "vehicle, origin, device, epoch, seq, outcome, raw, meter, lo, hi, gone";

fn read(row: &Row<'_>) -> rusqlite::Result<AwaitedEntry> {
    let meter: Option<Col<Meter>> = row.get(7)?;
    let (lo, hi): (Option<i64>, Option<i64>) = (row.get(8)?, row.get(9)?);
    let stretch = meter.zip(lo).zip(hi);
    Ok(AwaitedEntry {
        vehicle: row.get::<_, Col<_>>(0)?.0,
        origin: row.get::<_, Col<_>>(1)?.0,
        entry: EntryRef {
            device: row.get::<_, Col<_>>(2)?.0,
            epoch: row.get::<_, Col<_>>(3)?.0,
            seq: row.get::<_, Col<_>>(4)?.0,
        },
        outcome: row.get::<_, Json<_>>(5)?.0,
        raw: row.get(6)?,
        stretch: stretch.map(|((meter, lo), hi)| MeterInterval {
            meter: meter.0,
            from: unsigned(lo),
            to: unsigned(hi),
        }),
        gone: row.get::<_, Option<Col<_>>>(10)?.map(|gone| gone.0),
    })
}

/// Writes what the replaced database has and this one lacks, with what that one awaited itself, and what this one did.
pub(crate) fn take_over(replaced: &Connection, db: &Connection) -> Result<(), CloudError> {
    let own = still_awaited(db)?;
    db.execute("DELETE FROM awaited", [])?;
    for device in devices::list(replaced)? {
        if !devices::is_fraud(replaced, device.id)? {
            take_log(replaced, device.id, device.vehicle, db)?;
        }
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

/// Writes the entries of a device's log that this database lacks, as far as it matters what became of them.
fn take_log(
    replaced: &Connection,
    device: DeviceId,
    vehicle: VehicleId,
    db: &Connection,
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
            && !is_anothers(replaced, vehicle, entry, &raw)?
        {
            outcome = LeftOutcome::StaysSecond;
        }
        let mut stretch = intervals::of(replaced, entry)?.map(|stretch| stretch.interval);
        // It waited there itself, for what a restore before had taken from it.
        if let Some(waiting) = waiting(replaced, vehicle, origin, entry)? {
            (outcome, stretch) = (waiting.outcome, waiting.stretch);
        }
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
    entry: EntryRef,
    raw: &[u8],
) -> Result<bool, CloudError> {
    // What a damaged database has cannot be read; it is judged anew then.
    let Ok(claimed) = Raw::<Entry>::from(raw.to_vec()).claimed() else {
        return Ok(true);
    };
    let Some(wanted) = claimed.transaction().interval() else {
        return Ok(true);
    };
    let is_kept = has_table(replaced)? && intervals::is_kept(replaced, vehicle, wanted, entry)?;
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
        let had_it = one.stretch.is_some() || one.outcome.left_points();
        let is_lacking = had_it || one.outcome == LeftOutcome::StaysSecond;
        let is_lacking = is_lacking && one.gone.is_none();
        if !is_here || !is_lacking || intervals::has_held(db, one.entry)? {
            return Ok(());
        }
    }
    let stretch = match one.stretch {
        Some(stretch)
            if one.gone.is_some() || !intervals::is_kept(db, one.vehicle, stretch, one.entry)? =>
        {
            Some(stretch)
        }
        Some(_) | None => None,
    };
    let bounds = stretch.map(bounds).transpose()?;
    db.prepare_cached(&format!(
        "INSERT INTO awaited ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
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

/// Returns whether the database before had paid an entry that is here, and was not paid here.
pub(crate) fn is_due(db: &Connection, entry: EntryRef) -> Result<bool, CloudError> {
    Ok(outcome_here(db, entry)?.is_some_and(|outcome| outcome.had_paid()))
}

/// Finds the act that took its stretch from an entry in the database before and left it its points, while it is rejected or in doubt
/// here and never had them.
pub(crate) fn left_points(db: &Connection, entry: EntryRef) -> Result<Option<Freed>, CloudError> {
    Ok(match outcome_here(db, entry)? {
        Some(LeftOutcome::Freed(freed)) if freed.left_points() => Some(freed),
        Some(_) | None => None,
    })
}

/// Returns whether an entry came second in the database before as well, and was not paid either when its stretch became free.
pub(crate) fn stays_second(db: &Connection, entry: EntryRef) -> Result<bool, CloudError> {
    Ok(outcome_here(db, entry)? == Some(LeftOutcome::StaysSecond))
}

/// Outcome that an entry which is here waits for.
fn outcome_here(db: &Connection, entry: EntryRef) -> Result<Option<LeftOutcome>, CloudError> {
    let outcome: Option<Json<LeftOutcome>> = db
        .prepare_cached(concat!(
            "SELECT outcome FROM awaited WHERE (device, epoch, seq) = (?1, ?2, ?3) AND gone IS NULL AND ",
            is_here!()
        ))?
        .query_row(
            (Col(entry.device), Col(entry.epoch), Col(entry.seq)),
            |row| row.get(0),
        )
        .optional()?;
    Ok(outcome.map(|outcome| outcome.0))
}

/// Finds what the database before had of an entry of a device.
pub(crate) fn find(
    db: &Connection,
    device: DeviceId,
    vehicle: VehicleId,
    origin: EntryHash,
) -> Result<Option<AwaitedEntry>, CloudError> {
    let found = db
        .prepare_cached(&format!(
            "SELECT {COLUMNS} FROM awaited WHERE vehicle = ?1 AND origin = ?2 AND device = ?3"
        ))?
        .query_row((Col(vehicle), Col(origin), Col(device)), read)
        .optional()?;
    Ok(found)
}

/// Awaits an entry no more: it has come.
pub(crate) fn came(db: &Connection, one: &AwaitedEntry) -> Result<(), CloudError> {
    db.prepare_cached("DELETE FROM awaited WHERE vehicle = ?1 AND origin = ?2")?
        .execute((Col(one.vehicle), Col(one.origin)))?;
    Ok(())
}

/// Keeps the stretch for an entry that has come and could not have it: whoever holds it may lose it.
pub(crate) fn keep_for(
    db: &Connection,
    one: &AwaitedEntry,
    entry: EntryRef,
) -> Result<(), CloudError> {
    db.prepare_cached(
        "UPDATE awaited SET epoch = ?3, seq = ?4 WHERE vehicle = ?1 AND origin = ?2",
    )?
    .execute((
        Col(one.vehicle),
        Col(one.origin),
        Col(entry.epoch),
        Col(entry.seq),
    ))?;
    Ok(())
}

/// Frees what is kept for an entry that is here and is not paid for it.
pub(crate) fn let_go(db: &Connection, entry: EntryRef, now: ServerTime) -> Result<(), CloudError> {
    db.prepare_cached(concat!(
        "UPDATE awaited SET gone = ?4 WHERE (device, epoch, seq) = (?1, ?2, ?3) AND gone IS NULL AND ",
        is_here!()
    ))?
    .execute((
        Col(entry.device),
        Col(entry.epoch),
        Col(entry.seq),
        Col(now),
    ))?;
    Ok(())
}

/// Leaves an entry that is here its points without the stretch, once an operator accepts it.
pub(crate) fn leave_points(
    db: &Connection,
    entry: EntryRef,
    freed: &Freed,
) -> Result<(), CloudError> {
    db.prepare_cached(concat!(
        "UPDATE awaited SET outcome = ?4, meter = NULL, lo = NULL, hi = NULL
         WHERE (device, epoch, seq) = (?1, ?2, ?3) AND gone IS NULL AND ",
        is_here!()
    ))?
    .execute((
        Col(entry.device),
        Col(entry.epoch),
        Col(entry.seq),
        Json(LeftOutcome::Freed(freed.clone())),
    ))?;
    Ok(())
}

/// Lists the entries of a vehicle that are here, and for which a stretch is kept: that of one, or all of a device.
pub(crate) fn kept_here(
    db: &Connection,
    vehicle: VehicleId,
    device: DeviceId,
    only: Option<EntryRef>,
) -> Result<Vec<EntryRef>, CloudError> {
    let mut statement = db.prepare_cached(concat!(
        "SELECT epoch, seq FROM awaited
         WHERE vehicle = ?1 AND device = ?2 AND gone IS NULL AND meter IS NOT NULL AND (?3 IS NULL OR (epoch, seq) = (?3, ?4)) AND ",
        is_here!(),
        " ORDER BY epoch, seq"
    ))?;
    let rows = statement.query_map(
        (
            Col(vehicle),
            Col(device),
            only.map(|only| Col(only.epoch)),
            only.map(|only| Col(only.seq)),
        ),
        |row| {
            Ok(EntryRef {
                device,
                epoch: row.get::<_, Col<_>>(0)?.0,
                seq: row.get::<_, Col<_>>(1)?.0,
            })
        },
    )?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Awaits an entry no more that is here: it has its stretch now, or had it and lost it.
pub(crate) fn settled(db: &Connection, entry: EntryRef) -> Result<(), CloudError> {
    db.prepare_cached(concat!(
        "DELETE FROM awaited WHERE (device, epoch, seq) = (?1, ?2, ?3) AND ",
        is_here!()
    ))?
    .execute((Col(entry.device), Col(entry.epoch), Col(entry.seq)))?;
    Ok(())
}

/// Frees what is kept for a device that is shut out: it sends nothing again. Returns the vehicle of each entry that would have
/// counted.
pub(crate) fn give_up(
    db: &Connection,
    device: DeviceId,
    now: ServerTime,
) -> Result<Vec<VehicleId>, CloudError> {
    give_up_those(db, device, now, IS_SENT_AGAIN)
}

/// Does the same for a fraud, also for entries that are here.
pub(crate) fn give_all_up(
    db: &Connection,
    device: DeviceId,
    now: ServerTime,
) -> Result<Vec<VehicleId>, CloudError> {
    give_up_those(db, device, now, "gone IS NULL")
}

fn give_up_those(
    db: &Connection,
    device: DeviceId,
    now: ServerTime,
    which: &str,
) -> Result<Vec<VehicleId>, CloudError> {
    let mut statement = db.prepare_cached(&format!(
        "UPDATE awaited SET gone = ?2 WHERE device = ?1 AND {which} RETURNING vehicle, meter IS NOT NULL",
    ))?;
    let rows = statement.query_map((Col(device), Col(now)), |row| {
        Ok((row.get::<_, Col<_>>(0)?.0, row.get::<_, bool>(1)?))
    })?;
    let rows: Vec<(VehicleId, bool)> = rows.collect::<Result<_, _>>()?;
    let counted = rows.into_iter().filter(|(_, counted)| *counted);
    Ok(counted.map(|(vehicle, _)| vehicle).collect())
}

/// Frees stretches of a vehicle that are kept for entries to come: that of one, or all of a device. Returns their entries.
pub(crate) fn free(
    db: &Connection,
    vehicle: VehicleId,
    device: DeviceId,
    only: Option<EntryRef>,
    freed: &Freed,
) -> Result<Vec<EntryRef>, CloudError> {
    let mut statement = db.prepare_cached(&format!(
        "UPDATE awaited SET gone = ?1, outcome = ?2
         WHERE vehicle = ?3 AND device = ?4 AND meter IS NOT NULL AND (?5 IS NULL OR (epoch, seq) = (?5, ?6)) AND {IS_SENT_AGAIN}
         RETURNING epoch, seq",
    ))?;
    let rows = statement.query_map(
        (
            Col(freed.at),
            Json(LeftOutcome::Freed(freed.clone())),
            Col(vehicle),
            Col(device),
            only.map(|only| Col(only.epoch)),
            only.map(|only| Col(only.seq)),
        ),
        |row| {
            Ok(EntryRef {
                device,
                epoch: row.get::<_, Col<_>>(0)?.0,
                seq: row.get::<_, Col<_>>(1)?.0,
            })
        },
    )?;
    Ok(rows.collect::<Result<_, _>>()?)
}
