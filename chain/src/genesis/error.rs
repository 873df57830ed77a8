//! What can be wrong with a genesis.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use thiserror::Error;

use super::GENESIS_FILE_MAX_BYTES;
use crate::chainfile::ChainFileError;

/// A genesis that cannot be used. Each says what to change.
#[derive(Clone, Debug, Error)]
#[non_exhaustive]
pub enum GenesisError {
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
    /// Not JSON, or not an object.
    #[error("the genesis is not valid JSON: {error}")]
    Json {
        /// Where and why.
        error: Arc<serde_json::Error>,
    },
    /// A field is missing or wrong.
    #[error("genesis field `{field}`: {problem}")]
    Field {
        /// Its path, as `alloc.0x12….balance`.
        field: String,
        /// What is wrong.
        problem: FieldProblem,
    },
    /// The RLP block is not the first of a chain.
    #[error("the genesis file begins with block {number}; a genesis is block 0")]
    NotBlockZero {
        /// Its number.
        number: u64,
    },
    /// The RLP block's body is not its header's.
    #[error("the genesis block's body is not the one that its header commits to; the file is damaged")]
    BodyMismatch,
}

/// What is wrong with one field of a genesis file.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum FieldProblem {
    /// Not there.
    #[error("is missing; add it")]
    Missing,
    /// Of another JSON type.
    #[error("must be {expected}, not {found}")]
    Type {
        /// What belongs there.
        expected: &'static str,
        /// The beginning of what is there.
        found: String,
    },
    /// Not a number.
    #[error("`{found}` is no number; write it in decimal, or in hex after 0x")]
    NotANumber {
        /// What is there.
        found: String,
    },
    /// A number over what the field holds.
    #[error("`{found}` does not fit {bits} bits")]
    TooLarge {
        /// What is there.
        found: String,
        /// What the field holds.
        bits: usize,
    },
    /// Not hexadecimal.
    #[error("`{found}` is not hexadecimal with whole bytes")]
    NotHex {
        /// What is there.
        found: String,
    },
    /// Hexadecimal of another length.
    #[error("must have {expected} bytes, not {found}")]
    Length {
        /// What belongs there.
        expected: usize,
        /// What is there.
        found: usize,
    },
    /// The same key twice, once with 0x and once without, or in other letters.
    #[error("is there twice; keep one")]
    Duplicate,
    /// A fork set before one that it builds on.
    #[error("needs `{needed}`, which is not set; set that as well")]
    ForkNeeds {
        /// The fork that must come first.
        needed: &'static str,
    },
    /// A name that nobody reads.
    #[error("is not known; {}", if known.is_empty() { "nothing is set here".to_owned() } else { format!("what can be set here: {known}") })]
    Unknown {
        /// What is known here.
        known: String,
    },
    /// Zero where it means nothing.
    #[error("must not be 0")]
    Zero,
}
