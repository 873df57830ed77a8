//! The tokio driver with a chain and a network in memory. Alice has two blocks and announces them;
//! they are fetched from her, imported, and offered to Bob.
//!
//! `cargo run --example embed_driver --features tokio`
#![allow(clippy::print_stdout, reason = "an example speaks to the terminal")]

use std::collections::BTreeMap;
use std::error::Error;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use herald_fetcher::driver::{Chain, Driver, Handle, Network};
use herald_fetcher::{
    Block, BlockHash, BlockNumber, BlockOf, ChainView, Config, Failure, Hashes, Presence, Reason, RequestId,
    Verdict,
};
use herald_proto::{Body, EthTypes, Header, HeaderFields};
use tokio::sync::{mpsc, watch};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Peer {
    Alice,
    Bob,
}

type Eth = EthTypes<Peer>;

// --- the chain: what is in it, and how a block gets in

struct MemoryChain {
    blocks: Mutex<BTreeMap<BlockHash, BlockNumber>>,
    head: watch::Sender<BlockNumber>,
}

impl ChainView for MemoryChain {
    fn contains(&self, hash: &BlockHash) -> bool {
        self.blocks.lock().unwrap_or_else(PoisonError::into_inner).contains_key(hash)
    }
    fn head(&self) -> BlockNumber {
        *self.head.borrow()
    }
    fn finalized(&self) -> BlockNumber {
        0
    }
}

impl Chain<Eth> for MemoryChain {
    async fn verify_header(&self, _: Header) -> Verdict {
        Verdict::Valid
    }
    async fn import(&self, block: BlockOf<Eth>) -> Verdict {
        let (hash, number) = (block.header.hash(), block.header.number);
        self.blocks.lock().unwrap_or_else(PoisonError::into_inner).insert(hash, number);
        self.head.send_replace(number);
        println!("imported {number} {hash}");
        Verdict::Valid
    }
}

// --- the network: calls must not block, so each sends a message to the network's own task

enum Ask {
    Header(RequestId, Peer, BlockHash),
    Bodies(RequestId, Peer, Hashes),
}

struct MemoryNetwork(mpsc::Sender<Ask>);

impl Network<Eth> for MemoryNetwork {
    fn request_header(&mut self, request: RequestId, peer: &Peer, hash: BlockHash) -> Result<(), Failure> {
        println!("asking {peer:?} for the header of {hash}");
        self.0.try_send(Ask::Header(request, *peer, hash)).map_err(|_| Failure::Disconnected)
    }
    fn request_bodies(&mut self, request: RequestId, peer: &Peer, hashes: Hashes) -> Result<(), Failure> {
        println!("asking {peer:?} for the bodies of {} block(s)", hashes.len());
        self.0.try_send(Ask::Bodies(request, *peer, hashes)).map_err(|_| Failure::Disconnected)
    }
    fn cancel(&mut self, request: RequestId, peer: &Peer) {
        println!("no longer waiting for {peer:?} to answer request {}", request.as_u64());
    }
    fn relay(&mut self, block: BlockOf<Eth>, peers: Vec<Peer>) {
        println!("sending block {} to {peers:?}", block.header.number);
    }
    fn announce(&mut self, _: BlockHash, number: BlockNumber, peers: Vec<Peer>) {
        println!("announcing block {number} to {peers:?}");
    }
    fn penalise(&mut self, peer: &Peer, reason: Reason, presence: Presence) {
        println!("{peer:?} ({presence:?}): {} weighs {}", reason.label(), reason.weight());
    }
}

/// Alice: answers what she is asked.
async fn alice(mut asked: mpsc::Receiver<Ask>, handle: Handle<Eth>, blocks: Vec<BlockOf<Eth>>) {
    let find = |hash: &BlockHash| blocks.iter().find(|block| block.header.hash() == *hash);
    while let Some(ask) = asked.recv().await {
        match ask {
            Ask::Header(request, peer, hash) => {
                let headers = find(&hash).map(|block| block.header.clone()).into_iter().collect();
                // What comes back would be a downloader's.
                let _rest = handle.filter_headers(peer, request, headers).await;
            }
            Ask::Bodies(request, peer, hashes) => {
                let bodies = hashes.iter().filter_map(find).map(|block| block.body.clone()).collect();
                let _rest = handle.filter_bodies(peer, request, bodies).await;
            }
        }
    }
}

/// A block with an uncle, so that its body is worth a request.
fn block(number: BlockNumber, parent_hash: BlockHash) -> Result<BlockOf<Eth>, Box<dyn Error>> {
    let uncle = Header::new(HeaderFields { number, extra_data: "uncle".into(), ..HeaderFields::default() })?;
    let body = Body::new(vec![], vec![uncle], None);
    let commitment = body.commitment();
    let header = Header::new(HeaderFields {
        number,
        parent_hash,
        transactions_root: commitment.transactions_root,
        uncles_hash: commitment.uncles_hash,
        ..HeaderFields::default()
    })?;
    Ok(Block { header, body })
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let genesis = Header::new(HeaderFields::default())?;
    let first = block(1, genesis.hash())?;
    let second = block(2, first.header.hash())?;

    let (head, mut heads) = watch::channel(0);
    let blocks = Mutex::new(BTreeMap::from([(genesis.hash(), 0)]));
    let (ask, asked) = mpsc::channel(64);
    let (handle, driver) =
        Driver::spawn(Config::default(), Arc::new(MemoryChain { blocks, head }), MemoryNetwork(ask))?;
    let announced = [(first.header.hash(), 1), (second.header.hash(), 2)];
    let alice = tokio::spawn(alice(asked, handle.clone(), vec![first, second]));

    for peer in [Peer::Alice, Peer::Bob] {
        println!("{peer:?} connects: {:?}", handle.peer_connected(peer).await?);
    }
    println!("Alice announces: {:?}", handle.announce_many(Peer::Alice, announced.to_vec()).await?);

    tokio::time::timeout(Duration::from_secs(10), heads.wait_for(|head| *head == 2)).await??;
    println!("{} hash(es) held", handle.status().await?.entries);
    handle.shutdown().await;
    driver.stopped().await?;
    // The driver has dropped our network, so there is nothing left to answer.
    alice.await?;
    Ok(())
}
