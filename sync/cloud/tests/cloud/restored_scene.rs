//! A cloud before a backup, with something that each command of an operator can be given for.

use std::path::Path;
use std::process::ExitCode;

use clap::Parser;
use dashpoint_cloud::cli::{CloudArgs, Edge, execute, main};
use dashpoint_cloud::{AskIds, ClockKind, CloudCore, GrantedIds, open_file};
use dashpoint_membership::*;
use dashpoint_wire::SigningKey;
use dashpoint_wire::message::EnrolRequest;

use crate::support::*;

/// A cloud before the backup, with something that each command can be given for.
pub struct Scene {
    folder: tempfile::TempDir,
    pub world: World,
    owner: Car,
    thief: Car,
    /// A head unit that was shut out before the backup and holds a stretch.
    retired: Car,
    /// An entry of the owner's whose evidence is in doubt.
    held: EntryRef,
    pub acted: ServerTime,
}

impl Scene {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("cloud");
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let init = ["dashpoint-cloud", "--data", data.to_str().unwrap(), "init"];
        assert_eq!(
            main(init.map(Into::into), &mut out, &mut err),
            ExitCode::SUCCESS
        );
        // The key alone: the cloud begins at the time of the scene.
        std::fs::remove_file(data.join("cloud.db")).unwrap();
        let mut world = open(&data, at(NOON));
        let [first, second, _, other] = [1, 2, 4, 5].map(|number| world.member(number));
        let mut owner = world.car(2, 3, first);
        let mut thief = world.car(7, 3, second);
        let mut retired = world.car(8, 5, first);
        world.pass(HOUR);
        let session = owner.mint(charged(charge(0, 18_000)), world.now);
        assert!(paid(&world.verdict(&mut owner, &session)) > 0);
        let right = world.now;
        world.leap_to(right.plus_s(3_652 * DAY));
        world.core.maintain(world.now).unwrap();
        world.leap_to(right.plus_s(HOUR));
        for (car, from) in [(&mut thief, 0), (&mut owner, 0), (&mut retired, 0)] {
            let drive = car.mint(drove(trip(from, 20_000)), world.now);
            world.verdict(car, &drive);
        }
        // At 396 km/h.
        let mut fast = trip(30_000, 66_000);
        fast.started = CoarseTime::containing_unix_s(world.now.as_unix_s() - 600);
        fast.driving = DrivingTime::Seconds(600);
        (fast.used_wh, fast.regained_wh) = (9_900, 0);
        let fast = owner.mint(drove(fast), world.now);
        let verdict = world.verdict(&mut owner, &fast);
        assert!(matches!(verdict, Verdict::Review { .. }), "{verdict:?}");
        let held = owner.point();
        let held = EntryRef {
            device: owner.device,
            epoch: held.epoch,
            seq: held.seq,
        };
        world.core.revoke_device(retired.device, world.now).unwrap();
        for (number, vehicle) in [(0x31, 9), (0x32, 3), (0x33, 3)] {
            let request = EnrolRequest {
                key: SigningKey::from_seed(&[number; 32]).public(),
                vehicle: VehicleId::from_bytes([vehicle; 16]),
                vin_last4: "4711".to_owned(),
                driver: None,
            };
            let ids = AskIds {
                id: [number; 16],
                code: format!("WAKE00{number:02X}"),
            };
            world.core.ask(&request, ids, world.now).unwrap();
        }
        let ids = GrantedIds {
            device: DeviceId::from_bytes([0x33; 16]),
            binding: BindingId::from_bytes([0x33; 16]),
        };
        // Claimed by its own member before the backup.
        world
            .core
            .approve("WAKE0033", other, ids, world.now)
            .unwrap();
        world
            .core
            .back_up(&folder.path().join("backup.db"))
            .unwrap();
        world.pass(60);
        let acted = world.now;
        Self {
            folder,
            world,
            owner,
            thief,
            retired,
            held,
            acted,
        }
    }

    pub fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().unwrap().to_owned()
    }

    /// Gives a command to the cloud, beside the program that serves it.
    #[track_caller]
    pub fn give(&mut self, words: &str) -> String {
        let words = self.filled(words);
        let args = ["dashpoint-cloud"].into_iter().chain(words.split(' '));
        let args = CloudArgs::try_parse_from(args).unwrap();
        let edge = Edge {
            now: self.world.now,
            ids: [[0x41; 16], [0x42; 16]],
            json: false,
        };
        let mut out = Vec::new();
        execute(args.command, &mut self.world.core, edge, &mut out)
            .unwrap_or_else(|refused| panic!("{words}: {refused}"));
        String::from_utf8(out).unwrap()
    }

    /// Writes the scene's names into a line.
    pub fn filled(&self, line: &str) -> String {
        let member = |number| MemberId::from_bytes([number; 16]).to_string();
        let entry = |car: &Car| format!("{}/1-1", car.device);
        let vehicle = |number| VehicleId::from_bytes([number; 16]).to_string();
        [
            ("OWNER_MEMBER", member(1)),
            ("STRANGER_MEMBER", member(4)),
            ("OTHER_MEMBER", member(5)),
            ("NEW_MEMBER", member(0x41)),
            ("NEW_DEVICE", DeviceId::from_bytes([0x41; 16]).to_string()),
            ("UNKNOWN", DeviceId::from_bytes([0x66; 16]).to_string()),
            ("THIEF_ENTRY", entry(&self.thief)),
            ("RETIRED_ENTRY", entry(&self.retired)),
            ("HELD", self.held.to_string()),
            ("OWNER", self.owner.device.to_string()),
            ("THIEF", self.thief.device.to_string()),
            ("RETIRED", self.retired.device.to_string()),
            ("VEHICLE3", vehicle(3)),
            ("VEHICLE5", vehicle(5)),
            (
                "TYPED",
                format!("dashpoint-cloud --data {}", self.path("cloud")),
            ),
            ("FOLDER", self.folder.path().to_str().unwrap().to_owned()),
        ]
        .into_iter()
        .fold(line.to_owned(), |line, (name, is)| line.replace(name, &is))
    }

    /// Puts the backup back and returns what is said.
    pub fn restore(&mut self) -> String {
        drop(std::mem::replace(&mut self.world, World::new()));
        let (data, backup) = (self.path("cloud"), self.path("backup.db"));
        let args = ["dashpoint-cloud", "--data", &data, "restore", &backup];
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let exit = main(args.map(Into::into), &mut out, &mut err);
        assert_eq!(exit, ExitCode::SUCCESS, "{}", String::from_utf8_lossy(&err));
        self.world = open(Path::new(&data), self.acted);
        String::from_utf8(out).unwrap()
    }
}

pub fn open(data: &Path, now: ServerTime) -> World {
    let key = std::fs::read(data.join("cloud-key.pk8")).unwrap();
    let key = SigningKey::from_pkcs8(&key).unwrap();
    let db = open_file(&data.join("cloud.db")).unwrap();
    World {
        core: CloudCore::start(db, key.clone(), ClockKind::System, now).unwrap(),
        now,
        cloud_key: key.public(),
    }
}
