//! What peers did wrong, added up and forgotten again.

use core::fmt;
use core::hash::Hash;
use core::num::NonZeroU32;
use core::time::Duration;

use foldhash::fast::FixedState;
use lru::LruCache;

use crate::Time;
use crate::output::Reason;
use crate::time::nanos;

/// The score of each peer: the weights of what it did wrong, less what time has forgiven.
///
/// For hosts that answer [`Output::Penalise`](crate::Output::Penalise) by disconnecting peers, and
/// for simulations of them. The fetcher itself keeps no scores: it names what happened, once for each
/// time that it did. As the fetcher, this reads no clock.
///
/// A score is kept when its peer disconnects, or reconnecting would clear it. At most `capacity` are
/// kept; beyond that, the one longest not added to is dropped. It is the one most forgiven, too,
/// but for weights that differ.
///
/// ```
/// use core::num::NonZeroU32;
///
/// use herald_fetcher::{PenaltyOutcome, PenaltyScores, Reason, Time};
///
/// let mut scores = PenaltyScores::new(NonZeroU32::MIN.saturating_add(1_023), 0);
/// let silence = scores.add(Time::ZERO, "a slow peer", Reason::Silence);
/// assert_eq!(silence, PenaltyOutcome::Tolerated { score: 20 });
/// let wrong_body = scores.add(Time::ZERO, "a liar", Reason::WrongBody);
/// assert_eq!(wrong_body, PenaltyOutcome::Disconnect);
/// ```
pub struct PenaltyScores<P> {
    scores: LruCache<P, Score, FixedState>,
    capacity: NonZeroU32,
}

/// A score as it was when it was last added to.
#[derive(Clone, Copy)]
struct Score {
    points: u32,
    at: Time,
}

/// What is to be done about a penalty.
///
/// Closed on purpose: a host has to do the one or the other.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PenaltyOutcome {
    /// The peer may stay.
    Tolerated {
        /// What it has come to, below [`Reason::DISCONNECT_AT`].
        score: u32,
    },
    /// The peer has reached [`Reason::DISCONNECT_AT`]. Its score is cleared: being disconnected, and
    /// refused for as long as the host sees fit, is the punishment; after that it begins anew.
    Disconnect,
}

/// How long it takes until a point is forgiven: a peer that is silent once a minute, which weighs 20,
/// stays for good.
const POINT_FORGIVEN_AFTER: Duration = Duration::from_secs(3);

impl<P: Eq + Hash> PenaltyScores<P> {
    /// No peer has a score yet.
    ///
    /// At most `capacity` are kept, each of which costs about a hundred bytes and the peer's name; a
    /// node wants many times as many as it has connections. `seed` is the hash map's, as
    /// [`Config::seed`](crate::Config::seed): random on an open network.
    pub fn new(capacity: NonZeroU32, seed: u64) -> Self {
        // Unbounded, since a bounded one allocates its whole capacity ahead.
        Self { scores: LruCache::unbounded_with_hasher(FixedState::with_seed(seed)), capacity }
    }

    /// Adds a penalty to the peer's score.
    pub fn add(&mut self, now: Time, peer: P, reason: Reason) -> PenaltyOutcome {
        let before = self.scores.peek(&peer).copied().unwrap_or(Score { points: 0, at: now });
        let score = before.at(now).saturating_add(reason.weight());
        if score >= Reason::DISCONNECT_AT {
            self.scores.pop(&peer);
            return PenaltyOutcome::Disconnect;
        }
        self.scores.put(peer, Score { points: score, at: now.max(before.at) });
        if self.scores.len() > self.capacity.get() as usize {
            self.scores.pop_lru();
        }
        PenaltyOutcome::Tolerated { score }
    }

    /// The peer's score at this time; 0 where there is none.
    pub fn score(&self, now: Time, peer: &P) -> u32 {
        self.scores.peek(peer).map_or(0, |score| score.at(now))
    }
}

impl Score {
    /// What is left of it. Whole points are forgiven: the rest of a span is lost when it is added to.
    fn at(self, now: Time) -> u32 {
        let forgiven = nanos(now.since(self.at)) / nanos(POINT_FORGIVEN_AFTER);
        self.points.saturating_sub(u32::try_from(forgiven).unwrap_or(u32::MAX))
    }
}

