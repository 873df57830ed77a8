//! Ten thousand fetchers in turn, as in a simulation: each call finds its fetcher outside the caches.

use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use alloy_primitives::B256;
use criterion::Criterion;
use criterion::measurement::Measurement;
use herald_fetcher::{Admission, BlockOf, Config, Fetcher, Header, Output, Time, Verdict};
use rand_xoshiro::Xoshiro128PlusPlus;
use rand_xoshiro::rand_core::{Rng, SeedableRng};

#[path = "../../tests/allocations/small.rs"]
mod small;

use small::{Small, Tip};

use crate::blocks::Maker;
use crate::cpu::CpuTime;

const FETCHERS: usize = 10_000;
const PEERS: u32 = 25;

/// How far a block gets at each fetcher.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Until {
    Importing,
    Imported,
}

struct Crowd {
    fetchers: Vec<Fetcher<Small>>,
    random: Xoshiro128PlusPlus,
    maker: Maker,
    tip: Tip,
    now: Time,
}

impl Crowd {
    /// After ten blocks, so that every fetcher has its working size.
    fn new() -> Self {
        let config = Arc::new(Config::default());
        let fetchers = (0..FETCHERS as u64).map(|seed| {
            let mut fetcher = Fetcher::with_seed(config.clone(), seed).expect("the configuration is valid");
            for peer in 0..PEERS {
                let _ = fetcher.peer_connected(Time::ZERO, peer);
            }
            fetcher
        });
        let mut crowd = Self {
            fetchers: fetchers.collect(),
            random: Xoshiro128PlusPlus::seed_from_u64(3),
            maker: Maker::new(),
            tip: Tip(B256::ZERO, 0),
            now: Time::ZERO,
        };
        for _ in 0..10 {
            let block = crowd.next_block();
            crowd.each(|fetcher, now, tip| push(fetcher, now, tip, &block, Until::Importing));
            for peer in 1..21 {
                crowd.each(|fetcher, now, tip| announce(fetcher, now, tip, &block, peer));
            }
            crowd.each(|fetcher, now, tip| import(fetcher, now, tip, &block));
            crowd.advance(&block);
        }
        crowd
    }

    fn next_block(&mut self) -> BlockOf<Small> {
        small::block(self.maker.hash(), &self.tip)
    }

    fn advance(&mut self, block: &BlockOf<Small>) {
        self.tip = Tip(block.header.hash(), block.header.number());
        self.now = self.now.after(Duration::from_secs(13));
    }

    /// Calls all fetchers in random order; the CPU time that it took.
    fn each(&mut self, mut call: impl FnMut(&mut Fetcher<Small>, Time, &Tip)) -> Duration {
        let mut order: Vec<usize> = (0..FETCHERS).collect();
        for at in (1..FETCHERS).rev() {
            order.swap(at, self.random.next_u32() as usize % (at + 1));
        }
        let start = CpuTime.start();
        for at in order {
            call(&mut self.fetchers[at], self.now, &self.tip);
        }
        CpuTime.end(start)
    }
}

fn push(fetcher: &mut Fetcher<Small>, now: Time, tip: &Tip, block: &BlockOf<Small>, until: Until) {
    let admission = fetcher.push(now, &0, block.clone(), tip);
    assert_eq!(admission, Admission::Accepted);
    carry_out(fetcher, now, tip, block, until);
}

fn import(fetcher: &mut Fetcher<Small>, now: Time, tip: &Tip, block: &BlockOf<Small>) {
    fetcher.imported(now, block.header.hash(), Verdict::Valid, tip);
    carry_out(fetcher, now, tip, block, Until::Imported);
}

