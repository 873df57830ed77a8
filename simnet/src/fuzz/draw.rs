//! From a seed to a scenario: every option is drawn.
//!
//! Swarm testing (Groce and others, 2012): a scenario with everything in it at once hides most faults
//! behind the few that act first. So each scenario leaves a random part of the faults, adversaries
//! and limits out, and gives those that stay very different weights.

use core::ops::RangeInclusive;

use crate::engine::{Concern, Seed, Stream, draw};
use crate::model::chain::NodeId;
use crate::model::schedule::SlotSchedule;
use crate::policy::LifetimePromise;
use crate::scenario::units::{BitRate, Size, Span};
use crate::scenario::{
    Adversaries, AdversaryKind, Assertions, ChainModel, Core, CutDirection, Exit, FetcherOptions, LinkModel,
    MemoryKept, Policy, Regions, Scenario, ScheduledFault, Sealing, SizeDraw, SmallMessages, Topology,
    WireSizes, peers_expected,
};

/// The most nodes of a drawn scenario.
pub const NODES_MAX: u32 = 100;
/// The most blocks of a drawn scenario.
pub const BLOCKS_MAX: u32 = 20;

/// Blocks sealed after the core is healed.
const HEALED_BLOCKS: RangeInclusive<u64> = 2..=8;
/// How long a fetcher may hold a future block on top of its lifetime; the scenario cannot change it.
const FUTURE_MAX: Span = Span::s(30);
/// Rounds of range sync, reconnections and whatever else comes before the last hash is heard of.
const SETTLING: Span = Span::s(300);

/// Whether the options leave an honest network a chance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Manner {
    /// They do: after healing, the core must agree.
    Gentle,
    /// Limits and waits of any size: the fetchers may miss blocks, but never break a promise.
    Wild,
}

/// The scenario of a fuzzer's seed. It passes [`Scenario::check`], and says itself what it demands:
/// `check_stride` and the assertions are set, and [`Scenario::core`] is what must agree in the end.
pub fn draw(seed: u64) -> Scenario {
    let mut dice = Dice(Seed::new(seed).stream(Concern::Fuzz, 0));
    let manner = if dice.chance(0.6) { Manner::Gentle } else { Manner::Wild };
    let nodes = dice.between(4..=NODES_MAX.into()) as u32;
    let mut scenario = Scenario {
        name: format!("fuzz-{seed}"),
        seed,
        nodes,
        policies: vec![dice.policy()],
        topology: dice.topology(nodes),
        regions: dice.regions(manner),
        links: dice.links(manner),
        wire: dice.wire(),
        check_stride: dice.between(1..=64) as u32,
        ..Scenario::default()
    };
    scenario.adversaries = dice.adversaries(&scenario);
    scenario.chain = dice.chain(manner, &scenario);
    scenario.fetcher = dice.fetcher(manner);
    let healed = dice.between(HEALED_BLOCKS).min(u64::from(scenario.chain.blocks) - 1) as usize;
    // Times do not depend on who seals.
    let slots = SlotSchedule::draw(&scenario, &[NodeId::new(0)]).slots;
    let at = |slot: Option<&crate::model::schedule::Slot>| Span(slot.map_or(0, |slot| slot.at.as_nanos()));
    let heal = at(slots.len().checked_sub(healed + 1).and_then(|slot| slots.get(slot)));
    let last = at(slots.last());
    let core =
        Core { from: Span(heal.0 + 1), share: if dice.chance(0.5) { 1.0 } else { dice.share(0.2, 1.0) } };
    scenario.faults = dice.faults(heal, last);
    scenario.core = Some(core);
    scenario.chain.drain = drain(&scenario);
    scenario.assertions = Assertions {
        converged: manner == Manner::Gentle,
        no_honest_penalised: true,
        memory_bounded: true,
        nothing_left: true,
        ..Assertions::default()
    };
    scenario
}

/// Long enough for every hash to come to its end: what is still under way arrives, is held for a
/// lifetime, and those who have missed something catch up.
fn drain(scenario: &Scenario) -> Span {
    let chain = &scenario.chain;
    let lifetime = scenario.fetcher.lifetime.unwrap_or(Span::s(120));
    let blocks = u64::from(chain.blocks) + u64::from(chain.warm_up);
    let slowest = scenario.regions.up.iter().chain(&scenario.regions.down).min().copied();
    let slowest = slowest.unwrap_or(BitRate::mbit(1));
    let backlog = slowest.time_for(blocks * largest(&chain.block_size).0 * 4);
    let host = blocks * (chain.import.0 + chain.header_check.0) * 4;
    let connections = 4 * scenario.links.connection_timeout.0;
    let held = 2 * lifetime.0 + FUTURE_MAX.0 + chain.clock_skew.0;
    Span(held + backlog + host + connections + SETTLING.0)
}

