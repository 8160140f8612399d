//! What the car holds signed by this very cloud proves itself to a cloud that went back to before it: bindings, devices and
//! their chains come back, and nothing that was shown is lost.

use dashpoint_cloud::CloudError;
use dashpoint_membership::*;
use dashpoint_wire::message::EpochRequest;
use dashpoint_wire::{Signed, SigningKey};

use crate::backed::*;
use crate::support::*;

#[test]
fn what_is_shown_twice_is_refused_and_what_is_here_costs_nothing() {
    let mut cloud = Backed::new();
    let member = cloud.world.member(1);
    let mut car = cloud.world.car(2, 3, member);
    let world = &mut cloud.world;
    let binding = car.proof.bindings[0].clone();
    car.proof.bindings = vec![binding.clone(); 256];
    let refused = show(world, &car);
    assert!(
        matches!(refused, Err(CloudError::NotProven { .. })),
        "{refused:?}"
    );
    car.proof.bindings = vec![binding];
    let policy = world.core.policy_since(PolicyVersion::new(0), world.now);
    let policy = policy.unwrap().unwrap();
    car.proof.policies = Some(vec![policy.clone(), policy]);
    let refused = show(world, &car);
    assert!(
        matches!(refused, Err(CloudError::NotProven { .. })),
        "{refused:?}"
    );
    car.proof.policies = None;
    // A binding that is here byte by byte is not verified: this one bears no signature at all.
    let unsigned = vec![0x55; 64];
    let beside = rusqlite::Connection::open(cloud.folder.path().join("a.db")).unwrap();
    beside
        .execute(
            "INSERT INTO bindings SELECT ?1, device, member, driver, valid_from, valid_until, ?2 FROM bindings",
            ([0x56_u8; 16], &unsigned),
        )
        .unwrap();
    car.proof.bindings.push(unsigned.into());
    show(world, &car).unwrap();
}

#[test]
fn a_binding_that_the_backup_lacks_is_shown_and_its_entries_are_paid() {
    let mut cloud = Backed::new();
    let first = cloud.world.member(1);
    let second = cloud.world.member(2);
    let mut car = cloud.world.car(2, 3, first);
    cloud.back_up();
    let early = car.mint(drove(trip(0, 12_000)), cloud.world.now);
    bind(&mut cloud.world, &mut car, 3, second, 9);
    let late = car.forged(drove(trip(12_000, 12_000)), cloud.world.now, |_| {});
    let both = [early, late.clone()];
    assert_eq!(cloud.world.settled_up_to(&car, &both), 2);
    let twin = [first, second].map(|member| cloud.world.balance(member));
    assert!(twin.iter().all(|points| *points > 0), "{twin:?}");

    let world = cloud.restore();
    let settled = world.settled_up_to(&car, &both);
    assert_eq!(
        settled, 1,
        "what names a binding that is here does not wait"
    );
    let waits = refused(world, &car, std::slice::from_ref(&late));
    assert!(matches!(waits, CloudError::ProofWanted { .. }), "{waits}");
    show(world, &car).unwrap();
    let verdict = world.verdict(&mut car, &late);
    assert!(paid(&verdict) > 0, "{verdict:?}");
    assert_eq!([first, second].map(|member| world.balance(member)), twin);
}

#[test]
fn a_device_that_the_backup_lacks_is_shown_and_goes_on() {
    let mut cloud = Backed::new();
    let member = cloud.world.member(1);
    cloud.back_up();
    let mut car = cloud.world.car(2, 3, member);
    let entries = [
        car.mint(drove(trip(0, 12_000)), cloud.world.now),
        car.mint(CHECK_IN, cloud.world.now),
    ];
    cloud.world.settled(&mut car, &entries);
    let twin = cloud.world.balance(member);
    assert!(twin > 0);

    let world = cloud.restore();
    let unknown = refused(world, &car, &entries);
    assert!(matches!(unknown, CloudError::NoDevice(_)), "{unknown}");
    show(world, &car).unwrap();
    world.settled(&mut car, &entries);
    assert_eq!(world.balance(member), twin);
    assert_eq!(world.core.server_epoch().unwrap(), ServerEpoch::new(2));
    // Shown once more, it changes nothing.
    show(world, &car).unwrap();
    let next = car.mint(drove(trip(12_000, 12_000)), world.now);
    assert!(paid(&world.verdict(&mut car, &next)) > 0);
}

