//! Taking a chain file into a chain.

use std::fmt;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use alloy_primitives::B256;
use herald_proto::{Block, BlockExt as _};
use thiserror::Error;

use super::{ChainFileError, FileBlock, Reader};
use crate::chain::{BlockError, Chain};

/// Blocks that are written in one commit. More sync the disk less often; fewer keep less memory.
const BATCH_BLOCKS: usize = 512;
/// Bytes of blocks that are written in one commit.
const BATCH_BYTES: usize = 8 * 1024 * 1024;
/// Batches that are read ahead while one is imported.
const BATCHES_AHEAD: usize = 2;

/// How far an import is, and at its end what came of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Import {
    /// New blocks taken.
    pub imported: u64,
    /// Blocks that were there already.
    pub known: u64,
    /// Number of the last block looked at.
    pub number: u64,
}

/// An import that stopped. What came before is on disk.
#[derive(Clone, Debug, Error)]
#[non_exhaustive]
pub struct ImportFileError {
    /// Which file.
    pub path: PathBuf,
    /// What is on disk of it.
    pub so_far: Import,
    /// Why it stopped.
    pub error: Box<FileError>,
}

/// Why an import stopped.
#[derive(Clone, Debug, Error)]
#[non_exhaustive]
pub enum FileError {
    /// The file cannot be opened.
    #[error("cannot be opened: {0}; check the path")]
    Open(Arc<io::Error>),
    /// The file has no blocks.
    #[error("is empty; give a file of blocks in RLP, plain or gzip")]
    Empty,
    /// The bytes are no block.
    #[error("{0}")]
    Damaged(#[from] ChainFileError),
    /// The file begins with another chain's genesis.
    #[error(
        "begins with genesis {found}, and this chain's is {expected}; give that chain's file, or another --datadir"
    )]
    OtherGenesis {
        /// The file's.
        found: B256,
        /// The chain's.
        expected: B256,
    },
    /// A block is not taken.
    #[error("block index {index}, byte offset {offset}, number {number}, hash {hash}: {error}")]
    Block {
        /// The block's index in the file, from 0.
        index: u64,
        /// Where its first byte is; in a gzip file, in what is unpacked.
        offset: u64,
        /// Its number.
        number: u64,
        /// Its hash.
        hash: B256,
        /// Why.
        error: BlockError,
    },
}

/// Where the blocks of a batch stand in the file, and what reading ended with.
struct Batch {
    positions: Vec<(u64, u64)>,
    blocks: Vec<Block>,
    error: Option<ChainFileError>,
}

/// Imports the blocks of a file; those that are known are passed over, so a second run goes on
/// where the first stopped. `progress` hears of each batch that is on disk.
///
/// # Errors
/// The first block that cannot be read or is not taken. All before it stay.
pub fn import_file(
    chain: &Chain,
    path: &Path,
    progress: impl FnMut(&Import),
) -> Result<Import, ImportFileError> {
    let opened = File::open(path)
        .map_err(|error| FileError::Open(Arc::new(error)))
        .and_then(|file| Ok(Reader::new(file)?));
    match opened {
        Ok(reader) => import_blocks(chain, path, reader, progress),
        Err(error) => Err(ImportFileError::before_any(path, error)),
    }
}

/// As [`import_file`], from a reader; `path` is for the errors.
///
/// # Errors
/// As [`import_file`].
pub fn import_blocks(
    chain: &Chain,
    path: &Path,
    reader: Reader<'_>,
    mut progress: impl FnMut(&Import),
) -> Result<Import, ImportFileError> {
    let mut so_far = Import::default();
    // Decoding hashes every transaction, about as much work as importing: two threads share it.
    let (sender, receiver) = sync_channel(BATCHES_AHEAD);
    let outcome = std::thread::scope(|scope| {
        scope.spawn(move || read_batches(reader, &sender));
        take_batches(chain, &receiver, &mut so_far, &mut progress)
    });
    match outcome {
        Ok(()) => Ok(so_far),
        Err(error) => Err(ImportFileError { path: path.into(), so_far, error: Box::new(error) }),
    }
}

fn read_batches(mut reader: Reader<'_>, sender: &SyncSender<Batch>) {
    loop {
        let mut batch = Batch { positions: Vec::new(), blocks: Vec::new(), error: None };
        let mut bytes = 0;
        while batch.blocks.len() < BATCH_BLOCKS && bytes < BATCH_BYTES {
            match reader.next() {
                None => break,
                Some(Err(error)) => {
                    batch.error = Some(error);
                    break;
                }
                Some(Ok(FileBlock { index, offset, block })) => {
                    bytes += block.encoded_len();
                    batch.positions.push((index, offset));
                    batch.blocks.push(block);
                }
            }
        }
        let last = batch.blocks.is_empty() || batch.error.is_some();
        // The importer is gone when it met a bad block.
        if sender.send(batch).is_err() || last {
            return;
        }
    }
}

fn take_batches(
    chain: &Chain,
    batches: &Receiver<Batch>,
    so_far: &mut Import,
    progress: &mut impl FnMut(&Import),
) -> Result<(), FileError> {
    let mut anything = false;
    for batch in batches {
        if let Some(first) = batch.blocks.first() {
            check_genesis(chain, first)?;
            anything = true;
        }
        match chain.import(&batch.blocks) {
            Ok(report) => so_far.count(report.imported, report.known),
            Err(stopped) => {
                so_far.count(stopped.report.imported, stopped.report.known);
                let (index, offset) = batch.positions.get(stopped.index).copied().unwrap_or_default();
                return Err(FileError::Block {
                    index,
                    offset,
                    number: stopped.number,
                    hash: stopped.hash,
                    error: stopped.error,
                });
            }
        }
        so_far.number = batch.blocks.last().map_or(so_far.number, Block::number);
        tracing::debug!(number = so_far.number, imported = so_far.imported, "batch on disk");
        progress(so_far);
        if let Some(error) = batch.error {
            return Err(error.into());
        }
    }
    if anything { Ok(()) } else { Err(FileError::Empty) }
}

/// Block 0 is known when it is this chain's. Another's would only show as an unknown parent.
fn check_genesis(chain: &Chain, first: &Block) -> Result<(), FileError> {
    let (found, expected) = (first.hash(), chain.genesis_hash());
    if first.number() == 0 && found != expected {
        return Err(FileError::OtherGenesis { found, expected });
    }
    Ok(())
}

impl Import {
    fn count(&mut self, imported: usize, known: usize) {
        self.imported += imported as u64;
        self.known += known as u64;
    }
}

impl ImportFileError {
    /// Stopped before the first block.
    #[must_use]
    pub fn before_any(path: &Path, error: FileError) -> Self {
        Self { path: path.into(), so_far: Import::default(), error: Box::new(error) }
    }
}

impl fmt::Display for ImportFileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path.display(), self.error)?;
        match &*self.error {
            FileError::Open(_) | FileError::Empty | FileError::OtherGenesis { .. } => Ok(()),
            FileError::Damaged(_) | FileError::Block { .. } => {
                write!(f, "; what comes before it stays ({})", self.so_far)
            }
        }
    }
}

impl fmt::Display for Import {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} blocks imported", self.imported)?;
        if self.known > 0 { write!(f, ", {} known already", self.known) } else { Ok(()) }
    }
}