fn largest(size: &SizeDraw) -> Size {
    match *size {
        SizeDraw::Fixed(bytes) | SizeDraw::Uniform(_, bytes) => bytes,
        // Five deviations above the median.
        SizeDraw::LogNormal(median, sigma) => Size((median.0 as f64 * libm::exp(5.0 * sigma)) as u64),
    }
}

/// A stream of words, as options.
struct Dice(Stream);

impl Dice {
    fn chance(&mut self, probability: f64) -> bool {
        draw::chance(self.0.word(), probability)
    }

    /// A whole number; small ones are as likely as large ones, by order of magnitude.
    fn between(&mut self, range: RangeInclusive<u64>) -> u64 {
        let (min, max) = (*range.start(), *range.end());
        let (low, high) = (libm::log(min.max(1) as f64), libm::log(max as f64 + 1.0));
        let drawn = libm::exp(low + draw::unit(self.0.word()) * (high - low)) as u64;
        let drawn = if min == 0 && self.chance(0.1) { 0 } else { drawn };
        drawn.clamp(min, max)
    }

    fn share(&mut self, min: f64, max: f64) -> f64 {
        // In thousandths: a file that a person reads, and the same number when it is read back.
        let drawn = min + draw::unit(self.0.word()) * (max - min);
        (drawn * 1_000.0 + 0.5).floor() / 1_000.0
    }

    /// A span in whole microseconds, by order of magnitude.
    fn span(&mut self, min: Span, max: Span) -> Span {
        Span(self.between(min.0 / 1_000..=max.0 / 1_000) * 1_000)
    }

    fn pick<T: Clone>(&mut self, of: &[T]) -> T {
        let index = draw::index(self.0.word(), of.len());
        of.get(index).expect("an index below the length, which is not 0").clone()
    }

    /// Something, in half of the cases; the draws are made in either, so that options stay apart.
    fn maybe<T>(&mut self, draw: impl FnOnce(&mut Self) -> T) -> Option<T> {
        let on = self.chance(0.5);
        let drawn = draw(self);
        on.then_some(drawn)
    }

    fn policy(&mut self) -> Policy {
        match self.chance(0.85) {
            true => Policy::Herald,
            false => {
                // A machine that promises nothing is known to break what is checked here.
                let others = Policy::ALL.iter().copied().filter(|policy| *policy != Policy::Herald);
                let held = others.filter(|policy| policy.lifetime_promise() == LifetimePromise::Made);
                self.pick(&held.collect::<Vec<_>>())
            }
        }
    }

    fn topology(&mut self, nodes: u32) -> Topology {
        let most = u64::from(nodes / 2).clamp(2, 12);
        match draw::index(self.0.word(), 8) {
            0 => Topology::Line,
            1 => Topology::Star,
            2 => Topology::Degrees { cumulative: self.cumulative(most as usize) },
            3 => Topology::Edges { edges: self.edges(nodes) },
            _ => Topology::RandomRegular { degree: self.between(2..=most) as u32 },
        }
    }

    /// A table of up to `most` connections for a node, in even steps with a jump somewhere.
    fn cumulative(&mut self, most: usize) -> Vec<f64> {
        let length = 1 + draw::index(self.0.word(), most);
        let mut table: Vec<f64> = (0..length).map(|_| self.share(0.0, 1.0)).collect();
        table.sort_by(f64::total_cmp);
        if let Some(last) = table.last_mut() {
            *last = 1.0;
        }
        table
    }

    /// A tree, so that all hang together, and some more.
    fn edges(&mut self, nodes: u32) -> Vec<(u32, u32)> {
        let mut edges: Vec<(u32, u32)> =
            (1..nodes).map(|node| (draw::below(self.0.word(), node.into()) as u32, node)).collect();
        for _ in 0..self.between(0..=2 * u64::from(nodes)) {
            let one = draw::below(self.0.word(), nodes.into()) as u32;
            let other = draw::below(self.0.word(), nodes.into()) as u32;
            edges.push((one.min(other), one.max(other)));
        }
        edges.retain(|(one, other)| one != other);
        edges.sort_unstable();
        edges.dedup();
        edges
    }

