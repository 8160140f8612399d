//! A car: the real engine, stepped by hand, on a disk that loses power, with clocks that may be wrong.

mod disk;
mod start_error;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use dashpoint::books::{Books, DEVICE_META};
use dashpoint::clock::{Clock, ClockSource, Machine, Reading};
use dashpoint::engine::{Engine, Live, Outgoing, Outputs, Parts};
use dashpoint::random::Chance;
use dashpoint_crash_vfs::{CrashVfs, Disk, Image};
use dashpoint_membership::{DeviceId, EntryHash, MemberId, ServerTime, VehicleId};
use dashpoint_store::{CheckDepth, SealKey, Store, StoreError, StoreOptions};
use dashpoint_wire::message::EnrolState;
use dashpoint_wire::{PublicKey, SigningKey};
use jiff::tz::TimeZone;
use tempfile::TempDir;
use tokio::sync::{mpsc, watch};

use super::drivers::{Crew, Wheel};
use super::random::SeededRandom;
use super::vehicle::SimulatedVehicle;
use super::violation::Violation;

pub use start_error::StartError;

/// 1970-01-01T00:02:00Z, where a head unit without a battery for its clock starts.
const NINETEEN_SEVENTY_MS: i64 = 120_000;

/// The clocks of a head unit, driven by the world.
#[derive(Debug, Default)]
struct Clocks {
    monotonic_ms: AtomicU64,
    unix_ms: AtomicI64,
}

/// A car.
pub struct SimulatedCar {
    // Dropped before the disk that it lies on.
    engine: Option<Engine>,
    requests: Option<mpsc::Receiver<Outgoing>>,
    vfs: CrashVfs,
    folder: TempDir,
    /// A name for people and for its disk.
    name: String,
    disks: u64,
    clocks: Arc<Clocks>,
    random: SeededRandom,
    /// Longest wait of an entry that nobody waits for; a part of the cars waits as long as real ones.
    send_within: Duration,
    cloud_key: PublicKey,
    syncs_ignored: bool,
    power_cuts: u64,
    /// The vehicle that it is in; a head unit that is enrolled anew stays in it.
    pub vehicle_id: VehicleId,
    /// Id of its device; a clone has the same.
    pub device: DeviceId,
    /// Its drivers, the first one first.
    pub crew: Crew,
    /// True when the cloud has revoked it.
    pub shut_out: bool,
    enrolments: u8,
    /// Signs entries and requests.
    pub key: SigningKey,
    /// True while the key store can be read.
    pub can_sign: bool,
    /// The key of another car, when it lies in the folder in place of its own.
    pub foreign_key: Option<SigningKey>,
    /// Takes whatever key lies in the folder for its own: a planted bug.
    pub key_unchecked: bool,
    /// Tells whether its cache was lost, and whether evidence waited for what the cache held.
    pub cache: Cache,
    /// Entries that it had not sent when it was last looked at.
    pub unsent: bool,
    /// Error of its clock, in milliseconds.
    pub skew_ms: i64,
    /// True when its clock begins in 1970.
    pub in_1970: bool,
    /// The vehicle that it drives.
    pub vehicle: SimulatedVehicle,
    /// The last driver at the wheel, where several share the car.
    pub wheel: Option<Wheel>,
    /// Number of the present run of the program: answers to an earlier one never arrive.
    pub life: u64,
    /// Time at which it wants to be woken.
    pub wake_ms: u64,
    /// Asleep with its memory alive: nothing runs.
    pub suspended: bool,
    /// A copy of its disk, and the last own entries in it.
    pub backup: Option<Image>,
    /// No network until then.
    pub offline_until_ms: u64,
    /// The head that was looked at last.
    pub seen_head: Option<EntryHash>,
    /// True for a copy that was started beside its original.
    pub is_clone: bool,
}

/// The state of the cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cache {
    /// It is the one from before.
    Kept,
    /// It was lost, and the program has not started since.
    Lost,
    /// The program started without it.
    Missed,
    /// Evidence waits for the key, the policy or the statement since.
    Awaited,
}

/// Results of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StepEnd {
    /// It runs on.
    Running,
    /// The power went meanwhile.
    PowerLost,
}