/// A clock of this cloud that was two days ahead dated the enrolment: a drive from before the proof is no drive from before it.
#[test]
fn a_device_of_a_clock_that_was_ahead_is_in_no_doubt() {
    let mut cloud = Backed::new();
    let member = cloud.world.member(1);
    cloud.back_up();
    cloud.world.pass(2 * DAY);
    let mut car = cloud.world.car(2, 3, member);
    let drive = car.mint(drove(trip(0, 12_000)), at(NOON));

    let world = cloud.restore();
    world.pass(6 * HOUR);
    show(world, &car).unwrap();
    let verdict = world.verdict(&mut car, &drive);
    assert!(matches!(verdict, Verdict::Accepted { .. }), "{verdict:?}");
}

/// The device was in a later epoch: all that it ever said comes again, in an epoch that it never had.
#[test]
fn a_device_in_a_later_epoch_says_all_again() {
    let mut cloud = Backed::new();
    let member = cloud.world.member(1);
    cloud.back_up();
    let mut car = cloud.world.car(2, 3, member);
    let first = car.mint(drove(trip(0, 12_000)), cloud.world.now);
    cloud.world.settled(&mut car, std::slice::from_ref(&first));
    for _ in 0..40 {
        let grant = cloud.world.open_epoch(&mut car);
        car.enter(&grant.verify(&cloud.world.cloud_key, &car.device).unwrap());
    }
    let second = car.mint(drove(trip(12_000, 12_000)), cloud.world.now);
    cloud.world.settled(&mut car, std::slice::from_ref(&second));
    let twin = cloud.world.balance(member);
    let had = car.epoch;

    let world = cloud.restore();
    show(world, &car).unwrap();
    let known = world.diverged(&car, std::slice::from_ref(&second));
    assert_eq!((known.epoch, known.seq), (Epoch::new(1), Seq::new(0)));
    let grant = world.open_epoch(&mut car);
    car.enter(&grant.verify(&world.cloud_key, &car.device).unwrap());
    assert!(car.epoch > had, "{} after {had}", car.epoch);
    let carried = [car.carry(&first), car.carry(&second)];
    world.settled(&mut car, &carried);
    assert_eq!(world.balance(member), twin);
}

/// More epochs than a backup may have forgotten of a device's word alone: a receipt of one of them proves it, else the grant.
#[test]
fn a_device_many_epochs_ahead_of_the_backup_opens_the_one_after_its_own() {
    for has_receipt in [true, false] {
        let mut cloud = Backed::new();
        let member = cloud.world.member(1);
        let mut car = cloud.world.car(2, 3, member);
        cloud.back_up();
        for _ in 0..43 {
            let grant = cloud.world.open_epoch(&mut car);
            car.enter(&grant.verify(&cloud.world.cloud_key, &car.device).unwrap());
        }
        let entry = car.mint(drove(trip(0, 12_000)), cloud.world.now);
        let answer = cloud.world.settled(&mut car, &[entry]);
        let world = cloud.restore();
        let request = EpochRequest {
            head: car.point(),
            last_receipt: has_receipt.then_some(answer.receipt),
        };
        let mut opened = world.core.open_epoch(car.device, &request, world.now);
        if !has_receipt {
            assert!(
                matches!(opened, Err(CloudError::ProofWanted { .. })),
                "{opened:?}"
            );
            show(world, &car).unwrap();
            opened = world.core.open_epoch(car.device, &request, world.now);
        }
        let grant = opened.unwrap().grant;
        let grant = grant.verify(&world.cloud_key, &car.device).unwrap();
        assert_eq!(grant.body().epoch, car.epoch.next());
    }
}

#[test]
fn a_database_that_went_back_unsaid_is_noticed_by_a_device_that_it_lacks() {
    let mut cloud = Backed::new();
    let member = cloud.world.member(1);
    cloud.back_up();
    let mut car = cloud.world.car(2, 3, member);
    let entry = car.mint(drove(trip(0, 12_000)), cloud.world.now);
    cloud.go_back();
    let world = &mut cloud.world;
    show(world, &car).unwrap();
    assert_eq!(world.core.server_epoch().unwrap(), ServerEpoch::new(2));
    assert!(paid(&world.verdict(&mut car, &entry)) > 0);
}

/// The database goes back to before a binding, nobody says so, and the car has no receipt since: nothing but the binding
/// tells it. It is told in each life, also when the device has shown its proof in that life before.
#[test]
fn a_binding_that_an_unsaid_rollback_lost_is_asked_for_in_each_life() {
    let mut cloud = Backed::new();
    let members = [1, 2, 3].map(|number| cloud.world.member(number));
    let mut car = cloud.world.car(2, 3, members[0]);
    let early = car.mint(drove(trip(0, 12_000)), cloud.world.now);
    cloud.world.settled(&mut car, &[early]);
    for (nth, member) in (1_u8..).zip(members.into_iter().skip(1)) {
        cloud.back_up();
        bind(&mut cloud.world, &mut car, 3, member, 8 + nth);
        let from_m = u64::from(nth) * 12_000;
        let entry = car.forged(drove(trip(from_m, 12_000)), cloud.world.now, |_| {});
        cloud.go_back();
        let world = &mut cloud.world;
        let waits = refused(world, &car, std::slice::from_ref(&entry));
        assert!(matches!(waits, CloudError::ProofWanted { .. }), "{waits}");
        show(world, &car).unwrap();
        let life = u32::from(nth) + 1;
        assert_eq!(world.core.server_epoch().unwrap(), ServerEpoch::new(life));
        let verdict = world.verdict(&mut car, &entry);
        assert!(paid(&verdict) > 0, "{verdict:?}");
    }
}

