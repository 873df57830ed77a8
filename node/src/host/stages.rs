//! The stages of each block, for the log and for `herald_fetcher`.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use herald_fetcher::driver::Observer;
use herald_fetcher::{Event, StageName, Time};
use libp2p::PeerId;

use super::Types;

/// How many blocks have entered each stage since the start. Clones share the counts.
#[derive(Clone, Debug, Default)]
pub struct StageCounts(Arc<[AtomicU64; StageName::COUNT]>);

impl StageCounts {
    /// Blocks that have entered this stage.
    #[must_use]
    pub fn entered(&self, stage: StageName) -> u64 {
        self.counter(stage).map_or(0, |count| count.load(Ordering::Relaxed))
    }

    fn counter(&self, stage: StageName) -> Option<&AtomicU64> {
        self.0.get(stage.index())
    }
}

impl Observer<Types> for StageCounts {
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
