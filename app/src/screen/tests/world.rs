//! Books and a ledger made by hand.

use std::collections::BTreeMap;

use dashpoint_membership::policy::Policy;
use dashpoint_membership::{
    Account, BindingId, Catalogue, Chain, Charge, ClockQuality, CoarseTime, CompiledPolicy,
    Current, DEFAULT_CATALOGUE_TOML, DEFAULT_POLICY_TOML, DeviceId, DrivingTime, Epoch, EventTime,
    Evidence, EvidenceDigest, Factor, FactorSeen, Grade, Growth, LedgerVersion, MemberId, Meter,
    MeterInterval, Points, Policies, Profile, Seq, ServerEpoch, ServerTime, Statement, Subject,
    TierHeld, TierId, Trip, VehicleId,
};
use dashpoint_sync::DeviceIdentity;
use dashpoint_wire::{Binding, ChainPoint, EpochGrant, Signed, SigningKey};

use crate::books::Books;
use crate::entry_status::{AccountFacts, EntryStatus};
use crate::live::Live;
use crate::screen::{OwnEntry, Source, screen_data};
use dashpoint_ui::model::{Availability, MemberData, RowData, ScreenData};

/// 2026-11-22 10:00 in China.
pub(crate) const NOW: ServerTime = ServerTime::from_unix_s(1_795_312_800);
pub(crate) const MEMBER: MemberId = MemberId::from_bytes([3; MemberId::LEN]);
pub(crate) const BINDING: BindingId = BindingId::from_bytes([4; BindingId::LEN]);
pub(crate) const DEVICE: DeviceId = DeviceId::from_bytes([5; DeviceId::LEN]);

/// Books and ledger of a member with 640 points, and what the head unit tells.
pub(crate) struct World {
    pub(crate) books: Books,
    pub(crate) own: Vec<OwnEntry>,
    pub(crate) live: Option<Live>,
    pub(crate) guest: bool,
    pub(crate) sealed: bool,
}

impl World {
    pub(crate) fn new() -> Self {
        let mut world = Self {
            books: books(),
            own: Vec::new(),
            live: None,
            guest: false,
            sealed: false,
        };
        world.books.take_statement(statement(640, 420), NOW);
        world
    }

    /// An own entry, minted as on the road; the cloud has not spoken.
    pub(crate) fn earn(&mut self, evidence: Evidence) -> &mut OwnEntry {
        self.mint(Subject::Earn {
            evidence,
            digest: EvidenceDigest::from_bytes([7; EvidenceDigest::LEN]),
        })
    }

    pub(crate) fn mint(&mut self, subject: Subject) -> &mut OwnEntry {
        self.mint_at(subject, NOW)
    }

    /// An own entry whose own clock says that time.
    pub(crate) fn mint_at(&mut self, subject: Subject, at: ServerTime) -> &mut OwnEntry {
        let time = EventTime {
            at: CoarseTime::containing_unix_s(at.as_unix_s()),
            utc_offset_min: 480,
            quality: ClockQuality::Synced,
        };
        let (entry, _) = self.books.mint(BINDING, time, subject, NOW).unwrap();
        let point = ChainPoint {
            epoch: entry.epoch,
            seq: entry.seq,
            hash: dashpoint_membership::EntryHash::from_bytes([entry.seq.get() as u8; 32]),
        };
        self.books.head = point;
        let own = OwnEntry {
            point,
            entry,
            status: EntryStatus::Pending,
            trace: None,
        };
        self.own.insert(0, own);
        &mut self.own[0]
    }

    /// The own entries, with what the statement proves of those without a verdict.
    pub(crate) fn entries(&self) -> Vec<OwnEntry> {
        let members = self.books.members.values();
        let account = AccountFacts::of(
            DEVICE,
            BTreeMap::from([(BINDING, MEMBER)]),
            members.map(|book| book.statement.clone()),
        );
        let with_status = |own: &OwnEntry| OwnEntry {
            status: account.status(own.point, BINDING, own.status.verdict().cloned()),
            ..own.clone()
        };
        self.own.iter().map(with_status).collect()
    }

    pub(crate) fn data(&self) -> ScreenData {
        screen_data(&Source {
            books: &self.books,
            member: Some(MEMBER),
            sealed: self.sealed,
            own: &self.entries(),
            live: self.live.as_ref(),
            guest: self.guest,
            guest_by_car: self.live.as_ref().is_some_and(|live| live.guest_by_car),
            now: NOW,
        })
    }

    pub(crate) fn member(&self) -> MemberData {
        here(self.data().member)
    }

