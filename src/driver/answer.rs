//! What comes of a call, when it comes.

use core::fmt;
use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll};

use tokio::sync::oneshot;

use super::error::{Closed, Refused};

/// What comes of handing in a reply without waiting: later, the parts that the fetcher did not ask
/// for; or at once the whole reply, where it was not taken.
pub type Filtered<P> = Result<Answer<Vec<P>>, Refused<Vec<P>>>;

/// What came of a call that is handed in already.
///
/// Async code awaits it. Other code asks for it between two things of its own, with
/// [`try_take`](Self::try_take), or lets its thread wait, with [`blocking_wait`](Self::blocking_wait).
/// Dropping it takes nothing back.
#[must_use = "what came of the call is in here; `drop` it where that is of no concern"]
pub struct Answer<A> {
    answer: oneshot::Receiver<A>,
}

impl<A> Answer<A> {
    pub(super) fn new() -> (oneshot::Sender<A>, Self) {
        let (sender, answer) = oneshot::channel();
        (sender, Self { answer })
    }

    /// The answer if it is there, once; `None` while the call is still in the queue.
    ///
    /// # Errors
    /// [`Closed`] where the driver was cut short before the call was handled, or where the answer was
    /// taken before.
    pub fn try_take(&mut self) -> Result<Option<A>, Closed> {
        match self.answer.try_recv() {
            Ok(answer) => Ok(Some(answer)),
            Err(oneshot::error::TryRecvError::Empty) => Ok(None),
            Err(oneshot::error::TryRecvError::Closed) => Err(Closed),
        }
    }

    /// Blocks the thread until the call is handled.
    ///
    /// # Errors
    /// [`Closed`] where the driver was cut short before that.
    ///
    /// # Panics
    /// Within async code, whose thread must not block: there it is awaited.
    pub fn blocking_wait(self) -> Result<A, Closed> {
        self.answer.blocking_recv().map_err(|_| Closed)
    }
}

/// Cancel-safe: the call is handed in already; only its answer can be missed.
impl<A> Future for Answer<A> {
    type Output = Result<A, Closed>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.answer).poll(context).map_err(|_| Closed)
    }
}

impl<A> fmt::Debug for Answer<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer").finish_non_exhaustive()
    }
}
