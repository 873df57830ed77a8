//! Which head the honest nodes have, over time: a wave for each block, and forks between them.

use std::collections::{BTreeMap, BTreeSet};

use herald_fetcher::{BlockHash, BlockNumber};

use super::WIDTH;
use super::axes::{self, Scale};
use super::svg::{Anchor, Area, Path, Svg};
use crate::measure::{HeadSample, Run};
use crate::report::figures::thinned;
use crate::report::text;
use crate::scenario::{Scenario, ScheduledFault};

/// Moments shown of one run at most.
const SAMPLES_MAX: usize = 1_200;
/// Shares beyond this many heads at one moment are not told apart.
const HEADS_MAX: usize = 8;
const ROW: f64 = 106.0;
const PANEL: f64 = 70.0;

/// A head, as samples name it.
type HeadKey = (BlockNumber, BlockHash);

/// One panel for each run, all on one axis of time.
pub(in crate::report) fn heads(scenario: &Scenario, runs: &[Run]) -> String {
    let height = 20.0 + ROW * runs.len() as f64 + 40.0;
    let mut svg = Svg::new("Share of honest nodes at each head, over time", WIDTH, height);
    let (from, to) = window(scenario, runs);
    let x = Scale::linear(from, to, 52.0, WIDTH - 10.0);
    for (index, run) in runs.iter().enumerate() {
        let area = Area { left: 52.0, top: 26.0 + ROW * index as f64, width: WIDTH - 62.0, height: PANEL };
        panel(&mut svg, scenario, run, area, &x);
    }
    let last =
        Area { left: 52.0, top: 26.0, width: WIDTH - 62.0, height: ROW * runs.len() as f64 - ROW + PANEL };
    for tick in x.ticks(10) {
        svg.text("tick", (x.at(tick), last.bottom() + 15.0), Anchor::Middle, &text::time(tick as u64));
    }
    svg.text("unit", (last.left, last.bottom() + 34.0), Anchor::Start, "time since the start of the run");
    svg.finish()
}

/// From the first measured block, or the first fault before it, to the end.
pub(super) fn window(scenario: &Scenario, runs: &[Run]) -> (f64, f64) {
    let sealed = runs.iter().flat_map(|run| &run.blocks).map(|block| block.sealed_at.as_nanos());
    let faults = scenario.faults.iter().map(|fault| fault_window(fault).0);
    let from = sealed.chain(faults).min().unwrap_or(0);
    let to = runs.iter().map(|run| run.ended_at.as_nanos()).max().unwrap_or(0);
    // A little before, so that the first wave is seen to rise.
    let from = from.saturating_sub(to.saturating_sub(from) / 50);
    (from as f64, to as f64)
}

/// Marks above `area` the times at which something was wrong, with a line where each begins and ends.
/// Labels begin at `names` at the earliest, and leave out what would stand on another.
pub(super) fn mark_faults(svg: &mut Svg, scenario: &Scenario, area: Area, x: &Scale, names: f64) {
    let mut free = names;
    for fault in &scenario.faults {
        let (at, until, name) = fault_window(fault);
        let (left, right) = (x.at(at as f64), x.at(until as f64).max(x.at(at as f64) + 2.0));
        let strip = Area { left, top: area.top - 4.0, width: right - left, height: 4.0 };
        svg.rect("fault", strip, name);
        for edge in [left, right] {
            svg.line("fault-edge", (edge, area.top), (edge, area.bottom()));
        }
        if right >= free {
            let label = left.max(free);
            svg.text("note", (label, area.top - 8.0), Anchor::Start, name);
            free = label + 7.0 * name.len() as f64 + 8.0;
        }
    }
}

fn fault_window(fault: &ScheduledFault) -> (u64, u64, &'static str) {
    match fault {
        ScheduledFault::Partition { at, lasts, .. } => {
            (at.nanos(), at.nanos().saturating_add(lasts.nanos()), "partition")
        }
        ScheduledFault::Churn { at, lasts, .. } => {
            (at.nanos(), at.nanos().saturating_add(lasts.nanos()), "churn")
        }
        ScheduledFault::Join { at, .. } => (at.nanos(), at.nanos(), "join"),
        ScheduledFault::Leave { at, .. } => (at.nanos(), at.nanos(), "leave"),
    }
}