    pub(crate) fn rows(&self) -> Vec<RowData> {
        here(self.data().activity)
    }
}

#[track_caller]
pub(crate) fn here<T>(held: Availability<T>) -> T {
    match held {
        Availability::Here(held) => held,
        Availability::NotYet | Availability::Damaged | Availability::OtherCar => {
            panic!("nothing is held")
        }
    }
}

fn books() -> Books {
    let cloud = SigningKey::from_pkcs8(&SigningKey::generate().unwrap()).unwrap();
    let chain = Chain::start(NOW);
    let grant = EpochGrant {
        device: DEVICE,
        epoch: Epoch::new(1),
        follows: None,
        issued: NOW.plus_s(-3_600),
        server_epoch: ServerEpoch::new(1),
        chain,
    };
    let grant = Signed::sign(grant, &cloud, &DEVICE).unwrap();
    let binding = Binding {
        id: BINDING,
        device: DEVICE,
        member: MEMBER,
        driver: None,
        valid_from: ServerTime::from_unix_s(0),
        valid_until: NOW.plus_s(86_400),
    };
    let policy: Policy = toml::from_str(DEFAULT_POLICY_TOML).unwrap();
    let catalogue: Catalogue = toml::from_str(DEFAULT_CATALOGUE_TOML).unwrap();
    Books {
        identity: DeviceIdentity {
            device: DEVICE,
            device_key: cloud.public(),
            cloud_key: cloud.public(),
        },
        vehicle: VehicleId::from_bytes([6; VehicleId::LEN]),
        salt: None,
        head: ChainPoint {
            epoch: Epoch::new(1),
            seq: Seq::new(0),
            hash: grant.hash(),
        },
        forked: false,
        receipt: None,
        receipt_at: NOW.plus_s(-3_600),
        grant,
        bindings: BTreeMap::from([(BINDING, binding)]),
        policies: Some(Policies::new(CompiledPolicy::compile(policy).unwrap())),
        catalogue: Some(catalogue),
        members: BTreeMap::new(),
        unfolded: BTreeMap::new(),
        before: None,
    }
}

pub(crate) fn statement(balance: i64, growth: i64) -> Statement {
    Statement {
        member: MEMBER,
        server_epoch: ServerEpoch::new(1),
        issued: NOW.plus_s(-7_200),
        profile: Profile {
            name: "林晓".to_owned(),
            joined: ServerTime::from_unix_s(1_600_000_000),
            zone: "Asia/Shanghai".to_owned(),
        },
        account: Account {
            version: LedgerVersion::new(9),
            lots: vec![dashpoint_membership::Lot {
                id: LedgerVersion::new(1),
                points: Points::new(balance),
                remaining: Points::new(balance),
                expires: NOW.plus_s(20 * 86_400),
            }],
            arrears: Points::ZERO,
            growth: Growth::new(growth),
            growth_in_period: Growth::new(growth),
            tier: TierHeld {
                tier: TierId::new("basic").unwrap(),
                since: ServerTime::from_unix_s(1_600_000_000),
                until: None,
            },
            used: BTreeMap::new(),
            remainders: BTreeMap::new(),
            pending: Vec::new(),
        },
        covers: BTreeMap::new(),
        since: LedgerVersion::new(0),
        settlements: Vec::new(),
    }
}

pub(crate) fn trip(from_m: u64, metres: u64, score_x100: u16) -> Evidence {
    Evidence::Trip(Trip {
        odometer: MeterInterval::of_first(Meter::Odometer, from_m, from_m + metres),
        started: CoarseTime::containing_unix_s(NOW.as_unix_s() - 1_800),
        driving: DrivingTime::Minutes(25),
        missed_s: 0,
        // So much that no CO2 is avoided: the trip earns by its score alone.
        used_wh: u32::try_from(metres).unwrap(),
        regained_wh: 0,
        assisted_percent: None,
        braking_resolution_s: None,
        score_x100,
        factors: vec![FactorSeen {
            factor: Factor::HardBraking,
            against_ms: 2_000,
            base_ms: 72_000,
        }],
    })
}

pub(crate) fn charge(energy_wh: u64, renewable_permille: u16, grade: Grade) -> Evidence {
    Evidence::Charge(Charge {
        charged: MeterInterval::of_first(Meter::Charged, 50_000, 50_000 + energy_wh),
        started: Some(CoarseTime::containing_unix_s(NOW.as_unix_s() - 1_800)),
        renewable_permille,
        grade,
        current: Current::Ac,
    })
}
