//! What can go wrong with a driver.

use thiserror::Error;

use crate::config::ConfigError;

/// Why a call was not taken.
///
/// Closed on purpose: a caller goes on after the one and stops after the other.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum HandleError {
    /// There is no capacity in the queue for what this peer sent, or for the host's own calls: their
    /// share is used up, and so is what is common.
    ///
    /// An announcement or a block can be dropped: the peer can send it again, and others have it too.
    /// Anything else must be handed in again.
    #[error("no capacity in the fetcher's queue; drop what a peer announced, and try again with the rest")]
    Busy,
    /// The driver has ended.
    #[error(transparent)]
    Closed(#[from] Closed),
}

/// A call that was not taken, and what it would have handed in.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("{error}")]
pub struct Refused<C> {
    /// Why.
    #[source]
    pub error: HandleError,
    /// Back in the caller's hands, unharmed.
    pub content: C,
}

impl<C> From<Refused<C>> for HandleError {
    fn from(refused: Refused<C>) -> Self {
        refused.error
    }
}

/// The driver has ended.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("the fetcher's driver has ended; start another, or drop this handle")]
pub struct Closed;

/// Why a driver was not started.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum SpawnError {
    /// The fetcher's configuration cannot work.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// There is no runtime to spawn on.
    #[error("not inside a tokio runtime; call it from async code, or enter the runtime first")]
    NoRuntime,
}

/// The driver's task did not end by itself: a call of the host panicked in it, or its runtime was
/// shut down.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("the driver's task was cut short: a host call panicked in it, or its runtime was shut down")]
pub struct DriverPanicked;
