//! Sealing of member data at rest: AES-256-GCM under a key from the key store.

use std::fmt;

use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};

/// Key that member data is sealed with; kept in the key store, never in the folder.
#[derive(Clone, Copy)]
pub struct SealKey([u8; Self::LEN]);

impl SealKey {
    /// Length in bytes.
    pub const LEN: usize = 32;

    /// Length of [`Self::name`] in bytes.
    pub(crate) const NAME_LEN: usize = 4;

    /// Tells one key from another without telling anything of it.
    pub(crate) fn name(&self) -> [u8; Self::NAME_LEN] {
        let named = [b"dashpoint/seal-key/v1", &self.0[..]].concat();
        let digest = dashpoint_wire::digest(&named);
        [digest[0], digest[1], digest[2], digest[3]]
    }

    /// Takes the bytes as they are.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; Self::LEN]) -> Self {
        Self(bytes)
    }
}

impl fmt::Debug for SealKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SealKey(..)")
    }
}

/// Gives a nonce that was never given before, or `None` when the randomness of the system fails.
pub type NonceSource = Box<dyn FnMut() -> Option<[u8; NONCE_LEN]> + Send>;

/// Seals `plain`: nonce, ciphertext, tag. `about` is authenticated and not contained.
pub(crate) fn seal(
    key: &SealKey,
    nonce: [u8; NONCE_LEN],
    about: &[u8],
    plain: &[u8],
) -> Option<Vec<u8>> {
    let mut text = plain.to_vec();
    cipher(key)?
        .seal_in_place_append_tag(
            Nonce::assume_unique_for_key(nonce),
            Aad::from(about),
            &mut text,
        )
        .ok()?;
    let mut sealed = nonce.to_vec();
    sealed.append(&mut text);
    Some(sealed)
}

/// Opens what [`seal`] made; `None` for another key, another `about` or changed bytes.
pub(crate) fn unseal(key: &SealKey, about: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
    let (nonce, text) = sealed.split_at_checked(NONCE_LEN)?;
    let mut text = text.to_vec();
    let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
    let plain = cipher(key)?
        .open_in_place(nonce, Aad::from(about), &mut text)
        .ok()?;
    Some(plain.to_vec())
}

fn cipher(key: &SealKey) -> Option<LessSafeKey> {
    UnboundKey::new(&AES_256_GCM, &key.0)
        .ok()
        .map(LessSafeKey::new)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_same_key_and_subject_open_unchanged_bytes() {
        let key = SealKey::from_bytes([7; 32]);
        let sealed = seal(&key, [1; NONCE_LEN], b"row", b"name").unwrap();
        assert_eq!(unseal(&key, b"row", &sealed).as_deref(), Some(&b"name"[..]));
        assert_eq!(unseal(&SealKey::from_bytes([8; 32]), b"row", &sealed), None);
        assert_eq!(unseal(&key, b"other", &sealed), None);
        for at in 0..sealed.len() {
            let mut flipped = sealed.clone();
            flipped[at] ^= 1;
            assert_eq!(unseal(&key, b"row", &flipped), None, "byte {at}");
            assert_eq!(unseal(&key, b"row", &sealed[..at]), None, "cut at {at}");
        }
    }

    #[test]
    fn a_key_is_not_printed() {
        assert_eq!(
            format!("{:?}", SealKey::from_bytes([0x42; 32])),
            "SealKey(..)"
        );
    }
}
