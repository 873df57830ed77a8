//! What the node keeps on disk.
//!
//! Nobody outside this module knows which database it is. The store keeps bytes and knows nothing
//! of rules: [`Chain`](crate::chain::Chain) decides what is committed.
//!
//! Headers and bodies stand under `number ++ hash`, so that blocks that follow each other lie
//! together on disk; an index leads from a hash to its number and total difficulty, another from a
//! number to the canonical hash. Each [`Commit`] is one atomic batch, synced before
//! [`Store::commit`] returns.

mod error;
mod open;
mod table;

use std::fmt;
use std::path::PathBuf;

use alloy_primitives::{B256, U256};
use bytes::Bytes;
use fjall::{Database, Keyspace, OwnedWriteBatch, PersistMode};

pub use self::error::{StoreError, StoreOpenError};
use self::open::HEAD_KEY;
use self::table::{INDEX_VALUE_LEN, block_key, index_value, read_index};

/// The layout that this build reads and writes. A change that an older build would misread counts
/// it up.
pub const SCHEMA_VERSION: u64 = 1;

/// A block on its way into the store.
///
/// Closed on purpose: what a writer leaves out is not on disk, so each of them must see a new
/// field.
#[derive(Clone, Copy, Debug)]
pub struct NewBlock<'a> {
    /// Height above genesis.
    pub number: u64,
    /// The header's hash.
    pub hash: B256,
    /// Difficulty of this block and all before it.
    pub total_difficulty: U256,
    /// The header's RLP as it arrived.
    pub header: &'a [u8],
    /// The body's RLP, one list of lists.
    pub body: &'a [u8],
    /// What the engine wants to find again beside this block.
    pub engine_state: Option<&'a [u8]>,
}

/// What is written together or not at all.
///
/// Closed on purpose: as [`NewBlock`].
#[derive(Clone, Debug, Default)]
pub struct Commit<'a> {
    /// New blocks, on whatever branch.
    pub blocks: Vec<NewBlock<'a>>,
    /// Changes of the canonical chain: the hash at a number, `None` where it ends now.
    pub canonical: Vec<(u64, Option<B256>)>,
    /// The new head, when it changes.
    pub head: Option<B256>,
}

/// The node's database. A clone is another handle to the same one.
#[derive(Clone)]
pub struct Store {
    database: Database,
    meta: Keyspace,
    headers: Keyspace,
    bodies: Keyspace,
    index: Keyspace,
    canonical: Keyspace,
    engine: Keyspace,
    genesis: B256,
    path: PathBuf,
}

impl Store {
    /// The genesis of the chain kept here.
    #[must_use]
    pub fn genesis(&self) -> B256 {
        self.genesis
    }

    /// The canonical chain's last block.
    ///
    /// # Errors
    /// A disk that fails, or a store that lacks what it must have.
    pub fn head(&self) -> Result<B256, StoreError> {
        let head = self.meta.get(HEAD_KEY)?.ok_or(StoreError::Damaged { what: "the head" })?;
        hash_from(&head, "the head")
    }

    /// Whether a block of this hash is here. A miss is answered by filters held in memory, but
    /// for one in some ten thousand.
    ///
    /// # Errors
    /// A disk that fails.
    pub fn contains(&self, hash: &B256) -> Result<bool, StoreError> {
        Ok(self.index.contains_key(hash)?)
    }

    /// Number and total difficulty of a block.
    ///
    /// # Errors
    /// A disk that fails.
    pub fn locate(&self, hash: &B256) -> Result<Option<(u64, U256)>, StoreError> {
        self.index.get(hash)?.map(|value| read_index(&value)).transpose()
    }

    /// The RLP of a header, as it arrived.
    ///
    /// # Errors
    /// A disk that fails.
    pub fn header(&self, number: u64, hash: &B256) -> Result<Option<Bytes>, StoreError> {
        Ok(self.headers.get(block_key(number, hash))?.map(Bytes::from_owner))
    }

    /// The RLP of a body: one list of its lists.
    ///
    /// # Errors
    /// A disk that fails.
    pub fn body(&self, number: u64, hash: &B256) -> Result<Option<Bytes>, StoreError> {
        Ok(self.bodies.get(block_key(number, hash))?.map(Bytes::from_owner))
    }

    /// What the engine kept beside a block.
    ///
    /// # Errors
    /// A disk that fails.
    pub fn engine_state(&self, hash: &B256) -> Result<Option<Bytes>, StoreError> {
        Ok(self.engine.get(hash)?.map(Bytes::from_owner))
    }

    /// The canonical block's hash at `number`, `None` above the head.
    ///
    /// # Errors
    /// A disk that fails.
    pub fn canonical(&self, number: u64) -> Result<Option<B256>, StoreError> {
        let hash = self.canonical.get(number.to_be_bytes())?;
        hash.map(|hash| hash_from(&hash, "the index of numbers")).transpose()
    }

    /// Writes `commit` whole, and returns when it is on disk. After an error nothing of it is
    /// acknowledged; whether it is there shows when the store is opened again.
    ///
    /// # Errors
    /// A disk that fails.
    pub fn commit(&self, commit: &Commit<'_>) -> Result<(), StoreError> {
        let mut batch = self.database.batch().durability(Some(PersistMode::SyncAll));
        for block in &commit.blocks {
            self.put_block(&mut batch, block);
        }
        for (number, hash) in &commit.canonical {
            match hash {
                Some(hash) => {
                    batch.insert(&self.canonical, number.to_be_bytes(), hash.as_slice());
                }
                None => batch.remove(&self.canonical, number.to_be_bytes()),
            }
        }
        if let Some(head) = &commit.head {
            batch.insert(&self.meta, HEAD_KEY, head.as_slice());
        }
        Ok(batch.commit()?)
    }

    fn put_block(&self, batch: &mut OwnedWriteBatch, block: &NewBlock<'_>) {
        let key = block_key(block.number, &block.hash);
        let index: [u8; INDEX_VALUE_LEN] = index_value(block.number, block.total_difficulty);
        batch.insert(&self.headers, key, block.header);
        batch.insert(&self.bodies, key, block.body);
        if let Some(state) = block.engine_state {
            batch.insert(&self.engine, block.hash.as_slice(), state);
        }
        // Last: whoever finds a hash in the index finds the rest as well.
        batch.insert(&self.index, block.hash.as_slice(), index);
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store")
            .field("path", &self.path)
            .field("genesis", &self.genesis)
            .finish_non_exhaustive()
    }
}

fn hash_from(bytes: &[u8], what: &'static str) -> Result<B256, StoreError> {
    B256::try_from(bytes).map_err(|_| StoreError::Damaged { what })
}

#[cfg(test)]
mod tests;
