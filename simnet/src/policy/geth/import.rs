//! Whole blocks: the queue, the header check, the import, and blocks from the near future.

use std::time::Duration;

use herald_fetcher::{
    Admission, BlockHash, BlockOf, Body as _, ChainView as _, End, Header as _, Output, Reason, StageName,
    Time, Verdict,
};

use super::traces::{BlockPhase, block_bytes};
use super::{BLOCK_LIMIT, GethModel, UNCLE_DISTANCE_MAX, in_window};
use crate::model::block::{PeerId, Sim};
use crate::model::chain::NodeView;

/// How far ahead of our clock a block may be that the chain keeps.
const FUTURE_MAX: Duration = Duration::from_secs(30);
/// How many such blocks the chain keeps.
const FUTURE_BLOCKS_MAX: usize = 256;
/// How often the chain looks at them.
const FUTURE_PERIOD_NANOS: u64 = 5_000_000_000;

/// A block that geth's chain keeps until its time has come. The tick at `due` hands it over, the
/// host's outcome ends it.
#[derive(Debug)]
pub(super) struct Future {
    block: BlockOf<Sim>,
    due: Time,
    at_host: AtHost,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum AtHost {
    No,
    Yes,
}

impl Future {
    pub(super) fn hash(&self) -> BlockHash {
        self.block.header.hash()
    }

    /// Whether it is this block, and the host imports it.
    fn is_at_host(&self, hash: &BlockHash) -> bool {
        self.at_host == AtHost::Yes && self.hash() == *hash
    }
}

impl GethModel {
    pub(super) fn pushed(&mut self, peer: PeerId, block: BlockOf<Sim>, chain: &NodeView<'_>) -> Admission {
        if !self.peers.is_connected(peer) {
            return Admission::UnknownPeer;
        }
        // The handler drops it without a word, neither marked as known nor blamed on anybody.
        if block.header.body_commitment() != block.body.commitment() {
            return Admission::WrongBody;
        }
        let hash = block.header.hash();
        self.peers.mark(peer, &hash);
        let known = chain.contains(&hash);
        let admission = self.enqueue(peer, block, chain);
        self.turn(chain);
        if known { Admission::Known } else { admission }
    }

    /// Puts a whole block into the queue. Where it is refused, all that others announced of it goes
    /// as well.
    pub(super) fn enqueue(&mut self, peer: PeerId, block: BlockOf<Sim>, chain: &NodeView<'_>) -> Admission {
        let hash = block.header.hash();
        if self.traces.blocks_of(peer) >= BLOCK_LIMIT {
            self.forget_refused(hash, End::NoCapacity);
            return Admission::PeerLimit;
        }
        if !in_window(block.header.number(), chain.head()) {
            self.forget_refused(hash, End::Passed);
            return Admission::TooFar;
        }
        if self.traces.queued(&hash).is_some() {
            return Admission::Duplicate;
        }
        self.traces.queue(peer, block);
        self.entered(hash, StageName::Queued, Some(peer));
        Admission::Accepted
    }

    fn forget_refused(&mut self, hash: BlockHash, end: End) {
        if self.traces.is_traced(&hash) {
            self.traces.forget_hash(&hash);
            self.ended(hash, end);
        }
    }

    /// Hands over the queued blocks that the chain has reached, lowest number first.
    pub(super) fn hand_over(&mut self, chain: &NodeView<'_>) {
        let height = chain.head();
        while let Some(hash) = self.traces.pop_queue(height.saturating_add(1)) {
            let Some(queued) = self.traces.queued(&hash) else { continue };
            let (origin, header) = (queued.origin, queued.block.header.clone());
            if header.number().saturating_add(UNCLE_DISTANCE_MAX) < height {
                self.traces.forget_block(&hash);
                self.ended(hash, End::Passed);
            } else if chain.contains(&hash) {
                self.traces.forget_block(&hash);
                self.ended(hash, End::InChain);
            } else if chain.contains(&header.parent_hash()) {
                self.traces.set_phase(&hash, BlockPhase::Verifying);
                self.entered(hash, StageName::Importing, Some(origin));
                self.outputs.push_back(Output::VerifyHeader { header });
            } else {
                self.forget(hash, End::NobodyLeft);
            }
        }
    }

