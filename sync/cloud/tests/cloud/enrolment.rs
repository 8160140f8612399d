//! Enrolment without a network.

use dashpoint_cloud::{AskIds, CloudError, GrantedIds};
use dashpoint_membership::*;
use dashpoint_wire::message::{EnrolRequest, EnrolState};
use dashpoint_wire::{DeviceCertificate, SigningKey};

use crate::support::*;

fn request(key: u8) -> EnrolRequest {
    EnrolRequest {
        key: SigningKey::from_seed(&[key; 32]).public(),
        vehicle: VehicleId::from_bytes([3; 16]),
        vin_last4: "<4711>".to_owned(),
        driver: Some(DriverTag::from_bytes([8; 16])),
    }
}

fn ask(world: &mut World, number: u8, key: u8) -> String {
    let code = format!("CODE{number:04}");
    let ids = AskIds {
        id: [number; 16],
        code: code.clone(),
    };
    world.core.ask(&request(key), ids, world.now).unwrap();
    code
}

const fn ids(number: u8) -> GrantedIds {
    GrantedIds {
        device: DeviceId::from_bytes([number; 16]),
        binding: BindingId::from_bytes([number; 16]),
    }
}

fn state(world: &mut World, number: u8) -> Option<EnrolState> {
    world.core.enrol_state([number; 16], world.now).unwrap()
}

#[test]
fn a_code_is_good_for_five_minutes_and_one_answer() {
    let mut world = World::new();
    let member = world.member(1);
    assert_eq!(state(&mut world, 2), None);
    let code = ask(&mut world, 2, 2);
    assert_eq!(state(&mut world, 2), Some(EnrolState::Waiting));
    let waiting = world.core.waiting(world.now).unwrap();
    assert_eq!(waiting.len(), 1);
    assert_eq!(waiting[0].vin_last4, "4711", "letters and digits alone");

    world.pass(299);
    assert!(world.core.waiting_with(&code, world.now).unwrap().is_some());
    world.pass(1);
    assert!(world.core.waiting_with(&code, world.now).unwrap().is_none());
    assert_eq!(state(&mut world, 2), Some(EnrolState::Expired));
    let late = world.core.approve(&code, member, ids(2), world.now);
    assert!(matches!(late, Err(CloudError::NoCode(_))));

    let code = ask(&mut world, 3, 2);
    world.core.refuse(&code, world.now).unwrap();
    assert_eq!(state(&mut world, 3), Some(EnrolState::Refused));
    let refused = world.core.approve(&code, member, ids(2), world.now);
    assert!(matches!(refused, Err(CloudError::NoCode(_))));
    assert!(world.core.device_lines().unwrap().is_empty());
}

#[test]
fn approval_issues_what_a_car_needs_to_earn_offline() {
    let mut world = World::new();
    let member = world.member(1);
    let code = ask(&mut world, 2, 2);
    let nobody = MemberId::from_bytes([77; 16]);
    assert!(matches!(
        world.core.approve(&code, nobody, ids(2), world.now),
        Err(CloudError::NoMember(_))
    ));
    world
        .core
        .approve(&code, member, ids(2), world.now)
        .unwrap();
    let Some(EnrolState::Approved {
        device: named,
        certificate,
        binding,
        grant,
        policy,
        catalogue,
        statement,
    }) = state(&mut world, 2)
    else {
        panic!("not approved");
    };
    let (key, device) = (world.cloud_key, ids(2).device);
    assert_eq!(named, device);
    let certificate = certificate.verify(&key, &device).unwrap();
    let expected: &DeviceCertificate = certificate.body();
    assert_eq!(expected.key, request(2).key);
    assert_eq!(expected.vehicle, request(2).vehicle);
    let binding = binding.verify(&key, &device).unwrap().into_parts().1;
    assert_eq!(
        (binding.member, binding.driver),
        (member, request(2).driver)
    );
    let grant = grant.verify(&key, &device).unwrap().into_parts().1;
    assert_eq!((grant.epoch, grant.follows), (Epoch::new(1), None));
    assert_eq!(grant.chain, Chain::start(world.now));
    policy.verify(&key, &()).unwrap();
    catalogue.verify(&key, &()).unwrap();
    let statement = statement.verify(&key, &member).unwrap();
    assert!(statement.body().covers.contains_key(&device));
}

#[test]
fn a_known_key_keeps_its_device_and_gets_one_more_binding() {
    let mut world = World::new();
    let (first, second) = (world.member(1), world.member(4));
    let code = ask(&mut world, 2, 2);
    world.core.approve(&code, first, ids(2), world.now).unwrap();
    let code = ask(&mut world, 3, 2);
    let approved = world
        .core
        .approve(&code, second, ids(3), world.now)
        .unwrap();
    assert_eq!(approved.device, ids(2).device);
    let lines = world.core.device_lines().unwrap();
    assert_eq!(lines.len(), 1);
    assert_eq!(lines[0].members, [first, second]);
}

#[test]
fn a_revoked_device_is_let_in_no_more() {
    let mut world = World::new();
    let member = world.member(1);
    let car = world.car(2, 3, member);
    let admitted = |world: &World| {
        let found = world.core.admitted_device(car.device, world.now).unwrap();
        found.is_some()
    };
    assert!(admitted(&world));
    world.core.revoke_device(car.device, world.now).unwrap();
    assert!(!admitted(&world));
    assert!(matches!(
        world.core.revoke_device(car.device, world.now),
        Err(CloudError::AlreadyRevoked(_))
    ));
    let code = ask(&mut world, 9, 2);
    assert!(matches!(
        world.core.approve(&code, member, ids(9), world.now),
        Err(CloudError::AlreadyRevoked(_))
    ));
}

#[test]
fn strangers_cannot_fill_the_disk() {
    let mut world = World::new();
    for number in 0..1_000_u32 {
        let mut id = [0; 16];
        id[..4].copy_from_slice(&number.to_be_bytes());
        let code = format!("C{number}");
        let ids = AskIds { id, code };
        world.core.ask(&request(1), ids, world.now).unwrap();
    }
    let one_more = AskIds {
        id: [9; 16],
        code: "X".to_owned(),
    };
    let asked = world.core.ask(&request(1), one_more.clone(), world.now);
    assert!(matches!(asked, Err(CloudError::TooManyWaiting)));
    world.pass(300);
    world.core.ask(&request(1), one_more, world.now).unwrap();
}
