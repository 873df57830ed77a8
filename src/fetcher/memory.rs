//! How much memory a fetcher uses, and the most that it can.

use crate::bad::BadBlocks;
use crate::config::Config;
use crate::known::KnownBlocks;
use crate::table::Table;
use crate::types::Types;

use super::Fetcher;

/// Bytes in use: what is held of headers and bodies, as the host's types report it, and all that the
/// fetcher allocates itself.
///
/// The queue of outputs is not in it: the host empties it. Nor is the configuration, which many
/// fetchers may share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Memory {
    /// Headers and bodies.
    pub held: u64,
    /// The fetcher's own fields and counters: the same nearly always.
    pub fixed: u64,
    /// Names of peers, and what was measured of them.
    pub peers: u64,
    /// Hashes that are followed, with their announcers, requests and alarms.
    pub in_flight: u64,
    /// Who has which recent block.
    pub known_blocks: u64,
    /// Hashes remembered as invalid.
    pub bad_blocks: u64,
}

impl Memory {
    /// All of it.
    pub const fn total(&self) -> u64 {
        self.held + self.fixed + self.peers + self.in_flight + self.known_blocks + self.bad_blocks
    }
}

impl<T: Types> Fetcher<T> {
    /// Bytes in use; see [`Memory`]. Takes time linear in the hashes and requests in flight.
    pub fn memory_bytes(&self) -> u64 {
        self.memory().total()
    }

    /// Bytes in use, by what for.
    pub fn memory(&self) -> Memory {
        Memory {
            held: self.table.bytes_held(),
            fixed: size_of::<Self>() as u64,
            peers: self.table.peer_bytes() as u64,
            in_flight: self.table.work_bytes() as u64,
            known_blocks: self.known.allocated_bytes() as u64,
            bad_blocks: self.bad.allocated_bytes() as u64,
        }
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
    ///         + peers · requests_per_peer · bytes of a request and its place in a round
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
        let slots = wide(config.peer_slots());
        let sizes = Table::<T>::item_sizes();
        let own = size_of::<Self>() as u64
            + sizes.fixed
            + entries.next_power_of_two().max(4) * sizes.entry
            + claims.next_power_of_two().max(8) * sizes.claim
            + requests.next_power_of_two().max(4) * sizes.request
            + slots.next_power_of_two().max(8) * sizes.peer
            + KnownBlocks::bytes_max(config.known_blocks, config.peer_slots())
            + BadBlocks::bytes_max(config.bad_blocks);
        // A total as large as that says "no limit".
        config.bytes_total.saturating_add(own)
    }
}
