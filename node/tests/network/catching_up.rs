//! Range sync over real sockets.

use std::sync::Arc;

use herald_node::network::{NetworkEvent, Serve};
use herald_node::sync::{HeadNews, SyncHandle, SyncRequestId, spawn};

use crate::support::chain::{MemoryChain, chain, child, extend, full_child};
use crate::support::node::{Node, Over, config};
use crate::support::synced::SyncedChain;
use crate::support::unless_hung;

/// Only sync asks here.
fn of_sync(request: u64) -> SyncRequestId {
    SyncRequestId::from_wire(request).unwrap()
}

/// What a host does with the events, the fetcher left out.
async fn forward(sync: &SyncHandle, event: NetworkEvent) {
    let sent = match event {
        NetworkEvent::PeerReady { peer, status } | NetworkEvent::StatusRenewed { peer, status } => {
            sync.head(peer, status.head, Some(status.total_difficulty), HeadNews::Status).await
        }
        NetworkEvent::PeerGone { peer, .. } => sync.gone(peer).await,
        NetworkEvent::HeadersReply { peer, request, headers } => {
            sync.headers(peer, of_sync(request), headers).await
        }
        NetworkEvent::BodiesReply { peer, request, bodies } => {
            sync.bodies(peer, of_sync(request), bodies).await
        }
        NetworkEvent::RequestFailed { peer, request, reason } => {
            sync.failed(peer, of_sync(request), reason).await
        }
        NetworkEvent::PeerRefused { .. } | NetworkEvent::Announced { .. } | NetworkEvent::NewBlock { .. } => {
            Ok(())
        }
    };
    sent.unwrap();
}

async fn catches_up(over: Over) {
    let trunk = chain(50, 0);
    let ours = extend(trunk.clone(), 10, 1, child);
    let theirs = extend(trunk, 400, 2, full_child);
    let remote = Node::start(over, MemoryChain::new(theirs.clone())).await;

    let mut config = config(over);
    config.bootnodes = vec![remote.address()];
    let local = MemoryChain::new(ours.clone());
    let mut node = Node::start_with(config, local as Arc<dyn Serve>).await;
    let synced = SyncedChain::shared(&ours);
    let sync = spawn(Arc::clone(&synced) as _, node.handle.clone());
    let head = theirs.last().unwrap().hash();
    unless_hung("catching up", async {
        while synced.head_hash() != head {
            tokio::select! {
                event = node.events.recv() => forward(&sync, event.unwrap()).await,
                // The last import ends without an event of the network.
                () = tokio::task::yield_now() => {}
            }
        }
    })
    .await;
    assert_eq!(node.handle.peers().len(), 1, "an honest peer stays");
    unless_hung("the end of sync", sync.shutdown()).await;
    assert!(sync.gone(remote.id()).await.is_err(), "nobody listens any more");
    node.shutdown().await;
    remote.shutdown().await;
}

#[tokio::test]
async fn over_tcp_and_onto_another_branch() {
    catches_up(Over::Tcp).await;
}

#[cfg(feature = "quic")]
#[tokio::test]
async fn over_quic_and_onto_another_branch() {
    catches_up(Over::Quic).await;
}
