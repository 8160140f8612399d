//! What the tests of this crate build their members and entries from.
use dashpoint_membership::policy::Policy;
use dashpoint_membership::*;

/// 2026-11-22 08:00 in China.
pub const MORNING: i64 = 1_795_305_600;
pub const HOUR: i64 = 3_600;
pub const DAY: i64 = 86_400;

pub fn at(unix_s: i64) -> ServerTime {
    ServerTime::from_unix_s(unix_s)
}

pub fn default_policy() -> Policy {
    toml::from_str(DEFAULT_POLICY_TOML).unwrap()
}

pub fn compiled(policy: Policy) -> CompiledPolicy {
    CompiledPolicy::compile(policy).unwrap()
}

pub fn default_policies() -> Policies {
    Policies::new(compiled(default_policy()))
}

pub fn shanghai() -> Zone {
    Zone::new("Asia/Shanghai").unwrap()
}

pub fn rule(id: &str) -> RuleId {
    RuleId::new(id).unwrap()
}

pub fn cap(id: &str) -> CapId {
    CapId::new(id).unwrap()
}

pub fn benefit() -> BenefitId {
    BenefitId::new("car-wash").unwrap()
}

pub fn device(number: u8) -> DeviceId {
    DeviceId::from_bytes([number; 16])
}

pub fn points(amount: i64) -> Points {
    Points::new(amount)
}

pub fn milli(amount: i64) -> Milli {
    Milli::new(amount)
}

/// A trip at a full score that was observed, on energy that avoids CO2.
pub fn trip(from_m: u64, distance_m: u64, net_wh: u32) -> Trip {
    Trip {
        odometer: MeterInterval::of_first(Meter::Odometer, from_m, from_m + distance_m),
        started: CoarseTime::containing_unix_s(MORNING),
        driving: DrivingTime::Minutes(30),
        missed_s: 0,
        used_wh: net_wh + 100,
        regained_wh: 100,
        assisted_percent: None,
        braking_resolution_s: None,
        score_x100: 10_000,
        factors: vec![FactorSeen {
            factor: Factor::HardBraking,
            against_ms: 0,
            base_ms: 60_000,
        }],
    }
}

pub fn charge(energy_wh: u64, renewable_permille: u16, grade: Grade) -> Charge {
    Charge {
        charged: MeterInterval::of_first(Meter::Charged, 50_000, 50_000 + energy_wh),
        started: Some(CoarseTime::containing_unix_s(MORNING)),
        renewable_permille,
        grade,
        current: Current::Ac,
    }
}

pub fn earn(evidence: Evidence) -> Subject {
    Subject::Earn {
        evidence,
        digest: EvidenceDigest::from_bytes([7; 32]),
    }
}

pub const CHECK_IN: Subject = Subject::Member {
    action: MemberAction::CheckIn,
};

pub fn earned(evidence: Evidence) -> Transaction {
    Transaction::Earn {
        evidence,
        digest: EvidenceDigest::from_bytes([7; 32]),
        awards: Vec::new(),
    }
}

pub fn event(unix_s: i64) -> EventTime {
    EventTime {
        at: CoarseTime::containing_unix_s(unix_s),
        utc_offset_min: 480,
        quality: ClockQuality::Synced,
    }
}

pub fn header(seq: u64, unix_s: i64, receipt_at: ServerTime) -> Header {
    Header {
        epoch: Epoch::new(1),
        seq: Seq::new(seq),
        prev: EntryHash::from_bytes([0; 32]),
        binding: BindingId::from_bytes([9; 16]),
        time: event(unix_s),
        receipt_at,
    }
}

pub fn statement(account: &Account, issued: ServerTime) -> Statement {
    Statement {
        member: MemberId::from_bytes([1; 16]),
        server_epoch: ServerEpoch::new(1),
        issued,
        profile: Profile {
            name: "Li Na".to_owned(),
            joined: at(MORNING - 400 * DAY),
            zone: "Asia/Shanghai".to_owned(),
        },
        account: account.clone(),
        covers: std::collections::BTreeMap::new(),
        since: LedgerVersion::new(0),
        settlements: Vec::new(),
    }
}

