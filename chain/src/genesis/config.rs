//! The rules of a chain, as the `config` of geth's genesis has them.

use std::collections::BTreeMap;

use alloy_primitives::U256;

use super::error::{FieldProblem, GenesisError};
use super::forks::{BlockFork, Fork, TimeFork};
use super::keys::{self, BLOB_PARAMETERS, CONFIG, Client, Use};
use super::object::Object;
use super::section::Section;

/// Besu's other name for the fork Petersburg.
const CONSTANTINOPLE_FIX: &str = "constantinopleFixBlock";

/// The rules of a chain, without its consensus engine's.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ChainConfig {
    /// What transactions are signed for (EIP-155); 0 where the genesis does not say.
    pub chain_id: u64,
    block_forks: BTreeMap<BlockFork, u64>,
    time_forks: BTreeMap<TimeFork, u64>,
    fork_blocks: Vec<u64>,
    fork_times: Vec<u64>,
    dao_fork_support: bool,
    terminal_total_difficulty: Option<U256>,
    blob_schedule: BTreeMap<TimeFork, BlobParameters>,
}

/// How many blobs a block has from some fork on (EIP-7840).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BlobParameters {
    /// Blobs in a block at which their price stays.
    pub target: u64,
    /// Blobs in a block at most.
    pub max: u64,
    /// The larger, the slower their price moves.
    pub base_fee_update_fraction: u64,
}

impl ChainConfig {
    /// Whether a block of that number and time is under the rules of `fork`.
    #[must_use]
    pub fn is_active(&self, fork: Fork, number: u64, timestamp: u64) -> bool {
        let by_time = |fork| self.fork_time(fork).is_some_and(|time| time <= timestamp);
        let london = self.fork_block(BlockFork::London).is_some_and(|block| block <= number);
        let shanghai = london && by_time(TimeFork::Shanghai);
        let cancun = shanghai && by_time(TimeFork::Cancun);
        match fork {
            Fork::London => london,
            Fork::Shanghai => shanghai,
            Fork::Cancun => cancun,
            Fork::Prague => cancun && by_time(TimeFork::Prague),
        }
    }

    /// The first block under the rules of `fork`; `None` when it never comes. Besu's files leave
    /// out forks that a later one brings with it: then it is the later one's block.
    #[must_use]
    pub fn fork_block(&self, fork: BlockFork) -> Option<u64> {
        let given = self.block_forks.get(&fork).copied();
        if given.is_some() || !fork.comes_with_later() {
            return given;
        }
        let later = self.block_forks.range(fork..).filter(|(later, _)| later.comes_with_later());
        later.map(|(_, block)| *block).min()
    }

    /// The time of `fork` in seconds since 1970; `None` when it never comes. Besu's files leave out
    /// Shanghai where Cancun comes first: then it is Cancun's time.
    #[must_use]
    pub fn fork_time(&self, fork: TimeFork) -> Option<u64> {
        let implied = if fork == TimeFork::Shanghai { self.time_forks.get(&TimeFork::Cancun) } else { None };
        self.time_forks.get(&fork).or(implied).copied()
    }

    /// Whether the chain took the DAO's refund at [`BlockFork::Dao`]. As in geth it did not where
    /// the genesis does not say; Besu knows only chains that did.
    #[must_use]
    pub fn dao_fork_support(&self) -> bool {
        self.dao_fork_support
    }

    /// The total difficulty at which blocks are no longer mined or sealed (EIP-3675); `None` on a
    /// chain that does not merge.
    #[must_use]
    pub fn terminal_total_difficulty(&self) -> Option<U256> {
        self.terminal_total_difficulty
    }

    /// The number of blobs from `fork` on, where the genesis gives it.
    #[must_use]
    pub fn blob_parameters(&self, fork: TimeFork) -> Option<BlobParameters> {
        self.blob_schedule.get(&fork).copied()
    }

    /// Block numbers at which rules change, ascending and each once: for the fork id (EIP-2124).
    #[must_use]
    pub fn block_forks(&self) -> &[u64] {
        &self.fork_blocks
    }

    /// Timestamps at which rules change, ascending and each once: for the fork id (EIP-6122).
    #[must_use]
    pub fn time_forks(&self) -> &[u64] {
        &self.fork_times
    }

    /// Reads `config`. Its keys are checked.
    pub(super) fn read(config: &Object<'_>) -> Result<Self, GenesisError> {
        let mut block_forks = BTreeMap::new();
        for fork in BlockFork::all() {
            block_forks.extend(config.u64(fork.key())?.map(|block| (*fork, block)));
        }
        if let Some(block) = config.u64(CONSTANTINOPLE_FIX)?
            && block_forks.insert(BlockFork::Petersburg, block).is_some_and(|other| other != block)
        {
            let other = BlockFork::Petersburg.key();
            return Err(config.error(CONSTANTINOPLE_FIX, FieldProblem::Differs { other }));
        }
        let mut time_forks = BTreeMap::new();
        for fork in TimeFork::all() {
            time_forks.extend(config.u64(fork.key())?.map(|time| (*fork, time)));
        }
        check_order(config, &block_forks, &time_forks)?;
        Ok(Self {
            chain_id: config.u64("chainId")?.unwrap_or_default(),
            fork_blocks: sorted(block_forks.values()),
            fork_times: sorted(time_forks.values()),
            block_forks,
            time_forks,
            dao_fork_support: config.bool("daoForkSupport")?.unwrap_or_default(),
            terminal_total_difficulty: config.u256("terminalTotalDifficulty")?,
            blob_schedule: match config.object("blobSchedule")? {
                Some(schedule) => read_blob_schedule(&schedule)?,
                None => BTreeMap::new(),
            },
        })
    }
}

