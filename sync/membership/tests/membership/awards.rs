//! What the default rules pay, before and after remainders.

use dashpoint_membership::*;

use crate::support::*;

fn paid(subject: &Transaction) -> Vec<(String, i64, i64)> {
    appraise(&compiled(default_policy()), subject, 480)
        .into_iter()
        .filter(|appraisal| appraisal.held)
        .map(|held| (held.rule.to_string(), held.points.get(), held.growth.get()))
        .collect()
}

#[test]
fn clean_charging_pays_by_energy_share_and_grade() {
    for (energy_wh, permille, grade, expected) in [
        (18_000, 800, Grade::Metered, Some(21_600)),
        (18_000, 800, Grade::Declared, Some(16_200)),
        (18_000, 800, Grade::Estimated, Some(10_800)),
        (18_000, 300, Grade::Metered, Some(8_100)),
        (18_000, 299, Grade::Metered, None),
        (18_000, 299, Grade::Declared, None),
        // Ten hours of a night, six of them in the window of the wind; and a whole day of which nobody knows when.
        (18_000, 210, Grade::Estimated, Some(2_835)),
        (18_000, 162, Grade::Estimated, Some(2_187)),
        (18_000, 100, Grade::Estimated, Some(1_350)),
        (18_000, 99, Grade::Estimated, None),
        (500, 1_000, Grade::Metered, Some(750)),
        (499, 1_000, Grade::Metered, None),
    ] {
        let charge = earned(Evidence::Charge(charge(energy_wh, permille, grade)));
        let expected: Vec<_> = expected
            .map(|points| ("clean-charging".to_owned(), points, points))
            .into_iter()
            .collect();
        assert_eq!(
            paid(&charge),
            expected,
            "{energy_wh} Wh {permille} {grade:?}"
        );
    }
}

#[test]
fn trips_pay_for_carbon_and_for_care() {
    let mut us06 = trip(0, 12_888, 2_600);
    us06.score_x100 = 8_225;
    let carbon = |points| ("clean-driving".to_owned(), points, points);
    let safe = |points: i64| ("safe-trip".to_owned(), points, points * 2);
    let blind = Trip {
        factors: Vec::new(),
        ..trip(0, 12_000, 1_500)
    };
    let unmetered = Trip {
        used_wh: 0,
        regained_wh: 0,
        ..trip(0, 12_000, 0)
    };
    let patchy = Trip {
        missed_s: 181,
        ..trip(0, 12_000, 1_500)
    };
    for (trip, expected) in [
        (us06, vec![carbon(4_272)]),
        (trip(0, 12_000, 1_500), vec![carbon(5_932), safe(1_200)]),
        (trip(0, 1_999, 0), vec![carbon(1_516)]),
        (trip(0, 499, 0), vec![]),
        // More from the grid than a petrol car would have burnt.
        (trip(0, 2_000, 900), vec![safe(200)]),
        (blind, vec![carbon(5_932)]),
        (patchy, vec![carbon(5_932)]),
        (unmetered, vec![safe(1_200)]),
    ] {
        assert_eq!(
            paid(&earned(Evidence::Trip(trip.clone()))),
            expected,
            "{trip:?}"
        );
    }
}

#[test]
fn an_appraisal_shows_what_the_rule_looked_at() {
    let appraisals = appraise(
        &compiled(default_policy()),
        &earned(Evidence::Charge(charge(18_000, 800, Grade::Declared))),
        480,
    );
    assert_eq!(
        appraisals[0].fields,
        [
            ("energy_wh", 18_000),
            ("renewable_permille", 800),
            ("renewable_wh", 14_400),
            ("grade", 1),
            ("current", 0),
            ("reconstructed", 0),
            // 2026-11-22, a Sunday, at 08:00 in China.
            ("start_hour", 8),
            ("start_minute", 0),
            ("start_weekday", 7),
            ("start_month", 11),
        ]
    );
}

#[test]
fn a_rule_sees_the_local_start() {
    let mut policy = default_policy();
    policy.rules[0].when =
        "start_hour >= 0 && start_hour < 6 && start_weekday <= 5 && start_month == 11".to_owned();
    let policy = compiled(policy);
    let held = |started: Option<i64>, utc_offset_min: i16| {
        let started = started.map(CoarseTime::containing_unix_s);
        let charge = Charge {
            started,
            ..charge(18_000, 800, Grade::Metered)
        };
        let appraisals = appraise(&policy, &earned(Evidence::Charge(charge)), utc_offset_min);
        appraisals[0].held
    };
    // Sunday evening in UTC is Monday morning in China.
    let sunday_evening = MORNING + 17 * HOUR;
    assert!(held(Some(sunday_evening), 480));
    assert!(!held(Some(sunday_evening), 0), "17:00 on Sunday");
    assert!(!held(Some(sunday_evening + 5 * HOUR), 480), "06:00");
    assert!(!held(Some(sunday_evening + 9 * DAY), 480), "December");
    assert!(!held(None, 480), "nobody saw when it began");
}

#[test]
fn ten_short_commutes_earn_what_one_long_drive_earns() {
    let drive = |trips: u64, distance_m: u64, net_wh: u32| {
        let mut cloud = Cloud::new(default_policies(), at(MORNING));
        let mut car = Car::new(1, &cloud, at(MORNING));
        for number in 0..trips {
            let trip = trip(number * distance_m, distance_m, net_wh);
            let when = MORNING + i64::try_from(number).unwrap() * HOUR / 4;
            car.mint(&cloud.policies, earn(Evidence::Trip(trip)), when);
        }
        let rows = car.sync(&mut cloud, MORNING + 4 * HOUR);
        assert!(
            rows.iter()
                .all(|row| matches!(verdict(row), Verdict::Accepted { .. }))
        );
        cloud.account
    };
    // 9 km on 1,000 Wh: 1,710,000 mg - 531,000 mg, no fraction of a gram is lost.
    let (short, long) = (drive(10, 9_000, 1_000), drive(1, 90_000, 10_000));
    // 11,790 g at 4 points a kilogram, and 9 points for safety.
    assert_eq!(long.balance(), points(47 + 9));
    assert_eq!(short.balance(), long.balance());
    assert_eq!(short.remainders, long.remainders);
    assert_eq!(short.used, long.used);
    assert_eq!(short.growth, long.growth);
}

#[test]
fn a_remainder_belongs_to_one_rule() {
    let mut cloud = Cloud::new(default_policies(), at(MORNING));
    let mut car = Car::new(1, &cloud, at(MORNING));
    // 4.272 + 0 for carbon, then 0.75 for charging: neither tips the other.
    let mut us06 = trip(0, 12_888, 2_600);
    us06.score_x100 = 8_225;
    car.mint(&cloud.policies, earn(Evidence::Trip(us06)), MORNING);
    let small = charge(500, 1_000, Grade::Metered);
    car.mint(
        &cloud.policies,
        earn(Evidence::Charge(small)),
        MORNING + HOUR,
    );
    car.sync(&mut cloud, MORNING + HOUR);
    assert_eq!(cloud.account.balance(), points(4));
    let left = |id: &str| cloud.account.remainders[&rule(id)].points;
    assert_eq!(
        (left("clean-driving"), left("clean-charging")),
        (milli(272), milli(750))
    );
}
