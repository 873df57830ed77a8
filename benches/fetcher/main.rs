//! The workloads that were measured on go-ethereum v1.13.15's own fetcher, on ours.
//! docs/performance.md has the figures side by side.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    missing_docs,
    reason = "a benchmark"
)]

mod blocks;
mod cold;
mod cpu;
mod host;

use std::hint::black_box;
use std::time::Duration;

use alloy_primitives::B256;
use criterion::measurement::Measurement;
use criterion::{BenchmarkGroup, BenchmarkId, Criterion, SamplingMode, criterion_group, criterion_main};
use herald_fetcher::{Admission, BodyRequest, Config, Hedge};
use herald_proto::{Block, BlockExt as _, Body, Header};

use blocks::{Maker, peer};
use cpu::CpuTime;
use host::Host;

/// Our configuration, but with as much in flight for one peer as geth allows.
fn wide(base: Config) -> Config {
    base.with(|config| {
        config.peers = 1_024;
        config.requests_per_peer = 256;
        config.announcements_per_peer = 256;
    })
}

/// Times `operation` on each of the items that `set_up` gives, until `iterations` were made.
///
/// `set_up` may use the host of the round before again, and the first round is not counted: so the
/// tables have grown to their working size, as they have in a node that has run for a while.
fn time_each<I>(
    iterations: u64,
    mut set_up: impl FnMut(Option<Host>) -> (Host, Vec<I>),
    mut operation: impl FnMut(&mut Host, I),
) -> Duration {
    let (mut host, items) = set_up(None);
    for item in items {
        operation(&mut host, item);
    }
    let (mut done, mut total) = (0, Duration::ZERO);
    let mut last = Some(host);
    while done < iterations {
        let (mut host, items) = set_up(last.take());
        assert!(!items.is_empty(), "a round without operations would never end");
        done += items.len() as u64;
        let start = CpuTime.start();
        for item in items {
            operation(&mut host, item);
        }
        total += CpuTime.end(start);
        last = Some(host);
    }
    // A round is timed whole, however few operations were asked for: a single one would measure the
    // caches that the set-up left behind.
    total.mul_f64(iterations as f64 / done as f64)
}

/// Every peer announces as many hashes as it may, in turn with the others.
fn accepted(criterion: &mut Criterion<CpuTime>) {
    let mut group = flat(criterion, "announcement accepted");
    for (policy, base) in [("waits for a push", Config::geth()), ("asked for at once", Config::default())] {
        for peers in [50, 400] {
            let mut maker = Maker::new();
            let hashes: Vec<_> = (0..peers * 256).map(|_| maker.hash()).collect();
            group.bench_function(BenchmarkId::new(policy, peers), |bencher| {
                bencher.iter_custom(|iterations| {
                    let set_up = |host: Option<Host>| {
                        let items: Vec<_> = hashes.iter().copied().enumerate().collect();
                        (Host::again(host, &wide(base.clone()), peers), items)
                    };
                    time_each(iterations, set_up, |host, (n, hash)| {
                        let number = 1 + (n % 32) as u64;
                        let who = peer(n % peers);
                        let admission = host.fetcher.announce(host.now, &who, hash, number, &host.chain);
                        debug_assert_eq!(admission, Admission::Accepted);
                        while let Some(output) = host.fetcher.poll_output() {
                            black_box(output);
                        }
                    })
                });
            });
        }
    }
    group.finish();
}

/// One peer announces far more than it may.
fn flood(criterion: &mut Criterion<CpuTime>) {
    let mut maker = Maker::new();
    let hashes: Vec<_> = (0..200_000).map(|_| maker.hash()).collect();
    let mut group = flat(criterion, "announcement");
    group.bench_function("refused for its peer's limit", |bencher| {
        bencher.iter_custom(|iterations| {
            let set_up = |host: Option<Host>| {
                let mut host = Host::again(host, &Config::default(), 50);
                for _ in 0..256 {
                    let hash = maker.hash();
                    let _ = host.fetcher.announce(host.now, &peer(0), hash, 1, &host.chain);
                }
                host.drain();
                (host, hashes.clone())
            };
            time_each(iterations, set_up, |host, hash| {
                let admission = host.fetcher.announce(host.now, &peer(0), hash, 1, &host.chain);
                debug_assert_eq!(admission, Admission::PeerLimit);
            })
        });
    });
}

