//! Why a block is not taken.

use std::time::Duration;

use alloy_primitives::B256;
use herald_proto::DecodeError;
use thiserror::Error;

use super::ImportReport;
use crate::engine::{EngineError, EngineFault, VerifyError};
use crate::store::{StoreError, StoreOpenError};

/// The chain does not open.
#[derive(Clone, Debug, Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The engine cannot be used with this genesis.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The store does not open.
    #[error(transparent)]
    Store(#[from] StoreOpenError),
}

/// Why a header or block is not taken, by who is to blame.
///
/// Closed on purpose: a host must decide for each what it means for the peer that gave the block.
#[derive(Clone, Debug, Error)]
pub enum BlockError {
    /// Nobody's fault: its parent is not here, so nothing can be said of it.
    #[error("its parent {parent} is not known here")]
    UnknownParent {
        /// The missing block.
        parent: B256,
    },
    /// Nobody's fault, or a clock's: it is from the future.
    #[error("time: timestamp {timestamp} is {}s ahead of the clock here", wait.as_secs_f32())]
    Future {
        /// Its timestamp.
        timestamp: u64,
        /// When it may be tried again.
        wait: Duration,
    },
    /// The maker's fault: it breaks a rule, and always will.
    #[error(transparent)]
    Broken(Box<Rule>),
    /// This node's fault: the store fails.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A rule that a block breaks. Each message begins with the rule's name.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Rule {
    /// One above the parent's.
    #[error("number: block {found} names block {parent} as its parent")]
    Number {
        /// The header's.
        found: u64,
        /// The parent's.
        parent: u64,
    },
    /// Later than the parent, or where the engine allows it not earlier.
    #[error("time: timestamp {found} is not after the parent's {parent}")]
    Time {
        /// The header's.
        found: u64,
        /// The parent's.
        parent: u64,
    },
    /// Within 1/1024 of the parent's, which counts double at the first London block.
    #[error("gas limit: {found} is not within 1/1024 of {parent}, or not from 5000 to 2^63 - 1")]
    GasLimit {
        /// The header's.
        found: u64,
        /// What it is measured against.
        parent: u64,
    },
    /// At most the gas limit.
    #[error("gas used: {used} is over the gas limit {limit}")]
    GasUsed {
        /// Gas used.
        used: u64,
        /// The limit.
        limit: u64,
    },
    /// At most 32 bytes.
    #[error("extra data: {found} bytes, and at most {max} are allowed")]
    ExtraData {
        /// Its length.
        found: usize,
        /// The most allowed.
        max: usize,
    },
    /// From London on, what the parent's gas leads to (EIP-1559).
    #[error("base fee: {found} wei, and {expected} follows from the parent")]
    BaseFee {
        /// The header's.
        found: u64,
        /// The right one.
        expected: u64,
    },
    /// Fields of a fork are there exactly when it is active.
    #[error("fork fields: `{field}` {}", if *.expected { "is missing" } else { "does not belong to this block's fork" })]
    ForkField {
        /// The field.
        field: &'static str,
        /// Whether it should be there.
        expected: bool,
    },
    /// Whole blobs.
    #[error("blob gas: {found} is not a multiple of 131072, a blob's")]
    BlobGas {
        /// Blob gas used.
        found: u64,
    },
    /// At most as many blobs as the fork allows (EIP-4844, EIP-7691).
    #[error("blob gas: {found} used, and at most {max} is allowed")]
    BlobGasUsed {
        /// Blob gas used.
        found: u64,
        /// The most allowed.
        max: u64,
    },
    /// What the parent's blob gas leads to (EIP-4844).
    #[error("excess blob gas: {found}, and {expected} follows from the parent")]
    ExcessBlobGas {
        /// The header's.
        found: u64,
        /// The right one.
        expected: u64,
    },
    /// Blob gas is that of the blobs of the block's transactions (EIP-4844).
    #[error("blob gas: the header says {found}, and the blobs of its transactions take {expected}")]
    BlobGasOfBody {
        /// The header's.
        found: u64,
        /// That of the body's blobs.
        expected: u64,
    },
    /// A transaction with blobs that cannot be read, so that its blobs cannot be counted.
    #[error("blob gas: a transaction with blobs cannot be read: {error}")]
    BlobTransaction {
        /// Why.
        error: DecodeError,
    },
    /// Total difficulty has 256 bits.
    #[error("difficulty: the total is over 2^256")]
    TotalDifficulty,
    /// The body is the one that the header commits to.
    #[error("{root}: the header says {header}, and the body gives {body}")]
    BodyRoot {
        /// Which of the roots.
        root: BodyRoot,
        /// The header's.
        header: B256,
        /// The body's.
        body: B256,
    },
    /// Withdrawals are in the body exactly when their root is in the header.
    #[error("withdrawals: in the {} but not in the {}", if *.in_body { "body" } else { "header" }, if *.in_body { "header" } else { "body" })]
    Withdrawals {
        /// Where they are.
        in_body: bool,
    },
    /// At most as many uncles as the engine allows.
    #[error("uncles: {found}, and at most {max} are allowed")]
    UncleCount {
        /// How many.
        found: usize,
        /// The most allowed.
        max: usize,
    },
    /// Each uncle once, in this block and the seven before it, and none of them an ancestor.
    #[error("uncles: {uncle} is {what}")]
    Uncle {
        /// The uncle.
        uncle: B256,
        /// What is wrong with it.
        what: UncleFault,
    },
    /// An uncle is a good header itself.
    #[error("uncles: {uncle} breaks a rule: {rule}")]
    UncleHeader {
        /// The uncle.
        uncle: B256,
        /// The rule.
        rule: Box<Rule>,
    },
    /// The seal, and all else that the engine says.
    #[error("{label}: {fault}", label = .0.label(), fault = .0)]
    Engine(EngineFault),
}

