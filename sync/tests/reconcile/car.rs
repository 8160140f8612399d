//! A model of the car's store, and the key that only it knows.

use std::collections::{BTreeMap, BTreeSet};

use dashpoint_membership::{
    BindingId, CatalogueVersion, ClockQuality, CoarseTime, Entry, EntryBody, EntryHash, Epoch,
    EventTime, MemberAction, PolicyVersion, Seq, ServerEpoch, ServerTime, Statement, Transaction,
    Verdict,
};
use dashpoint_sync::{BatchOutcome, Beginning, LocalFacts, StatementMark};
use dashpoint_wire::message::EnrolmentProof;
use dashpoint_wire::{ChainPoint, EpochGrant, Raw, Signed, SigningKey};

use super::cloud::{DEVICE, MEMBER, first_point};

pub fn device_key() -> SigningKey {
    SigningKey::from_seed(&[0xca; 32])
}

/// Everything that a backup of the car's disk holds.
#[derive(Clone)]
pub struct Disk {
    grants: BTreeMap<Epoch, Signed<EpochGrant>>,
    pub entries: BTreeMap<(Epoch, Seq), Signed<Entry>>,
    pub strays: Vec<Signed<Entry>>,
    pub head: ChainPoint,
    /// The car's clock when the newest entry was made.
    pub made_unix_s: Option<i64>,
    pub verdicts: BTreeMap<EntryHash, Verdict>,
    pub receipt: Option<(ServerEpoch, Vec<u8>)>,
    pub statement: Option<StatementMark>,
    pub policy: Option<PolicyVersion>,
    pub catalogue: Option<CatalogueVersion>,
}

impl Disk {
    /// What the cloud signed for the car; the model cloud does not look at the certificate.
    pub fn enrolment(&self) -> EnrolmentProof {
        EnrolmentProof {
            certificate: Raw::from(vec![0xce]),
            grant: self.grants[&self.head.epoch].to_raw(),
            bindings: vec![Raw::from(vec![0xb1])],
            policies: None,
        }
    }

    pub fn new(grant: Signed<EpochGrant>) -> Self {
        Self {
            head: first_point(&grant),
            grants: BTreeMap::from([(grant.body().epoch, grant)]),
            entries: BTreeMap::new(),
            strays: Vec::new(),
            verdicts: BTreeMap::new(),
            receipt: None,
            made_unix_s: None,
            statement: None,
            policy: None,
            catalogue: None,
        }
    }

    pub fn facts(&self) -> LocalFacts {
        let grant = &self.grants[&self.head.epoch];
        LocalFacts {
            head: self.head,
            head_made_unix_s: self.made_unix_s,
            forked: self.is_forked(),
            grant: grant.hash(),
            server_epoch: grant.body().server_epoch,
            last_receipt: self.receipt.as_ref().map(|(_, raw)| raw.clone()),
            members: vec![(MEMBER, self.statement)],
            policy: self.policy,
            catalogue: self.catalogue,
            network: true,
        }
    }

    /// The last entry of an epoch.
    pub fn last(&self, epoch: Epoch) -> ChainPoint {
        let mut of_epoch = self.entries.range((epoch, Seq::new(0))..);
        of_epoch.next_back().map(|(_, entry)| point(entry)).unwrap()
    }

    pub fn is_forked(&self) -> bool {
        let mut strays = self.strays.iter();
        strays.any(|stray| stray.body().epoch >= self.head.epoch)
    }

    /// The member checks in; `salt` tells one check-in from another.
    pub fn check_in(&mut self, salt: i64) -> ChainPoint {
        self.append(EntryBody::Fresh(check_in()), salt)
    }

    fn append(&mut self, body: EntryBody, salt: i64) -> ChainPoint {
        let entry = Entry {
            epoch: self.head.epoch,
            seq: self.head.seq.next(),
            prev: self.head.hash,
            binding: BindingId::from_bytes([0xb1; 16]),
            time: EventTime {
                at: CoarseTime::containing_unix_s(1_795_000_000 + salt * 300),
                utc_offset_min: 480,
                quality: ClockQuality::Running,
            },
            receipt_at: ServerTime::from_unix_s(1_795_000_000),
            policy: PolicyVersion::new(1),
            body,
        };
        let signed = Signed::sign(entry, &device_key(), &DEVICE).unwrap();
        self.head = point(&signed);
        self.entries
            .insert((self.head.epoch, self.head.seq), signed);
        self.head
    }

