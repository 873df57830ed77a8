//! A host in memory: its chain, its network, and blocks.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use herald_fetcher::driver::{Builder, Chain, Driver, Handle, Network};
use herald_fetcher::{
    BlockHash, BlockNumber, ChainView, Config, Connection, Failure, Hashes, Presence, Reason, RequestId,
    Verdict,
};
use herald_proto::{Block, Body, EthTypes, Header, HeaderFields};
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::watchdog::Bound;

pub type Peer = u8;
pub type Toy = EthTypes<Peer>;

/// How the host verifies and imports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    AtOnce,
    /// Each import takes so long.
    Slow(Duration),
    /// An import never ends.
    Stuck,
    /// An import blocks its thread while the test has the gate.
    Blocks,
    PanicInVerify,
    PanicInImport,
    /// Valid, but only so long after the first time it was asked.
    FutureOnce(Duration),
    /// Each header is invalid, and so long in coming to be known so.
    InvalidAfter(Duration),
    /// Not ready to import, for so long after the first time it was asked.
    RetryOnce(Duration),
}

pub struct TestChain {
    blocks: Mutex<BTreeMap<BlockHash, BlockNumber>>,
    manner: Manner,
    asked: AtomicUsize,
    asked_to_import: AtomicUsize,
    imported: mpsc::UnboundedSender<(BlockHash, Instant)>,
    /// Imports that have begun and are neither ended nor dropped.
    pub running: Arc<AtomicUsize>,
    pub gate: Mutex<()>,
}

struct Running(Arc<AtomicUsize>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl TestChain {
    pub fn insert(&self, hash: BlockHash, number: BlockNumber) {
        self.blocks.lock().unwrap().insert(hash, number);
    }

    async fn take(&self, hash: BlockHash, number: BlockNumber) -> Verdict {
        self.running.fetch_add(1, Ordering::SeqCst);
        let _running = Running(Arc::clone(&self.running));
        let first = self.asked_to_import.fetch_add(1, Ordering::SeqCst) == 0;
        match self.manner {
            Manner::RetryOnce(after) if first => return Verdict::Retry { after },
            Manner::Slow(time) => tokio::time::sleep(time).await,
            Manner::Stuck => core::future::pending().await,
            Manner::Blocks => drop(self.gate.lock().unwrap()),
            Manner::PanicInImport => panic!("the test asked for it"),
            Manner::AtOnce
            | Manner::PanicInVerify
            | Manner::FutureOnce(_)
            | Manner::InvalidAfter(_)
            | Manner::RetryOnce(_) => {}
        }
        self.insert(hash, number);
        self.imported.send((hash, Instant::now())).unwrap();
        Verdict::Valid
    }
}

impl ChainView for TestChain {
    fn contains(&self, hash: &BlockHash) -> bool {
        self.blocks.lock().unwrap().contains_key(hash)
    }
    fn head(&self) -> BlockNumber {
        self.blocks.lock().unwrap().values().copied().max().unwrap_or(0)
    }
    fn finalized(&self) -> BlockNumber {
        0
    }
}

impl Chain<Toy> for TestChain {
    async fn verify_header(&self, _: Header) -> Verdict {
        let first = self.asked.fetch_add(1, Ordering::SeqCst) == 0;
        match self.manner {
            Manner::PanicInVerify => panic!("the test asked for it"),
            Manner::FutureOnce(wait) if first => Verdict::Future { wait },
            Manner::InvalidAfter(time) => {
                tokio::time::sleep(time).await;
                Verdict::Invalid
            }
            Manner::AtOnce
            | Manner::Slow(_)
            | Manner::Stuck
            | Manner::Blocks
            | Manner::PanicInImport
            | Manner::FutureOnce(_)
            | Manner::RetryOnce(_) => Verdict::Valid,
        }
    }
    async fn import(&self, block: herald_fetcher::BlockOf<Toy>) -> Verdict {
        assert_eq!(block.header.body_commitment(), block.body.commitment(), "the fetcher matched them");
        self.take(block.header.hash(), block.header.number).await
    }
    async fn import_header(&self, header: Header) -> Verdict {
        self.take(header.hash(), header.number).await
    }
}

/// What the driver asked of the network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Call {
    Header { request: RequestId, peer: Peer, hash: BlockHash },
    Bodies { request: RequestId, peer: Peer, hashes: Vec<BlockHash> },
    Cancel { request: RequestId, peer: Peer },
    Relay { hash: BlockHash, peers: Vec<Peer> },
    Announce { hash: BlockHash, peers: Vec<Peer> },
    Penalise { peer: Peer, reason: Reason, presence: Presence },
    OutOfReach { hash: BlockHash },
}

