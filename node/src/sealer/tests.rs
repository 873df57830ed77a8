#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use herald_proto::Block;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::*;
use herald_chain::ChainOptions;
use herald_chain::clock::Clock;
use herald_chain::engine::EngineChoice;
use herald_chain::engine::clique::CliqueConfig;
use herald_chain::genesis::Genesis;
use herald_chain::testkit;

/// Time goes on with each block that is published.
struct Publisher {
    clock: Clock,
    blocks: mpsc::Sender<Block>,
}

impl Publish for Publisher {
    async fn publish(&self, block: Block) {
        self.clock.set(Duration::from_secs(block.header.timestamp));
        // The test may have seen enough.
        let _ = self.blocks.send(block).await;
    }
}

struct Fixture {
    chain: Chain,
    clock: Clock,
    keys: Vec<AccountKey>,
    directory: tempfile::TempDir,
}

/// The clock stands while a sealer waits, and is moved on only when it has sealed; so blocks may be
/// a period ahead of it.
fn open(datadir: &Path, genesis: &Genesis, clock: &Clock) -> Chain {
    let allowed_drift = Duration::from_secs(2);
    let options = ChainOptions::default().with(|options| {
        options.clock = clock.clone();
        options.allowed_drift = allowed_drift;
    });
    Chain::open(datadir, genesis.clone(), EngineChoice::Auto, options).unwrap()
}

impl Fixture {
    fn new(signers: u8) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let (keys, clock) = (testkit::signers(signers), testkit::clock());
        let config = CliqueConfig::default().with(|config| config.period = 2);
        let genesis = testkit::clique_genesis(&keys, config);
        let chain = open(directory.path(), &genesis, &clock);
        Self { chain, clock, keys, directory }
    }

    fn sealer(&self) -> Sealer {
        Sealer::new(self.chain.clone(), self.keys[0].clone(), self.directory.path()).unwrap()
    }

    fn start(&self) -> (mpsc::Receiver<Block>, CancellationToken, JoinHandle<()>) {
        let (sender, blocks) = mpsc::channel(1);
        let (publisher, shutdown) =
            (Publisher { clock: self.clock.clone(), blocks: sender }, CancellationToken::new());
        let task = tokio::spawn(self.sealer().run(publisher, shutdown.clone()));
        (blocks, shutdown, task)
    }
}

#[tokio::test(start_paused = true)]
async fn a_lone_signer_seals_a_block_each_period() {
    let fixture = Fixture::new(1);
    let (mut blocks, shutdown, task) = fixture.start();
    for number in 1..=4 {
        let block = blocks.recv().await.unwrap();
        assert_eq!(block.number(), number);
        assert_eq!(block.header.timestamp, testkit::START + 2 * (number - 1));
        assert_eq!(fixture.chain.sealer(&block.header), Some(fixture.keys[0].address()));
    }
    shutdown.cancel();
    drop(blocks);
    task.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_new_head_lets_a_signer_go_on() {
    let fixture = Fixture::new(2);
    let (mut blocks, shutdown, task) = fixture.start();
    for number in [1, 3, 5] {
        let ours = blocks.recv().await.unwrap();
        assert_eq!(ours.number(), number);
        // It has signed recently; only the other signer's block lets it go on.
        let other = fixture.keys[1].clone();
        let theirs = fixture.chain.prepare(&ours.header, other.address(), Vec::new(), None).unwrap();
        let theirs = theirs.seal(&other).unwrap();
        fixture.clock.set(Duration::from_secs(theirs.header.timestamp));
        fixture.chain.import(&[theirs]).unwrap();
    }
    shutdown.cancel();
    drop(blocks);
    task.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn no_height_is_sealed_twice_even_with_an_empty_store() {
    let fixture = Fixture::new(1);
    let (mut blocks, shutdown, task) = fixture.start();
    let block = blocks.recv().await.unwrap();
    shutdown.cancel();
    drop(blocks);
    task.await.unwrap();
    let last = fixture.chain.head().header.number;
    assert!(last >= block.number());

    let fresh = tempfile::tempdir().unwrap();
    let chain = testkit::open(fresh.path(), fixture.chain.genesis(), &fixture.clock);
    let mut again = Sealer::new(chain.clone(), fixture.keys[0].clone(), fixture.directory.path()).unwrap();
    let plan = again.wait_for(&chain.head().header).unwrap();
    assert_eq!(plan, Plan::SealedBefore { until: last });
}

#[test]
fn a_damaged_mark_is_not_passed_over() {
    let fixture = Fixture::new(1);
    let path = fixture.directory.path().join(format!("sealed-{:x}.json", fixture.keys[0].address()));
    std::fs::write(&path, "{").unwrap();
    let error =
        Sealer::new(fixture.chain.clone(), fixture.keys[0].clone(), fixture.directory.path()).unwrap_err();
    assert!(matches!(error, SealerError::Mark(MarkError::Damaged { .. })), "{error}");
}

#[test]
fn a_chain_that_is_not_sealed_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let genesis = testkit::trusted_genesis("");
    let chain = testkit::open(directory.path(), &genesis, &testkit::clock());
    let key = testkit::signers(1).remove(0);
    let error = Sealer::new(chain, key, directory.path()).unwrap_err();
    assert!(
        matches!(error, SealerError::Prepare(PrepareError::NotSealable { engine: "trusted" })),
        "{error}"
    );
}

#[test]
fn what_is_drawn_lies_within_the_span() {
    let span = Duration::from_millis(1500);
    let drawn: Vec<Duration> = (0..100).map(|_| random_below(span)).collect();
    assert!(drawn.iter().all(|wait| *wait <= span));
    assert!(drawn.iter().any(|wait| *wait != drawn[0]));
}
