//! Randomness from one seed, paired between runs that differ in policy.
//!
//! Two policies are compared on the same schedule and the same latencies only if a draw does not
//! depend on how many draws came before it. So there are two kinds:
//!
//! - a *keyed draw*, [`Seed::draw`], is a function of the seed, a concern and two keys. The jitter of
//!   message X on link Y is the same whatever else was sent;
//! - a [`Stream`] is a generator of its own for each concern and key (a node, a link), for sequences
//!   whose order is fixed by that concern alone.
//!
//! Either gives a word of 64 random bits; [`draw`](super::draw) turns words into distributions.

use core::fmt;

use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{Rng, SeedableRng};

/// What a draw is for. Draws of one concern never move those of another.
///
/// The numbers are part of the golden traces: add at the end, never reuse.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u64)]
#[non_exhaustive]
pub enum Concern {
    /// Who is whose peer.
    Topology = 1,
    /// Which region, bandwidth and degree a node has.
    Regions = 2,
    /// The lasting latency of a link.
    Latency = 3,
    /// The variation of a single message's latency.
    Jitter = 4,
    /// Which transmissions are lost.
    Loss = 5,
    /// When blocks are sealed, and by whom.
    Schedule = 6,
    /// How many bytes a block has.
    BlockSize = 7,
    /// Which share of the sealing a node has.
    Shares = 8,
    /// The seed that a node's fetcher is given.
    Fetcher = 9,
    /// Who is hostile, and what a hostile node decides.
    Adversary = 10,
    /// Which nodes crash, leave or are cut off, and when.
    Fault = 11,
    /// The options of a fuzzed run.
    Fuzz = 12,
    /// The hashes of blocks that were never made.
    Hash = 13,
}

/// The one number that a run's randomness comes from.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Seed {
    number: u64,
    /// `number` scrambled, so that the neighbouring seeds of a sweep share no bits.
    mixed: u64,
}

impl Seed {
    /// The seed with this number.
    pub const fn new(number: u64) -> Self {
        Self { number, mixed: scramble(number) }
    }

    /// The number that a user types to get this seed.
    pub const fn number(self) -> u64 {
        self.number
    }

    /// 64 random bits that depend on the seed and these keys only.
    #[must_use]
    pub const fn draw(self, concern: Concern, a: u64, b: u64) -> u64 {
        self.keyed(SALT_DRAW.wrapping_mul(concern as u64), a, b)
    }

    /// The generator of `concern` for `key`, at its beginning. No word of it is also a keyed draw's.
    #[must_use]
    pub fn stream(self, concern: Concern, key: u64) -> Stream {
        let salt = SALT_STREAM.wrapping_mul(concern as u64);
        let mut state = [0; 32];
        for (word, bytes) in (0..).zip(state.as_chunks_mut().0) {
            *bytes = self.keyed(salt, key, word).to_le_bytes();
        }
        Stream(Xoshiro256PlusPlus::from_seed(state))
    }

    /// Two rounds of multiply-and-fold: the first spreads both keys, the second hides that a key
    /// which differs in one bit moves the first product in an arithmetic way.
    const fn keyed(self, salt: u64, a: u64, b: u64) -> u64 {
        let base = self.mixed ^ salt;
        let spread = fold(a ^ base, b ^ base.rotate_left(32) ^ SALT_SECOND);
        fold(spread ^ SALT_DRAW, base ^ SALT_STREAM)
    }
}

impl From<u64> for Seed {
    fn from(number: u64) -> Self {
        Self::new(number)
    }
}

impl fmt::Display for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.number, f)
    }
}

impl fmt::Debug for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Seed").field(&self.number).finish()
    }
}

/// A sequence of random words: xoshiro256++, 32 bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stream(Xoshiro256PlusPlus);

impl Stream {
    /// The next 64 random bits.
    #[must_use]
    pub fn word(&mut self) -> u64 {
        self.0.next_u64()
    }
}

/// A stream never ends.
impl Iterator for Stream {
    type Item = u64;

    fn next(&mut self) -> Option<u64> {
        Some(self.word())
    }
}

