//! Every other form of the same thing is refused, even under a good signature.

use coset::cbor::Value;
use coset::{CborSerializable, CoseSign1, TaggedCborSerializable};
use dashpoint_membership::{
    DeviceId, Entry, Meter, MeterInterval, MeterNumber, Points, Policy, Statement,
};
use dashpoint_wire::message::RefusalCode;
use dashpoint_wire::{EntryVerdict, Signable, Signed, WireError, decode, encode, verdicts_digest};

use crate::samples::{DEVICE, MEMBER, Signer, trip_entry};
use crate::second_reader;

/// An entry whose payload was made by somebody else, genuinely signed.
fn read_entry(payload: &[u8]) -> Result<Signed<Entry>, WireError> {
    let raw = second_reader::sign(payload, Signer::Car, Entry::CONTEXT, DEVICE.as_bytes());
    Signed::verify(raw, &Signer::Car.key().public(), &DEVICE)
}

fn entry_map() -> Vec<(Value, Value)> {
    let payload = encode(&trip_entry());
    Value::from_slice(&payload).unwrap().into_map().unwrap()
}

fn read_entry_map(entries: Vec<(Value, Value)>) -> Result<Signed<Entry>, WireError> {
    let payload = Value::Map(entries).to_vec();
    read_entry(&payload.unwrap_or_default())
}

#[test]
fn a_payload_in_another_form_is_refused() {
    let payload = encode(&trip_entry());
    assert!(read_entry(&payload).is_ok());
    // a9 00 01 01 01: a map of nine, version 1, epoch 1.
    assert_eq!(payload[..5], [0xa9, 0, 1, 1, 1]);
    let rest = &payload[5..];
    let form = |head: &[u8]| read_entry(&[head, rest].concat());
    assert!(form(&[0xa9, 0, 1, 1, 1]).is_ok());
    let long_number = form(&[0xa9, 0, 1, 1, 0x18, 1]);
    assert_eq!(long_number, Err(WireError::NotCanonical));
    let long_key = form(&[0xa9, 0, 1, 0x18, 1, 1]);
    assert_eq!(long_key, Err(WireError::NotCanonical));
    let long_length = form(&[0xb8, 9, 0, 1, 1, 1]);
    assert_eq!(long_length, Err(WireError::NotCanonical));
    let endless = [&[0xbf, 0, 1, 1, 1], rest, &[0xff]].concat();
    assert_eq!(read_entry(&endless), Err(WireError::NotCanonical));
    let two_items = [&payload[..], &[0]].concat();
    assert_eq!(read_entry(&two_items), Err(WireError::NotCanonical));
}

#[test]
fn a_key_too_few_too_many_or_out_of_place_is_refused() {
    assert!(read_entry_map(entry_map()).is_ok());
    for key in 0..entry_map().len() {
        let mut map = entry_map();
        map.remove(key);
        assert!(read_entry_map(map).is_err(), "without key {key}");
        let mut map = entry_map();
        map.insert(key, map[key].clone());
        assert!(read_entry_map(map).is_err(), "key {key} twice");
    }
    for key in 1..entry_map().len() {
        let mut map = entry_map();
        map.swap(key - 1, key);
        assert!(read_entry_map(map).is_err(), "key {key} before the last");
    }
    let mut map = entry_map();
    map.push((Value::from(9), Value::from(0)));
    let unknown = read_entry_map(map);
    assert!(
        matches!(unknown, Err(WireError::UnknownKey { key: 9, .. })),
        "{unknown:?}"
    );
}

#[test]
fn a_first_meter_has_no_number() {
    let with_number = |number: u32| {
        let interval = MeterInterval {
            number: MeterNumber::FIRST.next(),
            ..MeterInterval::of_first(Meter::Charged, 10, 20)
        };
        let mut bytes = encode(&interval);
        // The number is the last byte of the map.
        let last = bytes.len() - 1;
        assert_eq!(bytes[last], 2);
        bytes[last] = u8::try_from(number).unwrap();
        decode::<MeterInterval>(&bytes)
    };
    assert_eq!(with_number(2).map(|read| read.number.get()), Ok(2));
    assert_eq!(with_number(1), Err(WireError::NotCanonical));
    assert!(with_number(0).is_err());
    let first = MeterInterval::of_first(Meter::Charged, 10, 20);
    assert_eq!(encode(&first), [0xa3, 1, 2, 2, 10, 3, 20]);
}

