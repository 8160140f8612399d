//! One example of everything that is signed or sent, the same on every run.

mod account;
mod documents;
mod entries;
mod messages;
mod policy;

use dashpoint_membership::{
    BindingId, DeviceId, DriverTag, EntryHash, MemberId, ServerTime, VehicleId,
};
use dashpoint_wire::{
    Cbor, PublicKey, Scope, Signable, Signed, SigningKey, WireError, decode, encode,
};

type Verify = Box<dyn Fn(&[u8], &PublicKey) -> Result<(), WireError>>;

pub use account::statement;
pub use documents::receipt;
pub use entries::trip_entry;
pub use messages::verdicts;
pub use policy::policy;

/// 2026-11-22T08:00:00Z.
pub const NOW: ServerTime = ServerTime::from_unix_s(1_795_334_400);
pub const DEVICE: DeviceId = DeviceId::from_bytes([0xd0; 16]);
pub const MEMBER: MemberId = MemberId::from_bytes([0xa0; 16]);
pub const VEHICLE: VehicleId = VehicleId::from_bytes([0xc0; 16]);
pub const BINDING: BindingId = BindingId::from_bytes([0xb0; 16]);
pub const DRIVER: DriverTag = DriverTag::from_bytes([0xdd; 16]);
pub const HASH: EntryHash = EntryHash::from_bytes([0xee; 32]);

/// Who signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signer {
    Car,
    Cloud,
}

impl Signer {
    /// The seeds are 32 times 0x01 for the car and 32 times 0x02 for the cloud.
    pub fn key(self) -> SigningKey {
        match self {
            Self::Car => SigningKey::from_seed(&[1; 32]),
            Self::Cloud => SigningKey::from_seed(&[2; 32]),
        }
    }

    pub const fn name(self) -> &'static str {
        match self {
            Self::Car => "car",
            Self::Cloud => "cloud",
        }
    }
}

/// Bytes with a name, and what reads them.
pub struct Sample {
    pub name: &'static str,
    pub bytes: Vec<u8>,
    pub seal: Option<Seal>,
    /// Reads the payload, or the whole when it is not signed, and writes it again.
    pub reread: fn(&[u8]) -> Result<Vec<u8>, WireError>,
}

/// How a sample is signed.
pub struct Seal {
    pub signer: Signer,
    pub context: &'static str,
    pub scope: Vec<u8>,
    pub max_len: usize,
    pub payload: Vec<u8>,
    /// Verifies bytes under any key for this purpose and scope.
    pub verify: Verify,
}

fn plain<T: Cbor>(name: &'static str, value: &T) -> Sample {
    Sample {
        name,
        bytes: encode(value),
        seal: None,
        reread: reread::<T>,
    }
}

fn sealed<T>(name: &'static str, signer: Signer, body: &T, scope: T::Scope) -> Sample
where
    T: Signable + Clone + PartialEq + std::fmt::Debug + 'static,
    T::Scope: 'static,
{
    let payload = encode(body);
    let signed = Signed::sign(body.clone(), &signer.key(), &scope).unwrap();
    assert_eq!(signed.body(), body);
    Sample {
        name,
        bytes: signed.raw().to_vec(),
        reread: reread::<T>,
        seal: Some(Seal {
            signer,
            context: T::CONTEXT,
            scope: scope.as_scope().to_vec(),
            max_len: T::MAX_LEN,
            payload,
            verify: Box::new(move |raw, key| {
                let signed = Signed::<T>::verify(raw, key, &scope)?;
                assert_eq!(signed.raw(), raw);
                Ok(())
            }),
        }),
    }
}

fn reread<T: Cbor>(bytes: &[u8]) -> Result<Vec<u8>, WireError> {
    decode::<T>(bytes).map(|value| encode(&value))
}

/// All samples, in the order of their names.
pub fn all() -> Vec<Sample> {
    let mut samples = Vec::new();
    samples.extend(entries::samples());
    samples.extend(documents::samples());
    samples.extend(messages::samples());
    samples.sort_by_key(|sample| sample.name);
    samples
}

/// Those of [`all`] that are signed.
pub fn all_sealed() -> Vec<(Sample, Seal)> {
    all()
        .into_iter()
        .filter_map(|mut sample| sample.seal.take().map(|seal| (sample, seal)))
        .collect()
}
