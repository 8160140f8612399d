//! A newer program has signed a key that this one does not know: taken from the cloud, refused from a device.

use std::path::Path;
use std::process::Command;

use coset::CborSerializable;
use coset::cbor::Value;
use dashpoint_membership::policy::{CapOver, RuleKind};
use dashpoint_membership::{CompiledPolicy, Policy};
use dashpoint_wire::{Signable, Signed, WireError, encode};
use data_encoding::HEXLOWER;

use crate::samples::{self, Seal, Signer};
use crate::{second_reader, vectors};

/// A key that no table has.
const KEY: u64 = 1_000;

/// One signed vector with an unknown key in it.
struct Newer {
    /// The vector, and the map that has the key.
    name: &'static str,
    seal: Seal,
    payload: Vec<u8>,
    raw: Vec<u8>,
}

impl Newer {
    /// Puts a value under an unknown key of the map that `steps` lead to: keys of maps, places of arrays.
    fn of(name: &'static str, steps: &[u64]) -> Self {
        let value = || Value::Array(vec![Value::from(7), Value::Text("later".to_owned())]);
        Self::with(name, steps, vec![(Value::from(KEY), value())])
    }

    fn with(name: &'static str, steps: &[u64], entries: Vec<(Value, Value)>) -> Self {
        let (_, seal) = samples::all_sealed()
            .into_iter()
            .find(|(sample, _)| sample.name == name)
            .unwrap();
        let mut body = Value::from_slice(&seal.payload).unwrap();
        map_at(&mut body, steps).extend(entries);
        let payload = body.to_vec().unwrap();
        let raw = second_reader::sign(&payload, seal.signer, seal.context, &seal.scope);
        Self {
            name,
            seal,
            payload,
            raw,
        }
    }

    /// The rules that a reader of today evaluates, if it is a policy.
    fn evaluated(&self) -> Option<Vec<String>> {
        if self.name != "policy" {
            return None;
        }
        let key = self.seal.signer.key().public();
        let policy = Signed::<Policy>::verify(self.raw.clone(), &key, &()).unwrap();
        let compiled = CompiledPolicy::compile_known(policy.into_parts().1).unwrap();
        Some(
            compiled
                .rules()
                .map(|(rule, _)| rule.id.to_string())
                .collect(),
        )
    }

    fn verify(&self) -> Result<(), WireError> {
        (self.seal.verify)(&self.raw, &self.seal.signer.key().public())
    }
}

fn map_at<'v>(value: &'v mut Value, steps: &[u64]) -> &'v mut Vec<(Value, Value)> {
    let Some((step, rest)) = steps.split_first() else {
        return value.as_map_mut().unwrap();
    };
    let inner = if let Value::Map(entries) = value {
        let mut entries = entries.iter_mut();
        let entry = entries.find(|(key, _)| *key == Value::from(*step));
        entry.map(|(_, inner)| inner)
    } else {
        let items = value.as_array_mut().unwrap();
        items.get_mut(usize::try_from(*step).unwrap())
    };
    map_at(inner.unwrap(), rest)
}

/// A policy in profile 3, with a rule of an unknown kind, a cap over it, and a rule with an unknown field.
fn newer_rules() -> Newer {
    let mut newer = Newer::with("policy", &[], vec![(Value::from(18), Value::from(3))]);
    let mut body = Value::from_slice(&newer.payload).unwrap();
    let on = map_at(&mut body, &[7, 0])
        .iter_mut()
        .find(|(key, _)| *key == Value::from(2));
    on.unwrap().1 = Value::from(5);
    let when = map_at(&mut body, &[7, 1])
        .iter_mut()
        .find(|(key, _)| *key == Value::from(4));
    when.unwrap().1 = Value::Text("later_field > 0".to_owned());
    let over = map_at(&mut body, &[8, 1])
        .iter_mut()
        .find(|(key, _)| *key == Value::from(2));
    over.unwrap().1 = Value::Array(vec![Value::from(2), Value::from(5)]);
    newer.payload = body.to_vec().unwrap();
    let seal = &newer.seal;
    newer.raw = second_reader::sign(&newer.payload, seal.signer, seal.context, &seal.scope);
    newer
}

/// An unknown key in the body of each signed thing, and in maps within some of them.
fn all() -> Vec<Newer> {
    [
        ("binding", &[][..]),
        ("catalogue", &[]),
        ("catalogue", &[3, 0]),
        ("certificate", &[]),
        ("entry-charge", &[]),
        ("entry-check-in", &[]),
        ("entry-trip", &[]),
        ("entry-trip", &[5]),
        ("grant-first", &[]),
        ("grant-first", &[6]),
        ("grant-next", &[3]),
        ("policy", &[]),
        ("policy", &[7, 0]),
        ("policy", &[13, 1, 0]),
        ("receipt", &[]),
        ("statement", &[]),
        ("statement", &[5, 6]),
        ("statement", &[8, 0]),
        ("token", &[]),
    ]
    .into_iter()
    .map(|(name, steps)| Newer::of(name, steps))
    .chain([newer_rules()])
    .collect()
}

