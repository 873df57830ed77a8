#![allow(clippy::unwrap_used, reason = "tests")]

use super::*;
use crate::scenario::{CutDirection, Exit, FetcherOptions, MemoryKept};

fn message(change: impl FnOnce(&mut Scenario)) -> String {
    let mut scenario = Scenario::default();
    change(&mut scenario);
    scenario.check().unwrap_err().to_string()
}

#[test]
fn the_default_can_run() {
    Scenario::default().check().unwrap();
    let one = Regions::one(Span::ms(10), BitRate::mbit(10), BitRate::mbit(10));
    Scenario { regions: one, ..Scenario::default() }.check().unwrap();
}

#[test]
fn each_range_is_held() {
    type Change = fn(&mut Scenario);
    let cases: [(&str, Change); 31] = [
        ("`seed` is", |s| s.seed = u64::MAX),
        ("`nodes` is 1;", |s| s.nodes = 1),
        ("`nodes` is 1000001;", |s| s.nodes = 1_000_001),
        ("`policies` is 0;", |s| s.policies.clear()),
        ("`topology.degree` is 100; it must be from 2 to 99", |s| {
            s.topology = Topology::RandomRegular { degree: 100 };
        }),
        ("`topology.degree` is 1;", |s| s.topology = Topology::RandomRegular { degree: 1 }),
        ("`nodes (of a star)`", |s| (s.nodes, s.topology) = (20_000, Topology::Star)),
        ("`links.jitter` is NaN;", |s| s.links.jitter = f64::NAN),
        ("`links.jitter` is -0.1;", |s| s.links.jitter = -0.1),
        ("`links.loss` is 1;", |s| s.links.loss = 1.0),
        ("`links.retransmit` is 0 ns;", |s| s.links.retransmit = Span::ZERO),
        ("`links.retransmissions_max` is 0;", |s| s.links.retransmissions_max = 0),
        ("`regions.latency` is 5 s; it must be from 0 ns to 4 s", |s| {
            s.regions = Regions::one(Span::s(5), BitRate::mbit(1), BitRate::mbit(1));
        }),
        ("`regions.latency (with links.jitter)` is 4.4 s;", |s| {
            s.regions = Regions::one(Span::s(4), BitRate::mbit(1), BitRate::mbit(1));
        }),
        ("`regions.up` is 0 bit/s;", |s| s.regions = Regions::one(Span::ZERO, BitRate(0), BitRate::mbit(1))),
        ("`wire.header` is 0 B;", |s| s.wire.header = Size(0)),
        ("`chain.block_size` is 599 B; it must be from 600 B to 64 MiB", |s| {
            s.chain.block_size = SizeDraw::Fixed(Size(599));
        }),
        ("`chain.block_size` is 65 MiB;", |s| s.chain.block_size = SizeDraw::Fixed(Size::mib(65))),
        ("`chain.block_size.max` is 1 KB;", |s| {
            s.chain.block_size = SizeDraw::Uniform(Size::kb(2), Size::kb(1));
        }),
        ("`chain.block_size.sigma` is inf;", |s| {
            s.chain.block_size = SizeDraw::LogNormal(Size::kb(2), f64::INFINITY);
        }),
        ("`chain.blocks` is 0;", |s| s.chain.blocks = 0),
        ("`chain.blocks and chain.warm_up together`", |s| s.chain.warm_up = SLOTS_MAX),
        ("`chain.interval` is 0 ns;", |s| s.chain.interval = Span::ZERO),
        ("`chain.drain` is 48 h;", |s| s.chain.drain = Span::s(172_800)),
        ("`chain.shares` is -1;", |s| (s.chain.sealers, s.chain.shares) = (2, vec![2.0, -1.0])),
        ("`chain.local_fault` is 1;", |s| s.chain.local_fault = 1.0),
        ("`adversaries.share, all together,` is 1;", |s| {
            s.adversaries = vec![Adversaries { share: 0.5, ..Adversaries::new(AdversaryKind::Junk) }; 2];
        }),
        ("`adversaries.every` is 0 ns;", |s| {
            s.adversaries = vec![Adversaries { every: Span::ZERO, ..Adversaries::new(AdversaryKind::Junk) }];
        }),
        ("`faults.share (of those who leave)` is 1;", |s| {
            s.faults = vec![ScheduledFault::Leave { at: Span::ZERO, share: 1.0 }];
        }),
        ("`assertions.redundancy` is NaN;", |s| s.assertions.redundancy = Some(f64::NAN)),
        ("`fetcher.window_above` is", |s| s.fetcher.window_above = Some(u64::MAX)),
    ];
    for (wanted, change) in cases {
        let message = message(change);
        assert!(message.starts_with(wanted), "{message}");
        assert!(message.contains("it must be from"), "{message}");
    }
}

