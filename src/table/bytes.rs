//! Who may hold how many bytes.
//!
//! Half of the total is set aside in equal shares, one for each peer slot; what a peer holds beyond its
//! share comes from the common half. So the total is never passed, and nobody's share is used by
//! another.

use crate::Config;

#[derive(Debug)]
pub(crate) struct Ledger {
    guaranteed: u64,
    shared: u64,
    peer_max: u64,
    shared_used: u64,
    total: u64,
}

/// Whether bytes fit.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Capacity {
    /// They do.
    Enough,
    /// The peer holds what it may.
    PeerFull,
    /// The common half is used up.
    TotalFull,
}

impl Ledger {
    pub(crate) fn new(config: &Config) -> Self {
        Self {
            guaranteed: config.bytes_guaranteed(),
            shared: config.bytes_shared(),
            peer_max: config.bytes_per_peer,
            shared_used: 0,
            total: 0,
        }
    }

    /// Whether a peer that holds `held` bytes may hold `more`, once `freed` of them are given back.
    pub(crate) fn capacity(&self, held: u64, more: u64, freed: u64) -> Capacity {
        let base = held.saturating_sub(freed);
        let then = base.saturating_add(more);
        if then > self.peer_max {
            return Capacity::PeerFull;
        }
        let others = self.shared_used - self.beyond(held);
        if others + self.beyond(then) > self.shared {
            return Capacity::TotalFull;
        }
        Capacity::Enough
    }

    pub(crate) fn add(&mut self, held: &mut u64, bytes: u64) {
        self.replace(held, held.saturating_add(bytes));
    }

    pub(crate) fn take(&mut self, held: &mut u64, bytes: u64) {
        self.replace(held, held.saturating_sub(bytes));
    }

    pub(crate) fn total(&self) -> u64 {
        self.total
    }

    pub(crate) fn shared_used(&self) -> u64 {
        self.shared_used
    }

    /// The part of a peer's bytes that comes from the common half.
    pub(crate) fn beyond(&self, held: u64) -> u64 {
        held.saturating_sub(self.guaranteed)
    }

    fn replace(&mut self, held: &mut u64, now: u64) {
        self.shared_used = self.shared_used - self.beyond(*held) + self.beyond(now);
        self.total = self.total - *held + now;
        *held = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_uses_the_share_of_another() {
        // Two slots of 25 bytes each set aside, 50 shared.
        let config =
            Config { peers: 1, importing: 1, bytes_per_peer: 90, bytes_total: 100, ..Config::default() };
        let mut ledger = Ledger::new(&config);
        let (mut greedy, mut modest) = (0, 0);
        ledger.add(&mut greedy, 75);
        assert_eq!(ledger.capacity(greedy, 1, 0), Capacity::TotalFull);
        assert_eq!(ledger.capacity(greedy, 1, 1), Capacity::Enough);
        assert_eq!(ledger.capacity(greedy, 16, 0), Capacity::PeerFull);
        assert_eq!(ledger.capacity(modest, 25, 0), Capacity::Enough);
        assert_eq!(ledger.capacity(modest, 26, 0), Capacity::TotalFull);
        ledger.add(&mut modest, 25);
        assert_eq!(ledger.total(), 100);
        ledger.take(&mut greedy, 75);
        ledger.take(&mut modest, 25);
        assert_eq!((ledger.total(), ledger.shared_used()), (0, 0));
    }
}
