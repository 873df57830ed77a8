//! Clique's parameters, and its section in a genesis.

use crate::genesis::{GenesisError, Section};

/// Parameters of Clique.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CliqueConfig {
    /// Least seconds between blocks. With 0 blocks may share a timestamp.
    pub period: u64,
    /// Blocks between two checkpoints, at which votes are forgotten and signers written down.
    pub epoch: u64,
}

impl Default for CliqueConfig {
    /// What EIP-225 proposes and Goerli had: a block in 15 s, a checkpoint in 30,000 blocks.
    fn default() -> Self {
        Self { period: 15, epoch: 30_000 }
    }
}

impl CliqueConfig {
    /// Reads `config.clique` of a genesis.
    ///
    /// # Errors
    /// A value that is no number, or a name that Clique does not know.
    pub fn read(section: &Section) -> Result<Self, GenesisError> {
        section.deny_unknown(&["period", "epoch"])?;
        let period = section.u64("period")?.unwrap_or_default();
        // geth takes an epoch of 0, or none, for its default.
        let epoch = match section.u64("epoch")? {
            None | Some(0) => Self::default().epoch,
            Some(epoch) => epoch,
        };
        Ok(Self { period, epoch })
    }
}
