//! The key store: the device's signing key and the key that seals member data at rest.
//!
//! Files of mode 0600 in the data folder. A head unit with a secure element puts the same two keys there.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use dashpoint_store::SealKey;
use dashpoint_wire::{PublicKey, SigningKey};
use ring::rand::{SecureRandom, SystemRandom};
use serde::Serialize;

const DEVICE_KEY: &str = "device.key";
const SEAL_KEY: &str = "seal.key";

/// Reasons that a key could not be loaded or made.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The file cannot be read or written.
    #[error("{}: the key cannot be read or written", path.display())]
    Io {
        /// Path of the file.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// The file is not a key.
    #[error("{}: not a key; it is left as it is", path.display())]
    NotAKey {
        /// Path of the file.
        path: PathBuf,
    },
    /// There is no file.
    #[error("{}: there is no key", path.display())]
    Missing {
        /// Path of the file.
        path: PathBuf,
    },
    /// The key is not the one that the device certificate names.
    #[error("{}: the key of another device; it is left as it is", path.display())]
    OtherDevice {
        /// Path of the file.
        path: PathBuf,
    },
    /// The system gave no randomness.
    #[error("the system gave no randomness")]
    NoRandomness,
}

/// An enrolment whose device key cannot be used, with the two ways out.
#[derive(Debug, thiserror::Error)]
#[error(
    "this head unit is enrolled already, and its device key is not usable; put the key back, and what waits is signed; if it is \
     lost, give another data folder and enrol anew: what is confirmed stays with the member, and this folder keeps the rest \
     for service"
)]
pub struct EnrolledWithoutKey(#[source] pub KeyError);

/// The fitness of a key, as it is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum KeyState {
    /// It is there and of this head unit.
    Good,
    /// There is no file.
    Missing,
    /// The file cannot be read.
    Unreadable,
    /// The file is no key.
    NotAKey,
    /// It is the key of another device.
    OfAnotherDevice,
}

impl KeyState {
    /// The state of a key that was asked for.
    #[must_use]
    pub const fn of<T>(asked: &Result<T, KeyError>) -> Self {
        match asked {
            Ok(_) => Self::Good,
            Err(KeyError::Missing { .. }) => Self::Missing,
            Err(KeyError::Io { .. } | KeyError::NoRandomness) => Self::Unreadable,
            Err(KeyError::NotAKey { .. }) => Self::NotAKey,
            Err(KeyError::OtherDevice { .. }) => Self::OfAnotherDevice,
        }
    }
}

/// The keys of one head unit.
#[derive(Debug)]
pub struct KeyStore {
    folder: PathBuf,
}

impl KeyStore {
    /// The keys in a folder, which is made if it is missing, for its owner alone.
    ///
    /// # Errors
    /// [`KeyError::Io`].
    pub fn open(folder: &Path) -> Result<Self, KeyError> {
        let made = DirBuilder::new().recursive(true).mode(0o700).create(folder);
        made.map_err(|source| KeyError::Io {
            path: folder.to_owned(),
            source,
        })?;
        Ok(Self {
            folder: folder.to_owned(),
        })
    }

    /// The device's signing key, if there is one.
    ///
    /// # Errors
    /// [`KeyError`] when there is a file that cannot be used.
    pub fn device_key(&self) -> Result<Option<SigningKey>, KeyError> {
        let path = self.folder.join(DEVICE_KEY);
        let Some(pkcs8) = read(&path)? else {
            return Ok(None);
        };
        SigningKey::from_pkcs8(&pkcs8)
            .map(Some)
            .map_err(|_| KeyError::NotAKey { path })
    }

    /// The device's signing key, made now if there is none.
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn device_key_or_new(&self) -> Result<SigningKey, KeyError> {
        if let Some(key) = self.device_key()? {
            return Ok(key);
        }
        let path = self.folder.join(DEVICE_KEY);
        let pkcs8 = SigningKey::generate().map_err(|_| KeyError::NoRandomness)?;
        write_new(&path, &pkcs8)?;
        SigningKey::from_pkcs8(&pkcs8).map_err(|_| KeyError::NotAKey { path })
    }

    /// The device's signing key, which must be the one that its certificate names.
    ///
    /// # Errors
    /// [`KeyError`]; [`KeyError::Missing`] and [`KeyError::OtherDevice`] too.
    pub fn certified_key(&self, certified: &PublicKey) -> Result<SigningKey, KeyError> {
        let path = self.folder.join(DEVICE_KEY);
        match self.device_key()? {
            Some(key) if key.public() == *certified => Ok(key),
            Some(_) => Err(KeyError::OtherDevice { path }),
            None => Err(KeyError::Missing { path }),
        }
    }

    /// The key that member data is sealed with, for a reader, which makes none.
    ///
    /// # Errors
    /// [`KeyError`]; [`KeyError::Missing`] too.
    pub fn seal_key(&self) -> Result<SealKey, KeyError> {
        let path = self.folder.join(SEAL_KEY);
        let bytes = read(&path)?.ok_or_else(|| KeyError::Missing { path: path.clone() })?;
        let bytes = <[u8; SealKey::LEN]>::try_from(bytes);
        bytes
            .map(SealKey::from_bytes)
            .map_err(|_| KeyError::NotAKey { path })
    }

