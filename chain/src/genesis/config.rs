//! The rules of a chain, as the `config` of geth's genesis has them.

use std::collections::BTreeMap;

use alloy_primitives::U256;

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

/// Forks that are set by block number, in the order of their time.
///
/// Closed on purpose: since the Merge forks are set by timestamp, so there will be no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum BlockFork {
    /// EIP-606: contract creation, and difficulty by the time since the parent.
    Homestead,
    /// EIP-779: the state change that followed The DAO.
    Dao,
    /// EIP-608: gas costs.
    Eip150,
    /// EIP-155: signatures for one chain.
    Eip155,
    /// EIP-607: state clearing.
    Eip158,
    /// EIP-609: a reward of 3 ether, uncles count for difficulty.
    Byzantium,
    /// EIP-1013: a reward of 2 ether.
    Constantinople,
    /// EIP-1716: Constantinople without EIP-1283.
    Petersburg,
    /// EIP-1679.
    Istanbul,
    /// EIP-2387: puts the difficulty bomb off.
    MuirGlacier,
    /// EIP-2070.
    Berlin,
    /// EIP-1559.
    London,
    /// EIP-4345: puts the difficulty bomb off.
    ArrowGlacier,
    /// EIP-5133: puts the difficulty bomb off.
    GrayGlacier,
    /// EIP-3675: parts networks after the Merge, and changes no rule.
    MergeNetsplit,
}

/// Forks that are set by timestamp and change how many blobs a block has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum TimeFork {
    /// EIP-7569: blobs.
    Cancun,
    /// EIP-7600: more of them.
    Prague,
    /// EIP-7607: their price has a floor.
    Osaka,
}

/// How many blobs a block has from some fork on (EIP-7840).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BlobParameters {
    /// Blobs in a block at which their price stays.
    pub target: u64,
    /// Blobs in a block at most.
    pub max: u64,
}

/// The rules of a chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChainConfig {
    /// What transactions are signed for (EIP-155).
    pub chain_id: u64,
    block_numbers: BTreeMap<BlockFork, u64>,
    terminal_total_difficulty: Option<U256>,
    dao_fork_support: bool,
    shanghai: Option<u64>,
    cancun: Option<u64>,
    prague: Option<u64>,
    blob_times: BTreeMap<TimeFork, u64>,
    blob_schedule: BTreeMap<TimeFork, BlobParameters>,
    block_forks: Vec<u64>,
    time_forks: Vec<u64>,
}

