//! Peers that break rules: each is dropped with its own reason, and the node goes on.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use alloy_primitives::B256;
use herald_node::network::{
    DisconnectReason, NetworkConfig, NetworkEvent, RequestFailure, Serve, StatusMismatch, Violation,
};
use herald_proto::frame::FrameError;
use herald_proto::message::{ANNOUNCE_PROTOCOL, REQUEST_PROTOCOL};
use herald_proto::{Announcement, DecodeErrorKind, HashOrNumber, HeadersRequest, Message, MessageCode};

use crate::support::chain::{MemoryChain, chain};
use crate::support::hostile::{Hostile, Raw};
use crate::support::node::{Node, Over, config, pair};
use crate::support::unless_hung;

/// Long enough for a loopback answer, short enough to wait for in a test.
const SHORT: Duration = Duration::from_millis(200);

const FOUR_GIB: [u8; 6] = [0x80, 0x80, 0x80, 0x80, 0x10, 0x07];

struct Scene {
    node: Node,
    chain: Arc<MemoryChain>,
    hostile: Hostile,
}

async fn scene() -> Scene {
    scene_with(config(Over::Tcp)).await
}

async fn scene_with(config: NetworkConfig) -> Scene {
    let chain = MemoryChain::new(chain(10, 0));
    let node = Node::start_with(config, Arc::clone(&chain) as Arc<dyn Serve>).await;
    let hostile = Hostile::connect(node.address()).await;
    Scene { node, chain, hostile }
}

impl Scene {
    /// The peer states an honest Status and becomes ready.
    async fn greet(&mut self) -> Raw {
        let stream = self.hostile.greet(self.chain.status()).await;
        assert_eq!(self.node.ready().await, self.hostile.id);
        stream
    }

    /// The node drops the peer for `reason`, keeps running, and lets honest peers in.
    async fn dropped_for(mut self, reason: impl Into<DisconnectReason>) {
        assert_eq!(self.node.gone().await, reason.into());
        self.hostile.closed().await;
        let mut honest = Hostile::connect(self.node.address()).await;
        let _stream = honest.greet(self.chain.status()).await;
        assert_eq!(self.node.ready().await, honest.id);
        assert_eq!(self.node.handle.peers().len(), 1);
        self.node.shutdown().await;
    }
}

fn get_headers(request_id: u64) -> Vec<u8> {
    let request = HeadersRequest { start: HashOrNumber::Number(1), limit: 2, skip: 0, reverse: false };
    Message::GetBlockHeaders { request_id, request }.to_frame()
}

fn request() -> HeadersRequest {
    HeadersRequest { start: HashOrNumber::Number(1), limit: 2, skip: 0, reverse: false }
}

fn announcements(count: usize) -> Vec<u8> {
    let announcement = Announcement { hash: B256::repeat_byte(1), number: 1 };
    Message::NewBlockHashes(vec![announcement; count]).to_frame()
}

fn too_long(limit: usize) -> Violation {
    Violation::Frame(FrameError::TooLong { limit })
}

#[tokio::test]
async fn two_chains_part_and_both_say_why() {
    let ours = MemoryChain::of_network(chain(3, 0), 1);
    let theirs = MemoryChain::of_network(chain(3, 0), 2);
    let mut first = Node::start(Over::Tcp, ours).await;
    let mut second = Node::start(Over::Tcp, theirs).await;
    second.keep(&first).await;
    let unfit = |ours, theirs| DisconnectReason::Unfit(StatusMismatch::NetworkId { ours, theirs });
    assert_eq!(first.gone().await, unfit(1, 2));
    assert_eq!(second.gone().await, unfit(2, 1));
    first.shutdown().await;
    second.shutdown().await;
}

