//! Each answer that is not the one hoped for: what the machine does, and that nothing of it is taken.

use dashpoint_membership::{EntryHash, Epoch, Seq, ServerEpoch};
use dashpoint_sync::{
    AnswerSubject, ConnectionState, Credential, Event, FaultReason, OfflineReason, Response,
};
use dashpoint_wire::message::{EntriesResponse, RefusalCode};
use dashpoint_wire::{Receipt, Signed, SigningKey, decode, encode};

use super::car::raw;
use super::cloud::{DEVICE, MEMBER, ok, refusal, reply};
use super::world::{HOUR, MINUTE, SECOND, Weather, World};

fn offline(reason: OfflineReason) -> impl Fn(&World) {
    move |world| {
        let ConnectionState::Offline { reason: found, .. } = world.status().connection else {
            panic!("{:?}", world.status());
        };
        assert_eq!(found, reason);
    }
}

#[test]
fn each_failure_keeps_the_entries_and_has_its_name() {
    let later = |status, retry_after_s| {
        Weather::Answers(Response {
            status,
            retry_after_s,
            body: Vec::new(),
        })
    };
    for (weather, reason) in [
        (Weather::Dead, OfflineReason::Unreachable),
        (Weather::Silent, OfflineReason::TimedOut),
        (later(500, None), OfflineReason::ServerError { status: 500 }),
        (later(502, None), OfflineReason::ServerError { status: 502 }),
        (later(503, None), OfflineReason::Busy),
        (later(429, Some(5)), OfflineReason::Busy),
        (later(408, None), OfflineReason::TimedOut),
        (later(401, None), OfflineReason::NotAuthorised),
        (later(301, None), OfflineReason::BadAnswer),
        (later(403, None), OfflineReason::BadAnswer),
        (later(304, None), OfflineReason::BadAnswer),
        (later(409, None), OfflineReason::BadAnswer),
        (later(200, None), OfflineReason::BadAnswer),
        (
            Weather::Answers(ok(b"<html>".to_vec())),
            OfflineReason::BadAnswer,
        ),
    ] {
        let mut world = World::asleep();
        world.every_request(weather.clone());
        world.start();
        world.commit(2);
        world.run(MINUTE);
        assert_eq!(world.status().waiting, 2, "{weather:?}");
        offline(reason)(&world);
        assert!(world.disk.verdicts.is_empty() && world.disk.receipt.is_none());

        world.every_request(Weather::Fine);
        world.run(10 * MINUTE);
        world.assert_settled();
    }
}

#[test]
fn a_nonce_is_signed_once_and_a_second_refusal_counts_as_a_failure() {
    let mut world = World::new();
    world.run(MINUTE);
    world.sends.clear();
    let nonce = [7; 16];
    world.next_request(Weather::Answers(refusal(RefusalCode::Token, Some(nonce))));
    world.commit(1);
    world.run(SECOND);
    world.assert_settled();
    let credentials: Vec<_> = world
        .sends
        .iter()
        .map(|(_, sent)| sent.credential)
        .collect();
    let expected = [None, Some(nonce)].map(|nonce| Credential::Device { nonce });
    assert_eq!(credentials, expected);

    world.sends.clear();
    world.every_request(Weather::Answers(refusal(RefusalCode::Token, Some(nonce))));
    world.commit(1);
    world.run(165);
    assert_eq!(world.sends.len(), 2);
    offline(OfflineReason::NotAuthorised)(&world);
}

