//! What peers did wrong adds up, and is forgotten again.

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use herald_fetcher::Reason;
use libp2p::PeerId;
use lru::LruCache;
use tokio::time::Instant;

/// At this weight a peer is disconnected, and kept out for a while.
const DISCONNECT_AT: u32 = 100;
/// How long it takes until a point is forgotten: a peer that is silent once in a minute, which
/// weighs 20, stays.
const FORGET_POINT: Duration = Duration::from_secs(3);
/// Peers whose faults are remembered. They outlive the connection, or reconnecting would pay.
const REMEMBERED: NonZeroUsize = NonZeroUsize::new(1024).expect("not zero");

/// The weight of each peer's faults. Clones share it.
#[derive(Clone, Debug)]
pub(super) struct Penalties(Arc<Mutex<Record>>);

#[derive(Debug)]
struct Record {
    scores: LruCache<PeerId, Score, std::hash::RandomState>,
    /// Judged, and not yet gone. Bounded all the same: a judgement can come late.
    going: LruCache<PeerId, (), std::hash::RandomState>,
}

#[derive(Clone, Copy, Debug)]
struct Score {
    weight: u32,
    at: Instant,
}

/// What is to be done about a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(super) enum Judgement {
    /// It may stay; its faults weigh so much now.
    Stays(u32),
    /// It must go.
    Goes,
}

impl Penalties {
    pub(super) fn new() -> Self {
        let scores = LruCache::with_hasher(REMEMBERED, std::hash::RandomState::new());
        let going = LruCache::with_hasher(REMEMBERED, std::hash::RandomState::new());
        Self(Arc::new(Mutex::new(Record { scores, going })))
    }

    /// Adds a fault.
    pub(super) fn add(&self, peer: PeerId, reason: Reason, now: Instant) -> Judgement {
        let Record { scores, going } = &mut *self.record();
        let left = scores.get(&peer).map_or(0, |score| score.left(now));
        let weight = left.saturating_add(reason.weight());
        if weight >= DISCONNECT_AT {
            // The ban that follows is the punishment; after it the peer begins anew.
            scores.pop(&peer);
            going.put(peer, ());
            return Judgement::Goes;
        }
        scores.put(peer, Score { weight, at: now });
        Judgement::Stays(weight)
    }

    /// Whether the peer must go and is not gone: what it has still sent is not worth looking at.
    pub(super) fn is_going(&self, peer: &PeerId) -> bool {
        self.record().going.contains(peer)
    }

    /// The peer is gone, or has come again.
    pub(super) fn gone(&self, peer: &PeerId) {
        self.record().going.pop(peer);
    }

    fn record(&self) -> MutexGuard<'_, Record> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Score {
    fn left(self, now: Instant) -> u32 {
        let forgotten = now.saturating_duration_since(self.at).as_secs() / FORGET_POINT.as_secs();
        self.weight.saturating_sub(u32::try_from(forgotten).unwrap_or(u32::MAX))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::disallowed_methods, reason = "any instant will do")]

    use super::*;

    #[test]
    fn what_no_honest_peer_does_ends_it_at_once() {
        let penalties = Penalties::new();
        let peer = PeerId::random();
        assert!(!penalties.is_going(&peer));
        assert_eq!(penalties.add(peer, Reason::WrongHeader, Instant::now()), Judgement::Goes);
        assert!(penalties.is_going(&peer));
        penalties.gone(&peer);
        assert!(!penalties.is_going(&peer));
    }

    #[test]
    fn small_faults_add_up_for_each_peer_alone() {
        let (penalties, now) = (Penalties::new(), Instant::now());
        let (one, other) = (PeerId::random(), PeerId::random());
        for weight in [20, 40, 60, 80] {
            assert_eq!(penalties.add(one, Reason::Silence, now), Judgement::Stays(weight));
        }
        assert_eq!(penalties.add(other, Reason::Silence, now), Judgement::Stays(20));
        assert_eq!(penalties.add(one, Reason::Silence, now), Judgement::Goes);
        assert_eq!(penalties.add(one, Reason::Silence, now), Judgement::Stays(20), "begun anew");
    }

    #[test]
    fn faults_are_forgotten_with_time() {
        let (penalties, peer, start) = (Penalties::new(), PeerId::random(), Instant::now());
        assert_eq!(penalties.add(peer, Reason::Silence, start), Judgement::Stays(20));
        let minute = start + Duration::from_secs(30);
        assert_eq!(penalties.add(peer, Reason::Silence, minute), Judgement::Stays(30));
        let hour = start + Duration::from_secs(3600);
        assert_eq!(penalties.add(peer, Reason::Silence, hour), Judgement::Stays(20));
    }
}
