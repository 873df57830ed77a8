//! No seal check: for chain files of other engines, whose source is trusted.

use herald_proto::Header;

/// Most bytes of extra data where it is free text (the yellow paper's 32).
const FREE_EXTRA_DATA_MAX: usize = 32;

/// Takes every seal. All other rules hold.
#[derive(Clone, Copy, Debug)]
pub struct Trusted {
    extra_data_max: usize,
}

impl Trusted {
    pub(super) fn new(genesis: &Header) -> Self {
        // A genesis with more carries its engine's seal or signers there; then how much a block
        // may carry is that engine's rule, which is not checked here.
        let free = genesis.extra_data.len() <= FREE_EXTRA_DATA_MAX;
        Self { extra_data_max: if free { FREE_EXTRA_DATA_MAX } else { usize::MAX } }
    }

    /// Most bytes of extra data.
    #[must_use]
    pub fn extra_data_max(&self) -> usize {
        self.extra_data_max
    }
}
