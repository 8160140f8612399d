//! Caps: how much, of what, over which stretch of the member's calendar.

use dashpoint_membership::policy::{Cap, CapOver, Period, Trigger};
use dashpoint_membership::*;

use crate::support::*;

/// A policy where a trip pays 10 points by `clean-driving` and 5 by `safe-trip`, a check-in 1, under the given caps.
fn policies(caps: Vec<Cap>) -> Policies {
    let mut policy = default_policy();
    for earning in &mut policy.rules {
        let (amount, growth) = match earning.id.as_str() {
            "clean-driving" => ("10000", "20000"),
            "safe-trip" => ("5000", "0"),
            _ => continue,
        };
        earning.when = "true".to_owned();
        earning.points = amount.to_owned();
        earning.growth = growth.to_owned();
    }
    policy.caps = caps;
    Policies::new(compiled(policy))
}

fn limit(id: &str, over: CapOver, per: Period, most: i64) -> Cap {
    Cap {
        id: cap(id),
        over,
        per,
        points: points(most),
    }
}

fn drive(number: u64) -> Subject {
    earn(Evidence::Trip(trip(number * 1_000, 1_000, 0)))
}

/// Drives at the given seconds after the morning, and gives what each drive paid.
fn paid(caps: Vec<Cap>, times: &[i64]) -> Vec<i64> {
    let mut cloud = Cloud::new(policies(caps), at(MORNING - DAY));
    let mut car = Car::new(1, &cloud, at(MORNING - DAY));
    for (number, time) in (0..).zip(times) {
        car.mint(&cloud.policies, drive(number), MORNING + time);
    }
    let rows = car.sync(&mut cloud, MORNING + times.last().unwrap() + HOUR);
    rows.iter()
        .map(|row| verdict(row).paid().points.get())
        .collect()
}

#[test]
fn a_cap_counts_what_it_is_over() {
    let kind = CapOver::Kind(Trigger::Trip.into());
    for (over, most, expected) in [
        (CapOver::Rule(rule("clean-driving")), 25, [15, 15, 10]),
        (CapOver::Rule(rule("safe-trip")), 7, [15, 12, 10]),
        (kind, 33, [15, 15, 3]),
        (CapOver::Kind(Trigger::Charge.into()), 0, [15, 15, 15]),
        (CapOver::All, 20, [15, 5, 0]),
        (CapOver::All, 0, [0, 0, 0]),
    ] {
        let caps = vec![limit("cap", over.clone(), Period::Day, most)];
        assert_eq!(
            paid(caps, &[0, HOUR, 2 * HOUR]),
            expected,
            "{over:?} {most}"
        );
    }
}

#[test]
fn a_cap_begins_again_with_its_stretch() {
    // The morning is Sunday, 22 November 2026, 8:00 in China.
    for (per, inside, after) in [
        (Period::Day, 16 * HOUR - 300, 16 * HOUR),
        (Period::Week, 16 * HOUR - 300, 16 * HOUR),
        (
            Period::Month,
            8 * DAY + 16 * HOUR - 300,
            8 * DAY + 16 * HOUR,
        ),
        (
            Period::Year,
            39 * DAY + 16 * HOUR - 300,
            39 * DAY + 16 * HOUR,
        ),
    ] {
        let caps = vec![limit("cap", CapOver::All, per, 20)];
        assert_eq!(paid(caps, &[0, inside, after]), [15, 5, 15], "{per:?}");
    }
}

#[test]
fn the_tightest_of_several_caps_counts_and_is_named() {
    let caps = vec![
        limit("all-day", CapOver::All, Period::Day, 40),
        limit(
            "trip-day",
            CapOver::Kind(Trigger::Trip.into()),
            Period::Day,
            20,
        ),
        limit(
            "clean-week",
            CapOver::Rule(rule("clean-driving")),
            Period::Week,
            12,
        ),
    ];
    let mut cloud = Cloud::new(policies(caps), at(MORNING));
    let (mut one, mut other) = (
        Car::new(1, &cloud, at(MORNING)),
        Car::new(2, &cloud, at(MORNING)),
    );
    one.mint(&cloud.policies, drive(0), MORNING);
    one.sync(&mut cloud, MORNING);
    // Knows nothing of the first car's drive.
    other.mint(&cloud.policies, drive(1), MORNING + HOUR);
    let rows = other.sync(&mut cloud, MORNING + HOUR);
    assert_eq!(
        verdict(&rows[0]),
        &Verdict::Adjusted {
            paid: Paid {
                points: points(5),
                growth: Growth::new(4),
            },
            reasons: vec![
                Adjustment::Cap {
                    cap: cap("clean-week")
                },
                Adjustment::Cap {
                    cap: cap("trip-day")
                },
            ],
        }
    );
}

