//! The fetcher as this node runs it: its types, its handle, and how many blocks entered each stage.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use herald_fetcher::driver::Observer;
use herald_fetcher::{Event, StageName, Time};
use herald_proto::EthTypes;
use libp2p::PeerId;

/// The fetcher's types here: Ethereum's blocks among libp2p's peers.
pub(crate) type NodeTypes = EthTypes<PeerId>;
/// A handle to the node's fetcher.
pub(crate) type FetcherHandle = herald_fetcher::driver::Handle<NodeTypes>;

/// How many blocks have entered each stage since the start. Clones share the counts.
#[derive(Clone, Debug, Default)]
pub(crate) struct StageCounts(Arc<[AtomicU64; StageName::COUNT]>);

impl StageCounts {
    pub(crate) fn entered(&self, stage: StageName) -> u64 {
        self.counter(stage).map_or(0, |count| count.load(Ordering::Relaxed))
    }

    fn counter(&self, stage: StageName) -> Option<&AtomicU64> {
        self.0.get(stage.index())
    }
}

impl Observer<NodeTypes> for StageCounts {
    fn on_event(&mut self, _now: Time, event: &Event<PeerId>) {
        match event {
            Event::Entered { hash, stage, from } => {
                if let Some(count) = self.counter(*stage) {
                    count.fetch_add(1, Ordering::Relaxed);
                }
                let peer = from.map(tracing::field::display);
                tracing::debug!(block = %hash, stage = stage.label(), peer, "stage entered");
            }
            Event::Ended { hash, end } => {
                tracing::debug!(block = %hash, end = end.label(), "followed no longer");
            }
        }
    }
}