#[test]
fn what_the_cloud_refuses_for_good_is_a_fault_that_is_tried_once_an_hour() {
    for code in [
        RefusalCode::NotAuthentic,
        RefusalCode::Malformed,
        RefusalCode::Device,
        RefusalCode::TooLarge,
    ] {
        // A cloud that does not know the car is shown its proof of enrolment each time.
        let requests = if code == RefusalCode::Device { 2 } else { 1 };
        let mut world = World::new();
        world.run(MINUTE);
        world.every_request(Weather::Answers(refusal(code, None)));
        world.sends.clear();
        world.commit(1);
        world.run(SECOND);
        let reason = FaultReason {
            status: code.status(),
            code: Some(code),
        };
        let ConnectionState::Fault {
            reason: found,
            since_unix_s: Some(_),
        } = world.status().connection
        else {
            panic!("{:?}", world.status());
        };
        assert_eq!(found, reason);
        for _ in 0..12 {
            world.commit(1);
            world.feed(Event::ConnectivityChanged { available: false });
            world.feed(Event::ConnectivityChanged { available: true });
            world.feed(Event::SyncRequested);
            world.run(30 * MINUTE);
        }
        assert!(
            (6 * requests..=7 * requests).contains(&world.sends.len()),
            "{}",
            world.sends.len()
        );
        assert_eq!(world.status().waiting, 13);

        world.every_request(Weather::Fine);
        world.run(2 * HOUR);
        world.assert_settled();
    }
}

#[test]
fn a_422_of_somebody_on_the_way_stops_the_machine_too() {
    let mut world = World::new();
    world.run(MINUTE);
    world.every_request(Weather::Answers(reply(422, Vec::new())));
    world.commit(1);
    world.run(SECOND);
    let state = world.status().connection;
    assert!(matches!(state, ConnectionState::Fault { .. }), "{state:?}");
}

#[test]
fn a_refused_document_does_not_hold_up_entries() {
    let mut world = World::new();
    world.run(MINUTE);
    world.weather = Box::new(|request| {
        if request.path.starts_with("/v1/catalogue") {
            Weather::Answers(refusal(RefusalCode::NotFound, None))
        } else {
            Weather::Fine
        }
    });
    world.run(16 * MINUTE);
    world.commit(1);
    world.run(SECOND);
    world.assert_settled();
    assert!(
        world
            .reports
            .iter()
            .any(|(what, _)| *what == AnswerSubject::Catalogue)
    );
}

