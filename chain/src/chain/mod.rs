//! The chain: rules, fork choice, and what is kept of it.
//!
//! A [`Chain`] is a handle for any number of threads. Reads go on while a batch is imported;
//! imports wait for each other. All calls block: from async code, wrap those that may read the
//! disk in `spawn_blocking`.

mod error;
mod import;
mod report;
mod rules;
mod seal;
mod uncles;
mod view;

use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use alloy_primitives::map::FbBuildHasher;
use alloy_primitives::{B256, U256};
use bytes::Bytes;
use herald_proto::{Block, Body, Header};
use lru::LruCache;
use tokio::sync::broadcast;

pub use self::error::{BlockError, BodyRoot, ImportError, OpenError, Rule, UncleFault};
pub use self::report::{BlockNumHash, ChainEvent, ImportReport, Reorg};
pub use self::seal::{PrepareError, Unsealed};
use self::view::View;
use crate::clock::Clock;
use crate::engine::{Engine, EngineChoice};
use crate::genesis::{ChainConfig, Genesis};
use crate::head::Head;
use crate::store::{NewBlock, Store, StoreError, StoreOpenError};

/// Where in a data directory the store lies.
pub const STORE_DIRECTORY: &str = "chain";

/// Headers kept in memory: those near the head, which everybody asks for. About 2 MiB.
const RECENT_KEPT: NonZeroUsize = NonZeroUsize::new(2048).expect("not zero");
/// Events that a slow listener may fall behind; then it is told how many it missed.
const EVENTS_KEPT: usize = 256;

/// Settings of a chain that are this node's own affair. Made from the defaults:
///
/// ```
/// # use herald_chain::ChainOptions;
/// let options = ChainOptions::default().with(|options| options.finality_depth = 64);
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ChainOptions {
    /// Blocks below the head that are treated as final where the engine says nothing higher: the
    /// floor of the fetcher's window. Default 128. More makes deeper reorganisations reachable by
    /// announcements; range sync follows any depth.
    pub finality_depth: u64,
    /// How far ahead of the clock a timestamp may be. Default 1 s: timestamps are whole seconds,
    /// and clocks kept by NTP differ by less. More lets signers seal early.
    pub allowed_drift: Duration,
    /// What time it is.
    pub clock: Clock,
}

impl Default for ChainOptions {
    fn default() -> Self {
        Self { finality_depth: 128, allowed_drift: Duration::from_secs(1), clock: Clock::system() }
    }
}

impl ChainOptions {
    /// The same options but for what `change` sets.
    #[must_use]
    pub fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }
}

/// A chain, its rules and its store. A clone is another handle to the same chain.
#[derive(Clone, Debug)]
pub struct Chain(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    genesis: Genesis,
    engine: Arc<dyn Engine>,
    store: Store,
    options: ChainOptions,
    tip: RwLock<Tip>,
    recent: Mutex<LruCache<B256, Head, FbBuildHasher<32>>>,
    events: broadcast::Sender<Arc<ChainEvent>>,
    /// Held while a batch is imported.
    importing: Mutex<()>,
}

/// Where the chain stands.
#[derive(Clone, Debug)]
struct Tip {
    head: Head,
    /// The highest block that the engine makes final, if it makes any.
    finalized: Option<u64>,
}

impl Chain {
    /// Opens the chain of `genesis` in `datadir`, made if there is none.
    ///
    /// # Errors
    /// A genesis that the engine cannot use; a store of another chain, in use, or unreadable.
    pub fn open(
        datadir: &Path,
        genesis: Genesis,
        engine: EngineChoice,
        options: ChainOptions,
    ) -> Result<Self, OpenError> {
        let engine = engine.open(&genesis)?;
        let store = Store::open(
            &datadir.join(STORE_DIRECTORY),
            &NewBlock {
                number: 0,
                hash: genesis.hash(),
                total_difficulty: genesis.header().difficulty,
                header: genesis.header().raw(),
                body: &genesis.block().body.encode(),
                engine_state: None,
            },
            engine.name(),
        )?;
        let head = open_head(&store)?;
        let (events, _) = broadcast::channel(EVENTS_KEPT);
        let chain = Inner {
            genesis,
            engine,
            store,
            options,
            tip: RwLock::new(Tip { head: head.clone(), finalized: None }),
            recent: Mutex::new(LruCache::with_hasher(RECENT_KEPT, FbBuildHasher::default())),
            events,
            importing: Mutex::new(()),
        };
        let finalized = chain.engine.finalized(&head, &View::new(&chain)).map_err(StoreOpenError::from)?;
        chain.set_tip(Tip { head, finalized });
        Ok(Self(Arc::new(chain)))
    }

    /// The hash of block 0.
    #[must_use]
    pub fn genesis_hash(&self) -> B256 {
        self.0.genesis.hash()
    }

    /// Block 0, and the chain's rules where they are known.
    #[must_use]
    pub fn genesis(&self) -> &Genesis {
        &self.0.genesis
    }

    /// The chain's rules; `None` when it was opened with a genesis block only.
    #[must_use]
    pub fn config(&self) -> Option<&ChainConfig> {
        self.0.genesis.config()
    }

    /// What decides who may make blocks.
    #[must_use]
    pub fn engine(&self) -> &dyn Engine {
        &*self.0.engine
    }

    /// The settings that the chain was opened with.
    #[must_use]
    pub fn options(&self) -> &ChainOptions {
        &self.0.options
    }

    /// The canonical chain's last block. From memory.
    #[must_use]
    pub fn head(&self) -> Head {
        self.0.tip().head
    }

