//! A cloud whose clock is wrong for a while, as the car sees it.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use dashpoint_membership::{Epoch, Seq};
use dashpoint_sync::Event;

use super::car::{Car, time};
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
    let told = running.engine.live().cloud_clock;
    assert_eq!(told, None, "its own clock was never right");
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

/// A car whose own clock has been right says so from the first receipt on, and after each start, until one agrees again.
#[test]
fn a_car_that_starts_says_that_the_cloud_is_ahead() {
    let mut car = Car::enrolled(1);
    let mut running = car.start();
    car.meets_the_cloud(&mut running);
    running.engine.end().unwrap();
    car.cloud_ahead_s = 20 * DAY_S;
    let ahead = Some(CloudClock::Ahead { by_s: 20 * DAY_S });
    for start in 0..3 {
        let (said, running) = warnings(|| {
            let mut running = car.start();
            let told = running.engine.live().cloud_clock;
            assert_eq!(
                told,
                ahead.filter(|_| start > 0),
                "before it meets the cloud"
            );
            car.pass(HOUR_MS);
            car.meets_the_cloud(&mut running);
            car.meets_the_cloud(&mut running);
            running
        });
        assert_eq!(running.engine.live().cloud_clock, ahead);
        assert_eq!(said.len(), 1, "{said:?}");
        assert!(said[0].contains("contradicts the car's clocks"), "{said:?}");
        running.engine.end().unwrap();
    }
    car.cloud_ahead_s = 0;
    let mut running = car.start();
    car.pass(HOUR_MS);
    let (said, ()) = warnings(|| drop(car.meets_the_cloud(&mut running)));
    assert_eq!(running.engine.live().cloud_clock, None);
    assert!(said.is_empty(), "{said:?}");
    running.engine.end().unwrap();
    let running = car.start();
    assert_eq!(running.engine.live().cloud_clock, None);
}

/// Does something and gives the lines that it logged of the cloud's clock at WARN or above.
fn warnings<T>(work: impl FnOnce() -> T) -> (Vec<String>, T) {
    let logged = Logged::default();
    let writer = logged.clone();
    let to_memory = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::WARN)
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    let done = tracing::subscriber::with_default(to_memory, work);
    let bytes = logged.0.lock().unwrap().clone();
    let text = String::from_utf8(bytes).unwrap();
    let of_clock = text.lines().filter(|line| line.contains("signed time"));
    (of_clock.map(str::to_owned).collect(), done)
}

/// Log lines, kept.
#[derive(Clone, Default)]
struct Logged(Arc<Mutex<Vec<u8>>>);

impl Write for Logged {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let kept = self.0.lock();
        kept.map_err(|_| io::ErrorKind::Other)?
            .extend_from_slice(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn an_entry_names_the_newest_signed_time_in_the_order_of_the_chain() {
    let mut car = Car::enrolled(1);
    let mut running = car.start();
    car.pass(HOUR_MS);
    car.cloud_ahead_s = 9 * DAY_S;
    car.meets_the_cloud(&mut running);
    running.engine.end().unwrap();
    // The receipt of epoch 1 is nine days ahead and the grant of epoch 2 is twenty.
    let mut store = car.store();
    store.begin_epoch(&car.grant(2, 20 * DAY_S), &[]).unwrap();
    store.close().unwrap();
    let mut running = car.start();
    assert_eq!(running.engine.books().receipt_at, time(20 * DAY_S));
    car.cloud_ahead_s = 0;
    car.meets_the_cloud(&mut running);
    let right = time(car.passed_s());
    assert_eq!(
        running.engine.books().receipt_at,
        right,
        "a receipt of epoch 2"
    );
    car.drives(&mut running);
    running.engine.end().unwrap();
    let own = car.key.public();
    let store = car.store();
    let entry = store
        .read()
        .entry(Epoch::new(2), Seq::new(1))
        .unwrap()
        .unwrap();
    let entry = entry.raw.verify(&own, &car.device()).unwrap();
    assert_eq!(entry.body().receipt_at, right);
    drop(store);
    // A right grant that follows a receipt of the future.
    let mut running = car.start();
    car.cloud_ahead_s = 9 * DAY_S;
    car.meets_the_cloud(&mut running);
    running.engine.end().unwrap();
    let mut store = car.store();
    store
        .begin_epoch(&car.grant(3, car.passed_s()), &[])
        .unwrap();
    store.close().unwrap();
    let running = car.start();
    assert_eq!(running.engine.books().receipt_at, time(car.passed_s()));
}

#[test]
fn a_receipt_of_the_future_rules_no_longer_than_to_the_next_one() {
    let mut car = Car::enrolled(1);
    let mut running = car.start();
    car.cloud_ahead_s = 20 * DAY_S;
    car.pass(HOUR_MS);
    car.meets_the_cloud(&mut running);
    car.cloud_ahead_s = 0;
    car.pass(HOUR_MS);
    car.meets_the_cloud(&mut running);
    assert_eq!(running.engine.now(), time(car.passed_s()));
    // Of the two receipts for one place the disk gives the last, too.
    running.engine.end().unwrap();
    let running = car.start();
    assert_eq!(running.engine.books().receipt_at, time(car.passed_s()));
    assert_eq!(running.engine.now(), time(car.passed_s()));
}

#[test]
fn certificates_are_not_judged_by_a_time_that_is_ahead_of_the_cars_clocks() {
    let mut car = Car::enrolled(1);
    let mut running = car.start();
    car.pass(HOUR_MS);
    car.meets_the_cloud(&mut running);
    let right = time(car.passed_s());
    for ahead_s in [20 * DAY_S, 0, 0] {
        car.pass(HOUR_MS);
        car.cloud_ahead_s = ahead_s;
        running.engine.tell(Event::SyncRequested);
        let outgoing = running.requests.try_recv().unwrap();
        let asked_at = outgoing.signed_at;
        assert!(
            asked_at >= right && asked_at <= time(car.passed_s()),
            "{asked_at}"
        );
        let answer = Ok(car.answer(&outgoing.request));
        let ticket = outgoing.ticket;
        running.engine.tell(Event::Answered { ticket, answer });
        car.meets_the_cloud(&mut running);
    }
}
