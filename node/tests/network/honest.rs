//! Two nodes that keep the rules.

use alloy_primitives::{B256, U256};
use herald_node::network::{ConnectionDirection, DisconnectReason, NetworkEvent};
use herald_proto::{HashOrNumber, HeadersRequest};

use crate::support::chain::{MemoryChain, chain, child};
use crate::support::node::{Over, pair};

fn forward(start: HashOrNumber, limit: u64) -> HeadersRequest {
    HeadersRequest { start, limit, skip: 0, reverse: false }
}

async fn the_whole_conversation(over: Over) {
    let blocks = chain(10, 0);
    let (mut first, mut second) = pair(over, MemoryChain::new(blocks.clone())).await;

    let info = second.handle.peers();
    assert_eq!(info.len(), 1);
    assert_eq!(info[0].peer_id, first.id());
    assert_eq!(info[0].direction, ConnectionDirection::Outbound);
    assert_eq!(info[0].head, blocks[10].hash());
    assert_eq!(info[0].total_difficulty, U256::from(11));
    assert_eq!(first.handle.peers()[0].direction, ConnectionDirection::Inbound);

    let hash = B256::repeat_byte(7);
    assert_eq!(first.handle.announce(&[second.id()], hash, 11), 1);
    let announced = second.event("an announcement", |event| match event {
        NetworkEvent::Announced { peer, hashes } => Some((peer, hashes)),
        _ => None,
    });
    let (peer, hashes) = announced.await;
    assert_eq!((peer, hashes[0].hash, hashes[0].number), (first.id(), hash, 11));

    let next = child(&blocks[10].header, 0);
    assert_eq!(second.handle.send_block(&[first.id()], &next, U256::from(12)), 1);
    let pushed = first.event("a block", |event| match event {
        NetworkEvent::NewBlock { block, total_difficulty, .. } => Some((block, total_difficulty)),
        _ => None,
    });
    assert_eq!(pushed.await, (next.clone(), U256::from(12)));
    assert_eq!(first.handle.peers()[0].head, next.hash());

    let headers = second.ask_headers(first.id(), forward(HashOrNumber::Number(3), 4));
    let headers = headers.await.unwrap();
    let numbers: Vec<u64> = headers.iter().map(|header| header.fields().number).collect();
    assert_eq!(numbers, [3, 4, 5, 6]);
    let hashes: Vec<B256> = blocks[1..4].iter().map(|block| block.hash()).collect();
    let bodies = first.ask_bodies(second.id(), hashes).await.unwrap();
    assert_eq!(bodies.len(), 3);

    second.handle.send_headers_request(1, first.id(), forward(HashOrNumber::Number(1), 1)).unwrap();
    second.handle.send_bodies_request(2, first.id(), vec![blocks[1].hash()]).unwrap();
    let mut replies = Vec::new();
    while replies.len() < 2 {
        let reply = second.event("a reply", |event| match event {
            NetworkEvent::HeadersReply { request, headers, .. } => Some((request, headers.len())),
            NetworkEvent::BodiesReply { request, bodies, .. } => Some((request, bodies.len())),
            _ => None,
        });
        replies.push(reply.await);
    }
    replies.sort_unstable();
    assert_eq!(replies, [(1, 1), (2, 1)]);

    first.shutdown().await;
    assert_eq!(second.gone().await, DisconnectReason::ConnectionLost);
    second.shutdown().await;
}

#[tokio::test]
async fn they_greet_announce_push_and_ask_over_tcp() {
    the_whole_conversation(Over::Tcp).await;
}

#[cfg(feature = "quic")]
#[tokio::test]
async fn they_greet_announce_push_and_ask_over_quic() {
    the_whole_conversation(Over::Quic).await;
}
