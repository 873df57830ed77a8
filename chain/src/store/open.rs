//! Making a store, and opening one.
//!
//! A database that is killed while it makes its own files does not open again. So a store is made
//! beside its place, with its genesis in it, closed, and moved there by one rename.

use std::ffi::OsString;
use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use alloy_primitives::B256;
use fjall::{Database, PersistMode};

use super::{NewBlock, SCHEMA_VERSION, Store, StoreError, StoreOpenError, hash_from, table};

pub(super) const HEAD_KEY: &[u8] = b"head";
pub(super) const SCHEMA_KEY: &[u8] = b"schema";
const GENESIS_KEY: &[u8] = b"genesis";
const ENGINE_KEY: &[u8] = b"engine";

/// The file that the database writes last when it makes itself.
const DATABASE_MARKER: &str = "version";

/// Memory for blocks of tables read from disk. More helps a node that serves old blocks.
const CACHE_BYTES: u64 = 64 * 1024 * 1024;
/// A journal this large is flushed; what is in it is read again after a kill.
const JOURNAL_BYTES: u64 = 128 * 1024 * 1024;

impl Store {
    /// Opens the store in `directory`, made and begun with `genesis` if there is none. `engine`
    /// names what checks its seals: blocks that one engine took are not for another to build on.
    ///
    /// # Errors
    /// A store of another chain, engine or layout, one that another process has open, or a disk
    /// that fails.
    pub fn open(directory: &Path, genesis: &NewBlock<'_>, engine: &str) -> Result<Self, StoreOpenError> {
        if is_free(directory).map_err(|error| unusable(directory, error))? {
            make(directory, genesis, engine)?;
        }
        let store = Self::open_existing(directory)?;
        if store.genesis != genesis.hash {
            return Err(StoreOpenError::OtherChain {
                path: directory.into(),
                stored: store.genesis,
                given: genesis.hash,
            });
        }
        let stored = store.meta.get(ENGINE_KEY).map_err(StoreError::from)?.unwrap_or_default();
        if *stored == *engine.as_bytes() {
            return Ok(store);
        }
        // Block 0 is checked by nobody: a start with the wrong engine leaves nothing behind.
        if store.holds_only_genesis() {
            store.set_engine(engine)?;
            return Ok(store);
        }
        Err(StoreOpenError::OtherEngine {
            path: directory.into(),
            stored: String::from_utf8_lossy(&stored).into_owned(),
            given: engine.to_owned(),
        })
    }

    /// Opens a store that must be there already, of whatever chain.
    ///
    /// # Errors
    /// As [`Store::open`], and a directory that holds no store.
    pub fn open_existing(directory: &Path) -> Result<Self, StoreOpenError> {
        // The database would make itself a home in any directory; a mistyped path must not.
        if !directory.join(DATABASE_MARKER).is_file() {
            return Err(StoreOpenError::Missing { path: directory.into() });
        }
        let mut store = Self::open_database(directory)?;
        store.check_schema()?;
        let genesis = store.meta.get(GENESIS_KEY).map_err(StoreError::from)?;
        let genesis = genesis.ok_or(StoreError::Damaged { what: "the genesis hash" })?;
        store.genesis = hash_from(&genesis, "the genesis hash")?;
        Ok(store)
    }

    fn open_database(directory: &Path) -> Result<Self, StoreOpenError> {
        let opened = || -> Result<Self, fjall::Error> {
            let database = Database::builder(directory)
                .cache_size(CACHE_BYTES)
                .max_journaling_size(JOURNAL_BYTES)
                .open()?;
            Ok(Self {
                meta: database.keyspace("meta", table::small)?,
                headers: database.keyspace("headers", table::records)?,
                bodies: database.keyspace("bodies", table::records)?,
                index: database.keyspace("index", table::index)?,
                canonical: database.keyspace("canonical", table::small)?,
                engine: database.keyspace("engine", table::records)?,
                database,
                genesis: B256::ZERO,
                path: directory.into(),
            })
        };
        opened().map_err(|error| StoreOpenError::on_open(directory, error))
    }

    fn check_schema(&self) -> Result<(), StoreOpenError> {
        let damaged = StoreError::Damaged { what: "the schema version" };
        let schema = self.meta.get(SCHEMA_KEY).map_err(StoreError::from)?.unwrap_or_default();
        let Ok(schema) = <[u8; 8]>::try_from(&*schema) else { return Err(damaged.into()) };
        let found = u64::from_be_bytes(schema);
        if found != SCHEMA_VERSION {
            return Err(StoreOpenError::OtherSchema { path: self.path.clone(), found });
        }
        Ok(())
    }

    fn holds_only_genesis(&self) -> bool {
        self.headers.iter().nth(1).is_none()
    }

    fn set_engine(&self, engine: &str) -> Result<(), StoreError> {
        let mut batch = self.database.batch().durability(Some(PersistMode::SyncAll));
        batch.insert(&self.meta, ENGINE_KEY, engine);
        Ok(batch.commit()?)
    }

    fn begin(&self, genesis: &NewBlock<'_>, engine: &str) -> Result<(), StoreError> {
        let mut batch = self.database.batch().durability(Some(PersistMode::SyncAll));
        self.put_block(&mut batch, genesis);
        batch.insert(&self.canonical, genesis.number.to_be_bytes(), genesis.hash.as_slice());
        batch.insert(&self.meta, HEAD_KEY, genesis.hash.as_slice());
        batch.insert(&self.meta, GENESIS_KEY, genesis.hash.as_slice());
        batch.insert(&self.meta, ENGINE_KEY, engine);
        batch.insert(&self.meta, SCHEMA_KEY, SCHEMA_VERSION.to_be_bytes());
        Ok(batch.commit()?)
    }
}

/// Whether a store can be made there: nothing is, or an empty directory.
fn is_free(directory: &Path) -> io::Result<bool> {
    match fs::read_dir(directory) {
        Ok(mut entries) => Ok(entries.next().is_none()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(true),
        Err(error) => Err(error),
    }
}

fn make(directory: &Path, genesis: &NewBlock<'_>, engine: &str) -> Result<(), StoreOpenError> {
    let failed = |error| unusable(directory, error);
    let parent = directory.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(parent).map_err(failed)?;
    // Two processes may begin at once; what one makes, the other would take for a leftover.
    let lock = File::create(beside(directory, ".lock")).map_err(failed)?;
    lock.try_lock().map_err(|error| match error {
        TryLockError::WouldBlock => StoreOpenError::Locked { path: directory.into() },
        TryLockError::Error(error) => failed(error),
    })?;
    // The other one may have finished between our look and our lock.
    if !is_free(directory).map_err(failed)? {
        return Ok(());
    }
    let unfinished = beside(directory, ".new");
    if unfinished.exists() {
        fs::remove_dir_all(&unfinished).map_err(failed)?;
    }
    Store::open_database(&unfinished)?.begin(genesis, engine)?;
    fs::rename(&unfinished, directory).map_err(failed)?;
    // Without this a power cut could take the rename back.
    #[cfg(unix)]
    File::open(parent).and_then(|parent| parent.sync_all()).map_err(failed)?;
    Ok(())
}

fn beside(directory: &Path, end: &str) -> PathBuf {
    let mut name = OsString::from(directory.file_name().unwrap_or_default());
    name.push(end);
    directory.with_file_name(name)
}

fn unusable(directory: &Path, error: io::Error) -> StoreOpenError {
    StoreOpenError::Directory { path: directory.into(), error: Arc::new(error) }
}
