//! A block as the chain's last one, or as the one that a header stands on.

use alloy_primitives::U256;
use herald_proto::Header;

/// A header and what its chain weighs up to it.
///
/// Closed on purpose: fork choice needs just this pair.
#[derive(Clone, Debug)]
pub struct Head {
    /// The block's header.
    pub header: Header,
    /// Its difficulty and that of all before it.
    pub total_difficulty: U256,
}
