//! The queue between the handles and the task, bounded in calls and in bytes.

use core::fmt;
use core::num::NonZeroU32;
use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, TryAcquireError, mpsc, oneshot};

use crate::fetcher::{Counters, Status};
use crate::input::Input;
use crate::output::{Admission, Outcome};
use crate::types::{BlockHash, BlockNumber, Body, Header, Types};

use super::QueueLimits;
use super::handle::{Closed, HandleError};

/// What a handle asks of the task.
pub(super) enum Command<T: Types> {
    /// Hand this in.
    Tell(Input<T>),
    /// Hand this in, and say what came of it.
    Ask { input: Input<T>, reply: oneshot::Sender<Outcome<T>> },
    /// Hand these announcements in, and say what came of each.
    AnnounceMany {
        peer: T::PeerId,
        blocks: Vec<(BlockHash, BlockNumber)>,
        reply: oneshot::Sender<Vec<Admission>>,
    },
    /// Say what is held.
    Status { reply: oneshot::Sender<Status<T::PeerId>> },
    /// Say what has happened.
    Counters { reply: oneshot::Sender<Counters> },
    /// End.
    Shutdown,
}

/// A command, and the room that it takes until it is handled.
pub(super) struct Packet<T: Types> {
    pub(super) command: Command<T>,
    _bytes: OwnedSemaphorePermit,
}

/// The sending side.
pub(super) struct Queue<T: Types> {
    calls: mpsc::Sender<Packet<T>>,
    bytes: Arc<Semaphore>,
    bytes_max: u32,
}

impl<T: Types> Queue<T> {
    pub(super) fn new(limits: QueueLimits) -> (Self, mpsc::Receiver<Packet<T>>) {
        let permits = |limit: NonZeroU32| (limit.get() as usize).min(Semaphore::MAX_PERMITS);
        let (calls, commands) = mpsc::channel(permits(limits.calls));
        let bytes = Arc::new(Semaphore::new(permits(limits.bytes)));
        let bytes_max = limits.bytes.get().min(u32::try_from(Semaphore::MAX_PERMITS).unwrap_or(u32::MAX));
        (Self { calls, bytes, bytes_max }, commands)
    }

    /// The room for bytes, to be closed when nobody reads the queue any more.
    pub(super) fn bytes(&self) -> Arc<Semaphore> {
        Arc::clone(&self.bytes)
    }

    /// A place for a call of so many bytes, if there is one now.
    pub(super) fn try_place(&self, bytes: usize) -> Result<Place<'_, T>, HandleError> {
        let bytes = match Arc::clone(&self.bytes).try_acquire_many_owned(self.charge(bytes)) {
            Ok(bytes) => bytes,
            Err(TryAcquireError::NoPermits) => return Err(self.busy()),
            Err(TryAcquireError::Closed) => return Err(Closed.into()),
        };
        match self.calls.try_reserve() {
            Ok(call) => Ok(Place { call, bytes }),
            Err(mpsc::error::TrySendError::Full(())) => Err(HandleError::Busy),
            Err(mpsc::error::TrySendError::Closed(())) => Err(Closed.into()),
        }
    }

    /// A place for a call of so many bytes, as soon as there is one. Those who wait come before
    /// those who only try.
    pub(super) async fn place(&self, bytes: usize) -> Result<Place<'_, T>, Closed> {
        // Bytes first: nobody holds one of the few calls while waiting for bytes.
        let bytes =
            Arc::clone(&self.bytes).acquire_many_owned(self.charge(bytes)).await.map_err(|_| Closed)?;
        let call = self.calls.reserve().await.map_err(|_| Closed)?;
        Ok(Place { call, bytes })
    }

    fn charge(&self, bytes: usize) -> u32 {
        u32::try_from(bytes).unwrap_or(u32::MAX).min(self.bytes_max)
    }

    fn busy(&self) -> HandleError {
        if self.calls.is_closed() { Closed.into() } else { HandleError::Busy }
    }
}

/// Room for one call.
pub(super) struct Place<'a, T: Types> {
    call: mpsc::Permit<'a, Packet<T>>,
    bytes: OwnedSemaphorePermit,
}

impl<T: Types> Place<'_, T> {
    pub(super) fn fill(self, command: Command<T>) {
        self.call.send(Packet { command, _bytes: self.bytes });
    }
}

/// The bytes that an input carries beyond its fixed size, which the number of calls bounds.
pub(super) fn input_bytes<T: Types>(input: &Input<T>) -> usize {
    match input {
        Input::Pushed { block, .. } | Input::Sealed { block } => block.retained_bytes(),
        Input::Headers { headers, .. } => headers_bytes::<T>(headers),
        Input::Bodies { bodies, .. } => bodies_bytes::<T>(bodies),
        Input::ChainAdvanced { blocks } => list_bytes(blocks),
        Input::PeerConnected { .. }
        | Input::PeerGone { .. }
        | Input::Announced { .. }
        | Input::RequestFailed { .. }
        | Input::Verdict { .. }
        | Input::Imported { .. }
        | Input::Tick
        | Input::Shutdown => 0,
    }
}

pub(super) fn headers_bytes<T: Types>(headers: &[T::Header]) -> usize {
    let retained = headers.iter().map(Header::retained_bytes).fold(0, usize::saturating_add);
    retained.saturating_add(size_of_val(headers))
}

pub(super) fn bodies_bytes<T: Types>(bodies: &[T::Body]) -> usize {
    let retained = bodies.iter().map(Body::retained_bytes).fold(0, usize::saturating_add);
    retained.saturating_add(size_of_val(bodies))
}

pub(super) fn list_bytes(blocks: &[(BlockHash, BlockNumber)]) -> usize {
    size_of_val(blocks)
}

impl<T: Types> Clone for Queue<T> {
    fn clone(&self) -> Self {
        Self { calls: self.calls.clone(), bytes: Arc::clone(&self.bytes), bytes_max: self.bytes_max }
    }
}

impl<T: Types> fmt::Debug for Queue<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Queue")
            .field("calls_free", &self.calls.capacity())
            .field("bytes_free", &self.bytes.available_permits())
            .finish()
    }
}
