//! The node's chain as the fetcher's driver sees it.

use herald_fetcher::driver::HeaderVerdict;
use herald_fetcher::{ChainView, ImportOutcome};
use herald_proto::{Block, Header};

use super::Types;
use herald_chain::store::StoreError;
use herald_chain::{BlockError, Chain};

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

impl herald_fetcher::driver::Chain<Types> for ChainHost {
    async fn verify_header(&self, header: Header) -> HeaderVerdict {
        let (hash, number) = (header.hash(), header.number);
        let verdict = self.blocking(move |chain| chain.verify_header(&header)).await;
        match verdict {
            Some(Ok(())) => HeaderVerdict::Valid,
            Some(Err(BlockError::Future { wait, .. })) => HeaderVerdict::Future { after: wait },
            Some(Err(BlockError::Broken(rule))) => {
                tracing::debug!(block = %hash, number, %rule, "header refused");
                HeaderVerdict::Invalid
            }
            // The driver asks only once the parent is here.
            Some(Err(BlockError::UnknownParent { .. })) | None => HeaderVerdict::LocalFault,
            Some(Err(BlockError::Store(error))) => {
                report(&error);
                HeaderVerdict::LocalFault
            }
        }
    }

    async fn import(&self, block: Block) -> ImportOutcome {
        let (hash, number) = (block.hash(), block.number());
        let outcome = self.blocking(move |chain| chain.import(&[block])).await;
        let error = match outcome {
            Some(Ok(report)) => {
                if let Some(reorg) = &report.reorg {
                    super::log_reorg(reorg);
                }
                tracing::info!(block = %hash, number, "imported");
                return ImportOutcome::Imported;
            }
            Some(Err(stopped)) => stopped.error,
            None => return ImportOutcome::LocalFault,
        };
        match error {
            BlockError::Broken(rule) => {
                tracing::debug!(block = %hash, number, %rule, "block refused");
                ImportOutcome::Invalid
            }
            BlockError::Store(error) => {
                report(&error);
                ImportOutcome::LocalFault
            }
            BlockError::UnknownParent { .. } | BlockError::Future { .. } => ImportOutcome::LocalFault,
        }
    }
}

fn report(error: &StoreError) {
    tracing::warn!(%error, "a block could not be checked");
}
