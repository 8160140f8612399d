//! The opening of a meter: a row without points, which an operator may have to decide.

use dashpoint_membership::*;

use crate::support::*;

fn opening() -> Subject {
    Subject::OpenMeter(MeterOpening {
        meter: Meter::Charged,
        number: MeterNumber::FIRST.next(),
        last: 9_010_000,
        first: 50_000,
        since: CoarseTime::containing_unix_s(MORNING - 90_000),
    })
}

fn world() -> (Cloud, Car) {
    let cloud = Cloud::new(default_policies(), at(MORNING));
    let car = Car::new(1, &cloud, at(MORNING));
    (cloud, car)
}

#[test]
fn openings_are_rows_without_points() {
    let (mut cloud, mut car) = world();
    let shown = car.mint(&cloud.policies, opening(), MORNING);
    assert_eq!((shown.points, shown.growth), (points(0), Growth::new(0)));
    let accepted = Verdict::Accepted {
        paid: Paid::NOTHING,
    };
    assert_eq!(verdict(&shown), &accepted);
    let entry = car.unsent[0].clone();
    assert_eq!(entry.transaction().kind(), EntryKind::OpenMeter);
    assert_eq!(entry.transaction().interval(), None);
    let rows = car.sync(&mut cloud, MORNING + HOUR);
    assert_eq!(verdict(&rows[0]), &accepted);
    assert_eq!(cloud.account.version, LedgerVersion::new(1));
    assert!(cloud.account.lots.is_empty());
}

#[test]
fn openings_in_doubt_wait_for_operators() {
    let (mut cloud, mut car) = world();
    car.mint(&cloud.policies, opening(), MORNING);
    let entry = car.unsent.remove(0);
    let place = entry.reference(car.device);
    let mut chain = cloud.start().chain;
    let arrival = Arrival::of(&entry, at(MORNING + HOUR));
    let settled = settle_weighed(
        &mut cloud.account,
        &mut chain,
        &cloud.zone,
        &cloud.policies,
        place,
        &entry,
        true,
        arrival,
    );
    assert!(matches!(
        verdict(&settled.row),
        Verdict::Review {
            paid: Paid::NOTHING,
            reason: ReviewReason::Evidence,
            ..
        }
    ));
    let later = at(MORNING + 400 * DAY);
    let policies = cloud.policies.clone();
    let released = cloud.account.release(later, &cloud.zone, policies.newest());
    assert!(released.is_empty());
    let row = cloud
        .account
        .accept(place, later, &cloud.zone, policies.newest());
    assert_eq!(row.unwrap().points, points(0));
    assert!(cloud.account.pending.is_empty());
}
