//! Why an engine does not accept or seal a block.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use thiserror::Error;

use crate::store::StoreError;

/// An engine's own type for the rules that a header can break. Any engine has one, and turns it
/// into an [`EngineFault`] with `?` or `into`.
pub trait Fault: Error + Send + Sync + 'static {
    /// A short name of the rule, for logs and metrics. It must come from a fixed list.
    fn label(&self) -> &'static str;
}

/// A rule of an engine that a header or block breaks. Two are equal when they say the same.
#[derive(Clone)]
pub struct EngineFault {
    label: &'static str,
    error: Arc<dyn Error + Send + Sync>,
}

/// Why a header is not accepted. Closed on purpose: either its maker is to blame, or nobody.
#[derive(Clone, Debug, Error)]
pub enum VerifyError {
    /// The header breaks a rule, and always will.
    #[error(transparent)]
    Fault(EngineFault),
    /// The node cannot tell.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why an engine does not seal a block.
#[derive(Clone, Debug, Error)]
#[non_exhaustive]
pub enum SealError {
    /// The engine checks blocks that others make, and makes none.
    #[error("the engine seals no blocks")]
    NotSealable,
    /// The block would break a rule.
    #[error(transparent)]
    Fault(EngineFault),
    /// The node cannot tell.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl EngineFault {
    /// The rule's short name, for logs and metrics.
    #[must_use]
    pub fn label(&self) -> &'static str {
        self.label
    }

    /// The engine's own error, when it is a `T`: for tests, and for hosts that know their engine.
    #[must_use]
    pub fn downcast_ref<T: Fault>(&self) -> Option<&T> {
        self.error.downcast_ref()
    }
}

impl<F: Fault> From<F> for EngineFault {
    fn from(fault: F) -> Self {
        Self { label: fault.label(), error: Arc::new(fault) }
    }
}

impl<F: Fault> From<F> for VerifyError {
    fn from(fault: F) -> Self {
        Self::Fault(fault.into())
    }
}

impl<F: Fault> From<F> for SealError {
    fn from(fault: F) -> Self {
        Self::Fault(fault.into())
    }
}

impl From<EngineFault> for VerifyError {
    fn from(fault: EngineFault) -> Self {
        Self::Fault(fault)
    }
}

impl From<EngineFault> for SealError {
    fn from(fault: EngineFault) -> Self {
        Self::Fault(fault)
    }
}

impl fmt::Display for EngineFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl fmt::Debug for EngineFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("EngineFault").field(&self.label).field(&self.error).finish()
    }
}

impl PartialEq for EngineFault {
    fn eq(&self, other: &Self) -> bool {
        self.label == other.label && self.to_string() == other.to_string()
    }
}

impl Eq for EngineFault {}

impl Error for EngineFault {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.error.source()
    }
}