/// A copy of the disk of before a binding has shown all that it holds: that says nothing of the car itself.
#[test]
fn a_copy_of_the_disk_that_lacks_a_binding_does_not_answer_for_the_car() {
    let mut cloud = Backed::new();
    let [first, second] = [1, 2].map(|number| cloud.world.member(number));
    let mut car = cloud.world.car(2, 3, first);
    let copy = car.clone();
    cloud.back_up();
    bind(&mut cloud.world, &mut car, 3, second, 9);
    cloud.go_back();
    let world = &mut cloud.world;
    let mut named = copy.clone();
    named.binding = car.binding;
    let of_copy = named.mint(CHECK_IN, world.now);
    let waits = refused(world, &copy, std::slice::from_ref(&of_copy));
    assert!(matches!(waits, CloudError::ProofWanted { .. }), "{waits}");
    show(world, &copy).unwrap();
    let own = car.forged(drove(trip(0, 12_000)), world.now, |_| {});
    let waits = refused(world, &car, std::slice::from_ref(&own));
    assert!(matches!(waits, CloudError::ProofWanted { .. }), "{waits}");
    show(world, &car).unwrap();
    let verdict = world.verdict(&mut car, &own);
    assert!(paid(&verdict) > 0, "{verdict:?}");
}

/// The car holds the policy that its entries name: nobody has to sign it again.
#[test]
fn a_policy_that_the_backup_lacks_is_shown_by_the_car() {
    for is_said in [true, false] {
        let mut cloud = Backed::new();
        let member = cloud.world.member(1);
        let mut car = cloud.world.car(2, 3, member);
        cloud.back_up();
        let mut next = cloud.world.core.policy(None, cloud.world.now).unwrap();
        next.version = PolicyVersion::new(2);
        cloud
            .world
            .core
            .sign_policy(next.clone(), cloud.world.now)
            .unwrap();
        let newest = cloud
            .world
            .core
            .policy_since(PolicyVersion::new(1), cloud.world.now);
        car.proof.policies = Some(vec![newest.unwrap().unwrap()]);
        let entry = car.forged(drove(trip(0, 12_000)), cloud.world.now, |entry| {
            entry.policy = PolicyVersion::new(2);
        });
        if is_said {
            cloud.restore();
        } else {
            cloud.go_back();
        }
        let world = &mut cloud.world;
        let waits = refused(world, &car, std::slice::from_ref(&entry));
        assert!(matches!(waits, CloudError::ProofWanted { .. }), "{waits}");
        show(world, &car).unwrap();
        assert_eq!(world.core.server_epoch().unwrap(), ServerEpoch::new(2));
        let verdict = world.verdict(&mut car, &entry);
        assert!(paid(&verdict) > 0, "{verdict:?}");
        assert_eq!(world.core.policy(None, world.now).unwrap(), next);
        // Shown once more, it begins nothing.
        show(world, &car).unwrap();
        assert_eq!(world.core.server_epoch().unwrap(), ServerEpoch::new(2));
    }
}

/// Neither here nor with the car: in the first life it was never signed, after a restore the operator may have its file.
#[test]
fn a_policy_that_the_car_cannot_show_waits_after_a_restore_alone() {
    for is_restored in [false, true] {
        let mut cloud = Backed::new();
        let member = cloud.world.member(1);
        let mut car = cloud.world.car(2, 3, member);
        cloud.back_up();
        let entry = car.forged(CHECK_IN, cloud.world.now, |entry| {
            entry.policy = PolicyVersion::new(2);
        });
        if is_restored {
            cloud.restore();
        }
        let world = &mut cloud.world;
        let waits = refused(world, &car, std::slice::from_ref(&entry));
        assert!(matches!(waits, CloudError::ProofWanted { .. }), "{waits}");
        show(world, &car).unwrap();
        if is_restored {
            let waits = refused(world, &car, std::slice::from_ref(&entry));
            assert!(
                matches!(waits, CloudError::PolicyForgotten { .. }),
                "{waits}"
            );
        } else {
            let verdict = world.verdict(&mut car, &entry);
            assert_eq!(verdict, rejected(Rejection::UnknownPolicy));
        }
    }
}

