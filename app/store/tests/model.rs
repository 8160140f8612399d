//! Long random lives of a folder, each step held against a model in memory.

#![expect(
    clippy::unwrap_used,
    reason = "a test fails by panicking, in its helpers too"
)]

mod common;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use common::{Chain, accepted, first, new_entry, open, private, receipt};
use dashpoint_membership::{Entry, Epoch, Meter, MeterNumber, Points, Seq};
use dashpoint_store::{AwaitingId, Begun, NewEntry, Reconciled, SettledMark, Store, StoreError};
use dashpoint_wire::{EpochGrant, Signed};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;

#[derive(Debug, Clone, Copy)]
enum Step {
    Trip(u64),
    Charge(u64),
    /// A trip that goes over ground already settled.
    Again,
    /// A second link at a place that is taken.
    Fork,
    /// The key store fails for one trip; signed at the next step that wants a clean slate.
    Awaiting(u64),
    Answer,
    /// A new epoch, with what is unconfirmed carried into it.
    NewEpoch,
    /// Switched off and on.
    Restart,
    /// Killed, and begun from the files as they were.
    Kill,
    Backup,
    /// The disk goes back to the backup; the cloud gives the entries back.
    RestoreBackup,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        5 => (1_u64..5_000).prop_map(Step::Trip),
        3 => (1_u64..40_000).prop_map(Step::Charge),
        1 => Just(Step::Again),
        1 => Just(Step::Fork),
        1 => (1_u64..5_000).prop_map(Step::Awaiting),
        2 => Just(Step::Answer),
        1 => Just(Step::NewEpoch),
        1 => Just(Step::Restart),
        1 => Just(Step::Kill),
        1 => Just(Step::Backup),
        1 => Just(Step::RestoreBackup),
    ]
}

/// What the folder should hold.
struct Model {
    chain: Chain,
    charged: u64,
    grants: Vec<Signed<EpochGrant>>,
    entries: Vec<Signed<Entry>>,
    /// Last place of the newest epoch that a receipt covers.
    through: Seq,
    answers: i64,
    marks: BTreeMap<(Meter, MeterNumber), u64>,
}