/// Checks the keys of `config`, and takes the sections of engines out of it: every object that is
/// none of the known ones.
pub(super) fn sections(config: &Object<'_>) -> Result<Vec<Section>, GenesisError> {
    let mut sections = Vec::new();
    let mut unknown = Ok(());
    let mut other_client = None;
    for (name, value) in config.iter() {
        match keys::find(CONFIG, name) {
            Some(Use::OtherHash(engine)) => {
                let section = format!("{}.{name}", config.path());
                return Err(GenesisError::OtherHash { section, engine });
            }
            // Not even `null` counts as absent: the chain would be followed without its engine.
            Some(Use::Engine(_, client)) => {
                let section = Section::new(name, value.object()?);
                other_client = other_client.or(match client {
                    Client::Known => None,
                    Client::Other => section.other_engine(),
                });
                sections.push(section);
            }
            None if value.is_object() => match keys::closest(name, keys::names(CONFIG)) {
                // Passing it over would leave a chain without its engine, so it is no lenient matter.
                Some(meant) => {
                    let problem = FieldProblem::Unknown { meant: Some(meant.to_owned()) };
                    unknown = unknown.and_then(|()| Err(config.error(name, problem)));
                }
                None => sections.push(Section::new(name, value.object()?)),
            },
            Some(Use::Read | Use::PassedOver(_) | Use::Refused { .. } | Use::Means(_)) | None => {
                unknown = unknown.and_then(|()| config.check_key(CONFIG, name, &value));
            }
        }
    }
    match (unknown, other_client) {
        (Ok(()), _) => Ok(sections),
        // A key of that engine's client, most likely.
        (Err(GenesisError::Field { problem: FieldProblem::Unknown { .. }, .. }), Some(other)) => Err(other),
        (Err(error), _) => Err(error),
    }
}

/// Forks by time build on those before. Out of order, geth would silently leave the later one out;
/// with a gap after Shanghai, a genesis has one hash by geth and another by Besu.
fn check_order(
    config: &Object<'_>,
    block_forks: &BTreeMap<BlockFork, u64>,
    time_forks: &BTreeMap<TimeFork, u64>,
) -> Result<(), GenesisError> {
    let mut earlier: Option<(TimeFork, u64)> = None;
    for (fork, time) in time_forks {
        let needs = |needed| Err(config.error(fork.key(), FieldProblem::ForkNeeds { needed }));
        if !block_forks.contains_key(&BlockFork::London) {
            return needs(BlockFork::London.key());
        }
        if fork.changes_trie_only() {
            continue;
        }
        for needed in [TimeFork::Cancun, TimeFork::Prague] {
            if *fork > needed && !time_forks.contains_key(&needed) {
                return needs(needed.key());
            }
        }
        match earlier {
            Some((needed, reached)) if *time < reached => {
                let needed = needed.key();
                return Err(config.error(fork.key(), FieldProblem::ForkTooEarly { needed }));
            }
            Some(_) | None => earlier = Some((*fork, *time)),
        }
    }
    Ok(())
}

fn sorted<'a>(forks: impl Iterator<Item = &'a u64>) -> Vec<u64> {
    // The DAO fork's block counts for chains that refused it as well, as in geth.
    let mut forks: Vec<u64> = forks.copied().collect();
    forks.sort_unstable();
    forks.dedup();
    forks
}

fn read_blob_schedule(schedule: &Object<'_>) -> Result<BTreeMap<TimeFork, BlobParameters>, GenesisError> {
    let forks = || TimeFork::all().iter().filter_map(|fork| Some((*fork, fork.blob_schedule_key()?)));
    let known: Vec<&str> = forks().map(|(_, name)| name).collect();
    schedule.deny_unknown(&known)?;
    let mut parameters = BTreeMap::new();
    for (fork, name) in forks() {
        // `null` is no entry, and says nothing either that a client could go by.
        let Some(entry) = schedule.present(name) else { continue };
        parameters.insert(fork, read_blob_parameters(&entry.object()?)?);
    }
    Ok(parameters)
}

fn read_blob_parameters(entry: &Object<'_>) -> Result<BlobParameters, GenesisError> {
    entry.check_keys(BLOB_PARAMETERS)?;
    let parameters = BlobParameters {
        target: entry.required("target")?.u64()?,
        max: above_zero(entry, "max")?,
        base_fee_update_fraction: above_zero(entry, "baseFeeUpdateFraction")?,
    };
    if parameters.target > parameters.max {
        let (found, limit) = (parameters.target, parameters.max);
        return Err(entry.error("target", FieldProblem::OverOther { found, limit, other: "max" }));
    }
    Ok(parameters)
}

fn above_zero(entry: &Object<'_>, name: &str) -> Result<u64, GenesisError> {
    match entry.required(name)?.u64()? {
        0 => Err(entry.error(name, FieldProblem::Zero)),
        number => Ok(number),
    }
}