/// geth's names of the forks that are set by block number.
const BLOCK_FORKS: [(BlockFork, &str); 15] = [
    (BlockFork::Homestead, "homesteadBlock"),
    (BlockFork::Dao, "daoForkBlock"),
    (BlockFork::Eip150, "eip150Block"),
    (BlockFork::Eip155, "eip155Block"),
    (BlockFork::Eip158, "eip158Block"),
    (BlockFork::Byzantium, "byzantiumBlock"),
    (BlockFork::Constantinople, "constantinopleBlock"),
    (BlockFork::Petersburg, "petersburgBlock"),
    (BlockFork::Istanbul, "istanbulBlock"),
    (BlockFork::MuirGlacier, "muirGlacierBlock"),
    (BlockFork::Berlin, "berlinBlock"),
    (BlockFork::London, "londonBlock"),
    (BlockFork::ArrowGlacier, "arrowGlacierBlock"),
    (BlockFork::GrayGlacier, "grayGlacierBlock"),
    (BlockFork::MergeNetsplit, "mergeNetsplitBlock"),
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
    /// Whether a block of that number and time is under the rules of `fork`.
    #[must_use]
    pub fn is_active(&self, fork: Fork, number: u64, timestamp: u64) -> bool {
        let by_time = |fork: Option<u64>| fork.is_some_and(|time| time <= timestamp);
        let london = self.fork_block(BlockFork::London).is_some_and(|block| block <= number);
        let shanghai = london && by_time(self.shanghai);
        match fork {
            Fork::London => london,
            Fork::Shanghai => shanghai,
            Fork::Cancun => shanghai && by_time(self.cancun),
            Fork::Prague => shanghai && by_time(self.cancun) && by_time(self.prague),
        }
    }

    /// The first block under the rules of `fork`; `None` when it never comes.
    #[must_use]
    pub fn fork_block(&self, fork: BlockFork) -> Option<u64> {
        self.block_numbers.get(&fork).copied()
    }

    /// The total difficulty after which blocks are proof of stake (EIP-3675); `None` when the Merge
    /// never comes.
    #[must_use]
    pub fn terminal_total_difficulty(&self) -> Option<U256> {
        self.terminal_total_difficulty
    }

    /// Whether the chain went along with the DAO fork (EIP-779), at the block of
    /// [`BlockFork::Dao`]. `false` where the genesis does not say, as in geth.
    #[must_use]
    pub fn dao_fork_support(&self) -> bool {
        self.dao_fork_support
    }

    /// The time of `fork` in seconds since 1970; `None` when it never comes.
    #[must_use]
    pub fn fork_time(&self, fork: TimeFork) -> Option<u64> {
        self.blob_times.get(&fork).copied()
    }

    /// The number of blobs from `fork` on, where the genesis gives it.
    #[must_use]
    pub fn blob_parameters(&self, fork: TimeFork) -> Option<BlobParameters> {
        self.blob_schedule.get(&fork).copied()
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
        let mut block_numbers = BTreeMap::new();
        for (fork, name) in BLOCK_FORKS {
            if let Some(number) = fields.u64(name)? {
                block_numbers.insert(fork, number);
            }
        }
        let [shanghai, cancun, prague] =
            [fields.u64("shanghaiTime")?, fields.u64("cancunTime")?, fields.u64("pragueTime")?];
        // Each builds on the one before; with a gap geth would silently leave the later one out.
        let london = block_numbers.get(&BlockFork::London).copied();
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
        // The DAO fork block counts for chains that refused it as well, as in geth.
        let block_forks = ascending(block_numbers.values().copied());
        let mut time_forks = Vec::new();
        for name in TIME_FORKS {
            time_forks.extend(fields.u64(name)?);
        }
        let mut blob_times = BTreeMap::new();
        for (fork, name, _) in BLOB_FORKS {
            blob_times.extend(fields.u64(name)?.map(|time| (fork, time)));
        }
        Ok(Self {
            chain_id: fields.u64("chainId")?.unwrap_or_default(),
            block_numbers,
            terminal_total_difficulty: fields
                .optional("terminalTotalDifficulty")
                .map(|field| field.u256())
                .transpose()?,
            dao_fork_support: fields
                .optional("daoForkSupport")
                .map(|field| field.bool())
                .transpose()?
                .unwrap_or_default(),
            shanghai,
            cancun,
            prague,
            blob_times,
            blob_schedule: read_blob_schedule(fields)?,
            block_forks,
            time_forks: ascending(time_forks),
        })
    }
}

/// geth's names of the forks that change how many blobs there are: the fork's, the schedule's.
const BLOB_FORKS: [(TimeFork, &str, &str); 3] = [
    (TimeFork::Cancun, "cancunTime", "cancun"),
    (TimeFork::Prague, "pragueTime", "prague"),
    (TimeFork::Osaka, "osakaTime", "osaka"),
];

fn read_blob_schedule(fields: &Fields<'_>) -> Result<BTreeMap<TimeFork, BlobParameters>, GenesisError> {
    let mut schedule = BTreeMap::new();
    let Some(given) = fields.object("blobSchedule")? else { return Ok(schedule) };
    for (fork, _, name) in BLOB_FORKS {
        if let Some(here) = given.object(name)? {
            let (target, max) = (here.required("target")?.u64()?, here.required("max")?.u64()?);
            schedule.insert(fork, BlobParameters { target, max });
        }
    }
    Ok(schedule)
}

fn ascending(forks: impl IntoIterator<Item = u64>) -> Vec<u64> {
    let mut forks: Vec<u64> = forks.into_iter().collect();
    forks.sort_unstable();
    forks.dedup();
    forks
}
