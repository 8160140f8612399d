//! Enrolment without a network.

use dashpoint_cloud::{Approval, Approved, AskIds, CloudError, GrantedIds, Word};
use dashpoint_membership::*;
use dashpoint_wire::message::{EnrolRequest, EnrolState};
use dashpoint_wire::{DeviceCertificate, PublicKey, SigningKey};

use crate::support::*;

pub fn request(key: u8) -> EnrolRequest {
    EnrolRequest {
        key: SigningKey::from_seed(&[key; 32]).public(),
        vehicle: VehicleId::from_bytes([3; 16]),
        vin_last4: "<4711>".to_owned(),
        driver: Some(DriverTag::from_bytes([8; 16])),
    }
}

pub fn ask(world: &mut World, number: u8, key: u8) -> String {
    let code = format!("CODE{number:04}");
    let ids = AskIds {
        id: [number; 16],
        code: code.clone(),
    };
    world.core.ask(&request(key), ids, world.now).unwrap();
    code
}

pub const fn ids(number: u8) -> GrantedIds {
    GrantedIds {
        device: DeviceId::from_bytes([number; 16]),
        binding: BindingId::from_bytes([number; 16]),
    }
}

pub fn state(world: &mut World, number: u8) -> Option<EnrolState> {
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
    assert_eq!(state(&mut world, 3), Some(EnrolState::Waiting));
    waits(&mut world, &code, second, 3);
    assert_eq!(state(&mut world, 3), Some(EnrolState::AwaitingConsent));
    let approved = world
        .core
        .consent(&code, &Word::Member(first), ids(3), world.now)
        .unwrap();
    assert_eq!(approved.device, ids(2).device);
    let lines = world.core.device_lines().unwrap();
    assert_eq!(lines.len(), 1);
    assert_eq!(lines[0].members, [first, second]);
}

/// A yes that does not suffice.
fn waits(world: &mut World, code: &str, member: MemberId, number: u8) {
    let said = world.core.approve(code, member, ids(number), world.now);
    let Ok(Approval::Waits(waiting)) = said else {
        panic!("{said:?}");
    };
    assert_eq!(waiting.claimed_by, Some(member));
    assert_eq!(state(world, number), Some(EnrolState::AwaitingConsent));
}

#[test]
fn a_stranger_who_knows_the_vin_is_let_in_by_nobody() {
    let mut world = World::new();
    let (owner, stranger) = (world.member(1), world.member(4));
    let car = world.car(2, 3, owner);
    // A key of his own, and the key of the owner's head unit.
    for (number, key) in [(5, 5), (6, 2)] {
        let code = ask(&mut world, number, key);
        waits(&mut world, &code, stranger, number);
        waits(&mut world, &code, stranger, number);
        for word in [stranger, MemberId::from_bytes([9; 16])] {
            let agreed = world
                .core
                .consent(&code, &Word::Member(word), ids(number), world.now);
            assert!(matches!(agreed, Err(CloudError::NotOfTheVehicle(_))));
        }
    }
    let lines = world.core.device_lines().unwrap();
    assert_eq!(lines.len(), 1);
    assert_eq!(
        (lines[0].device, &lines[0].members[..]),
        (car.device, &[owner][..])
    );
    // The same vehicle again: only the newest of his requests waits.
    let waiting = world.core.waiting(world.now).unwrap();
    assert_eq!(waiting.len(), 1);
    world.pass(3_600);
    assert!(world.core.waiting(world.now).unwrap().is_empty());
    assert_eq!(state(&mut world, 6), Some(EnrolState::Expired));
}

#[test]
fn a_second_head_unit_of_the_same_member_needs_no_other_word() {
    let mut world = World::new();
    let owner = world.member(1);
    world.car(2, 3, owner);
    let code = ask(&mut world, 5, 5);
    let said = world.core.approve(&code, owner, ids(5), world.now);
    assert!(
        matches!(said, Ok(Approval::Enrolled(Approved { device, .. })) if device == ids(5).device)
    );
}