/// The vectors in JSON: bytes, key and scope, and whether a reader takes them.
pub fn file() -> (String, String) {
    let lines: Vec<_> = all()
        .iter()
        .map(|newer| {
            let rules = match newer.evaluated() {
                Some(rules) => format!("\"rules\":{rules:?},"),
                None => String::new(),
            };
            format!(
                "{{{rules}\"of\":\"{}\",\"context\":\"{}\",\"scope\":\"{}\",\"key\":\"{}\",\"taken\":{},\"raw\":\"{}\"}}",
                newer.name,
                newer.seal.context,
                HEXLOWER.encode(&newer.seal.scope),
                newer.seal.signer.key().public(),
                newer.seal.signer == Signer::Cloud,
                HEXLOWER.encode(&newer.raw),
            )
        })
        .collect();
    let text = format!("{{\n\"newer\": [\n{}\n]\n}}\n", lines.join(",\n"));
    ("newer.json".to_owned(), text)
}

#[test]
fn an_unknown_key_is_taken_from_the_cloud_and_refused_from_a_device() {
    let (mut taken, mut refused) = (0, 0);
    for newer in all() {
        match newer.seal.signer {
            Signer::Cloud => {
                assert_eq!(newer.verify(), Ok(()), "{}", newer.name);
                taken += 1;
            }
            Signer::Car => {
                let found = newer.verify();
                let is_unknown = matches!(found, Err(WireError::UnknownKey { key: KEY, .. }));
                assert!(is_unknown, "{}: {found:?}", newer.name);
                refused += 1;
            }
        }
    }
    assert!(taken >= 12 && refused >= 5, "{taken}, {refused}");
}

#[test]
fn what_is_known_of_a_newer_body_and_its_raw_bytes_are_kept() {
    let newer = Newer::of("policy", &[7, 0]);
    let key = Signer::Cloud.key().public();
    let read = Signed::<Policy>::verify(newer.raw.clone(), &key, &()).unwrap();
    assert_eq!(*read.body(), samples::policy());
    assert_eq!(read.raw(), newer.raw);
    assert_ne!(
        encode(read.body()),
        newer.payload,
        "the key is in the raw bytes only"
    );
    // Any byte of it changed is another thing, also one of what is not known.
    for at in 0..newer.raw.len() {
        let mut damaged = newer.raw.clone();
        damaged[at] ^= 1;
        assert!(
            Signed::<Policy>::verify(damaged, &key, &()).is_err(),
            "byte {at}"
        );
    }
}

#[test]
fn a_rule_of_an_unknown_kind_or_profile_is_skipped_alone_and_cannot_be_signed_here() {
    let newer = newer_rules();
    let key = Signer::Cloud.key().public();
    let policy = Signed::<Policy>::verify(newer.raw, &key, &()).unwrap();
    let policy = policy.into_parts().1;
    assert_eq!(policy.rules[0].on, RuleKind::Unknown(5));
    assert_eq!(policy.caps[1].over, CapOver::Kind(RuleKind::Unknown(5)));
    let compiled = CompiledPolicy::compile_known(policy.clone()).unwrap();
    let skipped: Vec<_> = compiled
        .skipped()
        .iter()
        .map(|skipped| &skipped.rule)
        .collect();
    assert_eq!(skipped, [&policy.rules[0].id, &policy.rules[1].id]);
    assert_eq!(compiled.rules().count(), policy.rules.len() - 2);
    // An end that pays by the policy must know all of it, and signs only what it knows.
    assert!(CompiledPolicy::compile(policy.clone()).is_err());
    assert!(Signed::sign(policy.clone(), &Signer::Cloud.key(), &()).is_err());
    // In a profile that is known, a rule that is not written in it is a mistake.
    let mut same_profile = policy;
    same_profile.rule_profile = None;
    assert!(CompiledPolicy::compile_known(same_profile).is_err());
}

#[test]
fn keys_of_more_than_one_newer_program_are_skipped_together() {
    let entry = |key: u64, value: Value| (Value::from(key), value);
    let entries = vec![
        entry(KEY, Value::Bool(true)),
        entry(
            KEY + 1,
            Value::Map(vec![entry(1, Value::Bytes(vec![0; 300]))]),
        ),
        entry(u64::MAX, Value::from(-9_000)),
    ];
    assert_eq!(Newer::with("policy", &[], entries).verify(), Ok(()));
}

