//! The glue: the fetcher's driver on the node's chain and network.
//!
//! - `chain`, `network`: the two traits that the driver asks of a host.
//! - `serve`: what peers are given.
//! - `events`: the task that hands what the network brings to the fetcher and the range sync.
//! - `owner`: which of the two a reply belongs to.
//! - `penalties`: what peers did wrong, until it is enough.
//! - `sync`: the trait that the range sync asks of a host.

mod chain;
mod events;
mod network;
mod owner;
mod penalties;
mod serve;
mod sync;

use std::sync::Arc;

use herald_fetcher::driver::{Driver, SpawnError};
use thiserror::Error;
use tokio::sync::mpsc;
use tokio::task::{JoinError, JoinHandle};
use tokio::time::Instant;

use self::chain::ChainHost;
use self::events::EventLoop;
use self::network::NetworkHost;
use self::penalties::Penalties;
use self::serve::ChainServer;
use self::sync::SyncHost;
use crate::fetcher::{FetcherHandle, StageCounts};
use crate::network::{NetworkConfig, NetworkHandle, StartError};
use crate::sync::SyncHandle;
use herald_chain::{Chain, Reorg};

/// Blocks out of reach that wait for the sync; one would do, since one sync brings them all.
const OUT_OF_REACH_WAITING: usize = 16;

/// Network and fetcher do not start.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum HostError {
    /// The network does not start.
    #[error(transparent)]
    Network(#[from] StartError),
    /// The fetcher's configuration cannot work.
    #[error(transparent)]
    Fetcher(#[from] SpawnError),
}

/// The running glue of one node.
#[derive(Debug)]
pub(crate) struct Host {
    driver: Driver,
    sync: SyncHandle,
    events: JoinHandle<()>,
}

impl Host {
    /// Starts network and fetcher, and connects the two.
    pub(crate) async fn start(
        chain: Chain,
        network: NetworkConfig,
        network_id: u64,
        fetcher: herald_fetcher::Config,
        stages: StageCounts,
    ) -> Result<(Self, NetworkHandle, FetcherHandle), HostError> {
        let server = ChainServer::new(chain.clone(), network_id);
        let (network, events) = crate::network::start(network, Arc::new(server)).await?;
        let (sender, out_of_reach) = mpsc::channel(OUT_OF_REACH_WAITING);
        let penalties = Penalties::new(fetcher.seed, Instant::now());
        let network_host = NetworkHost::new(network.clone(), chain.clone(), penalties.clone(), sender);
        let spawned =
            Driver::builder(fetcher, ChainHost::new(chain.clone()), network_host).observer(stages).spawn();
        let (fetcher, driver) = match spawned {
            Ok(running) => running,
            Err(error) => {
                network.shutdown().await;
                return Err(error.into());
            }
        };
        let sync_host = SyncHost::new(chain.clone(), fetcher.clone());
        let sync = crate::sync::spawn(Arc::new(sync_host), network.clone());
        let events = EventLoop {
            chain,
            network: network.clone(),
            fetcher: fetcher.clone(),
            sync: sync.clone(),
            penalties,
            events,
            out_of_reach,
        };
        let events = tokio::spawn(events.run());
        Ok((Self { driver, sync, events }, network, fetcher))
    }

    /// Ends the sync, the network, and then the fetcher, which both report to; all tasks have ended
    /// when this returns.
    pub(crate) async fn shutdown(self, network: &NetworkHandle, fetcher: &FetcherHandle) {
        self.sync.shutdown().await;
        network.shutdown().await;
        ended(self.events.await);
        fetcher.shutdown().await;
        if self.driver.stopped().await.is_err() {
            tracing::error!("the fetcher ended in a panic");
        }
    }
}

/// A task that panicked is a defect, to be seen and not swallowed.
pub(crate) fn ended(task: Result<(), JoinError>) {
    if let Err(error) = task
        && let Ok(panic) = error.try_into_panic()
    {
        std::panic::resume_unwind(panic);
    }
}

/// A reorganisation is what an operator wants to hear of.
pub(crate) fn log_reorg(reorg: &Reorg) {
    tracing::info!(
        depth = reorg.depth,
        ancestor = reorg.ancestor.number,
        old_head = %reorg.old_head.hash,
        new_head = %reorg.new_head.hash,
        number = reorg.new_head.number,
        "reorganised onto another branch"
    );
}
