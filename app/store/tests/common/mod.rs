//! A car whose chain is signed for real, and its data folder.

#![allow(dead_code, reason = "each test file uses its part")]
#![allow(
    clippy::unwrap_used,
    reason = "a test fails by panicking, in its helpers too"
)]

use std::path::{Path, PathBuf};

use dashpoint_membership::{
    Account, BindingId, Charge, ClockQuality, CoarseTime, CompiledPolicy, Current, DeviceId,
    DrivingTime, Entry, EntryBody, EntryHash, Epoch, EventTime, Evidence, EvidenceDigest, Grade,
    Growth, LedgerVersion, MemberId, Meter, MeterInterval, MeterNumber, MeterOpening, Paid, Points,
    Policy, PolicyVersion, Profile, Seq, ServerEpoch, ServerTime, Statement, Transaction, Trip,
    Verdict,
};
use dashpoint_store::{CheckDepth, NewEntry, Reconciled, SealKey, Store, StoreOptions};
use dashpoint_wire::{ChainPoint, EntryVerdict, EpochGrant, Receipt, Signed, SigningKey};

pub const DEVICE: DeviceId = DeviceId::from_bytes([1; 16]);
pub const MEMBER: MemberId = MemberId::from_bytes([2; 16]);
pub const BINDING: BindingId = BindingId::from_bytes([3; 16]);
pub const NAME: &str = "Lin Xiaoyu the Unmistakable";
pub const SEAL: SealKey = SealKey::from_bytes([9; 32]);

pub fn key() -> SigningKey {
    SigningKey::from_seed(&[4; 32])
}

pub fn options(check: CheckDepth) -> StoreOptions {
    let mut count = 0_u64;
    StoreOptions {
        vfs: None,
        seal: Some(SEAL),
        nonces: Box::new(move || {
            count += 1;
            let mut nonce = [0; 12];
            nonce[..8].copy_from_slice(&count.to_be_bytes());
            Some(nonce)
        }),
        check,
    }
}

pub fn open(folder: &Path) -> Store {
    Store::open(folder, options(CheckDepth::Ends)).unwrap()
}

/// The first meter of a quantity.
pub const fn first(meter: Meter) -> (Meter, MeterNumber) {
    (meter, MeterNumber::FIRST)
}

/// The signing side of a car: each call makes the next link.
#[derive(Clone)]
pub struct Chain {
    pub head: ChainPoint,
    pub odometer: u64,
}

impl Chain {
    /// A chain with its first grant.
    pub fn start() -> (Self, Signed<EpochGrant>) {
        let nowhere = ChainPoint {
            epoch: Epoch::new(0),
            seq: Seq::new(0),
            hash: EntryHash::from_bytes([0; 32]),
        };
        let mut chain = Self {
            head: nowhere,
            odometer: 1_000,
        };
        let grant = chain.grant();
        (chain, grant)
    }

    /// The grant of the next epoch, and the chain in it.
    pub fn grant(&mut self) -> Signed<EpochGrant> {
        let epoch = self.head.epoch.next();
        let issued = ServerTime::from_unix_s(1_790_000_000);
        let body = EpochGrant {
            device: DEVICE,
            epoch,
            follows: (epoch.get() > 1).then_some(self.head),
            issued,
            server_epoch: ServerEpoch::new(1),
            chain: dashpoint_membership::Chain::start(issued),
        };
        let grant = Signed::sign(body, &key(), &DEVICE).unwrap();
        self.head = ChainPoint {
            epoch,
            seq: Seq::new(0),
            hash: grant.hash(),
        };
        grant
    }

    /// A trip of that many metres.
    pub fn trip(&mut self, metres: u64) -> Signed<Entry> {
        self.trip_of(metres, DrivingTime::Minutes(10))
    }

    /// A trip of that many metres as older programs have signed it.
    pub fn old_trip(&mut self, metres: u64) -> Signed<Entry> {
        self.trip_of(metres, DrivingTime::Seconds(600))
    }

    fn trip_of(&mut self, metres: u64, driving: DrivingTime) -> Signed<Entry> {
        let odometer =
            MeterInterval::of_first(Meter::Odometer, self.odometer, self.odometer + metres);
        self.odometer += metres;
        self.earn(Evidence::Trip(Trip {
            odometer,
            started: CoarseTime::containing_unix_s(1_790_000_000),
            driving,
            missed_s: 0,
            used_wh: 1_500,
            regained_wh: 200,
            assisted_percent: None,
            braking_resolution_s: None,
            score_x100: 9_434,
            factors: Vec::new(),
        }))
    }

    /// A charging session over that stretch of its meter.
    pub fn charge(&mut self, from: u64, to: u64) -> Signed<Entry> {
        self.earn(Evidence::Charge(Charge {
            charged: MeterInterval::of_first(Meter::Charged, from, to),
            started: None,
            renewable_permille: 1_000,
            grade: Grade::Metered,
            current: Current::Dc,
        }))
    }

    /// The opening of the second meter of charged energy.
    pub fn open_charged(&mut self, last: u64, first: u64) -> Signed<Entry> {
        let opening = MeterOpening {
            meter: Meter::Charged,
            number: MeterNumber::FIRST.next(),
            last,
            first,
            since: CoarseTime::containing_unix_s(1_789_800_000),
        };
        self.sign(EntryBody::Fresh(Transaction::OpenMeter(opening)))
    }

    /// A charging session on the second meter of its quantity.
    pub fn second_charge(&mut self, from: u64, to: u64) -> Signed<Entry> {
        self.earn(Evidence::Charge(Charge {
            charged: MeterInterval {
                number: MeterNumber::FIRST.next(),
                ..MeterInterval::of_first(Meter::Charged, from, to)
            },
            started: None,
            renewable_permille: 1_000,
            grade: Grade::Metered,
            current: Current::Dc,
        }))
    }