/// Takes an honest answer apart and puts it together again wrongly.
type Forgery = (&'static str, fn(&World, EntriesResponse) -> EntriesResponse);

fn forged_receipt(
    world: &World,
    response: EntriesResponse,
    key: &SigningKey,
    change: impl Fn(&mut Receipt),
) -> EntriesResponse {
    let honest = response.receipt.verify(&world.cloud.key.public(), &DEVICE);
    let mut receipt = honest.unwrap().into_parts().1;
    change(&mut receipt);
    EntriesResponse {
        receipt: Signed::sign(receipt, key, &DEVICE).unwrap().into(),
        ..response
    }
}

fn wrong(
    world: &World,
    response: EntriesResponse,
    change: impl Fn(&mut Receipt),
) -> EntriesResponse {
    forged_receipt(world, response, &world.cloud.key, change)
}

const FORGERIES: [Forgery; 10] = [
    ("another key", |world, response| {
        let key = SigningKey::from_seed(&[1; 32]);
        forged_receipt(world, response, &key, |_| {})
    }),
    ("another epoch", |world, response| {
        wrong(world, response, |receipt| receipt.epoch = Epoch::new(9))
    }),
    ("an older server epoch", |world, response| {
        wrong(world, response, |receipt| {
            receipt.server_epoch = ServerEpoch::new(0);
        })
    }),
    ("another head", |world, response| {
        wrong(world, response, |receipt| {
            receipt.head = EntryHash::from_bytes([9; 32]);
        })
    }),
    ("an earlier end", |world, response| {
        wrong(world, response, |receipt| {
            receipt.through = Seq::new(receipt.through.get() - 1);
        })
    }),
    ("other verdicts", |world, response| {
        wrong(world, response, |receipt| receipt.verdicts = [0; 32])
    }),
    ("a verdict too few", |_, mut response| {
        response.verdicts.pop();
        response
    }),
    ("a verdict too many", |_, mut response| {
        let last = response.verdicts.last().unwrap().clone();
        response.verdicts.push(last);
        response
    }),
    ("verdicts out of order", |_, mut response| {
        response.verdicts.reverse();
        response
    }),
    ("a receipt cut short", |_, mut response| {
        let bytes = response.receipt.as_bytes();
        response.receipt = raw(&bytes[..bytes.len() - 1]);
        response
    }),
];

#[test]
fn an_answer_that_does_not_fit_what_was_sent_is_not_taken() {
    for (name, forge) in FORGERIES {
        let mut world = World::new();
        world.run(MINUTE);
        world.every_request(Weather::Dead);
        world.commit(3);
        // The first request leaves with one entry, those after it with all three.
        world.run(5 * SECOND);
        let held = world.disk.receipt.clone();
        let (_, request) = world.sends.last().unwrap().clone();
        let now = dashpoint_membership::ServerTime::from_unix_s(world.unix_s());
        let honest = world.cloud.answer(&request, now);
        let response = forge(&world, decode(&honest.body).unwrap());
        world.every_request(Weather::Answers(ok(encode(&response))));
        world.run(20 * SECOND);
        offline(OfflineReason::BadAnswer)(&world);
        assert_eq!(world.disk.receipt, held, "{name}");
        assert!(world.disk.verdicts.is_empty(), "{name}");

        world.every_request(Weather::Fine);
        world.run(10 * MINUTE);
        world.assert_settled();
    }
}

#[test]
fn a_bad_statement_beside_a_good_receipt_spoils_only_itself() {
    let mut world = World::new();
    world.run(MINUTE);
    let held = world.disk.statement;
    world.every_request(Weather::Dead);
    world.commit(1);
    world.run(10);
    let (_, request) = world.sends.last().unwrap().clone();
    let now = dashpoint_membership::ServerTime::from_unix_s(world.unix_s());
    let mut response: EntriesResponse = decode(&world.cloud.answer(&request, now).body).unwrap();
    let mut bytes = response.statements[0].as_bytes().to_vec();
    let place = bytes.len() / 2;
    bytes[place] ^= 1;
    response.statements[0] = raw(&bytes);
    let mut answers = vec![Weather::Answers(ok(encode(&response)))];
    world.weather = Box::new(move |_| answers.pop().unwrap_or(Weather::Dead));
    world.run(5 * SECOND);
    assert_eq!(world.disk.verdicts.len(), 1);
    assert_eq!(world.disk.statement, held);

    world.every_request(Weather::Fine);
    world.run(10 * MINUTE);
    world.assert_settled();
}

#[test]
fn documents_that_do_not_verify_are_refused_and_the_last_ones_stay() {
    let mut world = World::new();
    world.run(MINUTE);
    let (policy, catalogue, statement) = (
        world.disk.policy,
        world.disk.catalogue,
        world.disk.statement,
    );
    world.cloud.new_policy();
    world.cloud.new_catalogue();
    world.cloud.touch_member();
    world.every_request(Weather::Damaged);
    world.run(20 * MINUTE);
    assert_eq!(world.disk.policy, policy);
    assert_eq!(world.disk.catalogue, catalogue);
    assert_eq!(world.disk.statement, statement);
    for subject in [
        AnswerSubject::Policy,
        AnswerSubject::Catalogue,
        AnswerSubject::Statement(MEMBER),
    ] {
        assert!(
            world.reports.iter().any(|(what, _)| *what == subject),
            "{subject:?}"
        );
    }
    world.every_request(Weather::Fine);
    world.run(HOUR);
    world.assert_settled();
}

#[test]
fn a_policy_whose_rules_cannot_run_is_refused_and_reported() {
    let mut world = World::new();
    world.run(MINUTE);
    let held = world.disk.policy;
    let mut policy = world.cloud.policies[0].body().clone();
    policy.version = policy.version.next();
    policy.rules[0].points = "size(".to_owned();
    let signed = Signed::sign(policy, &world.cloud.key, &()).unwrap();
    world.cloud.policies.push(signed);
    world.run(20 * MINUTE);
    assert_eq!(world.disk.policy, held);
    assert!(world.is_online());
    let reports = world
        .reports
        .iter()
        .filter(|(what, _)| *what == AnswerSubject::Policy);
    assert_eq!(reports.count(), 1);
}

#[test]
fn a_store_that_fails_is_asked_again_and_nothing_is_taken_for_done() {
    for failures in 1..8 {
        let mut world = World::asleep();
        world.store_failures = failures;
        world.commit(2);
        world.start();
        world.run(10);
        offline(OfflineReason::Local)(&world);
        world.run(HOUR);
        world.assert_settled();
    }
}