// Not derived, since the cache's needs a key that can be hashed.
impl<P> fmt::Debug for PenaltyScores<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PenaltyScores").field("capacity", &self.capacity).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Time = Time::from_nanos(7_000_000_000_000);
    const ALICE: u32 = 1;
    const BOB: u32 = 2;

    fn scores(capacity: u32) -> PenaltyScores<u32> {
        PenaltyScores::new(NonZeroU32::new(capacity).unwrap(), 7)
    }

    const fn tolerated(score: u32) -> PenaltyOutcome {
        PenaltyOutcome::Tolerated { score }
    }

    #[test]
    fn what_no_honest_peer_does_ends_it_at_once() {
        for reason in Reason::ALL {
            let (mut scores, weight) = (scores(8), reason.weight());
            let expected =
                if weight < Reason::DISCONNECT_AT { tolerated(weight) } else { PenaltyOutcome::Disconnect };
            // One deed of an honest peer under load never ends the connection.
            assert!(!reason.befalls_honest_peers() || weight < Reason::DISCONNECT_AT, "{reason:?}");
            assert_eq!(scores.add(START, ALICE, reason), expected, "{reason:?}");
        }
    }

    #[test]
    fn small_faults_add_up_for_each_peer_alone() {
        let mut scores = scores(8);
        for score in [20, 40, 60, 80] {
            assert_eq!(scores.add(START, ALICE, Reason::Silence), tolerated(score));
        }
        assert_eq!(scores.add(START, BOB, Reason::Silence), tolerated(20));
        assert_eq!(scores.add(START, ALICE, Reason::Silence), PenaltyOutcome::Disconnect);
        assert_eq!(scores.score(START, &ALICE), 0);
        assert_eq!(scores.add(START, ALICE, Reason::Silence), tolerated(20), "it begins anew");
        assert_eq!(scores.score(START, &BOB), 20);
    }

    #[test]
    fn a_point_is_forgiven_every_three_seconds() {
        let mut scores = scores(8);
        assert_eq!(scores.add(START, ALICE, Reason::Silence), tolerated(20));
        for (ms, score) in [(0, 20), (2_999, 20), (3_000, 19), (59_999, 1), (60_000, 0), (u64::MAX, 0)] {
            assert_eq!(scores.score(START.after(Duration::from_millis(ms)), &ALICE), score, "{ms} ms");
        }
        let later = START.after(Duration::from_secs(30));
        assert_eq!(scores.add(later, ALICE, Reason::Silence), tolerated(30));
        assert_eq!(
            scores.add(later.after(Duration::from_secs(3_600)), ALICE, Reason::Silence),
            tolerated(20)
        );
    }

    #[test]
    fn silent_once_a_minute_is_tolerated_for_ever_and_twice_is_not() {
        let minute = |count: u64| START.after(Duration::from_secs(60 * count));
        let mut once = scores(8);
        assert!((0..10_000).all(|at| once.add(minute(at), ALICE, Reason::Silence) == tolerated(20)));
        let mut twice = scores(8);
        let mut outcomes = (0..10).map(|at| {
            let _ = twice.add(minute(at), BOB, Reason::Silence);
            twice.add(minute(at), BOB, Reason::Silence)
        });
        assert!(outcomes.any(|outcome| outcome == PenaltyOutcome::Disconnect));
    }

    #[test]
    fn time_that_goes_back_forgives_nothing() {
        let mut scores = scores(8);
        let _ = scores.add(START, ALICE, Reason::Silence);
        assert_eq!(scores.score(Time::ZERO, &ALICE), 20);
        assert_eq!(scores.add(Time::ZERO, ALICE, Reason::Silence), tolerated(40));
        assert_eq!(scores.score(START, &ALICE), 40);
    }

    #[test]
    fn beyond_the_capacity_the_one_longest_not_added_to_is_dropped() {
        let mut scores = scores(2);
        for peer in [1, 2, 1, 3] {
            let _ = scores.add(START, peer, Reason::Silence);
        }
        let kept = [1, 2, 3].map(|peer| scores.score(START, &peer));
        assert_eq!(kept, [40, 0, 20]);
        for peer in 0..10_000 {
            let _ = scores.add(START, peer, Reason::Refusal);
        }
        assert_eq!(scores.scores.len(), 2);
    }
}