/// All requests are answered at once, and all that is verified is valid.
fn carry_out(fetcher: &mut Fetcher<Small>, now: Time, tip: &Tip, block: &BlockOf<Small>, until: Until) {
    while let Some(output) = fetcher.poll_output() {
        match output {
            Output::RequestHeader { request, peer, .. } => {
                let rest = fetcher.headers(now, &peer, request, vec![block.header.clone()], tip);
                assert!(rest.is_empty());
            }
            Output::RequestBodies { request, peer, .. } => {
                let rest = fetcher.bodies(now, &peer, request, vec![block.body.clone()], tip);
                assert!(rest.is_empty());
            }
            Output::VerifyHeader { header } => fetcher.verdict(now, header.hash(), Verdict::Valid, tip),
            Output::Import { block } => {
                if until == Until::Imported {
                    fetcher.imported(now, block.header.hash(), Verdict::Valid, tip);
                }
            }
            Output::Relay { .. } | Output::Announce { .. } => drop(black_box(output)),
            Output::Cancel { .. }
            | Output::ImportHeader { .. }
            | Output::Penalise { .. }
            | Output::OutOfReach { .. }
            | Output::Event(_) => unreachable!("{output:?}"),
        }
    }
}

fn announce(fetcher: &mut Fetcher<Small>, now: Time, tip: &Tip, block: &BlockOf<Small>, peer: u32) {
    let admission = fetcher.announce(now, &peer, block.header.hash(), block.header.number(), tip);
    assert_eq!(admission, Admission::Known);
    black_box((fetcher.poll_output(), fetcher.poll_timeout()));
}

/// What a simulated delivery costs in the fetcher: one push with all that follows, and twenty
/// announcements.
pub(crate) fn cold(criterion: &mut Criterion<CpuTime>) {
    let mut crowd = Crowd::new();
    let mut group = crate::flat(criterion, "cold, of 10,000 fetchers in turn");
    group.bench_function("pushed, verified, imported", |bencher| {
        bencher.iter_custom(|iterations| {
            per_call(iterations, || {
                let block = crowd.next_block();
                let taken = crowd.each(|fetcher, now, tip| push(fetcher, now, tip, &block, Until::Imported));
                crowd.advance(&block);
                taken
            })
        });
    });
    for (what, until) in
        [("announced while importing", Until::Importing), ("announced when known", Until::Imported)]
    {
        group.bench_function(what, |bencher| {
            bencher.iter_custom(|iterations| {
                per_call(iterations, || {
                    let block = crowd.next_block();
                    crowd.each(|fetcher, now, tip| push(fetcher, now, tip, &block, until));
                    let taken = (1..5)
                        .map(|peer| crowd.each(|fetcher, now, tip| announce(fetcher, now, tip, &block, peer)))
                        .sum::<Duration>();
                    if until == Until::Importing {
                        crowd.each(|fetcher, now, tip| import(fetcher, now, tip, &block));
                    }
                    crowd.advance(&block);
                    taken / 4
                })
            });
        });
    }
    group.bench_function("announced, asked for, delivered, imported", |bencher| {
        bencher.iter_custom(|iterations| {
            per_call(iterations, || {
                let block = crowd.next_block();
                let taken = crowd.each(|fetcher, now, tip| fetch(fetcher, now, tip, &block));
                crowd.advance(&block);
                taken
            })
        });
    });
    group.finish();
}

fn fetch(fetcher: &mut Fetcher<Small>, now: Time, tip: &Tip, block: &BlockOf<Small>) {
    let admission = fetcher.announce(now, &0, block.header.hash(), block.header.number(), tip);
    assert_eq!(admission, Admission::Accepted);
    carry_out(fetcher, now, tip, block, Until::Imported);
}

/// Whole rounds over all fetchers, until `iterations` calls were made, and the share of that.
fn per_call(iterations: u64, mut round: impl FnMut() -> Duration) -> Duration {
    let rounds = iterations.div_ceil(FETCHERS as u64);
    let total: Duration = (0..rounds).map(|_| round()).sum();
    total.mul_f64(iterations as f64 / (rounds * FETCHERS as u64) as f64)
}
