#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use std::collections::BTreeMap;
use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::engine::{Concern, Seed, draw};

/// Both queues and a plain sorted map, which must agree on everything.
#[derive(Default)]
struct Three {
    sorted: BTreeMap<(Time, u64), u64>,
    heap: HeapQueue<u64>,
    wheel: WheelQueue<u64>,
    pushed: u64,
    now: Time,
}

impl Three {
    fn push(&mut self, delay: u64) {
        let at = self.now.after(Duration::from_nanos(delay));
        // An event that says nothing about its position in the order, so that only the order can be right.
        let event = Seed::new(0).draw(Concern::Fuzz, self.pushed, 0);
        self.sorted.insert((at, self.pushed), event);
        self.heap.push(at, event);
        self.wheel.push(at, event);
        self.pushed += 1;
    }

    fn pop(&mut self) -> bool {
        let expected = self.sorted.pop_first().map(|((at, _), event)| (at, event));
        assert_eq!(self.heap.pop(), expected);
        assert_eq!(self.wheel.pop(), expected);
        self.now = expected.map_or(self.now, |(at, _)| at);
        assert_eq!([self.heap.len(), self.wheel.len()], [self.sorted.len(); 2]);
        assert_eq!([self.heap.is_empty(), self.wheel.is_empty()], [self.sorted.is_empty(); 2]);
        expected.is_some()
    }

    fn peek(&mut self) {
        let expected = self.sorted.keys().next().map(|&(at, _)| at);
        assert_eq!(self.heap.peek_time(), expected);
        assert_eq!(self.wheel.peek_time(), expected);
        // Those at hand are the wheel's own affair, but each of them is still to come.
        assert!(self.wheel.upcoming(3).all(|event| self.sorted.values().any(|other| other == event)));
    }
}

/// Delays of every size that the wheel treats apart, and of both sides of each border.
fn delay() -> impl Strategy<Value = u64> {
    const TICK: u64 = 1 << 18;
    const SPAN: u64 = TICK << 11;
    prop_oneof![
        4 => Just(0),
        2 => 0..3_u64,
        4 => 0..TICK,
        4 => 10_000_000..300_000_000_u64,
        2 => (0..4_u64).prop_map(|ticks| ticks * TICK),
        2 => SPAN - 2 * TICK..SPAN + 2 * TICK,
        2 => 0..20 * SPAN,
        2 => Just(5_000_000_000),
        1 => (1_020..1_030_u64, 0..2_u64).prop_map(|(spans, more)| spans * SPAN - more),
        1 => 0..10_000 * SPAN,
        1 => any::<u64>(),
    ]
}

#[derive(Clone, Debug)]
enum Step {
    Push(u64),
    /// So many events with one delay.
    Burst(u64, u8),
    Pop(u8),
    Peek,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => delay().prop_map(Step::Push),
        1 => (delay(), any::<u8>()).prop_map(|(delay, count)| Step::Burst(delay, count)),
        5 => (0..6_u8).prop_map(Step::Pop),
        1 => (0..=u8::MAX).prop_map(Step::Pop),
        2 => Just(Step::Peek),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_queues_agree_on_any_sequence(steps in prop::collection::vec(step(), 1..200)) {
        let mut three = Three::default();
        for step in steps {
            match step {
                Step::Push(delay) => three.push(delay),
                Step::Burst(delay, count) => (0..count).for_each(|_| three.push(delay)),
                Step::Pop(count) => (0..count).for_each(|_| { three.pop(); }),
                Step::Peek => three.peek(),
            }
        }
        while three.pop() {
            three.peek();
        }
    }
}

/// A network's delays: a few zero, a few timers, most of them latencies.
fn network_delay(word: u64, scale: u64) -> u64 {
    match draw::below(word, 1_000) {
        0..5 => draw::range(word.rotate_left(32), 60_000_000_000..300_000_000_000),
        5..50 => 5_000_000_000,
        50..150 => 0,
        _ => draw::range(word.rotate_left(32), 10_000_000..300_000_000) / scale,
    }
}

#[test]
fn the_queues_agree_over_long_runs() {
    for seed in 0..6 {
        let mut words = Seed::new(seed).stream(Concern::Fuzz, 0);
        // From latencies of a network down to a crowd in every tick.
        let scale = 10_u64.pow(seed as u32 % 6);
        let mut three = Three::default();
        for _ in 0..2_000 {
            three.push(network_delay(words.word(), scale));
        }
        for _ in 0..20_000 {
            three.pop();
            // None to two, one on average: what waits wanders, and may run dry.
            for _ in 0..draw::below(words.word(), 3) {
                three.push(network_delay(words.word(), scale));
            }
        }
        while three.pop() {}
    }
}

#[test]
fn ties_come_in_the_order_of_pushing_whatever_ring_they_waited_in() {
    let mut queue = EventQueue::new();
    let at = Time::from_nanos(600_000_000_000);
    queue.push(at, 0);
    for (event, nanos) in (1..).zip([0, 1, 599_000_000_000, 599_990_000_000, 600_000_000_000]) {
        queue.push(Time::from_nanos(nanos), 100);
        assert_eq!(queue.pop(), Some((Time::from_nanos(nanos), 100)).filter(|_| event < 5).or(Some((at, 0))));
        queue.push(at, event);
    }
    let rest: Vec<_> = core::iter::from_fn(|| queue.pop()).collect();
    assert_eq!(rest, [(at, 1), (at, 2), (at, 3), (at, 4), (at, 100), (at, 5)]);
}

#[test]
fn the_end_of_time_can_be_waited_for() {
    let mut queue = EventQueue::new();
    queue.push(Time::MAX, 1);
    queue.push(Time::MAX, 2);
    assert_eq!(queue.peek_time(), Some(Time::MAX));
    assert_eq!(queue.pop(), Some((Time::MAX, 1)));
    queue.push(Time::MAX, 3);
    assert_eq!((queue.pop(), queue.pop(), queue.pop()), (Some((Time::MAX, 2)), Some((Time::MAX, 3)), None));
}

#[test]
fn looking_ahead_hides_nothing_that_is_pushed_before_it() {
    let mut queue = EventQueue::new();
    queue.push(Time::from_nanos(5_000_000_000), 2);
    assert_eq!(queue.peek_time(), Some(Time::from_nanos(5_000_000_000)));
    queue.push(Time::from_nanos(1_000), 1);
    assert_eq!(queue.peek_time(), Some(Time::from_nanos(1_000)));
    assert_eq!(queue.pop().map(|(_, event)| event), Some(1));
    assert_eq!(queue.pop().map(|(_, event)| event), Some(2));
}

#[test]
#[cfg(debug_assertions)]
#[should_panic(expected = "pushed into the past")]
fn a_push_into_the_past_stops_a_debug_build() {
    let mut queue = EventQueue::new();
    queue.push(Time::from_nanos(10), 1);
    queue.pop();
    queue.push(Time::from_nanos(9), 2);
}

#[test]
#[cfg(not(debug_assertions))]
fn a_push_into_the_past_comes_now() {
    let mut queue = EventQueue::new();
    queue.push(Time::from_nanos(10), 1);
    queue.pop();
    queue.push(Time::from_nanos(10), 2);
    queue.push(Time::from_nanos(9), 3);
    assert_eq!(queue.pop(), Some((Time::from_nanos(10), 2)));
    assert_eq!(queue.pop(), Some((Time::from_nanos(10), 3)));
}