#[test]
fn the_member_of_the_vehicle_agrees_within_an_hour() {
    let mut world = World::new();
    let (owner, other) = (world.member(1), world.member(4));
    world.car(2, 3, owner);
    let code = ask(&mut world, 5, 5);
    let early = world
        .core
        .consent(&code, &Word::Member(owner), ids(5), world.now);
    assert!(matches!(early, Err(CloudError::NotClaimed(_))));
    waits(&mut world, &code, other, 5);
    let third = world.member(7);
    assert!(matches!(
        world.core.approve(&code, third, ids(5), world.now),
        Err(CloudError::Claimed(_))
    ));
    world.pass(3_599);
    let agreed = world
        .core
        .consent(&code, &Word::Member(owner), ids(5), world.now)
        .unwrap();
    assert_eq!((agreed.device, agreed.member), (ids(5).device, other));
    assert!(matches!(
        state(&mut world, 5),
        Some(EnrolState::Approved { .. })
    ));
    // From now on it earns for him as well, and his own next head unit is a matter of his.
    let code = ask(&mut world, 6, 6);
    let said = world.core.approve(&code, other, ids(6), world.now);
    assert!(matches!(said, Ok(Approval::Enrolled(_))));
}

#[test]
fn the_operator_agrees_with_a_reason_and_frees_a_car_that_was_sold() {
    let mut world = World::new();
    let (seller, buyer) = (world.member(1), world.member(4));
    let car = world.car(2, 3, seller);
    let code = ask(&mut world, 5, 5);
    waits(&mut world, &code, buyer, 5);
    let silent = Word::Operator {
        reason: " ".to_owned(),
    };
    let refused = world.core.consent(&code, &silent, ids(5), world.now);
    assert!(matches!(refused, Err(CloudError::NoReason)));
    let word = Word::Operator {
        reason: "contract of sale seen".to_owned(),
    };
    world.core.consent(&code, &word, ids(5), world.now).unwrap();

    // A head unit that is replaced takes nobody's say away: a stranger waits, and the buyer gets his next one.
    let third = world.member(7);
    world.core.revoke_device(car.device, world.now).unwrap();
    world.pass(DAY);
    world.core.revoke_device(ids(5).device, world.now).unwrap();
    let code = ask(&mut world, 6, 6);
    waits(&mut world, &code, third, 6);
    let again = ask(&mut world, 7, 7);
    let said = world.core.approve(&again, buyer, ids(7), world.now);
    assert!(matches!(said, Ok(Approval::Enrolled(_))));
}

/// Whichever came first, the buyer's head unit or the end of the seller's; and neither the buyer's next head unit nor the time in
/// which he has none gives the seller his say back.
#[test]
fn a_seller_whose_head_unit_was_shut_out_has_no_say_once_the_buyer_earns() {
    for sold_first in [true, false] {
        let mut world = World::new();
        let (seller, buyer, friend) = (world.member(1), world.member(4), world.member(7));
        let mut car = world.car(2, 3, seller);
        let drive = car.mint(drove(trip(0, 9_000)), world.now);
        world.settled(&mut car, &[drive]);
        let earned = world.balance(seller);
        assert!(earned > 0);
        if sold_first {
            world.core.revoke_device(car.device, world.now).unwrap();
            world.pass(DAY);
        }
        let code = ask(&mut world, 5, 5);
        waits(&mut world, &code, buyer, 5);
        let word = Word::Operator {
            reason: "sold".to_owned(),
        };
        world.core.consent(&code, &word, ids(5), world.now).unwrap();
        world.pass(DAY);
        if !sold_first {
            world.core.revoke_device(car.device, world.now).unwrap();
        }
        let shut_out = |world: &mut World, number: u8| {
            let code = ask(world, number, number);
            waits(world, &code, seller, number);
            let own = world
                .core
                .consent(&code, &Word::Member(seller), ids(number), world.now);
            assert!(
                matches!(own, Err(CloudError::NotOfTheVehicle(_))),
                "{own:?}"
            );
            let code = ask(world, number + 1, number + 1);
            waits(world, &code, friend, number + 1);
            let other =
                world
                    .core
                    .consent(&code, &Word::Member(seller), ids(number + 1), world.now);
            assert!(
                matches!(other, Err(CloudError::NotOfTheVehicle(_))),
                "{other:?}"
            );
        };
        shut_out(&mut world, 10);
        world.pass(DAY);
        world.core.revoke_device(ids(5).device, world.now).unwrap();
        shut_out(&mut world, 20);
        let code = ask(&mut world, 30, 30);
        let said = world.core.approve(&code, buyer, ids(30), world.now);
        assert!(matches!(said, Ok(Approval::Enrolled(_))), "{said:?}");
        shut_out(&mut world, 40);
        assert_eq!(world.balance(seller), earned, "his honest points stay");
        // The buyer may let him in, as anybody.
        let code = ask(&mut world, 50, 50);
        waits(&mut world, &code, seller, 50);
        let agreed = world
            .core
            .consent(&code, &Word::Member(buyer), ids(50), world.now);
        assert!(agreed.is_ok(), "{agreed:?}");
    }
}