#[cfg(feature = "quic")]
#[tokio::test]
async fn another_genesis_is_told_on_both_sides_over_quic() {
    let mut blocks = chain(3, 0);
    let ours = MemoryChain::new(blocks.clone());
    blocks.remove(0);
    let theirs = MemoryChain::new(blocks);
    let (one, other) = (ours.status().genesis, theirs.status().genesis);
    let mut first = Node::start(Over::Quic, ours).await;
    let mut second = Node::start(Over::Quic, theirs).await;
    second.keep(&first).await;
    let unfit = |ours, theirs| DisconnectReason::Unfit(StatusMismatch::Genesis { ours, theirs });
    assert_eq!(first.gone().await, unfit(one, other));
    assert_eq!(second.gone().await, unfit(other, one));
    first.shutdown().await;
    second.shutdown().await;
}

#[tokio::test]
async fn garbage_on_the_announce_stream() {
    let mut scene = scene().await;
    scene.hostile.announce().await.write(b"\x20GET / HTTP/1.1\r\n").await;
    scene.dropped_for(Violation::StatusExpected { code: b'G' }).await;
}

#[tokio::test]
async fn a_status_that_does_not_decode() {
    let mut scene = scene().await;
    scene.hostile.announce().await.write(&[0x03, 0x00, 0xc1, 0x80]).await;
    let reason = scene.node.gone().await;
    let DisconnectReason::Violation(Violation::Malformed(error)) = reason else { panic!("{reason:?}") };
    assert_eq!(error.kind(), DecodeErrorKind::Missing);
    scene.hostile.closed().await;
}

#[tokio::test]
async fn garbage_on_a_request_stream() {
    let mut scene = scene().await;
    let _announces = scene.greet().await;
    let mut stream = scene.hostile.request().await;
    stream.write(b"\x20garbage garbage garbage garbage garbage").await;
    assert_eq!(stream.read_to_end().await, b"", "a closed stream and no frame");
    scene.dropped_for(Violation::UnexpectedCode { code: b'g' }).await;
}

#[tokio::test]
async fn four_gibibytes_on_the_announce_stream() {
    let mut scene = scene().await;
    let mut stream = scene.greet().await;
    stream.write(&FOUR_GIB).await;
    scene.dropped_for(too_long(10 << 20)).await;
}

#[tokio::test]
async fn four_gibibytes_on_a_request_stream() {
    let mut scene = scene().await;
    let _announces = scene.greet().await;
    let mut stream = scene.hostile.request().await;
    stream.write(&FOUR_GIB).await;
    scene.dropped_for(too_long(1024 * 33 + 64)).await;
}

#[tokio::test]
async fn a_second_status() {
    let mut scene = scene().await;
    let mut stream = scene.greet().await;
    stream.write(&Message::Status(scene.chain.status()).to_frame()).await;
    scene.dropped_for(Violation::SecondStatus).await;
}

#[tokio::test]
async fn a_code_that_nobody_knows() {
    let mut scene = scene().await;
    let mut stream = scene.greet().await;
    stream.write(&[0x02, 0x77, 0xc0]).await;
    scene.dropped_for(Violation::UnexpectedCode { code: 0x77 }).await;
}

#[tokio::test]
async fn no_status_in_time() {
    let mut config = config(Over::Tcp);
    config.times.status = SHORT;
    let mut scene = scene_with(config).await;
    assert_eq!(scene.node.gone().await, DisconnectReason::NoStatus);
    scene.hostile.closed().await;
}

#[tokio::test]
async fn an_announce_stream_that_is_opened_and_stays_silent() {
    let mut config = config(Over::Tcp);
    config.times.status = SHORT;
    let mut scene = scene_with(config).await;
    let _silent = scene.hostile.announce().await;
    assert_eq!(scene.node.gone().await, DisconnectReason::NoStatus);
    scene.hostile.closed().await;
}

#[tokio::test]
async fn a_hundred_thousand_hashes() {
    let mut scene = scene().await;
    let mut stream = scene.greet().await;
    stream.write(&announcements(100_000)).await;
    scene.dropped_for(too_long(256 * 43 + 64)).await;
}

