//! A cloud that goes back to a backup, and cars that show it what it signed.

use std::path::PathBuf;

use dashpoint_cloud::{AskIds, CloudError, GrantedIds};
use dashpoint_membership::*;
use dashpoint_wire::Signed;
use dashpoint_wire::message::{EnrolRequest, EnrolState};
use tempfile::TempDir;

use crate::support::*;

/// A cloud, and the place of its newest backup.
pub struct Backed {
    pub folder: TempDir,
    pub world: World,
    backups: u8,
}

impl Backed {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let world = World::on_disk(&folder.path().join("a.db"));
        Self {
            folder,
            world,
            backups: 0,
        }
    }

    pub fn backup(&self) -> PathBuf {
        self.folder.path().join(format!("b{}.db", self.backups))
    }

    pub fn back_up(&mut self) {
        self.backups += 1;
        self.world.core.back_up(&self.backup()).unwrap();
    }

    /// Goes back to the backup, as `restore` does.
    pub fn restore(&mut self) -> &mut World {
        self.go_back();
        let life = self
            .world
            .core
            .begin_server_epoch(ServerEpoch::new(1), self.world.now);
        life.unwrap();
        &mut self.world
    }

    /// Goes back to the backup, and nobody says so.
    pub fn go_back(&mut self) {
        self.world = World::on_disk(&self.backup());
    }
}

/// Binds a car to one more member; it earns for that one from then on.
pub fn bind(world: &mut World, car: &mut Car, vehicle: u8, member: MemberId, number: u8) {
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
    world.core.ask(&request, ids, world.now).unwrap();
    let ids = GrantedIds {
        device: car.device,
        binding: BindingId::from_bytes([number; 16]),
    };
    world.let_in(&code, member, ids);
    let state = world.core.enrol_state([number; 16], world.now).unwrap();
    let Some(EnrolState::Approved { binding, .. }) = state else {
        panic!("not approved: {state:?}");
    };
    car.proof.bindings.push(binding);
    (car.binding, car.member) = (ids.binding, member);
}

pub fn refused(world: &mut World, car: &Car, entries: &[Signed<Entry>]) -> CloudError {
    let request = car.request(entries);
    let posted = world.core.post_entries(car.device, &request, world.now);
    posted.unwrap_err()
}

pub fn show(world: &mut World, car: &Car) -> Result<(), CloudError> {
    world.core.proven_key(car.device, &car.proof, world.now)?;
    world.core.take_proof(car.device, &car.proof, world.now)
}
