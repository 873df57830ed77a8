//! Lists of blocks that travel in messages.

use slab::Slab;

use crate::model::block::BlockId;

/// Few messages name more than one block, so that their lists stand here and not in the event.
#[derive(Debug, Default)]
pub(crate) struct Lists(Slab<Vec<BlockId>>);

impl Lists {
    pub(crate) fn add(&mut self, list: Vec<BlockId>) -> u32 {
        self.0.insert(list) as u32
    }

    pub(crate) fn get(&self, list: u32) -> &[BlockId] {
        self.0.get(list as usize).map_or(&[], Vec::as_slice)
    }

    /// Takes a list out: its message has come to an end.
    pub(crate) fn take(&mut self, list: u32) -> Vec<BlockId> {
        self.0.try_remove(list as usize).unwrap_or_default()
    }
}
