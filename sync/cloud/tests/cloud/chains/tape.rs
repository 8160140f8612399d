//! Records what a cloud and its cars did, so that another implementation can do it again and compare.

use std::collections::BTreeMap;

use dashpoint_cloud::{AskIds, GrantedIds};
use dashpoint_membership::*;
use dashpoint_wire::message::{EnrolRequest, EnrolState, EpochRequest};
use dashpoint_wire::{Raw, Signed, SigningKey};
use data_encoding::HEXLOWER;
use serde_json::{Value, json};

use crate::support::*;

/// One chain story: a cloud, its members and cars, and the steps so far.
pub struct Tape {
    about: &'static str,
    pub world: World,
    steps: Vec<Value>,
    policies: u32,
    members: Vec<MemberId>,
    odometer: u64,
    charged: u64,
}

impl Tape {
    /// Begins with a new cloud and its default policy, at a time.
    pub fn new(about: &'static str, begin: &str) -> Self {
        let db = dashpoint_cloud::open_in_memory().unwrap();
        let key = SigningKey::from_seed(&[0xc1; 32]);
        let now = instant(begin);
        let core = dashpoint_cloud::CloudCore::start(
            db,
            key.clone(),
            dashpoint_cloud::ClockKind::System,
            now,
        )
        .unwrap();
        let cloud_key = key.public();
        let mut tape = Self {
            about,
            world: World {
                core,
                now,
                cloud_key,
            },
            steps: Vec::new(),
            policies: 0,
            members: Vec::new(),
            odometer: 12_345_000,
            charged: 777_000,
        };
        tape.record_policy();
        tape
    }

    /// The whole story for the file.
    pub fn end(self) -> Value {
        json!({
            "about": self.about,
            "cloud_key": self.world.cloud_key.to_string(),
            "steps": self.steps,
        })
    }

    pub fn pass(&mut self, seconds: i64) {
        self.world.leap_to(self.world.now.plus_s(seconds));
    }

    /// The cloud's clock was ahead and is right again.
    pub fn back_to(&mut self, to: ServerTime) {
        self.world.leap_to(to);
    }

    /// Goes to a time that is written as in RFC 3339.
    pub fn go_to(&mut self, text: &str) {
        let to = instant(text);
        assert!(to >= self.world.now, "{text} is over");
        self.world.leap_to(to);
    }

    pub fn member(&mut self, number: u8, zone: &str) -> MemberId {
        let new = dashpoint_cloud::NewMember {
            id: MemberId::from_bytes([number; 16]),
            name: format!("会员 {number}"),
            zone: zone.to_owned(),
        };
        self.world.core.add_member(&new, self.world.now).unwrap();
        self.members.push(new.id);
        let account = self.account(new.id);
        self.step(
            "join",
            json!({ "member": new.id, "zone": zone, "account": account }),
        );
        new.id
    }

    /// Signs the next version of the policy: the one of before with a change.
    pub fn policy(&mut self, change: impl FnOnce(&mut Policy)) {
        let version = PolicyVersion::new(self.policies);
        let before = self.world.core.policy(Some(version), self.world.now);
        let mut policy = before.unwrap();
        policy.version = version.next();
        change(&mut policy);
        self.world.core.sign_policy(policy, self.world.now).unwrap();
        self.record_policy();
    }

    fn record_policy(&mut self) {
        self.policies += 1;
        let policy = self
            .world
            .core
            .policy(Some(PolicyVersion::new(self.policies)), self.world.now)
            .unwrap();
        let key = SigningKey::from_seed(&[0xc1; 32]);
        let raw = Signed::sign(policy, &key, &()).unwrap();
        self.step("policy", json!({ "policy": hex(raw.raw()) }));
    }

    /// The car fetches a version of the policy.
    pub fn learn(&mut self, car: &mut Car, version: u32) {
        let policy = self
            .world
            .core
            .policy(Some(PolicyVersion::new(version)), self.world.now)
            .unwrap();
        car.policies
            .insert(CompiledPolicy::compile(policy).unwrap());
        self.step("learn", json!({ "device": car.device, "version": version }));
    }

    /// Enrols a head unit with ids made of `number`; it knows the policy in force and no other.
    pub fn car(&mut self, number: u8, vehicle: u8, member: MemberId) -> Car {
        let car = self.world.car(number, vehicle, member);
        let state = self.world.core.enrol_state([number; 16], self.world.now);
        let Some(EnrolState::Approved {
            certificate,
            binding,
            grant,
            policy,
            statement,
            ..
        }) = state.unwrap()
        else {
            panic!("not approved");
        };
        let policy = policy.verify(&self.world.cloud_key, &()).unwrap();
        self.step(
            "enrol",
            json!({
                "certificate": hex(certificate.as_bytes()),
                "binding": hex(binding.as_bytes()),
                "grant": hex(grant.as_bytes()),
                "statement": hex(statement.as_bytes()),
                "version": policy.body().version,
            }),
        );
        car
    }