struct World {
    folder: tempfile::TempDir,
    store: Option<Store>,
    backup: Option<tempfile::TempDir>,
    model: Model,
}

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut store = open(folder.path());
        let (chain, grant) = Chain::start();
        store.begin_epoch(&grant, &[]).unwrap();
        Self {
            folder,
            store: Some(store),
            backup: None,
            model: Model {
                chain,
                charged: 0,
                grants: vec![grant],
                entries: Vec::new(),
                through: Seq::new(0),
                answers: 0,
                marks: BTreeMap::new(),
            },
        }
    }

    fn store(&mut self) -> &mut Store {
        self.store.as_mut().unwrap()
    }

    fn commit(&mut self, entry: Signed<Entry>) {
        self.store().commit_entry(&new_entry(&entry)).unwrap();
        self.settled(entry);
    }

    fn settled(&mut self, entry: Signed<Entry>) {
        let claim = entry.body().transaction().interval().unwrap();
        let mark = self.model.marks.entry(first(claim.meter)).or_default();
        *mark = claim.to.max(*mark);
        self.model.entries.push(entry);
    }

    fn unconfirmed(&self) -> Vec<Signed<Entry>> {
        let head = self.model.chain.head;
        let open = |entry: &&Signed<Entry>| {
            entry.body().epoch == head.epoch && entry.body().seq > self.model.through
        };
        self.model.entries.iter().filter(open).cloned().collect()
    }

    fn take(&mut self, step: Step) {
        match step {
            Step::Trip(metres) => {
                let entry = self.model.chain.trip(metres);
                self.commit(entry);
            }
            Step::Charge(wh) => {
                let from = self.model.charged;
                self.model.charged += wh;
                let entry = self.model.chain.charge(from, from + wh);
                self.commit(entry);
            }
            Step::Again => {
                let mut other = self.model.chain.clone();
                if self.model.marks.contains_key(&first(Meter::Odometer)) {
                    other.odometer -= 1;
                    let refused = self.store().commit_entry(&new_entry(&other.trip(5)));
                    assert!(matches!(refused, Err(StoreError::AlreadySettled { .. })));
                }
            }
            Step::Fork => self.fork(),
            Step::Awaiting(metres) => {
                let id = self.keep_awaiting(metres);
                let entry = self.model.chain.trip(metres);
                self.store().commit_awaited(id, &new_entry(&entry)).unwrap();
                self.settled(entry);
            }
            Step::Answer => self.answer(),
            Step::NewEpoch => self.new_epoch(),
            Step::Restart => {
                self.store.take().unwrap().close().unwrap();
                self.store = Some(open(self.folder.path()));
            }
            Step::Kill => {
                let copy = copy_of(self.folder.path());
                self.folder = copy;
                self.store = Some(open(self.folder.path()));
            }
            Step::Backup => self.backup = Some(copy_of(self.folder.path())),
            Step::RestoreBackup => self.restore(),
        }
    }

    fn keep_awaiting(&mut self, metres: u64) -> AwaitingId {
        let high = self.model.chain.odometer + metres;
        let mark = SettledMark {
            meter: Meter::Odometer,
            number: MeterNumber::FIRST,
            high,
        };
        self.store()
            .keep_awaiting(b"evidence", Some(b"private part"), &[mark], 7)
            .unwrap()
    }

    fn fork(&mut self) {
        let Some(last) = self.model.entries.last() else {
            return;
        };
        let head = self.model.chain.head;
        if last.body().epoch != head.epoch {
            return;
        }
        let mut other = self.model.chain.clone();
        other.head.seq = Seq::new(head.seq.get() - 1);
        other.head.hash = last.body().prev;
        let refused = self.store().commit_entry(&new_entry(&other.trip(9)));
        assert!(matches!(refused, Err(StoreError::Taken { .. })));
    }

    fn answer(&mut self) {
        let head = self.model.chain.head;
        self.model.answers += 1;
        let judged = self.unconfirmed();
        let answer = Reconciled {
            receipt: receipt(head, 1, 1_790_000_000 + self.model.answers),
            verdicts: judged
                .iter()
                .map(|entry| accepted(entry.body().seq.get(), 12))
                .collect(),
            statements: Vec::new(),
        };
        for round in 0..2 {
            let applied = self.store().apply(&answer).unwrap();
            let expected = if round == 0 { judged.len() as u64 } else { 0 };
            assert_eq!(applied.verdicts, expected);
            assert_eq!(applied.contradictions + applied.elsewhere, 0);
        }
        self.model.through = head.seq;
    }

    fn new_epoch(&mut self) {
        let open = self.unconfirmed();
        let grant = self.model.chain.grant();
        let carries: Vec<_> = open.iter().map(|e| self.model.chain.carry(e)).collect();
        let new: Vec<_> = carries.iter().map(new_entry).collect();
        assert_eq!(self.store().begin_epoch(&grant, &new).unwrap(), Begun::Now);
        self.model.grants.push(grant);
        self.model.entries.extend(carries);
        self.model.through = Seq::new(0);
    }

    fn restore(&mut self) {
        let Some(backup) = self.backup.take() else {
            return;
        };
        self.folder = backup;
        self.store = Some(open(self.folder.path()));
        let grants = self.model.grants.clone();
        let fetched: Vec<_> = self
            .model
            .entries
            .iter()
            .map(|entry| NewEntry::new(entry, None, 0))
            .collect();
        self.store().restore_entries(&grants, &fetched).unwrap();
        // The receipts after the backup are lost; the next answer covers everything again.
        self.model.through = Seq::new(0);
        self.model.answers += 1;
        let head = self.model.chain.head;
        let again = Reconciled {
            receipt: receipt(head, 1, 1_790_000_000 + self.model.answers),
            verdicts: Vec::new(),
            statements: Vec::new(),
        };
        self.store().apply(&again).unwrap();
        self.model.through = head.seq;
    }

    fn check(&self) {
        let read = self.store.as_ref().unwrap().read();
        let model = &self.model;
        let epoch = model.chain.head.epoch;
        assert_eq!(read.head(epoch).unwrap(), Some(model.chain.head));
        let there: Vec<_> = (1..=epoch.get())
            .flat_map(|epoch| {
                read.entries_after(Epoch::new(epoch), Seq::new(0), 1_000)
                    .unwrap()
            })
            .collect();
        let expected: Vec<_> = model.entries.iter().map(Signed::to_raw).collect();
        assert_eq!(there, expected);
        assert_eq!(read.marks().unwrap(), model.marks);
        let open = self.unconfirmed();
        let unconfirmed = read.unconfirmed(epoch).unwrap();
        assert_eq!(unconfirmed.entries, open.len() as u64);
        assert_eq!(
            unconfirmed.points,
            open.iter().map(|e| e.body().predicted()).sum::<Points>()
        );
        if let Some(last) = model.entries.last() {
            let stored = read.entry(last.body().epoch, last.body().seq);
            let evidence = stored.unwrap().unwrap().private;
            assert!(evidence.is_none_or(|evidence| evidence == private(last)));
        }
        assert!(read.strays().unwrap().is_empty() && read.awaiting().unwrap().is_empty());
    }
}

/// The files of a folder as a kill leaves them.
fn copy_of(folder: &Path) -> tempfile::TempDir {
    let copy = tempfile::tempdir().unwrap();
    for name in ["ledger.db", "ledger.db-wal", "cache.db", "cache.db-wal"] {
        let from = folder.join(name);
        if from.exists() {
            fs::copy(&from, copy.path().join(name)).unwrap();
        }
    }
    copy
}

#[test]
fn any_life_of_a_folder_follows_the_model() {
    let taken = RefCell::new(BTreeMap::<String, u32>::new());
    let mut runner = TestRunner::new(ProptestConfig {
        cases: 60,
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    let lives = prop::collection::vec(step(), 1..40);
    runner
        .run(&lives, |steps| {
            let mut world = World::new();
            for step in steps {
                world.take(step);
                world.check();
                let name = format!("{step:?}");
                let name = name.split('(').next().unwrap_or_default().to_owned();
                *taken.borrow_mut().entry(name).or_default() += 1;
            }
            Ok(())
        })
        .unwrap();
    let taken = taken.into_inner();
    let total: u32 = taken.values().sum();
    assert_eq!(taken.len(), 11, "{taken:?}");
    assert!(
        taken.values().all(|count| count * 100 >= total),
        "{taken:?}"
    );
}
