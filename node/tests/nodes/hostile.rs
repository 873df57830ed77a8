//! A whole node and peers that break rules: it stays up, drops them for a typed reason, and its
//! fetcher stays within its formula.

use alloy_primitives::{B256, U256};
use herald_proto::message::ETH_VERSION;
use herald_proto::{Announcement, ForkId, Header, Message, Status};
use serde_json::json;

use crate::kit::{Herald, genesis, quantity, wait_for};
use crate::support::hostile::Hostile;

struct Victim {
    node: Herald,
    status: Status,
    block_0: Header,
    _directory: tempfile::TempDir,
}

impl Victim {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let (genesis, block_0) = genesis(directory.path());
        let node = Herald::node(directory.path(), &genesis, &[]);
        let status = Status {
            version: ETH_VERSION,
            network_id: 1,
            total_difficulty: U256::from(16),
            head: block_0.hash(),
            genesis: block_0.hash(),
            fork_id: ForkId::NONE,
        };
        Self { node, status, block_0, _directory: directory }
    }

    async fn attack(&self) -> Hostile {
        Hostile::connect(self.node.address(0).parse().unwrap()).await
    }

    fn wait_for_word(&self, peer: &Hostile, word: &str) {
        let id = peer.id.to_string();
        wait_for(&format!("{word} in the log"), || {
            let log = self.node.log(0);
            log.lines().any(|line| line.contains(&id) && line.contains(word)).then_some(())
        });
    }

    fn assert_well(&self) {
        assert_eq!(self.node.height(0), 0);
        let fetcher = self.node.ask(0, "herald_fetcher", json!([]));
        let bytes = &fetcher["bytes"];
        assert!(quantity(&bytes["memory"]) <= quantity(&bytes["memoryBound"]), "{fetcher}");
    }
}

#[tokio::test]
async fn breaches_of_the_wire_end_the_connection_with_their_reason() {
    let victim = Victim::new();
    let other_genesis = Status { genesis: B256::repeat_byte(7), ..victim.status.clone() };
    let ten_gigabytes = [0xff, 0xff, 0xff, 0xff, 0x0f, 0x01];
    for (frame, reason) in [
        (Message::Status(other_genesis).to_frame(), "genesis"),
        (b"\x05\xffgarbage and more of it".to_vec(), "protocol violation"),
        (ten_gigabytes.to_vec(), "protocol violation: malformed frame"),
        (Message::NewBlockHashes(Vec::new()).to_frame(), "instead of Status"),
    ] {
        let mut peer = victim.attack().await;
        let mut stream = peer.announce().await;
        stream.write(&frame).await;
        peer.closed().await;
        victim.wait_for_word(&peer, reason);
        victim.assert_well();
    }
}

#[tokio::test]
async fn a_hundred_thousand_hashes_are_held_to_the_limits() {
    let victim = Victim::new();
    let mut peer = victim.attack().await;
    let mut stream = peer.greet(victim.status.clone()).await;
    let random = |_| Announcement { hash: B256::random(), number: 1 };
    for _ in 0..400 {
        let hashes = (0..256).map(random).collect();
        stream.write(&Message::NewBlockHashes(hashes).to_frame()).await;
    }
    peer.closed().await;
    // For flooding, or for not answering for what it announces: whichever is enough first.
    victim.wait_for_word(&peer, "penalised by the host");
    victim.assert_well();
    wait_for("all that it announced to go with it", || {
        let fetcher = victim.node.ask(0, "herald_fetcher", json!([]));
        (quantity(&fetcher["entries"]) == 0 && fetcher["peers"] == json!([])).then_some(())
    });
}

#[tokio::test]
async fn a_header_of_another_block_costs_the_peer_its_place() {
    let victim = Victim::new();
    let mut peer = victim.attack().await;
    let mut stream = peer.greet(victim.status.clone()).await;
    let announced = vec![Announcement { hash: B256::repeat_byte(9), number: 1 }];
    stream.write(&Message::NewBlockHashes(announced).to_frame()).await;
    peer.answer_until_closed(&victim.block_0).await;
    // By the fetcher or, where libp2p-stream has lost its request, by the range sync later.
    victim.wait_for_word(&peer, "wrong_header");
    victim.assert_well();
}
