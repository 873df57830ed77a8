//! The methods `admin_…`.

use std::path::PathBuf;

use alloy_primitives::{B256, U64, U256};
use futures::FutureExt as _;
use libp2p::Multiaddr;
use libp2p::multiaddr::Protocol;
use serde::Serialize;
use tokio::time::Instant;

use super::RpcContext;
use super::error::CallError;
use super::method::{CallResult, Method, json};
use super::params::Arguments;
use crate::network::{AddPeer, PeerInfo};
use herald_chain::chainfile::import_file;
use herald_chain::{BlockNumHash, Chain, ChainEvent};

/// Blocks that the fetcher is told of after an import: those further below the head concern nothing
/// that it holds.
const TOLD_MAX: usize = 256;

pub(super) const METHODS: &[Method] = &[
    Method::memory("admin_nodeInfo", node_info),
    Method::memory("admin_peers", peers),
    Method::waiting("admin_addPeer", |arguments, context| add_peer(arguments, context).boxed()),
    Method::waiting("admin_importChain", |arguments, context| import_chain(arguments, context).boxed()),
];

fn node_info(arguments: Arguments, context: &RpcContext) -> CallResult {
    arguments.end()?;
    json(RpcNodeInfo::new(context))
}

fn peers(arguments: Arguments, context: &RpcContext) -> CallResult {
    arguments.end()?;
    let now = Instant::now();
    let peers = context.network.peers();
    json(peers.iter().map(|peer| RpcPeer::new(peer, now)).collect::<Vec<_>>())
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct RpcNodeInfo {
    peer_id: String,
    multiaddrs: Vec<Multiaddr>,
    network_id: U64,
    genesis: B256,
    head: RpcHead,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct RpcHead {
    number: U64,
    hash: B256,
    total_difficulty: U256,
}

impl RpcNodeInfo {
    fn new(context: &RpcContext) -> Self {
        let head = context.chain.head();
        Self {
            peer_id: context.network.local_peer_id().to_string(),
            multiaddrs: context.network.listen_addrs(),
            network_id: U64::from(context.network_id),
            genesis: context.chain.genesis_hash(),
            head: RpcHead {
                number: U64::from(head.header.number),
                hash: head.header.hash(),
                total_difficulty: head.total_difficulty,
            },
        }
    }
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct RpcPeer {
    peer_id: String,
    multiaddr: Multiaddr,
    direction: &'static str,
    head: B256,
    total_difficulty: U256,
    connected_seconds: U64,
}

impl RpcPeer {
    fn new(peer: &PeerInfo, now: Instant) -> Self {
        Self {
            peer_id: peer.peer_id.to_string(),
            multiaddr: peer.address.clone(),
            direction: peer.direction.into(),
            head: peer.head,
            total_difficulty: peer.total_difficulty,
            connected_seconds: U64::from(now.saturating_duration_since(peer.connected_since).as_secs()),
        }
    }
}

async fn add_peer(mut arguments: Arguments, context: &RpcContext) -> CallResult {
    let address = arguments.next::<String>("multiaddr")?.parse::<Multiaddr>()?;
    arguments.end()?;
    if !matches!(address.iter().last(), Some(Protocol::P2p(_))) {
        return Err(CallError::NoPeerId);
    }
    match context.network.add_peer(address).await.map_err(|_| CallError::ShuttingDown)? {
        AddPeer::Added | AddPeer::Known => json(true),
        AddPeer::Ourselves => Err(CallError::OwnAddress),
        AddPeer::Full => Err(CallError::PeersFull(context.peers_kept_max)),
    }
}

/// Imports a file that lies on the node's machine, and lets the fetcher announce what is new.
async fn import_chain(mut arguments: Arguments, context: &RpcContext) -> CallResult {
    let path = PathBuf::from(arguments.next::<String>("file")?);
    arguments.end()?;
    let Ok(_running) = context.importing.try_lock() else {
        return Err(CallError::ImportRunning(path));
    };
    let mut events = context.chain.events();
    let chain = context.chain.clone();
    let import = tokio::task::spawn_blocking(move || {
        let import = import_file(&chain, &path, |_| {});
        tracing::info!(file = %path.display(), ?import, "chain file imported");
        import
    });
    let import = import.await.map_err(|_| CallError::ShuttingDown)?;
    // Also when the file stopped at a bad block: what comes before it is in the chain.
    let blocks = new_blocks(&context.chain, &mut events);
    context.fetcher.chain_advanced(blocks).await.map_err(|_| CallError::ShuttingDown)?;
    import?;
    json(true)
}

/// What became canonical since `events` began. The head comes last, and alone where too much has
/// happened to be told.
fn new_blocks(
    chain: &Chain,
    events: &mut tokio::sync::broadcast::Receiver<std::sync::Arc<ChainEvent>>,
) -> Vec<(B256, u64)> {
    use tokio::sync::broadcast::error::TryRecvError;
    let mut blocks = Vec::new();
    loop {
        match events.try_recv() {
            Ok(event) => {
                blocks.extend(event.canonical.iter().map(|BlockNumHash { number, hash }| (*hash, *number)))
            }
            Err(TryRecvError::Lagged(_)) => blocks.clear(),
            Err(TryRecvError::Empty | TryRecvError::Closed) => break,
        }
    }
    let surplus = blocks.len().saturating_sub(TOLD_MAX);
    blocks.drain(..surplus);
    let head = chain.head().header;
    if blocks.last().is_none_or(|(hash, _)| *hash != head.hash()) {
        blocks.push((head.hash(), head.number));
    }
    blocks
}
