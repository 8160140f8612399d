//! Randomness for the edges of the head unit: the system's, or that of a simulated one.

use std::fmt;

use ring::rand::{SecureRandom, SystemRandom};

/// Fills the bytes and says whether it could.
type Fill = dyn FnMut(&mut [u8]) -> bool + Send;

/// A source of randomness.
pub struct Chance(Box<Fill>);

impl Chance {
    /// The system's.
    #[must_use]
    pub fn system() -> Self {
        Self::from_fn(|out| SystemRandom::new().fill(out).is_ok())
    }

    /// Randomness that somebody else gives: fills the bytes and says whether it could.
    #[must_use]
    pub fn from_fn(fill: impl FnMut(&mut [u8]) -> bool + Send + 'static) -> Self {
        Self(Box::new(fill))
    }

    /// Fills an array with random bytes; `None` when there are none to be had.
    #[must_use]
    pub fn bytes<const N: usize>(&mut self) -> Option<[u8; N]> {
        let mut bytes = [0; N];
        (self.0)(&mut bytes).then_some(bytes)
    }

    /// Random bits that only spread retries: zero when there are none to be had.
    #[must_use]
    pub fn spread(&mut self) -> u64 {
        self.bytes().map_or(0, u64::from_le_bytes)
    }
}

impl fmt::Debug for Chance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Chance")
    }
}

/// Fills an array with the system's random bytes; `None` when it gives none.
#[must_use]
pub fn bytes<const N: usize>() -> Option<[u8; N]> {
    Chance::system().bytes()
}
