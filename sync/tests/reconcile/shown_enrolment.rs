//! A cloud that forgot the car: the car shows its enrolment.

use dashpoint_membership::Epoch;
use dashpoint_sync::HttpRequest;
use dashpoint_wire::message::RefusalCode;

use super::cloud::{refusal, reply};
use super::ways_back::settled;
use super::world::{HOUR, MINUTE, Weather};

/// It went back to before it enrolled the car, or bound it: the car shows what the cloud signed then, and sends again.
#[test]
fn a_cloud_that_forgot_the_car_is_shown_its_enrolment() {
    for code in [RefusalCode::Device, RefusalCode::Forgotten] {
        let mut world = settled();
        world.cloud.forgot = Some(code);
        world.sends.clear();
        world.commit(2);
        world.run(MINUTE);
        world.assert_settled();
        let shown = |(_, request): &&(u64, HttpRequest)| request.path.ends_with("/proof");
        assert_eq!(world.sends.iter().filter(shown).count(), 1);
    }
}

/// In the midst of a recovery too: it goes on where it was.
#[test]
fn a_cloud_that_forgot_the_car_during_a_way_back_is_shown_its_enrolment() {
    let mut world = settled();
    let backup = world.disk.clone();
    world.commit(2);
    world.run(MINUTE);
    world.disk = backup;
    let mut has_answered = false;
    world.weather = Box::new(move |request| {
        if has_answered || !request.path.ends_with("/epochs") {
            return Weather::Fine;
        }
        has_answered = true;
        Weather::Answers(refusal(RefusalCode::Forgotten, None))
    });
    world.restart();
    world.run(MINUTE);
    world.assert_settled();
    assert_eq!(world.disk.head.epoch, Epoch::new(2));
}

/// A cloud that says again and again that it forgot the car is not shown the same in circles.
#[test]
fn a_proof_that_helps_nothing_is_not_shown_in_circles() {
    let mut world = settled();
    world.weather = Box::new(|request| {
        if request.path.ends_with("/proof") {
            return Weather::Answers(reply(204, Vec::new()));
        }
        Weather::Answers(refusal(RefusalCode::Forgotten, None))
    });
    world.sends.clear();
    world.commit(2);
    world.run(HOUR);
    let shown = |(_, request): &&(u64, HttpRequest)| request.path.ends_with("/proof");
    assert_eq!(world.sends.iter().filter(shown).count(), 6);
    assert_eq!(world.status().waiting, 2);
    world.weather = Box::new(|_| Weather::Fine);
    world.run(2 * HOUR);
    world.assert_settled();
}

/// It went back to before it bound a member who has not driven since: his statement is refused, and the car shows what it
/// holds. What that does not help is not shown more than once an hour.
#[test]
fn a_statement_that_is_refused_to_a_bound_car_makes_it_show_its_enrolment() {
    let shown = |(_, request): &&(u64, HttpRequest)| request.path.ends_with("/proof");
    let is_statement = |request: &HttpRequest| request.path.contains("/statement");
    let refused = || Weather::Answers(refusal(RefusalCode::NotBound, None));

    let mut world = settled();
    world.cloud.touch_member();
    let mut was_refused = false;
    world.weather = Box::new(move |request| {
        if is_statement(request) && !std::mem::replace(&mut was_refused, true) {
            return refused();
        }
        Weather::Fine
    });
    world.sends.clear();
    world.run(HOUR / 2);
    world.assert_settled();
    assert_eq!(world.sends.iter().filter(shown).count(), 1);

    world.weather = Box::new(move |request| {
        if is_statement(request) {
            return refused();
        }
        Weather::Fine
    });
    world.sends.clear();
    world.run(5 * HOUR);
    let count = world.sends.iter().filter(shown).count();
    assert!((4..=5).contains(&count), "{count} proofs in five hours");
}

/// What comes of a proof that was shown for one statement concerns that statement alone: entries go on.
#[test]
fn a_proof_for_a_statement_that_the_cloud_cannot_use_holds_up_no_entry() {
    for code in [
        RefusalCode::Unavailable,
        RefusalCode::SlowDown,
        RefusalCode::NotAuthentic,
        RefusalCode::TooLarge,
    ] {
        let mut world = settled();
        world.cloud.touch_member();
        world.weather = Box::new(move |request| {
            if request.path.contains("/statement") {
                return Weather::Answers(refusal(RefusalCode::NotBound, None));
            }
            if request.path.ends_with("/proof") {
                return Weather::Answers(refusal(code, None));
            }
            Weather::Fine
        });
        world.sends.clear();
        world.run(HOUR / 2);
        let shown = |(_, request): &&(u64, HttpRequest)| request.path.ends_with("/proof");
        assert_eq!(world.sends.iter().filter(shown).count(), 1, "{code:?}");
        world.commit(2);
        world.run(MINUTE);
        assert_eq!(world.status().waiting, 0, "{code:?}");
    }
}
