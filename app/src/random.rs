//! The system's randomness, for the edges of the head unit.

use ring::rand::{SecureRandom, SystemRandom};

/// Fills an array with random bytes; `None` when the system gives none.
#[must_use]
pub fn bytes<const N: usize>() -> Option<[u8; N]> {
    let mut bytes = [0; N];
    SystemRandom::new().fill(&mut bytes).ok()?;
    Some(bytes)
}

/// Random bits that only spread retries: zero when the system gives none.
#[must_use]
pub fn spread() -> u64 {
    bytes().map_or(0, u64::from_le_bytes)
}
