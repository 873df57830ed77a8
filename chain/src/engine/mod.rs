//! Who may make a block, and which of two equally heavy chains is followed.

pub mod clique;
mod trusted;

use alloy_primitives::B256;
use bytes::Bytes;
use herald_proto::Header;
use thiserror::Error;

use self::clique::{Clique, CliqueFault};
pub use self::trusted::Trusted;
use crate::genesis::{CliqueConfig, Genesis, GenesisError};
use crate::store::StoreError;

/// The sections of a genesis that do not stand in the way. That of Ethash has nothing that would
/// change a header's rules.
const SECTIONS: [&str; 2] = ["clique", "ethash"];

/// Which engine a chain is opened with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EngineChoice {
    /// Clique when the genesis has a `clique` section, otherwise trusted.
    #[default]
    Auto,
    /// Clique; the genesis must have a `clique` section and signers.
    Clique,
    /// No seal is checked.
    Trusted,
}

/// A chain's engine.
#[derive(Debug)]
pub enum Engine {
    /// EIP-225.
    Clique(Clique),
    /// No seal check.
    Trusted(Trusted),
}

/// An engine cannot be used with a genesis.
#[derive(Clone, Debug, Error)]
#[non_exhaustive]
pub enum EngineError {
    /// Clique was asked for, and the genesis does not say how.
    #[error(
        "the genesis has no `clique` section in its config, so Clique cannot be used; give a \
         Clique genesis in geth's JSON format, or --engine trusted"
    )]
    NoCliqueConfig,
    /// The genesis has the section of an engine that is not here, or asks of its engine what it does
    /// not do.
    #[error(transparent)]
    Section(#[from] GenesisError),
    /// The genesis' extra data does not list signers.
    #[error("the genesis' extra data is no Clique checkpoint: {0}; make one with `herald init`")]
    Genesis(CliqueFault),
    /// There is nobody who could sign block 1.
    #[error("the genesis' extra data lists no signers; make one with `herald init --signer`")]
    NoSigners,
}

/// What an engine may look at beyond the header before it: blocks in the store, and those before
/// them in the same batch.
pub trait Ancestry {
    /// A header known here.
    ///
    /// # Errors
    /// A store that fails.
    fn header(&self, hash: &B256) -> Result<Option<Header>, StoreError>;

    /// What the engine asked to be kept beside a block.
    ///
    /// # Errors
    /// A store that fails.
    fn engine_state(&self, hash: &B256) -> Result<Option<Bytes>, StoreError>;
}

impl Engine {
    /// The engine that `choice` means for `genesis`.
    ///
    /// # Errors
    /// A genesis that lacks what the engine needs.
    pub fn new(choice: EngineChoice, genesis: &Genesis) -> Result<Self, EngineError> {
        // Who asks for trusted knows that the engine's section is not read.
        if choice != EngineChoice::Trusted {
            genesis.check_sections(&SECTIONS)?;
        }
        match (choice, genesis.section("clique")) {
            (EngineChoice::Trusted, _) | (EngineChoice::Auto, None) => {
                Ok(Self::Trusted(Trusted::new(genesis.header())))
            }
            (EngineChoice::Auto | EngineChoice::Clique, Some(section)) => {
                let config = CliqueConfig::read(section)?;
                clique::check_genesis(genesis, &config)?;
                Clique::new(config, genesis.header()).map(Self::Clique)
            }
            (EngineChoice::Clique, None) => Err(EngineError::NoCliqueConfig),
        }
    }

    /// The engine's name, as `--engine` takes it.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Clique(_) => "clique",
            Self::Trusted(_) => "trusted",
        }
    }

    /// Most bytes of extra data, `None` where the engine has its own rule for them.
    #[must_use]
    pub fn extra_data_max(&self) -> Option<usize> {
        match self {
            Self::Clique(_) => None,
            Self::Trusted(trusted) => Some(trusted.extra_data_max()),
        }
    }

    /// Clique, when it is the engine.
    #[must_use]
    pub fn clique(&self) -> Option<&Clique> {
        match self {
            Self::Clique(clique) => Some(clique),
            Self::Trusted(_) => None,
        }
    }
}
