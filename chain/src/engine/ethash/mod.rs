//! Ethereum's proof of work without the work, and its change to proof of stake.
//!
//! Difficulty, the DAO fork's extra data, uncles, the terminal total difficulty and rewards are
//! those of the chain's forks. The seal itself is not computed: neither that nonce and mix hash
//! solve Ethash, nor, after the Merge, that a beacon chain proposed the block.

mod difficulty;
mod fault;

use std::sync::Arc;

use alloy_primitives::U256;
use herald_proto::{Block, Header};

pub use self::difficulty::next_difficulty;
pub use self::fault::EthashFault;
use super::{Ancestry, Credit, Engine, EngineError, MergeFault, VerifyError, merge};
use crate::genesis::{BlockFork, ChainConfig, Genesis};
use crate::head::Head;

/// What blocks around the DAO fork carry as extra data where it is supported (EIP-779).
pub const DAO_EXTRA_DATA: &[u8] = b"dao-hard-fork";
/// How many blocks from the DAO fork's on carry it, so that light clients cannot mistake the sides.
const DAO_BLOCKS: u64 = 10;

/// 10^18, wei in an ether.
const ETHER: u64 = 1_000_000_000_000_000_000;
/// An uncle is worth this many parts of the reward less its distance from the block.
const UNCLE_PARTS: u64 = 8;
/// A block has this part of the reward more for each uncle that it names.
const NEPHEW_PART: u64 = 32;

/// The rules of a chain with proof of work, proof of stake, or the one and then the other.
#[derive(Clone, Debug)]
pub struct Ethash {
    config: ChainConfig,
}

impl Ethash {
    /// The rules of a chain with these forks.
    #[must_use]
    pub fn new(config: ChainConfig) -> Self {
        Self { config }
    }

    /// What the maker of block `number` is given, in wei, before the Merge (EIP-649, EIP-1234).
    #[must_use]
    pub fn block_reward(&self, number: u64) -> U256 {
        let ether = if has_come(&self.config, BlockFork::Constantinople, number) {
            2
        } else if has_come(&self.config, BlockFork::Byzantium, number) {
            3
        } else {
            5
        };
        U256::from(ether) * U256::from(ETHER)
    }

    /// Whether a child of `parent` is a block of proof of stake (EIP-3675): the parent has reached
    /// the terminal total difficulty.
    fn is_merged(&self, parent: &Head) -> bool {
        self.config.terminal_total_difficulty().is_some_and(|terminal| parent.total_difficulty >= terminal)
    }

    fn check_work(&self, header: &Header, parent: &Head) -> Result<(), VerifyError> {
        if let Some(needed) = self.config.terminal_total_difficulty()
            && header.difficulty.is_zero()
        {
            return Err(MergeFault::TooEarly { parent: parent.total_difficulty, needed }.into());
        }
        let expected = next_difficulty(&self.config, &parent.header, header.timestamp);
        if header.difficulty != expected {
            return Err(EthashFault::Difficulty { found: header.difficulty, expected }.into());
        }
        Ok(self.check_dao(header)?)
    }

    /// In the ten blocks from the DAO fork on, those who support it say so in the extra data, and
    /// those who do not must not.
    fn check_dao(&self, header: &Header) -> Result<(), EthashFault> {
        let Some(fork) = self.config.fork_block(BlockFork::Dao) else { return Ok(()) };
        if header.number.checked_sub(fork).is_none_or(|since| since >= DAO_BLOCKS) {
            return Ok(());
        }
        let says_so = header.extra_data.as_ref() == DAO_EXTRA_DATA;
        match (self.config.dao_fork_support(), says_so) {
            (true, false) => Err(EthashFault::DaoExtraDataMissing { number: header.number }),
            (false, true) => Err(EthashFault::DaoExtraDataPresent { number: header.number }),
            (true, true) | (false, false) => Ok(()),
        }
    }
}

/// Whether block `number` is under the rules of `fork`.
fn has_come(config: &ChainConfig, fork: BlockFork, number: u64) -> bool {
    config.fork_block(fork).is_some_and(|block| block <= number)
}

pub(super) fn open(genesis: &Genesis) -> Result<Arc<dyn Engine>, EngineError> {
    let config = genesis.config().ok_or(EngineError::NoConfig { engine: NAME })?;
    if let Some(section) = genesis.section(NAME) {
        // geth's section is empty: the forks say it all.
        section.deny_unknown(&[])?;
    }
    Ok(Arc::new(Ethash::new(config.clone())))
}

/// The engine's name, and that of its section.
const NAME: &str = "ethash";

impl Engine for Ethash {
    fn name(&self) -> &'static str {
        NAME
    }

    fn unchecked(&self) -> Option<&'static str> {
        Some(
            "the proof of work, and after the Merge who proposes: blocks cost nothing to make, so take \
             them only from those you trust",
        )
    }

    fn verify_header(&self, header: &Header, parent: &Head, _: &dyn Ancestry) -> Result<(), VerifyError> {
        if self.is_merged(parent) {
            Ok(merge::check_merged(header)?)
        } else {
            self.check_work(header, parent)
        }
    }

    fn is_paris(&self, _: &Header, parent: &Head) -> bool {
        self.is_merged(parent)
    }

    fn credits(&self, block: &Block, parent: &Head) -> Vec<Credit> {
        if self.is_merged(parent) {
            return Vec::new();
        }
        let number = block.number();
        let reward = self.block_reward(number);
        let uncles = block.body.uncles();
        let share = |uncle: &Header| Credit {
            account: uncle.beneficiary,
            wei: reward * U256::from(UNCLE_PARTS.saturating_sub(number.saturating_sub(uncle.number)))
                / U256::from(UNCLE_PARTS),
        };
        let nephew = reward / U256::from(NEPHEW_PART) * U256::from(uncles.len());
        let own = Credit { account: block.header.beneficiary, wei: reward + nephew };
        uncles.iter().map(share).chain([own]).collect()
    }
}

#[cfg(test)]
mod tests;
