//! A cloud in memory, and cars that sign.

use std::path::Path;

use dashpoint_cloud::{
    Approval, AskIds, ClockKind, CloudCore, CloudError, GrantedIds, NewMember, PostOutcome, Word,
    open_file, open_in_memory,
};
use dashpoint_membership::*;
use dashpoint_wire::message::{
    EnrolRequest, EnrolState, EnrolmentProof, EntriesRequest, EntriesResponse, EpochRequest,
};
use dashpoint_wire::{ChainPoint, EpochGrant, PublicKey, Raw, Signed, SigningKey};
use rusqlite::Connection;

/// 2026-11-22 12:00 in China.
pub const NOON: i64 = 1_795_320_000;
pub const HOUR: i64 = 3_600;
pub const DAY: i64 = 86_400;

pub const fn at(unix_s: i64) -> ServerTime {
    ServerTime::from_unix_s(unix_s)
}

pub struct World {
    pub core: CloudCore,
    pub now: ServerTime,
    pub cloud_key: PublicKey,
}

impl World {
    pub fn new() -> Self {
        Self::on(ClockKind::System)
    }

    pub fn on(clock: ClockKind) -> Self {
        Self::with(open_in_memory().unwrap(), clock)
    }

    /// A cloud on a database file, which is begun when it is not there.
    pub fn on_disk(file: &Path) -> Self {
        Self::with(open_file(file).unwrap(), ClockKind::System)
    }

    pub fn with(db: Connection, clock: ClockKind) -> Self {
        let key = SigningKey::from_seed(&[0xc1; 32]);
        let core = CloudCore::start(db, key.clone(), clock, at(NOON));
        Self {
            core: core.unwrap(),
            now: at(NOON),
            cloud_key: key.public(),
        }
    }

    pub fn pass(&mut self, seconds: i64) {
        self.now = self.now.plus_s(seconds);
    }

    /// Goes where no clock goes by itself; the operator says that it is right.
    pub fn leap_to(&mut self, now: ServerTime) {
        self.now = now;
        self.core.accept_clock("the test leaps", now).unwrap();
    }

    pub fn member(&mut self, number: u8) -> MemberId {
        let id = MemberId::from_bytes([number; 16]);
        let new = NewMember {
            id,
            name: format!("会员 {number}"),
            zone: "Asia/Shanghai".to_owned(),
        };
        self.core.add_member(&new, self.now).unwrap();
        id
    }

    /// Says yes in a member's name, and in the operator's where the vehicle earns for others.
    pub fn let_in(&mut self, code: &str, member: MemberId, ids: GrantedIds) {
        let approval = self.core.approve(code, member, ids, self.now).unwrap();
        if let Approval::Waits(_) = approval {
            let word = Word::Operator {
                reason: "a test".to_owned(),
            };
            self.core.consent(code, &word, ids, self.now).unwrap();
        }
    }

    /// Enrols a head unit with ids made of `number`.
    pub fn car(&mut self, number: u8, vehicle: u8, member: MemberId) -> Car {
        let key = SigningKey::from_seed(&[number; 32]);
        let request = EnrolRequest {
            key: key.public(),
            vehicle: VehicleId::from_bytes([vehicle; 16]),
            vin_last4: "4711".to_owned(),
            driver: None,
        };
        let code = format!("CODE{number:04}");
        let ids = AskIds {
            id: [number; 16],
            code: code.clone(),
        };
        self.core.ask(&request, ids, self.now).unwrap();
        let ids = GrantedIds {
            device: DeviceId::from_bytes([number; 16]),
            binding: BindingId::from_bytes([number; 16]),
        };
        self.let_in(&code, member, ids);
        let state = self.core.enrol_state([number; 16], self.now).unwrap();
        let Some(EnrolState::Approved {
            certificate,
            binding,
            grant,
            policy,
            statement,
            ..
        }) = state
        else {
            panic!("not approved: {state:?}");
        };
        let proof = EnrolmentProof {
            certificate,
            grant: grant.clone(),
            bindings: vec![binding],
            policies: None,
        };
        let grant = grant.verify(&self.cloud_key, &ids.device).unwrap();
        let policy = policy.verify(&self.cloud_key, &()).unwrap().into_parts().1;
        let policies = Policies::new(CompiledPolicy::compile(policy).unwrap());
        let statement = statement.verify(&self.cloud_key, &member).unwrap();
        let mut car = Car {
            key,
            device: ids.device,
            binding: ids.binding,
            member,
            epoch: Epoch::new(0),
            seq: Seq::new(0),
            head: EntryHash::from_bytes([0; 32]),
            receipt_at: at(0),
            start: Chain::start(at(0)),
            statement: statement.into_parts().1,
            own: Vec::new(),
            policies,
            proof,
        };
        car.enter(&grant);
        car
    }

