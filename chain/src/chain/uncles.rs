//! The rules for uncles: good headers that lost, named by a block for a share of the reward.

use alloy_primitives::B256;
use alloy_primitives::map::B256Set;
use herald_proto::{Block, Header};

use super::error::{BlockError, Rule, UncleFault};
use super::rules;
use super::view::View;

/// Most uncles of one block.
const UNCLES_MAX: usize = 2;
/// How far back an uncle's parent may lie, in generations.
const GENERATIONS: usize = 7;

/// Checks `block`'s uncles against its last ancestors.
pub(super) fn check(block: &Block, view: &View<'_>) -> Result<(), BlockError> {
    let uncles = block.body.uncles();
    if uncles.is_empty() {
        return Ok(());
    }
    if uncles.len() > UNCLES_MAX {
        return Err(Rule::UncleCount { found: uncles.len() }.into());
    }
    let (ancestors, mut named) = look_back(block, view)?;
    for uncle in uncles {
        let hash = uncle.hash();
        let fault = |what| Err(Rule::Uncle { uncle: hash, what }.into());
        if !named.insert(hash) {
            return fault(UncleFault::Duplicate);
        }
        if hash == block.hash() || ancestors.iter().any(|ancestor| ancestor.hash() == hash) {
            return fault(UncleFault::Ancestor);
        }
        let parent = ancestors.iter().find(|ancestor| ancestor.hash() == uncle.parent_hash);
        let Some(parent) = parent.filter(|parent| parent.hash() != block.header.parent_hash) else {
            return fault(UncleFault::Dangling);
        };
        let chain = view.chain();
        rules::check_header(uncle, parent, chain.genesis.config(), &chain.engine)
            .map_err(|rule| Rule::UncleHeader { uncle: hash, rule: Box::new(rule) })?;
    }
    Ok(())
}

/// The last ancestors of `block`, and the uncles that they name.
fn look_back(block: &Block, view: &View<'_>) -> Result<(Vec<Header>, B256Set), BlockError> {
    let mut ancestors = Vec::with_capacity(GENERATIONS);
    let mut named = B256Set::default();
    let mut hash: B256 = block.header.parent_hash;
    for _ in 0..GENERATIONS {
        let Some(header) = view.header(&hash)? else { break };
        named.extend(view.uncles(&header)?);
        hash = header.parent_hash;
        ancestors.push(header);
    }
    Ok((ancestors, named))
}
