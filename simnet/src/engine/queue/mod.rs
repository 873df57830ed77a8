//! The queue of events to come.

mod chunks;
pub mod heap;
mod ring;
pub mod wheel;

use herald_fetcher::Time;

pub use heap::HeapQueue;
pub use wheel::WheelQueue;

/// The events to come, first by time, then in the order in which they were pushed.
///
/// A push before the time of the last popped event is a fault of the caller: it stops a debug build,
/// and counts as a push at that time otherwise, so that time never runs backwards.
#[derive(Clone, Debug)]
pub struct EventQueue<E>(WheelQueue<E>);

impl<E: Copy> EventQueue<E> {
    /// An empty queue.
    #[must_use]
    pub fn new() -> Self {
        Self(WheelQueue::new())
    }

    /// Adds `event`, to come at `at`.
    pub fn push(&mut self, at: Time, event: E) {
        self.0.push(at, event);
    }

    /// Takes the first event and its time.
    pub fn pop(&mut self) -> Option<(Time, E)> {
        self.0.pop()
    }

    /// The next events, at most so many, in no order: as far as they are at hand. Others may still be
    /// pushed in front of them.
    pub fn upcoming(&self, count: usize) -> impl Iterator<Item = &E> {
        self.0.upcoming(count)
    }

    /// The time of the first event.
    #[must_use]
    pub fn peek_time(&mut self) -> Option<Time> {
        self.0.peek_time()
    }

    /// How many events wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether no event waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<E: Copy> Default for EventQueue<E> {
    fn default() -> Self {
        Self::new()
    }
}

/// `at`, or `now` where `at` lies before it.
fn not_before(now: Time, at: Time) -> Time {
    debug_assert!(at >= now, "an event is pushed into the past: at {at:?}, now is {now:?}");
    at.max(now)
}

#[cfg(test)]
mod tests;
