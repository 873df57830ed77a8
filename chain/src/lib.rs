//! An Ethereum chain on disk, for a node that follows or makes one: the [store], the
//! [rules and the choice of a head](Chain), [consensus engines](engine), the [genesis],
//! [chain files](chainfile), keys and senders.
//!
//! Nothing here knows of peers, networks or how blocks travel. All calls block; from async code,
//! those that may read the disk go through `spawn_blocking`.

mod chain;
pub mod chainfile;
pub mod clock;
pub mod engine;
pub mod genesis;
mod head;
pub mod key;
pub mod sender;
pub mod store;
#[cfg(any(test, feature = "testkit"))]
#[doc(hidden)]
pub mod testkit;

pub use self::chain::{
    BlockError, BlockNumHash, BodyRoot, Chain, ChainEvent, ChainOptions, ImportError, ImportReport,
    OpenError, PrepareError, Reorg, Rule, STORE_DIRECTORY, UncleFault, Unsealed,
};
pub use self::head::Head;
