//! Sealing blocks: whose turn it is, which the chain's engine says, when, and never twice at one
//! height.

mod mark;
mod plan;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use alloy_primitives::{Address, B256};
use herald_proto::{Block, Header};
use thiserror::Error;
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;
use tokio_util::sync::CancellationToken;

use herald_chain::engine::NotNow;
use herald_chain::key::AccountKey;
use herald_chain::{BlockNumHash, Chain, ChainEvent, ImportError, PrepareError};

pub(crate) use self::mark::MarkError;
use self::mark::SealMark;
use self::plan::{Plan, plan};

/// After a failure of our own, such as a full disk, the wait before the next attempt.
const RETRY: Duration = Duration::from_secs(5);

/// Seals blocks on top of the head whenever it may.
#[derive(Debug)]
pub(crate) struct Sealer {
    chain: Chain,
    key: Arc<AccountKey>,
    mark: SealMark,
    /// The plan before, so that a reason not to seal is told once and not with every head.
    told: Option<Plan>,
}

/// What a sealed block is handed to: it is in the chain, and is now everybody's.
pub(crate) trait Publish: Send + Sync {
    /// Relays and announces the block.
    fn publish(&self, block: Block) -> impl Future<Output = ()> + Send;
}

/// Blocks cannot be sealed.
#[derive(Clone, Debug, Error)]
#[non_exhaustive]
pub enum SealerError {
    /// The chain or the key does not let us.
    #[error(transparent)]
    Prepare(#[from] PrepareError),
    /// What was sealed last cannot be kept.
    #[error(transparent)]
    Mark(#[from] MarkError),
    /// The block that we made breaks a rule, or the store failed.
    #[error("our own block was not taken: {0}")]
    Import(Arc<ImportError>),
}

impl Sealer {
    /// Reads from `datadir` what this key sealed last.
    ///
    /// # Errors
    /// A chain that is not sealed; a mark that cannot be read: sealing without it could sign two
    /// blocks at one height.
    pub(crate) fn new(chain: Chain, key: AccountKey, datadir: &Path) -> Result<Self, SealerError> {
        // Whose turn it is shows later; whether there are turns shows now.
        chain.seal_turn(&chain.head().header, key.address())?;
        let mark = SealMark::open(datadir, key.address())?;
        Ok(Self { chain, key: Arc::new(key), mark, told: None })
    }

    /// Who seals.
    #[must_use]
    pub(crate) fn address(&self) -> Address {
        self.key.address()
    }

    /// Seals until `shutdown`; then a block that is being sealed is finished first.
    pub(crate) async fn run(mut self, publisher: impl Publish, shutdown: CancellationToken) {
        tracing::info!(signer = %self.address(), "sealing");
        let mut events = self.chain.events();
        while !shutdown.is_cancelled() {
            let parent = self.chain.head().header;
            let waited = match self.wait_for(&parent) {
                Ok(plan) => self.wait(plan, &parent, &mut events, &shutdown).await,
                Err(error) => self.back_off(&error, &shutdown).await,
            };
            if waited == Waited::Seal {
                match self.seal(parent).await {
                    Ok(block) => publisher.publish(block).await,
                    Err(error) => {
                        self.back_off(&error, &shutdown).await;
                    }
                }
            }
        }
    }

    fn wait_for(&mut self, parent: &Header) -> Result<Plan, SealerError> {
        let turn = self.chain.seal_turn(parent, self.address())?;
        let plan = plan(turn, parent.number.saturating_add(1), self.mark.number(), random_below);
        match plan {
            // The second is the rule of many signers, and no news.
            Plan::SealAt(_) | Plan::NotNow(NotNow::RecentlySigned { .. }) => {}
            Plan::NotNow(_) | Plan::SealedBefore { .. } if self.told == Some(plan) => {}
            Plan::NotNow(NotNow::NotASigner) => {
                tracing::warn!(signer = %self.address(), "not a signer of this chain, so nothing is sealed");
            }
            Plan::NotNow(NotNow::Because(reason)) => {
                tracing::info!(signer = %self.address(), reason, "nothing is sealed for now");
            }
            Plan::SealedBefore { until } => {
                tracing::info!(number = until, "this height is sealed already, waiting for the next");
            }
        }
        self.told = Some(plan);
        Ok(plan)
    }

    /// Waits until the plan's time has come or its parent is the head no more.
    async fn wait(
        &self,
        plan: Plan,
        parent: &Header,
        events: &mut broadcast::Receiver<Arc<ChainEvent>>,
        shutdown: &CancellationToken,
    ) -> Waited {
        let now = self.chain.options().clock.now();
        let time = async {
            match plan {
                Plan::SealAt(at) => tokio::time::sleep(at.saturating_sub(now)).await,
                Plan::NotNow(_) | Plan::SealedBefore { .. } => std::future::pending().await,
            }
        };
        tokio::pin!(time);
        loop {
            tokio::select! {
                biased;
                () = shutdown.cancelled() => return Waited::Replan,
                event = events.recv() => match event {
                    Err(RecvError::Closed) => return Waited::Replan,
                    // Whatever was missed, the head tells.
                    Ok(_) | Err(RecvError::Lagged(_)) => {
                        if self.chain.head().header.hash() != parent.hash() {
                            return Waited::Replan;
                        }
                    }
                },
                () = &mut time => return Waited::Seal,
            }
        }
    }

    async fn back_off(&self, error: &SealerError, shutdown: &CancellationToken) -> Waited {
        tracing::warn!(signer = %self.address(), %error, "no block sealed, trying again soon");
        tokio::select! {
            () = shutdown.cancelled() => {}
            () = tokio::time::sleep(RETRY) => {}
        }
        Waited::Replan
    }

    /// Seals on top of `parent` and takes the block into the chain. The mark comes first: a crash
    /// in between costs a turn, the other order could cost a second block at that height.
    async fn seal(&mut self, parent: Header) -> Result<Block, SealerError> {
        let (chain, key, mut mark) = (self.chain.clone(), Arc::clone(&self.key), self.mark.clone());
        let sealed = tokio::task::spawn_blocking(move || {
            let unsealed = chain.prepare(&parent, key.address(), Vec::new(), None)?;
            let turn = unsealed.turn;
            let block = unsealed.seal(&key)?;
            mark.set(BlockNumHash { number: block.number(), hash: block.hash() })?;
            chain
                .import(std::slice::from_ref(&block))
                .map_err(|error| SealerError::Import(Arc::new(error)))?;
            tracing::info!(block = %block.hash(), number = block.number(), %turn, "sealed");
            Ok::<_, SealerError>((block, mark))
        });
        let (block, mark) = match sealed.await {
            Ok(sealed) => sealed?,
            Err(panicked) => std::panic::resume_unwind(panicked.into_panic()),
        };
        self.mark = mark;
        Ok(block)
    }
}

/// What ended a wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Waited {
    Seal,
    Replan,
}

/// A part of `span`, drawn evenly.
fn random_below(span: Duration) -> Duration {
    let drawn = B256::random();
    let (front, _) = drawn.split_first_chunk::<4>().unwrap_or((&[0; 4], &[]));
    let share = f64::from(u32::from_be_bytes(*front)) / f64::from(u32::MAX);
    span.mul_f64(share)
}

#[cfg(test)]
mod tests;