    pub(super) fn verdict(&mut self, hash: BlockHash, verdict: Verdict, chain: &NodeView<'_>) {
        let Some(queued) = self.traces.queued(&hash).filter(|queued| queued.phase == BlockPhase::Verifying)
        else {
            return;
        };
        let (origin, block) = (queued.origin, queued.block.clone());
        match verdict {
            Verdict::Valid => {
                self.relay(&block);
                self.traces.set_phase(&hash, BlockPhase::Importing);
                // The chain imports one block at a time: a copy of what it has in hand ends with it.
                if !self.future.iter().any(|future| future.is_at_host(&hash)) {
                    self.outputs.push_back(Output::Import { block });
                }
                return;
            }
            Verdict::Invalid => {
                self.penalise(origin, Reason::InvalidHeader);
                self.forget(hash, End::Invalid);
            }
            // Geth tells no cause of failure from another.
            Verdict::LocalFault | Verdict::Retry { .. } | Verdict::BadBody => {
                self.penalise(origin, Reason::InvalidHeader);
                self.forget(hash, End::LocalFault);
            }
            Verdict::Future { wait } => {
                let known = self.future.iter().any(|future| future.hash() == hash);
                if wait <= FUTURE_MAX && self.future.len() < FUTURE_BLOCKS_MAX && !known {
                    let due = next_period(self.now.after(wait));
                    self.future.push(Future { block, due, at_host: AtHost::No });
                }
                self.forget(hash, End::TooFarInFuture);
            }
        }
        self.turn(chain);
    }

    pub(super) fn imported(&mut self, hash: BlockHash, verdict: Verdict, chain: &NodeView<'_>) {
        let end = match verdict {
            Verdict::Valid => End::Imported,
            Verdict::Invalid => End::Invalid,
            Verdict::BadBody => End::BadBody,
            Verdict::Future { .. } | Verdict::Retry { .. } | Verdict::LocalFault => End::LocalFault,
        };
        let importing = self.traces.queued(&hash).filter(|queued| queued.phase == BlockPhase::Importing);
        if let Some(block) = importing.map(|queued| queued.block.clone()) {
            match verdict {
                Verdict::Valid => self.announce(&block, chain),
                // Nobody is blamed for a block that only the import finds wrong.
                Verdict::Invalid
                | Verdict::BadBody
                | Verdict::Future { .. }
                | Verdict::Retry { .. }
                | Verdict::LocalFault => {}
            }
            self.future.retain(|future| !future.is_at_host(&hash));
            self.forget(hash, end);
            self.turn(chain);
            return;
        }
        // The chain's own list tells neither the fetcher nor the peers.
        if let Some(at) = self.future.iter().position(|future| future.is_at_host(&hash)) {
            self.future.remove(at);
            self.ended(hash, end);
        }
    }

    /// Hands over the kept blocks whose time has come, lowest number first.
    pub(super) fn take_up_future(&mut self, chain: &NodeView<'_>) {
        let now = self.now;
        let due = |future: &Future| future.at_host == AtHost::No && future.due <= now;
        let mut hashes: Vec<_> = self
            .future
            .iter()
            .filter(|future| due(future))
            .map(|future| (future.block.header.number(), future.hash()))
            .collect();
        hashes.sort_unstable();
        for (_, hash) in hashes {
            let Some(at) = self.future.iter().position(|future| future.hash() == hash) else { continue };
            let Some(future) = self.future.get_mut(at) else { continue };
            if self.traces.queued(&hash).is_some_and(|queued| queued.phase == BlockPhase::Importing) {
                future.due = next_period(now.after(Duration::from_nanos(1)));
            } else if !chain.contains(&hash) && chain.contains(&future.block.header.parent_hash()) {
                future.at_host = AtHost::Yes;
                self.outputs.push_back(Output::Import { block: future.block.clone() });
            } else {
                self.future.remove(at);
                self.ended(hash, if chain.contains(&hash) { End::InChain } else { End::NobodyLeft });
            }
        }
    }

    pub(super) fn next_future(&self) -> Option<Time> {
        self.future.iter().filter(|future| future.at_host == AtHost::No).map(|future| future.due).min()
    }

    pub(super) fn future_bytes(&self) -> u64 {
        self.future.iter().map(|future| block_bytes(&future.block)).sum()
    }

    /// What follows an import, successful or not: all traces of the hash go.
    fn forget(&mut self, hash: BlockHash, end: End) {
        self.traces.forget_hash(&hash);
        self.traces.forget_block(&hash);
        self.ended(hash, end);
    }
}

/// The first time not before `until` at which the chain looks at the blocks it keeps.
fn next_period(until: Time) -> Time {
    Time::from_nanos(until.as_nanos().div_ceil(FUTURE_PERIOD_NANOS).saturating_mul(FUTURE_PERIOD_NANOS))
}
