//! What is shown and what is sent next, with a ledger of a hundred days and of 27 years.

use std::path::Path;
use std::time::Duration;

use dashpoint::engine::{Engine, Outgoing};
use dashpoint_membership::{Cover, ServerTime, Statement};
use dashpoint_store::NewEntry;
use dashpoint_sync::{Event, TransportFailure};
use dashpoint_wire::{Signed, SigningKey};
use tokio::sync::mpsc;

use super::award::enrolled;
use super::chain::{A_DAY, Life};
use super::enrolled::{BenchClock, Enrolled, open_store};
use super::stopwatch::{Times, timed};
use super::table::Row;

const SIZES: [u64; 3] = [1_000, 10_000, 100_000];
const LOOKS: usize = 2_000;
const DECISIONS: usize = 200;
/// What grows with nothing may still differ by this between runs.
const FLAT: f64 = 1.5;

/// Entries that the statement covers, and one that waits.
pub fn measure(disk: &Path) -> Vec<Row> {
    let folder = tempfile::tempdir_in(disk).unwrap();
    let enrolled = enrolled();
    let mut store = open_store(folder.path(), None);
    enrolled.keep(&mut store);
    let mut life = Life::begin(&enrolled);
    let mut times = Vec::new();
    for size in SIZES {
        while life.head().seq.get() < size {
            let left = size - life.head().seq.get();
            let entries: Vec<NewEntry> = (0..left.min(1_000))
                .map(|_| {
                    // The car meets its cloud every day: nothing is held back for having been away.
                    if life.head().seq.get().is_multiple_of(A_DAY.unsigned_abs()) {
                        life.receipt_at = life.now();
                    }
                    NewEntry::new(&life.next(), Some(vec![0x77; 400]), 0)
                })
                .collect();
            store.restore_entries(&[], &entries).unwrap();
        }
        store.put_statement(&statement(&enrolled, &life)).unwrap();
        let waiting = NewEntry::new(&life.next(), None, 0);
        store.commit_entry(&waiting).unwrap();
        times.push(looked_at(&enrolled, store, life.now()));
        store = open_store(folder.path(), None);
    }
    let mut rows = Vec::new();
    for (what, pick) in [
        (
            "the view",
            (|times: &Looked| times.view_us) as fn(&Looked) -> f64,
        ),
        ("the sync decision", |times: &Looked| times.decision_us),
    ] {
        for (at, size) in SIZES.iter().enumerate().skip(1) {
            let (measured, beside) = (pick(&times[at]), pick(&times[0]));
            rows.push(Row {
                what: format!("{what} with {size} entries, beside 1000"),
                measured,
                beside,
                unit: "us",
                ratio: measured / beside,
                aim: "flat (<= 1.5)",
                met: measured <= beside * FLAT,
            });
        }
    }
    rows
}

/// What the cloud would say of everything so far.
fn statement(enrolled: &Enrolled, life: &Life) -> Signed<Statement> {
    let head = life.head();
    let cover = Cover {
        epoch: head.epoch,
        through: head.seq,
        head: head.hash,
        chain: life.chain(),
    };
    let account = life.account().clone();
    let before = enrolled.statement.body();
    let body = Statement {
        issued: life.now(),
        since: account.version,
        account,
        covers: [(enrolled.device, cover)].into(),
        ..before.clone()
    };
    let key = SigningKey::from_seed(&[0xc1; 32]);
    Signed::sign(body, &key, &before.member).unwrap()
}

struct Looked {
    view_us: f64,
    decision_us: f64,
}

fn looked_at(enrolled: &Enrolled, store: dashpoint_store::Store, now: ServerTime) -> Looked {
    let clock = BenchClock::at(now.as_unix_s());
    let (mut engine, mut sent) = enrolled.start(store, &clock);
    let mut views = Times::default();
    for _ in 0..LOOKS {
        let (shown, took) = timed(|| engine.books().views(now).count());
        assert_eq!(shown, 1);
        views.add(took);
    }
    let mut decisions = Times::default();
    refuse(&mut engine, &mut sent);
    for _ in 0..DECISIONS {
        clock.pass_ms(3_600_000);
        decisions.add(decide(&mut engine, &mut sent));
        refuse(&mut engine, &mut sent);
    }
    engine.end().unwrap();
    Looked {
        view_us: views.percentile_us(50),
        decision_us: decisions.percentile_us(50),
    }
}

/// From the wish to the request that carries what waits.
fn decide(engine: &mut Engine, sent: &mut mpsc::Receiver<Outgoing>) -> Duration {
    let took = timed(|| engine.tell(Event::SyncRequested)).1;
    let outgoing = sent.try_recv().unwrap();
    assert!(outgoing.request.path.ends_with("/entries"), "{outgoing:?}");
    give_up(engine, &outgoing);
    took
}

/// Answers whatever was sent with no answer.
fn refuse(engine: &mut Engine, sent: &mut mpsc::Receiver<Outgoing>) {
    while let Ok(outgoing) = sent.try_recv() {
        give_up(engine, &outgoing);
    }
}

fn give_up(engine: &mut Engine, outgoing: &Outgoing) {
    engine.tell(Event::Answered {
        ticket: outgoing.ticket,
        answer: Err(TransportFailure::Unreachable),
    });
}
