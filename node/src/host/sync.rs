//! The node's chain as the range sync sees it.

use alloy_primitives::B256;
use herald_proto::Block;
use tokio::runtime::Handle;

use super::chain::judge;
use super::log_reorg;
use crate::fetcher::FetcherHandle;
use crate::sync::{ImportFault, SyncChain, SyncHead};
use herald_chain::{Chain, ImportReport};
use herald_fetcher::Verdict;

/// A chain, for the range sync. The fetcher hears of what is imported.
#[derive(Debug)]
pub(super) struct SyncHost {
    chain: Chain,
    fetcher: FetcherHandle,
}

impl SyncHost {
    pub(super) fn new(chain: Chain, fetcher: FetcherHandle) -> Self {
        Self { chain, fetcher }
    }

    fn tell(&self, report: &ImportReport) {
        if let Some(reorg) = &report.reorg {
            log_reorg(reorg);
        }
        let blocks = report.canonical.iter().map(|block| (block.hash, block.number)).collect();
        // On a thread that may block, while the runtime goes on. The driver ends after the sync.
        let _closed = Handle::current().block_on(self.fetcher.chain_advanced(blocks));
    }
}

impl SyncChain for SyncHost {
    fn contains(&self, hash: &B256) -> bool {
        self.chain.contains(hash).unwrap_or(false)
    }

    fn head(&self) -> SyncHead {
        let head = self.chain.head();
        SyncHead { number: head.header.number, total_difficulty: head.total_difficulty }
    }

    fn finalized(&self) -> u64 {
        self.chain.finalized()
    }

    fn import(&self, blocks: Vec<Block>) -> Result<(), ImportFault> {
        match self.chain.import(&blocks) {
            Ok(report) => {
                let number = self.chain.head().header.number;
                tracing::info!(blocks = report.imported, number, "imported by range sync");
                self.tell(&report);
                Ok(())
            }
            Err(stopped) => {
                self.tell(&stopped.report);
                // Where it is not the block's fault, it may be taken later: nobody has done wrong.
                Err(match judge(&stopped.error, &stopped.hash, stopped.number) {
                    Verdict::Invalid => {
                        ImportFault::Invalid { number: stopped.number, rule: stopped.error.label() }
                    }
                    Verdict::Valid
                    | Verdict::Future { .. }
                    | Verdict::Retry { .. }
                    | Verdict::BadBody
                    | Verdict::LocalFault => ImportFault::Local,
                })
            }
        }
    }
}
