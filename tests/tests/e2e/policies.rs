//! Policies that have run out, that this program cannot run, and that nobody signed.

use dashpoint_membership::{Policy, PolicyVersion, ServerTime};
use dashpoint_wire::{Signed, SigningKey};
use vehicle_sim::{Command, Cycle};

use crate::support::{Gate, Kind, Manner, PATIENCE, World, free_port, stderr, until, wall};

const DAY_S: i64 = 86_400;
/// No language of rules has it.
const BEYOND: &str = "distance_m.squared() > 0";

/// The policy in force under the next version, in force for some days around a day that may be past; no grace after it.
fn next(world: &World, from_days: i64, until_days: i64) -> Policy {
    let in_days = |days: i64| ServerTime::from_unix_s(wall().as_second() + days * DAY_S);
    let policy = world.cloud.policy();
    Policy {
        version: PolicyVersion::new(policy.version.get() + 1),
        valid_from: in_days(from_days),
        valid_until: in_days(until_days),
        grace_s: 0,
        ..policy
    }
}

/// Points that are shown as pending once there are so many entries.
fn drives_offline(world: &mut World, cycle: Cycle, entries: u64) -> i64 {
    world.cloud.stop();
    world.vehicle.run(&Command::Drive(cycle));
    world.car.wait_for_entries(entries);
    let pending = world.car.status()["members"][0]["pending"].as_i64();
    pending.filter(|pending| *pending > 0).unwrap()
}

/// What the screen shows of the newest entry is what the cloud has paid for it.
fn newest_verdict(world: &World) -> serde_json::Value {
    world.car.verified_ledger()[0]["verdict"].clone()
}

/// The drives are yesterday's.
#[test]
fn a_policy_that_has_run_out_pays_until_there_is_another() {
    let mut world = World::new(Kind::Rumqttd).unwrap();
    world.cloud.sign_policy(&next(&world, -10, -5));
    world.car.start();
    world.car.wait_for_policy(2);
    let pending = drives_offline(&mut world, Cycle::Us06, 1);
    world.cloud.serve();
    let status = world.car.reconcile();
    assert_eq!(status["members"][0]["confirmed"], pending, "{status:#}");
    assert!(newest_verdict(&world)["accepted"].is_object());

    // While the car is away the operator signs what is in force since: that counts, and the member is told.
    let expected = drives_offline(&mut world, Cycle::Hwfet, 2);
    let mut newer = next(&world, -4, 30);
    for rule in &mut newer.rules {
        rule.points = format!("({}) / 2", rule.points);
    }
    world.cloud.sign_policy(&newer);
    world.cloud.serve();
    let status = world.car.reconcile();
    world.assert_agreed();
    let paid = status["members"][0]["confirmed"].as_i64().unwrap() - pending;
    assert!(0 < paid && paid < expected, "{paid} of {expected}");
    let adjusted = &newest_verdict(&world)["adjusted"];
    assert_eq!(adjusted["paid"]["points"], paid, "{adjusted:#}");
    assert_eq!(
        adjusted["reasons"][0]["policy"]["version"], 3,
        "{adjusted:#}"
    );

    world.car.wait_for_policy(3);
    let expected = drives_offline(&mut world, Cycle::Us06, 3);
    world.cloud.serve();
    let status = world.car.reconcile();
    assert_eq!(status["members"][0]["confirmed"], pending + paid + expected);
    assert!(newest_verdict(&world)["accepted"].is_object());
    let versions: Vec<_> = world
        .car
        .entries()
        .iter()
        .map(|entry| entry.policy.get())
        .collect();
    assert_eq!(versions, [2, 2, 3]);
    world.assert_agreed();
    assert!(world.car.stop().success());
}

#[test]
fn a_policy_that_cannot_be_run_is_not_signed() {
    let world = World::after_a_day_offline();
    let mut beyond = next(&world, -1, 30);
    beyond.rules[0].when = BEYOND.to_owned();
    let file = world.cloud.policy_file(&beyond);
    for command in ["check", "sign"] {
        let refused = world.cloud.try_ask(&["policy", command, &file]);
        let said = stderr(&refused);
        assert_eq!(refused.status.code(), Some(2), "{said}");
        assert_eq!(said.lines().count(), 1, "{said}");
        assert!(said.contains("the policy cannot be used: "), "{said}");
    }
    assert_eq!(world.cloud.policy().version.get(), 1);
}

/// A newer cloud may sign what only newer programs can run.
#[test]
fn a_policy_beyond_this_program_is_refused_and_said_and_the_last_one_stays() {
    let world = World::new(Kind::Rumqttd).unwrap();
    let mut beyond = next(&world, -1, 30);
    beyond.rules[0].when = BEYOND.to_owned();
    let key = world.cloud.signing_key();
    stays_with_the_last(world, &beyond, &key, |world, _| {
        until("the policy is refused", PATIENCE, || {
            (world.car.status()["live"]["policy_refused"] == true).then_some(())
        });
    });
}

#[test]
fn a_policy_that_nobody_signed_is_refused_and_the_last_one_stays() {
    let world = World::new(Kind::Rumqttd).unwrap();
    let mut generous = next(&world, -1, 30);
    for rule in &mut generous.rules {
        rule.points = format!("({}) * 9", rule.points);
    }
    let key = SigningKey::from_seed(&[0xf0; 32]);
    stays_with_the_last(world, &generous, &key, |world, said_before| {
        until("the policy is refused", PATIENCE, || {
            let said = world.car.said().split_off(said_before);
            let mut refused = said.lines().filter(|line| line.contains("refused"));
            refused.find(|line| line.contains("Policy")).map(drop)
        });
    });
}

/// The network brings it; the car goes on under the first one, until the cloud signs one that it can take. `wait` waits
/// until this start of the head unit has refused it, and is told how long its log was before.
fn stays_with_the_last(
    mut world: World,
    policy: &Policy,
    key: &SigningKey,
    wait: impl Fn(&World, usize),
) {
    let raw = Signed::sign(policy.clone(), key, &())
        .unwrap()
        .raw()
        .to_vec();
    world.cloud.stop();
    let cloud = free_port();
    world.cloud.serve_on(cloud);
    let gate = Gate::open(world.port, Manner::BringPolicy { cloud, policy: raw });
    let said_before = world.car.said().len();
    world.car.start();
    wait(&world, said_before);
    assert_eq!(world.car.policies(), [1]);
    let pending = drives_offline(&mut world, Cycle::Us06, 1);
    assert_eq!(world.car.entries()[0].policy.get(), 1);
    assert!(world.car.stop().success());

    // And at the next start, which asks for it again.
    world.cloud.serve_on(cloud);
    let said_before = world.car.said().len();
    world.car.start();
    wait(&world, said_before);
    let status = world.car.reconcile();
    assert_eq!(status["members"][0]["confirmed"], pending, "{status:#}");
    world.assert_agreed();

    gate.set(Manner::carry(cloud));
    world.cloud.sign_policy(&next(&world, -1, 30));
    assert!(world.car.stop().success());
    world.car.start();
    world.car.wait_for_policy(2);
    until("nothing is refused any more", PATIENCE, || {
        (world.car.status()["live"]["policy_refused"] == false).then_some(())
    });
    assert!(world.car.stop().success());
}
