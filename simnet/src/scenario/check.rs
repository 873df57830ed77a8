//! What a scenario must be, so that a run of it neither panics nor goes on for ever.

use herald_fetcher::Config;

use super::error::{Amount, ScenarioError};
use super::units::{BitRate, Size, Span};
use super::{
    Adversaries, AdversaryKind, ChainModel, LinkModel, Policy, Regions, Scenario, ScheduledFault, SizeDraw,
    Topology, WireSizes,
};

/// The most nodes.
pub const NODES_MAX: u32 = 1_000_000;
/// The most links, each direction of a connection counted: 12 bytes each before any message.
pub const LINKS_MAX: u64 = 1 << 26;
/// The most connections that a file may list.
pub const EDGES_MAX: u32 = (LINKS_MAX / 2) as u32;
/// The most peers that every node of a random regular graph may have.
pub const DEGREE_MAX: u32 = 1_024;
/// The most blocks in one run, warm-up included.
pub const SLOTS_MAX: u32 = 100_000;
/// The longest one-way latency, jitter included: a link remembers it in 32 bits of nanoseconds.
pub const LATENCY_MAX: Span = Span::s(4);

const REGIONS_MAX: usize = 64;
const POLICIES_MAX: usize = Policy::ALL.len();
const ADVERSARIES_MAX: usize = 32;
const FAULTS_MAX: usize = 256;
const NAME_MAX: usize = 64;
const PURPOSE_MAX: usize = 4_096;
/// Above this a network is not one of honest nodes any more.
const HOSTILE_MAX: f64 = 0.9;
/// How far from 1 a sum of shares may be: published tables are rounded.
const SUM_SLACK: f64 = 1e-6;
/// The slowest link: 64 MiB to all peers of the largest star still take fewer nanoseconds than 64
/// bits hold.
const RATE_MIN: BitRate = BitRate::kbit(10);
const RATE_MAX: BitRate = BitRate::mbit(1_000_000);
/// The largest block.
pub const BLOCK_MAX: Size = Size::mib(64);
const MESSAGE_MAX: Size = Size(64 << 10);
const DAY: Span = Span::s(86_400);
const YEAR: Span = Span(DAY.0 * 365);
const SHORTEST: Span = Span(1_000);
/// The most times that nodes leave in one stretch of churn.
const DEPARTURES_MAX: u64 = 10_000_000;
/// TOML's integers have 63 bits.
const INTEGER_MAX: u64 = i64::MAX as u64;

/// A key as a file writes it, with its table and a note. It is spelt by the field or binding itself, so
/// that an error cannot name a key that there is not.
macro_rules! path {
    ($table:ident.$key:ident $(, $note:literal)?) => {{
        let _ = &$table.$key;
        concat!(stringify!($table), ".", stringify!($key) $(, $note)?)
    }};
    ($table:ident[$key:ident] $(, $note:literal)?) => {{
        let _ = &$key;
        concat!(stringify!($table), ".", stringify!($key) $(, $note)?)
    }};
}

/// A key's [`path`] and its value.
macro_rules! key {
    ($table:ident.$key:ident) => {
        (path!($table.$key), $table.$key)
    };
    ($table:ident[$key:ident] $(, $note:literal)?) => {
        (path!($table[$key] $(, $note)?), *$key)
    };
}

