//! Which engine a chain is opened with.

use std::sync::Arc;

use thiserror::Error;

use super::{ENGINES, Engine, EngineFault};
use crate::genesis::{Genesis, GenesisError, GenesisFormat};

/// An engine that is found by name.
///
/// Closed on purpose: [`ENGINES`] is written out in full, so that a new engine says all of it.
#[derive(Debug)]
pub struct EngineSpec {
    /// Its name, as [`Engine::name`] gives it.
    pub name: &'static str,
    /// What it checks, as a clause for `--help`.
    pub about: &'static str,
    /// Sections of a genesis' `config` that are its own. A genesis with one of them is its.
    pub sections: &'static [&'static str],
    /// Which genesis it refuses, as a clause for `--help` that follows on "a genesis".
    pub refuses: &'static str,
    /// Makes it for the chain that begins with this genesis.
    pub open: fn(&Genesis) -> Result<Arc<dyn Engine>, EngineError>,
}

/// The engine of a genesis that has no engine's section.
const WITHOUT_SECTION: &str = "trusted";

/// Which engine a chain is opened with.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub enum EngineChoice {
    /// The first of [`ENGINES`] that has a section in the genesis, or `trusted`. JSON without
    /// `config` is refused; a block in RLP has none, and is `trusted`.
    #[default]
    Auto,
    /// One of [`ENGINES`].
    Named(&'static EngineSpec),
    /// An engine of the caller's. Whether the genesis suits it is the caller's to know.
    Given(Arc<dyn Engine>),
}

/// An engine cannot be used with a genesis.
#[derive(Clone, Debug, Error)]
#[non_exhaustive]
pub enum EngineError {
    /// An engine was asked for, and the genesis does not say how.
    #[error(
        "the genesis has no `{section}` section in its config, so the engine {engine} cannot be used; \
         give a genesis in geth's JSON format that has one, or another --engine"
    )]
    NoSection {
        /// The engine.
        engine: &'static str,
        /// What it looked for.
        section: &'static str,
    },
    /// The engine must know the chain's forks.
    #[error(
        "the genesis is a block in RLP and does not tell the chain's forks, which the engine {engine} must \
         know; give the genesis in geth's JSON format, or --engine trusted"
    )]
    NoConfig {
        /// The engine.
        engine: &'static str,
    },
    /// JSON that leaves out what tells the chain's rules, its engine among them.
    #[error(
        "the genesis has no `config`, so that neither the chain's forks nor its engine are known; add the \
         chain's `config`, or give --engine trusted, which checks headers by what they say themselves"
    )]
    JsonWithoutConfig,
    /// The engine's section is wrong, or there is the section of an engine that is not here.
    #[error(transparent)]
    Section(#[from] GenesisError),
    /// The genesis block is not what the engine begins with.
    #[error("the genesis does not suit the engine {engine}: {fault}; make one with `herald init`")]
    Genesis {
        /// The engine.
        engine: &'static str,
        /// What is wrong.
        fault: EngineFault,
    },
    /// There is nobody who could sign block 1.
    #[error("the genesis' extra data lists no signers; make one with `herald init --signer`")]
    NoSigners,
}

/// There is no engine of that name.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("there is no engine `{name}`; choose one of {}", EngineChoice::names().collect::<Vec<_>>().join(", "))]
#[non_exhaustive]
pub struct UnknownEngine {
    /// What was asked for.
    pub name: String,
}

impl EngineChoice {
    /// What [`FromStr`](std::str::FromStr) reads: `auto`, and the names of [`ENGINES`].
    pub fn names() -> impl Iterator<Item = &'static str> {
        std::iter::once(AUTO).chain(ENGINES.iter().map(|spec| spec.name))
    }

    /// The engine that is meant for `genesis`.
    ///
    /// # Errors
    /// A genesis that the engine refuses, or that is another engine's.
    pub fn open(self, genesis: &Genesis) -> Result<Arc<dyn Engine>, EngineError> {
        let spec = match self {
            Self::Given(engine) => return Ok(engine),
            // Who asks for an engine without a section of its own knows that none is read.
            Self::Named(spec) if spec.sections.is_empty() => spec,
            Self::Named(spec) => {
                check_rules(genesis)?;
                spec
            }
            Self::Auto => {
                check_rules(genesis)?;
                let mine = |spec: &&EngineSpec| has_section(genesis, spec.sections);
                ENGINES.iter().find(mine).unwrap_or_else(|| named(WITHOUT_SECTION))
            }
        };
        (spec.open)(genesis)
    }
}

/// `auto` on the command line.
const AUTO: &str = "auto";

impl std::str::FromStr for EngineChoice {
    type Err = UnknownEngine;

    fn from_str(name: &str) -> Result<Self, UnknownEngine> {
        if name == AUTO {
            return Ok(Self::Auto);
        }
        let found = ENGINES.iter().find(|spec| spec.name == name);
        found.map(Self::Named).ok_or_else(|| UnknownEngine { name: name.to_owned() })
    }
}

fn named(name: &str) -> &'static EngineSpec {
    ENGINES.iter().find(|spec| spec.name == name).expect("the list has every engine that is named here")
}

/// Refuses JSON without the chain's rules, and sections that no engine here reads.
fn check_rules(genesis: &Genesis) -> Result<(), EngineError> {
    match genesis.format() {
        GenesisFormat::Json if genesis.config().is_none() => return Err(EngineError::JsonWithoutConfig),
        GenesisFormat::Json | GenesisFormat::Block => {}
    }
    let ours: Vec<&str> = ENGINES.iter().flat_map(|spec| spec.sections).copied().collect();
    Ok(genesis.check_sections(&ours)?)
}

fn has_section(genesis: &Genesis, sections: &[&str]) -> bool {
    sections.iter().any(|section| genesis.section(section).is_some())
}

#[cfg(test)]
mod tests;
