//! A cloud that is slow, dead, overloaded, or not itself: entries stay, the car does not storm, and says how it stands.

use std::time::Duration;

use serde_json::Value;

use crate::support::{
    EARNED_OFFLINE, Gate, Manner, PATIENCE, World, answer, assert_logs_name_nobody, free_port, now,
    until,
};

/// How long requests are counted.
const COUNTED: Duration = Duration::from_secs(5);
/// The first retries wait a tenth of 1, 2, 4 and 8 s at least, so no luck makes more of them in that time. One failure may
/// take a second request: a token that is refused is signed again once.
const REQUESTS_MAX: usize = 12;
/// Longer than the car waits for an answer.
const SILENCE: Duration = Duration::from_secs(45);

/// The car meets that cloud, then the real one on the same port.
fn meets(bad: Manner, reason: &str, patience: Duration) -> usize {
    let mut world = World::after_a_day_offline();
    let gate = Gate::open(world.port, bad);
    world.car.start();
    let met = until("the car finds the cloud out", patience, || {
        let status = world.car.status();
        let connection = &status["live"]["connection"];
        (connection["state"] == "offline" && connection["reason"] == reason).then_some(status)
    });
    assert!(
        met["live"]["connection"]["since_unix_s"].as_i64() > Some(1_700_000_000),
        "{met:#}"
    );
    let counted = gate.count_for(COUNTED);
    assert!(counted <= REQUESTS_MAX, "{counted} requests in {COUNTED:?}");
    assert_everything_waits(&world.car.status());
    drop(gate);

    world.cloud.serve();
    // A new start has nothing to wait for; that the pauses end of themselves is tested where time can be made to pass.
    assert!(world.car.stop().success());
    world.car.start();
    world.car.reconcile();
    world.assert_agreed();
    assert!(world.car.stop().success());
    assert_logs_name_nobody(&world.car.said());
    counted
}

fn assert_everything_waits(status: &Value) {
    assert_eq!(status["live"]["waiting"], EARNED_OFFLINE, "{status:#}");
    let member = &status["members"][0];
    assert_eq!(member["confirmed"], 0, "{status:#}");
    assert!(member["pending"].as_i64() > Some(0), "{status:#}");
}

#[test]
fn a_cloud_that_fails() {
    let failed = answer("500 Internal Server Error", &[], b"oops");
    meets(Manner::Say(failed), "server-error", PATIENCE);
}

#[test]
fn a_cloud_that_asks_for_a_pause_gets_it() {
    let busy = answer("429 Too Many Requests", &["retry-after: 3600"], b"");
    let counted = meets(Manner::Say(busy), "busy", PATIENCE);
    assert_eq!(counted, 0, "it was asked to wait an hour");
}

#[test]
fn a_cloud_that_knows_no_token() {
    let refused = answer("401 Unauthorized", &[], b"");
    meets(Manner::Say(refused), "not-authorised", PATIENCE);
}

#[test]
fn a_cloud_that_answers_what_nobody_can_read() {
    let garbage = answer(
        "200 OK",
        &["content-type: application/cbor"],
        b"\xff\x00 garbage",
    );
    meets(Manner::Say(garbage), "bad-answer", PATIENCE);
}

#[test]
fn somebody_who_speaks_no_http() {
    let garbage = b"220 mail.example ESMTP\r\n\r\n".to_vec();
    meets(Manner::Say(garbage), "bad-answer", PATIENCE);
}

#[test]
fn a_cloud_that_hangs_up() {
    meets(Manner::Say(Vec::new()), "bad-answer", PATIENCE);
}

#[test]
fn a_cloud_that_is_not_there() {
    let mut world = World::after_a_day_offline();
    world.car.start();
    let tries = || world.car.said().matches("no answer from the cloud").count();
    until("the car finds the cloud out", PATIENCE, || {
        let connection = &world.car.status()["live"]["connection"];
        (connection["reason"] == "unreachable").then_some(())
    });
    let (before, began) = (tries(), now());
    until("the time is over", PATIENCE, || {
        (began.elapsed() >= COUNTED).then_some(())
    });
    let counted = tries() - before;
    assert!(
        (1..=REQUESTS_MAX).contains(&counted),
        "{counted} tries in {COUNTED:?}"
    );
    assert_everything_waits(&world.car.status());
    // It comes back, and the car finds that out by itself.
    world.cloud.serve();
    until("the car meets the cloud", PATIENCE, || {
        (world.car.status()["live"]["connection"]["state"] == "online").then_some(())
    });
    world.car.reconcile();
    world.assert_agreed();
    assert!(world.car.stop().success());
}

#[test]
fn a_cloud_that_never_answers() {
    meets(Manner::Silence, "timed-out", SILENCE);
}

#[test]
fn a_slow_cloud_is_only_slow() {
    let mut world = World::after_a_day_offline();
    let cloud = free_port();
    world.cloud.serve_on(cloud);
    let pause = Duration::from_secs(2);
    let gate = Gate::open(world.port, Manner::Carry { cloud, pause });
    world.car.start();
    world.car.reconcile();
    world.assert_agreed();
    let sent = gate.asked();
    let sent = sent.iter().filter(|request| request.is("POST", "/entries"));
    assert!(sent.count() <= 2, "a slow answer is not asked for again");
    assert!(world.car.stop().success());
}
