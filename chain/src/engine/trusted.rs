//! No seal check: for chain files of other engines, whose source is trusted.

use std::sync::Arc;

use herald_proto::Header;

use super::{Ancestry, Engine, EngineError, FREE_EXTRA_DATA_MAX, VerifyError, merge};
use crate::genesis::Genesis;
use crate::head::Head;

/// Takes every seal and every difficulty. All rules that hold whatever the engine are checked.
#[derive(Clone, Copy, Debug)]
pub struct Trusted {
    extra_data_max: Option<usize>,
}

impl Trusted {
    /// The engine of the chain that begins with `genesis`.
    #[must_use]
    pub fn new(genesis: &Header) -> Self {
        // A genesis with more carries its engine's seal or signers there; then how much a block
        // may carry is that engine's rule, which is not checked here.
        let free = genesis.extra_data.len() <= FREE_EXTRA_DATA_MAX;
        Self { extra_data_max: free.then_some(FREE_EXTRA_DATA_MAX) }
    }
}

pub(super) fn open(genesis: &Genesis) -> Result<Arc<dyn Engine>, EngineError> {
    Ok(Arc::new(Trusted::new(genesis.header())))
}

impl Engine for Trusted {
    fn name(&self) -> &'static str {
        "trusted"
    }

    fn unchecked(&self) -> Option<&'static str> {
        Some(
            "any seal, who may seal, and difficulty: blocks cost nothing to make, so take them only from \
             those you trust",
        )
    }

    fn extra_data_max(&self) -> Option<usize> {
        self.extra_data_max
    }

    /// Difficulty is what the header says, but once it is 0 it stays 0.
    fn verify_header(&self, header: &Header, parent: &Head, _: &dyn Ancestry) -> Result<(), VerifyError> {
        // A genesis may say 0 without meaning the Merge.
        let merged = parent.header.difficulty.is_zero() && parent.header.number > 0;
        if merged || header.difficulty.is_zero() {
            merge::check_merged(header)?;
        }
        Ok(())
    }
}