#[test]
fn faults_end() {
    let churn = |lasts, every| ScheduledFault::Churn {
        at: Span::ZERO,
        lasts,
        every,
        away: Span::s(1),
        exit: Exit::Closed,
        memory: MemoryKept::Chain,
    };
    let often = message(|s| s.faults = vec![churn(Span::s(3_600), Span(1_000))]);
    assert_eq!(often, "`faults.every` is 1 us; it must be from 360 us to 8760 h");
    let partition = |share| ScheduledFault::Partition {
        at: Span::ZERO,
        lasts: Span::s(1),
        share,
        direction: CutDirection::Both,
    };
    let scenario =
        Scenario { faults: vec![churn(Span::s(60), Span::ms(1)), partition(0.5)], ..Default::default() };
    scenario.check().unwrap();
    assert!(message(|s| s.faults = vec![partition(f64::NAN)]).contains("is NaN"));
}

#[test]
fn what_does_not_fit_together_is_named() {
    let sum = message(|s| s.regions.shares = vec![0.1; 6]);
    assert!(sum.starts_with("`regions.shares` come to 0.6") && sum.ends_with("they must come to 1"), "{sum}");
    let length = message(|s| s.regions.up = vec![BitRate::mbit(1); 5]);
    assert_eq!(length, "`regions.up` has 5 entries; it must have 6");
    let length = message(|s| s.chain.shares = vec![1.0; 3]);
    assert_eq!(length, "`chain.shares` has 3 entries; it must have 20");
    let nothing = message(|s| s.chain.shares = vec![0.0; 20]);
    assert_eq!(nothing, "`chain.shares` come to 0; they must come to more than 0");
    let table = message(|s| s.topology = Topology::Degrees { cumulative: vec![0.5, 0.7] });
    assert_eq!(table, "`topology.cumulative` come to 0.7; they must come to 1");
    let falling = message(|s| s.topology = Topology::Degrees { cumulative: vec![0.5, 0.4, 1.0] });
    assert_eq!(falling, "`topology.cumulative` is 0.4; it must be from 0.5 to 1.000001");
    let links = message(|s| {
        s.nodes = NODES_MAX;
        s.topology = Topology::RandomRegular { degree: 100 };
    });
    assert!(links.starts_with("the topology has about 100000000 links"), "{links}");
    let twice = message(|s| s.policies = vec![Policy::Herald, Policy::GethModel, Policy::Herald]);
    assert_eq!(twice, "`policies` has \"herald\" twice; take one out");
    let sealers = message(|s| s.chain.sealers = 101);
    assert!(sealers.starts_with("`chain.sealers` is 101, but there are 100 honest nodes"), "{sealers}");
    for name in ["", "../x", ".hidden", "a b", &"x".repeat(65)] {
        assert!(message(|s| s.name = name.into()).starts_with("`name` is"), "{name}");
    }
}

#[test]
fn edges_are_checked() {
    let edges = |edges: &[(u32, u32)]| {
        let topology = Topology::Edges { edges: edges.to_vec() };
        message(|s| (s.nodes, s.chain.sealers, s.topology) = (3, 1, topology))
    };
    assert!(edges(&[(0, 1), (1, 3)]).starts_with("`topology.edges` has 1 3, but there are 3 nodes"));
    assert!(edges(&[(0, 1), (2, 2)]).contains("connects node 2 to itself"));
    assert!(edges(&[(0, 1), (1, 2), (1, 0)]).contains("has 0 1 twice"));
    assert!(edges(&[]).starts_with("`topology.edges` is 0;"));
}

#[test]
fn the_fetchers_own_check_is_asked() {
    let zero = FetcherOptions { importing: Some(0), ..FetcherOptions::default() };
    let message = message(|s| s.fetcher = zero);
    assert_eq!(message, "`fetcher` under herald: `importing` is 0; it must be at least 1");
}

#[test]
fn hostile_nodes_are_counted() {
    let of = |kind, share| Adversaries { share, ..Adversaries::new(kind) };
    let adversaries = vec![
        of(AdversaryKind::Junk, 0.2),
        of(AdversaryKind::Empty, 0.001),
        of(AdversaryKind::Replay, 0.0),
        of(AdversaryKind::Eclipse, 0.2),
    ];
    let scenario = Scenario { adversaries, ..Scenario::default() };
    assert_eq!(scenario.hostile_counts(), [20, 1, 0, 0]);
}
