//! The key store: the device's signing key and the key that seals member data at rest.
//!
//! Files of mode 0600 in the data folder. A head unit with a secure element puts the same two keys there.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use dashpoint_store::SealKey;
use dashpoint_wire::SigningKey;
use ring::rand::{SecureRandom, SystemRandom};

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
    /// The system gave no randomness.
    #[error("the system gave no randomness")]
    NoRandomness,
}

/// The keys of one head unit.
#[derive(Debug)]
pub struct KeyStore {
    folder: PathBuf,
}

impl KeyStore {
    /// The keys in a folder, which is made if it is missing.
    ///
    /// # Errors
    /// [`KeyError::Io`].
    pub fn open(folder: &Path) -> Result<Self, KeyError> {
        fs::create_dir_all(folder).map_err(|source| KeyError::Io {
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

    /// The key that member data is sealed with, made now if there is none.
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn seal_key(&self) -> Result<SealKey, KeyError> {
        let path = self.folder.join(SEAL_KEY);
        if let Some(bytes) = read(&path)? {
            let bytes: [u8; 32] = bytes.try_into().map_err(|_| KeyError::NotAKey { path })?;
            return Ok(SealKey::from_bytes(bytes));
        }
        let mut bytes = [0; 32];
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
        keys.seal_key().unwrap();
        for name in [DEVICE_KEY, SEAL_KEY] {
            let mode = fs::metadata(folder.path().join(name))
                .unwrap()
                .permissions()
                .mode();
            assert_eq!(mode & 0o777, 0o600, "{name}");
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
