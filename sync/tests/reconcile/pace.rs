//! How often the machine sends, counted over simulated days.

use dashpoint_sync::{Event, Response};
use dashpoint_wire::message::RefusalCode;

use super::cloud::{ok, refusal, reply};
use super::world::{DAY, HOUR, MINUTE, SECOND, Weather, World};

#[test]
fn a_day_of_each_failure_costs_a_bounded_number_of_requests() {
    let busy = |seconds| {
        Weather::Answers(Response {
            status: 429,
            retry_after_s: Some(seconds),
            body: Vec::new(),
        })
    };
    for (name, weather, most) in [
        ("dead", Weather::Dead, 800),
        ("slow", Weather::Silent, 700),
        ("500", Weather::Answers(reply(500, Vec::new())), 800),
        ("garbage", Weather::Answers(ok(vec![0xff; 300])), 800),
        ("damaged", Weather::Damaged, 800),
        ("429 for no time", busy(0), 800),
        ("429 for 10 min", busy(600), 144),
        ("429 for ever", busy(u64::MAX), 2),
        (
            "401",
            Weather::Answers(refusal(RefusalCode::Token, Some([1; 16]))),
            1_600,
        ),
        (
            "422",
            Weather::Answers(refusal(RefusalCode::NotAuthentic, None)),
            25,
        ),
        ("lost answers", Weather::AnswerLost, 700),
    ] {
        let mut world = World::asleep();
        world.every_request(weather);
        world.start();
        for _ in 0..24 {
            world.commit(1);
            world.run(HOUR);
        }
        assert!(world.sends.len() <= most, "{name}: {}", world.sends.len());
        // Damage to what is not signed, such as the flag of a duplicate, is no harm.
        if name != "damaged" {
            assert_eq!(world.status().waiting, 24, "{name}");
        }
        world.every_request(Weather::Fine);
        world.run(2 * DAY);
        world.assert_settled();
    }
}

#[test]
fn retry_after_is_kept_whatever_happens() {
    let mut world = World::new();
    world.run(MINUTE);
    world.sends.clear();
    world.next_request(Weather::Answers(Response {
        status: 503,
        retry_after_s: Some(600),
        body: Vec::new(),
    }));
    world.commit(1);
    for _ in 0..59 {
        world.run(10 * SECOND);
        world.commit(1);
        world.feed(Event::ConnectivityChanged { available: false });
        world.feed(Event::ConnectivityChanged { available: true });
        world.feed(Event::SyncRequested);
        assert_eq!(world.sends.len(), 1);
    }
    world.run(2 * MINUTE);
    world.assert_settled();
}

#[test]
fn a_network_that_comes_back_wakes_the_machine() {
    let mut world = World::new();
    world.every_request(Weather::Dead);
    world.commit(1);
    world.run(3 * HOUR);
    world.feed(Event::ConnectivityChanged { available: false });
    world.run(10 * SECOND);
    world.every_request(Weather::Fine);
    world.feed(Event::ConnectivityChanged { available: true });
    world.run(2 * SECOND);
    world.assert_settled();
}

#[test]
fn a_person_who_asks_again_and_again_is_answered_by_a_try_each_time() {
    let mut world = World::new();
    world.run(MINUTE);
    world.every_request(Weather::Dead);
    world.commit(1);
    world.run(3 * HOUR);
    for _ in 0..10 {
        world.sends.clear();
        world.feed(Event::SyncRequested);
        world.run(2 * SECOND);
        assert!(!world.sends.is_empty());
    }
    world.every_request(Weather::Fine);
    world.feed(Event::SyncRequested);
    world.run(2 * SECOND);
    world.assert_settled();
}

#[test]
fn a_network_that_flaps_does_not_drive_the_machine() {
    let mut world = World::new();
    world.run(MINUTE);
    world.every_request(Weather::Dead);
    world.commit(1);
    world.sends.clear();
    for available in [false, true].into_iter().cycle().take(7_200) {
        world.feed(Event::ConnectivityChanged { available });
        world.run(500);
    }
    assert!(world.sends.len() <= 600, "{}", world.sends.len());
}

#[test]
fn without_a_network_the_machine_still_tries_now_and_then() {
    let mut world = World::new();
    world.run(MINUTE);
    world.feed(Event::ConnectivityChanged { available: false });
    world.sends.clear();
    world.commit(1);
    world.run(4 * MINUTE);
    assert_eq!(world.sends.len(), 0);
    world.run(2 * MINUTE);
    world.assert_settled();

    world.every_request(Weather::Dead);
    world.feed(Event::ConnectivityChanged { available: false });
    world.sends.clear();
    world.commit(1);
    world.run(DAY);
    assert!(
        (100..=300).contains(&world.sends.len()),
        "{}",
        world.sends.len()
    );
}