#[tokio::test]
async fn one_hash_too_many() {
    let mut scene = scene().await;
    let mut stream = scene.greet().await;
    stream.write(&announcements(257)).await;
    let reason = scene.node.gone().await;
    let DisconnectReason::Violation(Violation::Malformed(error)) = reason else { panic!("{reason:?}") };
    assert_eq!(error.kind(), DecodeErrorKind::TooMany { limit: 256 });
}

#[tokio::test]
async fn a_frame_that_is_begun_and_never_ends() {
    let mut config = config(Over::Tcp);
    config.times.frame = SHORT;
    let mut scene = scene_with(config).await;
    let mut stream = scene.greet().await;
    stream.write(&[0x20, 0x01, 0xde]).await;
    scene.dropped_for(Violation::FrameTooSlow).await;
}

#[tokio::test]
async fn request_streams_on_which_nothing_is_asked() {
    let mut config = config(Over::Tcp);
    config.times.frame = SHORT;
    let mut scene = scene_with(config).await;
    let _announces = scene.greet().await;
    let _silent = scene.hostile.request().await;
    scene.dropped_for(Violation::FrameTooSlow).await;
}

#[tokio::test]
async fn early_requests_are_held_and_a_fifth_is_not() {
    let mut scene = scene().await;
    let mut early = Vec::new();
    for id in 0..5 {
        let mut stream = scene.hostile.request().await;
        stream.write(&get_headers(id)).await;
        early.push(stream);
    }
    let mut fifth = early.pop().unwrap();
    assert_eq!(fifth.read_to_end().await, b"");
    let _announces = scene.greet().await;
    for mut stream in early {
        let answer = stream.read_to_end().await;
        assert_eq!(answer.get(2), Some(&MessageCode::BlockHeaders.to_byte()), "{answer:02x?}");
    }
    scene.node.shutdown().await;
}

#[tokio::test]
async fn early_requests_of_somebody_who_never_says_who_it_is_end_unanswered() {
    let mut config = config(Over::Tcp);
    config.times.status = SHORT;
    let mut scene = scene_with(config).await;
    let mut stream = scene.hostile.request().await;
    stream.write(&get_headers(1)).await;
    assert_eq!(stream.read_to_end().await, b"");
    assert_eq!(scene.node.gone().await, DisconnectReason::NoStatus);
}

#[tokio::test]
async fn requests_over_the_limits_are_closed_and_a_flood_of_them_is_a_fault() {
    let mut config = config(Over::Tcp);
    config.limits.served_at_once = 2;
    config.limits.served_waiting = 1;
    config.limits.refusals = 2;
    let mut scene = scene_with(config).await;
    let _announces = scene.greet().await;
    let mut open = Vec::new();
    for _ in 0..3 {
        open.push(scene.hostile.request().await);
    }
    for _ in 0..2 {
        assert_eq!(scene.hostile.request().await.read_to_end().await, b"", "over the limit");
    }
    // Those within it are served still.
    for stream in &mut open {
        stream.write(&get_headers(1)).await;
        assert!(!stream.read_to_end().await.is_empty());
    }
    // Each waits for a permit or is refused, until too many were.
    while let Some(stream) = scene.hostile.try_open(REQUEST_PROTOCOL).await {
        open.push(stream);
    }
    scene.dropped_for(Violation::RequestFlood).await;
}

#[tokio::test]
async fn a_new_announce_stream_replaces_the_old() {
    let mut scene = scene().await;
    let mut old = scene.greet().await;
    let mut new = scene.hostile.greet(scene.chain.status()).await;
    let renewed = scene.node.event("the Status again", |event| match event {
        NetworkEvent::StatusRenewed { peer, .. } => Some(peer),
        _ => None,
    });
    assert_eq!(renewed.await, scene.hostile.id);
    assert_eq!(old.read_to_end().await, b"", "the old one is closed");
    new.write(&announcements(3)).await;
    let announced = scene.node.event("announcements", |event| match event {
        NetworkEvent::Announced { hashes, .. } => Some(hashes.len()),
        _ => None,
    });
    assert_eq!(announced.await, 3);
    assert_eq!(scene.node.handle.peers().len(), 1);
    scene.node.shutdown().await;
}

