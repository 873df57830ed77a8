//! The queue between the handles and the task, bounded in calls and in bytes.
//!
//! One list in the order of arrival, behind one lock. A call that must not be lost, and for which
//! there is no capacity, is in the list all the same, uncharged, while its caller waits for it: so it
//! has arrived, and no deadline passes before the task has seen it. What it carries was in memory
//! before, in the hands of that caller, which cannot come with another one meanwhile.

use core::fmt;
use core::num::NonZeroU32;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, watch};

use crate::types::Types;

use super::call::Call;
use super::error::{Closed, HandleError, Refused};
use super::share::{Full, Payer, PayerLoad, Shares};

/// How much may wait between the handles and the task. Set the fields of a default.
///
/// Of both, half is set aside in equal shares for the peers that [`Config::peers`] allows, and an eighth
/// for the host's own calls (who comes and goes, news of the chain, questions); the rest goes to
/// whoever needs it. So what one peer sends in excess takes nothing from the share of another.
///
/// [`Config::peers`]: crate::Config::peers
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct QueueLimits {
    /// Calls. Default 1,024: a millisecond or two of the task's work, and 4 for each of 128 peers. More
    /// hides overload for longer; fewer refuse short bursts, and fewer than twice the peers leave
    /// them no share.
    pub calls: NonZeroU32,
    /// Bytes of the blocks, headers, bodies and lists that the calls carry, as the host's types
    /// report them. Default 32 MiB: 128 KiB for each of 128 peers, and 12 MiB for all, in which there
    /// is capacity for a block of the largest frame (10 MiB). It comes on top of
    /// [`Fetcher::memory_bound`](crate::Fetcher::memory_bound), and so does the one call that the task is
    /// handling. A single call that is larger than its payer's share and what is common is taken when
    /// nobody else uses that.
    pub bytes: NonZeroU32,
}

impl Default for QueueLimits {
    fn default() -> Self {
        const CALLS: NonZeroU32 = NonZeroU32::new(1_024).expect("not zero");
        const BYTES: NonZeroU32 = NonZeroU32::new(32 << 20).expect("not zero");
        Self { calls: CALLS, bytes: BYTES }
    }
}

/// An empty queue: the end that the handles share, and the task's. The fetcher knows at most so many
/// peers at once.
pub(super) fn channel<T: Types>(limits: QueueLimits, peers: u32) -> (Sender<T>, Receiver<T>) {
    let state = State {
        calls: VecDeque::new(),
        next: 0,
        shares: Shares::new(limits, peers),
        senders: 1,
        phase: Phase::Open,
    };
    let shared = Arc::new(SharedQueue { state: Mutex::new(state), changed: Notify::new() });
    let (alive, ended) = watch::channel(());
    (Sender { shared: Arc::clone(&shared), ended }, Receiver { shared, _alive: alive })
}

struct SharedQueue<T: Types> {
    state: Mutex<State<T>>,
    /// Tells the task that a call is there, or that none will come any more.
    changed: Notify,
}

struct State<T: Types> {
    /// In the order of arrival, and so of their serial numbers.
    calls: VecDeque<Arrived<T>>,
    /// The serial number of the next call.
    next: u64,
    shares: Shares<T::PeerId>,
    /// Handles that are not dropped.
    senders: usize,
    phase: Phase,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Calls are taken.
    Open,
    /// None is taken any more; those that are there are handled, unless the task is cut short.
    Closed,
}

struct Arrived<T: Types> {
    serial: u64,
    call: Call<T>,
    held: HeldCall<T::PeerId>,
}

/// What a call holds of the capacity while it is in the queue.
enum HeldCall<P> {
    Charged(Payer<P>, PayerLoad),
    /// Nothing: its caller waits for it.
    Nothing,
}

impl<T: Types> SharedQueue<T> {
    /// The state. Nothing of the host's runs under the lock but the comparison of its peers; should
    /// that panic, the lists are as they were before.
    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn close(&self) {
        self.lock().phase = Phase::Closed;
        self.changed.notify_one();
    }
}

impl<T: Types> State<T> {
    fn push(&mut self, call: Call<T>, held: HeldCall<T::PeerId>) -> u64 {
        let serial = self.next;
        self.next += 1;
        self.calls.push_back(Arrived { serial, call, held });
        serial
    }

    /// Takes the oldest call out, and releases what it holds.
    fn pop(&mut self) -> Option<Call<T>> {
        let Arrived { serial: _, call, held } = self.calls.pop_front()?;
        match held {
            HeldCall::Charged(payer, load) => self.shares.release(&payer, load),
            HeldCall::Nothing => {}
        }
        Some(call)
    }
}

/// The handles' end.
pub(super) struct Sender<T: Types> {
    shared: Arc<SharedQueue<T>>,
    /// Closed when the task has ended and all that it owned is dropped.
    ended: watch::Receiver<()>,
}

/// A call that is in the queue.
#[must_use]
pub(super) enum Sent<'a, T: Types> {
    /// There was capacity for it.
    Charged,
    /// There was none: its caller is to wait until it is handled.
    Waiting(Waiting<'a, T>),
}

/// The presence of a caller that waits. Dropped before the call is handled, the call is taken back:
/// the memory that waits beyond the limits is never more than what the callers that are there carry.
pub(super) struct Waiting<'a, T: Types> {
    queue: &'a SharedQueue<T>,
    serial: u64,
}