/// Many hashes are in flight at silent peers while others announce.
fn in_flight(criterion: &mut Criterion<CpuTime>) {
    let mut group = flat(criterion, "announcement while others are in flight");
    for in_flight in [256, 4_096, 12_800] {
        let silent = in_flight / 256;
        let mut maker = Maker::new();
        group.bench_function(BenchmarkId::from_parameter(in_flight), |bencher| {
            bencher.iter_custom(|iterations| {
                let set_up = |host: Option<Host>| {
                    let mut host = Host::again(host, &wide(Config::default()), silent + 16);
                    for n in 0..in_flight {
                        let hash = maker.hash();
                        let _ = host.fetcher.announce(host.now, &peer(n / 256), hash, 1, &host.chain);
                        host.drain();
                    }
                    host.pass(Duration::from_millis(20));
                    (host, (0..16 * 256).map(|n| (silent + n % 16, maker.hash())).collect())
                };
                time_each(iterations, set_up, |host, (who, hash)| {
                    let admission = host.fetcher.announce(host.now, &peer(who), hash, 1, &host.chain);
                    debug_assert_eq!(admission, Admission::Accepted);
                    while let Some(output) = host.fetcher.poll_output() {
                        black_box(output);
                    }
                })
            });
        });
    }
    group.finish();
}

/// Headers that were asked for arrive, as bytes; their hash is taken on the way.
fn headers(criterion: &mut Criterion<CpuTime>) {
    let mut group = flat(criterion, "requested header, decoded and hashed");
    for in_flight in [16_usize, 4_096] {
        let mut maker = Maker::new();
        let body = maker.body(1);
        let headers: Vec<_> =
            (0..in_flight).map(|_| maker.header(1, B256::ZERO, body.commitment())).collect();
        group.bench_function(BenchmarkId::from_parameter(in_flight), |bencher| {
            bencher.iter_custom(|iterations| {
                let set_up = |host: Option<Host>| {
                    let config =
                        wide(Config::default()).with(|config| config.body_request = BodyRequest::AfterHeader);
                    let mut host = Host::again(host, &config, in_flight.div_ceil(256));
                    for (n, header) in headers.iter().enumerate() {
                        let _ =
                            host.fetcher.announce(host.now, &peer(n / 256), header.hash(), 1, &host.chain);
                    }
                    host.drain();
                    let requests = core::mem::take(&mut host.header_requests);
                    let items: Vec<_> = requests
                        .into_iter()
                        .zip(headers.iter().map(|header| header.raw().to_vec()))
                        .collect();
                    (host, items)
                };
                time_each(iterations, set_up, |host, ((request, who, _), raw)| {
                    host.deliver_header(request, who, Header::decode(&raw).unwrap());
                    while let Some(output) = host.fetcher.poll_output() {
                        black_box(output);
                    }
                })
            });
        });
    }
    group.finish();
}

/// Bodies of 200 transactions arrive, as bytes; 64 are waited for.
fn bodies(criterion: &mut Criterion<CpuTime>) {
    let mut maker = Maker::new();
    let blocks: Vec<_> = (0..64)
        .map(|_| {
            let body = maker.body(200);
            Block::new(maker.header(1, B256::ZERO, body.commitment()), body)
        })
        .collect();
    let mut group = flat(criterion, "body");
    group.bench_function("of 200 transactions, decoded, roots taken, matched", |bencher| {
        bencher.iter_custom(|iterations| {
            // A new host for each round: the last one has these blocks in its chain.
            let set_up = |_: Option<Host>| {
                let config =
                    wide(Config::default()).with(|config| config.body_request = BodyRequest::AfterHeader);
                let mut host = Host::new(config, 1);
                for block in &blocks {
                    let _ = host.fetcher.announce(host.now, &peer(0), block.hash(), 1, &host.chain);
                }
                host.drain();
                for ((request, who, _), block) in
                    core::mem::take(&mut host.header_requests).iter().zip(&blocks)
                {
                    host.deliver_header(*request, *who, block.header.clone());
                }
                host.drain();
                let requests = core::mem::take(&mut host.body_requests);
                let raw: Vec<_> = blocks.iter().map(|block| block.body.encode()).collect();
                (host, requests.into_iter().zip(raw).collect())
            };
            time_each(iterations, set_up, |host, ((request, who, _), raw)| {
                host.deliver_body(request, who, Body::decode(&raw).unwrap());
                host.drain();
            })
        });
    });
}