    fn regions(&mut self, manner: Manner) -> Regions {
        let count = 1 + draw::index(self.0.word(), 4);
        let weights: Vec<u64> = (0..count).map(|_| self.between(1..=100)).collect();
        let sum = weights.iter().sum::<u64>() as f64;
        let (latency, rate) = match manner {
            Manner::Gentle => (Span::ms(200), BitRate::kbit(20_000)),
            Manner::Wild => (Span::s(2), BitRate::kbit(1_000)),
        };
        let mut table = vec![vec![Span::ZERO; count]; count];
        for from in 0..count {
            for to in from..count {
                let drawn = self.span(Span::ZERO, latency);
                for (row, column) in [(from, to), (to, from)] {
                    table
                        .get_mut(row)
                        .and_then(|row| row.get_mut(column))
                        .into_iter()
                        .for_each(|it| *it = drawn);
                }
            }
        }
        let mut rates = || (0..count).map(|_| BitRate(self.between(rate.0..=1_000_000_000))).collect();
        Regions {
            names: (0..count).map(|region| format!("region-{region}")).collect(),
            shares: weights.iter().map(|weight| *weight as f64 / sum).collect(),
            latency: table,
            up: rates(),
            down: rates(),
        }
    }

    fn links(&mut self, manner: Manner) -> LinkModel {
        let (loss, least) = match manner {
            Manner::Gentle => (0.05, 6),
            Manner::Wild => (0.4, 1),
        };
        LinkModel {
            jitter: self.maybe(|dice| dice.share(0.0, 1.0)).unwrap_or(0.0),
            loss: self.maybe(|dice| dice.share(0.001, loss)).unwrap_or(0.0),
            retransmit: self.span(Span::ms(20), Span::ms(500)),
            retransmissions_max: self.between(least..=12) as u32,
            small_messages: self.pick(&[SmallMessages::Overtake, SmallMessages::Queue]),
            connection_timeout: self.span(Span::s(1), Span::s(60)),
        }
    }

    fn wire(&mut self) -> WireSizes {
        WireSizes {
            header: Size(self.between(100..=1_000)),
            announcement: Size(self.between(40..=200)),
            request: Size(self.between(40..=200)),
            overhead: Size(self.between(0..=200)),
        }
    }

    fn chain(&mut self, manner: Manner, scenario: &Scenario) -> ChainModel {
        let (size, skew, fault, import) = match manner {
            Manner::Gentle => (200_000, Span::s(10), 0.1, Span::ms(200)),
            Manner::Wild => (4_000_000, Span::s(120), 0.6, Span::s(2)),
        };
        let header = scenario.wire.header;
        let small = Size(self.between(header.0..=size));
        let block_size = match draw::index(self.0.word(), 3) {
            0 => SizeDraw::Fixed(small),
            1 => SizeDraw::Uniform(small, Size(self.between(small.0..=size))),
            _ => SizeDraw::LogNormal(Size(small.0.max(header.0 + 1) / 2 + header.0), self.share(0.0, 0.5)),
        };
        let blocks = self.between(3..=BLOCKS_MAX.into()) as u32;
        let honest = scenario.nodes - hostile(scenario);
        let sealers = self.between(1..=honest.min(20).into()) as u32;
        let weights = self.maybe(|dice| (0..sealers).map(|_| dice.between(1..=1_000) as f64).collect());
        ChainModel {
            blocks,
            warm_up: 0,
            drain: Span::ZERO,
            interval: self.span(Span::ms(50), Span::s(15)),
            sealing: self.pick(&[Sealing::Turn, Sealing::Poisson]),
            sealers,
            shares: weights.unwrap_or_default(),
            block_size,
            empty_share: self.maybe(|dice| dice.share(0.0, 1.0)).unwrap_or(0.0),
            header_check: self.span(Span::ZERO, Span(import.0 / 4)),
            import: self.span(Span::ZERO, import),
            finality_depth: self.maybe(|dice| dice.between(1..=12)).unwrap_or(0),
            clock_skew: self.maybe(|dice| dice.span(Span::ms(1), skew)).unwrap_or(Span::ZERO),
            local_fault: self.maybe(|dice| dice.share(0.001, fault)).unwrap_or(0.0),
        }
    }

