//! Keccak-256, the hash of everything here.

use alloy_primitives::B256;
use sha3::{Digest, Keccak256};

/// The Keccak-256 hash of `bytes`.
#[must_use]
pub fn keccak256(bytes: &[u8]) -> B256 {
    B256::new(Keccak256::digest(bytes).into())
}
