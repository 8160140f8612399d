//! A policy of a cloud that is newer than this car.

use dashpoint_membership::policy::{EarningRule, RuleKind, Trigger};
use dashpoint_membership::{Policy, PolicyVersion, RuleId, Text};
use dashpoint_wire::{SigningKey, encode};

use super::super::resume::settings;
use super::car::{Car, cloud_key, policy, time};
use crate::books::Books;
use crate::clock::{Clock, ClockSource, Machine, Reading};

/// Signs a payload that this program cannot make, as PROTOCOL.md has it: `18([protected, {}, payload, signature])`.
fn sign_newer(payload: &[u8], context: &str, key: &SigningKey) -> Vec<u8> {
    let head = |major: u8, len: usize| match len {
        0..24 => vec![major << 5 | u8::try_from(len).unwrap()],
        24..256 => vec![major << 5 | 24, u8::try_from(len).unwrap()],
        _ => [
            &[major << 5 | 25][..],
            &u16::try_from(len).unwrap().to_be_bytes(),
        ]
        .concat(),
    };
    let bytes = |bytes: &[u8]| [head(2, bytes.len()), bytes.to_vec()].concat();
    let text = |text: &str| [head(3, text.len()), text.as_bytes().to_vec()].concat();
    // {1: -19, 4: key id}
    let protected = [&[0xa2, 1, 0x32, 4, 0x48][..], &key.public().id()].concat();
    let aad = [vec![0x82], text(context), bytes(&[])].concat();
    let signed = [
        vec![0x84],
        text("Signature1"),
        bytes(&protected),
        bytes(&aad),
        bytes(payload),
    ]
    .concat();
    let pair = ring::signature::Ed25519KeyPair::from_seed_unchecked(&[0xc1; 32]).unwrap();
    let signature = pair.sign(&signed);
    [
        vec![0xd2, 0x84],
        bytes(&protected),
        vec![0xa0],
        bytes(payload),
        bytes(signature.as_ref()),
    ]
    .concat()
}

fn rule(id: &str, on: RuleKind, when: &str) -> EarningRule {
    EarningRule {
        id: RuleId::new(id).unwrap(),
        on,
        title: Text {
            en: "Later".to_owned(),
            zh: "以后".to_owned(),
        },
        when: when.to_owned(),
        points: "5000".to_owned(),
        growth: "0".to_owned(),
        shadow: false,
    }
}

/// The shipped policy in version 2 with a rule of a kind and a rule of a profile that are not known and one that pays each
/// trip 5 points, and the raw bytes of it with one key more.
fn newer_policy(profile: Option<u32>) -> Vec<u8> {
    let mut newer: Policy = policy().into_parts().1;
    newer.version = PolicyVersion::new(2);
    newer.rule_profile = profile;
    newer
        .rules
        .insert(0, rule("towing", RuleKind::Unknown(5), "true"));
    newer.rules.push(rule(
        "calm",
        RuleKind::Known(Trigger::Trip),
        "noise_db < 70",
    ));
    newer
        .rules
        .push(rule("driven", RuleKind::Known(Trigger::Trip), "true"));
    let mut payload = encode(&newer);
    let entries = 18 + u8::from(profile.is_some());
    assert_eq!(payload[0], 0xa0 | entries);
    payload[0] += 1;
    // 1000: 1
    payload.extend_from_slice(&[0x19, 0x03, 0xe8, 0x01]);
    sign_newer(&payload, "dashpoint/policy/v1", &cloud_key())
}

#[test]
fn a_policy_with_a_new_key_and_a_new_kind_of_rule_is_taken_and_the_other_rules_pay() {
    let mut car = Car::enrolled(1);
    car.policy = Some(newer_policy(Some(3)));
    let mut running = car.start();
    car.meets_the_cloud(&mut running);
    let skipped = ["towing", "calm"].map(|id| RuleId::new(id).unwrap());
    let live = running.engine.live();
    assert!(!live.policy_refused);
    assert_eq!(live.skipped_rules, skipped);
    car.drives(&mut running);
    running.engine.end().unwrap();
    // After a restart the policy is read again from the bytes that were signed.
    let running = car.start();
    assert_eq!(running.engine.live().skipped_rules, skipped);
    running.engine.end().unwrap();
    let store = car.store();
    let own = SigningKey::from_seed(&[1; 32]).public();
    let mut paid = Vec::new();
    store
        .read()
        .for_each_entry(|stored| {
            let entry = stored
                .raw
                .verify(&own, &car.device())
                .unwrap()
                .into_parts()
                .1;
            paid.push((entry.policy.get(), entry.predicted().get()));
            std::ops::ControlFlow::Continue(())
        })
        .unwrap();
    let (_, raw) = store.read().policies().unwrap().pop().unwrap();
    assert_eq!(Some(raw.into_bytes()), car.policy);
    let (version, points) = paid[0];
    assert_eq!((version, points), (2, 5));
    assert_eq!(paid.len(), 1);
}

#[test]
fn a_rule_that_no_profile_of_the_policy_has_refuses_the_policy() {
    let mut car = Car::enrolled(1);
    car.policy = Some(newer_policy(None));
    let mut running = car.start();
    car.meets_the_cloud(&mut running);
    let live = running.engine.live();
    assert!(live.policy_refused && live.skipped_rules.is_empty());
    car.drives(&mut running);
    assert_eq!(running.engine.books().head.seq.get(), 1);
    running.engine.end().unwrap();
}

/// A car that has lost its cache drives before it is online: what it states must be read by the cloud that it has not asked yet.
#[test]
fn without_a_policy_nothing_newer_is_stated() {
    let car = Car::enrolled(1);
    let look = || {
        let machine = Machine::from_fn(|| Reading {
            monotonic_ms: 0,
            unix_ms: 1_795_305_600_000,
        });
        let clock = Clock::new(ClockSource::System, machine, time(0));
        let store = car.store();
        let books = Books::open(store.read(), cloud_key().public(), clock.now()).unwrap();
        let settings = settings(&books, &clock, &jiff::tz::TimeZone::UTC).unwrap();
        (settings.states_profile_2, settings.opens_meters)
    };
    assert_eq!(look(), (true, true), "the shipped policy");
    std::fs::remove_file(car.path("cache.db")).unwrap();
    assert_eq!(look(), (false, false));
}
