//! The one source of chance of a seed (SplitMix64): the same seed lives the same life.

/// SplitMix64, Steele et al. 2014.
#[derive(Debug, Clone)]
pub struct SeededRandom(u64);

impl SeededRandom {
    /// The chance of a seed.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Sixty-four even bits.
    pub const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number in `from..below`; `from` when that is empty.
    pub const fn range(&mut self, from: u64, below: u64) -> u64 {
        let span = below.saturating_sub(from);
        if span == 0 {
            return from;
        }
        from + self.next() % span
    }

    /// Returns true one time in so many; never for 0.
    pub const fn one_in(&mut self, times: u64) -> bool {
        times > 0 && self.next().is_multiple_of(times)
    }

    /// Returns true with that probability, in thousandths.
    pub const fn permille(&mut self, often: u64) -> bool {
        self.next() % 1_000 < often
    }

    /// A source of its own, so that what draws from it disturbs nothing else.
    pub const fn branch(&mut self) -> Self {
        Self(self.next())
    }

    /// Fills bytes.
    pub fn fill(&mut self, out: &mut [u8]) {
        for chunk in out.chunks_mut(8) {
            let bits = self.next().to_le_bytes();
            chunk.copy_from_slice(&bits[..chunk.len()]);
        }
    }

    /// An array of random bytes.
    pub fn bytes<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        self.fill(&mut bytes);
        bytes
    }
}