impl SimulatedCar {
    /// A car that is not enrolled yet.
    pub fn new(
        name: String,
        number: u8,
        crew: Crew,
        cloud_key: PublicKey,
        mut random: SeededRandom,
    ) -> Result<Self, Violation> {
        let folder = tempfile::tempdir().map_err(|e| Violation::new(format!("no folder: {e}")))?;
        // Looked at and not drawn: the life of each seed stays the one that it was.
        let waits = random.clone().one_in(8);
        let vfs = CrashVfs::register(&format!("{name}-0"), Disk::new(random.next()));
        Ok(Self {
            engine: None,
            requests: None,
            vfs,
            folder,
            name,
            disks: 0,
            clocks: Arc::default(),
            random,
            send_within: if waits {
                Duration::from_mins(5)
            } else {
                Duration::ZERO
            },
            cloud_key,
            syncs_ignored: false,
            power_cuts: 0,
            vehicle_id: VehicleId::from_bytes([number; 16]),
            device: DeviceId::from_bytes([number; 16]),
            crew,
            shut_out: false,
            enrolments: 0,
            key: SigningKey::from_seed(&[number; 32]),
            can_sign: true,
            foreign_key: None,
            key_unchecked: false,
            cache: Cache::Kept,
            unsent: false,
            skew_ms: 0,
            in_1970: false,
            vehicle: SimulatedVehicle::used(u64::from(number)),
            wheel: None,
            life: 0,
            wake_ms: u64::MAX,
            suspended: false,
            backup: None,
            offline_until_ms: 0,
            seen_head: None,
            is_clone: false,
        })
    }

    /// A copy of it in another folder, with the same disk, key and meters.
    pub fn cloned(&mut self, name: String) -> Result<Self, Violation> {
        let image = self.vfs.disk().image();
        let number = self.device.as_bytes()[0];
        let random = self.random.branch();
        let mut copy = Self::new(name, number, self.crew.clone(), self.cloud_key, random)?;
        copy.vehicle_id = self.vehicle_id;
        copy.shut_out = self.shut_out;
        let (from, to) = (self.folder.path(), copy.folder.path());
        let image = image.moved(&from.to_string_lossy(), &to.to_string_lossy());
        copy.put_disk(&image);
        copy.vehicle = self.vehicle.clone();
        copy.wheel = self.wheel;
        copy.is_clone = true;
        Ok(copy)
    }

    /// Tells whether it runs on without what a lost cache held, with all that it needs to get it back.
    #[must_use]
    pub fn lacks_cache(&self) -> bool {
        matches!(self.cache, Cache::Missed | Cache::Awaited) && self.requests_key().is_some()
    }

    /// Signs requests with it, as far as the key in the folder is its own and can be read.
    #[must_use]
    pub fn requests_key(&self) -> Option<&SigningKey> {
        let own = self.can_sign && self.foreign_key.is_none();
        own.then_some(&self.key)
    }

    /// An empty disk and a new key, as after the data folder was put away: nobody to the cloud yet.
    pub fn begin_anew(&mut self) {
        self.crash();
        self.enrolments += 1;
        let number = self.vehicle_id.as_bytes()[0] + 0x10 * self.enrolments;
        self.device = DeviceId::from_bytes([number; 16]);
        self.key = SigningKey::from_seed(&[number; 32]);
        self.crew.bind_anew(number);
        self.backup = None;
        self.seen_head = None;
        self.shut_out = false;
        self.foreign_key = None;
        self.put_disk(&Image::default());
    }

    /// Ends the program as it wants to be ended.
    pub fn shut_down(&mut self) -> Result<StepEnd, Violation> {
        let ended = self.engine.take().map(Engine::end);
        let lost = self.lost_power();
        self.crash();
        match ended {
            Some(Err(error)) if !lost => Err(Violation::new(format!("cannot end: {error}"))),
            Some(_) | None if lost => Ok(StepEnd::PowerLost),
            Some(_) | None => Ok(StepEnd::Running),
        }
    }

    /// Returns whether its program runs.
    #[must_use]
    pub const fn is_running(&self) -> bool {
        self.engine.is_some()
    }

    /// The engine, while it runs.
    #[must_use]
    pub const fn engine(&self) -> Option<&Engine> {
        self.engine.as_ref()
    }

    /// Sets the clocks to a time of the world.
    pub fn set_clocks(&mut self, now_ms: u64) {
        let unix_ms = if self.in_1970 {
            NINETEEN_SEVENTY_MS + (now_ms % 86_400_000).cast_signed()
        } else {
            now_ms.cast_signed() + self.skew_ms
        };
        self.clocks.monotonic_ms.store(now_ms, Ordering::Relaxed);
        self.clocks.unix_ms.store(unix_ms, Ordering::Relaxed);
    }

    fn store(&mut self) -> Result<Store, StoreError> {
        let mut random = self.random.branch();
        let options = StoreOptions {
            vfs: Some(self.vfs.name().to_owned()),
            seal: Some(SealKey::from_bytes([0x5e; 32])),
            nonces: Box::new(move || Some(random.bytes())),
            check: CheckDepth::Ends,
        };
        Store::open(self.folder.path(), options)
    }

