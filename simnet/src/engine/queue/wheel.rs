//! A timing wheel of two turns, each slot a stack of small chunks.
//!
//! Time is cut into ticks of 2^`TICK_BITS` ns. The near ring has a slot for each of the next
//! `NEAR` ticks; the far ring a slot for each of the next `FAR` spans of that many ticks; a heap
//! keeps what lies beyond. Most events of a network are pushed into the near ring and never moved
//! before their tick comes: then the tick's slot is emptied, and keys of its events are sorted and taken
//! from the end. What is pushed into a tick that has come already goes to a small heap, and the earlier
//! of the two is next.
//!
//! Order within a slot does not matter, since sorting goes by time and number: so a slot is a stack
//! of chunks, and both rings share the free ones.

use core::cmp::Reverse;
use std::collections::BinaryHeap;

use herald_fetcher::Time;

use super::chunks::Chunks;
use super::heap::QueueEntry;
use super::ring::Ring;

/// A tick is 2^18 ns, 262 µs.
///
/// With a million events spread over 300 ms a tick holds nine hundred, which sort in the second cache.
/// Shorter ticks sort faster, but each push then goes to another of many slots' ends, which are not in
/// the caches: of 10,000 nodes' misses, a tenth.
const TICK_BITS: u32 = 18;
/// The near ring reaches 2^11 ticks, 537 ms: beyond the latencies of a network.
const NEAR_BITS: u32 = 11;
const NEAR: usize = 1 << NEAR_BITS;
/// The far ring reaches 2^10 spans of the near ring, 550 s: beyond the timers of a fetcher.
const FAR: usize = 1 << 10;
/// Room for so many events of one tick is kept for the next; more is given back.
const KEPT: usize = 1 << 14;

/// A queue of events on a timing wheel, with the contract of [`EventQueue`](super::EventQueue).
#[derive(Clone, Debug)]
pub struct WheelQueue<E> {
    /// The events of the tick at hand, in no order, until the last of them was taken.
    current: Vec<QueueEntry<E>>,
    /// Those that were not taken yet, the next one last; see [`Key`].
    order: Vec<Key>,
    /// What was pushed into that tick or an earlier one after it was sorted.
    late: BinaryHeap<Reverse<QueueEntry<E>>>,
    near: Ring,
    far: Ring,
    beyond: BinaryHeap<Reverse<QueueEntry<E>>>,
    chunks: Chunks<QueueEntry<E>>,
    /// The last tick whose slot was taken; all events in the rings are of later ones.
    tick: u64,
    now: Time,
    sequence: u64,
    len: usize,
}

impl<E: Copy> WheelQueue<E> {
    /// An empty queue: the rings take 13 KiB, an event about 23 bytes beside its own.
    #[must_use]
    pub fn new() -> Self {
        Self {
            current: Vec::new(),
            order: Vec::new(),
            late: BinaryHeap::new(),
            near: Ring::new(NEAR),
            far: Ring::new(FAR),
            beyond: BinaryHeap::new(),
            chunks: Chunks::new(),
            tick: 0,
            now: Time::ZERO,
            sequence: 0,
            len: 0,
        }
    }

    /// Adds an event; one in the past comes now.
    #[inline]
    pub fn push(&mut self, at: Time, event: E) {
        let at = super::not_before(self.now, at);
        let entry = QueueEntry { at, sequence: self.sequence, event };
        self.sequence += 1;
        self.len += 1;
        self.enqueue(entry);
    }

    /// Events of the tick at hand that come next, at most so many.
    #[inline]
    pub fn upcoming(&self, count: usize) -> impl Iterator<Item = &E> {
        let indices = self.order.iter().rev().take(count).map(|&key| index_of(key));
        indices.filter_map(|index| self.current.get(index)).map(|entry| &entry.event)
    }

    /// Takes the first event.
    #[inline]
    pub fn pop(&mut self) -> Option<(Time, E)> {
        if self.order.is_empty() && self.late.is_empty() {
            self.advance();
        }
        let entry = if self.late_is_next() {
            self.late.pop().map(|Reverse(entry)| entry)?
        } else {
            let index = index_of(self.order.pop()?);
            *self.current.get(index)?
        };
        self.len -= 1;
        self.now = entry.at;
        Some((entry.at, entry.event))
    }

