//! How much memory a fetcher uses, and the most that it can.

use crate::config::Config;
use crate::known::KnownBlocks;
use crate::output::Reason;
use crate::table::Table;
use crate::types::{BlockHash, Types};

use super::{Counters, Fetcher};

/// One remembered hash: a node of the cache, and its part of the map.
const BAD_BYTES: usize = size_of::<(BlockHash, Reason, usize, usize)>() + 3 * (2 * size_of::<usize>() + 1);

impl<T: Types> Fetcher<T> {
    /// Bytes in use: what is held of headers and bodies, as the host's types report it, and all that
    /// the fetcher allocates itself. The queue of outputs is not in it: the host empties it.
    ///
    /// Takes time linear in the peers and the known blocks.
    pub fn memory_bytes(&self) -> u64 {
        let own = size_of::<Self>()
            + size_of::<Counters>()
            + self.table.allocated_bytes()
            + self.known.allocated_bytes()
            + self.bad.len() * BAD_BYTES;
        self.table.bytes_held() + own as u64
    }

    /// The most that [`memory_bytes`](Self::memory_bytes) can be with this configuration, whatever
    /// peers do:
    ///
    /// ```text
    /// claims  = peers · (announcements_per_peer + blocks_per_peer)
    /// entries = claims + importing
    /// bound   = bytes_total + fixed
    ///         + entries · bytes of an entry and its indexes   (twice: vectors grow by doubling)
    ///         + claims · bytes of a claim                     (the same)
    ///         + peers · requests_per_peer · bytes of a request
    ///         + (peers + importing) · bytes of a peer
    ///         + known_blocks · (bytes of a known block and its set of peers)
    ///         + bad_blocks · bytes of a bad block
    /// ```
    pub fn memory_bound(config: &Config) -> u64 {
        let wide = |count: u32| u64::from(count);
        let claims =
            wide(config.peers) * (wide(config.announcements_per_peer) + wide(config.blocks_per_peer));
        let entries = claims + wide(config.importing);
        let requests = wide(config.peers) * wide(config.requests_per_peer);
        let places = wide(config.places());
        let sizes = Table::<T>::item_sizes();
        let known = KnownBlocks::BLOCK_BYTES as u64 + places.div_ceil(64) * 2 * 8;
        let own = (size_of::<Self>() + size_of::<Counters>()) as u64
            + entries.next_power_of_two().max(4) * sizes.entry
            + claims.next_power_of_two().max(4) * sizes.claim
            + requests.next_power_of_two().max(4) * sizes.request
            + places.next_power_of_two().max(4) * sizes.peer
            + wide(config.known_blocks) * known
            + wide(config.bad_blocks) * BAD_BYTES as u64;
        // A total as large as that says "no limit".
        config.bytes_total.saturating_add(own)
    }
}
