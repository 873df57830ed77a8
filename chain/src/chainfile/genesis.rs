//! Genesis files: geth's JSON, or a chain file that begins with block 0.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use thiserror::Error;

use super::{ChainFileError, Reader};
use crate::genesis::{BYTE_ORDER_MARK, Genesis, GenesisError, Strictness};

/// Largest genesis file that is read: mainnet's, with 8,893 accounts, has 1 MiB.
pub const GENESIS_FILE_MAX_BYTES: u64 = 256 * 1024 * 1024;

/// A genesis file that cannot be used. Each says what to change.
#[derive(Clone, Debug, Error)]
#[non_exhaustive]
pub enum GenesisFileError {
    /// The file cannot be read.
    #[error("cannot read the genesis file {}: {error}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// What the system says.
        error: Arc<io::Error>,
    },
    /// The file is too large to be a genesis.
    #[error("the genesis file {} has {size} bytes, more than the {GENESIS_FILE_MAX_BYTES} that are read", path.display())]
    FileTooLarge {
        /// Which.
        path: PathBuf,
        /// Its size in bytes.
        size: u64,
    },
    /// The file is empty.
    #[error("the genesis file is empty; give geth's genesis JSON or a genesis block in RLP")]
    Empty,
    /// The file begins like JSON but is not UTF-8.
    #[error("the genesis file is not UTF-8 text; save it as such")]
    NotText,
    /// The file is neither JSON nor RLP.
    #[error("the genesis file is neither geth's genesis JSON nor a block in RLP: {error}")]
    NotGenesisFile {
        /// Why it is no block.
        error: Box<ChainFileError>,
    },
    /// What the file holds is no genesis.
    #[error(transparent)]
    Genesis(#[from] GenesisError),
}

/// Whether it begins as JSON does, be it no genesis. A block in RLP begins with none of these: it is
/// a list, of 0xc0 or more, and the byte order mark, 0xef, would be one of 47 bytes.
fn looks_like_json(bytes: &[u8]) -> bool {
    let mut mark = [0; 4];
    let mark = BYTE_ORDER_MARK.encode_utf8(&mut mark).as_bytes();
    let text = bytes.strip_prefix(mark).unwrap_or(bytes);
    let first = text.iter().find(|byte| !byte.is_ascii_whitespace());
    matches!(first, Some(b'{' | b'[' | b'"'))
}

/// Reads a genesis file: geth's JSON, or RLP that begins with block 0, plain or gzip.
///
/// # Errors
/// As [`Genesis::read`] and [`Genesis::from_block`], and what the file system says.
pub fn read_genesis(path: &Path, strictness: Strictness) -> Result<Genesis, GenesisFileError> {
    let failed = |error| GenesisFileError::File { path: path.into(), error: Arc::new(error) };
    let size = std::fs::metadata(path).map_err(failed)?.len();
    if size > GENESIS_FILE_MAX_BYTES {
        return Err(GenesisFileError::FileTooLarge { path: path.into(), size });
    }
    let bytes = std::fs::read(path).map_err(failed)?;
    if looks_like_json(&bytes) {
        let text = str::from_utf8(&bytes).map_err(|_| GenesisFileError::NotText)?;
        return Ok(Genesis::read(text, strictness)?);
    }
    let not_genesis = |error| GenesisFileError::NotGenesisFile { error: Box::new(error) };
    let mut blocks = Reader::new(&*bytes).map_err(not_genesis)?;
    match blocks.next() {
        Some(Ok(entry)) => Ok(Genesis::from_block(entry.block)?),
        Some(Err(error)) => Err(not_genesis(error)),
        None => Err(GenesisFileError::Empty),
    }
}
