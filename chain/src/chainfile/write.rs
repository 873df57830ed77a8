//! Writing the canonical chain to a file.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use flate2::Compression;
use flate2::write::GzEncoder;
use herald_proto::rlp::{self, Item};
use thiserror::Error;

use super::BUFFER_BYTES;
use crate::store::{Store, StoreError};

/// Canonical blocks from one number to another, both included.
///
/// Closed on purpose: its two ends are all that a range has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    /// The first.
    pub from: u64,
    /// The last; `None` is the head.
    pub to: Option<u64>,
}

/// A chain that cannot be exported.
#[derive(Clone, Debug, Error)]
#[non_exhaustive]
pub enum ExportError {
    /// The file cannot be written.
    #[error("cannot write {}: {error}; check the path and the space on the disk", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// What the system says.
        error: Arc<io::Error>,
    },
    /// The range is not in the chain.
    #[error("the chain has no blocks {from} to {to}: its head is {head}; choose --from and --to within it")]
    Range {
        /// The first asked for.
        from: u64,
        /// The last asked for.
        to: u64,
        /// The chain's last.
        head: u64,
    },
    /// The store fails.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Writes blocks of the canonical chain to `path`, gzip if its name ends in `.gz`, with the bytes
/// that they arrived in; returns how many. The file is there whole or not at all. `progress` hears
/// of each number written.
///
/// # Errors
/// A range beyond the chain, a file that cannot be written, or a store that fails.
pub fn export(
    store: &Store,
    path: &Path,
    range: Range,
    progress: impl FnMut(u64),
) -> Result<u64, ExportError> {
    let located = store.locate(&store.head()?)?;
    let (head, _) = located.ok_or(StoreError::Damaged { what: "the head" })?;
    let to = range.to.unwrap_or(head);
    if range.from > to || to > head {
        return Err(ExportError::Range { from: range.from, to, head });
    }
    let failed = |error| ExportError::File { path: path.into(), error: Arc::new(error) };
    // A device or pipe has no old content to protect, and must not be replaced by a file.
    let special = std::fs::metadata(path).is_ok_and(|found| !found.is_file());
    let written = if special { path.to_path_buf() } else { partial(path) };
    let file = File::options().write(true).create(true).truncate(!special).open(&written);
    let mut out = BufWriter::with_capacity(BUFFER_BYTES, file.map_err(failed)?);

    let outcome = if path.extension().is_some_and(|end| end == "gz") {
        let mut gzip = GzEncoder::new(&mut out, Compression::default());
        write_blocks(store, &mut gzip, range.from, to, progress, failed)
            .and_then(|()| gzip.finish().map(|_| ()).map_err(failed))
    } else {
        write_blocks(store, &mut out, range.from, to, progress, failed)
    };
    let outcome = outcome.and_then(|()| {
        out.flush().map_err(failed)?;
        if special {
            return Ok(());
        }
        out.get_ref().sync_all().map_err(failed)?;
        std::fs::rename(&written, path).map_err(failed)
    });
    if outcome.is_err() && !special {
        // Best effort: the error that is returned says what matters.
        let _ = std::fs::remove_file(&written);
    }
    outcome.map(|()| to - range.from + 1)
}

fn write_blocks(
    store: &Store,
    out: &mut impl Write,
    from: u64,
    to: u64,
    mut progress: impl FnMut(u64),
    failed: impl Fn(io::Error) -> ExportError,
) -> Result<(), ExportError> {
    let damaged = |what| StoreError::Damaged { what };
    let mut prefix = Vec::new();
    for number in from..=to {
        let hash = store.canonical(number)?.ok_or(damaged("the index of numbers"))?;
        let header = store.header(number, &hash)?.ok_or(damaged("a header"))?;
        let body = store.body(number, &hash)?.ok_or(damaged("a body"))?;
        let lists = Item::decode(&body).map_err(|_| damaged("a body"))?.payload();
        prefix.clear();
        rlp::append_list_header(&mut prefix, header.len() + lists.len());
        out.write_all(&prefix)
            .and_then(|()| out.write_all(&header))
            .and_then(|()| out.write_all(lists))
            .map_err(&failed)?;
        progress(number);
    }
    Ok(())
}

fn partial(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".partial");
    path.with_file_name(name)
}
