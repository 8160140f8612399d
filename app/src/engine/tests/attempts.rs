//! Attempts to reconcile that a person asks for, from their begin to their end.

use dashpoint_sync::{Event, Response, TransportFailure};

use super::car::{Car, Running};
use crate::live::{Connection, Reason};

/// Answers what the car asks until it asks nothing any more.
fn met(car: &Car, running: &mut Running) {
    while let Ok(outgoing) = running.requests.try_recv() {
        let answer = Ok(car.answer(&outgoing.request));
        running.engine.tell(Event::Answered {
            ticket: outgoing.ticket,
            answer,
        });
    }
}

/// Fails the one request that is on its way.
fn fails(running: &mut Running, answer: Result<Response, TransportFailure>) {
    let ticket = running.requests.try_recv().unwrap().ticket;
    running.engine.tell(Event::Answered { ticket, answer });
}

fn reason(running: &Running) -> Option<Reason> {
    if let Connection::Offline { reason, .. } = running.engine.live().connection {
        Some(reason)
    } else {
        None
    }
}

#[test]
fn an_attempt_ends_when_everything_is_confirmed_and_counts_it() {
    let mut car = Car::enrolled(1);
    let mut running = car.start();
    met(&car, &mut running);
    car.drives(&mut running);
    fails(&mut running, Err(TransportFailure::Unreachable));
    car.drives(&mut running);
    car.pass(60_000);
    let number = running.engine.reconcile();
    assert!(!running.engine.live().attempts.has_ended(number));
    met(&car, &mut running);
    let attempts = running.engine.live().attempts;
    assert!(attempts.has_ended(number), "{attempts:?}");
    assert_eq!((attempts.confirmed, running.engine.live().waiting), (2, 0));
    // The next one counts from nothing.
    let number = running.engine.reconcile();
    met(&car, &mut running);
    let attempts = running.engine.live().attempts;
    assert!(attempts.has_ended(number) && attempts.confirmed == 0);
}

#[test]
fn an_attempt_that_fails_ends_and_one_that_waits_for_a_pause_does_not() {
    let car = Car::enrolled(1);
    let mut running = car.start();
    met(&car, &mut running);
    car.pass(60_000);
    let number = running.engine.reconcile();
    fails(&mut running, Err(TransportFailure::Unreachable));
    let attempts = running.engine.live().attempts;
    assert!(
        attempts.has_ended(number) && attempts.next_try_in_s > 0,
        "{attempts:?}"
    );
    assert_eq!(reason(&running), Some(Reason::Unreachable));

    car.pass(60_000);
    let number = running.engine.reconcile();
    let busy = Response {
        status: 503,
        retry_after_s: Some(3_600),
        body: Vec::new(),
    };
    fails(&mut running, Ok(busy));
    assert!(running.engine.live().attempts.has_ended(number));
    // Within the pause nothing is tried, and the attempt knows for how long.
    car.pass(60_000);
    let number = running.engine.reconcile();
    assert!(running.requests.try_recv().is_err());
    let attempts = running.engine.live().attempts;
    assert!(
        !attempts.has_ended(number) && !attempts.has_tried,
        "{attempts:?}"
    );
    assert!(
        (3_500..=3_900).contains(&attempts.next_try_in_s),
        "{attempts:?}"
    );
    assert_eq!(reason(&running), Some(Reason::Busy));
    // When the pause is over the attempt is made.
    car.pass(3_900_000);
    running.engine.wake();
    met(&car, &mut running);
    let attempts = running.engine.live().attempts;
    assert!(
        attempts.has_ended(number) && attempts.has_tried,
        "{attempts:?}"
    );
}

#[test]
fn a_request_that_was_on_its_way_before_does_not_end_the_attempt() {
    let car = Car::enrolled(1);
    let mut running = car.start();
    let number = running.engine.reconcile();
    // The start asked already; that this fails says nothing about the cloud as it is now.
    fails(&mut running, Err(TransportFailure::TimedOut));
    let attempts = running.engine.live().attempts;
    assert!(!attempts.has_ended(number), "{attempts:?}");
    car.pass(2_000);
    running.engine.wake();
    met(&car, &mut running);
    assert!(running.engine.live().attempts.has_ended(number));
}
