//! A binary heap: the plain answer, which the wheel is held against.

use core::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

use herald_fetcher::Time;

/// An event with its position in the order: by time, then by push.
#[derive(Clone, Copy, Debug)]
pub(super) struct QueueEntry<E> {
    pub(super) at: Time,
    pub(super) sequence: u64,
    pub(super) event: E,
}

impl<E> QueueEntry<E> {
    pub(super) const fn key(&self) -> (Time, u64) {
        (self.at, self.sequence)
    }
}

impl<E> PartialEq for QueueEntry<E> {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl<E> Eq for QueueEntry<E> {}

impl<E> PartialOrd for QueueEntry<E> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<E> Ord for QueueEntry<E> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.key().cmp(&other.key())
    }
}

/// A queue of events on the standard library's binary heap, with the contract of
/// [`EventQueue`](super::EventQueue).
#[derive(Clone, Debug)]
pub struct HeapQueue<E> {
    heap: BinaryHeap<Reverse<QueueEntry<E>>>,
    sequence: u64,
    now: Time,
}

impl<E> HeapQueue<E> {
    /// An empty queue.
    #[must_use]
    pub const fn new() -> Self {
        Self { heap: BinaryHeap::new(), sequence: 0, now: Time::ZERO }
    }

    /// Adds an event; one in the past comes now.
    pub fn push(&mut self, at: Time, event: E) {
        let at = super::not_before(self.now, at);
        self.heap.push(Reverse(QueueEntry { at, sequence: self.sequence, event }));
        self.sequence += 1;
    }

    /// Takes the first event.
    pub fn pop(&mut self) -> Option<(Time, E)> {
        let Reverse(QueueEntry { at, event, .. }) = self.heap.pop()?;
        self.now = at;
        Some((at, event))
    }

    /// The time of the first event.
    #[must_use]
    pub fn peek_time(&self) -> Option<Time> {
        self.heap.peek().map(|Reverse(entry)| entry.at)
    }

    /// How many events wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.heap.len()
    }

    /// Whether none waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.heap.is_empty()
    }
}

impl<E> Default for HeapQueue<E> {
    fn default() -> Self {
        Self::new()
    }
}