#[tokio::test]
async fn announce_streams_without_end_are_a_fault() {
    let mut config = config(Over::Tcp);
    config.limits.announce_streams = 3;
    let mut scene = scene_with(config).await;
    let mut streams = Vec::new();
    while let Some(stream) = scene.hostile.try_open(ANNOUNCE_PROTOCOL).await {
        streams.push(stream);
    }
    let reason = scene.node.gone().await;
    assert_eq!(reason, DisconnectReason::Violation(Violation::StreamFlood));
}

/// The node asks the peer, which answers with `answer`.
async fn answered_with(answer: Vec<u8>) -> (RequestFailure, Scene) {
    let mut scene = scene().await;
    let _announces = scene.greet().await;
    scene.node.handle.send_headers_request(1, scene.hostile.id, request()).unwrap();
    let mut asked = scene.hostile.asked().await;
    asked.write(&answer).await;
    asked.close().await;
    let failure = scene.node.headers(1).await.unwrap_err();
    (failure, scene)
}

#[tokio::test]
async fn an_answer_with_another_id() {
    let frame = Message::BlockHeaders { request_id: 7, headers: vec![] }.to_frame();
    let (failure, scene) = answered_with(frame).await;
    let RequestFailure::Violation(violation) = failure else { panic!("{failure:?}") };
    assert!(matches!(violation, Violation::WrongRequestId { answered: 7, .. }), "{violation:?}");
    scene.dropped_for(violation).await;
}

#[tokio::test]
async fn an_answer_of_another_kind() {
    let frame = Message::BlockBodies { request_id: 7, bodies: vec![] }.to_frame();
    let (failure, scene) = answered_with(frame).await;
    let violation = Violation::UnexpectedCode { code: MessageCode::BlockBodies.to_byte() };
    assert_eq!(failure, RequestFailure::Violation(violation.clone()));
    scene.dropped_for(violation).await;
}

#[tokio::test]
async fn an_answer_of_four_gibibytes() {
    let mut answer = FOUR_GIB;
    answer[5] = MessageCode::BlockHeaders.to_byte();
    let (failure, scene) = answered_with(answer.to_vec()).await;
    assert_eq!(failure, RequestFailure::Violation(too_long(10 << 20)));
    scene.dropped_for(too_long(10 << 20)).await;
}

#[tokio::test]
async fn more_headers_than_were_asked_for() {
    let mut scene = scene().await;
    let _announces = scene.greet().await;
    let peer = scene.hostile.id;
    scene.node.handle.send_headers_request(5, peer, request()).unwrap();
    let mut asked = scene.hostile.asked().await;
    let headers: Vec<_> = (1..=3).map(|number| scene.chain.block(number).unwrap().header).collect();
    asked.write(&Message::BlockHeaders { request_id: 5, headers }.to_frame()).await;
    let violation = Violation::ReplyTooLong { asked: 2, given: 3 };
    let failed = scene.node.event("the failure", |event| match event {
        NetworkEvent::RequestFailed { request: 5, reason, .. } => Some(reason),
        _ => None,
    });
    assert_eq!(failed.await, RequestFailure::Violation(violation.clone()));
    scene.dropped_for(violation).await;
}

#[tokio::test]
async fn a_refused_request_costs_nobody_anything() {
    let (failure, scene) = answered_with(vec![]).await;
    assert_eq!(failure, RequestFailure::Refused);
    assert_eq!(scene.node.handle.peers().len(), 1);
    assert_eq!(scene.node.events.waiting(), 0);
    scene.node.shutdown().await;
}

