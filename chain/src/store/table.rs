//! Keys, values and settings of the tables.

use alloy_primitives::{B256, U256};
use fjall::KeyspaceCreateOptions;
use fjall::config::{BloomConstructionPolicy, FilterPolicy, FilterPolicyEntry, PinningPolicy};

use super::StoreError;

/// Eight bytes of number, thirty-two of total difficulty.
pub(super) const INDEX_VALUE_LEN: usize = 8 + 32;

/// One miss in so many reads the disk although the filter could have told.
const INDEX_FALSE_POSITIVES: f32 = 0.0001;

/// Numbers first and big-endian, so that the order of keys is the order of the chain.
pub(super) fn block_key(number: u64, hash: &B256) -> [u8; 40] {
    join(number, hash.0)
}

pub(super) fn index_value(number: u64, total_difficulty: U256) -> [u8; INDEX_VALUE_LEN] {
    join(number, total_difficulty.to_be_bytes())
}

pub(super) fn read_index(value: &[u8]) -> Result<(u64, U256), StoreError> {
    let damaged = StoreError::Damaged { what: "the index of hashes" };
    let Some((number, difficulty)) = value.split_first_chunk::<8>() else { return Err(damaged) };
    let Ok(difficulty) = <[u8; 32]>::try_from(difficulty) else { return Err(damaged) };
    Ok((u64::from_be_bytes(*number), U256::from_be_bytes(difficulty)))
}

/// Looked up by hashes that mostly are not here (every announcement asks): the filters stay in
/// memory, about two and a half bytes for each block.
pub(super) fn index() -> KeyspaceCreateOptions {
    KeyspaceCreateOptions::default()
        .filter_policy(FilterPolicy::all(FilterPolicyEntry::Bloom(
            BloomConstructionPolicy::FalsePositiveRate(INDEX_FALSE_POSITIVES),
        )))
        .filter_block_pinning_policy(PinningPolicy::all(true))
}

/// Looked up only by keys that are here: filters on the last level would be for nothing.
pub(super) fn records() -> KeyspaceCreateOptions {
    KeyspaceCreateOptions::default().expect_point_read_hits(true)
}

/// Short values.
pub(super) fn small() -> KeyspaceCreateOptions {
    KeyspaceCreateOptions::default()
}

fn join(number: u64, rest: [u8; 32]) -> [u8; 40] {
    let mut joined = [0; 40];
    let (front, back) = joined.split_at_mut(8);
    front.copy_from_slice(&number.to_be_bytes());
    back.copy_from_slice(&rest);
    joined
}
