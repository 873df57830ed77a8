//! A devnet: many whole nodes in one process, all of them signers.
//!
//! - `layout`: what is kept in the data directory.
//! - `ports`: where the nodes answer JSON-RPC.
//! - `watch`: how long a block takes to reach everybody.
//! - `report`: what the terminal shows.

mod layout;
mod ports;
mod report;
mod watch;

use std::path::{Path, PathBuf};
use std::time::Duration;

use futures::future::join_all;
use libp2p::Multiaddr;
use thiserror::Error;
use tokio::time::{interval, timeout};

use self::layout::{Layout, NodeFiles};
use self::watch::ArrivalWatch;
use crate::info::{AccountInfo, Info};
use crate::logging::LogFile;
use crate::node::{Node, NodeConfig, NodeError, open_log};
use crate::process::NodeRuntime;

pub(crate) use self::layout::{DevnetParameters, LayoutError, WantedParameters};
pub(crate) use self::ports::PortError;
pub(crate) use self::report::{BlockLine, DatadirFate, banner};

/// Threads for the tasks of one node: many nodes share the machine.
const WORKERS: usize = 2;
/// How long all nodes have to find each other before blocks are sealed all the same.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How often it is looked whether they have.
const CONNECT_POLL: Duration = Duration::from_millis(10);
/// Where the nodes listen: on this machine only, at free ports.
const LISTEN: &[&str] = if cfg!(feature = "quic") {
    &["/ip4/127.0.0.1/tcp/0", "/ip4/127.0.0.1/udp/0/quic-v1"]
} else {
    &["/ip4/127.0.0.1/tcp/0"]
};

/// A devnet whose nodes have their files, ports and runtimes, and do not run yet.
#[derive(Debug)]
pub(crate) struct PreparedDevnet {
    layout: Layout,
    datadir: PathBuf,
    ports: ports::Ports,
    runtimes: Vec<(NodeRuntime, LogFile)>,
}

/// A running devnet.
#[derive(Debug)]
pub(crate) struct Devnet<'a> {
    prepared: &'a PreparedDevnet,
    nodes: Vec<Node>,
    watch: ArrivalWatch,
}