impl Rule {
    /// A short name, for logs and metrics.
    #[must_use]
    pub fn label(&self) -> &'static str {
        match self {
            Self::Number { .. } => "number",
            Self::Time { .. } => "time",
            Self::GasLimit { .. } => "gas limit",
            Self::GasUsed { .. } => "gas used",
            Self::ExtraData { .. } => "extra data",
            Self::BaseFee { .. } => "base fee",
            Self::ForkField { .. } => "fork fields",
            Self::BlobGas { .. }
            | Self::BlobGasUsed { .. }
            | Self::BlobGasOfBody { .. }
            | Self::BlobTransaction { .. } => "blob gas",
            Self::ExcessBlobGas { .. } => "excess blob gas",
            Self::TotalDifficulty => "difficulty",
            Self::BodyRoot { .. } => "body root",
            Self::Withdrawals { .. } => "withdrawals",
            Self::UncleCount { .. } | Self::Uncle { .. } | Self::UncleHeader { .. } => "uncles",
            Self::Engine(fault) => fault.label(),
        }
    }
}

/// A root in a header that commits to a part of the body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BodyRoot {
    /// The transactions'.
    Transactions,
    /// The uncles'.
    Uncles,
    /// The withdrawals'.
    Withdrawals,
}

/// What is wrong with an uncle.
///
/// Closed on purpose: the merge ended uncles, so no further rule for them will come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UncleFault {
    /// Named before, in this block or in one of its last ancestors.
    Duplicate,
    /// An ancestor of the block.
    Ancestor,
    /// Its parent is none of the ancestors from the second to the seventh.
    Dangling,
}

/// A batch stopped at a block. Those before it are imported.
#[derive(Clone, Debug, Error)]
#[error("block {number} ({hash}): {error}")]
#[non_exhaustive]
pub struct ImportError {
    /// The block's index in the batch, from 0.
    pub index: usize,
    /// Its number.
    pub number: u64,
    /// Its hash.
    pub hash: B256,
    /// Why it is not taken.
    pub error: BlockError,
    /// What came of the blocks before it.
    pub report: Box<ImportReport>,
}

impl std::fmt::Display for BodyRoot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Transactions => "transactions root",
            Self::Uncles => "uncles hash",
            Self::Withdrawals => "withdrawals root",
        })
    }
}

impl std::fmt::Display for UncleFault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Duplicate => "named a second time",
            Self::Ancestor => "an ancestor of the block",
            Self::Dangling => "no child of one of the last seven ancestors",
        })
    }
}

impl BlockError {
    /// A short name, for logs and metrics: that of the rule, where one is broken.
    #[must_use]
    pub fn label(&self) -> &'static str {
        match self {
            Self::UnknownParent { .. } => "unknown parent",
            Self::Future { .. } => "future",
            Self::Broken(rule) => rule.label(),
            Self::Store(_) => "store",
        }
    }
}

impl From<Rule> for BlockError {
    fn from(rule: Rule) -> Self {
        Self::Broken(Box::new(rule))
    }
}

impl From<VerifyError> for BlockError {
    fn from(error: VerifyError) -> Self {
        match error {
            VerifyError::Fault(fault) => Rule::Engine(fault).into(),
            VerifyError::Store(error) => error.into(),
        }
    }
}
