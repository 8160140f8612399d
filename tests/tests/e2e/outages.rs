//! A cloud that is slow, dead, overloaded, or not itself: entries stay, the car does not storm, and says how it stands.

use std::thread;
use std::time::Duration;

use dashpoint_wire::message::EntriesRequest;
use dashpoint_wire::{MAX_DECODED, decode, inflate};
use serde_json::Value;

use crate::support::{
    EARNED_OFFLINE, Gate, Manner, PATIENCE, World, answer, assert_logs_name_nobody, free_port, now,
    stderr, stdout, until,
};

/// How long requests are counted.
const COUNTED: Duration = Duration::from_secs(5);
/// The first retries wait a tenth of 1, 2, 4 and 8 s at least, so no luck makes more of them in that time. One failure may
/// take a second request: a token that is refused is signed again once.
const REQUESTS_MAX: usize = 12;
/// No pause of the car's own is longer, however often it has tried.
const PAUSE_MAX: Duration = Duration::from_secs(330);

/// A cloud that is not as it should be, and what the car is to say of it.
struct Bad {
    name: &'static str,
    manner: Manner,
    reason: &'static str,
    /// Requests that may come while they are counted.
    requests_max: usize,
}

fn says(name: &'static str, answer: Vec<u8>, reason: &'static str) -> Bad {
    Bad {
        name,
        manner: Manner::Say(answer),
        reason,
        requests_max: REQUESTS_MAX,
    }
}

fn bad_clouds() -> Vec<Bad> {
    let busy = answer("429 Too Many Requests", &["retry-after: 3600"], b"");
    let cbor = ["content-type: application/cbor"];
    vec![
        says(
            "fails",
            answer("500 Internal Server Error", &[], b"oops"),
            "server-error",
        ),
        Bad {
            // An hour of silence is an hour of silence.
            requests_max: 0,
            ..says("asks for a pause", busy, "busy")
        },
        says(
            "knows no token",
            answer("401 Unauthorized", &[], b""),
            "not-authorised",
        ),
        says(
            "answers garbage",
            answer("200 OK", &cbor, b"\xff\x00 garbage"),
            "bad-answer",
        ),
        says(
            "speaks no HTTP",
            b"220 mail.example ESMTP\r\n\r\n".to_vec(),
            "bad-answer",
        ),
        says("hangs up", Vec::new(), "bad-answer"),
        Bad {
            name: "never answers",
            manner: Manner::Silence,
            reason: "timed-out",
            requests_max: REQUESTS_MAX,
        },
    ]
}

/// Each of them has a car of its own, and all are met at once: it is waiting that takes the time.
#[test]
fn a_bad_cloud_costs_nothing_and_is_not_stormed() {
    // The day that each car begins with is played before they start.
    drop(World::after_a_day_offline());
    thread::scope(|scope| {
        for bad in bad_clouds() {
            thread::Builder::new()
                .name(format!("a cloud that {}", bad.name))
                .spawn_scoped(scope, move || meets(bad))
                .unwrap();
        }
    });
}

/// The car meets that cloud, then the real one on the same port.
fn meets(bad: Bad) {
    let mut world = World::after_a_day_offline();
    let gate = Gate::open(world.port, bad.manner);
    world.car.start();
    let met = until("the car finds the cloud out", PATIENCE, || {
        let status = world.car.status();
        let connection = &status["live"]["connection"];
        (connection["state"] == "offline" && connection["reason"] == bad.reason).then_some(status)
    });
    assert!(
        met["live"]["connection"]["since_unix_s"].as_i64() > Some(1_700_000_000),
        "{met:#}"
    );
    let counted = gate.count_for(COUNTED);
    assert!(
        counted <= bad.requests_max,
        "{counted} requests in {COUNTED:?}"
    );
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
}

fn assert_everything_waits(status: &Value) {
    assert_eq!(
        status["live"]["entries_without_receipt"], EARNED_OFFLINE,
        "{status:#}"
    );
    let member = &status["members"][0];
    assert_eq!(member["confirmed"], 0, "{status:#}");
    assert!(member["pending"].as_i64() > Some(0), "{status:#}");
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
    assert!(counted <= REQUESTS_MAX, "{counted} tries in {COUNTED:?}");
    assert_everything_waits(&world.car.status());
    until("the car tries again", PAUSE_MAX, || {
        (tries() > before).then_some(())
    });
    // It comes back, and the car finds that out by itself.
    world.cloud.serve();
    until("the car meets the cloud", PAUSE_MAX, || {
        (world.car.status()["live"]["connection"]["state"] == "online").then_some(())
    });
    world.car.reconcile();
    world.assert_agreed();
    assert!(world.car.stop().success());
}

#[test]
fn a_person_who_asks_to_reconcile_is_told_what_came_of_it() {
    let mut world = World::after_a_day_offline();
    world.car.start();
    let told = |code| {
        let output = world.car.ask(&["sync", "--json"]);
        assert_eq!(output.status.code(), Some(code), "{}", stderr(&output));
        serde_json::from_str::<Value>(&stdout(&output)).unwrap()
    };
    let gone = told(1);
    assert_eq!(gone["result"], "offline", "{gone:#}");
    assert_eq!(gone["reason"], "unreachable", "{gone:#}");
    assert_eq!(gone["entries_confirmed"], 0, "{gone:#}");
    assert_eq!(gone["entries_waiting"], EARNED_OFFLINE, "{gone:#}");
    let output = world.car.ask(&["sync"]);
    assert_eq!(output.status.code(), Some(1));
    let line = stdout(&output);
    assert!(
        line.starts_with("offline: the cloud cannot be reached; "),
        "{line}"
    );

    let busy = answer("503 Service Unavailable", &["retry-after: 3600"], b"");
    let gate = Gate::open(world.port, Manner::Say(busy));
    for _ in 0..2 {
        let busy = told(1);
        assert_eq!(busy["reason"], "busy", "{busy:#}");
        assert!(busy["next_try_in_s"].as_i64() > Some(3_500), "{busy:#}");
    }
    assert_eq!(gate.asked().len(), 1, "the pause is kept");
    drop(gate);

    // A new start has nothing to wait for.
    assert!(world.car.stop().success());
    world.cloud.serve();
    world.car.start();
    let output = world.car.ask(&["sync", "--json"]);
    assert_eq!(output.status.code(), Some(0), "{}", stdout(&output));
    let met: Value = serde_json::from_str(&stdout(&output)).unwrap();
    assert_eq!(met["result"], "met", "{met:#}");
    assert_eq!(met["entries_waiting"], 0, "{met:#}");
    let status = world.car.status();
    assert_eq!(status["members"][0]["pending"], 0, "{status:#}");
    world.assert_agreed();
    assert!(world.car.stop().success());
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
    let asked = gate.asked();
    let posts = asked.iter().filter(|asked| asked.is("POST", "/entries"));
    let with_entries = posts.filter(|post| {
        let body = inflate(post.body(), MAX_DECODED).unwrap();
        let request: EntriesRequest = decode(&body).unwrap();
        !request.entries.is_empty()
    });
    assert_eq!(
        with_entries.count(),
        1,
        "a slow answer is not asked for again"
    );
    assert!(world.car.stop().success());
}
