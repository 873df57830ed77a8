//! What is in work for each peer. At rest there is none of it.

use super::PeerSlot;
use super::claims::Ends;

/// What is held and asked for one peer, against its limits.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Load {
    /// Bytes held for it.
    pub(crate) bytes: u64,
    /// Its claims, of every origin.
    pub(crate) claims: Ends,
    /// Its claims but those of pushed blocks.
    pub(crate) announced: u32,
    /// Whole blocks held for it.
    pub(crate) blocks: u32,
    /// Requests in flight at it.
    pub(crate) requests: u32,
    /// Entries that wait for a place among them.
    pub(crate) waiting: u32,
    /// Entries above the window that it caused.
    pub(crate) deferred: u32,
}

/// The loads, by peer's place. A place beyond the end has none.
#[derive(Debug)]
pub(crate) struct Loads(Vec<Load>);

impl Loads {
    /// Room for so many places at once: what is in work soon concerns most of them.
    pub(crate) fn new(places: usize) -> Self {
        Self(vec![Load::default(); places])
    }

    pub(crate) fn of(&self, slot: PeerSlot) -> Load {
        self.0.get(slot.index()).copied().unwrap_or_default()
    }

    pub(crate) fn of_mut(&mut self, slot: PeerSlot) -> &mut Load {
        let index = slot.index();
        if index >= self.0.len() {
            let len = (index + 1).next_power_of_two();
            self.0.reserve_exact(len - self.0.len());
            self.0.resize(len, Load::default());
        }
        self.0.get_mut(index).expect("the list was just made long enough")
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Load> {
        self.0.iter()
    }

    pub(crate) fn allocated_bytes(&self) -> usize {
        self.0.capacity() * size_of::<Load>()
    }
}
