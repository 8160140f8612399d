//! Damaged bytes are refused, whichever byte it is, and nothing panics.

use dashpoint_wire::{SigningKey, WireError};

use crate::samples::{self, Signer};

/// Bits that are flipped in each byte: every one of small vectors, three of the large ones.
fn masks(len: usize) -> &'static [u8] {
    if len <= 1_024 {
        &[1, 2, 4, 8, 16, 32, 64, 128]
    } else {
        &[1, 32, 128]
    }
}

#[test]
fn a_signed_thing_with_any_byte_flipped_is_refused() {
    for (sample, seal) in samples::all_sealed() {
        let key = seal.signer.key().public();
        for at in 0..sample.bytes.len() {
            for mask in masks(sample.bytes.len()) {
                let mut damaged = sample.bytes.clone();
                damaged[at] ^= mask;
                let refused = (seal.verify)(&damaged, &key);
                assert!(refused.is_err(), "{} byte {at} ^ {mask}", sample.name);
            }
        }
    }
}

#[test]
fn a_signed_thing_cut_or_lengthened_is_refused() {
    for (sample, seal) in samples::all_sealed() {
        let key = seal.signer.key().public();
        for len in 0..sample.bytes.len() {
            let refused = (seal.verify)(&sample.bytes[..len], &key);
            assert!(refused.is_err(), "{} cut to {len}", sample.name);
        }
        let longer = [&sample.bytes[..], &[0]].concat();
        assert_eq!((seal.verify)(&longer, &key), Err(WireError::NotCanonical));
    }
}

/// Without a signature a flipped byte may make another value, but then it is that value's one encoding.
#[test]
fn an_unsigned_thing_with_any_byte_flipped_is_refused_or_says_something_else() {
    for sample in samples::all() {
        let bytes = sample
            .seal
            .as_ref()
            .map_or(&sample.bytes, |seal| &seal.payload);
        let mut refused = 0;
        for at in 0..bytes.len() {
            for mask in masks(bytes.len()) {
                let mut damaged = bytes.clone();
                damaged[at] ^= mask;
                match (sample.reread)(&damaged) {
                    Ok(again) => assert_eq!(again, damaged, "{} byte {at} ^ {mask}", sample.name),
                    Err(_) => refused += 1,
                }
            }
        }
        assert!(refused > 0, "{}", sample.name);
        for len in 0..bytes.len() {
            let cut = (sample.reread)(&bytes[..len]);
            assert!(cut.is_err(), "{} cut to {len}", sample.name);
        }
    }
}

#[test]
fn another_key_is_refused() {
    let other = SigningKey::from_seed(&[3; 32]).public();
    for (sample, seal) in samples::all_sealed() {
        assert_eq!(
            (seal.verify)(&sample.bytes, &other),
            Err(WireError::WrongKey),
            "{}",
            sample.name
        );
    }
}

/// Each kind of signed thing is refused where another kind is expected, even when its scope and signer fit.
#[test]
fn a_signature_serves_for_one_purpose_only() {
    let sealed = samples::all_sealed();
    let mut tried = 0;
    for (sample, seal) in &sealed {
        for (other, other_seal) in &sealed {
            let same_ends = seal.signer == other_seal.signer && seal.scope == other_seal.scope;
            if same_ends && seal.context != other_seal.context {
                let key = seal.signer.key().public();
                let refused = (other_seal.verify)(&sample.bytes, &key);
                assert_eq!(
                    refused,
                    Err(WireError::BadSignature),
                    "{} as {}",
                    sample.name,
                    other.name
                );
                tried += 1;
            }
        }
    }
    assert!(tried > 20, "{tried}");
    assert_ne!(Signer::Car.key().public(), Signer::Cloud.key().public());
}