impl Scenario {
    /// Whether it can be run.
    ///
    /// # Errors
    /// The first thing that does not fit, and what to do about it.
    pub fn check(&self) -> Result<(), ScenarioError> {
        check_names(self)?;
        count(("seed", self.seed), 0, INTEGER_MAX)?;
        count(("nodes", self.nodes.into()), 2, NODES_MAX.into())?;
        check_policies(&self.policies)?;
        check_topology(&self.topology, self.nodes)?;
        check_regions(&self.regions)?;
        check_links(&self.links)?;
        let (regions, links) = (&self.regions, &self.links);
        let longest = regions.latency.iter().flatten().copied().max().unwrap_or_default();
        let stretched = Span((longest.0 as f64 * (1.0 + links.jitter)) as u64);
        let field = path!(regions.latency, " (with links.jitter)");
        span((field, stretched), Span::ZERO, LATENCY_MAX)?;
        check_wire(&self.wire)?;
        check_chain(&self.chain, &self.wire)?;
        check_adversaries(self)?;
        for fault in &self.faults {
            check_fault(fault)?;
        }
        most(("faults", self.faults.len()), FAULTS_MAX)?;
        if let Some(core) = &self.core {
            span(key!(core.from), Span::ZERO, YEAR)?;
            share(key!(core.share), 0.0, 1.0)?;
        }
        check_fetcher(self)?;
        let assertions = &self.assertions;
        for (field, bound) in [key!(assertions.p99), key!(assertions.p50)] {
            span((field, bound.unwrap_or(DAY)), Span(1), DAY)?;
        }
        share((path!(assertions.redundancy), assertions.redundancy.unwrap_or(1.0)), 0.0, 1e6)
    }

    /// How many nodes each entry of [`adversaries`](Self::adversaries) stands for: its share,
    /// rounded, at least one where it is not 0. [`AdversaryKind::Eclipse`] counts as none: its nodes
    /// are those around the victim.
    pub fn hostile_counts(&self) -> Vec<u32> {
        let of = |adversaries: &Adversaries| {
            if adversaries.kind == AdversaryKind::Eclipse || adversaries.share <= 0.0 {
                return 0;
            }
            ((adversaries.share * f64::from(self.nodes) + 0.5) as u32).max(1)
        };
        self.adversaries.iter().map(of).collect()
    }
}

fn check_names(scenario: &Scenario) -> Result<(), ScenarioError> {
    let letter = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let name = &scenario.name;
    if name.is_empty() || name.len() > NAME_MAX || name.starts_with('.') || !name.chars().all(letter) {
        return Err(ScenarioError::Name { name: name.chars().take(NAME_MAX).collect() });
    }
    most(("purpose (bytes)", scenario.purpose.len()), PURPOSE_MAX)
}

fn check_policies(policies: &[Policy]) -> Result<(), ScenarioError> {
    count(("policies", policies.len() as u64), 1, POLICIES_MAX as u64)?;
    let mut sorted = policies.to_vec();
    sorted.sort_unstable();
    match sorted.array_windows().find(|[one, other]| one == other) {
        Some([policy, _]) => Err(ScenarioError::PolicyTwice { policy: *policy }),
        None => Ok(()),
    }
}

fn check_topology(topology: &Topology, nodes: u32) -> Result<(), ScenarioError> {
    let peers_max = Config::COUNT_MAX;
    match topology {
        Topology::RandomRegular { degree } => {
            // With one peer each, more than two nodes fall apart.
            let least = if nodes > 2 { 2 } else { 1 };
            count((path!(topology[degree]), (*degree).into()), least, DEGREE_MAX.min(nodes - 1).into())?;
            links(u64::from(nodes) * u64::from(*degree))
        }
        Topology::Degrees { cumulative } => {
            let length = path!(topology[cumulative], " (length)");
            count((length, cumulative.len() as u64), 1, DEGREE_MAX.into())?;
            let mut before = 0.0;
            for &part in cumulative {
                share((path!(topology[cumulative]), part), before, 1.0 + SUM_SLACK)?;
                before = part;
            }
            if before < 1.0 - SUM_SLACK {
                return Err(ScenarioError::Sum { field: path!(topology[cumulative]), sum: before });
            }
            let largest = 1 + cumulative.iter().position(|part| *part >= 1.0 - SUM_SLACK).unwrap_or(0);
            let most = path!(topology[cumulative], " (most connections)");
            count((most, largest as u64), 1, u64::from(nodes) - 1)?;
            let mean: f64 = cumulative.iter().map(|part| 1.0 - part).sum::<f64>() + 1.0;
            links((2.0 * mean * f64::from(nodes)) as u64)
        }
        Topology::Line => Ok(()),
        Topology::Star => count(("nodes (of a star)", nodes.into()), 2, u64::from(peers_max) + 1),
        Topology::Edges { edges } => check_edges(edges, nodes, peers_max),
    }
}

