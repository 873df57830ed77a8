//! Worlds that are small enough for a closed form: what comes out must be that, to the nanosecond.

#![allow(clippy::indexing_slicing, clippy::unwrap_used, missing_docs, reason = "tests")]

use herald_simnet::measure::Run;
use herald_simnet::measure::stats::Estimate;
use herald_simnet::scenario::units::{BitRate, Size, Span};
use herald_simnet::scenario::{
    ChainModel, LinkModel, Policy, Regions, Scenario, Sealing, SizeDraw, SmallMessages, Topology,
};
use herald_simnet::world::{self, Setup};

const LATENCY: u64 = 40_000_000;
const CHECK: u64 = 1_000_000;
const IMPORT: u64 = 50_000_000;
const BLOCK: u64 = 60_000;
const HEADER: u64 = 600;
const OVERHEAD: u64 = 60;
const ANNOUNCEMENT: u64 = 100;
const REQUEST: u64 = 110;

/// One sealer, one block, no jitter, no warm-up; 8 Mbit/s up is a byte a microsecond.
fn scenario(nodes: u32, topology: Topology) -> Scenario {
    Scenario {
        name: "arithmetic".into(),
        nodes,
        policies: vec![Policy::Herald],
        topology,
        regions: Regions::one(Span(LATENCY), BitRate::mbit(8), BitRate::mbit(16)),
        links: LinkModel { jitter: 0.0, ..LinkModel::default() },
        chain: ChainModel {
            blocks: 1,
            warm_up: 0,
            drain: Span::s(150),
            interval: Span::s(10),
            sealing: Sealing::Turn,
            sealers: 1,
            block_size: SizeDraw::Fixed(Size(BLOCK)),
            header_check: Span(CHECK),
            import: Span(IMPORT),
            ..ChainModel::default()
        },
        ..Scenario::default()
    }
}

fn run(scenario: &Scenario, policy: Policy) -> Run {
    let setup = Setup::new(scenario).expect("a scenario that can be run");
    let run = world::run(scenario, &setup, policy);
    assert_eq!((run.violation.as_ref(), run.astray, run.not_empty), (None, 0, 0));
    run
}

/// Nanoseconds for so many bytes at 8 Mbit/s.
fn up(bytes: u64) -> u64 {
    bytes * 1_000
}

/// The block sent whole over one link: the downlink is faster than the uplink, and free.
fn pushed() -> u64 {
    up(BLOCK + OVERHEAD) + LATENCY
}

/// A scenario whose only sealer is node 0: the seed is looked for.
fn sealed_by_the_first(mut scenario: Scenario) -> (Scenario, Setup) {
    loop {
        let setup = Setup::new(&scenario).expect("a scenario that can be run");
        if setup.schedule.slots[0].sealer.index() == 0 {
            return (scenario, setup);
        }
        scenario.seed += 1;
    }
}

#[test]
fn a_line_that_pushes_takes_a_hop_for_each_node() {
    let (scenario, setup) = sealed_by_the_first(scenario(8, Topology::Line));
    let run = world::run(&scenario, &setup, Policy::PushToAll);
    let block = &run.blocks[0];
    assert_eq!(block.imported[0], 0);
    for hops in 1..8 {
        // Each node on the way checks the header before it hands the block on.
        let (node, hops) = (hops as usize, hops);
        let whole = hops * pushed() + (hops - 1) * CHECK;
        assert_eq!((block.whole[node], block.heard[node]), (whole, whole), "{hops} hops");
        assert_eq!(block.imported[node], whole + CHECK + IMPORT, "{hops} hops");
    }
}

