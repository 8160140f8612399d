//! A head unit in a folder of its own, stepped by hand, and a cloud that signs what it is asked for.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use dashpoint_membership::{
    Account, BindingId, Catalogue, Chain, CompiledPolicy, DEFAULT_CATALOGUE_TOML,
    DEFAULT_POLICY_TOML, DeviceId, DriverTag, Epoch, Growth, LedgerVersion, MemberId, Paid, Policy,
    PolicyVersion, Profile, ServerEpoch, ServerTime, Statement, VehicleId, Verdict,
};
use dashpoint_store::{CheckDepth, SealKey, Store, StoreOptions};
use dashpoint_sync::{Event, HttpRequest, Method, Response};
use dashpoint_telematics::{Signal, Value};
use dashpoint_wire::message::{EntriesRequest, EntriesResponse};
use dashpoint_wire::{
    Binding, ChainPoint, DeviceCertificate, EntryVerdict, EpochGrant, NameSalt, Receipt, Signed,
    SigningKey, decode, encode, verdicts_digest,
};
use jiff::tz::TimeZone;
use tempfile::TempDir;
use tokio::sync::{mpsc, watch};

use crate::books::{Books, DEVICE_META};
use crate::bus::BusInput;
use crate::clock::{Clock, ClockSource, Machine, Reading};
use crate::engine::{Engine, EngineError, Outgoing, Outputs, Parts};
use crate::live::Live;
use crate::random::Chance;

/// 2026-11-22 10:00 in China.
pub const START_S: i64 = 1_795_312_800;
const PARK: f64 = 126.0;
const DRIVE: f64 = 127.0;

/// The signing key of the cloud.
pub fn cloud_key() -> SigningKey {
    SigningKey::from_seed(&[0xc1; 32])
}

/// A head unit in its folder; all that it is follows from its number.
pub struct Car {
    pub folder: TempDir,
    pub number: u8,
    /// The key that lies in its folder.
    pub key: SigningKey,
    /// The salt of its configuration.
    pub salt: Option<NameSalt>,
    /// The vehicle of its certificate.
    pub vehicle: VehicleId,
    /// Monotonic milliseconds since 2026-11-22 10:00 in China.
    pub ms: Arc<AtomicU64>,
    /// What the odometer says, in metres.
    pub odometer_m: f64,
    /// Seconds by which the cloud's clock is ahead.
    pub cloud_ahead_s: i64,
    /// The policy that the cloud answers with; the shipped one without it.
    pub policy: Option<Vec<u8>>,
}

/// A running program.
pub struct Running {
    pub engine: Engine,
    pub requests: mpsc::Receiver<Outgoing>,
}

impl Car {
    /// A head unit that has just been enrolled.
    pub fn enrolled(number: u8) -> Self {
        Self::enrolled_as(number, VehicleId::from_bytes([number; 16]), None)
    }

    /// A head unit that has just been enrolled for a vehicle and a driver.
    pub fn enrolled_as(number: u8, vehicle: VehicleId, driver: Option<DriverTag>) -> Self {
        let car = Self {
            folder: tempfile::tempdir().unwrap(),
            number,
            key: SigningKey::from_seed(&[number; 32]),
            salt: None,
            vehicle,
            ms: Arc::default(),
            odometer_m: 10_000_000.0 * f64::from(number),
            cloud_ahead_s: 0,
            policy: None,
        };
        let mut store = car.store();
        let device = car.device();
        store.put_meta(DEVICE_META, device.as_bytes()).unwrap();
        store
            .put_certificate(&sign(
                DeviceCertificate {
                    device,
                    vehicle: car.vehicle(),
                    key: SigningKey::from_seed(&[number; 32]).public(),
                    issued: time(0),
                    valid_until: time(900_000_000),
                },
                &device,
            ))
            .unwrap();
        store
            .put_binding(&sign(
                Binding {
                    id: BindingId::from_bytes([number; 16]),
                    device,
                    member: car.member(),
                    driver,
                    valid_from: time(0),
                    valid_until: time(900_000_000),
                },
                &device,
            ))
            .unwrap();
        store.put_policy(&policy()).unwrap();
        store.put_catalogue(&catalogue()).unwrap();
        store.put_statement(&car.statement(1)).unwrap();
        store.begin_epoch(&car.grant(1, 0), &[]).unwrap();
        store.close().unwrap();
        car
    }

    /// A grant of the cloud, issued so many seconds after the beginning by its clock.
    pub fn grant(&self, epoch: u32, issued_s: i64) -> Signed<EpochGrant> {
        let device = self.device();
        let grant = EpochGrant {
            device,
            epoch: Epoch::new(epoch),
            follows: None,
            issued: time(issued_s),
            server_epoch: ServerEpoch::new(1),
            chain: Chain::start(time(0)),
        };
        sign(grant, &device)
    }