fn check_edges(edges: &[(u32, u32)], nodes: u32, peers_max: u32) -> Result<(), ScenarioError> {
    count((path!(topology[edges]), edges.len() as u64), 1, EDGES_MAX.into())?;
    let mut degrees = vec![0_u32; nodes as usize];
    let mut sorted = Vec::with_capacity(edges.len());
    for &(from, to) in edges {
        if from == to {
            return Err(ScenarioError::EdgeToSelf { node: from });
        }
        for node in [from, to] {
            let degree = degrees.get_mut(node as usize).ok_or(ScenarioError::EdgeTo { from, to, nodes })?;
            *degree += 1;
        }
        sorted.push((from.min(to), from.max(to)));
    }
    sorted.sort_unstable();
    if let Some([(from, to), _]) = sorted.array_windows().find(|[one, other]| one == other) {
        return Err(ScenarioError::EdgeTwice { from: *from, to: *to });
    }
    let most = degrees.into_iter().max().unwrap_or(0);
    count((path!(topology[edges], " (peers of one node)"), most.into()), 1, peers_max.into())
}

fn check_regions(regions: &Regions) -> Result<(), ScenarioError> {
    let Regions { names, shares, latency, up, down } = regions;
    count((path!(regions.names), names.len() as u64), 1, REGIONS_MAX as u64)?;
    let lengths = [
        (path!(regions.shares), shares.len()),
        (path!(regions.up), up.len()),
        (path!(regions.down), down.len()),
        (path!(regions.latency), latency.len()),
    ];
    let rows = latency.iter().map(|row| (path!(regions.latency, " (each row)"), row.len()));
    for (field, length) in lengths.into_iter().chain(rows) {
        if length != names.len() {
            return Err(ScenarioError::Length { field, length, wanted: names.len() });
        }
    }
    for part in shares {
        share((path!(regions.shares), *part), 0.0, 1.0)?;
    }
    let sum: f64 = shares.iter().sum();
    if (sum - 1.0).abs() > SUM_SLACK {
        return Err(ScenarioError::Sum { field: path!(regions.shares), sum });
    }
    for (field, rates) in [(path!(regions.up), up), (path!(regions.down), down)] {
        for &value in rates {
            within(field, Amount::Rate(value), Amount::Rate(RATE_MIN), Amount::Rate(RATE_MAX))?;
        }
    }
    for latency in latency.iter().flatten() {
        span((path!(regions.latency), *latency), Span::ZERO, LATENCY_MAX)?;
    }
    let longest = names.iter().map(String::len).max().unwrap_or(0);
    most((path!(regions.names, " (bytes of one)"), longest), NAME_MAX)
}

fn check_links(links: &LinkModel) -> Result<(), ScenarioError> {
    share(key!(links.jitter), 0.0, 1.0)?;
    share(key!(links.loss), 0.0, 0.9)?;
    span(key!(links.retransmit), SHORTEST, Span::s(60))?;
    count((path!(links.retransmissions_max), links.retransmissions_max.into()), 1, 16)?;
    span(key!(links.connection_timeout), SHORTEST, DAY)
}

fn check_wire(wire: &WireSizes) -> Result<(), ScenarioError> {
    size(key!(wire.header), Size(1), MESSAGE_MAX)?;
    size(key!(wire.announcement), Size(1), MESSAGE_MAX)?;
    size(key!(wire.request), Size(1), MESSAGE_MAX)?;
    size(key!(wire.overhead), Size(0), MESSAGE_MAX)
}

