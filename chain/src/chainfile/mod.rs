//! Chain files as geth writes them: blocks in RLP one after another, plain or gzip.
//!
//! Files are read and written as streams. A block is held to [`BLOCK_MAX_BYTES`] before anything
//! of it is read, so memory does not depend on what a file says.

mod error;
mod genesis;
mod import;
mod write;

use std::io::{BufRead, BufReader, Read};
use std::sync::Arc;

use flate2::bufread::MultiGzDecoder;
use herald_proto::rlp::Item;
use herald_proto::{Block, BlockExt as _, Header};

pub use self::error::{ChainFileError, Damage};
pub use self::genesis::{GENESIS_FILE_MAX_BYTES, GenesisFileError, read_genesis};
pub use self::import::{FileError, Import, ImportFileError, import_blocks, import_file};
pub use self::write::{ExportError, Range, export};

/// Largest block in a file. EIP-7934 ends at 10 MiB; older blocks are smaller.
pub const BLOCK_MAX_BYTES: u64 = 16 * 1024 * 1024;

const BUFFER_BYTES: usize = 256 * 1024;
/// The two bytes that gzip begins with. No block does: it would have to be a list.
const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

/// Blocks of a stream, one by one. Ends at the first error.
pub struct Reader<'a> {
    source: Box<dyn BufRead + Send + 'a>,
    index: u64,
    offset: u64,
    buffer: Vec<u8>,
    ended: bool,
}

/// A block and where it stands.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct FileBlock {
    /// The block's index in the file, from 0.
    pub index: u64,
    /// Where its first byte is in the file; in a gzip file, in what is unpacked.
    pub offset: u64,
    /// The block.
    pub block: Block,
}

impl<'a> Reader<'a> {
    /// Reads blocks from `source`, unpacked if it is gzip.
    ///
    /// # Errors
    /// What the source says when its first bytes are read.
    pub fn new(source: impl Read + Send + 'a) -> Result<Self, ChainFileError> {
        let mut plain = BufReader::with_capacity(BUFFER_BYTES, source);
        let start = plain.fill_buf().map_err(|error| ChainFileError {
            index: 0,
            offset: 0,
            block: None,
            damage: Damage::Io(Arc::new(error)),
        })?;
        let source: Box<dyn BufRead + Send + 'a> = if start.starts_with(&GZIP_MAGIC) {
            Box::new(BufReader::with_capacity(BUFFER_BYTES, MultiGzDecoder::new(plain)))
        } else {
            Box::new(plain)
        };
        Ok(Self { source, index: 0, offset: 0, buffer: Vec::new(), ended: false })
    }

    /// Reads the bytes of the next block into the buffer; `false` at the end of the stream.
    fn read_block(&mut self) -> Result<bool, Damage> {
        self.buffer.clear();
        if self.source.fill_buf()?.is_empty() {
            return Ok(false);
        }
        self.read_more(1)?;
        let first = self.buffer.first().copied().unwrap_or_default();
        let rest = match first {
            0xc0..=0xf7 => u64::from(first - 0xc0),
            0xf8.. => {
                let prefix = u64::from(first - 0xf7);
                self.read_more(prefix)?;
                let length = self.buffer.iter().skip(1);
                length.fold(0, |sum: u64, byte| sum << 8 | u64::from(*byte))
            }
            ..0xc0 => return Err(Damage::NotAList { first }),
        };
        let size = rest.saturating_add(self.buffer.len() as u64);
        if size > BLOCK_MAX_BYTES {
            return Err(Damage::TooLarge { size });
        }
        self.read_more(rest)?;
        Ok(true)
    }

    fn read_more(&mut self, count: u64) -> Result<(), Damage> {
        let had = self.buffer.len() as u64;
        self.source.by_ref().take(count).read_to_end(&mut self.buffer)?;
        let available = self.buffer.len() as u64;
        let needed = had.saturating_add(count);
        if available < needed {
            return Err(Damage::Truncated { needed, available });
        }
        Ok(())
    }

    fn next_entry(&mut self) -> Result<Option<FileBlock>, ChainFileError> {
        let (index, offset) = (self.index, self.offset);
        let wrong = |block, damage| ChainFileError { index, offset, block, damage };
        if !self.read_block().map_err(|damage| wrong(None, damage))? {
            return Ok(None);
        }
        let block = Block::decode(&self.buffer)
            .map_err(|error| wrong(identify(&self.buffer), Damage::Encoding(error.into())))?;
        self.index += 1;
        self.offset += self.buffer.len() as u64;
        Ok(Some(FileBlock { index, offset, block }))
    }
}

impl Iterator for Reader<'_> {
    type Item = Result<FileBlock, ChainFileError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let next = self.next_entry().transpose();
        self.ended = !matches!(next, Some(Ok(_)));
        next
    }
}

impl std::fmt::Debug for Reader<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reader")
            .field("index", &self.index)
            .field("offset", &self.offset)
            .finish_non_exhaustive()
    }
}

/// Number and hash of a block whose body cannot be read, if its header can.
fn identify(bytes: &[u8]) -> Option<(u64, alloy_primitives::B256)> {
    let payload = Item::decode(bytes).ok()?.payload();
    let (header, _) = Item::split_first(payload).ok()?;
    let header = Header::decode(header.raw()).ok()?;
    Some((header.number, header.hash()))
}

#[cfg(test)]
mod tests;
