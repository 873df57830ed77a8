//! The scores of peers, shared between those who judge and those who listen.

use std::num::{NonZeroU32, NonZeroUsize};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use herald_fetcher::{PenaltyOutcome, PenaltyScores, Reason, Time};
use libp2p::PeerId;
use lru::LruCache;
use tokio::time::Instant;

/// Peers whose faults are remembered. They outlive the connection, or reconnecting would pay.
const REMEMBERED: NonZeroU32 = NonZeroU32::new(1024).expect("not zero");
/// Peers that were judged and not yet sent away: most for the moment until their session ends, some
/// that had left before, until they come again.
const GOING: NonZeroUsize = NonZeroUsize::new(1024).expect("not zero");

/// The scores of all peers. Clones share them.
#[derive(Clone, Debug)]
pub(super) struct Penalties(Arc<Mutex<Record>>);

#[derive(Debug)]
struct Record {
    scores: PenaltyScores<PeerId>,
    /// Time zero of the scores.
    origin: Instant,
    /// With the label of what was the last straw.
    going: LruCache<PeerId, &'static str, std::hash::RandomState>,
}

impl Penalties {
    /// No peer has done wrong yet. `seed` is that of the scores' map.
    pub(super) fn new(seed: u64, now: Instant) -> Self {
        let going = LruCache::with_hasher(GOING, std::hash::RandomState::new());
        Self(Arc::new(Mutex::new(Record {
            scores: PenaltyScores::new(REMEMBERED, seed),
            origin: now,
            going,
        })))
    }

    /// Adds a fault.
    pub(super) fn add(&self, peer: PeerId, reason: Reason, now: Instant) -> PenaltyOutcome {
        let Record { scores, origin, going } = &mut *self.record();
        let outcome = scores.add(Time::ZERO.after(now.saturating_duration_since(*origin)), peer, reason);
        match outcome {
            PenaltyOutcome::Tolerated { .. } => {}
            PenaltyOutcome::Disconnect => drop(going.put(peer, reason.label())),
        }
        outcome
    }

    /// Whether the peer must go and is not gone: what it has still sent is not worth looking at.
    pub(super) fn is_going(&self, peer: &PeerId) -> bool {
        self.judged(peer).is_some()
    }

    /// For what the peer must go, if it must: it may have been judged when it had just left.
    pub(super) fn judged(&self, peer: &PeerId) -> Option<&'static str> {
        self.record().going.peek(peer).copied()
    }

    /// The peer is gone, and its ban has begun.
    pub(super) fn kept_out(&self, peer: &PeerId) {
        self.record().going.pop(peer);
    }

    fn record(&self) -> MutexGuard<'_, Record> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::disallowed_methods, reason = "any instant will do")]

    use std::time::Duration;

    use super::*;

    #[test]
    fn who_is_judged_is_going_until_it_is_kept_out() {
        let (now, peer) = (Instant::now(), PeerId::random());
        let penalties = Penalties::new(7, now);
        assert_eq!(penalties.add(peer, Reason::Silence, now), PenaltyOutcome::Tolerated { score: 20 });
        assert!(!penalties.is_going(&peer));
        assert_eq!(penalties.add(peer, Reason::WrongHeader, now), PenaltyOutcome::Disconnect);
        assert!(penalties.is_going(&peer));
        assert_eq!(penalties.judged(&peer), Some("wrong_header"));
        penalties.kept_out(&peer);
        assert!(!penalties.is_going(&peer));
    }

    #[test]
    fn scores_go_by_the_runtimes_clock() {
        let (start, peer) = (Instant::now(), PeerId::random());
        let penalties = Penalties::new(7, start);
        let add = |seconds| penalties.add(peer, Reason::Silence, start + Duration::from_secs(seconds));
        assert_eq!(add(0), PenaltyOutcome::Tolerated { score: 20 });
        assert_eq!(add(30), PenaltyOutcome::Tolerated { score: 30 });
    }
}