    pub fn read(&self, epoch: Epoch, after: Seq, limit: usize) -> Vec<Vec<u8>> {
        let rows = self.entries.range((epoch, after.next())..);
        rows.take_while(|((of, _), _)| *of == epoch)
            .take(limit)
            .map(|(_, entry)| entry.raw().to_vec())
            .collect()
    }

    pub fn read_strays(&self, epoch: Epoch, after: Seq) -> Vec<Vec<u8>> {
        let is_after =
            |entry: &&Signed<Entry>| (entry.body().epoch, entry.body().seq) > (epoch, after);
        let strays = self.strays.iter().filter(is_after);
        strays.map(|entry| entry.raw().to_vec()).collect()
    }

    pub fn apply(&mut self, outcome: &BatchOutcome) {
        let receipt = outcome.receipt.body();
        for verdict in &outcome.verdicts {
            let hash = self.entries[&(receipt.epoch, verdict.seq)].hash();
            self.verdicts.insert(hash, verdict.verdict.clone());
        }
        self.receipt = Some((receipt.server_epoch, outcome.receipt.raw().to_vec()));
        for statement in &outcome.statements {
            self.take_statement(statement.body());
        }
    }

    /// A statement counts nothing that this disk does not hold: own awards would be off the screen beside it.
    pub fn take_statement(&mut self, statement: &Statement) {
        let mark = StatementMark::of(statement);
        assert!(self.statement < Some(mark), "an older statement");
        if let Some(cover) = statement.covers.get(&DEVICE)
            && cover.through > Seq::new(0)
        {
            let own = self.entries.get(&(cover.epoch, cover.through));
            let strays = self.strays.iter().map(Signed::hash);
            let mut here = own.map(Signed::hash).into_iter().chain(strays);
            assert!(
                here.any(|hash| hash == cover.head),
                "a statement with the entries of another disk: {cover:?}"
            );
        }
        self.statement = Some(mark);
    }

    /// Own entries come back: those that lead on from the head join the chain, the rest is kept aside.
    pub fn take_back(&mut self, entries: &[Signed<Entry>]) {
        for entry in entries {
            let place = (entry.body().epoch, entry.body().seq);
            if self
                .entries
                .get(&place)
                .is_some_and(|own| own.hash() == entry.hash())
            {
                continue;
            }
            if place.0 == self.head.epoch && entry.body().prev == self.head.hash {
                self.head = point(entry);
                self.entries.insert(place, entry.clone());
            } else if !self.strays.iter().any(|stray| stray.hash() == entry.hash()) {
                self.strays.push(entry.clone());
            }
        }
    }

    /// False when the head is not the one that the carries were worked out for.
    pub fn begin_epoch(&mut self, beginning: &Beginning) -> bool {
        if self.head != beginning.head {
            return false;
        }
        let bodies: Vec<_> = beginning
            .carries
            .iter()
            .map(|at| {
                let own = self.entries.values().chain(&self.strays);
                carry(own.into_iter().find(|own| point(own) == *at).unwrap())
            })
            .collect();
        self.head = first_point(&beginning.grant);
        self.grants.insert(self.head.epoch, beginning.grant.clone());
        for body in bodies {
            self.append(body, 0);
        }
        true
    }

    /// Every transaction that this disk knows of, by the hash of the first entry that said it.
    pub fn said(&self) -> BTreeSet<EntryHash> {
        let all = self.entries.values().chain(&self.strays);
        all.map(|entry| match entry.body().body {
            EntryBody::Fresh(_) => entry.hash(),
            EntryBody::Carry { original, .. } => original,
        })
        .collect()
    }
}

fn carry(own: &Signed<Entry>) -> EntryBody {
    match &own.body().body {
        EntryBody::Fresh(transaction) => EntryBody::Carry {
            original: own.hash(),
            transaction: transaction.clone(),
        },
        carry @ EntryBody::Carry { .. } => carry.clone(),
    }
}

fn point(entry: &Signed<Entry>) -> ChainPoint {
    ChainPoint {
        epoch: entry.body().epoch,
        seq: entry.body().seq,
        hash: entry.hash(),
    }
}

fn check_in() -> Transaction {
    Transaction::Member {
        action: MemberAction::CheckIn,
        awards: Vec::new(),
    }
}

/// Bytes as a request carries them.
pub fn raw<T>(bytes: &[u8]) -> Raw<T> {
    Raw::from(bytes)
}