pub struct TestNetwork {
    calls: mpsc::Sender<Call>,
    /// Requests to this peer cannot be sent.
    pub unreachable: Option<Peer>,
    /// A request makes it panic.
    pub panics: bool,
}

impl TestNetwork {
    fn note(&self, call: Call) {
        self.calls.try_send(call).unwrap();
    }

    fn ask(&self, peer: Peer, call: Call) -> Result<(), Failure> {
        assert!(!self.panics, "the test asked for it");
        if self.unreachable == Some(peer) {
            return Err(Failure::Disconnected);
        }
        self.note(call);
        Ok(())
    }
}

impl Network<Toy> for TestNetwork {
    fn request_header(&mut self, request: RequestId, peer: &Peer, hash: BlockHash) -> Result<(), Failure> {
        self.ask(*peer, Call::Header { request, peer: *peer, hash })
    }
    fn request_bodies(&mut self, request: RequestId, peer: &Peer, hashes: Hashes) -> Result<(), Failure> {
        self.ask(*peer, Call::Bodies { request, peer: *peer, hashes: hashes.into() })
    }
    fn cancel(&mut self, request: RequestId, peer: &Peer) {
        self.note(Call::Cancel { request, peer: *peer });
    }
    fn relay(&mut self, block: herald_fetcher::BlockOf<Toy>, peers: Vec<Peer>) {
        self.note(Call::Relay { hash: block.header.hash(), peers });
    }
    fn announce(&mut self, hash: BlockHash, _: BlockNumber, peers: Vec<Peer>) {
        self.note(Call::Announce { hash, peers });
    }
    fn penalise(&mut self, peer: &Peer, reason: Reason, presence: Presence) {
        self.note(Call::Penalise { peer: *peer, reason, presence });
    }
    fn out_of_reach(&mut self, hash: BlockHash, _: BlockNumber, _: &Peer) {
        self.note(Call::OutOfReach { hash });
    }
}

/// A host whose driver is not started yet.
pub struct Parts {
    pub chain: Arc<TestChain>,
    pub network: TestNetwork,
    pub calls: mpsc::Receiver<Call>,
    pub imported: mpsc::UnboundedReceiver<(BlockHash, Instant)>,
}

/// A running driver, and what its host has seen.
pub struct Host {
    pub handle: Handle<Toy>,
    pub driver: Driver,
    pub chain: Arc<TestChain>,
    pub calls: mpsc::Receiver<Call>,
    pub imported: mpsc::UnboundedReceiver<(BlockHash, Instant)>,
}

impl Parts {
    pub fn new(manner: Manner) -> Self {
        let (calls_in, calls) = mpsc::channel(1_024);
        #[expect(clippy::disallowed_methods, reason = "a test's own log")]
        let (imported_in, imported) = mpsc::unbounded_channel();
        let chain = TestChain {
            blocks: Mutex::default(),
            manner,
            asked: AtomicUsize::new(0),
            asked_to_import: AtomicUsize::new(0),
            imported: imported_in,
            running: Arc::default(),
            gate: Mutex::default(),
        };
        chain.insert(genesis().hash(), 0);
        let network = TestNetwork { calls: calls_in, unreachable: None, panics: false };
        Self { chain: Arc::new(chain), network, calls, imported }
    }

