//! Blocks found invalid.

use core::time::Duration;

use foldhash::fast::FixedState;
use lru::LruCache;

use crate::Time;
use crate::output::Reason;
use crate::types::BlockHash;

type Cache = LruCache<BlockHash, Bad, FixedState>;

/// The last blocks found invalid. Most fetchers never see one.
///
/// Each is refused for a while and not for ever, since a host may be wrong: what is invalid is then
/// found so again, at the cost of a verification, and refused for longer each time.
#[derive(Debug, Default)]
pub(crate) struct BadBlocks(Option<Box<Cache>>);

/// What is remembered of a block found invalid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Bad {
    fault: KnownFault,
    /// How often the host has found it so; never for one that only stands on another.
    proofs: u8,
}

/// Why a block is refused, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct KnownFault {
    pub(crate) reason: Reason,
    pub(crate) until: Time,
}

/// No block is refused for longer than the configured span, doubled this often.
const DOUBLINGS_MAX: u8 = 10;

impl BadBlocks {
    /// What is wrong with a block, if it is refused at this time.
    pub(crate) fn fault(&self, now: Time, hash: &BlockHash) -> Option<KnownFault> {
        self.0.as_ref()?.peek(hash).map(|bad| bad.fault).filter(|fault| now < fault.until)
    }

    pub(crate) fn contains(&self, now: Time, hash: &BlockHash) -> bool {
        self.fault(now, hash).is_some()
    }

    /// The host has found a block invalid: it is refused for `span`, twice as long as the last time
    /// where it was found so before. Forgets the one longest not found again beyond `max`.
    pub(crate) fn prove(
        &mut self,
        now: Time,
        hash: BlockHash,
        reason: Reason,
        (span, max): (Duration, u32),
        hasher: &FixedState,
    ) -> KnownFault {
        let before = self.0.as_ref().and_then(|cache| cache.peek(&hash)).map_or(0, |bad| bad.proofs);
        let until = now.after(span.saturating_mul(1 << before.min(DOUBLINGS_MAX)));
        let fault = KnownFault { reason, until };
        self.put(hash, Bad { fault, proofs: before.saturating_add(1) }, max, hasher);
        fault
    }

    /// A block stands on one that is refused, and is for as long: no longer, or the descendants of one
    /// that was not invalid after all would be refused for ever, each for the sake of the one before.
    pub(crate) fn inherit(&mut self, hash: BlockHash, fault: KnownFault, max: u32, hasher: &FixedState) {
        let before = self.0.as_ref().and_then(|cache| cache.peek(&hash)).copied();
        let bad = match before {
            Some(bad) if bad.fault.until >= fault.until => bad,
            Some(Bad { proofs, .. }) => Bad { fault, proofs },
            None => Bad { fault, proofs: 0 },
        };
        self.put(hash, bad, max, hasher);
    }

    /// Forgets a block, and all that were refused for an ancestor: which of them stand on it is not
    /// known, and the others' are found out again.
    pub(crate) fn forget(&mut self, hash: &BlockHash) {
        let Some(cache) = &mut self.0 else { return };
        let inherited =
            |(hash, bad): (&BlockHash, &Bad)| (bad.fault.reason == Reason::InvalidAncestor).then_some(*hash);
        let gone: Vec<_> = cache.iter().filter_map(inherited).chain([*hash]).collect();
        for hash in &gone {
            cache.pop(hash);
        }
    }

    /// All that are remembered, those included that are refused no longer.
    pub(crate) fn len(&self) -> usize {
        self.0.as_ref().map_or(0, |cache| cache.len())
    }

    pub(crate) fn allocated_bytes(&self) -> usize {
        self.0.as_ref().map_or(0, |cache| EMPTY_BYTES + cache.len() * BLOCK_BYTES)
    }

    /// The most that [`allocated_bytes`](Self::allocated_bytes) can be.
    pub(crate) fn bytes_max(blocks: u32) -> u64 {
        EMPTY_BYTES as u64 + u64::from(blocks) * BLOCK_BYTES as u64
    }

    fn put(&mut self, hash: BlockHash, bad: Bad, max: u32, hasher: &FixedState) {
        // Unbounded, since a bounded one allocates its whole capacity ahead.
        let cache = self.0.get_or_insert_with(|| Box::new(LruCache::unbounded_with_hasher(hasher.clone())));
        cache.put(hash, bad);
        if cache.len() > max as usize {
            cache.pop_lru();
        }
    }
}

/// A node of the cache.
const NODE_BYTES: usize = size_of::<(BlockHash, Bad, usize, usize)>();
/// One block: a node, and its part of a map of a load between 7/16 and 7/8.
const BLOCK_BYTES: usize = NODE_BYTES + 3 * (2 * size_of::<usize>() + 1);
/// The cache itself, with the nodes at its ends.
const EMPTY_BYTES: usize = size_of::<Cache>() + 2 * NODE_BYTES;

#[cfg(test)]
mod tests {
    use super::*;

    const SPAN: Duration = Duration::from_secs(60);

    fn s(seconds: u64) -> Time {
        Time::ZERO.after(Duration::from_secs(seconds))
    }

    #[test]
    fn each_proof_doubles_the_time_up_to_a_bound() {
        let (mut bad, hash, hasher) =
            (BadBlocks::default(), BlockHash::repeat_byte(1), FixedState::with_seed(1));
        let mut now = 0;
        for doublings in [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 10, 10] {
            let fault = bad.prove(s(now), hash, Reason::InvalidHeader, (SPAN, 8), &hasher);
            now += 60 << doublings;
            assert_eq!(fault.until, s(now));
            assert!(bad.contains(s(now - 1), &hash) && !bad.contains(s(now), &hash));
        }
        assert_eq!(bad.len(), 1);
    }

    #[test]
    fn what_stands_on_it_is_refused_no_longer_and_forgotten_with_it() {
        let (mut bad, hasher) = (BadBlocks::default(), FixedState::with_seed(1));
        let [root, child, other] = [1, 2, 3].map(BlockHash::repeat_byte);
        let fault = bad.prove(s(0), root, Reason::InvalidBlock, (SPAN, 8), &hasher);
        bad.prove(s(0), other, Reason::InvalidHeader, (SPAN, 8), &hasher);
        let inherited = KnownFault { reason: Reason::InvalidAncestor, ..fault };
        bad.inherit(child, inherited, 8, &hasher);
        bad.inherit(child, KnownFault { until: s(1), ..inherited }, 8, &hasher);
        assert_eq!(bad.fault(s(59), &child), Some(inherited));
        assert_eq!(bad.fault(s(60), &child), None);
        bad.forget(&root);
        assert_eq!([root, child, other].map(|hash| bad.contains(s(59), &hash)), [false, false, true]);
    }
}