fn check_chain(chain: &ChainModel, wire: &WireSizes) -> Result<(), ScenarioError> {
    count((path!(chain.blocks), chain.blocks.into()), 1, SLOTS_MAX.into())?;
    let slots = u64::from(chain.blocks) + u64::from(chain.warm_up);
    let together = path!(chain.blocks, " and chain.warm_up together");
    count((together, slots), 1, SLOTS_MAX.into())?;
    span(key!(chain.drain), Span::ZERO, DAY)?;
    span(key!(chain.interval), Span::ms(1), DAY)?;
    count((path!(chain.sealers), chain.sealers.into()), 1, NODES_MAX.into())?;
    if !chain.shares.is_empty() {
        let (length, wanted) = (chain.shares.len(), chain.sealers as usize);
        if length != wanted {
            return Err(ScenarioError::Length { field: path!(chain.shares), length, wanted });
        }
        for part in &chain.shares {
            share((path!(chain.shares), *part), 0.0, 1e12)?;
        }
        if chain.shares.iter().all(|part| *part <= 0.0) {
            return Err(ScenarioError::Sum { field: path!(chain.shares), sum: 0.0 });
        }
    }
    match chain.block_size {
        SizeDraw::Fixed(bytes) => size((path!(chain.block_size), bytes), wire.header, BLOCK_MAX)?,
        SizeDraw::Uniform(min, max) => {
            size((path!(chain.block_size, ".min"), min), wire.header, BLOCK_MAX)?;
            size((path!(chain.block_size, ".max"), max), min, BLOCK_MAX)?;
        }
        SizeDraw::LogNormal(median, sigma) => {
            size((path!(chain.block_size, ".median"), median), wire.header, BLOCK_MAX)?;
            share((path!(chain.block_size, ".sigma"), sigma), 0.0, 5.0)?;
        }
    }
    share(key!(chain.empty_share), 0.0, 1.0)?;
    span(key!(chain.header_check), Span::ZERO, Span::s(60))?;
    span(key!(chain.import), Span::ZERO, Span::s(60))?;
    count(key!(chain.finality_depth), 0, u32::MAX.into())?;
    span(key!(chain.clock_skew), Span::ZERO, Span::s(3_600))?;
    share(key!(chain.local_fault), 0.0, 0.9)
}

fn check_adversaries(scenario: &Scenario) -> Result<(), ScenarioError> {
    most(("adversaries", scenario.adversaries.len()), ADVERSARIES_MAX)?;
    let mut sum = 0.0;
    for adversaries in &scenario.adversaries {
        share(key!(adversaries.share), 0.0, HOSTILE_MAX)?;
        span(key!(adversaries.every), Span::ms(1), DAY)?;
        span(key!(adversaries.delay), Span::ZERO, Span::s(3_600))?;
        if adversaries.kind != AdversaryKind::Eclipse {
            sum += adversaries.share;
        }
    }
    share(("adversaries.share, all together,", sum), 0.0, HOSTILE_MAX)?;
    let hostile: u64 = scenario.hostile_counts().into_iter().map(u64::from).sum();
    let eclipses = scenario.adversaries.iter().filter(|one| one.kind == AdversaryKind::Eclipse).count();
    let around = peers_expected(scenario).saturating_sub(1);
    let hostile = hostile.saturating_add(eclipses as u64 * u64::from(around));
    let honest = u64::from(scenario.nodes).saturating_sub(hostile);
    match honest < u64::from(scenario.chain.sealers) {
        true => Err(ScenarioError::Sealers { sealers: scenario.chain.sealers, honest }),
        false => Ok(()),
    }
}

