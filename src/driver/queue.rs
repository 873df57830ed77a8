//! The queue between the handles and the task, bounded in calls and in bytes.

use core::fmt;
use core::num::NonZeroU32;
use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, TryAcquireError, mpsc, oneshot, watch};

use crate::types::Types;

use super::call::Call;
use super::error::{Closed, HandleError};

/// How much may wait between the handles and the task. Set the fields of a default.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct QueueLimits {
    /// Calls. Default 1,024: a millisecond or two of the task's work. More hides overload for
    /// longer; fewer refuse short bursts.
    pub calls: NonZeroU32,
    /// Bytes of the blocks, headers, bodies and lists that the calls carry, as the host's types
    /// report them. Default 32 MiB: three blocks of the largest frame (10 MiB). It comes on top of
    /// [`Fetcher::memory_bound`](crate::Fetcher::memory_bound). A single call that is larger waits
    /// until it is alone.
    pub bytes: NonZeroU32,
}

impl Default for QueueLimits {
    fn default() -> Self {
        const CALLS: NonZeroU32 = NonZeroU32::new(1_024).expect("not zero");
        const BYTES: NonZeroU32 = NonZeroU32::new(32 << 20).expect("not zero");
        Self { calls: CALLS, bytes: BYTES }
    }
}

/// An empty queue: the end that the handles share, and the task's.
pub(super) fn channel<T: Types>(limits: QueueLimits) -> (Sender<T>, Receiver<T>) {
    let permits = |limit: NonZeroU32| (limit.get() as usize).min(Semaphore::MAX_PERMITS);
    let (calls, queued) = mpsc::channel(permits(limits.calls));
    let bytes = Arc::new(Semaphore::new(permits(limits.bytes)));
    let bytes_max = limits.bytes.get().min(u32::try_from(Semaphore::MAX_PERMITS).unwrap_or(u32::MAX));
    let (alive, ended) = watch::channel(());
    let ending = Ending { bytes: Arc::clone(&bytes), _alive: alive };
    (Sender { calls, bytes, bytes_max, ended }, Receiver { queued, _ending: ending })
}

/// The handles' end.
pub(super) struct Sender<T: Types> {
    calls: mpsc::Sender<Queued<T>>,
    bytes: Arc<Semaphore>,
    bytes_max: u32,
    /// Closed when the task has ended and all that it owned is dropped.
    ended: watch::Receiver<()>,
}

/// The task's end. To be dropped last: it tells the handles that all is over.
pub(super) struct Receiver<T: Types> {
    queued: mpsc::Receiver<Queued<T>>,
    _ending: Ending,
}

/// A call, and the bytes that are charged for it until it is handled.
pub(super) struct Queued<T: Types> {
    pub(super) call: Call<T>,
    _bytes: OwnedSemaphorePermit,
}

/// The end of the task, however it comes.
struct Ending {
    /// Closed at the end: a call that was sent into the ended task's queue keeps its bytes as long as
    /// the queue lives, and nobody must wait for them.
    bytes: Arc<Semaphore>,
    _alive: watch::Sender<()>,
}

impl Drop for Ending {
    fn drop(&mut self) {
        self.bytes.close();
    }
}

/// The right to send one call.
pub(super) struct Permit<'a, T: Types> {
    call: mpsc::Permit<'a, Queued<T>>,
    bytes: OwnedSemaphorePermit,
}

impl<T: Types> Permit<'_, T> {
    pub(super) fn send(self, call: Call<T>) {
        self.call.send(Queued { call, _bytes: self.bytes });
    }
}

impl<T: Types> Sender<T> {
    /// A permit for a call of so many bytes, if there is capacity for it now.
    pub(super) fn try_reserve(&self, bytes: usize) -> Result<Permit<'_, T>, HandleError> {
        let bytes = match Arc::clone(&self.bytes).try_acquire_many_owned(self.charge(bytes)) {
            Ok(bytes) => bytes,
            Err(TryAcquireError::NoPermits) => return Err(self.busy()),
            Err(TryAcquireError::Closed) => return Err(Closed.into()),
        };
        match self.calls.try_reserve() {
            Ok(call) => Ok(Permit { call, bytes }),
            Err(mpsc::error::TrySendError::Full(())) => Err(HandleError::Busy),
            Err(mpsc::error::TrySendError::Closed(())) => Err(Closed.into()),
        }
    }

    /// A permit for a call of so many bytes, as soon as there is capacity for it. Those who wait come
    /// before those who only try.
    pub(super) async fn reserve(&self, bytes: usize) -> Result<Permit<'_, T>, Closed> {
        // Bytes first: nobody holds one of the few calls while waiting for bytes.
        let bytes =
            Arc::clone(&self.bytes).acquire_many_owned(self.charge(bytes)).await.map_err(|_| Closed)?;
        let call = self.calls.reserve().await.map_err(|_| Closed)?;
        Ok(Permit { call, bytes })
    }

    /// The task's answer to a call. One whose permit was given out just before the task ended comes
    /// into a queue that nobody reads, and that lives as long as the handles: so the end is waited for
    /// too.
    pub(super) async fn answer<A>(&self, mut answer: oneshot::Receiver<A>) -> Result<A, Closed> {
        let mut ended = self.ended.clone();
        tokio::select! {
            biased;
            answer = &mut answer => answer.map_err(|_| Closed),
            _ = ended.changed() => answer.try_recv().map_err(|_| Closed),
        }
    }

    /// Waits until the task has ended and all that it owned is dropped.
    pub(super) async fn ended(&self) {
        let mut ended = self.ended.clone();
        // Nothing is ever sent: an error says that the other side is dropped.
        while ended.changed().await.is_ok() {}
    }

    fn charge(&self, bytes: usize) -> u32 {
        u32::try_from(bytes).unwrap_or(u32::MAX).min(self.bytes_max)
    }

    fn busy(&self) -> HandleError {
        if self.calls.is_closed() { Closed.into() } else { HandleError::Busy }
    }
}

impl<T: Types> Receiver<T> {
    /// The next call; `None` once all handles are dropped.
    ///
    /// Cancel-safe: a call is either given, or kept for the next time.
    pub(super) async fn recv(&mut self) -> Option<Queued<T>> {
        self.queued.recv().await
    }

    /// The next call, if one is there.
    pub(super) fn try_recv(&mut self) -> Option<Queued<T>> {
        self.queued.try_recv().ok()
    }

    /// Calls that wait.
    pub(super) fn len(&self) -> usize {
        self.queued.len()
    }

    /// Takes no further calls; those that wait can still be received.
    pub(super) fn close(&mut self) {
        self.queued.close();
    }
}

// Derived, this would ask for `T: Clone`, and `T` is only a name.
impl<T: Types> Clone for Sender<T> {
    fn clone(&self) -> Self {
        Self {
            calls: self.calls.clone(),
            bytes: Arc::clone(&self.bytes),
            bytes_max: self.bytes_max,
            ended: self.ended.clone(),
        }
    }
}

impl<T: Types> fmt::Debug for Sender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender")
            .field("calls_free", &self.calls.capacity())
            .field("bytes_free", &self.bytes.available_permits())
            .finish_non_exhaustive()
    }
}
