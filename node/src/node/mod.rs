//! One node, put together: chain, network, fetcher, sync, JSON-RPC and sealer.

mod error;

use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use herald_proto::Block;
use tokio::sync::Mutex;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::fetcher::{FetcherHandle, StageCounts};
use crate::host::Host;
use crate::info::NodeInfo;
use crate::logging::{LOG_FILE, LogFile};
use crate::network::{Mdns, Multiaddr, NetworkConfig, NetworkHandle, PeerId};
use crate::rpc::{RpcContext, RpcServer};
use crate::sealer::{Publish, Sealer};
use herald_chain::engine::EngineChoice;
use herald_chain::genesis::Genesis;
use herald_chain::key::AccountKey;
use herald_chain::{Chain, ChainOptions};

pub use self::error::NodeError;

/// The file in a data directory that holds the node's libp2p key.
const IDENTITY_FILE: &str = "node.key";

/// What a node is made of.
///
/// Closed on purpose: whoever starts a node decides about each part. Most have no default.
#[derive(Debug)]
pub struct NodeConfig {
    /// Where its chain and its keys are kept.
    pub datadir: PathBuf,
    /// Block 0, and the chain's rules where they are known.
    pub genesis: Genesis,
    /// Whose rules decide about headers, heads and seals: found by the genesis or by name, or an
    /// engine of the caller's.
    pub engine: EngineChoice,
    /// The number that peers must share. Default the chain id, 1 where the genesis has none.
    pub network_id: Option<u64>,
    /// Where peers can connect.
    pub listen: Vec<Multiaddr>,
    /// Peers that are dialed now, and again whenever they are lost.
    pub bootnodes: Vec<Multiaddr>,
    /// Whether peers on the local network are looked for.
    pub mdns: Mdns,
    /// Where JSON-RPC is answered; bound already, so that the caller may choose the port.
    pub rpc: TcpListener,
    /// Limits and waits of the fetcher.
    pub fetcher: herald_fetcher::Config,
}

/// Makes a node's data directory and opens the log in it.
///
/// # Errors
/// A directory that cannot be used.
pub(crate) fn open_log(datadir: &Path) -> Result<LogFile, NodeError> {
    std::fs::create_dir_all(datadir)
        .and_then(|()| LogFile::open(&datadir.join(LOG_FILE)))
        .map_err(|error| NodeError::Datadir { path: datadir.into(), error: Arc::new(error) })
}

impl NodeConfig {
    /// A node without addresses and peers.
    #[must_use]
    pub fn new(datadir: PathBuf, genesis: Genesis, rpc: TcpListener) -> Self {
        // Peers must not foresee which hashes collide in our maps, nor whom we relay to.
        let seed = alloy_primitives::B256::random();
        let seed = seed.first_chunk().copied().unwrap_or_default();
        let mut fetcher = herald_fetcher::Config::default();
        fetcher.seed = u64::from_be_bytes(seed);
        fetcher.events = herald_fetcher::Events::On;
        Self {
            datadir,
            genesis,
            engine: EngineChoice::Auto,
            network_id: None,
            listen: Vec::new(),
            bootnodes: Vec::new(),
            mdns: Mdns::Off,
            rpc,
            fetcher,
        }
    }
}

/// A running node.
#[derive(Debug)]
pub struct Node {
    chain_id: u64,
    chain: Chain,
    network: NetworkHandle,
    fetcher: FetcherHandle,
    datadir: PathBuf,
    host: Host,
    rpc: RpcServer,
    sealer: Option<JoinHandle<()>>,
    stopping: CancellationToken,
}