    /// The key that member data is sealed with, made now if there is none, or nothing that could be one.
    ///
    /// A file of another length holds no key, and what was sealed under a lost one is lost with it: the file is set
    /// aside, and statements come again at the next contact. No point depends on the key.
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn seal_key_or_new(&self) -> Result<SealKey, KeyError> {
        let path = self.folder.join(SEAL_KEY);
        match self.seal_key() {
            Err(KeyError::NotAKey { .. }) => {
                let kept_as = set_aside(&path)?;
                tracing::error!(
                    kept_as = %kept_as.display(),
                    "the seal key is not a key: it is set aside and a new one is made; statements come again at the \
                     next contact, private evidence that was sealed before stays closed"
                );
            }
            Err(KeyError::Missing { .. }) => {}
            done => return done,
        }
        let mut bytes = [0; SealKey::LEN];
        SystemRandom::new()
            .fill(&mut bytes)
            .map_err(|_| KeyError::NoRandomness)?;
        write_new(&path, &bytes)?;
        Ok(SealKey::from_bytes(bytes))
    }
}

fn read(path: &Path) -> Result<Option<Vec<u8>>, KeyError> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(KeyError::Io {
            path: path.to_owned(),
            source,
        }),
    }
}

/// Renames a file that is no key to the first free name, such as `seal.key.unusable-1`.
fn set_aside(path: &Path) -> Result<PathBuf, KeyError> {
    let failed = |source| KeyError::Io {
        path: path.to_owned(),
        source,
    };
    let name = |number: u32| {
        let mut name = path.as_os_str().to_owned();
        name.push(format!(".unusable-{number}"));
        PathBuf::from(name)
    };
    let aside = (1..)
        .map(name)
        .find(|aside| !aside.exists())
        .ok_or_else(|| failed(io::Error::from(io::ErrorKind::AlreadyExists)))?;
    fs::rename(path, &aside).map_err(failed)?;
    Ok(aside)
}

/// A key must be on the disk before anything is signed with it: a power cut must not leave entries without their key.
fn write_new(path: &Path, bytes: &[u8]) -> Result<(), KeyError> {
    let draft = path.with_extension("new");
    let write = || {
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&draft)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&draft, path)?;
        path.parent()
            .map_or(Ok(()), |folder| File::open(folder)?.sync_all())
    };
    write().map_err(|source| KeyError::Io {
        path: path.to_owned(),
        source,
    })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn keys_are_made_once_and_are_private() {
        let folder = tempfile::tempdir().unwrap();
        let keys = KeyStore::open(folder.path()).unwrap();
        assert!(keys.device_key().unwrap().is_none());
        let made = keys.device_key_or_new().unwrap().public();
        assert_eq!(keys.device_key_or_new().unwrap().public(), made);
        assert!(matches!(keys.seal_key(), Err(KeyError::Missing { .. })));
        keys.seal_key_or_new().unwrap();
        for name in [DEVICE_KEY, SEAL_KEY] {
            let mode = fs::metadata(folder.path().join(name))
                .unwrap()
                .permissions()
                .mode();
            assert_eq!(mode & 0o777, 0o600, "{name}");
        }
    }

    #[test]
    fn only_the_key_of_the_certificate_is_given_for_signing() {
        let folder = tempfile::tempdir().unwrap();
        let keys = KeyStore::open(folder.path()).unwrap();
        let own = SigningKey::from_seed(&[1; 32]).public();
        let missing = keys.certified_key(&own);
        assert!(matches!(missing, Err(KeyError::Missing { .. })));
        let made = keys.device_key_or_new().unwrap().public();
        assert_eq!(keys.certified_key(&made).unwrap().public(), made);
        let other = keys.certified_key(&own);
        assert!(matches!(other, Err(KeyError::OtherDevice { .. })));
    }

    #[test]
    fn a_seal_key_that_cannot_be_one_is_set_aside_for_a_new_one() {
        let folder = tempfile::tempdir().unwrap();
        let keys = KeyStore::open(folder.path()).unwrap();
        for (number, spoilt) in [(1, &b""[..]), (2, b"spoilt")] {
            fs::write(folder.path().join(SEAL_KEY), spoilt).unwrap();
            assert!(matches!(keys.seal_key(), Err(KeyError::NotAKey { .. })));
            keys.seal_key_or_new().unwrap();
            keys.seal_key().unwrap();
            let aside = folder.path().join(format!("seal.key.unusable-{number}"));
            assert_eq!(fs::read(aside).unwrap(), spoilt);
        }
    }

    #[test]
    fn a_spoilt_key_is_refused_and_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let keys = KeyStore::open(folder.path()).unwrap();
        fs::write(folder.path().join(DEVICE_KEY), b"spoilt").unwrap();
        assert!(matches!(
            keys.device_key_or_new(),
            Err(KeyError::NotAKey { .. })
        ));
        assert_eq!(fs::read(folder.path().join(DEVICE_KEY)).unwrap(), b"spoilt");
    }
}