    /// Another member is bound to the same head unit: the entries of both are one chain.
    pub fn share(&mut self, car: &Car, number: u8, vehicle: u8, member: MemberId) -> BindingId {
        let request = EnrolRequest {
            key: car.key.public(),
            vehicle: VehicleId::from_bytes([vehicle; 16]),
            vin_last4: "4711".to_owned(),
            driver: None,
        };
        let code = format!("CODE{number:04}");
        let ids = AskIds {
            id: [number; 16],
            code: code.clone(),
        };
        let core = &mut self.world.core;
        core.ask(&request, ids, self.world.now).unwrap();
        let ids = GrantedIds {
            device: DeviceId::from_bytes([number; 16]),
            binding: BindingId::from_bytes([number; 16]),
        };
        self.world.let_in(&code, member, ids);
        let state = self
            .world
            .core
            .enrol_state([number; 16], self.world.now)
            .unwrap();
        let Some(EnrolState::Approved { binding, .. }) = state else {
            panic!("not approved: {state:?}");
        };
        self.step(
            "bind",
            json!({ "device": car.device, "binding": hex(binding.as_bytes()) }),
        );
        ids.binding
    }

    /// The car makes an entry now, as the protocol says.
    pub fn make(&mut self, car: &mut Car, subject: Subject) -> Signed<Entry> {
        let when = self.world.now;
        self.make_at(car, subject, when, when)
    }

    /// The car makes an entry about something that ended at `ended`, while its own clock shows `clock`.
    pub fn make_at(
        &mut self,
        car: &mut Car,
        subject: Subject,
        ended: ServerTime,
        clock: ServerTime,
    ) -> Signed<Entry> {
        let header = Header {
            epoch: car.epoch,
            seq: car.seq.next(),
            prev: car.head,
            binding: car.binding,
            time: EventTime {
                at: CoarseTime::containing_unix_s(ended.as_unix_s()),
                // Of no zone that is in use here: no day counts by it.
                utc_offset_min: 330,
                quality: ClockQuality::Running,
            },
            receipt_at: car.receipt_at,
        };
        let (entry, _) = fold_of(car, clock).mint(&car.policies, header, subject, clock);
        let entry = car.sign(entry);
        self.made(car, &entry, clock, true);
        entry
    }

    /// The car makes an entry and changes it before it signs.
    pub fn forge(
        &mut self,
        car: &mut Car,
        subject: Subject,
        change: impl FnOnce(&mut Entry),
    ) -> Signed<Entry> {
        let entry = car.forged(subject, self.world.now, change);
        self.made(car, &entry, self.world.now, false);
        entry
    }

    pub fn carry(&mut self, car: &mut Car, original: &Signed<Entry>) -> Signed<Entry> {
        let entry = car.carry(original);
        self.made(car, &entry, self.world.now, false);
        entry
    }

    fn made(&mut self, car: &Car, entry: &Signed<Entry>, clock: ServerTime, honest: bool) {
        let fold = fold_of(car, clock);
        let last = fold.settlements.last();
        let expected = last.filter(|_| entry.body().binding == car.binding);
        self.step(
            "make",
            json!({
                "device": car.device,
                "clock": clock,
                "entry": hex(entry.raw()),
                "honest": honest,
                "expects": expected.map(|last| &last.cause),
                "chain": fold.chain,
                "account": account(&fold.account),
            }),
        );
    }

    /// The entry reaches the cloud.
    pub fn arrive(&mut self, car: &Car, entry: &Signed<Entry>) -> Verdict {
        let posted = self.world.post(car, std::slice::from_ref(entry));
        let dashpoint_cloud::PostOutcome::Settled(response) = posted else {
            panic!("not settled: {posted:?}");
        };
        let verdict = response.verdicts[0].verdict.clone();
        let cover = self.world.statement(car.member).covers[&car.device];
        let accounts: BTreeMap<_, _> = self
            .members
            .clone()
            .into_iter()
            .map(|member| (member.to_string(), self.account(member)))
            .collect();
        self.step(
            "arrive",
            json!({
                "device": car.device,
                "entry": hex(entry.raw()),
                "verdict": verdict,
                "chain": cover.chain,
                "accounts": accounts,
            }),
        );
        verdict
    }

    /// Makes an entry, which reaches the cloud at once.
    pub fn send(&mut self, car: &mut Car, subject: Subject) -> Verdict {
        let entry = self.make(car, subject);
        self.arrive(car, &entry)
    }

    /// Does the same and gives the entry.
    pub fn send_entry(&mut self, car: &mut Car, subject: Subject) -> Signed<Entry> {
        let entry = self.make(car, subject);
        self.arrive(car, &entry);
        entry
    }

    /// The car's disk went back: it holds the entries of this epoch up to its head and no later ones.
    pub fn forget(&mut self, car: &Car) {
        self.step(
            "forget",
            json!({ "device": car.device, "through": car.seq }),
        );
    }

