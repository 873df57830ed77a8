//! The rules of a chain, as the `config` of geth's genesis has them.

use super::error::{FieldProblem, GenesisError};
use super::fields::Fields;

/// Forks that change what a header must have. geth's other forks change execution only; they
/// count for the fork id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fork {
    /// Base fee, and a gas limit that doubles (EIP-1559).
    London,
    /// Withdrawals (EIP-4895).
    Shanghai,
    /// Blob gas and the beacon root (EIP-4844, EIP-4788).
    Cancun,
    /// Requests (EIP-7685).
    Prague,
}

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

/// The rules of a chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChainConfig {
    /// What transactions are signed for (EIP-155).
    pub chain_id: u64,
    /// Parameters of Clique, when it is the chain's engine.
    pub clique: Option<CliqueConfig>,
    london: Option<u64>,
    shanghai: Option<u64>,
    cancun: Option<u64>,
    prague: Option<u64>,
    block_forks: Vec<u64>,
    time_forks: Vec<u64>,
}

/// geth's forks that are set by block number, in the order of their time.
const BLOCK_FORKS: [&str; 15] = [
    "homesteadBlock",
    "daoForkBlock",
    "eip150Block",
    "eip155Block",
    "eip158Block",
    "byzantiumBlock",
    "constantinopleBlock",
    "petersburgBlock",
    "istanbulBlock",
    "muirGlacierBlock",
    "berlinBlock",
    "londonBlock",
    "arrowGlacierBlock",
    "grayGlacierBlock",
    "mergeNetsplitBlock",
];

/// geth's forks that are set by timestamp.
const TIME_FORKS: [&str; 11] = [
    "shanghaiTime",
    "cancunTime",
    "pragueTime",
    "osakaTime",
    "bpo1Time",
    "bpo2Time",
    "bpo3Time",
    "bpo4Time",
    "bpo5Time",
    "amsterdamTime",
    "verkleTime",
];

impl ChainConfig {
    /// The rules of a chain that has every fork up to London from its first block, and none
    /// after it.
    #[must_use]
    pub fn london(chain_id: u64, clique: Option<CliqueConfig>) -> Self {
        Self {
            chain_id,
            clique,
            london: Some(0),
            shanghai: None,
            cancun: None,
            prague: None,
            block_forks: vec![0],
            time_forks: Vec::new(),
        }
    }

    /// Whether a block of that number and time is under the rules of `fork`.
    #[must_use]
    pub fn is_active(&self, fork: Fork, number: u64, timestamp: u64) -> bool {
        let by_time = |fork: Option<u64>| fork.is_some_and(|time| time <= timestamp);
        let london = self.london.is_some_and(|block| block <= number);
        let shanghai = london && by_time(self.shanghai);
        match fork {
            Fork::London => london,
            Fork::Shanghai => shanghai,
            Fork::Cancun => shanghai && by_time(self.cancun),
            Fork::Prague => shanghai && by_time(self.cancun) && by_time(self.prague),
        }
    }

    /// Block numbers at which rules change, ascending and each once: for the fork id (EIP-2124).
    #[must_use]
    pub fn block_forks(&self) -> &[u64] {
        &self.block_forks
    }

    /// Timestamps at which rules change, ascending and each once: for the fork id (EIP-6122).
    #[must_use]
    pub fn time_forks(&self) -> &[u64] {
        &self.time_forks
    }

    pub(super) fn read(fields: &Fields<'_>) -> Result<Self, GenesisError> {
        let [london, shanghai, cancun, prague] = [
            fields.u64("londonBlock")?,
            fields.u64("shanghaiTime")?,
            fields.u64("cancunTime")?,
            fields.u64("pragueTime")?,
        ];
        // Each builds on the one before; with a gap geth would silently leave the later one out.
        let order = [
            ("londonBlock", london, "shanghaiTime", shanghai),
            ("shanghaiTime", shanghai, "cancunTime", cancun),
            ("cancunTime", cancun, "pragueTime", prague),
        ];
        for (needed, earlier, name, later) in order {
            if later.is_some() && earlier.is_none() {
                return Err(fields.error(name, FieldProblem::ForkNeeds { needed }));
            }
        }
        Ok(Self {
            chain_id: fields.u64("chainId")?.unwrap_or_default(),
            clique: fields.object("clique")?.map(|clique| read_clique(&clique)).transpose()?,
            london,
            shanghai,
            cancun,
            prague,
            block_forks: gather(fields, &BLOCK_FORKS)?,
            time_forks: gather(fields, &TIME_FORKS)?,
        })
    }
}

fn read_clique(fields: &Fields<'_>) -> Result<CliqueConfig, GenesisError> {
    let period = fields.u64("period")?.unwrap_or_default();
    // geth takes an epoch of 0, or none, for its default.
    let epoch = match fields.u64("epoch")? {
        None | Some(0) => CliqueConfig::default().epoch,
        Some(epoch) => epoch,
    };
    Ok(CliqueConfig { period, epoch })
}

fn gather(fields: &Fields<'_>, names: &[&str]) -> Result<Vec<u64>, GenesisError> {
    let mut forks = Vec::new();
    for name in names {
        // The DAO fork block counts for chains that refused it as well, as in geth.
        forks.extend(fields.u64(name)?);
    }
    forks.sort_unstable();
    forks.dedup();
    Ok(forks)
}
