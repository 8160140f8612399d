//! The operator's salt: without it nobody can look a VIN or a phone number up in a table of names that left a car.

use std::fmt;
use std::str::FromStr;

use data_encoding::HEXLOWER;
use ring::hmac;

use crate::key::{PublicKey, SigningKey};

/// The secret under which vehicles and drivers get the names that leave the car.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct NameSalt([u8; 32]);

impl NameSalt {
    /// Takes the bytes of a salt.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Makes the first 16 bytes of HMAC-SHA256 over the parts, each behind its length in bytes as eight big-endian bytes.
    #[must_use]
    pub fn name(&self, parts: &[&[u8]]) -> [u8; 16] {
        let mut context = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, &self.0));
        for part in parts {
            context.update(&(part.len() as u64).to_be_bytes());
            context.update(part);
        }
        let mut first = [0; 16];
        first.copy_from_slice(&context.sign().as_ref()[..16]);
        first
    }
}

impl fmt::Debug for NameSalt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NameSalt(..)")
    }
}

impl SigningKey {
    /// Derives the salt that belongs to a cloud's key: SHA-256 of its signature over `dashpoint/salt/v1`.
    ///
    /// It is the same as long as the key is, so no backup, restore or move can part them, and only the key gives it.
    #[must_use]
    pub fn name_salt(&self) -> NameSalt {
        NameSalt(crate::digest(&self.sign(b"dashpoint/salt/v1")))
    }
}

/// The part of a cloud that a car is configured with: its public key and its salt, written `KEY.SALT` in hex.
///
/// Configurations that were written before there was a salt have the key alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CloudKey {
    /// Verifies what the cloud signs.
    pub public: PublicKey,
    /// Keys the names of vehicles and drivers.
    pub salt: Option<NameSalt>,
}

impl fmt::Display for CloudKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.public)?;
        self.salt
            .map_or(Ok(()), |salt| write!(f, ".{}", HEXLOWER.encode(&salt.0)))
    }
}

/// A text that is no cloud's key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a cloud's key: it is KEY.SALT, each of 64 hexadecimal digits, in lower case")]
pub struct ParseCloudKeyError;

impl FromStr for CloudKey {
    type Err = ParseCloudKeyError;

    fn from_str(text: &str) -> Result<Self, ParseCloudKeyError> {
        let (public, salt) = match text.split_once('.') {
            Some((public, salt)) => (public, Some(salt)),
            None => (text, None),
        };
        let bytes = |salt: &str| {
            let bytes = HEXLOWER.decode(salt.as_bytes()).ok()?;
            Some(NameSalt(bytes.try_into().ok()?))
        };
        Ok(Self {
            public: public.parse().map_err(|_| ParseCloudKeyError)?,
            salt: salt
                .map(|salt| bytes(salt).ok_or(ParseCloudKeyError))
                .transpose()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_the_hmac_of_its_parts() {
        // Python: hmac.new(bytes([7]) * 32, data, "sha256").hexdigest()[:32], each part behind its length.
        let salt = NameSalt::from_bytes([7; 32]);
        let vehicle = salt.name(&[b"dashpoint/vehicle/v2", b"LDPTEST0000000001"]);
        assert_eq!(
            HEXLOWER.encode(&vehicle),
            "7a9fd66ef66a0a644883a821e4c973d9"
        );
        let driver = salt.name(&[b"dashpoint/driver/v2", b"https://id.example", b"42"]);
        assert_eq!(HEXLOWER.encode(&driver), "98e48c70f9075cd6fef19e8780aa3808");
        assert_ne!(salt.name(&[b"ab", b"c"]), salt.name(&[b"a", b"bc"]));
        let other = NameSalt::from_bytes([8; 32]);
        assert_ne!(other.name(&[b"a"]), salt.name(&[b"a"]));
    }

    #[test]
    fn a_clouds_key_is_read_as_it_is_written() {
        let key = SigningKey::from_seed(&[2; 32]);
        let whole = CloudKey {
            public: key.public(),
            salt: Some(key.name_salt()),
        };
        assert_eq!(whole.to_string().parse(), Ok(whole));
        assert_eq!(whole.to_string().len(), 129);
        let old = CloudKey {
            salt: None,
            ..whole
        };
        assert_eq!(key.public().to_string().parse(), Ok(old));
        assert_eq!(key.name_salt(), SigningKey::from_seed(&[2; 32]).name_salt());
        assert_ne!(key.name_salt(), SigningKey::from_seed(&[3; 32]).name_salt());
        assert_eq!(format!("{:?}", key.name_salt()), "NameSalt(..)");
        let public = key.public();
        for bad in [
            String::new(),
            "00ff".to_owned(),
            format!("{public}."),
            format!("{public}.00"),
            format!(".{public}"),
            format!("{public}.{public}.{public}"),
            format!("{public}.{}", public.to_string().to_uppercase()),
        ] {
            assert_eq!(bad.parse::<CloudKey>(), Err(ParseCloudKeyError), "{bad}");
        }
    }
}
