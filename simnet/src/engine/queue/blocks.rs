//! Stacks of entries in small blocks that are shared and used again.

/// Entries for each block.
///
/// Larger blocks read better, but a slot with one event pays for a whole one.
const BLOCK: usize = 8;
/// Free blocks whose memory is kept in any case; beyond it, as many as are in use.
const KEPT: usize = 256;

/// Which block is on top of a stack; [`Chain::EMPTY`] is an empty stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Chain(u32);

impl Chain {
    pub(super) const EMPTY: Self = Self(u32::MAX);
}

#[derive(Clone, Debug)]
struct Block<T> {
    entries: Vec<T>,
    below: Chain,
}

/// The blocks of many stacks.
#[derive(Clone, Debug)]
pub(super) struct Blocks<T> {
    blocks: Vec<Block<T>>,
    /// Those that no stack uses, with their memory and without.
    free: Vec<Chain>,
    bare: Vec<Chain>,
}

#[expect(
    clippy::indexing_slicing,
    reason = "a chain other than EMPTY is the index of a block, and none is removed"
)]
impl<T> Blocks<T> {
    pub(super) const fn new() -> Self {
        Self { blocks: Vec::new(), free: Vec::new(), bare: Vec::new() }
    }

    /// Puts `entry` on the stack.
    #[inline]
    pub(super) fn push(&mut self, chain: &mut Chain, entry: T) {
        if let Some(block) = self.blocks.get_mut(chain.0 as usize)
            && block.entries.len() < BLOCK
        {
            block.entries.push(entry);
            return;
        }
        *chain = self.add(*chain, entry);
    }

    /// Appends the entries of a stack to `entries`, in no order, and frees its blocks.
    pub(super) fn drain(&mut self, mut chain: Chain, entries: &mut Vec<T>) {
        while chain != Chain::EMPTY {
            let block = &mut self.blocks[chain.0 as usize];
            entries.append(&mut block.entries);
            let below = block.below;
            self.free.push(chain);
            self.give_back();
            chain = below;
        }
    }

    /// Frees the memory of up to two blocks, so that what is kept falls as fast as what is used.
    fn give_back(&mut self) {
        for _ in 0..2 {
            let used = self.blocks.len() - self.free.len() - self.bare.len();
            if self.free.len() <= KEPT + used {
                return;
            }
            if let Some(chain) = self.free.pop() {
                self.blocks[chain.0 as usize].entries = Vec::new();
                self.bare.push(chain);
            }
        }
    }

    fn add(&mut self, below: Chain, entry: T) -> Chain {
        let chain = match self.free.pop().or_else(|| self.bare.pop()) {
            Some(chain) => chain,
            None => {
                let index = u32::try_from(self.blocks.len()).ok().filter(|&index| index < u32::MAX);
                self.blocks.push(Block { entries: Vec::new(), below });
                Chain(index.expect("memory ends before 2^32 blocks of events"))
            }
        };
        let block = &mut self.blocks[chain.0 as usize];
        block.below = below;
        if block.entries.capacity() == 0 {
            block.entries.reserve_exact(BLOCK);
        }
        block.entries.push(entry);
        chain
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_pushed_comes_back_and_memory_is_given_back_after_a_peak() {
        let mut blocks = Blocks::new();
        let mut chains = vec![Chain::EMPTY; 1_000];
        for n in 0..100_000_u64 {
            let place = n as usize % chains.len();
            blocks.push(chains.get_mut(place).expect("within the chains"), n);
        }
        let mut entries = Vec::new();
        chains.drain(..).for_each(|chain| blocks.drain(chain, &mut entries));
        entries.sort_unstable();
        assert!(entries.into_iter().eq(0..100_000));

        let room: usize = blocks.blocks.iter().map(|block| block.entries.capacity()).sum();
        assert_eq!(room, KEPT * BLOCK);
        assert_eq!(blocks.free.len() + blocks.bare.len(), blocks.blocks.len());
    }

    #[test]
    fn blocks_are_used_again() {
        let mut blocks = Blocks::new();
        for _ in 0..100 {
            let mut chain = Chain::EMPTY;
            (0..100).for_each(|n| blocks.push(&mut chain, n));
            blocks.drain(chain, &mut Vec::new());
        }
        assert_eq!(blocks.blocks.len(), 100_usize.div_ceil(BLOCK));
    }
}