/// Blocks announced by all peers, fetched and imported; 32 are open at a time.
fn pipeline(criterion: &mut Criterion<CpuTime>) {
    let mut group = flat(criterion, "announce, fetch and import");
    for (what, transactions) in [("empty block", 0), ("10 transactions", 10)] {
        let chain = Maker::new().chain(B256::ZERO, 4_992, transactions);
        let raw: Vec<_> = chain
            .iter()
            .map(|block| (block.hash(), block.header.raw().to_vec(), block.body.encode()))
            .collect();
        for peers in [1, 16] {
            group.bench_function(BenchmarkId::new(what, peers), |bencher| {
                bencher.iter_custom(|iterations| {
                    let set_up = |_: Option<Host>| {
                        let windows: Vec<_> = raw.chunks(32).map(<[_]>::to_vec).collect();
                        (
                            Host::new(
                                wide(Config::default()).with(|config| config.hedge = Hedge::Off),
                                peers,
                            ),
                            windows,
                        )
                    };
                    // An operation here is a window of 32 blocks.
                    let windows = iterations.div_ceil(32);
                    let total = time_each(windows, set_up, |host, window| run_window(host, peers, &window));
                    total.mul_f64(iterations as f64 / (windows * 32) as f64)
                });
            });
        }
    }
    group.finish();
}

fn run_window(host: &mut Host, peers: usize, window: &[(B256, Vec<u8>, Vec<u8>)]) {
    let before = host.imported;
    for (n, (hash, _, _)) in window.iter().enumerate() {
        for who in 0..peers {
            let number = host.chain.head + 1 + n as u64;
            let _ = host.fetcher.announce(host.now, &peer(who), *hash, number, &host.chain);
        }
    }
    host.drain();
    let raw = |hash: &B256| window.iter().find(|item| item.0 == *hash).expect("asked for what was announced");
    while !host.header_requests.is_empty() || !host.body_requests.is_empty() {
        for (request, who, hash) in core::mem::take(&mut host.header_requests) {
            host.deliver_header(request, who, Header::decode(&raw(&hash).1).unwrap());
            host.drain();
        }
        for (request, who, hashes) in core::mem::take(&mut host.body_requests) {
            for hash in hashes {
                let body = Body::decode(&raw(&hash).2).unwrap();
                // A body asked for ahead of an empty block's header was cancelled.
                let _ = host.fetcher.bodies(host.now, &who, request, vec![body], &host.chain);
            }
            host.drain();
        }
    }
    assert_eq!(host.imported - before, window.len() as u64, "all were imported");
}

/// Blocks pushed in order, imported at once.
fn pushes(criterion: &mut Criterion<CpuTime>) {
    let mut group = flat(criterion, "pushed block, import included");
    let chain = Maker::new().chain(B256::ZERO, 10_000, 0);
    let full = Maker::new().chain(B256::ZERO, 500, 200);
    group.bench_function("decoded before", |bencher| {
        bencher.iter_custom(|iterations| {
            let set_up = |_: Option<Host>| (Host::new(Config::default(), 1), chain.clone());
            time_each(iterations, set_up, |host, block| {
                let _ = host.fetcher.push(host.now, &peer(0), block, &host.chain);
                host.drain();
            })
        });
    });
    for (what, blocks) in [("with decoding, empty", &chain), ("with decoding, 200 transactions", &full)] {
        let raw: Vec<_> = blocks.iter().map(Block::encode).collect();
        group.bench_function(what, |bencher| {
            bencher.iter_custom(|iterations| {
                let set_up = |_: Option<Host>| (Host::new(Config::default(), 1), raw.clone());
                time_each(iterations, set_up, |host, raw| {
                    let block = Block::decode(&raw).unwrap();
                    let _ = host.fetcher.push(host.now, &peer(0), block, &host.chain);
                    host.drain();
                })
            });
        });
    }
    group.finish();
}

/// A group whose samples all have the same number of operations: whole rounds.
fn flat<'a>(criterion: &'a mut Criterion<CpuTime>, name: &str) -> BenchmarkGroup<'a, CpuTime> {
    let mut group = criterion.benchmark_group(name);
    group.sampling_mode(SamplingMode::Flat);
    group
}

fn measured() -> Criterion<CpuTime> {
    Criterion::default()
        .with_measurement(CpuTime)
        .without_plots()
        .warm_up_time(Duration::from_millis(100))
        .measurement_time(Duration::from_millis(1_000))
        .sample_size(10)
}

criterion_group! {
    name = benches;
    config = measured();
    targets = accepted, flood, in_flight, headers, bodies, pipeline, pushes, cold::cold
}
criterion_main!(benches);