fn panel(svg: &mut Svg, scenario: &Scenario, run: &Run, area: Area, x: &Scale) {
    let name = run.policy.label();
    svg.rect("panel", area, "");
    svg.text(&format!("name p-{name}"), (area.left, area.top - 8.0), Anchor::Start, name);
    let main = main_branch(run);
    let bands = bands(run, x);
    for (head, band) in &bands {
        let class = match (main.contains(head), head.0 % 2) {
            (false, _) => "band fork".to_owned(),
            (true, 0) => format!("band even p-{name}"),
            (true, _) => format!("band odd p-{name}"),
        };
        svg.path(&class, &band.path(area), &format!("block {}", head.0));
    }
    mark_faults(svg, scenario, area, x, area.left + 120.0);
    let y = Scale::linear(0.0, 1.0, area.bottom(), area.top);
    axes::labels_beside(svg, area, &y, 2, |share| text::percent((share * 100.0 + 0.5) as u64, 100));
    let forks = bands.keys().filter(|head| !main.contains(head)).count() as u64;
    let words = format!(
        "{}, {}{}",
        counted(forks, "head off the main branch", "heads off the main branch"),
        counted(run.reorganisations, "reorganisation", "reorganisations"),
        if run.astray > 0 {
            format!(", {} astray at the end", text::grouped(u64::from(run.astray)))
        } else {
            String::new()
        }
    );
    svg.text("note", (area.right(), area.top - 8.0), Anchor::End, &words);
}

fn counted(count: u64, one: &str, many: &str) -> String {
    if count == 1 { format!("1 {one}") } else { format!("{} {many}", text::grouped(count)) }
}

/// At each height the hash that the record of blocks calls canonical, or else the one that most nodes
/// had for longest.
fn main_branch(run: &Run) -> BTreeSet<HeadKey> {
    let mut weight: BTreeMap<BlockNumber, BTreeMap<BlockHash, u64>> = BTreeMap::new();
    for &(number, hash, nodes) in run.heads.iter().flat_map(|sample| &sample.heads) {
        *weight.entry(number).or_default().entry(hash).or_default() += u64::from(nodes);
    }
    for block in run.blocks.iter().filter(|block| block.canonical) {
        if let Some(hash) = block.hash {
            weight.entry(block.number).or_default().insert(hash, u64::MAX);
        }
    }
    let heaviest = |hashes: BTreeMap<BlockHash, u64>| hashes.into_iter().max_by_key(|(_, weight)| *weight);
    weight.into_iter().filter_map(|(number, hashes)| Some((number, heaviest(hashes)?.0))).collect()
}

/// How far one head's band reaches, at each sample in which somebody has it.
#[derive(Debug, Default)]
struct Band {
    /// From, until, and the shares between which it lies.
    pieces: Vec<(f64, f64, f64, f64)>,
}

impl Band {
    /// Joins pieces that are alike, so that a block that all have is one rectangle.
    fn push(&mut self, from: f64, until: f64, low: f64, high: f64) {
        match self.pieces.last_mut() {
            Some(last) if (last.1, last.2, last.3) == (from, low, high) => last.1 = until,
            Some(_) | None => self.pieces.push((from, until, low, high)),
        }
    }

    fn path(&self, area: Area) -> Path {
        let y = |share: f64| area.bottom() - share * area.height;
        let mut path = Path::default();
        for run in self.pieces.chunk_by(|one, next| one.1 == next.0) {
            for (index, (from, until, _, high)) in run.iter().enumerate() {
                if index == 0 {
                    path.move_to(*from, y(*high));
                } else {
                    path.up_to(y(*high));
                }
                path.across_to(*until);
            }
            for (from, _, low, _) in run.iter().rev() {
                path.up_to(y(*low));
                path.across_to(*from);
            }
            path.close();
        }
        path
    }
}

/// The newest heads lie at the bottom: each rises from there as it spreads.
fn bands(run: &Run, x: &Scale) -> BTreeMap<HeadKey, Band> {
    let (first, last) = (x.value(0.0), x.value(1.0));
    let seen: Vec<&HeadSample> =
        run.heads.iter().filter(|sample| (first..=last).contains(&(sample.at.as_nanos() as f64))).collect();
    let seen: Vec<&HeadSample> = thinned(&seen, SAMPLES_MAX).copied().collect();
    let mut bands: BTreeMap<HeadKey, Band> = BTreeMap::new();
    for (index, sample) in seen.iter().enumerate() {
        let until = seen.get(index + 1).map_or(last, |next| next.at.as_nanos() as f64);
        let (from, until) = (x.at(sample.at.as_nanos() as f64), x.at(until));
        let total = sample.heads.iter().map(|(_, _, nodes)| f64::from(*nodes)).sum::<f64>().max(1.0);
        let mut low = 0.0;
        for &(number, hash, nodes) in sample.heads.iter().take(HEADS_MAX) {
            let high = low + f64::from(nodes);
            bands.entry((number, hash)).or_default().push(from, until, low / total, high / total);
            low = high;
        }
    }
    bands
}