    pub fn device(&self) -> DeviceId {
        DeviceId::from_bytes([self.number; 16])
    }

    pub fn member(&self) -> MemberId {
        MemberId::from_bytes([self.number; 16])
    }

    pub const fn vehicle(&self) -> VehicleId {
        self.vehicle
    }

    pub fn path(&self, file: &str) -> std::path::PathBuf {
        self.folder.path().join(file)
    }

    pub fn store(&self) -> Store {
        open(self.folder.path(), self.number)
    }

    /// Starts the program with the key that lies in the folder.
    pub fn try_start(&self) -> Result<Running, EngineError> {
        let store = self.store();
        let ms = Arc::clone(&self.ms);
        let machine = Machine::from_fn(move || {
            let monotonic_ms = ms.load(Ordering::Relaxed);
            Reading {
                monotonic_ms,
                unix_ms: START_S * 1_000 + monotonic_ms.cast_signed(),
            }
        });
        let clock = Clock::new(ClockSource::System, machine, time(0));
        let books = Books::open(store.read(), cloud_key().public(), clock.now())?;
        let books = books.with_salt(self.salt);
        let (requests, sent) = mpsc::channel(2);
        let engine = Engine::start(Parts {
            store,
            books,
            clock,
            zone: TimeZone::UTC,
            signer: Some(self.key.clone()),
            chance: Chance::system(),
            send_within: Duration::ZERO,
            outputs: Outputs {
                requests,
                seen: watch::channel(None).0,
                live: watch::channel(Live::default()).0,
            },
        })?;
        Ok(Running {
            engine,
            requests: sent,
        })
    }

    pub fn start(&self) -> Running {
        self.try_start().unwrap()
    }

    /// Says signals on the bus of the vehicle.
    pub fn say(&self, running: &mut Running, signals: Vec<(Signal, Value)>) {
        let ts_ms = START_S * 1_000 + self.ms.load(Ordering::Relaxed).cast_signed();
        let inputs = signals.into_iter().map(|(signal, value)| BusInput::Sample {
            signal,
            value,
            ts_ms: Some(ts_ms),
            retained: false,
        });
        running.engine.take(inputs);
        running.engine.publish();
    }

    /// Seconds since the beginning, by the car's right clock.
    pub fn passed_s(&self) -> i64 {
        self.ms.load(Ordering::Relaxed).cast_signed() / 1_000
    }

    pub fn pass(&self, ms: u64) {
        self.ms.fetch_add(ms, Ordering::Relaxed);
    }

    /// Lets so much time pass without a word of the bus; the engine wakes twice a second, as it does in a car.
    pub fn waits(&self, running: &mut Running, ms: u64) {
        for _ in 0..ms / 500 {
            self.pass(500);
            running.engine.wake();
        }
    }

    /// Drives for so many minutes at 60 km/h and stops with the trip still open.
    pub fn sets_out(&mut self, running: &mut Running, minutes: u64) {
        self.pass(60_000);
        let number = Value::Number;
        self.say(
            running,
            vec![
                (Signal::Gear, number(DRIVE)),
                (Signal::Ignition, Value::Text("ON".to_owned())),
                (Signal::Speed, number(0.0)),
                (Signal::Odometer, number(self.odometer_m)),
            ],
        );
        for _ in 0..minutes * 12 {
            self.pass(5_000);
            self.odometer_m += 83.0;
            self.say(
                running,
                vec![
                    (Signal::Speed, number(60.0)),
                    (Signal::Odometer, number(self.odometer_m)),
                ],
            );
        }
    }

    /// Parks; the trip is over.
    pub fn parks(&self, running: &mut Running) {
        for signals in [
            vec![(Signal::Speed, Value::Number(0.0))],
            vec![
                (Signal::Gear, Value::Number(PARK)),
                (Signal::Ignition, Value::Text("OFF".to_owned())),
            ],
        ] {
            self.pass(3_000);
            self.say(running, signals);
        }
        self.pass(200_000);
        running.engine.wake();
        running.engine.publish();
    }

    pub fn drives(&mut self, running: &mut Running) {
        self.sets_out(running, 8);
        self.parks(running);
    }

    /// The member's statement with nothing in it.
    pub fn statement(&self, version: u64) -> Signed<Statement> {
        let policy = CompiledPolicy::compile(policy().into_parts().1).unwrap();
        let mut account = Account::open(&policy, time(0));
        account.version = LedgerVersion::new(version);
        let statement = Statement {
            member: self.member(),
            server_epoch: ServerEpoch::new(1),
            issued: time(0),
            profile: Profile {
                name: "林晓".to_owned(),
                joined: time(-1_000),
                zone: "Asia/Shanghai".to_owned(),
            },
            account,
            covers: std::collections::BTreeMap::new(),
            since: LedgerVersion::new(0),
            settlements: Vec::new(),
        };
        sign(statement, &self.member())
    }

