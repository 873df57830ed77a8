//! Where a chain begins: geth's genesis format, and genesis blocks. Files of either are read by
//! [`chainfile::read_genesis`](crate::chainfile::read_genesis).
//!
//! The hash equals geth's: the state root is computed from `alloc`, and the header gets the fields
//! of every fork that is active at block 0.

mod config;
mod error;
mod forks;
mod format;
mod json;
mod keys;
mod object;
mod section;
mod state;

use alloy_primitives::B256;
use herald_proto::{Block, Body, Header, HeaderFields};

pub use self::config::{BlobParameters, ChainConfig};
pub use self::error::{FieldProblem, GenesisError};
pub use self::forks::{BlockFork, Fork, TimeFork};
pub use self::format::OtherFormat;
pub(crate) use self::json::{BYTE_ORDER_MARK, EMPTY_REQUESTS_HASH, GAS_LIMITS, INITIAL_BASE_FEE};
pub use self::section::Section;

/// What becomes of a key that is not known. Known keys that do not concern this node are passed
/// over either way; docs/genesis.md lists them.
///
/// Closed on purpose: a host offers its user this one choice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Strictness {
    /// The file is refused, with the key that may be meant: a misspelt key changes the rules of a
    /// chain, or its genesis hash, in silence.
    #[default]
    Strict,
    /// It is logged as a warning and passed over.
    Lenient,
}

/// What a genesis was read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum GenesisFormat {
    /// geth's JSON, which has the chain's rules, or ought to.
    Json,
    /// A block in RLP, which cannot have them.
    Block,
}

/// The first block of a chain, and the chain's rules where they are known.
#[derive(Clone, Debug)]
pub struct Genesis {
    block: Block,
    format: GenesisFormat,
    config: Option<ChainConfig>,
    sections: Vec<Section>,
}

impl Genesis {
    /// Reads geth's JSON format, in Besu's dialect as well.
    ///
    /// Names are read in whatever letters, as geth and Besu read them. The sections of consensus
    /// engines are kept unread for whoever has the engine.
    ///
    /// # Errors
    /// What is not such a file; the error names the field and what is wrong with it.
    pub fn read(text: &str, strictness: Strictness) -> Result<Self, GenesisError> {
        json::read(text, strictness)
    }

    /// Reads geth's JSON format strictly.
    ///
    /// # Errors
    /// As [`Genesis::read`].
    pub fn from_json(text: &str) -> Result<Self, GenesisError> {
        Self::read(text, Strictness::Strict)
    }

    /// Takes a genesis block as a chain file has it. The rules of the chain are not in it, so
    /// headers are checked by what they say themselves.
    ///
    /// # Errors
    /// A block that is not number 0, or whose body is not the one its header commits to.
    pub fn from_block(block: Block) -> Result<Self, GenesisError> {
        if block.number() != 0 {
            return Err(GenesisError::NotBlockZero { number: block.number() });
        }
        if !block.body_matches() {
            return Err(GenesisError::BodyMismatch);
        }
        Ok(Self { block, format: GenesisFormat::Block, config: None, sections: Vec::new() })
    }

    /// The chain's identity.
    #[must_use]
    pub fn hash(&self) -> B256 {
        self.block.hash()
    }

    /// Header and body of block 0.
    #[must_use]
    pub fn block(&self) -> &Block {
        &self.block
    }

    /// The header of block 0.
    #[must_use]
    pub fn header(&self) -> &Header {
        &self.block.header
    }

    /// The chain's rules, `None` when only its genesis block is known.
    #[must_use]
    pub fn config(&self) -> Option<&ChainConfig> {
        self.config.as_ref()
    }

    /// The section of an engine in `config`, in whatever letters its name is written.
    #[must_use]
    pub fn section(&self, name: &str) -> Option<&Section> {
        self.sections.iter().find(|section| section.is_one_of(&[name]))
    }

    /// The sections of all engines in `config`, known or not.
    #[must_use]
    pub fn sections(&self) -> &[Section] {
        &self.sections
    }

    /// Refuses a genesis with the section of an engine that is not among `known`. In one that is
    /// read leniently, a section that nobody knows is logged and passed over.
    ///
    /// # Errors
    /// The first such section.
    pub fn check_sections(&self, known: &[&str]) -> Result<(), GenesisError> {
        let mut others = self.sections.iter().filter(|section| !section.is_one_of(known));
        others.try_for_each(Section::refuse)
    }

    /// What it was read from.
    pub(crate) fn format(&self) -> GenesisFormat {
        self.format
    }

    fn new(fields: HeaderFields, config: Option<ChainConfig>, sections: Vec<Section>) -> Self {
        let withdrawals = fields.withdrawals_root.map(|_| Vec::new());
        let header = Header::new(fields).expect("forks are filled in order, so no field is left out");
        let block = Block::new(header, Body::new(Vec::new(), Vec::new(), withdrawals));
        Self { block, format: GenesisFormat::Json, config, sections }
    }
}

#[cfg(test)]
mod tests;