/// A cloud with one member: what it holds beside its account are the chains of the member's devices.
pub struct Cloud {
    pub account: Account,
    pub chains: std::collections::BTreeMap<DeviceId, Cover>,
    pub policies: Policies,
    pub zone: Zone,
    pub opened: ServerTime,
}

impl Cloud {
    pub fn new(policies: Policies, now: ServerTime) -> Self {
        Self {
            account: Account::open(policies.newest(), now),
            chains: std::collections::BTreeMap::new(),
            policies,
            zone: shanghai(),
            opened: now,
        }
    }

    pub fn start(&self) -> ChainStart {
        ChainStart {
            epoch: Epoch::new(1),
            chain: Chain::start(self.opened),
        }
    }

    pub fn take(&mut self, device: DeviceId, entry: &Entry, arrival: ServerTime) -> Settlement {
        let opened = self.start().chain;
        let cover = self.chains.entry(device).or_insert(Cover {
            epoch: Epoch::new(1),
            through: Seq::new(0),
            head: EntryHash::from_bytes([0; 32]),
            chain: opened,
        });
        let reference = EntryRef {
            device,
            epoch: entry.epoch,
            seq: entry.seq,
        };
        cover.through = entry.seq;
        settle(
            &mut self.account,
            &mut cover.chain,
            &self.zone,
            &self.policies,
            reference,
            entry,
            Arrival::of(entry, arrival),
        )
    }

    pub fn statement(&self, now: ServerTime) -> Statement {
        let mut statement = statement(&self.account, now);
        statement.covers = self.chains.clone();
        statement
    }
}

/// A device of that member, with its entries since the last statement.
pub struct Car {
    pub device: DeviceId,
    pub fold: Fold,
    pub policies: Policies,
    pub receipt_at: ServerTime,
    pub unsent: Vec<Entry>,
    pub sent: u64,
}

impl Car {
    pub fn new(number: u8, cloud: &Cloud, now: ServerTime) -> Self {
        let device = device(number);
        let statement = cloud.statement(now);
        Self {
            device,
            fold: fold(&statement, device, cloud.start(), &[], &cloud.policies, now),
            policies: cloud.policies.clone(),
            receipt_at: cloud.opened,
            unsent: Vec::new(),
            sent: 0,
        }
    }

    pub fn mint(&mut self, policies: &Policies, subject: Subject, now: i64) -> Settlement {
        let seq = self.sent + self.unsent.len() as u64 + 1;
        let header = header(seq, now, self.receipt_at);
        let (entry, settlement) = self.fold.mint(policies, header, subject, at(now));
        self.unsent.push(entry);
        settlement
    }

    /// Sends everything and takes the statement.
    pub fn sync(&mut self, cloud: &mut Cloud, now: i64) -> Vec<Settlement> {
        self.send(cloud, usize::MAX, now)
    }

    /// Sends the oldest entries, at most so many, and takes the statement.
    pub fn send(&mut self, cloud: &mut Cloud, most: usize, now: i64) -> Vec<Settlement> {
        let batch = most.min(self.unsent.len());
        let rows = self
            .unsent
            .drain(..batch)
            .map(|entry| cloud.take(self.device, &entry, at(now)))
            .collect::<Vec<_>>();
        self.sent += rows.len() as u64;
        if !rows.is_empty() {
            self.receipt_at = at(now);
        }
        self.refresh(cloud, now);
        rows
    }

    /// Takes a fresh statement without sending anything.
    pub fn refresh(&mut self, cloud: &Cloud, now: i64) {
        let statement = cloud.statement(at(now));
        self.fold = fold(
            &statement,
            self.device,
            cloud.start(),
            &self.unsent,
            &self.policies,
            at(now),
        );
    }
}

pub fn verdict(settlement: &Settlement) -> &Verdict {
    match &settlement.cause {
        Cause::Entry { verdict, .. } => verdict,
        other => panic!("{other:?} is no verdict"),
    }
}
