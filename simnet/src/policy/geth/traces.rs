//! Geth's maps of hashes and its two counts, with the way in which geth lowers them.

use std::collections::{BTreeMap, BTreeSet};

use herald_fetcher::{BlockHash, BlockNumber, BlockOf, Body as _, Header as _, Time};

use super::FETCH_TIMEOUT;
use crate::model::block::{PeerId, Sim, SimHeader};

/// One peer's word that it has a block.
#[derive(Clone, Copy, Debug)]
pub(super) struct GethAnnouncement {
    pub(super) origin: PeerId,
    pub(super) number: BlockNumber,
    pub(super) at: Time,
}

/// A header that came, and when.
#[derive(Clone, Debug)]
pub(super) struct Headed {
    pub(super) origin: PeerId,
    pub(super) header: SimHeader,
    pub(super) at: Time,
}

/// How far a whole block has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BlockPhase {
    /// In the queue, until its number is within reach.
    Waiting,
    /// With the host, until its verdict.
    Verifying,
    /// With the host, until it is imported or not.
    Importing,
}

/// A whole block, from its arrival to the end of its import.
#[derive(Clone, Debug)]
pub(super) struct QueuedBlock {
    pub(super) origin: PeerId,
    pub(super) block: BlockOf<Sim>,
    pub(super) phase: BlockPhase,
}

/// Everything that geth knows of hashes. Unlike herald's table, one hash can be in several maps.
#[derive(Debug, Default)]
pub(super) struct Traces {
    /// Announcements counted for each peer: at most those in `announced`, see [`Self::lower`].
    counts: BTreeMap<PeerId, u32>,
    pub(super) announced: BTreeMap<BlockHash, Vec<GethAnnouncement>>,
    /// Kept while the header waits in `fetched`, too.
    fetching: BTreeMap<BlockHash, GethAnnouncement>,
    /// Not later than the oldest in `fetching`, so that most turns need not look.
    fetching_since: Time,
    pub(super) fetched: BTreeMap<BlockHash, Headed>,
    pub(super) completing: BTreeMap<BlockHash, Headed>,
    /// The waiting ones among `queued`, by number and then arrival.
    queue: BTreeSet<(BlockNumber, u64, BlockHash)>,
    arrivals: u64,
    blocks_of: BTreeMap<PeerId, u32>,
    queued: BTreeMap<BlockHash, QueuedBlock>,
    held_bytes: u64,
}

impl Traces {
    pub(super) fn count_of(&self, peer: PeerId) -> u32 {
        self.counts.get(&peer).copied().unwrap_or(0)
    }

    pub(super) fn blocks_of(&self, peer: PeerId) -> u32 {
        self.blocks_of.get(&peer).copied().unwrap_or(0)
    }

    pub(super) fn fetching(&self, hash: &BlockHash) -> Option<&GethAnnouncement> {
        self.fetching.get(hash)
    }

    pub(super) fn queued(&self, hash: &BlockHash) -> Option<&QueuedBlock> {
        self.queued.get(hash)
    }

    pub(super) fn is_traced(&self, hash: &BlockHash) -> bool {
        self.announced.contains_key(hash)
            || self.fetching.contains_key(hash)
            || self.fetched.contains_key(hash)
            || self.completing.contains_key(hash)
            || self.queued.contains_key(hash)
    }

    /// Adds an announcement, whoever made it before. Says whether it is the first of its hash.
    pub(super) fn announce(&mut self, hash: BlockHash, announcement: GethAnnouncement) -> bool {
        let count = self.counts.entry(announcement.origin).or_default();
        *count = count.saturating_add(1);
        let announcements = self.announced.entry(hash).or_default();
        announcements.push(announcement);
        announcements.len() == 1
    }

    pub(super) fn fetch(&mut self, hash: BlockHash, announcement: GethAnnouncement) {
        if self.fetching.is_empty() || announcement.at < self.fetching_since {
            self.fetching_since = announcement.at;
        }
        self.fetching.insert(hash, announcement);
    }

