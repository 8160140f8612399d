//! A second implementation of COSE and CBOR (coset over ciborium) reads everything that ours writes, and the reverse.

use coset::cbor::Value;
use coset::{
    CborSerializable, CoseSign1, CoseSign1Builder, HeaderBuilder, RegisteredLabelWithPrivate,
    TaggedCborSerializable, iana,
};
use ring::signature::{ED25519, Ed25519KeyPair, UnparsedPublicKey};

use crate::samples::{self, Seal, Signer};
use crate::vectors;

/// `[context, scope]`, made by the second implementation.
pub fn external_aad(context: &str, scope: &[u8]) -> Vec<u8> {
    let aad = Value::Array(vec![
        Value::Text(context.to_owned()),
        Value::Bytes(scope.to_vec()),
    ]);
    aad.to_vec().unwrap()
}

/// A message of the second implementation over any payload.
pub fn sign(payload: &[u8], signer: Signer, context: &str, scope: &[u8]) -> Vec<u8> {
    let seed = match signer {
        Signer::Car => [1; 32],
        Signer::Cloud => [2; 32],
    };
    let pair = Ed25519KeyPair::from_seed_unchecked(&seed).unwrap();
    let header = HeaderBuilder::new()
        .algorithm(iana::Algorithm::Ed25519)
        .key_id(signer.key().public().id().to_vec())
        .build();
    CoseSign1Builder::new()
        .protected(header)
        .payload(payload.to_vec())
        .create_signature(&external_aad(context, scope), |message| {
            pair.sign(message).as_ref().to_vec()
        })
        .build()
        .to_tagged_vec()
        .unwrap()
}

#[test]
fn it_verifies_every_signed_vector() {
    for (sample, seal) in samples::all_sealed() {
        let message = CoseSign1::from_tagged_slice(&vectors::read(sample.name)).unwrap();
        let header = &message.protected.header;
        assert_eq!(
            header.alg,
            Some(RegisteredLabelWithPrivate::Assigned(
                iana::Algorithm::Ed25519
            ))
        );
        assert_eq!(header.key_id, seal.signer.key().public().id());
        assert!(message.unprotected.is_empty());
        assert_eq!(message.payload.as_ref(), Some(&seal.payload));
        verify(&message, &seal, &seal.scope).unwrap_or_else(|()| panic!("{}", sample.name));
        assert_eq!(verify(&message, &seal, b"another scope"), Err(()));
    }
}

#[test]
fn it_signs_the_same_bytes() {
    for (sample, seal) in samples::all_sealed() {
        let theirs = sign(&seal.payload, seal.signer, seal.context, &seal.scope);
        assert_eq!(theirs, sample.bytes, "{}", sample.name);
    }
}

#[test]
fn it_reads_every_item_and_writes_the_same_bytes() {
    for sample in samples::all() {
        let items = match &sample.seal {
            Some(seal) => seal.payload.clone(),
            None => sample.bytes.clone(),
        };
        let value = Value::from_slice(&items).unwrap();
        check_deterministic(&value, sample.name);
        assert_eq!(value.to_vec().unwrap(), items, "{}", sample.name);
    }
}

fn verify(message: &CoseSign1, seal: &Seal, scope: &[u8]) -> Result<(), ()> {
    let public = seal.signer.key().public();
    message.verify_signature(&external_aad(seal.context, scope), |signature, data| {
        UnparsedPublicKey::new(&ED25519, public.as_bytes())
            .verify(data, signature)
            .map_err(|_| ())
    })
}

/// No floating-point number, no tag, and the keys of every map ascend by their encoding.
fn check_deterministic(value: &Value, name: &str) {
    match value {
        Value::Array(items) => items
            .iter()
            .for_each(|item| check_deterministic(item, name)),
        Value::Map(entries) => {
            let keys: Vec<_> = entries
                .iter()
                .map(|(key, _)| key.clone().to_vec().unwrap())
                .collect();
            assert!(
                keys.is_sorted_by(|one, next| one < next),
                "{name}: {keys:?}"
            );
            entries
                .iter()
                .for_each(|(_, value)| check_deterministic(value, name));
        }
        Value::Integer(_) | Value::Bytes(_) | Value::Text(_) | Value::Bool(_) => {}
        Value::Float(_) | Value::Null | Value::Tag(..) | _ => panic!("{name}: {value:?}"),
    }
}