    fn earn(&mut self, evidence: Evidence) -> Signed<Entry> {
        self.fresh(Transaction::Earn {
            evidence,
            digest: EvidenceDigest::from_bytes([5; 32]),
            awards: vec![dashpoint_membership::Award {
                rule: "safe-trip".parse().unwrap(),
                points: dashpoint_membership::Milli::new(12_345),
                growth: dashpoint_membership::Milli::new(12_345),
                predicted: Points::new(12),
            }],
        })
    }

    fn fresh(&mut self, transaction: Transaction) -> Signed<Entry> {
        self.sign(EntryBody::Fresh(transaction))
    }

    /// The same transaction again in the present epoch.
    pub fn carry(&mut self, original: &Signed<Entry>) -> Signed<Entry> {
        self.sign(EntryBody::Carry {
            original: original.hash(),
            transaction: original.body().transaction().clone(),
        })
    }

    fn sign(&mut self, body: EntryBody) -> Signed<Entry> {
        let entry = Entry {
            epoch: self.head.epoch,
            seq: self.head.seq.next(),
            prev: self.head.hash,
            binding: BINDING,
            time: EventTime {
                at: CoarseTime::containing_unix_s(1_790_000_000),
                utc_offset_min: 480,
                quality: ClockQuality::Synced,
            },
            receipt_at: ServerTime::from_unix_s(1_790_000_000),
            policy: PolicyVersion::new(1),
            body,
        };
        let signed = Signed::sign(entry, &key(), &DEVICE).unwrap();
        self.head = ChainPoint {
            epoch: signed.body().epoch,
            seq: signed.body().seq,
            hash: signed.hash(),
        };
        signed
    }
}

pub fn private(signed: &Signed<Entry>) -> Vec<u8> {
    format!("private evidence of {}", signed.body().seq).into_bytes()
}

pub fn new_entry(signed: &Signed<Entry>) -> NewEntry {
    NewEntry::new(signed, Some(private(signed)), 1_790_000_000)
}

/// A folder with a first epoch and that many trips in it.
pub struct Car {
    pub folder: tempfile::TempDir,
    pub store: Store,
    pub chain: Chain,
    pub grant: Signed<EpochGrant>,
    pub entries: Vec<Signed<Entry>>,
}

impl Car {
    pub fn with_trips(count: usize) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut store = open(folder.path());
        let (mut chain, grant) = Chain::start();
        store.begin_epoch(&grant, &[]).unwrap();
        let entries: Vec<_> = (0..count).map(|_| chain.trip(1_000)).collect();
        for entry in &entries {
            store.commit_entry(&new_entry(entry)).unwrap();
        }
        Self {
            folder,
            store,
            chain,
            grant,
            entries,
        }
    }

    pub fn ledger(&self) -> PathBuf {
        self.folder.path().join("ledger.db")
    }

    /// Lets the folder go, as when the head unit is switched off.
    pub fn parked(self) -> (tempfile::TempDir, Chain, Vec<Signed<Entry>>) {
        self.store.close().unwrap();
        (self.folder, self.chain, self.entries)
    }
}

pub fn receipt(through: ChainPoint, server_epoch: u32, at: i64) -> Signed<Receipt> {
    let body = Receipt {
        device: DEVICE,
        epoch: through.epoch,
        through: through.seq,
        head: through.hash,
        verdicts: [0; 32],
        server_time: ServerTime::from_unix_s(at),
        server_epoch: ServerEpoch::new(server_epoch),
        policy: PolicyVersion::new(1),
    };
    Signed::sign(body, &key(), &DEVICE).unwrap()
}

pub fn accepted(seq: u64, points: i64) -> EntryVerdict {
    EntryVerdict {
        seq: Seq::new(seq),
        verdict: Verdict::Accepted {
            paid: Paid {
                points: Points::new(points),
                growth: Growth::new(points),
            },
        },
        duplicate: false,
    }
}

pub fn policy(version: u32) -> Policy {
    let mut policy: Policy = toml::from_str(dashpoint_membership::DEFAULT_POLICY_TOML).unwrap();
    policy.version = PolicyVersion::new(version);
    policy
}

pub fn statement(server_epoch: u32, version: u64, issued: i64) -> Signed<Statement> {
    let issued = ServerTime::from_unix_s(issued);
    let mut account = Account::open(&CompiledPolicy::compile(policy(1)).unwrap(), issued);
    account.version = LedgerVersion::new(version);
    let body = Statement {
        member: MEMBER,
        server_epoch: ServerEpoch::new(server_epoch),
        issued,
        profile: Profile {
            name: NAME.to_owned(),
            joined: issued,
            zone: "Asia/Shanghai".to_owned(),
        },
        account,
        covers: std::collections::BTreeMap::new(),
        since: LedgerVersion::new(0),
        settlements: Vec::new(),
    };
    Signed::sign(body, &key(), &MEMBER).unwrap()
}

/// The answer of the cloud to the first entries of a car.
pub fn answer(car: &Car, through: usize, server_epoch: u32) -> Reconciled {
    let entry = &car.entries[through - 1];
    let head = ChainPoint {
        epoch: Epoch::new(1),
        seq: entry.body().seq,
        hash: entry.hash(),
    };
    Reconciled {
        receipt: receipt(head, server_epoch, 1_790_000_000 + through as i64),
        verdicts: (1..=through as u64).map(|seq| accepted(seq, 12)).collect(),
        statements: vec![statement(server_epoch, through as u64, 1_790_000_000)],
    }
}
