//! A cloud whose clock is wrong for a while, as the car sees it.

use super::car::Car;
use crate::cloud_clock::CloudClock;

const HOUR_MS: u64 = 3_600_000;
const DAY_S: i64 = 86_400;

#[test]
fn a_cloud_that_is_ahead_is_told_until_a_receipt_agrees_again() {
    let mut car = Car::enrolled(1);
    let mut running = car.start();
    for (ahead_s, told) in [
        (0, None),
        (20 * DAY_S, Some(CloudClock::Ahead { by_s: 20 * DAY_S })),
        (20 * DAY_S, Some(CloudClock::Ahead { by_s: 20 * DAY_S })),
        (0, None),
        (-3_600, Some(CloudClock::Behind { by_s: 3_600 })),
        (0, None),
    ] {
        car.pass(HOUR_MS);
        car.cloud_ahead_s = ahead_s;
        car.meets_the_cloud(&mut running);
        assert_eq!(running.engine.live().cloud_clock, told, "{ahead_s}");
    }
}

#[test]
fn a_receipt_that_is_older_than_the_one_on_the_disk_is_told() {
    let mut car = Car::enrolled(1);
    let mut running = car.start();
    car.pass(HOUR_MS);
    car.cloud_ahead_s = 20 * DAY_S;
    car.meets_the_cloud(&mut running);
    assert_eq!(running.engine.live().cloud_clock, None, "nobody knows yet");
    running.engine.end().unwrap();
    let mut running = car.start();
    car.pass(HOUR_MS);
    car.cloud_ahead_s = 0;
    car.meets_the_cloud(&mut running);
    let by_s = 20 * DAY_S - 3_600;
    let told = Some(CloudClock::Behind { by_s });
    assert_eq!(running.engine.live().cloud_clock, told);
    car.pass(HOUR_MS);
    car.meets_the_cloud(&mut running);
    assert_eq!(running.engine.live().cloud_clock, None);
}