    /// The header came at `at`: the announcement counts as made then.
    pub(super) fn renew_fetching(&mut self, hash: &BlockHash, at: Time) {
        if let Some(announcement) = self.fetching.get_mut(hash) {
            announcement.at = at;
        }
    }

    /// Forgets what has been in fetching for too long.
    pub(super) fn take_overdue(&mut self, now: Time) -> Vec<BlockHash> {
        if self.fetching.is_empty() || now.since(self.fetching_since) <= FETCH_TIMEOUT {
            return Vec::new();
        }
        let overdue: Vec<_> = self
            .fetching
            .iter()
            .filter(|(_, announcement)| now.since(announcement.at) > FETCH_TIMEOUT)
            .map(|(&hash, _)| hash)
            .collect();
        for hash in &overdue {
            self.forget_hash(hash);
        }
        self.fetching_since = self.fetching.values().map(|left| left.at).min().unwrap_or(now);
        overdue
    }

    pub(super) fn gather(&mut self, hash: BlockHash, headed: Headed) {
        self.held_bytes += headed.header.retained_bytes() as u64;
        if let Some(old) = self.fetched.insert(hash, headed) {
            self.release(old.header.retained_bytes());
        }
    }

    pub(super) fn complete(&mut self, hash: BlockHash, headed: Headed) {
        self.held_bytes += headed.header.retained_bytes() as u64;
        if let Some(old) = self.completing.insert(hash, headed) {
            self.release(old.header.retained_bytes());
        }
    }

    /// Adds a whole block that is not queued yet.
    pub(super) fn queue(&mut self, origin: PeerId, block: BlockOf<Sim>) {
        let (hash, number) = (block.header.hash(), block.header.number());
        self.held_bytes += block_bytes(&block);
        let blocks = self.blocks_of.entry(origin).or_default();
        *blocks = blocks.saturating_add(1);
        self.arrivals += 1;
        self.queue.insert((number, self.arrivals, hash));
        self.queued.insert(hash, QueuedBlock { origin, block, phase: BlockPhase::Waiting });
    }

    /// The hash of the lowest waiting block, when its number is at most `number_max`.
    pub(super) fn pop_queue(&mut self, number_max: BlockNumber) -> Option<BlockHash> {
        if self.queue.first()?.0 > number_max {
            return None;
        }
        self.queue.pop_first().map(|(_, _, hash)| hash)
    }

    pub(super) fn set_phase(&mut self, hash: &BlockHash, phase: BlockPhase) {
        if let Some(queued) = self.queued.get_mut(hash) {
            queued.phase = phase;
        }
    }

    /// Takes every trace of the announcements of a hash away, but not its queued block. Each map
    /// that it leaves lowers the count, though only the announcement had raised it.
    pub(super) fn forget_hash(&mut self, hash: &BlockHash) {
        for announcement in self.announced.remove(hash).unwrap_or_default() {
            self.lower(announcement.origin);
        }
        if let Some(announcement) = self.fetching.remove(hash) {
            self.lower(announcement.origin);
        }
        for headed in [self.fetched.remove(hash), self.completing.remove(hash)].into_iter().flatten() {
            self.lower(headed.origin);
            self.release(headed.header.retained_bytes());
        }
    }

    /// Takes a queued block away, but no trace of its announcements.
    pub(super) fn forget_block(&mut self, hash: &BlockHash) {
        let Some(queued) = self.queued.remove(hash) else { return };
        let bytes = block_bytes(&queued.block);
        self.held_bytes = self.held_bytes.saturating_sub(bytes);
        if let Some(blocks) = self.blocks_of.get_mut(&queued.origin) {
            *blocks = blocks.saturating_sub(1);
            if *blocks == 0 {
                self.blocks_of.remove(&queued.origin);
            }
        }
    }

