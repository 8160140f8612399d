//! The things that entries wait for, as `/healthz` tells them: until it is there, whatever else the device does.

use dashpoint_cloud::CloudError;
use dashpoint_membership::*;

use crate::support::*;

const LINE: &str = "devices whose entries wait for policy 2: 1";

/// A restored cloud that lacks policy 2, and a car with an entry under it that waits; gives the policy as well.
fn waiting() -> (World, Car, Policy) {
    let mut world = World::new();
    let member = world.member(1);
    let mut car = world.car(2, 3, member);
    let mut next = world.core.policy(None, world.now).unwrap();
    next.version = PolicyVersion::new(2);
    world
        .core
        .begin_server_epoch(ServerEpoch::new(1), world.now)
        .unwrap();
    world
        .core
        .take_proof(car.device, &car.proof, world.now)
        .unwrap();
    let early = car.mint(CHECK_IN, world.now);
    let under_2 = car.forged(drove(trip(0, 12_000)), world.now, |entry| {
        entry.policy = PolicyVersion::new(2);
    });
    world.settled_up_to(&car, &[early, under_2.clone()]);
    let request = car.request(&[under_2]);
    for _ in 0..2 {
        let posted = world.core.post_entries(car.device, &request, world.now);
        match posted {
            Err(CloudError::ProofWanted { .. }) => world
                .core
                .take_proof(car.device, &car.proof, world.now)
                .unwrap(),
            Err(CloudError::PolicyForgotten { .. }) => {}
            other => panic!("it does not wait: {other:?}"),
        }
    }
    assert_eq!(world.core.waits().as_deref(), Some(LINE));
    (world, car, next)
}

#[test]
fn a_wait_ends_when_the_thing_is_there_and_not_with_another_request() {
    let (mut world, car, policy) = waiting();
    let nothing = car.request(&[]);
    world
        .core
        .post_entries(car.device, &nothing, world.now)
        .unwrap();
    assert_eq!(world.core.waits().as_deref(), Some(LINE));
    world
        .core
        .take_proof(car.device, &car.proof, world.now)
        .unwrap();
    assert_eq!(world.core.waits().as_deref(), Some(LINE));
    // The device does not have to come back for it.
    world.core.sign_policy(policy, world.now).unwrap();
    assert_eq!(world.core.waits(), None);
}

#[test]
fn a_device_that_is_shut_out_waits_for_nothing() {
    let (mut world, car, _) = waiting();
    world.core.revoke_device(car.device, world.now).unwrap();
    assert_eq!(world.core.waits(), None);
}