/// A devnet that does not start.
#[derive(Debug, Error)]
pub(crate) enum DevnetError {
    #[error(transparent)]
    Layout(#[from] LayoutError),
    #[error(transparent)]
    Port(#[from] PortError),
    /// The system gives no threads.
    #[error("cannot start the threads of a node: {0}")]
    Runtime(std::io::Error),
    #[error("{name}: {error}")]
    Node { name: String, error: Box<NodeError> },
}

impl PreparedDevnet {
    /// Reads or makes all that the devnet keeps, and takes its ports: from `port` up, or free ones
    /// when it is 0.
    ///
    /// # Errors
    /// A directory that cannot be used or holds another devnet; no free ports.
    pub(crate) fn new(datadir: &Path, wanted: WantedParameters, port: u16) -> Result<Self, DevnetError> {
        let layout = Layout::open(datadir, wanted)?;
        let ports = ports::Ports::take(port, layout.nodes.len())?;
        let runtimes = layout.nodes.iter().map(|node| {
            let log = open_log(&node.datadir).map_err(|error| node.error(error))?;
            let runtime = NodeRuntime::new(&log, Some(WORKERS)).map_err(DevnetError::Runtime)?;
            Ok::<_, DevnetError>((runtime, log))
        });
        let runtimes = runtimes.collect::<Result<_, _>>()?;
        Ok(Self { layout, datadir: datadir.into(), ports, runtimes })
    }

    /// Ends the nodes' threads. Not to be called from async code.
    pub(crate) fn end(self) {
        for (runtime, _) in self.runtimes {
            runtime.end();
        }
    }
}

impl<'a> Devnet<'a> {
    /// Starts all nodes, connects each with each, and lets them seal.
    ///
    /// # Errors
    /// The first node that does not start; those that ran are ended.
    pub(crate) async fn start(prepared: &'a PreparedDevnet) -> Result<Self, DevnetError> {
        let mut devnet =
            Self { prepared, nodes: Vec::new(), watch: ArrivalWatch::new(&prepared.layout.nodes) };
        match devnet.start_nodes().await {
            Ok(()) => Ok(devnet),
            Err(error) => {
                devnet.shutdown().await;
                Err(error)
            }
        }
    }

    async fn start_nodes(&mut self) -> Result<(), DevnetError> {
        let members = self.prepared.members();
        for (index, (files, runtime, _)) in members.enumerate() {
            let mut config = self.prepared.node_config(index, files)?;
            // Each connects to those before it. Nodes on loopback cannot find each other by mDNS.
            config.bootnodes =
                self.nodes.iter().filter_map(|node| node.listen_addrs().into_iter().next()).collect();
            let node = runtime.run(Node::start(config)).await.map_err(|error| files.error(error))?;
            self.watch.add(node.chain());
            self.nodes.push(node);
        }
        self.connect().await;
        for ((files, runtime, _), node) in self.prepared.members().zip(&mut self.nodes) {
            let _entered = runtime.handle().enter();
            node.start_sealing(files.signer.clone()).map_err(|error| files.error(error))?;
        }
        Ok(())
    }

    /// Waits until each node has all the others. Blocks sealed before that would fork.
    async fn connect(&self) {
        let others = self.nodes.len().saturating_sub(1);
        let connected = async {
            let mut look = interval(CONNECT_POLL);
            while self.nodes.iter().any(|node| node.network().peers().len() < others) {
                look.tick().await;
            }
        };
        if timeout(CONNECT_TIMEOUT, connected).await.is_err() {
            tracing::warn!("not all nodes are connected yet, sealing all the same");
        }
    }

    /// What scripts must know.
    #[must_use]
    pub(crate) fn info(&self) -> Info {
        let layout = &self.prepared.layout;
        let members = self.prepared.members().zip(&self.nodes);
        Info {
            chain_id: layout.parameters.chain_id,
            genesis: layout.genesis.hash(),
            nodes: members.map(|((files, _, log), node)| node.info(&files.name, log)).collect(),
            accounts: layout
                .accounts
                .iter()
                .map(|key| AccountInfo { address: key.address(), private_key: key.secret() })
                .collect(),
        }
    }

    /// What it was begun with.
    #[must_use]
    pub(crate) fn parameters(&self) -> DevnetParameters {
        self.prepared.layout.parameters
    }

    /// Where all of it is kept.
    #[must_use]
    pub(crate) fn datadir(&self) -> &Path {
        &self.prepared.datadir
    }

    /// Ports that were asked for and are in use, in words; `None` when all were free.
    #[must_use]
    pub(crate) fn ports_in_use(&self) -> Option<String> {
        self.prepared.ports.in_use()
    }

    /// The next block that has reached every node, or a reorganisation. Cancel-safe.
    pub(crate) async fn next_line(&mut self) -> BlockLine {
        self.watch.next().await
    }

    /// Ends all nodes; each task of theirs has ended when this returns.
    pub(crate) async fn shutdown(self) {
        let ends = self.prepared.members().zip(self.nodes);
        join_all(ends.map(|((_, runtime, _), node)| runtime.run(node.shutdown()))).await;
    }
}

impl PreparedDevnet {
    fn members(&self) -> impl Iterator<Item = (&NodeFiles, &NodeRuntime, &LogFile)> {
        self.layout.nodes.iter().zip(&self.runtimes).map(|(files, (runtime, log))| (files, runtime, log))
    }

    fn node_config(&self, index: usize, files: &NodeFiles) -> Result<NodeConfig, DevnetError> {
        let rpc = self.ports.listener(index)?;
        let mut config = NodeConfig::new(files.datadir.clone(), self.layout.genesis.clone(), rpc);
        config.listen = LISTEN
            .iter()
            .map(|address| address.parse::<Multiaddr>().expect("fixed addresses that parse"))
            .collect();
        Ok(config)
    }
}

impl NodeFiles {
    fn error(&self, error: NodeError) -> DevnetError {
        DevnetError::Node { name: self.name.clone(), error: Box::new(error) }
    }
}
