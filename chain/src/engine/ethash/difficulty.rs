//! How hard the next block is: a pure function of its parent, its time and the chain's forks.

use alloy_primitives::U256;
use herald_proto::HeaderFields;
use herald_proto::roots::EMPTY_UNCLES_HASH;

use super::has_come;
use crate::genesis::{BlockFork, ChainConfig};

/// The least difficulty (yellow paper, 4.4.4).
const DIFFICULTY_MIN: u64 = 131_072;
/// One step of adjustment is this part of the parent's difficulty.
const STEP_PART: u64 = 2048;
/// Most steps down at once (EIP-2).
const STEPS_DOWN_MAX: u64 = 99;
/// Under Frontier a block sooner than this many seconds after its parent is harder.
const FRONTIER_SECONDS: u64 = 13;
/// Seconds that cost a step from Homestead on (EIP-2).
const HOMESTEAD_SECONDS: u64 = 10;
/// Seconds that cost a step from Byzantium on (EIP-100).
const BYZANTIUM_SECONDS: u64 = 9;
/// The bomb doubles once in so many blocks.
const BOMB_PERIOD: u64 = 100_000;

/// By how many blocks each fork has put the bomb off, the latest first.
const BOMB_DELAYS: [(BlockFork, u64); 6] = [
    (BlockFork::GrayGlacier, 11_400_000),   // EIP-5133
    (BlockFork::ArrowGlacier, 10_700_000),  // EIP-4345
    (BlockFork::London, 9_700_000),         // EIP-3554
    (BlockFork::MuirGlacier, 9_000_000),    // EIP-2384
    (BlockFork::Constantinople, 5_000_000), // EIP-1234
    (BlockFork::Byzantium, 3_000_000),      // EIP-649
];

/// The difficulty of `parent`'s child at `timestamp`.
#[must_use]
pub fn next_difficulty(config: &ChainConfig, parent: &HeaderFields, timestamp: u64) -> U256 {
    let number = parent.number.saturating_add(1);
    let delay = BOMB_DELAYS.iter().find(|(fork, _)| has_come(config, *fork, number));
    let since = timestamp.saturating_sub(parent.timestamp);
    let steps = match delay {
        // Uncles count as blocks, so that naming them does not speed the chain up.
        Some(_) if parent.uncles_hash == EMPTY_UNCLES_HASH => Steps::less(1, since / BYZANTIUM_SECONDS),
        Some(_) => Steps::less(2, since / BYZANTIUM_SECONDS),
        None if has_come(config, BlockFork::Homestead, number) => Steps::less(1, since / HOMESTEAD_SECONDS),
        None if since < FRONTIER_SECONDS => Steps::Up(1),
        None => Steps::Down(1),
    };
    // The EIPs put the floor under the sum of all; clients, geth first, put it under what is
    // adjusted and add the bomb to that. Only a chain at the floor can tell, and it follows clients.
    let adjusted = steps.apply(parent.difficulty).max(U256::from(DIFFICULTY_MIN));
    adjusted.saturating_add(bomb(number.saturating_sub(delay.map_or(0, |(_, delay)| *delay))))
}

/// How far difficulty moves.
#[derive(Clone, Copy, Debug)]
enum Steps {
    Up(u64),
    Down(u64),
}

impl Steps {
    /// `up - down`, but at least -99.
    fn less(up: u64, down: u64) -> Self {
        match up.checked_sub(down) {
            Some(up) => Self::Up(up),
            None => Self::Down(down.saturating_sub(up).min(STEPS_DOWN_MAX)),
        }
    }

    fn apply(self, difficulty: U256) -> U256 {
        let step = difficulty / U256::from(STEP_PART);
        // No more than 99 steps of a 2048th, so neither product overflows.
        match self {
            Self::Up(steps) => difficulty.saturating_add(step * U256::from(steps)),
            Self::Down(steps) => difficulty.saturating_sub(step * U256::from(steps)),
        }
    }
}

/// What the bomb adds at a block number from which its delay is taken off. Nothing in its first two
/// periods, then 1, then twice as much in each.
fn bomb(number: u64) -> U256 {
    match (number / BOMB_PERIOD).checked_sub(2) {
        // Beyond 255 periods no header could carry it.
        Some(doublings) => {
            U256::ONE.checked_shl(usize::try_from(doublings).unwrap_or(usize::MAX)).unwrap_or(U256::MAX)
        }
        None => U256::ZERO,
    }
}