fn check_fault(fault: &ScheduledFault) -> Result<(), ScenarioError> {
    let part = |key| share(key, 0.0, 0.999);
    match fault {
        ScheduledFault::Partition { at, lasts, share, direction: _ } => {
            span(key!(faults[at]), Span::ZERO, YEAR)?;
            span(key!(faults[lasts]), SHORTEST, YEAR)?;
            part(key!(faults[share], " (of a partition)"))
        }
        ScheduledFault::Churn { at, lasts, every, away, exit: _, memory: _ } => {
            span(key!(faults[at]), Span::ZERO, YEAR)?;
            span(key!(faults[lasts]), SHORTEST, YEAR)?;
            let shortest = Span(lasts.0.div_ceil(DEPARTURES_MAX)).max(SHORTEST);
            span(key!(faults[every]), shortest, YEAR)?;
            span(key!(faults[away]), Span::ZERO, YEAR)
        }
        ScheduledFault::Join { at, share } => {
            span(key!(faults[at]), Span::ZERO, YEAR)?;
            part(key!(faults[share], " (of those who join)"))
        }
        ScheduledFault::Leave { at, share } => {
            span(key!(faults[at]), Span::ZERO, YEAR)?;
            part(key!(faults[share], " (of those who leave)"))
        }
    }
}

fn check_fetcher(scenario: &Scenario) -> Result<(), ScenarioError> {
    let fetcher = &scenario.fetcher;
    for (field, window) in [key!(fetcher.window_below), key!(fetcher.window_above)] {
        count((field, window.unwrap_or(0)), 0, SLOTS_MAX.into())?;
    }
    let spans = [key!(fetcher.grace), key!(fetcher.gather), key!(fetcher.deadline), key!(fetcher.lifetime)];
    for (field, value) in spans {
        span((field, value.unwrap_or_default()), Span::ZERO, DAY)?;
    }
    let peers = peers_expected(scenario);
    for &policy in &scenario.policies {
        let config = scenario.config(policy, peers);
        config.check().map_err(|error| ScenarioError::Fetcher { policy, error })?;
    }
    Ok(())
}

/// The most peers that a node is sure or likely to have; only for a table of degrees, where it is a
/// matter of luck, may a node have more.
pub(crate) fn peers_expected(scenario: &Scenario) -> u32 {
    match &scenario.topology {
        Topology::RandomRegular { degree } => *degree,
        Topology::Degrees { cumulative } => 2 * cumulative.len() as u32,
        Topology::Line => 2,
        Topology::Star => scenario.nodes.saturating_sub(1),
        Topology::Edges { edges } => {
            let mut degrees = vec![0_u32; scenario.nodes as usize];
            for node in edges.iter().flat_map(|(from, to)| [*from, *to]) {
                degrees.get_mut(node as usize).into_iter().for_each(|degree| *degree += 1);
            }
            degrees.into_iter().max().unwrap_or(0)
        }
    }
}

fn count((field, value): (&'static str, u64), min: u64, max: u64) -> Result<(), ScenarioError> {
    within(field, Amount::Count(value), Amount::Count(min), Amount::Count(max))
}

fn most((field, value): (&'static str, usize), max: usize) -> Result<(), ScenarioError> {
    count((field, value as u64), 0, max as u64)
}

fn share((field, value): (&'static str, f64), min: f64, max: f64) -> Result<(), ScenarioError> {
    within(field, Amount::Number(value), Amount::Number(min), Amount::Number(max))
}

fn span((field, value): (&'static str, Span), min: Span, max: Span) -> Result<(), ScenarioError> {
    within(field, Amount::Span(value), Amount::Span(min), Amount::Span(max))
}

fn size((field, value): (&'static str, Size), min: Size, max: Size) -> Result<(), ScenarioError> {
    within(field, Amount::Size(value), Amount::Size(min), Amount::Size(max))
}

/// NaN is never within.
fn within(field: &'static str, value: Amount, min: Amount, max: Amount) -> Result<(), ScenarioError> {
    match value >= min && value <= max {
        true => Ok(()),
        false => Err(ScenarioError::OutOfRange { field, value, min, max }),
    }
}

fn links(links: u64) -> Result<(), ScenarioError> {
    match links > LINKS_MAX {
        true => Err(ScenarioError::Links { links }),
        false => Ok(()),
    }
}

#[cfg(test)]
mod tests;