#[tokio::test]
async fn a_silent_answerer_is_timed_and_a_cancelled_request_says_nothing() {
    let mut config = config(Over::Tcp);
    config.times.request = SHORT;
    let mut scene = scene_with(config).await;
    let _announces = scene.greet().await;
    let peer = scene.hostile.id;
    scene.node.handle.send_headers_request(1, peer, request()).unwrap();
    scene.node.handle.cancel(peer, 1);
    scene.node.handle.send_headers_request(2, peer, request()).unwrap();
    let twice = scene.node.handle.send_headers_request(2, peer, request());
    assert_eq!(twice, Err(RequestFailure::DuplicateId));
    let failed = scene.node.event("the failure", |event| match event {
        NetworkEvent::RequestFailed { request, reason, .. } => Some((request, reason)),
        _ => None,
    });
    assert_eq!(failed.await, (2, RequestFailure::Timeout));
    scene.node.shutdown().await;
}

#[tokio::test]
async fn open_requests_fail_before_their_peer_is_gone() {
    let mut scene = scene().await;
    let _announces = scene.greet().await;
    let peer = scene.hostile.id;
    scene.node.handle.send_headers_request(1, peer, request()).unwrap();
    let _asked = scene.hostile.asked().await;
    scene.node.handle.disconnect(peer, DisconnectReason::Requested);
    let mut seen = Vec::new();
    while seen.len() < 2 {
        let next = scene.node.event("the end", |event| match event {
            NetworkEvent::RequestFailed { request, reason, .. } => Some(format!("{request} {reason:?}")),
            NetworkEvent::PeerGone { reason, .. } => Some(format!("{reason:?}")),
            _ => None,
        });
        seen.push(next.await);
    }
    assert_eq!(seen, ["1 Disconnected", "Requested"]);
    let late = scene.node.handle.send_headers_request(2, peer, request());
    assert_eq!(late, Err(RequestFailure::NotConnected));
}

