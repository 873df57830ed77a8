//! Lists of blocks that travel in messages.

use slab::Slab;

use crate::model::block::BlockIndex;

/// Few messages name more than one block, so that their lists stand here and not in the event.
#[derive(Debug, Default)]
pub(crate) struct BlockLists(Slab<Vec<BlockIndex>>);

impl BlockLists {
    pub(crate) fn add(&mut self, list: Vec<BlockIndex>) -> u32 {
        self.0.insert(list) as u32
    }

    pub(crate) fn get(&self, list: u32) -> &[BlockIndex] {
        self.0.get(list as usize).map_or(&[], Vec::as_slice)
    }

    /// Takes a list out: its message has come to an end.
    pub(crate) fn take(&mut self, list: u32) -> Vec<BlockIndex> {
        self.0.try_remove(list as usize).unwrap_or_default()
    }
}
