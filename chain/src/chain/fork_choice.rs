//! Which of two chains is followed.

use std::cmp::Ordering;

use super::Head;
use super::view::View;
use crate::engine::{Ancestry, Engine};
use crate::store::StoreError;

/// Whether `candidate` replaces `current` as head.
///
/// The larger total difficulty does. Where it is equal: after the Merge, when difficulty is 0, the
/// higher block, then the lower hash; with Clique the rules of EIP-3436, the lower block, then the
/// signer whose turn is longer ago, then the lower hash. Otherwise the first seen stays.
pub(super) fn prefers(
    engine: &Engine,
    view: &View<'_>,
    candidate: &Head,
    current: &Head,
) -> Result<bool, StoreError> {
    let lower_hash = || candidate.header.hash() < current.header.hash();
    match candidate.total_difficulty.cmp(&current.total_difficulty) {
        Ordering::Greater => return Ok(true),
        Ordering::Less => return Ok(false),
        Ordering::Equal => {}
    }
    let height = candidate.header.number.cmp(&current.header.number);
    if candidate.header.difficulty.is_zero() || current.header.difficulty.is_zero() {
        return Ok(match height {
            Ordering::Greater => true,
            Ordering::Less => false,
            Ordering::Equal => lower_hash(),
        });
    }
    match engine {
        Engine::Trusted(_) => Ok(false),
        Engine::Clique(clique) => {
            if height != Ordering::Equal {
                return Ok(height == Ordering::Less);
            }
            let view: &dyn Ancestry = view;
            let ours = clique.blocks_since_turn(&candidate.header, view)?;
            let theirs = clique.blocks_since_turn(&current.header, view)?;
            Ok(ours > theirs || (ours == theirs && lower_hash()))
        }
    }
}