    /// Sends entries from their own place on.
    /// Sends entries as a car does: one that is asked for its proof of enrolment shows it.
    pub fn post(&mut self, car: &Car, entries: &[Signed<Entry>]) -> PostOutcome {
        let request = car.request(entries);
        let posted = self.core.post_entries(car.device, &request, self.now);
        if !matches!(posted, Err(CloudError::ProofWanted { .. })) {
            return posted.unwrap();
        }
        self.core
            .take_proof(car.device, &car.proof, self.now)
            .unwrap();
        self.core
            .post_entries(car.device, &request, self.now)
            .unwrap()
    }

    /// Sends entries, expects verdicts, and gives the car what came back.
    pub fn settled(&mut self, car: &mut Car, entries: &[Signed<Entry>]) -> EntriesResponse {
        match self.post(car, entries) {
            PostOutcome::Settled(response) => {
                car.take(&response, &self.cloud_key);
                response
            }
            other => panic!("not settled: {other:?}"),
        }
    }

    /// Sends entries that do not all get a verdict; returns how many did.
    pub fn settled_up_to(&mut self, car: &Car, entries: &[Signed<Entry>]) -> usize {
        match self.post(car, entries) {
            PostOutcome::Settled(response) => response.verdicts.len(),
            other => panic!("not settled: {other:?}"),
        }
    }

    pub fn verdict(&mut self, car: &mut Car, entry: &Signed<Entry>) -> Verdict {
        let response = self.settled(car, std::slice::from_ref(entry));
        response.verdicts[0].verdict.clone()
    }

    pub fn diverged(&mut self, car: &Car, entries: &[Signed<Entry>]) -> ChainPoint {
        match self.post(car, entries) {
            PostOutcome::Diverged(divergence) => divergence.known,
            other => panic!("not diverged: {other:?}"),
        }
    }

    pub fn statement(&mut self, member: MemberId) -> Statement {
        self.core
            .statement(member, LedgerVersion::new(0), self.now)
            .unwrap()
            .into_parts()
            .1
    }

    pub fn balance(&mut self, member: MemberId) -> i64 {
        self.statement(member).account.balance().get()
    }

    /// Where the cloud says a device's chain stands.
    pub fn head(&mut self, car: &Car) -> ChainPoint {
        let cover = self.statement(car.member).covers[&car.device];
        ChainPoint {
            epoch: cover.epoch,
            seq: cover.through,
            hash: cover.head,
        }
    }

    pub fn open_epoch(&mut self, car: &mut Car) -> Raw<EpochGrant> {
        let request = EpochRequest {
            head: car.point(),
            last_receipt: None,
        };
        let opened = self.core.open_epoch(car.device, &request, self.now);
        opened.unwrap().grant
    }
}

#[derive(Clone)]
pub struct Car {
    pub key: SigningKey,
    pub device: DeviceId,
    pub binding: BindingId,
    pub member: MemberId,
    pub epoch: Epoch,
    pub seq: Seq,
    pub head: EntryHash,
    pub receipt_at: ServerTime,
    pub start: Chain,
    pub statement: Statement,
    pub own: Vec<Entry>,
    pub policies: Policies,
    /// What the cloud signed for it when it was enrolled, and the grant of its present epoch.
    pub proof: EnrolmentProof,
}

impl Car {
    pub fn enter(&mut self, grant: &Signed<EpochGrant>) {
        self.epoch = grant.body().epoch;
        self.seq = Seq::new(0);
        self.head = grant.hash();
        self.receipt_at = grant.body().issued;
        self.start = grant.body().chain;
        self.own.clear();
        self.proof.grant = grant.to_raw();
    }

    pub fn point(&self) -> ChainPoint {
        ChainPoint {
            epoch: self.epoch,
            seq: self.seq,
            hash: self.head,
        }
    }

    pub fn fold(&self, now: ServerTime) -> Fold {
        let start = ChainStart {
            epoch: self.epoch,
            chain: self.start,
        };
        fold(
            &self.statement,
            self.device,
            start,
            &self.own,
            &self.policies,
            now,
        )
    }

