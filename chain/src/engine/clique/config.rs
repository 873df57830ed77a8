//! Clique's parameters, and its section in a genesis.

use crate::genesis::{GenesisError, Section};

/// Parameters of Clique. Made from the defaults:
///
/// ```
/// # use herald_chain::engine::clique::CliqueConfig;
/// let config = CliqueConfig::default().with(|config| config.period = 5);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CliqueConfig {
    /// Least seconds between blocks.
    pub period: u64,
    /// Blocks between two checkpoints, at which votes are forgotten and signers written down.
    pub epoch: u64,
}

/// The longest period in seconds, a day. Networks have seconds; a larger number is one of another
/// unit or a slip, and would stop the chain after its first block without a word. With it the
/// arithmetic of timestamps and timers stays far from its ends.
pub const PERIOD_MAX_SECS: u64 = 24 * 60 * 60;

impl Default for CliqueConfig {
    /// What EIP-225 proposes and Goerli had: a block in 15 s, a checkpoint in 30,000 blocks.
    fn default() -> Self {
        Self { period: 15, epoch: 30_000 }
    }
}

impl CliqueConfig {
    /// The same parameters but for what `change` sets.
    #[must_use]
    pub fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    /// Reads the section `clique`, by geth's names for its keys or by Besu's.
    ///
    /// # Errors
    /// A key that is not known; geth's and Besu's name for one thing with different values; a
    /// period of 0 or none, or over [`PERIOD_MAX_SECS`], and `createemptyblocks: false`, which ask for a transaction pool.
    pub fn read(section: &Section) -> Result<Self, GenesisError> {
        const PERIOD: [&str; 2] = ["period", "blockperiodseconds"];
        const EPOCH: [&str; 2] = ["epoch", "epochlength"];
        const EMPTY_BLOCKS: &str = "createemptyblocks";
        section.deny_unknown(&[&PERIOD[..], &EPOCH, &[EMPTY_BLOCKS]].concat())?;
        let period_key = if section.has(PERIOD[1]) { PERIOD[1] } else { PERIOD[0] };
        // Without it geth takes 0, and Besu 15.
        let period = either(section, PERIOD)?.ok_or_else(|| section.missing(PERIOD[0]))?;
        if period == 0 {
            return Err(section.refused(
                period_key,
                "is 0, which means to seal only when there are transactions, and there is no transaction \
                 pool here yet; give the seconds between blocks",
            ));
        }
        if period > PERIOD_MAX_SECS {
            return Err(section.refused(
                period_key,
                "is more than a day (86400), after which no network waits for a block; give the seconds \
                 between blocks",
            ));
        }
        if section.bool(EMPTY_BLOCKS)? == Some(false) {
            return Err(section.refused(
                EMPTY_BLOCKS,
                "is false, which means to seal only when there are transactions, and there is no \
                 transaction pool here yet; make it true, or remove it",
            ));
        }
        // Both clients take an epoch of 0, or none, for their default.
        let epoch = either(section, EPOCH)?.filter(|epoch| *epoch != 0);
        Ok(Self { period, epoch: epoch.unwrap_or(Self::default().epoch) })
    }
}

/// A number under geth's name or Besu's.
fn either(section: &Section, [geth, besu]: [&'static str; 2]) -> Result<Option<u64>, GenesisError> {
    match (section.u64(geth)?, section.u64(besu)?) {
        (Some(one), Some(other)) if one != other => Err(section.differs(besu, geth)),
        (one, other) => Ok(one.or(other)),
    }
}
