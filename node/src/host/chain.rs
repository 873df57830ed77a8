//! The node's chain as the fetcher's driver sees it.

use herald_chain::{BlockError, Chain};
use herald_fetcher::{BlockHash, ChainView, Verdict};
use herald_proto::{Block, Header};

use crate::fetcher::NodeTypes;

/// A chain, for the driver.
#[derive(Clone, Debug)]
pub(super) struct ChainHost(Chain);

impl ChainHost {
    pub(super) fn new(chain: Chain) -> Self {
        Self(chain)
    }

    /// Runs what may read or write the disk on a thread that may wait. `None` when the runtime
    /// shuts down, or when the call panicked.
    async fn blocking<R: Send + 'static>(
        &self,
        call: impl FnOnce(&Chain) -> R + Send + 'static,
    ) -> Option<R> {
        let chain = self.0.clone();
        tokio::task::spawn_blocking(move || call(&chain)).await.ok()
    }
}

impl ChainView for ChainHost {
    fn contains(&self, hash: &herald_fetcher::BlockHash) -> bool {
        // What cannot be looked up is fetched, and then fails where it is reported.
        self.0.contains(hash).unwrap_or_else(|error| {
            tracing::warn!(block = %hash, %error, "the chain cannot be read");
            false
        })
    }

    fn head(&self) -> u64 {
        self.0.head().header.number
    }

    fn finalized(&self) -> u64 {
        self.0.finalized()
    }
}

impl herald_fetcher::driver::Chain<NodeTypes> for ChainHost {
    async fn verify_header(&self, header: Header) -> Verdict {
        let (hash, number) = (header.hash(), header.number);
        match self.blocking(move |chain| chain.verify_header(&header)).await {
            Some(Ok(())) => Verdict::Valid,
            Some(Err(error)) => judge(&error, &hash, number),
            None => Verdict::LocalFault,
        }
    }

    async fn import(&self, block: Block) -> Verdict {
        let (hash, number) = (block.hash(), block.number());
        match self.blocking(move |chain| chain.import(&[block])).await {
            Some(Ok(report)) => {
                if let Some(reorg) = &report.reorg {
                    super::log_reorg(reorg);
                }
                tracing::info!(block = %hash, number, "imported");
                Verdict::Valid
            }
            Some(Err(stopped)) => judge(&stopped.error, &hash, number),
            None => Verdict::LocalFault,
        }
    }
}

/// What it means for a block, and for whoever provided it, that the chain does not take it; and says
/// so in the log. Fetcher and range sync both ask here.
pub(super) fn judge(error: &BlockError, hash: &BlockHash, number: u64) -> Verdict {
    match error {
        BlockError::Broken(rule) => {
            tracing::debug!(block = %hash, number, %rule, "block refused");
            Verdict::Invalid
        }
        BlockError::Future { wait, .. } => Verdict::Future { wait: *wait },
        BlockError::Store(error) => {
            tracing::warn!(block = %hash, number, %error, "the chain cannot be read or written");
            Verdict::LocalFault
        }
        // Both ask only once the parent is here: it must have been lost since.
        BlockError::UnknownParent { .. } => Verdict::LocalFault,
    }
}
