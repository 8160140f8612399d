//! Bounds of what strangers and operators can leave in the database, and of the time that it stays.

use dashpoint_cloud::{AskIds, CloudError};
use dashpoint_membership::*;

use crate::enrolment::{ask, ids, request, state};
use crate::support::*;

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

/// The request of a person, and the answer, are forgotten a day after the code ended, though nobody asks again.
#[test]
fn requests_are_forgotten_by_time_alone() {
    let mut world = World::new();
    let member = world.member(1);
    for number in [2, 3, 4] {
        let code = ask(&mut world, number, number);
        match number {
            2 => drop(
                world
                    .core
                    .approve(&code, member, ids(2), world.now)
                    .unwrap(),
            ),
            3 => world.core.refuse(&code, world.now).unwrap(),
            _ => {}
        }
    }
    world.leap_to(world.now.plus_s(DAY + 300));
    world.core.maintain(world.now).unwrap();
    for number in [2, 3, 4] {
        assert!(state(&mut world, number).is_some(), "{number}");
    }
    world.pass(1);
    world.core.maintain(world.now).unwrap();
    for number in [2, 3, 4] {
        assert_eq!(state(&mut world, number), None);
    }
    assert_eq!(world.core.device_lines().unwrap().len(), 1);
}

/// A name that is too long for a statement never gets in.
#[test]
fn a_name_has_a_bound() {
    let mut world = World::new();
    let add = |world: &mut World, number: u8, name: &str| {
        let new = dashpoint_cloud::NewMember {
            id: MemberId::from_bytes([number; 16]),
            name: name.to_owned(),
            zone: "Asia/Shanghai".to_owned(),
        };
        world.core.add_member(&new, world.now)
    };
    for name in ["a".repeat(257), "会".repeat(86), "a".repeat(5_000)] {
        let refused = add(&mut world, 1, &name);
        assert!(
            matches!(refused, Err(CloudError::LongName { .. })),
            "{refused:?}"
        );
    }
    add(&mut world, 1, &"a".repeat(256)).unwrap();
    let statement = world.statement(MemberId::from_bytes([1; 16]));
    assert_eq!(statement.profile.name.len(), 256);
}