    /// Commits an enrolment, as the head unit's own command does.
    pub fn enrol(&mut self, member: MemberId, approved: EnrolState) -> Result<(), Violation> {
        let EnrolState::Approved {
            device,
            certificate,
            binding,
            grant,
            policy,
            catalogue,
            statement,
        } = approved
        else {
            return Err(Violation::new("the enrolment was not approved".to_owned()));
        };
        let key = self.cloud_key;
        let failed = |what: String| Violation::new(format!("the enrolment failed: {what}"));
        let verified = || -> Result<_, dashpoint_wire::WireError> {
            Ok((
                certificate.verify(&key, &device)?,
                binding.verify(&key, &device)?,
                grant.verify(&key, &device)?,
                policy.verify(&key, &())?,
                catalogue.verify(&key, &())?,
                statement.verify(&key, &member)?,
            ))
        };
        let (certificate, binding, grant, policy, catalogue, statement) =
            verified().map_err(|e| failed(e.to_string()))?;
        let mut keep = || -> Result<(), StoreError> {
            let mut store = self.store()?;
            store.put_meta(DEVICE_META, device.as_bytes())?;
            store.put_certificate(&certificate)?;
            store.put_binding(&binding)?;
            store.put_policy(&policy)?;
            store.put_catalogue(&catalogue)?;
            store.put_statement(&statement)?;
            store.begin_epoch(&grant, &[])?;
            store.close()
        };
        keep().map_err(|e| failed(e.to_string()))
    }

    /// Starts the program on a disk that may refuse.
    pub fn start_at(&mut self, now_ms: u64) -> Result<(), StartError> {
        self.crash();
        self.set_clocks(now_ms);
        self.start()
    }

    /// Starts the program; after a power cut meanwhile it is off.
    pub fn boot(&mut self, now_ms: u64) -> Result<StepEnd, Violation> {
        self.crash();
        self.set_clocks(now_ms);
        let started = self.start();
        let lost = self.lost_power();
        match started {
            Ok(()) if lost => Ok(StepEnd::PowerLost),
            Ok(()) => Ok(StepEnd::Running),
            Err(_) if lost => Ok(StepEnd::PowerLost),
            Err(why) => Err(Violation::new(format!(
                "{} does not start: {why}",
                self.name
            ))),
        }
    }

    fn start(&mut self) -> Result<(), StartError> {
        let store = self.store()?;
        if let Some(incident) = store.incidents().first() {
            return Err(StartError::Incident(format!("{incident:?}")));
        }
        let receipt = store.read().last_receipt()?;
        let floor = receipt.map_or(ServerTime::from_unix_s(0), |receipt| receipt.server_time);
        let clocks = Arc::clone(&self.clocks);
        let machine = Machine::from_fn(move || Reading {
            monotonic_ms: clocks.monotonic_ms.load(Ordering::Relaxed),
            unix_ms: clocks.unix_ms.load(Ordering::Relaxed),
        });
        let clock = Clock::new(ClockSource::System, machine, floor);
        let mut books = Books::open(store.read(), self.cloud_key, clock.now())?;
        let in_folder = self.foreign_key.as_ref().unwrap_or(&self.key).clone();
        if self.key_unchecked {
            books.identity.device_key = in_folder.public();
        }
        let mut random = self.random.branch();
        let (requests, sent) = mpsc::channel(2);
        let engine = Engine::start(Parts {
            store,
            books,
            clock,
            zone: TimeZone::get("Asia/Shanghai").unwrap_or(TimeZone::UTC),
            signer: self.can_sign.then_some(in_folder),
            chance: Chance::from_fn(move |out| {
                random.fill(out);
                true
            }),
            send_within: self.send_within,
            outputs: Outputs {
                requests,
                seen: watch::channel(None).0,
                live: watch::channel(Live::default()).0,
            },
        })?;
        self.engine = Some(engine);
        self.requests = Some(sent);
        self.cache = match self.cache {
            Cache::Lost => Cache::Missed,
            Cache::Kept | Cache::Missed | Cache::Awaited => Cache::Kept,
        };
        Ok(())
    }

    /// One step of the engine at a time of the world.
    pub fn step(&mut self, now_ms: u64, step: impl FnOnce(&mut Engine)) -> StepEnd {
        self.set_clocks(now_ms);
        if let Some(engine) = &mut self.engine {
            step(engine);
            // A late wake is one that a busy machine gives too; the quiet bus alone would ask for two a second.
            let pause_ms = u64::try_from(engine.pause().as_millis()).unwrap_or(u64::MAX);
            self.wake_ms = now_ms.saturating_add(pause_ms.max(3_000));
        }
        if self.lost_power() {
            StepEnd::PowerLost
        } else {
            StepEnd::Running
        }
    }

    /// Takes the next request that it wants to send.
    pub fn outgoing(&mut self) -> Option<Outgoing> {
        self.requests.as_mut()?.try_recv().ok()
    }
}