    /// What the cloud answers to a request; it has nothing against any entry.
    pub fn answer(&self, request: &HttpRequest) -> Response {
        let ok = |body: Vec<u8>| Response {
            status: 200,
            retry_after_s: None,
            body,
        };
        let unchanged = Response {
            status: 304,
            retry_after_s: None,
            body: Vec::new(),
        };
        match (request.method, request.path.as_str()) {
            (Method::Post, _) => ok(self.judge(&decode(&request.body).unwrap())),
            (Method::Get, path) if path.starts_with("/v1/policy") && self.policy.is_some() => {
                ok(self.policy.clone().unwrap())
            }
            (Method::Get, path) if path.contains("since=") => unchanged,
            (Method::Get, "/v1/policy") => ok(policy().raw().to_vec()),
            (Method::Get, "/v1/catalogue") => ok(catalogue().raw().to_vec()),
            (Method::Get, _) => ok(self.statement(1).raw().to_vec()),
        }
    }

    fn judge(&self, request: &EntriesRequest) -> Vec<u8> {
        let device = self.device();
        let own = SigningKey::from_seed(&[self.number; 32]).public();
        let mut verdicts = Vec::new();
        let mut head = None;
        for raw in &request.entries {
            let entry = raw.clone().verify(&own, &device).unwrap();
            head = Some((entry.body().seq, entry.hash()));
            verdicts.push(EntryVerdict {
                seq: entry.body().seq,
                verdict: Verdict::Accepted {
                    paid: Paid {
                        points: entry.body().predicted(),
                        growth: Growth::new(0),
                    },
                },
                duplicate: false,
            });
        }
        let store = dashpoint_store::StoreReader::open(self.folder.path(), None, None).unwrap();
        let before = dashpoint_membership::Seq::new(request.from.get() - 1);
        let before = store.point(request.epoch, before).unwrap().unwrap();
        let (through, hash) = head.unwrap_or((before.seq, before.hash));
        let receipt = Receipt {
            device,
            epoch: request.epoch,
            through,
            head: hash,
            verdicts: verdicts_digest(&verdicts),
            server_time: time(self.passed_s() + self.cloud_ahead_s),
            server_epoch: ServerEpoch::new(1),
            policy: PolicyVersion::new(1),
        };
        encode(&EntriesResponse {
            verdicts,
            receipt: sign(receipt, &device).to_raw(),
            statements: vec![self.statement(1).to_raw()],
        })
    }

    /// Brings car and cloud together until nothing is asked any more; gives what was asked for.
    pub fn meets_the_cloud(&self, running: &mut Running) -> Vec<String> {
        let mut asked = Vec::new();
        running.engine.tell(Event::SyncRequested);
        while let Ok(outgoing) = running.requests.try_recv() {
            asked.push(outgoing.request.path.clone());
            let answer = Ok(self.answer(&outgoing.request));
            running.engine.tell(Event::Answered {
                ticket: outgoing.ticket,
                answer,
            });
        }
        running.engine.publish();
        asked
    }

    /// The entries of its chain, each verified with the key of the certificate.
    pub fn verified(&self) -> Vec<ChainPoint> {
        let own = SigningKey::from_seed(&[self.number; 32]).public();
        let store = self.store();
        let mut points = Vec::new();
        store
            .read()
            .for_each_entry(|stored| {
                stored.raw.verify(&own, &self.device()).unwrap();
                points.push(stored.point);
                std::ops::ControlFlow::Continue(())
            })
            .unwrap();
        points
    }
}

/// Opens a folder under the seal key of a number.
pub fn open(folder: &Path, number: u8) -> Store {
    let options = StoreOptions {
        vfs: None,
        seal: Some(SealKey::from_bytes([number; 32])),
        nonces: Box::new(crate::random::bytes),
        check: CheckDepth::Ends,
    };
    Store::open(folder, options).unwrap()
}

fn sign<T: dashpoint_wire::Signable>(body: T, scope: &T::Scope) -> Signed<T> {
    Signed::sign(body, &cloud_key(), scope).unwrap()
}

pub fn policy() -> Signed<Policy> {
    sign(toml::from_str(DEFAULT_POLICY_TOML).unwrap(), &())
}

fn catalogue() -> Signed<Catalogue> {
    sign(toml::from_str(DEFAULT_CATALOGUE_TOML).unwrap(), &())
}

/// So many seconds after the beginning.
pub fn time(after_s: i64) -> ServerTime {
    ServerTime::from_unix_s(START_S + after_s)
}
