//! Several devices: of one vehicle, of one member.

use dashpoint_cloud::PostOutcome;
use dashpoint_membership::*;
use dashpoint_wire::message::EntriesRequest;

use crate::support::*;

#[test]
fn two_head_units_of_one_vehicle_are_not_paid_for_the_same_metre() {
    let mut world = World::new();
    let (first, second) = (world.member(1), world.member(2));
    let mut old = world.car(3, 9, first);
    let mut new = world.car(4, 9, second);
    let mut other_vehicle = world.car(5, 8, second);
    let drive = old.mint(drove(trip(1_000, 14_000)), world.now);
    assert!(paid(&world.verdict(&mut old, &drive)) > 0);
    let again = new.mint(drove(trip(3_000, 14_000)), world.now);
    assert_eq!(
        world.verdict(&mut new, &again),
        rejected(Rejection::AlreadyPaid)
    );
    assert_eq!(world.balance(second), 0);
    let elsewhere = other_vehicle.mint(drove(trip(1_000, 14_000)), world.now);
    assert!(paid(&world.verdict(&mut other_vehicle, &elsewhere)) > 0);
}

#[test]
fn a_cap_is_shared_by_the_devices_of_a_member() {
    let mut world = World::new();
    let member = world.member(1);
    let mut first = world.car(3, 9, member);
    let mut second = world.car(4, 8, member);
    // Both check in on the same day with no network: each predicts the one point of the day.
    let one = first.mint(CHECK_IN, world.now);
    let two = second.mint(CHECK_IN, world.now);
    assert!(matches!(
        world.verdict(&mut first, &one),
        Verdict::Accepted { .. }
    ));
    let verdict = world.verdict(&mut second, &two);
    let Verdict::Adjusted { paid, reasons } = verdict else {
        panic!("{verdict:?}");
    };
    assert_eq!(paid.points, Points::ZERO);
    let cap = CapId::new("check-in-day").unwrap();
    assert_eq!(reasons, [Adjustment::Cap { cap }]);
    assert_eq!(world.balance(member), 1);
    let covers = world.statement(member).covers;
    assert_eq!(covers.len(), 2);
    assert!(covers.values().all(|cover| cover.through == Seq::new(1)));
}

#[test]
fn a_device_reads_the_statements_of_its_own_members_only() {
    let mut world = World::new();
    let (mine, other) = (world.member(1), world.member(2));
    let mut car = world.car(3, 9, mine);
    let device = car.device;
    let ask = |world: &mut World, member, since| {
        let since = LedgerVersion::new(since);
        world.core.statement_for(device, member, since, world.now)
    };
    assert!(ask(&mut world, other, 0).is_err());
    assert!(ask(&mut world, mine, 0).unwrap().is_some());
    let entry = car.mint(CHECK_IN, world.now);
    world.settled(&mut car, &[entry]);
    assert!(ask(&mut world, mine, 1).unwrap().is_none(), "unchanged");
    let entry = car.mint(CHECK_IN, world.now);
    world.settled(&mut car, &[entry]);
    let newer = ask(&mut world, mine, 1).unwrap().unwrap();
    assert_eq!(newer.body().settlements.len(), 1);
}

#[test]
fn an_answer_tells_what_was_settled_since_the_last_receipt() {
    let mut world = World::new();
    let member = world.member(1);
    let mut car = world.car(3, 9, member);
    let mut last_receipt = None;
    for round in 0..3 {
        world.now = at(NOON + round * HOUR);
        let entry = car.mint(CHECK_IN, world.now);
        let request = EntriesRequest {
            last_receipt,
            ..car.request(&[entry])
        };
        let posted = world.core.post_entries(car.device, &request, world.now);
        let Ok(PostOutcome::Settled(answer)) = posted else {
            panic!("{posted:?}");
        };
        let statement = answer.statements[0].clone();
        let statement = statement.verify(&world.cloud_key, &member).unwrap();
        let told = statement.body();
        let versions: Vec<_> = told.settlements.iter().map(|row| row.version).collect();
        assert_eq!(versions, [told.account.version], "only what is new");
        assert_eq!(told.since.next(), told.account.version);
        last_receipt = Some(answer.receipt);
    }
}
