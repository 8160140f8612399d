//! Versions of the policy and the catalogue.

use dashpoint_cloud::{ClockKind, CloudCore, CloudError, open_file};
use dashpoint_membership::*;
use dashpoint_wire::SigningKey;

use crate::support::*;

fn next(world: &mut World, version: u32) -> Policy {
    let mut policy = world.core.policy(None, world.now).unwrap();
    policy.version = PolicyVersion::new(version);
    policy
}

#[test]
fn a_version_is_never_lowered_or_replaced() {
    let mut world = World::new();
    let same = next(&mut world, 1);
    assert!(matches!(
        world.core.sign_policy(same, world.now),
        Err(CloudError::VersionNotHigher {
            found: 1,
            newest: 1
        })
    ));
    let third = next(&mut world, 3);
    world.core.sign_policy(third, world.now).unwrap();
    let second = next(&mut world, 2);
    assert!(world.core.sign_policy(second, world.now).is_err());
    let mut catalogue = world.core.catalogue(world.now).unwrap();
    assert!(
        world
            .core
            .sign_catalogue(catalogue.clone(), world.now)
            .is_err()
    );
    catalogue.version = catalogue.version.next();
    let twice = catalogue.benefits[0].clone();
    let mut broken = catalogue.clone();
    broken.benefits.push(twice);
    assert!(matches!(
        world.core.sign_catalogue(broken, world.now),
        Err(CloudError::Catalogue(_))
    ));
    world.core.sign_catalogue(catalogue, world.now).unwrap();
}

#[test]
fn a_policy_that_does_not_compile_is_not_signed() {
    let mut world = World::new();
    let mut broken = next(&mut world, 2);
    broken.rules[0].points = "renewable_wh * 1.5".to_owned();
    assert!(matches!(
        world.core.sign_policy(broken, world.now),
        Err(CloudError::Policy(_))
    ));
    assert_eq!(world.core.policy_list(world.now).unwrap().len(), 1);
}

#[test]
fn a_car_walks_through_the_versions_that_concern_it() {
    let mut world = World::new();
    for (version, in_days) in [(2, 0), (3, 10), (4, 20)] {
        let mut policy = next(&mut world, version);
        policy.valid_from = world.now.plus_s(in_days * DAY);
        world.core.sign_policy(policy, world.now).unwrap();
    }
    let mut walk = |since: u32, now: ServerTime| {
        let mut seen = Vec::new();
        let mut since = PolicyVersion::new(since);
        while let Some(raw) = world.core.policy_since(since, now).unwrap() {
            let policy = raw.verify(&world.cloud_key, &()).unwrap().into_parts().1;
            since = policy.version;
            seen.push(since.get());
        }
        seen
    };
    assert_eq!(walk(0, at(NOON)), [2, 3, 4]);
    assert_eq!(walk(3, at(NOON)), [4]);
    assert_eq!(walk(4, at(NOON)), [0; 0]);
    assert_eq!(walk(0, at(NOON + 15 * DAY)), [3, 4]);
}

#[test]
fn an_entry_is_valued_by_the_policy_it_was_signed_under() {
    let mut world = World::new();
    let member = world.member(1);
    let mut car = world.car(2, 3, member);
    let old = car.mint(CHECK_IN, world.now);
    let mut generous = next(&mut world, 2);
    generous.valid_from = world.now;
    for rule in &mut generous.rules {
        rule.points = "50000".to_owned();
    }
    world.core.sign_policy(generous, world.now).unwrap();
    let verdict = world.verdict(&mut car, &old);
    assert!(matches!(verdict, Verdict::Accepted { .. }));
    assert_eq!(paid(&verdict), 1);
}

#[test]
fn another_program_beside_it_sees_what_was_signed_and_settled() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cloud.db");
    let key = SigningKey::from_seed(&[7; 32]);
    let open = || {
        let db = open_file(&path).unwrap();
        CloudCore::start(db, key.clone(), ClockKind::System, at(NOON))
    };
    let mut serving = open().unwrap();
    let mut beside = open().unwrap();
    let mut policy = beside.policy(None, at(NOON)).unwrap();
    policy.version = PolicyVersion::new(2);
    policy.valid_from = at(NOON);
    beside.sign_policy(policy, at(NOON)).unwrap();
    assert_eq!(
        serving.policy(None, at(NOON)).unwrap().version,
        PolicyVersion::new(2)
    );
    let db = open_file(&path).unwrap();
    assert!(matches!(
        CloudCore::start(db, key.clone(), ClockKind::Posted, at(NOON)),
        Err(CloudError::ClockKept { made: "system" })
    ));
}
