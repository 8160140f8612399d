//! What nobody waits for leaves at a drawn time, so that its arrival tells no more than the times in it.

use std::time::Duration;

use dashpoint_sync::{Awaited, Event};

use super::world::{DAY, HOUR, MINUTE, SECOND, Weather, World};

const BOUND: Duration = Duration::from_mins(5);
const BOUND_MS: u64 = 5 * MINUTE;

/// A car that waits, at rest, with nothing to send and nothing to ask for in the next minutes.
fn at_rest(chance: u64) -> World {
    let mut world = World::asleep();
    world.send_within = BOUND;
    world.chance = chance;
    world.restart();
    world.run(HOUR + MINUTE);
    world.assert_settled();
    world.sends.clear();
    world
}

/// Times at which requests with entries left.
fn posts(world: &World) -> Vec<u64> {
    let sends = world.sends.iter();
    sends
        .filter(|(_, request)| request.path.ends_with("/entries"))
        .map(|(at_ms, _)| *at_ms)
        .collect()
}

#[test]
fn what_is_earned_by_itself_leaves_at_a_time_that_is_drawn_from_all_of_the_bound() {
    let mut waits = Vec::new();
    for chance in 0..200 {
        let mut world = at_rest(chance);
        let signed_ms = world.now_ms;
        world.commit(1);
        assert!(world.is_online(), "nothing is on its way");
        assert_eq!(world.status().waiting, 1);
        world.run(BOUND_MS);
        let posts = posts(&world);
        assert_eq!(posts.len(), 1, "{chance}");
        waits.push(posts[0] - signed_ms);
        world.run(MINUTE);
        world.assert_settled();
    }
    for tenth in 0..10 {
        let from = tenth * BOUND_MS / 10;
        let there = waits
            .iter()
            .filter(|wait| (from..from + BOUND_MS / 10).contains(*wait));
        assert!((5..=45).contains(&there.count()), "{tenth}: {waits:?}");
    }
}

#[test]
fn what_somebody_waits_for_leaves_at_once_with_all_before_it() {
    type Reason = fn(&mut World);
    let nothing: Reason = |_| {};
    let by_hand: Reason = |world| world.feed(Event::SyncRequested);
    let reasons: [(&str, Reason, Reason); 3] = [
        ("sync by hand", nothing, by_hand),
        ("a member's action", nothing, |world| {
            world.sign(Awaited::ByMember);
        }),
        // Another head unit with this disk has gone on: what waits is said again in a new epoch.
        ("a divergence", |world| world.disk_beside_posts(1), by_hand),
    ];
    for (name, before, reason) in reasons {
        for chance in 0..20 {
            let mut world = at_rest(chance);
            before(&mut world);
            world.commit(1);
            reason(&mut world);
            world.run(3 * SECOND);
            assert!(!posts(&world).is_empty(), "{name}, {chance}");
            assert_eq!(world.status().waiting, 0, "{name}, {chance}");
        }
    }
}

#[test]
fn a_second_entry_does_not_push_the_first_out_again() {
    for chance in 0..50 {
        let mut world = at_rest(chance);
        let signed_ms = world.now_ms;
        for _ in 0..30 {
            world.commit(1);
            world.run(10 * SECOND);
        }
        let first = posts(&world)[0];
        assert!(first - signed_ms <= BOUND_MS, "{chance}");
        world.run(BOUND_MS + MINUTE);
        world.assert_settled();
    }
}

#[test]
fn an_entry_that_is_signed_while_another_is_on_its_way_waits_for_a_time_of_its_own() {
    let mut apart = 0;
    for chance in 0..50 {
        let mut world = at_rest(chance);
        world.every_request(Weather::Dead);
        world.commit(1);
        // Due long ago, and tried again and again.
        world.run(2 * HOUR);
        let signed_ms = world.now_ms;
        world.commit(1);
        world.every_request(Weather::Fine);
        world.sends.clear();
        world.feed(Event::ConnectivityChanged { available: false });
        world.feed(Event::ConnectivityChanged { available: true });
        world.run(2 * SECOND);
        assert!(
            !world.disk.verdicts.is_empty(),
            "{chance}: the old one left at once"
        );
        apart += u32::from(world.status().waiting == 1);
        world.run(BOUND_MS);
        assert!(
            posts(&world)
                .iter()
                .all(|at_ms| at_ms - signed_ms <= BOUND_MS)
        );
        world.assert_settled();
    }
    assert!(apart >= 45, "{apart}");
}

#[test]
fn a_network_that_comes_back_takes_along_what_is_older_than_the_bound() {
    for chance in 0..20 {
        let mut world = at_rest(chance);
        world.every_request(Weather::Dead);
        world.feed(Event::ConnectivityChanged { available: false });
        world.commit(3);
        world.run(BOUND_MS + SECOND);
        world.every_request(Weather::Fine);
        world.sends.clear();
        world.feed(Event::ConnectivityChanged { available: true });
        world.run(2 * SECOND);
        assert_eq!(world.status().waiting, 0, "{chance}");
    }
}

#[test]
fn a_start_sends_what_is_old_at_once_and_delays_what_is_young_by_the_rest_of_the_bound() {
    for chance in 0..8 {
        for age_ms in [0, MINUTE, 4 * MINUTE, BOUND_MS, HOUR, 30 * DAY] {
            let mut world = at_rest(chance);
            world.every_request(Weather::Dead);
            world.disk_signs_unheard();
            let signed_ms = world.now_ms;
            world.now_ms += age_ms;
            world.every_request(Weather::Fine);
            world.restart();
            world.run(2 * SECOND);
            if age_ms >= BOUND_MS {
                assert_eq!(world.status().waiting, 0, "{chance}, {age_ms} ms");
                continue;
            }
            // Again and again cut from power, it still leaves within the bound.
            while world.now_ms < signed_ms + BOUND_MS {
                world.restart();
                world.run(30 * SECOND);
            }
            world.run(2 * SECOND);
            world.assert_settled();
        }
    }
}

#[test]
fn a_young_entry_of_a_start_waits() {
    let early = (0..40).filter(|chance| {
        let mut world = at_rest(*chance);
        world.disk_signs_unheard();
        world.restart();
        world.run(2 * SECOND);
        world.status().waiting == 0
    });
    assert!(early.count() <= 8);
}

#[test]
fn a_clock_that_was_set_back_or_leapt_delays_an_entry_by_the_bound_at_most() {
    for made_unix_s in [None, Some(i64::MIN), Some(0), Some(i64::MAX)] {
        let mut world = at_rest(7);
        world.disk_signs_unheard();
        world.disk.made_unix_s = made_unix_s;
        world.restart();
        world.run(BOUND_MS + 2 * SECOND);
        world.assert_settled();
    }
}

#[test]
fn without_a_bound_an_entry_leaves_at_once() {
    let mut world = World::new();
    world.run(MINUTE);
    world.sends.clear();
    let signed_ms = world.now_ms;
    world.commit(1);
    world.run(SECOND);
    assert_eq!(posts(&world).len(), 1);
    assert!(posts(&world)[0] - signed_ms <= 10);
}