/// A binding that this cloud never gave: it is asked for once, and holds nothing up. The members of the device learn it.
#[test]
fn a_binding_that_nobody_can_show_is_refused() {
    let mut cloud = Backed::new();
    let member = cloud.world.member(1);
    let mut car = cloud.world.car(2, 3, member);
    cloud.back_up();
    let world = cloud.restore();
    let entry = car.forged(CHECK_IN, world.now, |entry| {
        entry.binding = BindingId::from_bytes([0xbb; 16]);
    });
    let waits = refused(world, &car, std::slice::from_ref(&entry));
    assert!(matches!(waits, CloudError::ProofWanted { .. }), "{waits}");
    show(world, &car).unwrap();
    let answer = world.settled(&mut car, std::slice::from_ref(&entry));
    assert_eq!(answer.verdicts[0].verdict, rejected(Rejection::NoBinding));
    let [statement] = answer.statements.as_slice() else {
        panic!("{:?}", answer.statements);
    };
    let told = statement.clone().verify(&world.cloud_key, &member).unwrap();
    assert_eq!(told.body().covers[&car.device].head, car.head);
}

#[test]
fn a_member_who_is_not_in_the_backup_is_given_back_under_the_same_id() {
    let mut cloud = Backed::new();
    cloud.back_up();
    let member = cloud.world.member(1);
    let mut car = cloud.world.car(2, 3, member);
    let entry = car.mint(drove(trip(0, 12_000)), cloud.world.now);
    let world = cloud.restore();
    for _ in 0..2 {
        let waits = show(world, &car).unwrap_err();
        assert!(
            waits
                .to_string()
                .contains(&format!("member add --id {member}"))
        );
        let waits = refused(world, &car, std::slice::from_ref(&entry));
        assert!(matches!(waits, CloudError::ProofWanted { .. }), "{waits}");
    }
    let said = world.core.waits().unwrap();
    assert_eq!(
        said,
        "devices whose entries wait for members that are not here: 1; members: 1, named in the log"
    );
    assert_eq!(world.member(1), member);
    show(world, &car).unwrap();
    assert!(paid(&world.verdict(&mut car, &entry)) > 0);
    assert_eq!(world.core.waits(), None);
}

#[test]
fn what_this_cloud_did_not_sign_or_has_shut_out_proves_nothing() {
    let mut cloud = Backed::new();
    let member = cloud.world.member(1);
    cloud.back_up();
    let car = cloud.world.car(2, 3, member);
    let mut lent = cloud.world.car(4, 5, member);
    let world = cloud.restore();

    let forger = SigningKey::from_seed(&[0xf0; 32]);
    let certificate = car.proof.certificate.clone();
    let certificate = certificate.verify(&world.cloud_key, &car.device).unwrap();
    let mut forged = car.clone();
    forged.proof.certificate = Signed::sign(certificate.into_parts().1, &forger, &car.device)
        .unwrap()
        .to_raw();
    let refused = show(world, &forged).unwrap_err();
    assert!(matches!(refused, CloudError::NotProven { .. }), "{refused}");
    std::mem::swap(&mut lent.proof.bindings, &mut forged.proof.bindings);
    let refused = show(world, &lent).unwrap_err();
    assert!(matches!(refused, CloudError::NotProven { .. }), "{refused}");
    assert!(
        world.core.device_lines().unwrap().is_empty(),
        "nothing is written"
    );

    show(world, &car).unwrap();
    world.core.revoke_device(car.device, world.now).unwrap();
    let refused = show(world, &car).unwrap_err();
    assert!(matches!(refused, CloudError::NoDevice(_)), "{refused}");
}

/// An operator shuts a head unit out again before it has come back.
#[test]
fn a_head_unit_that_is_shut_out_while_it_is_unknown_does_not_come_back() {
    let mut cloud = Backed::new();
    let member = cloud.world.member(1);
    cloud.back_up();
    let [thief, lost] = [2, 4].map(|number| cloud.world.car(number, 3, member));
    let world = cloud.restore();
    let done = world
        .core
        .revoke_fraud(thief.device, "a copied unit", world.now)
        .unwrap();
    assert!(!done.was_known);
    assert!(
        !world
            .core
            .revoke_device(lost.device, world.now)
            .unwrap()
            .was_known
    );
    for car in [&thief, &lost] {
        let refused = show(world, car).unwrap_err();
        assert!(matches!(refused, CloudError::NoDevice(_)), "{refused}");
        assert!(matches!(
            world.core.revoke_device(car.device, world.now),
            Err(CloudError::AlreadyRevoked(_))
        ));
    }
    assert!(world.core.device_lines().unwrap().is_empty());
}
