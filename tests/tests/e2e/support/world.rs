//! One car, one cloud, one member, and the broker between them.

use std::path::Path;
use std::sync::OnceLock;

use serde_json::Value;
use tempfile::TempDir;
use vehicle_sim::{Command, Cycle};

use super::bus::charge;
use super::{Bus, Car, Kind, MemberCloud, Vehicle, copy_folder, free_port};

/// Entries that [`World::after_a_day_offline`] holds and no cloud has: US06 and a charge.
pub const EARNED_OFFLINE: u64 = 2;

/// Everything that a test plays with; it ends with the test.
pub struct World {
    pub car: Car,
    pub cloud: MemberCloud,
    pub vehicle: Vehicle,
    pub bus: Bus,
    pub member: String,
    /// Where the car looks for the cloud.
    pub port: u16,
    folder: TempDir,
}

/// A car beside its original.
pub struct Twin {
    pub car: Car,
    pub vehicle: Vehicle,
    _bus: Bus,
    _folder: TempDir,
}

impl World {
    /// An enrolled car that does not run yet, and a cloud that serves; `None` when the broker is not installed.
    pub fn new(kind: Kind) -> Option<Self> {
        Self::enrolled_after(kind, |_| ())
    }

    /// The same; something is done with the cloud when it has the member and not yet the car.
    pub fn enrolled_after(kind: Kind, before: impl FnOnce(&MemberCloud)) -> Option<Self> {
        Self::enrolled_by(kind, before, Car::enrol)
    }

    /// A car that is enrolled for its member as the bus names him.
    pub fn enrolled_for(kind: Kind, driver: &str) -> Option<Self> {
        let enrol = |car: &Car, cloud: &MemberCloud, member: &str| {
            car.enrol_driver(cloud, member, driver);
        };
        Self::enrolled_by(kind, |_| (), enrol)
    }

    fn enrolled_by(
        kind: Kind,
        before: impl FnOnce(&MemberCloud),
        enrol: impl FnOnce(&Car, &MemberCloud, &str),
    ) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let bus = Bus::start(kind, folder.path())?;
        let port = free_port();
        let cloud = MemberCloud::start(&folder.path().join("cloud"), port);
        let member = cloud.add_member();
        before(&cloud);
        let car = Car::new(&folder.path().join("car"), bus.port(), port, cloud.key());
        enrol(&car, &cloud, &member);
        Some(Self {
            vehicle: Vehicle::new(&bus, folder.path()),
            car,
            cloud,
            bus,
            member,
            port,
            folder,
        })
    }

    /// A car that has driven US06 over this broker without a network, and runs; `None` when the broker is not installed.
    pub fn after_a_drive_offline(kind: Kind) -> Option<Self> {
        let mut world = Self::new(kind)?;
        world.car.start();
        world.cloud.stop();
        world.vehicle.run(&Command::Drive(Cycle::Us06));
        world.car.wait_for_entries(1);
        Some(world)
    }

    /// A car that has driven US06 and charged without a network, and a cloud that knows nothing of it; neither runs.
    /// Played once, and copied for each test.
    pub fn after_a_day_offline() -> Self {
        static DAY: OnceLock<(TempDir, String, dashpoint_wire::PublicKey)> = OnceLock::new();
        let (origin, member, key) = DAY.get_or_init(|| {
            let mut world = Self::new(Kind::Rumqttd).unwrap();
            // The cloud is met once, so that there is a receipt.
            world.car.start();
            world.car.reconcile();
            world.cloud.stop();
            world.vehicle.run(&Command::Drive(Cycle::Us06));
            world.vehicle.run(&Command::Charge(charge()));
            world.car.wait_for_entries(EARNED_OFFLINE);
            assert!(world.car.stop().success());
            (world.folder, world.member, world.cloud.key())
        });
        let folder = tempfile::tempdir().unwrap();
        copy_folder(origin.path(), folder.path());
        let bus = Bus::start(Kind::Rumqttd, folder.path()).unwrap();
        let port = free_port();
        Self {
            vehicle: Vehicle::new(&bus, folder.path()),
            car: Car::new(&folder.path().join("car"), bus.port(), port, *key),
            cloud: MemberCloud::of(&folder.path().join("cloud"), port, *key),
            bus,
            member: member.clone(),
            port,
            folder,
        }
    }

    /// The same car once more: a head unit with the same files, on a bus and in a vehicle of its own. Neither runs.
    pub fn twin(&self) -> Twin {
        let folder = tempfile::tempdir().unwrap();
        copy_folder(self.folder.path(), folder.path());
        let bus = Bus::start(Kind::Rumqttd, folder.path()).unwrap();
        Twin {
            vehicle: Vehicle::new(&bus, folder.path()),
            car: self
                .car
                .copied(&folder.path().join("car"), bus.port(), self.port),
            _bus: bus,
            _folder: folder,
        }
    }

    /// Where everything lies.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Car and cloud have the same entries with the same verdicts and the same points, nothing is pending, and the ledger
    /// verifies.
    pub fn assert_agreed(&self) {
        self.assert_same("verdict");
    }

    /// The same but for the verdicts: those of an epoch that is over are not told again to a disk that lost them.
    pub fn assert_same_entries(&self) {
        self.assert_same("hash");
    }

    fn assert_same(&self, field: &str) {
        let status = self.car.status();
        let member = &status["members"][0];
        assert_eq!(member["pending"], 0, "{status:#}");
        assert_eq!(member["confirmed"], self.cloud.points(&self.member));
        let told = |row: &Value| (row["hash"].clone(), row[field].clone());
        let mut here: Vec<_> = self.car.verified_ledger().iter().map(told).collect();
        here.reverse();
        let there: Vec<_> = self.cloud.entries().iter().map(told).collect();
        assert_eq!(here, there);
    }
}