#[test]
fn a_prediction_cut_in_the_car_is_paid_in_full_where_the_cloud_has_room() {
    let caps = vec![limit("all-day", CapOver::All, Period::Day, 20)];
    let mut cloud = Cloud::new(policies(caps), at(MORNING));
    let mut car = Car::new(1, &cloud, at(MORNING));
    car.mint(&cloud.policies, drive(0), MORNING);
    car.mint(&cloud.policies, drive(1), MORNING + HOUR);
    assert_eq!(car.unsent[1].predicted(), points(5));
    // The first drive turns out not to be admissible, so the second has the room.
    let first = car.unsent.remove(0);
    let mut chain = cloud.start().chain;
    let reference = EntryRef {
        device: car.device,
        epoch: first.epoch,
        seq: first.seq,
    };
    reject(
        &mut cloud.account,
        &mut chain,
        reference,
        &first,
        Rejection::AlreadyPaid,
        Arrival::of(&first, at(MORNING + DAY)),
    );
    let rows = car.sync(&mut cloud, MORNING + DAY);
    let Verdict::Adjusted { paid, reasons } = verdict(&rows[0]) else {
        panic!("{rows:?}");
    };
    assert_eq!(paid.points, points(15));
    assert_eq!(
        reasons,
        &[Adjustment::Cap {
            cap: cap("all-day")
        }]
    );
}

#[test]
fn growth_is_cut_with_its_points() {
    let caps = vec![limit("cap", CapOver::All, Period::Day, 4)];
    let mut cloud = Cloud::new(policies(caps), at(MORNING));
    let mut car = Car::new(1, &cloud, at(MORNING));
    car.mint(&cloud.policies, drive(0), MORNING);
    car.sync(&mut cloud, MORNING);
    // 20 for 10 points: 4 paid points carry 8; the other rule's part is cut to nothing.
    assert_eq!(
        (cloud.account.balance(), cloud.account.growth),
        (points(4), Growth::new(8))
    );
}

#[test]
fn a_cap_in_thousandths_is_filled_to_the_last_one() {
    let mut policy = default_policy();
    policy
        .rules
        .retain(|earning| earning.id.as_str() == "check-in");
    policy.rules[0].points = "700".to_owned();
    policy.rules[0].growth = "0".to_owned();
    policy.caps = vec![limit("day", CapOver::All, Period::Day, 1)];
    let mut cloud = Cloud::new(Policies::new(compiled(policy)), at(MORNING));
    let mut car = Car::new(1, &cloud, at(MORNING));
    for hour in 0..3 {
        car.mint(&cloud.policies, CHECK_IN, MORNING + hour * HOUR);
    }
    let paid: Vec<i64> = car
        .sync(&mut cloud, MORNING + DAY)
        .iter()
        .map(|row| verdict(row).paid().points.get())
        .collect();
    assert_eq!(paid, [0, 1, 0]);
    assert!(cloud.account.remainders.is_empty());
}

#[test]
fn a_late_entry_counts_for_its_own_day_and_never_for_an_earlier_one() {
    let caps = vec![limit("day", CapOver::All, Period::Day, 20)];
    let mut cloud = Cloud::new(policies(caps), at(MORNING));
    let mut car = Car::new(1, &cloud, at(MORNING));
    let used = |cloud: &Cloud| -> Vec<(i32, i64)> {
        let today = cloud.zone.local_day(at(MORNING)).get();
        let days = cloud.account.used[&cap("day")].iter();
        days.map(|(day, used)| (day.get() - today, used.get()))
            .collect()
    };
    // Driven today, on the next day, and again with a clock that went back to 1970; sent ten days later.
    car.mint(&cloud.policies, drive(0), MORNING);
    car.mint(&cloud.policies, drive(1), MORNING + DAY);
    let mut header = header(3, 0, car.receipt_at);
    header.time.quality = ClockQuality::Doubtful;
    let (entry, _) = car
        .fold
        .mint(&cloud.policies, header, drive(2), at(MORNING + DAY));
    car.unsent.push(entry);
    let rows = car.sync(&mut cloud, MORNING + 10 * DAY);
    assert_eq!(used(&cloud), [(0, 15_000), (1, 20_000)]);
    let paid: Vec<i64> = rows
        .iter()
        .map(|row| verdict(row).paid().points.get())
        .collect();
    assert_eq!(paid, [15, 15, 5]);
}

