//! Stacks of entries in small chunks that are shared and used again.

/// Entries for each chunk.
///
/// Larger chunks read better, but a slot with one event pays for a whole one.
const CHUNK: usize = 8;

/// Which chunk is on top of a stack; [`Stack::EMPTY`] is an empty stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stack(u32);

impl Stack {
    pub(super) const EMPTY: Self = Self(u32::MAX);

    const fn index(self) -> usize {
        self.0 as usize
    }
}

/// A chunk without its entries.
#[derive(Clone, Copy, Debug)]
struct Chunk {
    below: Stack,
    len: u8,
}

/// The chunks of many stacks. Their memory stays for the next peak.
#[derive(Clone, Debug)]
pub(super) struct Chunks<T> {
    /// `CHUNK` for each chunk, side by side, so that a push touches one cache line or two; beyond a
    /// chunk's length they are what was there before.
    entries: Vec<T>,
    chunks: Vec<Chunk>,
    /// Those that no stack uses.
    free: Vec<Stack>,
}

#[expect(
    clippy::indexing_slicing,
    reason = "a stack other than EMPTY is the index of a chunk, none is removed, and each has its entries"
)]
impl<T: Copy> Chunks<T> {
    pub(super) const fn new() -> Self {
        Self { entries: Vec::new(), chunks: Vec::new(), free: Vec::new() }
    }

    /// Puts `entry` on the stack.
    #[inline]
    pub(super) fn push(&mut self, stack: &mut Stack, entry: T) {
        if let Some(chunk) = self.chunks.get_mut(stack.index())
            && usize::from(chunk.len) < CHUNK
        {
            self.entries[stack.index() * CHUNK + usize::from(chunk.len)] = entry;
            chunk.len += 1;
            return;
        }
        *stack = self.add(*stack, entry);
    }

    /// Appends the entries of a stack to `entries`, in no order, and frees its chunks.
    pub(super) fn drain(&mut self, mut stack: Stack, entries: &mut Vec<T>) {
        while stack != Stack::EMPTY {
            let Chunk { below, len } = self.chunks[stack.index()];
            let first = stack.index() * CHUNK;
            entries.extend_from_slice(&self.entries[first..first + usize::from(len)]);
            self.free.push(stack);
            stack = below;
        }
    }

    fn add(&mut self, below: Stack, entry: T) -> Stack {
        let chunk = Chunk { below, len: 1 };
        if let Some(stack) = self.free.pop() {
            self.chunks[stack.index()] = chunk;
            self.entries[stack.index() * CHUNK] = entry;
            return stack;
        }
        let index = u32::try_from(self.chunks.len()).ok().filter(|&index| index < u32::MAX);
        self.chunks.push(chunk);
        self.entries.extend_from_slice(&[entry; CHUNK]);
        Stack(index.expect("memory ends before 2^32 chunks of events"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_pushed_comes_back_and_blocks_are_used_again() {
        let mut chunks = Chunks::new();
        for _ in 0..3 {
            let mut stacks = vec![Stack::EMPTY; 1_000];
            for n in 0..100_000_u64 {
                let index = n as usize % stacks.len();
                chunks.push(stacks.get_mut(index).expect("within the stacks"), n);
            }
            let mut entries = Vec::new();
            stacks.drain(..).for_each(|stack| chunks.drain(stack, &mut entries));
            entries.sort_unstable();
            assert!(entries.into_iter().eq(0..100_000));
            assert_eq!(chunks.free.len(), chunks.chunks.len());
        }
        // Thirteen chunks for a hundred entries.
        assert_eq!(chunks.chunks.len(), 1_000 * 100_usize.div_ceil(CHUNK));
        assert_eq!(chunks.entries.len(), chunks.chunks.len() * CHUNK);
    }
}
