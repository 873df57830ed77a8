//! What a genesis may not ask of a Clique chain, checked when the chain is opened: otherwise it
//! would start, and every block would be refused.

use crate::genesis::{BlockFork, GAS_LIMITS, Genesis, GenesisError, TimeFork};

use super::CliqueConfig;

/// Checks that blocks can follow `genesis` under Clique. Its signers are read, and so checked, by
/// [`Clique::new`](super::Clique::new); geth lists them in any order, and so may a genesis here.
///
/// # Errors
/// The field with which no block can follow.
pub(super) fn check_genesis(genesis: &Genesis, clique: &CliqueConfig) -> Result<(), GenesisError> {
    let header = genesis.header();
    let refused = |field: &str, why| Err(GenesisError::refused(field, why));
    if header.timestamp.checked_add(clique.period).is_none() {
        return refused("timestamp", "is so late that no block could follow; give an earlier one");
    }
    let Some(rules) = genesis.config() else { return Ok(()) };
    let london_is_next = rules.fork_block(BlockFork::London) == Some(1);
    let limit = if london_is_next { header.gas_limit.saturating_mul(2) } else { header.gas_limit };
    if !GAS_LIMITS.contains(&limit) {
        return refused(
            "gasLimit",
            "is out of bounds, so that no block could follow; give one from 5000 to 2^63 - 1",
        );
    }
    let ttd = rules.terminal_total_difficulty();
    if ttd.is_some_and(|ttd| ttd <= header.difficulty) {
        return refused(
            "config.terminalTotalDifficulty",
            "is reached by block 0, so that no block is sealed by Clique; make it larger, or follow the \
             chain with --engine trusted",
        );
    }
    match rules.fork_time(TimeFork::Shanghai) {
        Some(time) if time <= header.timestamp => refused(
            "config.shanghaiTime",
            "is reached at genesis, and Clique ends before Shanghai, as in geth; remove it and all forks \
             after it",
        ),
        // With a terminal difficulty the chain is to leave Clique before.
        Some(_) if ttd.is_none() => refused(
            "config.shanghaiTime",
            "is set, and Clique ends before Shanghai, as in geth: from then on every block would be \
             refused; remove it and all forks after it",
        ),
        Some(_) | None => Ok(()),
    }
}
