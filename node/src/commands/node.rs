//! `herald node`: one node of a network across machines.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use libp2p::Multiaddr;
use serde::Deserialize;
use thiserror::Error;

use super::{CommandResult, DEFAULT_DATADIR, EngineFlag, say, strictness};
use crate::info::{Info, NodeInfo};
use crate::logging::LogFile;
use crate::network::Mdns;
use crate::node::{Node, NodeConfig, open_log};
use crate::process::{NodeRuntime, stop_signal};
use herald_chain::chainfile::read_genesis;
use herald_chain::genesis::Genesis;
use herald_chain::key::AccountKey;

const DEFAULT_RPC: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 8545);
/// TCP, and QUIC where it is built in. 30303 is the port that Ethereum's nodes use.
const DEFAULT_LISTEN: &[&str] = if cfg!(feature = "quic") {
    &["/ip4/0.0.0.0/tcp/30303", "/ip4/0.0.0.0/udp/30303/quic-v1"]
} else {
    &["/ip4/0.0.0.0/tcp/30303"]
};

/// Run one node
///
/// It follows the chain of the genesis given, serves peers and JSON-RPC, and seals blocks if it
/// has a signer's key. Ctrl-C or SIGTERM ends it.
#[derive(Args, Clone, Debug)]
pub(crate) struct NodeArgs {
    /// A file in TOML with any of these settings, named as the flags are, for example
    /// `network-id = 7`. What the command line says comes first. Example: --config node.toml
    #[arg(long, value_name = "FILE.toml")]
    config: Option<PathBuf>,
    #[command(flatten)]
    settings: Settings,
}

/// What the command line and the configuration file can both say.
#[derive(Args, Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
struct Settings {
    /// geth's genesis JSON, or a file that begins with the genesis block in RLP. There is no
    /// default: it says which chain is meant. Example: --genesis genesis.json
    #[arg(long, value_name = "FILE")]
    genesis: Option<PathBuf>,
    /// Log keys of the genesis that are not known, and go on without them. They may be misspelt
    /// rules of the chain [default: refuse them]
    #[arg(long)]
    genesis_lenient: bool,
    /// Directory of the chain, the node's key and its log, made if it is not there.
    /// Example: --datadir /var/lib/herald [default: herald-data]
    #[arg(long, value_name = "DIR")]
    datadir: Option<PathBuf>,
    /// Where peers can connect; once for each address, port 0 takes a free one.
    /// Example: --listen /ip4/0.0.0.0/tcp/4001 [default: TCP and QUIC on port 30303]
    #[arg(long, value_name = "MULTIADDR")]
    listen: Vec<Multiaddr>,
    /// A peer to connect to, now and again whenever it is lost; once for each.
    /// Example: --bootnode /ip4/192.0.2.1/tcp/30303/p2p/12D3… [default: none]
    #[arg(long, value_name = "MULTIADDR")]
    bootnode: Vec<Multiaddr>,
    /// Where JSON-RPC is answered; port 0 takes a free one. Whoever reaches it can use all of it.
    /// Example: --rpc 127.0.0.1:0 [default: 127.0.0.1:8545]
    #[arg(long, value_name = "ADDR")]
    rpc: Option<SocketAddr>,
    /// The number that peers must share. Example: --network-id 7 [default: the chain id]
    #[arg(long, value_name = "N")]
    network_id: Option<u64>,
    /// Whose rules blocks are checked by. Example: --engine trusted [default: auto]
    #[arg(long, value_name = "ENGINE")]
    engine: Option<EngineFlag>,
    /// Look for peers on the local network by multicast DNS [default: no]
    #[arg(long)]
    mdns: bool,
    /// Seal blocks with the key in this file; `herald key` makes one.
    /// Example: --seal-key signer.key [default: seal none]
    #[arg(long, value_name = "FILE")]
    seal_key: Option<PathBuf>,
    /// Write peer id, addresses and URLs as JSON once the node answers.
    /// Example: --info info.json [default: none]
    #[arg(long, value_name = "FILE")]
    info: Option<PathBuf>,
}

/// A node that cannot be set up as asked.
#[derive(Clone, Debug, Error)]
pub(crate) enum NodeSetupError {
    /// The configuration file cannot be read.
    #[error("cannot read {}: {error}; check --config", path.display())]
    ReadConfig { path: PathBuf, error: Arc<io::Error> },
    /// The configuration file is not as it should be.
    #[error("{} is no configuration of a node: {}", path.display(), error.message())]
    BadConfig { path: PathBuf, error: Box<toml::de::Error> },
    /// No genesis was given.
    #[error("give the chain's genesis with --genesis FILE; `herald init` makes one")]
    NoGenesis,
    /// The address of the JSON-RPC server cannot be had.
    #[error("cannot answer JSON-RPC at {address}: {error}; choose another --rpc, port 0 for a free one")]
    RpcAddress { address: SocketAddr, error: Arc<io::Error> },
}