    /// Up to four kinds; none in some cases.
    fn adversaries(&mut self, scenario: &Scenario) -> Vec<Adversaries> {
        let kinds = if self.chance(0.3) { 0 } else { self.between(1..=4) };
        let mut scenario = Scenario { adversaries: Vec::new(), ..scenario.clone() };
        let mut left = 0.7;
        for _ in 0..kinds {
            let adversaries = Adversaries {
                kind: self.pick(AdversaryKind::ALL),
                share: self.share(0.0, left),
                every: self.span(Span::ms(50), Span::s(30)),
                delay: self.span(Span::ZERO, Span::s(10)),
            };
            let known = scenario.adversaries.iter().any(|one| one.kind == adversaries.kind);
            let share = adversaries.share;
            scenario.adversaries.push(adversaries);
            // Three honest nodes at least.
            if known || hostile(&scenario) + 3 > scenario.nodes {
                scenario.adversaries.pop();
            } else {
                left -= share;
            }
        }
        scenario.adversaries
    }

    fn faults(&mut self, heal: Span, last: Span) -> Vec<ScheduledFault> {
        let mut faults = Vec::new();
        if self.chance(0.25) {
            return faults;
        }
        for _ in 0..self.between(1..=4) {
            let at = Span(draw::below(self.0.word(), heal.0.max(1)));
            // Some go on to the last block: then the core is all that is healed.
            let end = if self.chance(0.3) { last } else { heal };
            let lasts = Span(self.between(1_000..=end.0.saturating_sub(at.0).max(1_000)));
            faults.push(match draw::index(self.0.word(), 6) {
                0 | 1 => ScheduledFault::Partition {
                    at,
                    lasts,
                    share: self.share(0.05, 0.95),
                    direction: self.pick(&[CutDirection::Both, CutDirection::OneWay]),
                },
                2 | 3 => ScheduledFault::Churn {
                    at,
                    lasts,
                    // At most some hundred departures.
                    every: Span(self.between((lasts.0 / 200).max(1_000)..=(lasts.0).max(1_000_000))),
                    away: self.span(Span::ms(10), Span::s(60)),
                    exit: self.pick(&[Exit::Closed, Exit::Silent]),
                    memory: self.pick(&[MemoryKept::Chain, MemoryKept::Nothing]),
                },
                4 => ScheduledFault::Join { at, share: self.share(0.05, 0.6) },
                _ => ScheduledFault::Leave { at, share: self.share(0.05, 0.6) },
            });
        }
        faults
    }

    fn fetcher(&mut self, manner: Manner) -> FetcherOptions {
        if self.chance(0.3) {
            return FetcherOptions::default();
        }
        match manner {
            Manner::Gentle => self.gentle_fetcher(),
            Manner::Wild => self.wild_fetcher(),
        }
    }

    /// Room for all blocks of a run at once, and time for them to come.
    fn gentle_fetcher(&mut self) -> FetcherOptions {
        FetcherOptions {
            grace: self.maybe(|dice| dice.span(Span::ZERO, Span::s(1))),
            gather: self.maybe(|dice| dice.span(Span::ZERO, Span::ms(200))),
            deadline: self.maybe(|dice| dice.span(Span::s(3), Span::s(10))),
            lifetime: self.maybe(|dice| dice.span(Span::s(60), Span::s(300))),
            window_below: self.maybe(|dice| dice.between(4..=30)),
            window_above: self.maybe(|dice| dice.between(16..=100)),
            deferred_per_peer: self.maybe(|dice| dice.between(0..=16) as u32),
            announcements_per_peer: self.maybe(|dice| dice.between(64..=1_000) as u32),
            blocks_per_peer: self.maybe(|dice| dice.between(32..=200) as u32),
            bytes_per_peer: self.maybe(|dice| Size(dice.between(16 << 20..=64 << 20))),
            bytes_total: self.maybe(|dice| Size(dice.between(256 << 20..=1 << 30))),
            requests_per_peer: self.maybe(|dice| dice.between(4..=64) as u32),
            bodies_per_request: self.maybe(|dice| dice.between(1..=64) as u32),
            importing: self.maybe(|dice| dice.between(1..=64) as u32),
            known_blocks: self.maybe(|dice| dice.between(64..=2_000) as u32),
            bad_blocks: self.maybe(|dice| dice.between(1..=200) as u32),
        }
    }