/// Signs the body of the receipt, whose map has nine entries, with more bytes behind it.
fn receipt_with(more: &[u8], entries: u8) -> Result<(), WireError> {
    let newer = Newer::of("receipt", &[]);
    let mut payload = newer.seal.payload.clone();
    assert_eq!(payload[0], 0xa9);
    payload[0] += entries;
    payload.extend_from_slice(more);
    let seal = &newer.seal;
    let raw = second_reader::sign(&payload, seal.signer, seal.context, &seal.scope);
    (seal.verify)(&raw, &seal.signer.key().public())
}

#[test]
fn what_is_not_known_is_held_to_the_one_encoding_too() {
    for (good, why) in [
        (&[0x18, 30, 0x05][..], "a number"),
        (&[0x18, 30, 0x82, 0xf4, 0x61, b'a'], "an array"),
        (&[0x18, 30, 0xa2, 0x01, 0x02, 0x02, 0x03], "a map"),
    ] {
        assert_eq!(receipt_with(good, 1), Ok(()), "{why}");
    }
    let deep = [&[0x18, 30][..], &[0x81; 20], &[0x00]].concat();
    for (bad, why) in [
        (&[0x18, 30, 0x18, 0x05][..], "a long form of a number"),
        (&[0x18, 30, 0x19, 0x00, 0xff], "a long form of a number"),
        (&[0x19, 0, 30, 0x05], "a long form of the key"),
        (&[0x18, 30, 0x9f, 0xff], "an array without a length"),
        (&[0x18, 30, 0xf6], "null"),
        (&[0x18, 30, 0xf9, 0, 0], "a floating-point number"),
        (&[0x18, 30, 0xc1, 0x00], "a tag"),
        (&[0x18, 30, 0xf8, 0x20], "a simple value"),
        (
            &[0x18, 30, 0xa2, 0x02, 0x03, 0x01, 0x02],
            "keys in another order",
        ),
        (&[0x18, 30, 0xa2, 0x01, 0x03, 0x01, 0x02], "a key twice"),
        (&[0x18, 30, 0x61, 0xff], "a text that is no UTF-8"),
        (&[0x18, 30, 0x42, 0x00], "an end in the middle"),
        (
            &[0x18, 30, 0x5b, 255, 255, 255, 255, 255, 255, 255, 255],
            "a length past the end",
        ),
        (
            &[0x18, 30, 0x9b, 255, 255, 255, 255, 255, 255, 255, 255],
            "more items than allowed",
        ),
        (&[0x61, b'a', 0x05], "a key that is no number"),
        (&[0x08, 0x05], "the last known key twice"),
        (&[0x18, 30, 0x05, 0x00], "bytes behind it"),
        (&deep, "too deep"),
    ] {
        assert!(receipt_with(bad, 1).is_err(), "{why}");
    }
    let twice = [0x18, 30, 0x05, 0x18, 30, 0x06];
    assert_eq!(receipt_with(&twice, 2), Err(WireError::NotCanonical));
    let unordered = [0x18, 31, 0x05, 0x18, 30, 0x06];
    assert_eq!(receipt_with(&unordered, 2), Err(WireError::NotCanonical));
}

#[test]
fn a_newer_version_and_a_missing_key_are_refused_as_before() {
    let newer = Newer::of("policy", &[]);
    let signed = |body: Value| {
        let payload = body.to_vec().unwrap();
        let raw = second_reader::sign(&payload, Signer::Cloud, Policy::CONTEXT, &[]);
        Signed::<Policy>::verify(raw, &Signer::Cloud.key().public(), &())
    };
    let body = || Value::from_slice(&newer.payload).unwrap();
    let mut later = body();
    map_at(&mut later, &[])[0].1 = Value::from(2);
    assert_eq!(signed(later), Err(WireError::Version { found: 2 }));
    let mut without = body();
    map_at(&mut without, &[]).remove(4);
    let missing = signed(without);
    assert!(
        matches!(missing, Err(WireError::MissingKey { key: 4, .. })),
        "{missing:?}"
    );
}

#[test]
fn the_second_implementation_takes_and_refuses_the_same() {
    let python = Command::new("python3").arg("--version").output();
    if !python.is_ok_and(|output| output.status.success()) {
        let required = std::env::var("DASHPOINT_REQUIRE").is_ok_and(|what| what == "all");
        assert!(!required, "python3 is missing");
        return;
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let output = Command::new("python3")
        .arg("-B")
        .arg(root.join("tests/independent/check.py"))
        .arg(vectors::folder().join("newer.json"))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    assert!(said.contains("newer: 20 signed things"), "{said}");
}
