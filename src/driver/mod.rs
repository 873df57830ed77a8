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
//! - The queue is bounded in calls and in bytes, and each peer has a share of it. What a peer may send
//!   again, or others have as well (announcements, pushed blocks), is refused with
//!   [`HandleError::Busy`] when there is no capacity for that peer. What must not be lost (replies,
//!   peers that come and go, news of the chain) waits for capacity.
//! - Calls that have arrived are handed in before time passes, as the fetcher's contract asks, those
//!   that wait for capacity as well; but never more than were there when the batch began, so that a
//!   flood cannot hold up deadlines.
//! - A host without async code of its own uses the handle's `try_` calls.
//! - The task ends with [`Handle::shutdown`], or when the last [`Handle`] is dropped. Verifications
//!   and imports that are still running are aborted, and nothing is left behind.
//!
//! `examples/embed_driver.rs` shows it whole.

// Arrows between the files, all downwards:
//
//     mod ──▶ try_calls ──▶ handle ──▶ queue ──▶ share, call, error
//      │                      └──────▶ answer ──▶ error
//      └────▶ task ────▶ queue, call, jobs, log, host
//                        jobs ──▶ host
mod answer;
mod call;
mod error;
mod handle;
mod host;
mod jobs;
mod log;
mod queue;
mod share;
mod task;
mod try_calls;

use core::fmt;
use core::marker::PhantomData;

use tokio::task::JoinHandle;

use crate::{Config, Fetcher, Types};

pub use answer::{Answer, Filtered};
pub use error::{Closed, DriverPanicked, HandleError, Refused, SpawnError};
pub use handle::Handle;
pub use host::{Chain, Network, Observer};
pub use queue::QueueLimits;

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

    /// Whether the task has ended and all that it owned is dropped: for hosts that are not async.
    pub fn has_stopped(&self) -> bool {
        self.task.is_finished()
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
        let (sender, receiver) = queue::channel(self.limits, self.config.peers);
        let core = Fetcher::new(self.config)?;
        // The clock belongs to the runtime, which may have paused it.
        let _entered = runtime.enter();
        let task = Task::new(core, self.chain, self.network, self.observer, receiver);
        Ok((Handle::new(sender), Driver { task: runtime.spawn(task.run()) }))
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