#[test]
fn what_was_paid_long_ago_is_forgotten_and_an_older_entry_counts_for_the_earliest_day_kept() {
    let caps = vec![
        limit("day", CapOver::All, Period::Day, 15),
        limit("year", CapOver::All, Period::Year, 1_000),
    ];
    let mut cloud = Cloud::new(policies(caps), at(MORNING));
    let (mut one, mut late) = (
        Car::new(1, &cloud, at(MORNING)),
        Car::new(2, &cloud, at(MORNING)),
    );
    late.mint(&cloud.policies, drive(100), MORNING + HOUR);
    for day in [0, 100, 200] {
        one.mint(&cloud.policies, drive(1), MORNING + day * DAY);
        one.sync(&mut cloud, MORNING + day * DAY + HOUR);
    }
    let kept = |cloud: &Cloud, id: &str| cloud.account.used[&cap(id)].len();
    assert_eq!((kept(&cloud, "day"), kept(&cloud, "year")), (1, 1));
    late.sync(&mut cloud, MORNING + 200 * DAY + HOUR);
    let first = cloud.zone.local_day(at(MORNING + 108 * DAY + HOUR));
    assert_eq!(
        *cloud.account.used[&cap("day")].keys().next().unwrap(),
        first
    );
}

/// An entry that came second and is paid once its units are free: after a trip of 15 points on the same day.
fn freed(most: i64, cap_time: i64, now: i64) -> (Settlement, Account, Account) {
    let cap = limit("day", CapOver::All, Period::Day, most);
    let mut cloud = Cloud::new(policies(vec![cap]), at(MORNING - DAY));
    let mut car = Car::new(1, &cloud, at(MORNING - DAY));
    car.mint(&cloud.policies, drive(0), MORNING);
    car.mint(&cloud.policies, drive(1), MORNING + HOUR);
    let second = car.unsent.pop().unwrap();
    car.sync(&mut cloud, MORNING + 2 * HOUR);
    let before = cloud.account.clone();
    let place = EntryRef {
        device: car.device,
        epoch: second.epoch,
        seq: second.seq,
    };
    let row = settle_late(
        &mut cloud.account,
        &cloud.zone,
        &cloud.policies,
        place,
        &second,
        at(cap_time),
        at(now),
    );
    cloud.account.check().unwrap();
    (row.row, before, cloud.account)
}

#[test]
fn an_entry_whose_units_are_free_at_last_is_paid_as_far_as_its_own_day_has_room() {
    let evening = MORNING + 10 * HOUR;
    let (row, ..) = freed(100, evening, evening);
    assert_eq!(row.points, points(15));
    assert_eq!(row.growth, Growth::new(20));
    assert!(matches!(row.cause, Cause::Released { .. }));
    // Its own day counts, whenever the units became free.
    let (row, ..) = freed(20, evening, evening + 30 * DAY);
    assert_eq!(row.points, points(5));
    let (row, ..) = freed(20, evening + DAY, evening + 30 * DAY);
    assert_eq!(row.points, points(15));
    let (row, before, after) = freed(15, evening, evening);
    assert_eq!(row.points, points(0));
    assert_eq!((before.used, before.lots), (after.used, after.lots));
    // A day that is forgotten is that of the payment.
    let (row, ..) = freed(15, MORNING, MORNING + 94 * DAY);
    assert_eq!(row.points, points(15));
}

#[test]
fn points_of_an_entry_that_is_paid_too_late_live_on_like_new_ones() {
    let now = MORNING + 3 * 366 * DAY;
    let (row, before, after) = freed(100, MORNING, now);
    assert_eq!(row.points, points(15));
    let of_now = |account: &Account| {
        let lots = account.expiring().split_off(&at(now));
        lots.into_values().sum::<Points>()
    };
    assert_eq!((of_now(&before), of_now(&after)), (points(0), points(15)));
}