    pub fn spawn(self, config: Config) -> Host {
        self.spawn_with(config, |builder| builder)
    }

    pub fn spawn_with<O: herald_fetcher::driver::Observer<Toy>>(
        self,
        config: Config,
        build: impl FnOnce(
            Builder<Toy, Arc<TestChain>, TestNetwork, Bound>,
        ) -> Builder<Toy, Arc<TestChain>, TestNetwork, O>,
    ) -> Host {
        let Self { chain, network, calls, imported } = self;
        let builder = build(Driver::builder(config, Arc::clone(&chain), network).observer(Bound::default()));
        let (handle, driver) = builder.spawn().unwrap();
        Host { handle, driver, chain, calls, imported }
    }
}

impl Host {
    pub fn new(manner: Manner) -> Self {
        Parts::new(manner).spawn(Config::default())
    }

    pub async fn connect(&self, peers: &[Peer]) {
        for &peer in peers {
            assert_eq!(self.handle.peer_connected(peer).await, Ok(Connection::Accepted));
        }
    }

    pub async fn call(&mut self) -> Call {
        self.calls.recv().await.expect("the driver still runs")
    }

    /// The header request that comes next.
    pub async fn header_request(&mut self) -> (Peer, RequestId, BlockHash) {
        match self.call().await {
            Call::Header { request, peer, hash } => (peer, request, hash),
            other => panic!("a header request was expected, not {other:?}"),
        }
    }

    /// Answers every request of the driver at once, until the block is imported.
    pub async fn serve_until_imported(&mut self, blocks: &[&Block]) -> (BlockHash, Instant) {
        loop {
            tokio::select! {
                biased;
                Some(imported) = self.imported.recv() => return imported,
                Some(call) = self.calls.recv() => self.serve(call, blocks).await,
            }
        }
    }

    async fn serve(&self, call: Call, blocks: &[&Block]) {
        let find = |hash: &BlockHash| blocks.iter().find(|block| block.hash() == *hash);
        match call {
            Call::Header { request, peer, hash } => {
                let headers = find(&hash).map(|block| block.header.clone()).into_iter().collect();
                assert!(self.handle.filter_headers(peer, request, headers).await.is_empty());
            }
            Call::Bodies { request, peer, hashes } => {
                let bodies = hashes.iter().filter_map(find).map(|block| block.body.clone()).collect();
                assert!(self.handle.filter_bodies(peer, request, bodies).await.is_empty());
            }
            Call::Relay { .. } => {}
            other => panic!("no {other:?} was expected before the import"),
        }
    }
}

pub fn genesis() -> Block {
    empty_block(0, BlockHash::ZERO, 0)
}

/// A block without transactions; `tag` tells brothers apart.
pub fn empty_block(number: BlockNumber, parent: BlockHash, tag: u64) -> Block {
    with_body(number, parent, tag, Body::new(vec![], vec![], None))
}

/// A block whose body is not empty: it has an uncle.
pub fn full_block(number: BlockNumber, parent: BlockHash, tag: u64) -> Block {
    let uncle = empty_block(number, parent, u64::MAX - tag).header;
    with_body(number, parent, tag, Body::new(vec![], vec![uncle], None))
}

fn with_body(number: BlockNumber, parent: BlockHash, tag: u64, body: Body) -> Block {
    let header = Header::new(HeaderFields {
        number,
        parent_hash: parent,
        timestamp: tag,
        transactions_root: body.commitment().transactions_root,
        uncles_hash: body.commitment().uncles_hash,
        ..HeaderFields::default()
    });
    Block::new(header.unwrap(), body)
}

/// Lets every other task run until it waits. Time stands still meanwhile.
pub async fn settle() {
    for _ in 0..64 {
        tokio::task::yield_now().await;
    }
}