    /// The number below which nothing is expected to change. From memory.
    #[must_use]
    pub fn finalized(&self) -> u64 {
        let Tip { head, finalized } = self.0.tip();
        let trailing = head.header.number.saturating_sub(self.0.options.finality_depth);
        finalized.map_or(trailing, |finalized| finalized.max(trailing))
    }

    /// Whether a block of this hash is here, on whatever branch. Hits near the head and nearly all
    /// misses are answered from memory.
    ///
    /// # Errors
    /// A store that fails.
    pub fn contains(&self, hash: &B256) -> Result<bool, StoreError> {
        self.0.contains(hash)
    }

    /// A header, on whatever branch.
    ///
    /// # Errors
    /// A store that fails.
    pub fn header(&self, hash: &B256) -> Result<Option<Header>, StoreError> {
        self.0.header(hash)
    }

    /// The canonical header at `number`.
    ///
    /// # Errors
    /// A store that fails.
    pub fn header_by_number(&self, number: u64) -> Result<Option<Header>, StoreError> {
        let Some(hash) = self.0.store.canonical(number)? else { return Ok(None) };
        self.0.header(&hash)
    }

    /// A whole block, on whatever branch.
    ///
    /// # Errors
    /// A store that fails.
    pub fn block(&self, hash: &B256) -> Result<Option<Block>, StoreError> {
        let Some(header) = self.0.header(hash)? else { return Ok(None) };
        let body = self.0.body(header.number, hash)?;
        Ok(body.map(|body| Block::new(header, body)))
    }

    /// The hash of the canonical block at `number`; `None` above the head.
    ///
    /// # Errors
    /// A store that fails.
    pub fn canonical_hash(&self, number: u64) -> Result<Option<B256>, StoreError> {
        self.0.store.canonical(number)
    }

    /// The difficulty of a block and all before it.
    ///
    /// # Errors
    /// A store that fails.
    pub fn total_difficulty(&self, hash: &B256) -> Result<Option<U256>, StoreError> {
        Ok(self.0.store.locate(hash)?.map(|(_, total)| total))
    }

    /// The same of a block that was asked for or came in lately: never reads the disk. A header that
    /// was verified just now has its parent here.
    #[must_use]
    pub fn recent_total_difficulty(&self, hash: &B256) -> Option<U256> {
        self.0.recent().get(hash).map(|block| block.total_difficulty)
    }

    /// A header's RLP as it arrived, for serving.
    ///
    /// # Errors
    /// A store that fails.
    pub fn raw_header(&self, hash: &B256) -> Result<Option<Bytes>, StoreError> {
        let Some((number, _)) = self.0.store.locate(hash)? else { return Ok(None) };
        self.0.store.header(number, hash)
    }

    /// The RLP of the canonical header at `number`, for serving.
    ///
    /// # Errors
    /// A store that fails.
    pub fn raw_header_by_number(&self, number: u64) -> Result<Option<Bytes>, StoreError> {
        let Some(hash) = self.0.store.canonical(number)? else { return Ok(None) };
        self.0.store.header(number, &hash)
    }

    /// A body's RLP as it arrived: one list of transactions, uncles and withdrawals, for serving.
    ///
    /// # Errors
    /// A store that fails.
    pub fn raw_body(&self, hash: &B256) -> Result<Option<Bytes>, StoreError> {
        let Some((number, _)) = self.0.store.locate(hash)? else { return Ok(None) };
        self.0.store.body(number, hash)
    }

    /// Hears of every change of the head, and of side blocks. A listener that falls behind by more
    /// than 256 events is told so.
    #[must_use]
    pub fn events(&self) -> broadcast::Receiver<Arc<ChainEvent>> {
        self.0.events.subscribe()
    }
}

impl Inner {
    fn tip(&self) -> Tip {
        self.tip.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set_tip(&self, tip: Tip) {
        *self.tip.write().unwrap_or_else(PoisonError::into_inner) = tip;
    }

    fn contains(&self, hash: &B256) -> Result<bool, StoreError> {
        Ok(self.recent().contains(hash) || self.store.contains(hash)?)
    }

    fn header(&self, hash: &B256) -> Result<Option<Header>, StoreError> {
        Ok(self.located(hash)?.map(|found| found.header))
    }

    /// Header and total difficulty of a block.
    fn located(&self, hash: &B256) -> Result<Option<Head>, StoreError> {
        if let Some(found) = self.recent().get(hash) {
            return Ok(Some(found.clone()));
        }
        let found = read_located(&self.store, hash)?;
        if let Some(found) = &found {
            self.recent().put(*hash, found.clone());
        }
        Ok(found)
    }

    fn body(&self, number: u64, hash: &B256) -> Result<Option<Body>, StoreError> {
        let Some(bytes) = self.store.body(number, hash)? else { return Ok(None) };
        Body::decode(&bytes).map(Some).map_err(|_| StoreError::Damaged { what: "a body" })
    }

    fn recent(&self) -> MutexGuard<'_, LruCache<B256, Head, FbBuildHasher<32>>> {
        // A cache is right whatever a panicking thread was doing with it.
        self.recent.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn open_head(store: &Store) -> Result<Head, StoreOpenError> {
    let head = read_located(store, &store.head()?)?;
    Ok(head.ok_or(StoreError::Damaged { what: "the head" })?)
}

fn read_located(store: &Store, hash: &B256) -> Result<Option<Head>, StoreError> {
    let Some((number, total_difficulty)) = store.locate(hash)? else { return Ok(None) };
    let damaged = || StoreError::Damaged { what: "a header" };
    let bytes = store.header(number, hash)?.ok_or_else(damaged)?;
    let header = Header::decode(&bytes).map_err(|_| damaged())?;
    Ok(Some(Head { header, total_difficulty }))
}

#[cfg(test)]
mod tests;