// Odd, with about half of the bits set: fractions of the square roots of 2, 3 and 5.
const SALT_DRAW: u64 = 0x6a09_e667_f3bc_c909;
const SALT_STREAM: u64 = 0xbb67_ae85_84ca_a73b;
const SALT_SECOND: u64 = 0x3c6e_f372_fe94_f82b;

/// The 128-bit product's halves, folded onto each other.
const fn fold(a: u64, b: u64) -> u64 {
    let product = (a as u128).wrapping_mul(b as u128);
    (product as u64) ^ ((product >> 64) as u64)
}

/// The finaliser of SplitMix64 (Steele, Lea, Flood 2014), on the number and the golden ratio: a
/// bijection, so that no two seeds are the same.
pub(super) const fn scramble(number: u64) -> u64 {
    let mut bits = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn draws_are_pinned() {
        let seed = Seed::new(1);
        let words = [
            seed.draw(Concern::Topology, 0, 0),
            seed.draw(Concern::Jitter, 7, 9),
            seed.draw(Concern::Hash, u64::MAX, u64::MAX),
            Seed::new(u64::MAX).draw(Concern::Fuzz, 1, 2),
        ];
        assert_eq!(words.map(|word| format!("{word:016x}")), GOLDEN_DRAWS);
    }

    #[test]
    fn streams_are_pinned() {
        let words: Vec<_> =
            Seed::new(1).stream(Concern::Schedule, 3).take(4).map(|word| format!("{word:016x}")).collect();
        assert_eq!(words, GOLDEN_STREAM);
    }

    #[test]
    fn every_input_moves_every_output_bit_half_of_the_time() {
        const TRIALS: u64 = 2_000;
        type Flip = fn(u64, u32) -> u64;
        let inputs: [(&str, Flip); 3] = [
            ("seed", |n, bit| Seed::new(n ^ (1 << bit)).draw(Concern::Loss, n, n)),
            ("a", |n, bit| Seed::new(n).draw(Concern::Loss, n ^ (1 << bit), n)),
            ("b", |n, bit| Seed::new(n).draw(Concern::Loss, n, n ^ (1 << bit))),
        ];
        for (name, flipped) in inputs {
            for input_bit in 0..64 {
                let mut flips = [0_u32; 64];
                for n in 0..TRIALS {
                    let difference = Seed::new(n).draw(Concern::Loss, n, n) ^ flipped(n, input_bit);
                    for (output_bit, count) in flips.iter_mut().enumerate() {
                        *count += u32::from(difference >> output_bit & 1 == 1);
                    }
                }
                // Six standard deviations around 1,000.
                for (output_bit, &count) in flips.iter().enumerate() {
                    assert!(count.abs_diff(1_000) < 135, "{name} bit {input_bit} to {output_bit}: {count}");
                }
            }
        }
    }

    #[test]
    fn small_keys_of_all_concerns_never_meet() {
        let concerns = [
            Concern::Topology,
            Concern::Regions,
            Concern::Latency,
            Concern::Jitter,
            Concern::Loss,
            Concern::Schedule,
            Concern::BlockSize,
            Concern::Shares,
            Concern::Fetcher,
            Concern::Adversary,
            Concern::Fault,
            Concern::Fuzz,
            Concern::Hash,
        ];
        let mut seen = BTreeSet::new();
        for concern in concerns {
            for seed in (0..4).map(Seed::new) {
                for a in 0..40 {
                    assert!((0..40).all(|b| seen.insert(seed.draw(concern, a, b))));
                    assert!(seed.stream(concern, a).take(8).all(|word| seen.insert(word)));
                }
            }
        }
    }

    // Worked out apart from this code, in Python.
    const GOLDEN_DRAWS: [&str; 4] =
        ["486d1c9ee7056335", "272f5b506f00fdf3", "b31f1307c72e63f2", "1bda549ac5deda87"];
    const GOLDEN_STREAM: [&str; 4] =
        ["bd0fe27ed4bd037b", "bf7d09a4aa180477", "e25d2496106becbc", "04a62bcb631a3f54"];
}