    /// Makes the next entry as a car does, at the time that it happens.
    pub fn mint(&mut self, subject: Subject, when: ServerTime) -> Signed<Entry> {
        let header = Header {
            epoch: self.epoch,
            seq: self.seq.next(),
            prev: self.head,
            binding: self.binding,
            time: EventTime {
                at: CoarseTime::containing_unix_s(when.as_unix_s()),
                utc_offset_min: 480,
                quality: ClockQuality::Synced,
            },
            receipt_at: self.receipt_at,
        };
        let (entry, _) = self.fold(when).mint(&self.policies, header, subject, when);
        self.sign(entry)
    }

    /// Signs an entry and takes it as the head.
    pub fn sign(&mut self, entry: Entry) -> Signed<Entry> {
        self.seq = entry.seq;
        self.own.push(entry.clone());
        let signed = Signed::sign(entry, &self.key, &self.device).unwrap();
        self.head = signed.hash();
        signed
    }

    /// Makes the next entry with something changed in it.
    pub fn forged(
        &mut self,
        subject: Subject,
        when: ServerTime,
        change: impl FnOnce(&mut Entry),
    ) -> Signed<Entry> {
        let before = self.clone();
        let mut entry = self.mint(subject, when).into_parts().1;
        *self = before;
        change(&mut entry);
        self.sign(entry)
    }

    pub fn carry(&mut self, original: &Signed<Entry>) -> Signed<Entry> {
        let entry = Entry {
            epoch: self.epoch,
            seq: self.seq.next(),
            prev: self.head,
            body: EntryBody::Carry {
                original: original.hash(),
                transaction: original.body().transaction().clone(),
            },
            ..original.body().clone()
        };
        self.sign(entry)
    }

    pub fn request(&self, entries: &[Signed<Entry>]) -> EntriesRequest {
        let first = entries.first().map(Signed::body);
        EntriesRequest {
            epoch: first.map_or(self.epoch, |entry| entry.epoch),
            from: first.map_or(self.seq.next(), |entry| entry.seq),
            last_receipt: None,
            entries: entries.iter().map(Signed::to_raw).collect(),
        }
    }

    fn take(&mut self, response: &EntriesResponse, cloud: &PublicKey) {
        let receipt = response.receipt.clone().verify(cloud, &self.device);
        let receipt = receipt.unwrap().into_parts().1;
        assert_eq!(
            receipt.verdicts,
            dashpoint_wire::verdicts_digest(&response.verdicts)
        );
        assert_eq!((receipt.epoch, receipt.through), (self.epoch, self.seq));
        assert_eq!(receipt.head, self.head);
        self.receipt_at = receipt.server_time;
        for raw in &response.statements {
            let statement = raw.clone().verify(cloud, &self.member);
            self.statement = statement.unwrap().into_parts().1;
        }
        // What the car folds onto the new statement is nothing: it has all of it.
        assert!(self.fold(receipt.server_time).settlements.is_empty());
    }
}

pub fn trip(from_m: u64, distance_m: u64) -> Trip {
    Trip {
        odometer: MeterInterval::of_first(Meter::Odometer, from_m, from_m + distance_m),
        started: CoarseTime::containing_unix_s(NOON - HOUR),
        driving: DrivingTime::Minutes(30),
        missed_s: 0,
        used_wh: 2_000,
        regained_wh: 200,
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

pub fn charge(from_wh: u64, energy_wh: u64) -> Charge {
    Charge {
        charged: MeterInterval::of_first(Meter::Charged, from_wh, from_wh + energy_wh),
        started: Some(CoarseTime::containing_unix_s(NOON - HOUR)),
        renewable_permille: 1_000,
        grade: Grade::Metered,
        current: Current::Dc,
    }
}

pub fn drove(trip: Trip) -> Subject {
    earn(Evidence::Trip(trip))
}

pub fn charged(charge: Charge) -> Subject {
    earn(Evidence::Charge(charge))
}

pub fn earn(evidence: Evidence) -> Subject {
    Subject::Earn {
        evidence,
        digest: EvidenceDigest::from_bytes([9; 32]),
    }
}

pub const CHECK_IN: Subject = Subject::Member {
    action: MemberAction::CheckIn,
};

pub const fn rejected(reason: Rejection) -> Verdict {
    Verdict::Rejected { reason }
}

pub fn paid(verdict: &Verdict) -> i64 {
    match verdict {
        Verdict::Accepted { paid }
        | Verdict::Adjusted { paid, .. }
        | Verdict::Review { paid, .. } => paid.points.get(),
        Verdict::Rejected { .. } => 0,
    }
}