#[test]
fn a_line_that_announces_takes_three_trips_for_each_node() {
    let (scenario, setup) = sealed_by_the_first(scenario(6, Topology::Line));
    let run = world::run(&scenario, &setup, Policy::AnnounceOnly);
    let block = &run.blocks[0];
    // Both requests leave at once, the body's behind the header's. The replies leave as their requests
    // come; the body waits for what is left of the header, which overtakes it and is out by then.
    let announced = up(ANNOUNCEMENT) + LATENCY;
    let header_out = up(REQUEST) + LATENCY + up(HEADER + OVERHEAD);
    let body_out = (up(2 * REQUEST) + LATENCY).max(header_out) + up(BLOCK - HEADER + OVERHEAD);
    let hop = announced + body_out + LATENCY;
    for hops in 1..6 {
        let (node, hops) = (hops as usize, hops);
        let whole = hops * hop + (hops - 1) * (CHECK + IMPORT);
        assert_eq!(block.whole[node], whole, "{hops} hops");
        assert_eq!(block.imported[node], whole + CHECK + IMPORT, "{hops} hops");
    }
}

#[test]
fn a_burst_shares_one_uplink_in_turn() {
    let (scenario, setup) = sealed_by_the_first(scenario(40, Topology::Star));
    let run = world::run(&scenario, &setup, Policy::PushToAll);
    let mut imported: Vec<u64> = run.blocks[0].imported.clone();
    imported.sort_unstable();
    let expected: Vec<u64> = (0..40)
        .map(|rank| if rank == 0 { 0 } else { rank * up(BLOCK + OVERHEAD) + LATENCY + CHECK + IMPORT })
        .collect();
    assert_eq!(imported, expected);
}

#[test]
fn small_messages_overtake_bodies_or_wait_behind_them() {
    let when = |small| {
        let mut scenario = scenario(26, Topology::Star);
        scenario.links.small_messages = small;
        let (scenario, setup) = sealed_by_the_first(scenario);
        // Five of 25 are sent the block, the other twenty an announcement behind it.
        let mut heard = world::run(&scenario, &setup, Policy::Herald).blocks[0].heard.clone();
        heard.sort_unstable();
        heard
    };
    let overtaking = when(SmallMessages::Overtake);
    assert_eq!(overtaking[1], up(ANNOUNCEMENT) + LATENCY);
    assert_eq!(overtaking[20], 20 * up(ANNOUNCEMENT) + LATENCY);
    let queued = when(SmallMessages::Queue);
    // Five bodies first, then the announcements.
    assert_eq!(queued[1], pushed());
    assert_eq!(queued[6], 5 * up(BLOCK + OVERHEAD) + up(ANNOUNCEMENT) + LATENCY);
    assert_eq!(queued[25], 5 * up(BLOCK + OVERHEAD) + 20 * up(ANNOUNCEMENT) + LATENCY);
}

/// A node to which blocks come at random, and whose import takes always the same, is an M/D/1 queue:
/// the mean wait is ρ/(2·(1 − ρ)) service times (Pollaczek and Khinchine).
#[test]
fn imports_at_random_arrivals_wait_as_the_theory_says() {
    let load = 0.5;
    let wait = |seed| {
        let mut scenario = scenario(2, Topology::Line);
        scenario.seed = seed;
        scenario.chain.blocks = 400;
        scenario.chain.warm_up = 50;
        scenario.chain.sealing = Sealing::Poisson;
        scenario.chain.interval = Span((IMPORT as f64 / load) as u64);
        scenario.chain.header_check = Span::ZERO;
        scenario.regions = Regions::one(Span(1_000), BitRate::mbit(100_000), BitRate::mbit(100_000));
        let run = run(&scenario, Policy::PushToAll);
        let waits = run.blocks.iter().map(|block| {
            let node = 1 - block.sealer.index();
            // What is left of the sum when import and header check are taken away.
            (block.imported[node] - block.whole[node] - IMPORT) as f64 / IMPORT as f64
        });
        waits.sum::<f64>() / run.blocks.len() as f64
    };
    let found = Estimate::of(&(1..=40).map(wait).collect::<Vec<_>>()).expect("many seeds");
    let theory = load / (2.0 * (1.0 - load));
    let (low, high) = found.interval();
    assert!(low <= theory && theory <= high, "theory {theory}, found {low} to {high}");
}