    /// The time of the first event.
    #[inline]
    pub fn peek_time(&mut self) -> Option<Time> {
        if self.order.is_empty() && self.late.is_empty() {
            self.advance();
        }
        if self.late_is_next() {
            self.late.peek().map(|Reverse(entry)| entry.at)
        } else {
            self.next_in_tick().map(|entry| entry.at)
        }
    }

    /// How many events wait.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether none waits.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    #[inline]
    fn next_in_tick(&self) -> Option<&QueueEntry<E>> {
        self.current.get(index_of(*self.order.last()?))
    }

    #[inline]
    fn late_is_next(&self) -> bool {
        match (self.late.peek(), self.next_in_tick()) {
            (Some(Reverse(late)), Some(current)) => late < current,
            (Some(_), None) => true,
            (None, _) => false,
        }
    }

    #[inline]
    fn enqueue(&mut self, entry: QueueEntry<E>) {
        let tick = tick_of(entry.at);
        if tick <= self.tick {
            self.late.push(Reverse(entry));
        } else if tick - self.tick <= NEAR as u64 {
            self.chunks.push(self.near.slot(tick), entry);
        } else {
            self.enqueue_far(entry);
        }
    }

    fn enqueue_far(&mut self, entry: QueueEntry<E>) {
        let span = span_of(tick_of(entry.at));
        if span - span_of(self.tick) <= FAR as u64 {
            self.chunks.push(self.far.slot(span), entry);
        } else {
            self.beyond.push(Reverse(entry));
        }
    }

    /// Goes on to the next tick that has events, if there is one, and sorts them.
    fn advance(&mut self) {
        loop {
            let near = self.near.next(self.tick);
            let far = self.far.next(span_of(self.tick));
            let beyond = self.beyond.peek().map(|Reverse(entry)| span_of(tick_of(entry.at)));
            let span = match (far, beyond) {
                (Some(far), Some(beyond)) => Some(far.min(beyond)),
                (far, beyond) => far.or(beyond),
            };
            match (near, span) {
                (Some(tick), Some(span)) if span <= span_of(tick) => self.enter(span),
                (None, Some(span)) => self.enter(span),
                (Some(tick), _) => return self.take(tick),
                (None, None) => return,
            }
        }
    }

    /// Moves the events of a span that is next into the near ring.
    fn enter(&mut self, span: u64) {
        // To just before the span: its first tick may have events in the near ring already, and all
        // its ticks are within that ring's reach from here.
        let before = (span << NEAR_BITS) - 1;
        debug_assert!(self.tick <= before, "span {span} is entered late, at tick {}", self.tick);
        self.tick = before;
        let mut entries = core::mem::take(&mut self.current);
        entries.clear();
        self.chunks.drain(self.far.take(span), &mut entries);
        for entry in entries.drain(..) {
            self.enqueue(entry);
        }
        self.current = entries;
        while self.beyond.peek().is_some_and(|Reverse(entry)| span_of(tick_of(entry.at)) == span) {
            if let Some(Reverse(entry)) = self.beyond.pop() {
                self.enqueue(entry);
            }
        }
    }

    /// Makes `tick` the current one.
    fn take(&mut self, tick: u64) {
        self.current.clear();
        if self.current.capacity() > KEPT {
            self.current = Vec::new();
            self.order = Vec::new();
        }
        if self.late.capacity() > KEPT {
            self.late = BinaryHeap::new();
        }
        self.tick = tick;
        self.chunks.drain(self.near.take(tick), &mut self.current);
        let keys = self.current.iter().zip(0..).map(|(entry, index)| key_of(entry.at, entry.sequence, index));
        self.order.extend(keys);
        self.order.sort_unstable_by(|a, b| b.cmp(a));
    }
}

impl<E: Copy> Default for WheelQueue<E> {
    fn default() -> Self {
        Self::new()
    }
}

/// What the events of a tick are sorted by instead of being moved about themselves: the time within the
/// tick, then the number in the order of pushing, then the index in `current`, which is no part of the
/// order.
type Key = u128;

const fn key_of(at: Time, sequence: u64, index: u32) -> Key {
    let within = at.as_nanos() & ((1 << TICK_BITS) - 1);
    (within as u128) << 96 | (sequence as u128) << 32 | index as u128
}

const fn index_of(key: Key) -> usize {
    key as u32 as usize
}

const fn tick_of(at: Time) -> u64 {
    at.as_nanos() >> TICK_BITS
}

const fn span_of(tick: u64) -> u64 {
    tick >> NEAR_BITS
}