    /// Geth removes a count that is not above zero, so that it never goes below.
    fn lower(&mut self, peer: PeerId) {
        if let Some(count) = self.counts.get_mut(&peer) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                self.counts.remove(&peer);
            }
        }
    }

    fn release(&mut self, bytes: usize) {
        self.held_bytes = self.held_bytes.saturating_sub(bytes as u64);
    }

    /// All hashes, each once.
    pub(super) fn hashes(&self) -> BTreeSet<BlockHash> {
        let mut hashes: BTreeSet<BlockHash> = self.announced.keys().copied().collect();
        hashes.extend(self.fetching.keys());
        hashes.extend(self.fetched.keys());
        hashes.extend(self.completing.keys());
        hashes.extend(self.queued.keys());
        hashes
    }

    pub(super) fn announcements(&self) -> u64 {
        let waiting: usize = self.announced.values().map(Vec::len).sum();
        (waiting + self.fetching.len() + self.fetched.len() + self.completing.len()) as u64
    }

    pub(super) fn blocks(&self) -> u64 {
        self.queued.len() as u64
    }

    /// Bytes of headers and bodies.
    pub(super) fn held_bytes(&self) -> u64 {
        self.held_bytes
    }

    /// Bytes of the maps, roughly.
    pub(super) fn allocated_bytes(&self) -> usize {
        let waiting: usize = self.announced.values().map(Vec::capacity).sum();
        map_bytes::<PeerId, u32>(self.counts.len())
            + map_bytes::<PeerId, u32>(self.blocks_of.len())
            + map_bytes::<BlockHash, Vec<GethAnnouncement>>(self.announced.len())
            + waiting * size_of::<GethAnnouncement>()
            + map_bytes::<BlockHash, GethAnnouncement>(self.fetching.len())
            + map_bytes::<BlockHash, Headed>(self.fetched.len())
            + map_bytes::<BlockHash, Headed>(self.completing.len())
            + map_bytes::<(BlockNumber, u64, BlockHash), ()>(self.queue.len())
            + map_bytes::<BlockHash, QueuedBlock>(self.queued.len())
    }

    /// Whether the maps fit together, as far as geth's do.
    pub(super) fn check(&self) -> Result<(), String> {
        let mut announcements = BTreeMap::<PeerId, u32>::new();
        for announcement in self.announced.values().flatten() {
            *announcements.entry(announcement.origin).or_default() += 1;
        }
        for (peer, &count) in &self.counts {
            let live = announcements.get(peer).copied().unwrap_or(0);
            if count == 0 || count > live {
                return Err(format!("{peer:?} counts {count} announcements and has {live}"));
            }
        }
        let mut blocks = BTreeMap::<PeerId, u32>::new();
        for queued in self.queued.values() {
            *blocks.entry(queued.origin).or_default() += 1;
        }
        if blocks != self.blocks_of {
            return Err(format!("blocks are counted as {:?} and are {blocks:?}", self.blocks_of));
        }
        let waiting = self.queued.values().filter(|queued| queued.phase == BlockPhase::Waiting).count();
        let listed = |hash| self.queued.get(hash).is_some_and(|queued| queued.phase == BlockPhase::Waiting);
        if waiting != self.queue.len() || !self.queue.iter().all(|(_, _, hash)| listed(hash)) {
            return Err(format!("{waiting} blocks wait and the queue has {}", self.queue.len()));
        }
        let headers = self.fetched.values().chain(self.completing.values());
        let held = headers.map(|headed| headed.header.retained_bytes() as u64).sum::<u64>()
            + self.queued.values().map(|queued| block_bytes(&queued.block)).sum::<u64>();
        if held != self.held_bytes {
            return Err(format!("{held} bytes are held and {} counted", self.held_bytes));
        }
        Ok(())
    }
}

/// Bytes that holding a block keeps in use.
pub(super) fn block_bytes(block: &BlockOf<Sim>) -> u64 {
    (block.header.retained_bytes() + block.body.retained_bytes()) as u64
}

/// Bytes of a B-tree map: nodes of eleven entries, on average eight of them in use.
pub(super) fn map_bytes<K, V>(len: usize) -> usize {
    len.div_ceil(8) * (11 * (size_of::<K>() + size_of::<V>()) + 2 * size_of::<usize>())
}