#[test]
fn a_member_whose_device_was_a_fraud_has_no_say_over_the_vehicle() {
    let mut world = World::new();
    let (thief, third) = (world.member(1), world.member(4));
    let car = world.car(2, 3, thief);
    world.core.revoke_device(car.device, world.now).unwrap();
    let code = ask(&mut world, 5, 5);
    waits(&mut world, &code, third, 5);
    world
        .core
        .revoke_fraud(car.device, "a copied VIN", world.now)
        .unwrap();
    let refused = world
        .core
        .consent(&code, &Word::Member(thief), ids(5), world.now);
    assert!(matches!(refused, Err(CloudError::NotOfTheVehicle(_))));
    let said = world.core.approve(&code, third, ids(5), world.now);
    assert!(matches!(said, Ok(Approval::Enrolled(_))));
}

#[test]
fn requests_that_wait_for_others_are_few_for_each_member_and_block_nobody() {
    let mut world = World::new();
    let (owner, stranger) = (world.member(1), world.member(4));
    for number in 0..6 {
        world.car(20 + number, 60 + number, owner);
        let mut wanted = request(40 + number);
        wanted.vehicle = VehicleId::from_bytes([60 + number; 16]);
        let code = format!("CLAIM{number}");
        let asked = AskIds {
            id: [80 + number; 16],
            code: code.clone(),
        };
        world.core.ask(&wanted, asked, world.now).unwrap();
        let said = world
            .core
            .approve(&code, stranger, ids(80 + number), world.now);
        match number {
            0..4 => assert!(matches!(said, Ok(Approval::Waits(_)))),
            _ => assert!(matches!(said, Err(CloudError::TooManyWaiting))),
        }
    }
}

#[test]
fn keys_that_are_nobody_s_or_of_another_vehicle_are_refused() {
    let mut world = World::new();
    let member = world.member(1);
    world.car(2, 3, member);
    let mut ask = |request: &EnrolRequest| {
        let ids = AskIds {
            id: [9; 16],
            code: "X".to_owned(),
        };
        world.core.ask(request, ids, world.now)
    };
    let mut elsewhere = request(2);
    elsewhere.vehicle = VehicleId::from_bytes([4; 16]);
    assert!(matches!(
        ask(&elsewhere),
        Err(CloudError::KeyOfAnotherVehicle)
    ));
    for (first, rest, last) in [(0, 0, 0), (1, 0, 0), (1, 0, 0x80), (0xec, 0xff, 0xff)] {
        let mut weak = request(2);
        let mut bytes = [rest; 32];
        (bytes[0], bytes[31]) = (first, last);
        weak.key = PublicKey::from_bytes(bytes);
        assert!(matches!(ask(&weak), Err(CloudError::WeakKey)), "{first:x}");
    }
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

/// The members of a vehicle compare the end of its VIN: it is theirs, whatever somebody else has typed.
#[test]
fn who_agrees_sees_the_vin_on_record() {
    let mut world = World::new();
    let (owner, stranger) = (world.member(1), world.member(4));
    let code = ask(&mut world, 2, 2);
    world.core.approve(&code, owner, ids(2), world.now).unwrap();
    let typed = EnrolRequest {
        vin_last4: "9999".to_owned(),
        ..request(3)
    };
    let code = "CODE0003".to_owned();
    let asked = AskIds {
        id: [3; 16],
        code: code.clone(),
    };
    world.core.ask(&typed, asked, world.now).unwrap();
    let shown = |world: &World| world.core.waiting_with(&code, world.now).unwrap().unwrap();
    assert_eq!(shown(&world).vin_last4, "9999", "as his own screen has it");
    waits(&mut world, &code, stranger, 3);
    assert_eq!(shown(&world).vin_last4, "4711");
}
