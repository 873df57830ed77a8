//! The two queues under the hold model: take the first event, push another a random delay later.
//!
//! Events are spread as in a network, and the queue is turned over twice before anything is timed, so
//! that it is in its steady state.
#![allow(missing_docs, reason = "a benchmark")]

use std::hint::black_box;
use std::time::Duration;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use herald_fetcher::Time;
use herald_simnet::engine::queue::{HeapQueue, WheelQueue};
use herald_simnet::engine::{Concern, EventQueue, Seed, Trace, draw};

/// As large as the simulator's events.
type Event = [u64; 3];

/// Delays drawn beforehand: what they cost is not the queue's.
struct Delays {
    drawn: Vec<Duration>,
    next: usize,
}

impl Delays {
    fn new() -> Self {
        let mut words = Seed::new(1).stream(Concern::Jitter, 0);
        let drawn = (0..1 << 16)
            .map(|_| {
                let (kind, word) = (draw::below(words.word(), 1_000), words.word());
                let (from, to) = match kind {
                    0..5 => (60_000_000_000, 300_000_000_000),
                    5..50 => (5_000_000_000, 5_000_000_001),
                    50..150 => (0, 1),
                    _ => (10_000_000, 300_000_000),
                };
                Duration::from_nanos(draw::range(word, from..to))
            })
            .collect();
        Self { drawn, next: 0 }
    }

    fn next(&mut self) -> Duration {
        self.next = (self.next + 1) % self.drawn.len();
        self.drawn.get(self.next).copied().unwrap_or_default()
    }
}

/// What both queues and the type in front of them do.
macro_rules! hold {
    ($criterion:expr, $name:literal, $queue:ty) => {
        let mut group = $criterion.benchmark_group("queue_hold");
        group.throughput(Throughput::Elements(1));
        for pending in [100_u64, 10_000, 1_000_000] {
            let mut delays = Delays::new();
            let mut queue = <$queue>::new();
            for n in 0..pending {
                queue.push(Time::ZERO.after(delays.next()), [n; 3]);
            }
            let mut step = || {
                if let Some((now, event)) = queue.pop() {
                    queue.push(now.after(delays.next()), black_box(event));
                }
            };
            (0..8 * pending).for_each(|_| step());
            group.bench_function(format!("{}/{pending}", $name), |bencher| bencher.iter(&mut step));
        }
        group.finish();
    };
}

fn hold(criterion: &mut Criterion) {
    hold!(criterion, "heap", HeapQueue<Event>);
    hold!(criterion, "wheel", WheelQueue<Event>);
    hold!(criterion, "chosen", EventQueue<Event>);
}

/// Fill a queue and empty it: what a block's flood through a network does.
fn burst(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("queue_burst");
    const EVENTS: u64 = 100_000;
    group.throughput(Throughput::Elements(EVENTS));
    let mut delays = Delays::new();
    macro_rules! burst {
        ($name:literal, $queue:ty) => {
            group.bench_function($name, |bencher| {
                bencher.iter_batched_ref(
                    <$queue>::new,
                    |queue| {
                        for n in 0..EVENTS {
                            queue.push(Time::ZERO.after(delays.next()), [n; 3]);
                        }
                        while let Some(event) = queue.pop() {
                            black_box(event);
                        }
                    },
                    BatchSize::LargeInput,
                );
            });
        };
    }
    burst!("heap", HeapQueue<Event>);
    burst!("wheel", WheelQueue<Event>);
    group.finish();
}

/// What goes with each event: a keyed draw, and its record in the trace.
fn beside(criterion: &mut Criterion) {
    let seed = Seed::new(1);
    let mut n = 0;
    criterion.bench_function("keyed_draw", |bencher| {
        bencher.iter(|| {
            n += 1;
            seed.draw(Concern::Jitter, black_box(n), 7)
        });
    });
    let mut trace = Trace::new();
    criterion.bench_function("trace_record", |bencher| {
        bencher.iter(|| {
            n += 1;
            trace.record(Time::from_nanos(n), black_box(&[n, 2, 3]));
        });
    });
    black_box(trace.digest());
}

criterion_group!(benches, hold, burst, beside);
criterion_main!(benches);