impl<T: Types> Drop for Waiting<'_, T> {
    fn drop(&mut self) {
        let mut state = self.queue.lock();
        let taken_back = match state.calls.binary_search_by_key(&self.serial, |call| call.serial) {
            Ok(at) => state.calls.remove(at),
            Err(_) => None,
        };
        drop(state);
        // The host's types are dropped without the lock.
        drop(taken_back);
    }
}

impl<T: Types> Sender<T> {
    /// Sends the call that is made of `content` if there is capacity for so many bytes on the account
    /// of `payer`; gives the content back if there is not.
    pub(super) fn try_send<C>(
        &self,
        payer: Payer<T::PeerId>,
        bytes: usize,
        content: C,
        call: impl FnOnce(C) -> Call<T>,
    ) -> Result<(), Refused<C>> {
        let mut state = self.shared.lock();
        if state.phase == Phase::Closed {
            return Err(Refused { error: Closed.into(), content });
        }
        match state.shares.charge(&payer, wide(bytes)) {
            Ok(load) => state.push(call(content), HeldCall::Charged(payer, load)),
            Err(Full) => return Err(Refused { error: HandleError::Busy, content }),
        };
        drop(state);
        self.shared.changed.notify_one();
        Ok(())
    }

    /// Sends the call that is made of `content`, with or without capacity for it; gives the content
    /// back where the driver has ended.
    pub(super) fn send<C>(
        &self,
        payer: Payer<T::PeerId>,
        bytes: usize,
        content: C,
        call: impl FnOnce(C) -> Call<T>,
    ) -> Result<Sent<'_, T>, C> {
        let mut state = self.shared.lock();
        if state.phase == Phase::Closed {
            return Err(content);
        }
        let sent = match state.shares.charge(&payer, wide(bytes)) {
            Ok(load) => {
                state.push(call(content), HeldCall::Charged(payer, load));
                Sent::Charged
            }
            Err(Full) => {
                let serial = state.push(call(content), HeldCall::Nothing);
                Sent::Waiting(Waiting { queue: &self.shared, serial })
            }
        };
        drop(state);
        self.shared.changed.notify_one();
        Ok(sent)
    }

    /// Takes no further calls; those that are there are handled before the task ends.
    pub(super) fn close(&self) {
        self.shared.close();
    }

    /// Waits until the task has ended and all that it owned is dropped.
    pub(super) async fn ended(&self) {
        let mut ended = self.ended.clone();
        // Nothing is ever sent: an error says that the other side is dropped.
        while ended.changed().await.is_ok() {}
    }
}

fn wide(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}

impl<T: Types> Clone for Sender<T> {
    fn clone(&self) -> Self {
        self.shared.lock().senders += 1;
        Self { shared: Arc::clone(&self.shared), ended: self.ended.clone() }
    }
}

impl<T: Types> Drop for Sender<T> {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        state.senders -= 1;
        let is_last = state.senders == 0;
        drop(state);
        if is_last {
            self.shared.close();
        }
    }
}

impl<T: Types> fmt::Debug for Sender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.shared.lock();
        f.debug_struct("Sender")
            .field("calls", &state.calls.len())
            .field("phase", &state.phase)
            .finish_non_exhaustive()
    }
}

/// The task's end. To be dropped last: it tells the handles that all is over.
pub(super) struct Receiver<T: Types> {
    shared: Arc<SharedQueue<T>>,
    _alive: watch::Sender<()>,
}

/// All calls that have arrived by a moment.
#[derive(Clone, Copy, Debug)]
pub(super) struct CallBatch {
    end: u64,
}

impl<T: Types> Receiver<T> {
    /// The next call; `None` once there is none and none will come.
    ///
    /// Cancel-safe: a call is either given, or kept for the next time.
    pub(super) async fn recv(&mut self) -> Option<Call<T>> {
        loop {
            {
                let mut state = self.shared.lock();
                let call = state.pop();
                if call.is_some() || state.phase == Phase::Closed {
                    return call;
                }
            }
            // What comes between the look and this is remembered there.
            self.shared.changed.notified().await;
        }
    }

    /// What has arrived by now.
    pub(super) fn arrived(&self) -> CallBatch {
        CallBatch { end: self.shared.lock().next }
    }

    /// The next call of a batch, if one is left.
    pub(super) fn try_recv(&mut self, batch: CallBatch) -> Option<Call<T>> {
        let mut state = self.shared.lock();
        if state.calls.front()?.serial >= batch.end {
            return None;
        }
        state.pop()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.shared.lock().calls.is_empty()
    }

    /// The fetcher knows this peer from now on: it has a share.
    pub(super) fn connected(&mut self, peer: &T::PeerId) {
        self.shared.lock().shares.connected(peer);
    }

    /// The fetcher knows this peer no more.
    pub(super) fn gone(&mut self, peer: &T::PeerId) {
        self.shared.lock().shares.gone(peer);
    }
}

/// However the task ends: no call is taken any more, and nobody waits for one that is not handled.
impl<T: Types> Drop for Receiver<T> {
    fn drop(&mut self) {
        self.shared.close();
        let left = core::mem::take(&mut self.shared.lock().calls);
        for arrived in left {
            arrived.call.give_back();
        }
    }
}