#[test]
fn a_newer_version_is_told_apart() {
    let mut map = entry_map();
    map[0].1 = Value::from(2);
    let newer = read_entry_map(map).unwrap_err();
    assert_eq!(newer, WireError::Version { found: 2 });
    assert!(newer.is_newer() && !newer.is_inauthentic());
}

#[test]
fn an_envelope_in_another_form_is_refused() {
    let payload = encode(&trip_entry());
    let raw = second_reader::sign(&payload, Signer::Car, Entry::CONTEXT, DEVICE.as_bytes());
    let message = CoseSign1::from_tagged_slice(&raw).unwrap();
    let read =
        |raw: Vec<u8>| Signed::<Entry>::verify(raw, &Signer::Car.key().public(), &DEVICE).is_ok();
    assert!(read(message.clone().to_tagged_vec().unwrap()));
    assert!(!read(message.clone().to_vec().unwrap()), "without its tag");
    let mut header_outside = message.clone();
    header_outside.unprotected.key_id = vec![1];
    assert!(!read(header_outside.to_tagged_vec().unwrap()));
    let mut detached = message.clone();
    detached.payload = None;
    assert!(!read(detached.to_tagged_vec().unwrap()));
    let mut short = message;
    short.signature.pop();
    assert!(!read(short.to_tagged_vec().unwrap()));
}

#[test]
fn a_body_that_the_other_end_would_refuse_is_not_signed() {
    let mut policy = crate::samples::policy();
    policy.zone_data = "x".repeat(4_097);
    let refused = Signed::<Policy>::sign(policy, &Signer::Cloud.key(), &());
    let too_long = WireError::TooLong {
        len: 4_097,
        max: 4_096,
    };
    assert_eq!(refused, Err(too_long));
    let other = DeviceId::from_bytes([1; 16]);
    let refused = Signed::sign(crate::samples::receipt(), &Signer::Cloud.key(), &other);
    assert_eq!(refused, Err(WireError::WrongScope));
}

#[test]
fn a_few_bytes_that_claim_to_be_many_cost_nothing() {
    for head in [0x9b_u8, 0xbb, 0x5b, 0x7b] {
        let bytes = [&[head][..], &[0xff; 8]].concat();
        assert!(decode::<Vec<EntryVerdict>>(&bytes).is_err());
        assert!(read_entry(&bytes).is_err());
    }
    let deep = vec![0x81; 1_000_000];
    assert!(decode::<Vec<EntryVerdict>>(&deep).is_err());
    assert!(read_entry(&deep).is_err());
    let long = vec![0; dashpoint_wire::MAX_DECODED + 1];
    assert!(matches!(
        decode::<Vec<u64>>(&long),
        Err(WireError::TooLong { .. })
    ));
}

#[test]
fn the_digest_of_verdicts_is_the_same_for_a_repeated_request() {
    let verdicts = crate::samples::verdicts();
    let mut repeated = verdicts.clone();
    repeated[1].duplicate = true;
    assert_eq!(verdicts_digest(&repeated), verdicts_digest(&verdicts));
    assert_ne!(verdicts_digest(&verdicts[1..]), verdicts_digest(&verdicts));
    let mut swapped = verdicts.clone();
    swapped.swap(0, 1);
    assert_ne!(verdicts_digest(&swapped), verdicts_digest(&verdicts));
}

#[test]
fn a_refusal_knows_its_status() {
    assert_eq!(RefusalCode::Token.status(), 401);
    assert!(RefusalCode::SlowDown.is_transient());
    assert!(!RefusalCode::NotAuthentic.is_transient());
}

#[test]
fn a_statement_whose_account_contradicts_itself_is_neither_signed_nor_read() {
    let mut statement = crate::samples::statement();
    statement.account.lots[0].remaining = Points::new(101);
    let payload = encode(&statement);
    let refused = Signed::sign(statement, &Signer::Cloud.key(), &MEMBER);
    assert!(matches!(refused, Err(WireError::Account(_))), "{refused:?}");
    let raw = second_reader::sign(
        &payload,
        Signer::Cloud,
        Statement::CONTEXT,
        MEMBER.as_bytes(),
    );
    let refused = Signed::<Statement>::verify(raw, &Signer::Cloud.key().public(), &MEMBER);
    assert!(matches!(refused, Err(WireError::Account(_))), "{refused:?}");
}
