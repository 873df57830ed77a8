//! Stacks of entries in small blocks that are shared and used again.

/// Entries for each block.
///
/// Larger blocks read better, but a slot with one event pays for a whole one.
const BLOCK: usize = 8;
/// Free blocks whose memory is kept in any case; beyond it, as many as are in use.
const KEPT: usize = 256;

/// Which block is on top of a stack; `Chain::default()` is an empty stack.
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
            let keep = self.free.len() < KEPT + self.blocks.len() / 2;
            let block = &mut self.blocks[chain.0 as usize];
            entries.append(&mut block.entries);
            if keep {
                self.free.push(chain);
            } else {
                block.entries = Vec::new();
                self.bare.push(chain);
            }
            chain = block.below;
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