    /// Forges an entry, which reaches the cloud at once.
    pub fn send_forged(
        &mut self,
        car: &mut Car,
        subject: Subject,
        change: impl FnOnce(&mut Entry),
    ) -> Verdict {
        let entry = self.forge(car, subject, change);
        self.arrive(car, &entry)
    }

    /// The car takes a receipt and the member's statement.
    pub fn answer(&mut self, car: &mut Car) {
        let posted = self.world.post(car, &[]);
        let dashpoint_cloud::PostOutcome::Settled(response) = posted else {
            panic!("not settled: {posted:?}");
        };
        let receipt = response.receipt;
        let statement = self
            .world
            .core
            .statement(car.member, LedgerVersion::new(0), self.world.now)
            .unwrap();
        self.step(
            "answer",
            json!({
                "device": car.device,
                "receipt": hex(receipt.as_bytes()),
                "statement": hex(statement.raw()),
            }),
        );
        let receipt = receipt.verify(&self.world.cloud_key, &car.device).unwrap();
        car.receipt_at = receipt.body().server_time;
        car.statement = statement.into_parts().1;
    }

    /// The car takes the member's statement, and no receipt.
    pub fn take_statement(&mut self, car: &mut Car) {
        let statement = self
            .world
            .core
            .statement(car.member, LedgerVersion::new(0), self.world.now)
            .unwrap();
        self.step(
            "answer",
            json!({ "device": car.device, "statement": hex(statement.raw()) }),
        );
        car.statement = statement.into_parts().1;
    }

    /// The cloud opens the next epoch for a car that asks with its own head.
    pub fn epoch(&mut self, car: &mut Car) {
        let request = EpochRequest {
            head: car.point(),
            last_receipt: None,
        };
        let opened = self
            .world
            .core
            .open_epoch(car.device, &request, self.world.now);
        let grant: Raw<_> = opened.unwrap().grant;
        self.step(
            "epoch",
            json!({ "device": car.device, "grant": hex(grant.as_bytes()) }),
        );
        car.enter(&grant.verify(&self.world.cloud_key, &car.device).unwrap());
    }

    /// The cloud does what time alone asks for.
    pub fn maintain(&mut self, member: MemberId) -> Vec<Settlement> {
        let before = self.world.statement(member).account.version;
        self.world.core.maintain(self.world.now).unwrap();
        let statement = self.world.core.statement(member, before, self.world.now);
        let statement = statement.unwrap().into_parts().1;
        self.step(
            "maintain",
            json!({
                "member": member,
                "settlements": statement.settlements,
                "account": account(&statement.account),
            }),
        );
        statement.settlements
    }

    fn account(&mut self, member: MemberId) -> Value {
        account(&self.world.statement(member).account)
    }

    fn step(&mut self, step: &str, mut more: Value) {
        more["step"] = json!(step);
        more["now"] = json!(self.world.now);
        self.steps.push(more);
    }

    /// A drive of half an hour that ends now, on from where the last one ended.
    pub fn drive(&mut self, metres: u64) -> Trip {
        // At most 108 km/h.
        let lasted_s = metres.div_ceil(30).next_multiple_of(300).max(1_800);
        self.pass(lasted_s.cast_signed());
        let from = self.odometer;
        self.odometer += metres;
        Trip {
            started: CoarseTime::containing_unix_s(
                self.world.now.as_unix_s() - lasted_s.cast_signed(),
            ),
            driving: DrivingTime::Minutes(u32::try_from(lasted_s / 60).unwrap()),
            used_wh: u32::try_from(metres / 7).unwrap(),
            regained_wh: u32::try_from(metres / 50).unwrap(),
            ..trip(from, metres)
        }
    }

    /// A charge of an hour that ends now.
    pub fn charge(&mut self, energy_wh: u64) -> Charge {
        self.pass(3_600);
        let from = self.charged;
        self.charged += energy_wh;
        Charge {
            started: Some(CoarseTime::containing_unix_s(
                self.world.now.as_unix_s() - 3_600,
            )),
            renewable_permille: 637,
            ..charge(from, energy_wh)
        }
    }
}

/// What the car's member sees: entries of others only move the chain.
fn fold_of(car: &Car, clock: ServerTime) -> Fold {
    let start = ChainStart {
        epoch: car.epoch,
        chain: car.start,
    };
    let is_mine = |binding: &BindingId| *binding == car.binding;
    let (own, policies) = (&car.own, &car.policies);
    fold_mine(
        &car.statement,
        car.device,
        start,
        own,
        is_mine,
        policies,
        clock,
    )
}

/// An account by the names of the tables, with its balance.
fn account(account: &Account) -> Value {
    let mut value = serde_json::to_value(account).unwrap();
    value["balance"] = json!(account.balance());
    value
}

pub fn instant(text: &str) -> ServerTime {
    at(text.parse::<jiff::Timestamp>().unwrap().as_second())
}

fn hex(bytes: &[u8]) -> String {
    HEXLOWER.encode(bytes)
}
