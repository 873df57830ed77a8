//! A tokio task that owns a [`Fetcher`], for hosts that do not want a loop of their own.
//!
//! The host gives a [`Chain`] and a [`Network`], and gets a [`Handle`] to report what happens:
//!
//! ```text
//!             Handle                          Driver's task
//!  network ──announce, push, replies──▶ bounded queue ──▶ Fetcher ──▶ Network (never blocks)
//!  sync    ──chain_advanced, sealed──▶                     ▲   │
//!                                                          │   └────▶ tasks: Chain::verify_header,
//!                                                          └─outcomes──────  import, import_header
//! ```
//!
//! - Verification and import run in tasks of their own, so that a slow import delays no announcement.
//! - The queue is bounded in calls and in bytes. What a peer may send again, or others have as well
//!   (announcements, pushed blocks), is refused with [`HandleError::Busy`] when it is full. What must
//!   not be lost (replies, peers that come and go, news of the chain) waits for room.
//! - Calls that have arrived are handed in before time passes, as the fetcher's contract asks; but
//!   never more than were there when the batch began, so that a flood cannot hold up deadlines.
//! - The task ends with [`Handle::shutdown`], or when the last [`Handle`] is dropped. Verifications
//!   and imports that are still running are aborted, and nothing is left behind.
//!
//! `examples/embed_driver.rs` shows it whole.

mod handle;
mod host;
mod jobs;
mod log;
mod queue;
mod task;

use core::fmt;
use core::marker::PhantomData;
use core::num::NonZeroU32;

use thiserror::Error;
use tokio::task::JoinHandle;

use crate::{Config, ConfigError, Fetcher, Types};

pub use handle::{Closed, Handle, HandleError};
pub use host::{Chain, Network, Observer};

use task::Task;

/// A running driver: the end of its task can be awaited here. Dropping it changes nothing; the task
/// lives as long as there are handles.
#[derive(Debug)]
pub struct Driver {
    task: JoinHandle<()>,
}

impl Driver {
    /// Starts a driver with the default [`QueueLimits`] and no observer.
    ///
    /// # Errors
    /// [`SpawnError`] where the configuration cannot work, or outside a tokio runtime.
    pub fn spawn<T, C, N>(config: Config, chain: C, network: N) -> Result<(Handle<T>, Self), SpawnError>
    where
        T: Types,
        C: Chain<T>,
        N: Network<T>,
    {
        Self::builder(config, chain, network).spawn()
    }

    /// For choosing more than the configuration of the fetcher.
    pub fn builder<T, C, N>(config: Config, chain: C, network: N) -> Builder<T, C, N, ()>
    where
        T: Types,
        C: Chain<T>,
        N: Network<T>,
    {
        Builder { config, limits: QueueLimits::default(), chain, network, observer: (), types: PhantomData }
    }

    /// Waits until the task has ended and all that it owned is dropped.
    ///
    /// Cancel-safe: it only waits.
    ///
    /// # Errors
    /// [`DriverPanicked`] where a call of the host (a [`Network`], a [`ChainView`] or an
    /// [`Observer`]) panicked in the task, or where the runtime was shut down below it.
    ///
    /// [`ChainView`]: crate::ChainView
    pub async fn stopped(self) -> Result<(), DriverPanicked> {
        self.task.await.map_err(|_| DriverPanicked)
    }
}

/// What a driver is made of. From [`Driver::builder`].
pub struct Builder<T, C, N, O> {
    config: Config,
    limits: QueueLimits,
    chain: C,
    network: N,
    observer: O,
    types: PhantomData<fn() -> T>,
}

impl<T, C, N, O> Builder<T, C, N, O>
where
    T: Types,
    C: Chain<T>,
    N: Network<T>,
    O: Observer<T>,
{
    /// Sets how much waits between the handles and the task.
    #[must_use]
    pub fn queue(self, limits: QueueLimits) -> Self {
        Self { limits, ..self }
    }

    /// Lets `observer` see each input and output.
    #[must_use]
    pub fn observer<P: Observer<T>>(self, observer: P) -> Builder<T, C, N, P> {
        let Self { config, limits, chain, network, observer: _, types } = self;
        Builder { config, limits, chain, network, observer, types }
    }

    /// Starts the task on the current tokio runtime. The fetcher's time begins now.
    ///
    /// # Errors
    /// [`SpawnError`] where the configuration cannot work, or outside a tokio runtime.
    pub fn spawn(self) -> Result<(Handle<T>, Driver), SpawnError> {
        let runtime = tokio::runtime::Handle::try_current().map_err(|_| SpawnError::NoRuntime)?;
        let core = Fetcher::new(self.config)?;
        let (handle, inlet) = Handle::pair(self.limits);
        // The clock belongs to the runtime, which may have paused it.
        let _entered = runtime.enter();
        let task = Task::new(core, self.chain, self.network, self.observer, inlet);
        Ok((handle, Driver { task: runtime.spawn(task.run()) }))
    }
}

impl<T, C, N, O> fmt::Debug for Builder<T, C, N, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("config", &self.config)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

/// How much may wait between the handles and the task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueueLimits {
    /// Calls. Default 1,024: a millisecond or two of the task's work. More hides overload for
    /// longer; fewer refuse short bursts.
    pub calls: NonZeroU32,
    /// Bytes of the blocks, headers, bodies and lists that the calls carry, as the host's types
    /// report them. Default 32 MiB: three blocks of the largest frame (10 MiB). It comes on top of
    /// [`Fetcher::memory_bound`]. A single call that is larger waits until it is alone.
    pub bytes: NonZeroU32,
}

impl Default for QueueLimits {
    fn default() -> Self {
        const CALLS: NonZeroU32 = NonZeroU32::new(1_024).expect("not zero");
        const BYTES: NonZeroU32 = NonZeroU32::new(32 << 20).expect("not zero");
        Self { calls: CALLS, bytes: BYTES }
    }
}

/// Why a driver was not started.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
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
