//! Roots of ordered tries. All of the workspace computes them here.
//!
//! The trie has the RLP of each index as key and the item's bytes as value: a transaction bare
//! (legacy list or typed envelope), a withdrawal in RLP.

use alloy_primitives::{B256, b256};
use alloy_trie::root::ordered_trie_root_encoded;

/// The root of a trie that holds nothing: the hash of the empty string's RLP.
pub const EMPTY_ROOT: B256 = b256!("56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421");

/// The hash of an empty list of uncles.
pub const EMPTY_UNCLES_HASH: B256 = b256!("1dcc4de8dec75d7aab85b567b6ccd41ad312451b948a7413f0a142fd40d49347");

/// The root of the trie of `items` in their order.
#[must_use]
pub fn ordered_root(items: &[&[u8]]) -> B256 {
    ordered_trie_root_encoded(items)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keccak::keccak256;

    #[test]
    fn constants_are_what_they_say() {
        assert_eq!(EMPTY_ROOT, keccak256(&[crate::rlp::EMPTY_STRING]));
        assert_eq!(EMPTY_ROOT, ordered_root(&[]));
        assert_eq!(EMPTY_UNCLES_HASH, keccak256(&[crate::rlp::EMPTY_LIST]));
    }
}
