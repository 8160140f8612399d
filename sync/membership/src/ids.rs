//! Identities: who, which device, which entry.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A text that is not the identity it should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not {what}: one has {expected}")]
pub struct ParseIdError {
    /// Kind of the identity, with its article.
    what: &'static str,
    expected: &'static str,
    text: String,
}

macro_rules! byte_id {
    ($(#[$doc:meta])* $name:ident, $len:literal, $what:literal, $digits:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; $len]);

        impl $name {
            /// Length in bytes.
            pub const LEN: usize = $len;

            /// Takes the bytes as they are.
            #[must_use]
            pub const fn from_bytes(bytes: [u8; $len]) -> Self {
                Self(bytes)
            }

            /// The bytes as they are.
            #[must_use]
            pub const fn as_bytes(&self) -> &[u8; $len] {
                &self.0
            }
        }

        const _: () = assert!($digits == 2 * $len);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }

        impl FromStr for $name {
            type Err = ParseIdError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                let mut bytes = [0; $len];
                parse_hex(text, &mut bytes).ok_or_else(|| ParseIdError {
                    what: $what,
                    expected: concat!($digits, " hexadecimal digits, in lower case"),
                    text: text.to_owned(),
                })?;
                Ok(Self(bytes))
            }
        }

        impl Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

byte_id!(
    /// One person across vehicles and brands (One-ID); chosen by the cloud.
    MemberId,
    16,
    "the id of a member",
    32
);
byte_id!(
    /// One enrolled head unit; chosen by the cloud at enrolment.
    DeviceId,
    16,
    "the id of a device",
    32
);
byte_id!(
    /// One vehicle: a keyed digest of the VIN, which stays in the car.
    VehicleId,
    16,
    "the id of a vehicle",
    32
);
byte_id!(
    /// The random pseudonym under which one member's entries travel from one device.
    BindingId,
    16,
    "the id of a binding",
    32
);
byte_id!(
    /// The driver as the vehicle's bus names him: a keyed digest of issuer and subject, which stay in the car.
    DriverTag,
    16,
    "a driver's tag",
    32
);
byte_id!(
    /// SHA-256 of an entry's raw signed bytes (for the first entry of an epoch, `prev` is that of the epoch's grant).
    EntryHash,
    32,
    "the hash of an entry",
    64
);
byte_id!(
    /// SHA-256 over 16 random bytes and the private evidence that stays in the car.
    EvidenceDigest,
    32,
    "the digest of evidence",
    64
);

macro_rules! number_id {
    ($(#[$doc:meta])* $name:ident, $repr:ty) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name($repr);

        impl $name {
            /// Wraps the number.
            #[must_use]
            pub const fn new(number: $repr) -> Self {
                Self(number)
            }

            /// The number.
            #[must_use]
            pub const fn get(self) -> $repr {
                self.0
            }

            /// The number after this one; stays at the last one there is.
            #[must_use]
            pub const fn next(self) -> Self {
                Self(self.0.saturating_add(1))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

number_id!(
    /// One life of a device's chain, opened by the cloud; the first is 1.
    Epoch,
    u32
);
number_id!(
    /// Place of an entry in its epoch: from 1, without gaps. 0 stands for "none yet".
    Seq,
    u64
);
number_id!(
    /// Version of the policy bundle; the cloud never lowers it.
    PolicyVersion,
    u32
);
number_id!(
    /// Version of the catalogue; the cloud never lowers it.
    CatalogueVersion,
    u32
);
number_id!(
    /// Raised when the cloud was restored from a backup, so that its older word is never taken for a newer one.
    ServerEpoch,
    u32
);
number_id!(
    /// Counts every change of one member's account; a statement with a lower one is ignored.
    LedgerVersion,
    u64
);

macro_rules! name_id {
    ($(#[$doc:meta])* $name:ident, $what:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// Longest name in bytes.
            pub const MAX_LEN: usize = 48;

            /// Takes a name of 1 to 48 characters out of `a-z`, `0-9` and `-`.
            ///
            /// # Errors
            /// [`ParseIdError`] when it has none, more, or others.
            pub fn new(name: impl Into<String>) -> Result<Self, ParseIdError> {
                let name = name.into();
                let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
                if (1..=Self::MAX_LEN).contains(&name.len()) && name.bytes().all(allowed) {
                    Ok(Self(name))
                } else {
                    Err(ParseIdError {
                        what: $what,
                        expected: "1 to 48 characters out of a-z, 0-9 and -",
                        text: name,
                    })
                }
            }

            /// The name as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl FromStr for $name {
            type Err = ParseIdError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Self::new(text)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                Self::new(String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
            }
        }
    };
}

name_id!(
    /// Names an earning rule of the policy.
    RuleId,
    "the id of a rule"
);
name_id!(
    /// Names a cap of the policy.
    CapId,
    "the id of a cap"
);
name_id!(
    /// Names a benefit of the catalogue.
    BenefitId,
    "the id of a benefit"
);
name_id!(
    /// Names a tier of the policy.
    TierId,
    "the id of a tier"
);

/// Identity of an entry and its idempotency key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct EntryRef {
    /// The device that signed it.
    pub device: DeviceId,
    /// The life of that device's chain.
    pub epoch: Epoch,
    /// The place in it.
    pub seq: Seq,
}

impl fmt::Display for EntryRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}-{}", self.device, self.epoch, self.seq)
    }
}

fn parse_hex(text: &str, out: &mut [u8]) -> Option<()> {
    let digits = text.as_bytes();
    if digits.len() != out.len() * 2 {
        return None;
    }
    for (byte, pair) in out.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = nibble(pair[0])? << 4 | nibble(pair[1])?;
    }
    Some(())
}

const fn nibble(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_reads_what_it_writes_and_nothing_else() {
        let id = MemberId::from_bytes(
            *b"\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\xff",
        );
        assert_eq!(id.to_string(), "000102030405060708090a0b0c0d0eff");
        assert_eq!(id.to_string().parse(), Ok(id));
        for bad in [
            "",
            "00",
            "000102030405060708090A0B0C0D0EFF",
            "g00102030405060708090a0b0c0d0eff",
        ] {
            assert!(bad.parse::<MemberId>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_name_is_short_and_plain() {
        assert_eq!(
            RuleId::new("safe-trip").map(|id| id.to_string()),
            Ok("safe-trip".to_owned())
        );
        for bad in ["", "Safe", "safe trip", &"x".repeat(49)] {
            assert!(RuleId::new(bad).is_err(), "{bad}");
        }
    }
}