#[tokio::test]
async fn a_flood_fills_its_queue_and_holds_up_nobody_else() {
    const FLOOD: usize = 2_000;
    let mut config = config(Over::Tcp);
    config.limits.events = 4;
    let mut scene = scene_with(config).await;
    let mut flood = scene.greet().await;
    let mut other = Node::start(Over::Tcp, Arc::clone(&scene.chain) as Arc<dyn Serve>).await;
    other.keep(&scene.node).await;
    scene.node.ready().await;
    other.ready().await;

    let writing = tokio::spawn(async move {
        for _ in 0..FLOOD {
            flood.write(&announcements(1)).await;
        }
        flood
    });
    unless_hung("a full queue", async {
        while scene.node.events.waiting() < 4 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    // The host is deaf; the node still answers and still speaks.
    let headers = other.ask_headers(scene.node.id(), request()).await.unwrap();
    assert_eq!(headers.len(), 2);
    assert_eq!(scene.node.handle.announce(&[other.id()], B256::ZERO, 1), 1);
    let heard = other.event("an announcement", |event| match event {
        NetworkEvent::Announced { hashes, .. } => Some(hashes.len()),
        _ => None,
    });
    assert_eq!(heard.await, 1);

    for _ in 0..FLOOD {
        assert!(scene.node.events.waiting() <= 4);
        let announced = scene.node.event("every announcement", |event| match event {
            NetworkEvent::Announced { .. } => Some(()),
            _ => None,
        });
        announced.await;
    }
    let _stream = writing.await.unwrap();
    scene.node.shutdown().await;
    other.shutdown().await;
}

#[tokio::test]
async fn a_deaf_peer_loses_the_oldest_news_and_costs_a_bounded_queue() {
    let mut scene = scene().await;
    let _announces = scene.greet().await;
    let block = scene.chain.block(1).unwrap();
    let peer = scene.hostile.id;
    // Nobody reads the node's announce stream: its windows fill, and then its queue.
    for _ in 0..50_000 {
        scene.node.handle.send_block(&[peer], &block, alloy_primitives::U256::from(1));
    }
    assert!(scene.node.handle.peers()[0].dropped_frames > 0);
    scene.node.shutdown().await;
}

#[tokio::test]
async fn who_broke_the_rules_is_kept_out_for_a_while() {
    let mut victim = config(Over::Tcp);
    victim.times.redial_first = Duration::from_millis(1);
    victim.times.ban = Duration::from_secs(3600);
    let chain = MemoryChain::new(chain(3, 0));
    let mut node = Node::start_with(victim, Arc::clone(&chain) as Arc<dyn Serve>).await;
    let mut other = config(Over::Tcp);
    other.times.redial_first = Duration::from_millis(1);
    let mut other = Node::start_with(other, chain).await;
    other.keep(&node).await;
    assert_eq!(node.ready().await, other.id());
    other.ready().await;
    node.handle.disconnect(other.id(), DisconnectReason::Penalised("test"));
    assert_eq!(node.gone().await, DisconnectReason::Penalised("test"));
    assert_eq!(other.gone().await, DisconnectReason::ConnectionLost);
    // It dials again, and is turned away each time: the connection ends before a Status.
    assert_eq!(other.gone().await, DisconnectReason::ConnectionLost);
    assert!(node.handle.peers().is_empty());
    assert_eq!(node.events.waiting(), 0, "the host hears nothing of it");
    node.shutdown().await;
    other.shutdown().await;
}

#[tokio::test]
async fn a_lost_peer_is_dialed_again() {
    let chain = MemoryChain::new(chain(3, 0));
    let mut first = Node::start(Over::Tcp, Arc::clone(&chain) as Arc<dyn Serve>).await;
    let mut redialing = config(Over::Tcp);
    redialing.times.redial_first = Duration::from_millis(1);
    redialing.bootnodes = vec![first.address()];
    let mut second = Node::start_with(redialing, chain).await;
    for _ in 0..3 {
        assert_eq!(first.ready().await, second.id());
        assert_eq!(second.ready().await, first.id());
        first.handle.disconnect(second.id(), DisconnectReason::Requested);
        assert_eq!(first.gone().await, DisconnectReason::Requested);
        assert_eq!(second.gone().await, DisconnectReason::ConnectionLost);
    }
    first.shutdown().await;
    second.shutdown().await;
}

#[tokio::test]
async fn both_may_dial_at_once() {
    let chain = MemoryChain::new(chain(3, 0));
    let mut first = Node::start(Over::Tcp, Arc::clone(&chain) as Arc<dyn Serve>).await;
    let mut second = Node::start(Over::Tcp, chain).await;
    tokio::join!(first.keep(&second), second.keep(&first));
    assert_eq!(first.ready().await, second.id());
    assert_eq!(second.ready().await, first.id());
    assert_eq!((first.handle.peers().len(), second.handle.peers().len()), (1, 1));
    let headers = first.ask_headers(second.id(), request()).await.unwrap();
    assert_eq!(headers.len(), 2);
    first.shutdown().await;
    second.shutdown().await;
}

#[tokio::test]
async fn many_requests_at_once_are_all_answered() {
    let (mut first, second) = pair(Over::Tcp, MemoryChain::new(chain(10, 0))).await;
    let mut open: BTreeSet<u64> = (0..100).collect();
    for id in &open {
        first.handle.send_headers_request(*id, second.id(), request()).unwrap();
    }
    while !open.is_empty() {
        let answered = first.event("an answer", |event| match event {
            NetworkEvent::HeadersReply { request, headers, .. } => Some((request, headers.len())),
            _ => None,
        });
        let (id, headers) = answered.await;
        assert!(open.remove(&id), "{id} was answered twice");
        assert_eq!(headers, 2);
    }
    first.shutdown().await;
    second.shutdown().await;
}