impl Node {
    /// Opens the chain, listens, and answers: when this returns, all of it runs.
    ///
    /// # Errors
    /// Whatever keeps a part from starting; those that ran are ended.
    pub async fn start(config: NodeConfig) -> Result<Self, NodeError> {
        let NodeConfig { datadir, genesis, engine, network_id, listen, bootnodes, mdns, rpc, fetcher } =
            config;
        let chain = {
            let datadir = datadir.clone();
            let open = move || Chain::open(&datadir, genesis, engine, ChainOptions::default());
            tokio::task::spawn_blocking(open).await.map_err(|_| NodeError::Stopped)??
        };
        let engine = chain.engine();
        if let Some(unchecked) = engine.unchecked() {
            tracing::warn!(engine = engine.name(), unchecked, "the engine does not check all rules");
        }
        let chain_id = chain.config().map(|config| config.chain_id);
        let network_id = network_id.or(chain_id).unwrap_or(DEFAULT_NETWORK_ID);
        let identity = crate::network::load_or_create_identity(&datadir.join(IDENTITY_FILE))?;
        let network = NetworkConfig { listen, bootnodes, mdns, ..NetworkConfig::new(identity) };
        let peers_kept_max = network.limits.static_peers;
        let stages = StageCounts::default();
        let fetcher_config = fetcher.clone();
        let (host, network, fetcher) =
            Host::start(chain.clone(), network, network_id, fetcher, stages.clone()).await?;
        let context = RpcContext {
            chain: chain.clone(),
            network: network.clone(),
            fetcher: fetcher.clone(),
            fetcher_config,
            stages,
            chain_id: chain_id.unwrap_or(network_id),
            network_id,
            peers_kept_max,
            importing: Mutex::new(()),
        };
        let rpc = match RpcServer::start(rpc, context) {
            Ok(rpc) => rpc,
            Err(error) => {
                host.shutdown(&network, &fetcher).await;
                return Err(error.into());
            }
        };
        let head = chain.head().header;
        tracing::info!(
            peer = %network.local_peer_id(), number = head.number, block = %head.hash(),
            rpc = %rpc.address(), "node started"
        );
        let stopping = CancellationToken::new();
        Ok(Self {
            chain_id: chain_id.unwrap_or(network_id),
            chain,
            network,
            fetcher,
            datadir,
            host,
            rpc,
            sealer: None,
            stopping,
        })
    }

    /// Seals blocks with `key` from now on.
    ///
    /// # Errors
    /// What the key sealed last cannot be read.
    pub fn start_sealing(&mut self, key: AccountKey) -> Result<(), NodeError> {
        let sealer = Sealer::new(self.chain.clone(), key, &self.datadir)?;
        let task = sealer.run(self.fetcher.clone(), self.stopping.child_token());
        self.sealer = Some(tokio::spawn(task));
        Ok(())
    }

    /// What transactions are signed for; the network id where the genesis does not say.
    #[must_use]
    pub fn chain_id(&self) -> u64 {
        self.chain_id
    }

    /// Where its chain and its keys are kept.
    #[must_use]
    pub fn datadir(&self) -> &Path {
        &self.datadir
    }

    /// The node's chain.
    #[must_use]
    pub fn chain(&self) -> &Chain {
        &self.chain
    }

    /// Who the node is to its peers.
    #[must_use]
    pub fn peer_id(&self) -> PeerId {
        self.network.local_peer_id()
    }

    /// Where it can be dialed, peer id included.
    #[must_use]
    pub fn listen_addrs(&self) -> Vec<Multiaddr> {
        self.network.listen_addrs()
    }

    /// The node's network.
    #[must_use]
    pub fn network(&self) -> &NetworkHandle {
        &self.network
    }

    /// Where JSON-RPC is answered.
    #[must_use]
    pub fn rpc_address(&self) -> SocketAddr {
        self.rpc.address()
    }

    /// What others must know of the node, by this name.
    #[must_use]
    pub(crate) fn info(&self, name: &str, log: &LogFile) -> NodeInfo {
        NodeInfo {
            name: name.to_owned(),
            peer_id: self.peer_id().to_string(),
            multiaddrs: self.listen_addrs(),
            rpc: format!("http://{}", self.rpc_address()),
            datadir: self.datadir.clone(),
            log: log.path().to_owned(),
        }
    }

    /// Ends the node: first what makes or asks for work, then the network, last the fetcher. Every
    /// task has ended when this returns, and the chain is closed with the last handle to it.
    pub async fn shutdown(self) {
        self.stopping.cancel();
        self.rpc.stop().await;
        if let Some(sealer) = self.sealer {
            crate::host::ended(sealer.await);
        }
        self.host.shutdown(&self.network, &self.fetcher).await;
        tracing::info!("node stopped");
    }
}

/// The fetcher relays and announces what is sealed here.
impl Publish for FetcherHandle {
    async fn publish(&self, block: Block) {
        // The driver ends only with the node.
        let _ = self.sealed(block).await;
    }
}

/// What peers must share where the genesis has no chain id, as geth has it.
const DEFAULT_NETWORK_ID: u64 = 1;
