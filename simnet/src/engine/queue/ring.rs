//! A ring of slots with two levels of bits that tell which are in use.

use super::chunks::Stack;

/// Slots for the numbers within a window of the ring's size; a number's slot is its remainder.
#[derive(Clone, Debug)]
pub(super) struct Ring {
    slots: Box<[Stack]>,
    /// A bit for each slot in use.
    used: Box<[u64]>,
    /// A bit for each word of `used` that is not zero.
    words: Box<[u64]>,
}

#[expect(clippy::indexing_slicing, reason = "every index is masked to the ring's size, a power of two")]
impl Ring {
    /// A ring of `size` slots, a power of two and 64 at least.
    pub(super) fn new(size: usize) -> Self {
        assert!(size.is_power_of_two() && size >= 64, "{size} is no size of a ring");
        Self {
            slots: vec![Stack::EMPTY; size].into(),
            used: vec![0; size / 64].into(),
            words: vec![0; size.div_ceil(64 * 64)].into(),
        }
    }

    /// The slot of `number`, to be put to use.
    #[inline]
    pub(super) fn slot(&mut self, number: u64) -> &mut Stack {
        let index = self.index(number);
        self.used[index / 64] |= 1 << (index % 64);
        self.words[index / 4096] |= 1 << (index / 64 % 64);
        &mut self.slots[index]
    }

    /// Empties the slot of `number`.
    pub(super) fn take(&mut self, number: u64) -> Stack {
        let index = self.index(number);
        self.used[index / 64] &= !(1 << (index % 64));
        if self.used[index / 64] == 0 {
            self.words[index / 4096] &= !(1 << (index / 64 % 64));
        }
        core::mem::replace(&mut self.slots[index], Stack::EMPTY)
    }

    /// The first number after `number`, and at most the ring's size after it, whose slot is in use.
    pub(super) fn next(&self, number: u64) -> Option<u64> {
        let start = self.index(number + 1);
        let found = self
            .next_in_word(start)
            .or_else(|| self.first_from(start / 64 + 1))
            .or_else(|| self.first_from(0))?;
        let mask = self.slots.len() as u64 - 1;
        Some(number + 1 + ((found as u64).wrapping_sub(number + 1) & mask))
    }

    fn index(&self, number: u64) -> usize {
        number as usize & (self.slots.len() - 1)
    }

    /// The first slot in use from `start` to the end of its word.
    fn next_in_word(&self, start: usize) -> Option<usize> {
        let bits = self.used[start / 64] & (u64::MAX << (start % 64));
        (bits != 0).then(|| start / 64 * 64 + bits.trailing_zeros() as usize)
    }

    /// The first slot in use from the word `start` on.
    fn first_from(&self, start: usize) -> Option<usize> {
        let mut mask = u64::MAX << (start % 64);
        for (index, &words) in self.words.iter().enumerate().skip(start / 64) {
            let words = words & mask;
            if words != 0 {
                let word = index * 64 + words.trailing_zeros() as usize;
                return Some(word * 64 + self.used[word].trailing_zeros() as usize);
            }
            mask = u64::MAX;
        }
        None
    }
}
