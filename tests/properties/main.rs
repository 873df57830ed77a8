//! Whatever is drawn, the fetcher's promises hold.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::wildcard_enum_match_arm,
    missing_docs,
    reason = "tests"
)]

mod toy;
mod usefulness;
mod world;

use std::time::Duration;

use herald_fetcher::{
    BodyRequest, Choice, Config, Deadline, FanOut, Gather, Grace, Hedge, Mode, ReplyProgress,
};
use proptest::prelude::*;

use usefulness::{Plan, Race};
use world::{Step, World};

/// Small limits, so that few steps reach them, and every policy.
fn configs() -> impl Strategy<Value = Config> {
    let limits = (1..6_u32, 1..4_u32, 1..3_u32, 2..8_u32, 1..4_u32, 0..3_u32);
    let policies = (any::<bool>(), 0..4_u8, 0..2_u8, 0..3_u8, any::<bool>(), any::<u64>(), 0..10_u8);
    (limits, policies, 8_000..60_000_u64).prop_map(|(limits, policies, bytes_per_peer)| {
        let (announcements, blocks, requests, peers, importing, deferred) = limits;
        let (geth, fan_out, choice, body_request, hedge, seed, mode) = policies;
        let mut config = if geth { Config::geth() } else { Config::default() };
        let ms = Duration::from_millis;
        config.seed = seed;
        config.mode = if mode == 0 { Mode::HeadersOnly } else { Mode::Full };
        config.grace = if seed.is_multiple_of(3) { Grace::Adaptive { max: ms(300) } } else { config.grace };
        config.gather = Gather { window: if seed.is_multiple_of(2) { ms(50) } else { config.gather.window } };
        config.header_deadline = if geth { Deadline::Fixed(ms(900)) } else { config.header_deadline };
        config.hedge = if hedge { Hedge::After { min: ms(20), max: ms(200) } } else { Hedge::Off };
        config.body_request = [BodyRequest::AfterHeader, BodyRequest::WithHeader, BodyRequest::Adaptive]
            [usize::from(body_request)];
        config.choice = [Choice::Fastest, Choice::Random][usize::from(choice)];
        config.fan_out = [FanOut::None, FanOut::SquareRoot, FanOut::SquareRootOfLacking, FanOut::All]
            [usize::from(fan_out)];
        config.reply_progress =
            [ReplyProgress::Unreported, ReplyProgress::Reported][usize::from(seed.is_multiple_of(5))];
        config.window_above = 12;
        config.deferred_per_peer = deferred;
        config.announcements_per_peer = announcements * 3;
        config.blocks_per_peer = blocks;
        config.requests_per_peer = requests;
        config.bodies_per_request = 1 + blocks;
        config.peers = peers;
        config.importing = importing;
        config.bytes_per_peer = bytes_per_peer;
        config.bytes_total = bytes_per_peer * 3;
        config.known_blocks = 5;
        config.bad_blocks = 3;
        config.lifetime = ms(8_000);
        config.future_max = ms(2_000);
        config
    })
}

fn steps(max: usize) -> impl Strategy<Value = Vec<Step>> {
    prop::collection::vec(any::<Step>(), 1..max)
}

fn run(config: &Config, shape: u64, finality: Option<u64>, steps: &[Step]) -> World {
    let mut world = World::new(config.clone(), shape, finality);
    for peer in 0..4 {
        world.step((0, peer, 0, 0));
    }
    for step in steps {
        world.step(*step);
    }
    world
}

/// Hostile peers that announce before and after the honest one, whose line is slow but keeps up.
fn plans() -> impl Strategy<Value = Plan> {
    let hostile = prop::collection::vec((any::<u8>(), 0..15_000_u64, any::<u8>()), 0..100);
    let line = (1..400_u64, 11..100_u64, 0..4_096_u64);
    (hostile, line, 0..4_u32, any::<bool>(), any::<u64>()).prop_map(
        |(hostile, (latency_ms, rate_tenths, body_kib), ancestors, progress, seed)| Plan {
            hostile,
            latency_ms,
            rate_tenths,
            body_kib,
            ancestors,
            progress,
            seed,
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    /// Invariants, memory and attribution after every step; then every hash ends, and all counters
    /// are at zero.
    #[test]
    fn promises_hold_and_every_hash_ends(
        config in configs(), shape in any::<u64>(), finality in prop::option::of(2..8_u64), steps in steps(200)
    ) {
        let mut world = run(&config, shape, finality, &steps);
        world.wind_down();
    }

    /// From any state, a shutdown leaves nothing and says nothing.
    #[test]
    fn a_shutdown_is_empty_and_silent(config in configs(), shape in any::<u64>(), steps in steps(60)) {
        let mut world = run(&config, shape, None, &steps);
        world.shut_down();
    }

    /// The same inputs give the same outputs.
    #[test]
    fn the_same_inputs_give_the_same_outputs(config in configs(), shape in any::<u64>(), steps in steps(80)) {
        let first = run(&config, shape, Some(16), &steps);
        let second = run(&config, shape, Some(16), &steps);
        prop_assert_eq!(first.trace, second.trace);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever the others do, what an honest peer has announced is imported within the bound.
    #[test]
    fn an_honest_block_always_gets_through(plan in plans()) {
        let taken = Race::new(&plan).run();
        prop_assert!(taken.is_ok(), "{}", taken.expect_err("it took too long"));
    }
}

/// The drawn steps are worth something: among a few hundred runs they reach every outcome, every
/// end and every reason for a penalty.
#[test]
fn the_steps_reach_every_outcome() {
    use herald_fetcher::{Admission, End, Reason};
    use proptest::strategy::ValueTree;
    use proptest::test_runner::{RngAlgorithm, TestRng, TestRunner};

    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let mut runner = TestRunner::new_with_rng(ProptestConfig::default(), rng);
    let drawn = (configs(), any::<u64>(), prop::option::of(2..8_u64), steps(400));
    let mut seen = std::collections::BTreeMap::<String, u64>::new();
    for _ in 0..400 {
        let (config, shape, finality, steps) = drawn.new_tree(&mut runner).expect("drawn").current();
        let world = run(&config, shape, finality, &steps);
        let counters = world.fetcher.counters();
        for admission in Admission::ALL {
            *seen.entry(admission.label().into()).or_default() += counters.admissions(admission);
        }
        for end in End::ALL {
            *seen.entry(end.label().into()).or_default() += counters.ends(end);
        }
        for reason in Reason::ALL {
            *seen.entry(reason.label().into()).or_default() += counters.penalties(reason);
        }
        *seen.entry("hedges".into()).or_default() += counters.hedges;
        *seen.entry("deadlines".into()).or_default() += counters.deadlines_passed;
        *seen.entry("parents".into()).or_default() += counters.parents_sought;
        *seen.entry("taken up".into()).or_default() += counters.deferred_taken_up;
        *seen.entry("unmatched".into()).or_default() += counters.replies_unmatched;
        *seen.entry("unexpected".into()).or_default() += counters.answers_unexpected;
        *seen.entry("back in time".into()).or_default() += counters.time_went_back;
    }
    // A run ends before its shutdown, toys give no block that only an import finds invalid, and no
    // run is long enough for a flood. The behaviours have a test for each of these.
    let elsewhere = ["shutdown", "stopped", "invalid_block", "bad_body", "flooding"];
    let never: Vec<_> =
        seen.iter().filter(|(name, n)| **n == 0 && !elsewhere.contains(&name.as_str())).collect();
    assert!(never.is_empty(), "never reached: {never:?} of {seen:?}");
}
