//! No room, a call that fails, a disk that fails from some call on: at every single call of a day in the car.

#![expect(
    clippy::unwrap_used,
    reason = "a test fails by panicking, in its helpers too"
)]

mod common;

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::Path;

use common::{Chain, accepted, new_entry, options, policy, receipt, statement};
use dashpoint_crash_vfs::{CrashVfs, Disk, DiskFault};
use dashpoint_membership::{Epoch, Meter, MeterNumber, Policy, PolicyVersion, Seq, Statement};
use dashpoint_store::{
    Awaiting, CheckDepth, NewEntry, Reconciled, SettledMark, Statements, Store, StoreError,
    StoreOptions, StoreReader, StoredEpoch, StoredReceipt, StoredVerdict,
};
use dashpoint_wire::{ChainPoint, EpochGrant, Raw, Signed};

/// One thing that the head unit writes.
#[derive(Debug)]
enum Step {
    Begin(Box<Signed<EpochGrant>>, Vec<NewEntry>),
    Policy(Box<Signed<Policy>>),
    Statement(Box<Signed<Statement>>),
    Drive(NewEntry),
    Checkpoint(u8),
    SettledMark(SettledMark),
    /// Evidence that cannot be signed, with the mark that it claims.
    Wait(SettledMark),
    SignWaiting(NewEntry),
    Answer(Box<Reconciled>),
    Meta(&'static [u8]),
}

impl Step {
    /// Does it; a second time it must be as if it had been done once.
    fn run(&self, store: &mut Store) -> Result<(), StoreError> {
        match self {
            Self::Begin(grant, carries) => store.begin_epoch(grant, carries).map(drop),
            Self::Policy(policy) => store.put_policy(policy).map(drop),
            Self::Statement(statement) => store.put_statement(statement).map(drop),
            Self::Drive(entry) => store.commit_entry(entry).map(drop),
            Self::Checkpoint(byte) => store.put_checkpoint("trip", &[*byte; 700]),
            Self::SettledMark(mark) => store.raise_marks(&[*mark]),
            Self::Wait(mark) => store
                .keep_awaiting(b"evidence", Some(b"private part"), &[*mark], 1_790_000_500)
                .map(drop),
            Self::SignWaiting(entry) => {
                let waiting = store.read().awaiting()?;
                let waiting = waiting.first().ok_or(StoreError::NotAwaiting)?;
                store.commit_awaited(waiting.id, entry).map(drop)
            }
            Self::Answer(answer) => store.apply(answer).map(drop),
            Self::Meta(value) => store.put_meta("note", value),
        }
    }
}

/// A day in the car: an epoch, drives, evidence without a key, an answer of the cloud, and the next epoch.
fn day() -> Vec<Step> {
    let (mut chain, grant) = Chain::start();
    let [first, second] = [chain.trip(100), chain.trip(100)];
    let waited = SettledMark {
        meter: Meter::Odometer,
        number: MeterNumber::FIRST,
        high: chain.odometer + 700,
    };
    let late = chain.trip(700);
    let answer = Reconciled {
        receipt: receipt(chain.head, 1, 1_790_000_100),
        verdicts: (1..=3).map(|seq| accepted(seq, 12)).collect(),
        statements: vec![statement(1, 3, 1_790_000_100)],
    };
    let last = chain.trip(50);
    let next = chain.grant();
    let carried = new_entry(&chain.carry(&last));
    vec![
        Step::Begin(Box::new(grant), Vec::new()),
        Step::Policy(Box::new(
            Signed::sign(policy(1), &common::key(), &()).unwrap(),
        )),
        Step::Statement(Box::new(statement(1, 1, 1_790_000_000))),
        Step::Drive(new_entry(&first)),
        Step::Checkpoint(7),
        Step::Drive(new_entry(&second)),
        Step::SettledMark(SettledMark {
            meter: Meter::Charged,
            number: MeterNumber::FIRST,
            high: 9,
        }),
        Step::Wait(waited),
        Step::Meta(b"told"),
        Step::SignWaiting(new_entry(&late)),
        Step::Answer(Box::new(answer)),
        Step::Drive(new_entry(&last)),
        Step::Checkpoint(8),
        Step::Begin(Box::new(next), vec![carried]),
        Step::Drive(new_entry(&chain.trip(60))),
    ]
}

fn on(vfs: &CrashVfs) -> StoreOptions {
    StoreOptions {
        vfs: Some(vfs.name().to_owned()),
        ..options(CheckDepth::Full)
    }
}

/// Everything that the two files say.
#[derive(Debug, PartialEq, Eq)]
struct Said {
    ledger: Ledger,
    cache: Cache,
}

#[derive(Debug, PartialEq, Eq)]
struct Ledger {
    entries: Vec<(ChainPoint, Option<Vec<u8>>)>,
    verdicts: Vec<Option<StoredVerdict>>,
    epochs: Vec<StoredEpoch>,
    marks: BTreeMap<(Meter, MeterNumber), u64>,
    awaiting: Vec<Awaiting>,
    receipt: Option<StoredReceipt>,
    note: Option<Vec<u8>>,
}

#[derive(Debug, PartialEq, Eq)]
struct Cache {
    statements: Statements,
    policies: Vec<(PolicyVersion, Raw<Policy>)>,
    checkpoint: Option<Vec<u8>>,
}

fn said(read: &StoreReader) -> Result<Said, StoreError> {
    let mut entries = Vec::new();
    read.for_each_entry(|entry| {
        entries.push((entry.point, entry.private));
        ControlFlow::Continue(())
    })?;
    let verdicts = (1..=4).map(|seq| read.verdict(Epoch::new(1), Seq::new(seq)));
    Ok(Said {
        ledger: Ledger {
            entries,
            verdicts: verdicts.collect::<Result<_, _>>()?,
            epochs: read.epochs()?,
            marks: read.marks()?,
            awaiting: read.awaiting()?,
            receipt: read.last_receipt()?,
            note: read.meta("note")?,
        },
        cache: Cache {
            statements: read.statements()?,
            policies: read.policies()?,
            checkpoint: read.checkpoint("trip")?,
        },
    })
}

/// What the files say before each step and after the last.
fn without_a_fault(folder: &Path, steps: &[Step], name: &str) -> Vec<Said> {
    let vfs = CrashVfs::register(&format!("day-whole-{name}"), Disk::new(0));
    let mut store = Store::open(folder, on(&vfs)).unwrap();
    let mut states = vec![said(store.read()).unwrap()];
    for step in steps {
        step.run(&mut store).unwrap();
        states.push(said(store.read()).unwrap());
    }
    states
}

/// How many calls the whole day takes.
fn calls_of(folder: &Path, steps: &[Step], name: &str) -> u64 {
    let vfs = CrashVfs::register(&format!("day-counted-{name}"), Disk::new(0));
    let mut store = Store::open(folder, on(&vfs)).unwrap();
    go_on(&mut store, steps, 0).unwrap();
    vfs.disk().counts().calls
}

/// Whether the state is the one before the step, the one after it, or between the two files of it.
fn is_at(found: &Said, before: &Said, after: &Said) -> bool {
    found == before
        || found == after
        || (found.ledger == after.ledger && found.cache == before.cache)
}

/// Does the day; on an error says at which step, with the store if it was open.
fn go_on(store: &mut Store, steps: &[Step], from: usize) -> Result<(), (usize, StoreError)> {
    steps
        .iter()
        .enumerate()
        .skip(from)
        .try_for_each(|(at, step)| step.run(store).map_err(|error| (at, error)))
}

/// What a fault may be called.
fn assert_said_clearly(error: &StoreError, fault: DiskFault, at: &str) {
    let clear = match fault {
        DiskFault::Full => error.is_disk_full(),
        DiskFault::IoError | DiskFault::Broken => error.is_io() || cannot_open(error),
        DiskFault::PowerCut => true,
    };
    assert!(clear, "{at}: {error:?}");
    assert!(!error.is_corrupt(), "{at}: {error:?}");
}

/// SQLite does not open a database whose first page it cannot read, and calls it so.
fn cannot_open(error: &StoreError) -> bool {
    matches!(error, StoreError::Sqlite { source, .. }
        if source.sqlite_error_code() == Some(rusqlite::ErrorCode::CannotOpen))
}

/// One day with one fault; afterwards either the program goes on with its files open, or it is killed and started again.
/// Returns whether anything failed.
fn live(day: &Day, call: u64, fault: DiskFault, killed: bool) -> bool {
    let Day {
        folder,
        steps,
        states,
    } = day;
    let folder = folder.path();
    let at = format!("{fault:?} at call {call}, killed {killed}");
    let vfs = CrashVfs::register(&format!("day-{fault:?}-{call}-{killed}"), Disk::new(call));
    vfs.disk().plan(call, fault);
    let mut opened = match Store::open(folder, on(&vfs)) {
        Ok(store) => Some(store),
        Err(error) => {
            assert_said_clearly(&error, fault, &at);
            None
        }
    };
    let failed_at = match opened.as_mut().map(|store| go_on(store, steps, 0)) {
        Some(Ok(())) => steps.len(),
        Some(Err((step, error))) => {
            assert_said_clearly(&error, fault, &at);
            step
        }
        None => 0,
    };
    vfs.disk().clear_fault();
    let kept = opened.filter(|_| !killed);
    let in_process = kept.is_some();
    let mut store = kept.unwrap_or_else(|| {
        vfs.disk().kill_programs();
        Store::open(folder, on(&vfs)).unwrap()
    });
    assert!(
        store.incidents().is_empty(),
        "{at}: {:?}",
        store.incidents()
    );
    let found = said(store.read()).unwrap();
    let after = &states[(failed_at + 1).min(steps.len())];
    assert!(
        is_at(&found, &states[failed_at], after),
        "{at}: step {failed_at} {:?}: {found:?}",
        steps.get(failed_at)
    );
    // What was said to have failed is not there behind the program's back.
    let atomic = !matches!(steps.get(failed_at), Some(Step::Answer(_)));
    if in_process && atomic {
        assert_eq!(found, states[failed_at], "{at}: step {failed_at}");
    }
    let done = failed_at < steps.len() && found == *after;
    go_on(&mut store, steps, failed_at + usize::from(done)).unwrap();
    assert_eq!(&said(store.read()).unwrap(), &states[steps.len()], "{at}");
    assert_eq!(store.read().check(CheckDepth::Full).unwrap(), [], "{at}");
    store.close().unwrap();
    failed_at < steps.len()
}

/// A day and what it leaves when nothing fails.
struct Day {
    folder: tempfile::TempDir,
    steps: Vec<Step>,
    states: Vec<Said>,
}

fn every_call(fault: DiskFault) {
    let folder = tempfile::tempdir().unwrap();
    let steps = day();
    // Disks of one process have names of their own, and tests run side by side.
    let name = format!("{fault:?}");
    let states = without_a_fault(folder.path(), &steps, &name);
    let calls = calls_of(folder.path(), &steps, &name);
    let day = Day {
        folder,
        steps,
        states,
    };
    let mut failed = 0;
    for call in 1..=calls {
        for killed in [false, true] {
            failed += u64::from(live(&day, call, fault, killed));
        }
    }
    assert!(failed > calls, "{failed} of {calls}, each twice");
}

#[test]
fn no_room_is_said_and_half_of_nothing_stays() {
    every_call(DiskFault::Full);
}

#[test]
fn a_call_that_fails_once_is_said_and_half_of_nothing_stays() {
    every_call(DiskFault::IoError);
}

#[test]
fn a_disk_that_fails_for_a_while_is_said_and_half_of_nothing_stays() {
    every_call(DiskFault::Broken);
}

/// The check of the pages tells in words that a page could not be had; the file must not be set aside for it.
#[test]
fn a_page_that_the_device_does_not_give_is_no_damage() {
    let folder = tempfile::tempdir().unwrap();
    let image = {
        let vfs = CrashVfs::register("unread-whole", Disk::new(0));
        let mut store = Store::open(folder.path(), on(&vfs)).unwrap();
        go_on(&mut store, &day(), 0).unwrap();
        store.close().unwrap();
        vfs.disk().image()
    };
    for fault in [DiskFault::IoError, DiskFault::Broken] {
        let mut refused = 0;
        for call in 1.. {
            let name = format!("unread-{fault:?}-{call}");
            let vfs = CrashVfs::register(&name, Disk::from_image(&image, call));
            vfs.disk().plan(call, fault);
            let opened = Store::open(folder.path(), on(&vfs));
            if vfs.disk().clear_fault() {
                break;
            }
            if let Err(error) = opened {
                assert_said_clearly(&error, fault, &name);
                refused += 1;
            }
        }
        assert!(refused > 30, "{fault:?}: {refused}");
    }
}
