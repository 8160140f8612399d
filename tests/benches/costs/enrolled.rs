//! An enrolled head unit: what a cloud has signed for it, put into a store, and the engine on top.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use dashpoint::books::{Books, DEVICE_META};
use dashpoint::clock::{Clock, ClockSource, Machine, Reading};
use dashpoint::engine::{Engine, Live, Outgoing, Outputs, Parts};
use dashpoint::random::Chance;
use dashpoint_cloud::{AskIds, CloudCore, CloudError, GrantedIds, NewMember};
use dashpoint_membership::{
    BindingId, Catalogue, DEFAULT_POLICY_TOML, DeviceId, MemberId, Policy, PolicyVersion,
    ServerTime, Statement, VehicleId,
};
use dashpoint_store::{CheckDepth, SealKey, Store, StoreOptions};
use dashpoint_wire::message::{EnrolRequest, EnrolState};
use dashpoint_wire::{Binding, DeviceCertificate, EpochGrant, PublicKey, Signed, SigningKey};
use jiff::tz::TimeZone;
use tokio::sync::{mpsc, watch};

/// 2026-01-02T00:00:00Z, when everything begins.
pub const BEGIN_S: i64 = 1_767_312_000;

const DEVICE: DeviceId = DeviceId::from_bytes([1; 16]);
const MEMBER: MemberId = MemberId::from_bytes([2; 16]);
const BINDING: BindingId = BindingId::from_bytes([3; 16]);

/// The device's key.
pub fn device_key() -> SigningKey {
    SigningKey::from_seed(&[4; 32])
}

/// What a cloud has signed for a head unit, verified.
#[derive(Debug, Clone)]
pub struct Enrolled {
    pub cloud_key: PublicKey,
    pub device: DeviceId,
    pub certificate: Signed<DeviceCertificate>,
    pub binding: Signed<Binding>,
    pub grant: Signed<EpochGrant>,
    pub policy: Signed<Policy>,
    pub catalogue: Signed<Catalogue>,
    pub statement: Signed<Statement>,
}

/// The shipped policy, without an end.
pub fn endless_policy() -> Policy {
    let mut policy: Policy = toml::from_str(DEFAULT_POLICY_TOML).unwrap();
    policy.version = PolicyVersion::new(2);
    policy.valid_from = ServerTime::from_unix_s(BEGIN_S - 86_400);
    policy.valid_until = ServerTime::from_unix_s(BEGIN_S + 100 * 366 * 86_400);
    policy
}

impl Enrolled {
    /// Enrols a head unit for a new member.
    pub fn at(core: &mut CloudCore, now: ServerTime) -> Result<Self, CloudError> {
        core.sign_policy(endless_policy(), now)?;
        let new = NewMember {
            id: MEMBER,
            name: "Lin Xiaoyu".to_owned(),
            zone: "Asia/Shanghai".to_owned(),
        };
        core.add_member(&new, now)?;
        let request = EnrolRequest {
            key: device_key().public(),
            vehicle: VehicleId::from_bytes([5; 16]),
            vin_last4: "4711".to_owned(),
            driver: None,
        };
        let asked = AskIds {
            id: [6; 16],
            code: "CODE0001".to_owned(),
        };
        let granted = GrantedIds {
            device: DEVICE,
            binding: BINDING,
        };
        core.ask(&request, asked.clone(), now)?;
        core.approve(&asked.code, MEMBER, granted, now)?;
        let state = core.enrol_state(asked.id, now)?.unwrap();
        Ok(Self::verified(state, core.public_key()))
    }

    fn verified(state: EnrolState, cloud_key: PublicKey) -> Self {
        let EnrolState::Approved {
            device,
            certificate,
            binding,
            grant,
            policy,
            catalogue,
            statement,
        } = state
        else {
            panic!("the enrolment was not approved: {state:?}");
        };
        Self {
            cloud_key,
            device,
            certificate: certificate.verify(&cloud_key, &device).unwrap(),
            binding: binding.verify(&cloud_key, &device).unwrap(),
            grant: grant.verify(&cloud_key, &device).unwrap(),
            policy: policy.verify(&cloud_key, &()).unwrap(),
            catalogue: catalogue.verify(&cloud_key, &()).unwrap(),
            statement: statement.verify(&cloud_key, &MEMBER).unwrap(),
        }
    }

    /// Puts it into a new store, as `dashpoint enrol` does.
    pub fn keep(&self, store: &mut Store) {
        store.put_meta(DEVICE_META, self.device.as_bytes()).unwrap();
        store.put_certificate(&self.certificate).unwrap();
        store.put_binding(&self.binding).unwrap();
        store.put_policy(&self.policy).unwrap();
        store.put_catalogue(&self.catalogue).unwrap();
        store.put_statement(&self.statement).unwrap();
        store.begin_epoch(&self.grant, &[]).unwrap();
    }

    /// Starts the head unit's engine on a store, with a clock that the bench sets.
    pub fn start(&self, store: Store, clock: &BenchClock) -> (Engine, mpsc::Receiver<Outgoing>) {
        let now = clock.clone();
        let machine = Machine::from_fn(move || Reading {
            monotonic_ms: now.unix_ms().unsigned_abs(),
            unix_ms: now.unix_ms(),
        });
        let floor = ServerTime::from_unix_s(BEGIN_S);
        let clock = Clock::new(ClockSource::System, machine, floor);
        let books = Books::open(store.read(), self.cloud_key, clock.now()).unwrap();
        let (requests, sent) = mpsc::channel(2);
        let engine = Engine::start(Parts {
            store,
            books,
            clock,
            zone: TimeZone::get("Asia/Shanghai").unwrap(),
            signer: Some(device_key()),
            chance: Chance::system(),
            send_within: Duration::ZERO,
            outputs: Outputs {
                requests,
                seen: watch::channel(None).0,
                live: watch::channel(Live::default()).0,
            },
        });
        (engine.unwrap(), sent)
    }
}

/// Opens a store, on a VFS if one is named.
pub fn open_store(folder: &Path, vfs: Option<&str>) -> Store {
    let options = StoreOptions {
        vfs: vfs.map(str::to_owned),
        seal: Some(SealKey::from_bytes([9; 32])),
        nonces: Box::new(dashpoint::random::bytes),
        check: CheckDepth::Ends,
    };
    Store::open(folder, options).unwrap()
}

/// A clock that stands until it is set.
#[derive(Debug, Clone)]
pub struct BenchClock(Arc<AtomicI64>);

impl BenchClock {
    /// A clock at a time, in seconds since 1970.
    pub fn at(unix_s: i64) -> Self {
        Self(Arc::new(AtomicI64::new(unix_s * 1_000)))
    }

    /// What it shows, in milliseconds since 1970.
    pub fn unix_ms(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }

    /// Lets time pass.
    pub fn pass_ms(&self, span_ms: i64) {
        self.0.fetch_add(span_ms, Ordering::Relaxed);
    }
}
