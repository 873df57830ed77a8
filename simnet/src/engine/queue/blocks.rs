//! Stacks of entries in small blocks that are shared and used again.

/// Entries for each block.
///
/// Larger blocks read better, but a slot with one event pays for a whole one.
const BLOCK: usize = 8;

/// Which block is on top of a stack; [`Chain::EMPTY`] is an empty stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Chain(u32);

impl Chain {
    pub(super) const EMPTY: Self = Self(u32::MAX);

    const fn index(self) -> usize {
        self.0 as usize
    }
}

/// A block without its entries.
#[derive(Clone, Copy, Debug)]
struct Block {
    below: Chain,
    len: u8,
}

/// The blocks of many stacks. Their memory stays for the next peak.
#[derive(Clone, Debug)]
pub(super) struct Blocks<T> {
    /// `BLOCK` for each block, side by side, so that a push goes to one place in memory; beyond a
    /// block's length they are what was there before.
    entries: Vec<T>,
    blocks: Vec<Block>,
    /// Those that no stack uses.
    free: Vec<Chain>,
}

#[expect(
    clippy::indexing_slicing,
    reason = "a chain other than EMPTY is the index of a block, none is removed, and each has its entries"
)]
impl<T: Copy> Blocks<T> {
    pub(super) const fn new() -> Self {
        Self { entries: Vec::new(), blocks: Vec::new(), free: Vec::new() }
    }

    /// Puts `entry` on the stack.
    #[inline]
    pub(super) fn push(&mut self, chain: &mut Chain, entry: T) {
        if let Some(block) = self.blocks.get_mut(chain.index())
            && usize::from(block.len) < BLOCK
        {
            self.entries[chain.index() * BLOCK + usize::from(block.len)] = entry;
            block.len += 1;
            return;
        }
        *chain = self.add(*chain, entry);
    }

    /// Appends the entries of a stack to `entries`, in no order, and frees its blocks.
    pub(super) fn drain(&mut self, mut chain: Chain, entries: &mut Vec<T>) {
        while chain != Chain::EMPTY {
            let Block { below, len } = self.blocks[chain.index()];
            let first = chain.index() * BLOCK;
            entries.extend_from_slice(&self.entries[first..first + usize::from(len)]);
            self.free.push(chain);
            chain = below;
        }
    }

    fn add(&mut self, below: Chain, entry: T) -> Chain {
        let block = Block { below, len: 1 };
        if let Some(chain) = self.free.pop() {
            self.blocks[chain.index()] = block;
            self.entries[chain.index() * BLOCK] = entry;
            return chain;
        }
        let index = u32::try_from(self.blocks.len()).ok().filter(|&index| index < u32::MAX);
        self.blocks.push(block);
        self.entries.extend_from_slice(&[entry; BLOCK]);
        Chain(index.expect("memory ends before 2^32 blocks of events"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_pushed_comes_back_and_blocks_are_used_again() {
        let mut blocks = Blocks::new();
        for _ in 0..3 {
            let mut chains = vec![Chain::EMPTY; 1_000];
            for n in 0..100_000_u64 {
                let place = n as usize % chains.len();
                blocks.push(chains.get_mut(place).expect("within the chains"), n);
            }
            let mut entries = Vec::new();
            chains.drain(..).for_each(|chain| blocks.drain(chain, &mut entries));
            entries.sort_unstable();
            assert!(entries.into_iter().eq(0..100_000));
            assert_eq!(blocks.free.len(), blocks.blocks.len());
        }
        // Thirteen blocks for a hundred entries.
        assert_eq!(blocks.blocks.len(), 1_000 * 100_usize.div_ceil(BLOCK));
        assert_eq!(blocks.entries.len(), blocks.blocks.len() * BLOCK);
    }
}