    /// Anything that is a configuration: what `Config::check` refuses is none.
    fn wild_fetcher(&mut self) -> FetcherOptions {
        // A kibibyte at least for each of 128 peers and 64 blocks with the host, and as much shared.
        let total = self.between(384 << 10..=64 << 20);
        let bytes = self.maybe(|dice| (Size(dice.between(1_024..=total)), Size(total)));
        let grace = self.maybe(|dice| dice.span(Span::ZERO, Span::s(30)));
        let gather = self.maybe(|dice| dice.span(Span::ZERO, Span::s(5)));
        let deadline = self.maybe(|dice| dice.span(Span::ms(1), Span::s(60)));
        // A hash outlives the waits for a push and for others' headers, those of geth where none is drawn.
        let shortest = grace.unwrap_or(Span::ms(500)).0.max(gather.unwrap_or(Span::ms(100)).0) + 1;
        FetcherOptions {
            grace,
            gather,
            deadline,
            lifetime: self.maybe(|dice| Span(dice.span(Span::ms(1), Span::s(300)).0.max(shortest))),
            window_below: self.maybe(|dice| dice.between(0..=30)),
            window_above: self.maybe(|dice| dice.between(1..=100)),
            deferred_per_peer: self.maybe(|dice| dice.between(0..=16) as u32),
            announcements_per_peer: self.maybe(|dice| dice.between(1..=300) as u32),
            blocks_per_peer: self.maybe(|dice| dice.between(1..=100) as u32),
            bytes_per_peer: bytes.map(|(each, _)| each),
            bytes_total: bytes.map(|(_, total)| total),
            requests_per_peer: self.maybe(|dice| dice.between(1..=64) as u32),
            bodies_per_request: self.maybe(|dice| dice.between(1..=64) as u32),
            importing: self.maybe(|dice| dice.between(1..=64) as u32),
            known_blocks: self.maybe(|dice| dice.between(1..=2_000) as u32),
            bad_blocks: self.maybe(|dice| dice.between(1..=200) as u32),
        }
    }
}

/// The most nodes that can be hostile in this scenario, those around a victim with them.
fn hostile(scenario: &Scenario) -> u32 {
    let around = peers_expected(scenario).saturating_sub(1);
    let eclipses =
        scenario.adversaries.iter().filter(|one| one.kind == AdversaryKind::Eclipse).count() as u32;
    scenario.hostile_counts().into_iter().sum::<u32>() + eclipses * around
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use std::path::Path;

    use super::*;
    use crate::model::topology::Graph;

    #[test]
    fn every_draw_can_be_run_and_written_down() {
        for seed in 0..2_000 {
            let scenario = draw(seed);
            scenario.check().unwrap_or_else(|error| panic!("seed {seed}: {error}"));
            assert_eq!(Graph::of(&scenario).unwrap().parts().into_iter().max(), Some(0), "seed {seed}");
            if seed % 20 == 0 {
                let text = scenario.to_toml().unwrap();
                assert_eq!(Scenario::parse(&text, Path::new("drawn.toml")).unwrap(), scenario, "seed {seed}");
            }
        }
    }

    #[test]
    fn the_same_seed_draws_the_same_and_another_another() {
        for seed in [0, 1, 77, i64::MAX as u64] {
            assert_eq!(draw(seed), draw(seed));
        }
        assert_ne!(draw(1).nodes, draw(2).nodes);
    }

    #[test]
    fn faults_and_adversaries_are_off_and_on() {
        let drawn: Vec<Scenario> = (0..500).map(draw).collect();
        let some = |holds: &dyn Fn(&Scenario) -> bool| {
            let count = drawn.iter().filter(|scenario| holds(scenario)).count();
            (10..490).contains(&count)
        };
        assert!(some(&|scenario| scenario.faults.is_empty()));
        assert!(some(&|scenario| scenario.links.loss > 0.0));
        assert!(some(&|scenario| scenario.chain.finality_depth > 0));
        assert!(some(&|scenario| scenario.policies == [Policy::GethTimers]));
        assert!(some(&|scenario| scenario.assertions.converged));
        for &kind in AdversaryKind::ALL {
            assert!(some(&|scenario| scenario.adversaries.iter().any(|one| one.kind == kind)), "{kind:?}");
        }
        for topology in 0..5 {
            assert!(some(&|scenario| topology
                == match scenario.topology {
                    Topology::RandomRegular { .. } => 0,
                    Topology::Degrees { .. } => 1,
                    Topology::Line => 2,
                    Topology::Star => 3,
                    Topology::Edges { .. } => 4,
                }));
        }
    }
}