/// Runs the command.
///
/// # Errors
/// Whatever keeps the node from starting, as one sentence.
pub(crate) fn run(args: &NodeArgs) -> CommandResult {
    let settings = match &args.config {
        Some(path) => args.settings.clone().or(Settings::read(path)?),
        None => args.settings.clone(),
    };
    let genesis = settings.genesis.as_deref().ok_or(NodeSetupError::NoGenesis)?;
    let genesis = read_genesis(genesis, strictness(settings.genesis_lenient))?;
    let seal_key = settings.seal_key.as_deref().map(AccountKey::from_file).transpose()?;
    let datadir = settings.datadir.clone().unwrap_or_else(|| DEFAULT_DATADIR.into());
    let log = open_log(&datadir)?;
    let config = settings.node_config(datadir, genesis)?;
    log.enter_thread();
    let runtime = NodeRuntime::new(&log, None)?;
    let outcome = runtime.handle().block_on(async {
        let stop = stop_signal();
        tokio::pin!(stop);
        tokio::select! {
            // Whatever runs already ends with the runtime.
            stopped = &mut stop => stopped?,
            node = start(config, seal_key, settings.info.as_deref(), &log) => {
                let node = node?;
                let stopped = stop.await;
                node.shutdown().await;
                stopped?;
            }
        }
        Ok(())
    });
    runtime.end();
    outcome
}

async fn start(
    config: NodeConfig,
    seal_key: Option<AccountKey>,
    info: Option<&Path>,
    log: &LogFile,
) -> Result<Node, Box<dyn std::error::Error + Send + Sync>> {
    let mut node = Node::start(config).await?;
    let ready = (|| {
        if let Some(key) = seal_key {
            node.start_sealing(key)?;
        }
        let described = node.info("node-0", log);
        say(&ready(&described))?;
        if let Some(path) = info {
            let (chain_id, genesis) = (node.chain_id(), node.chain().genesis_hash());
            Info { chain_id, genesis, nodes: vec![described], accounts: Vec::new() }.write(path)?;
        }
        Ok(())
    })();
    match ready {
        Ok(()) => Ok(node),
        Err(error) => {
            node.shutdown().await;
            Err(error)
        }
    }
}

fn ready(node: &NodeInfo) -> String {
    let addresses: String = node.multiaddrs.iter().map(|address| format!("address:  {address}\n")).collect();
    let (peer_id, rpc, log) = (&node.peer_id, &node.rpc, node.log.display());
    format!("peer id:  {peer_id}\n{addresses}JSON-RPC: {rpc}\nlog:      {log}\n")
}

impl Settings {
    fn read(path: &Path) -> Result<Self, NodeSetupError> {
        let text = std::fs::read_to_string(path)
            .map_err(|error| NodeSetupError::ReadConfig { path: path.into(), error: Arc::new(error) })?;
        toml::from_str(&text)
            .map_err(|error| NodeSetupError::BadConfig { path: path.into(), error: Box::new(error) })
    }

    /// What is not said here is taken from `file`.
    fn or(self, file: Self) -> Self {
        let or = |here: Vec<Multiaddr>, file| if here.is_empty() { file } else { here };
        Self {
            genesis: self.genesis.or(file.genesis),
            genesis_lenient: self.genesis_lenient || file.genesis_lenient,
            datadir: self.datadir.or(file.datadir),
            listen: or(self.listen, file.listen),
            bootnode: or(self.bootnode, file.bootnode),
            rpc: self.rpc.or(file.rpc),
            network_id: self.network_id.or(file.network_id),
            engine: self.engine.or(file.engine),
            mdns: self.mdns || file.mdns,
            seal_key: self.seal_key.or(file.seal_key),
            info: self.info.or(file.info),
        }
    }

    fn node_config(&self, datadir: PathBuf, genesis: Genesis) -> Result<NodeConfig, NodeSetupError> {
        let address = self.rpc.unwrap_or(DEFAULT_RPC);
        let rpc = TcpListener::bind(address)
            .map_err(|error| NodeSetupError::RpcAddress { address, error: Arc::new(error) })?;
        let mut config = NodeConfig::new(datadir, genesis, rpc);
        config.engine = self.engine.clone().unwrap_or_default().into();
        config.network_id = self.network_id;
        config.listen = if self.listen.is_empty() {
            let defaults = DEFAULT_LISTEN.iter();
            defaults.map(|address| address.parse().expect("fixed addresses that parse")).collect()
        } else {
            self.listen.clone()
        };
        config.bootnodes = self.bootnode.clone();
        config.mdns = if self.mdns { Mdns::On } else { Mdns::Off };
        Ok(config)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use herald_chain::engine::EngineChoice;

    #[test]
    fn the_file_says_what_the_command_line_does_not() {
        let file: Settings = toml::from_str(
            "genesis = 'file.json'\nnetwork-id = 7\nlisten = ['/ip4/127.0.0.1/tcp/1']\nengine = 'trusted'\nmdns = true\n\
             genesis-lenient = true",
        )
        .unwrap();
        let flags = Settings { genesis: Some("flag.json".into()), ..Settings::default() };
        let both = flags.or(file);
        assert_eq!(both.genesis, Some("flag.json".into()));
        assert_eq!((both.network_id, both.listen.len(), both.mdns), (Some(7), 1, true));
        let engine = EngineChoice::from(both.engine.unwrap());
        assert!(matches!(engine, EngineChoice::Named(spec) if spec.name == "trusted"), "{engine:?}");
        assert!(both.genesis_lenient);
    }

    #[test]
    fn an_unknown_engine_is_refused_with_those_that_there_are() {
        let error = toml::from_str::<Settings>("engine = 'ethahs'").unwrap_err();
        assert!(error.message().contains("choose one of auto, clique, "), "{error}");
    }

    #[test]
    fn an_unknown_setting_is_refused_by_name() {
        let error = toml::from_str::<Settings>("networkid = 7").unwrap_err();
        assert!(error.message().contains("networkid"), "{error}");
    }

    #[test]
    fn the_default_addresses_parse() {
        for address in DEFAULT_LISTEN {
            address.parse::<Multiaddr>().unwrap();
        }
    }
}
