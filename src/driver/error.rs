//! What can go wrong with a driver.

use thiserror::Error;

use crate::config::ConfigError;

/// Why an announcement or a block was not taken.
///
/// Closed on purpose: a caller goes on after the one and stops after the other.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum HandleError {
    /// The queue is full. The peer can send it again, and others have it too: drop it.
    #[error("the fetcher's queue is full; drop this, or try again later")]
    Busy,
    /// The driver has ended.
    #[error(transparent)]
    Closed(#[from] Closed),
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
