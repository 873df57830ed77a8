//! The rules for uncles: good headers that lost, named by a block for a share of the reward.

use alloy_primitives::B256;
use alloy_primitives::map::B256Set;
use herald_proto::{Block, Header};

use super::error::{BlockError, Rule, UncleFault};
use super::rules;
use super::view::View;
use crate::head::Head;

/// How far back an uncle's parent may lie, in generations.
const GENERATIONS: usize = 7;

/// Checks `block`'s uncles against its last ancestors.
pub(super) fn check(block: &Block, view: &View<'_>) -> Result<(), BlockError> {
    let uncles = block.body.uncles();
    if uncles.is_empty() {
        return Ok(());
    }
    let (found, max) = (uncles.len(), view.chain().engine.uncles_max());
    if found > max {
        return Err(Rule::UncleCount { found, max }.into());
    }
    let (ancestors, mut named) = look_back(block, view)?;
    for uncle in uncles {
        let hash = uncle.hash();
        let fault = |what| Err(Rule::Uncle { uncle: hash, what }.into());
        if !named.insert(hash) {
            return fault(UncleFault::Duplicate);
        }
        if hash == block.hash() || ancestors.iter().any(|ancestor| ancestor.header.hash() == hash) {
            return fault(UncleFault::Ancestor);
        }
        let parent = ancestors.iter().find(|ancestor| ancestor.header.hash() == uncle.parent_hash);
        let Some(parent) = parent.filter(|parent| parent.header.hash() != block.header.parent_hash) else {
            return fault(UncleFault::Dangling);
        };
        check_header(uncle, parent, view)?;
    }
    Ok(())
}

/// An uncle is checked as any header is, but for the clock: its block is not of the future.
fn check_header(uncle: &Header, parent: &Head, view: &View<'_>) -> Result<(), BlockError> {
    let chain = view.chain();
    let checked = rules::check_header(uncle, &parent.header, chain.genesis.config(), &*chain.engine)
        .map_err(BlockError::from)
        .and_then(|()| Ok(chain.engine.verify_header(uncle, parent, view)?));
    checked.map_err(|error| match error {
        BlockError::Broken(rule) => Rule::UncleHeader { uncle: uncle.hash(), rule }.into(),
        error @ (BlockError::UnknownParent { .. } | BlockError::Future { .. } | BlockError::Store(_)) => {
            error
        }
    })
}

/// The last ancestors of `block`, and the uncles that they name.
fn look_back(block: &Block, view: &View<'_>) -> Result<(Vec<Head>, B256Set), BlockError> {
    let mut ancestors = Vec::with_capacity(GENERATIONS);
    let mut named = B256Set::default();
    let mut hash: B256 = block.header.parent_hash;
    for _ in 0..GENERATIONS {
        let Some(ancestor) = view.located(&hash)? else { break };
        named.extend(view.uncles(&ancestor.header)?);
        hash = ancestor.header.parent_hash;
        ancestors.push(ancestor);
    }
    Ok((ancestors, named))
}
