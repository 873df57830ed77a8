//! The fetchers' memory over time: of the average node, and of the worst.

use std::cmp::Reverse;

use super::WIDTH;
use super::axes::{self, Scale};
use super::heads::{mark_faults, window};
use super::svg::{Anchor, Area, Path, Svg};
use crate::measure::{MemorySample, Run};
use crate::report::figures::thinned;
use crate::report::text;
use crate::scenario::Scenario;

const SAMPLES_MAX: usize = 500;

/// What a panel shows of a sample.
type MemoryFigure = fn(&MemorySample) -> u64;

/// Two panels, each with all policies.
pub(in crate::report) fn memory(scenario: &Scenario, runs: &[Run]) -> String {
    let mut svg = Svg::new("Memory of the fetchers over time, mean and maximum", WIDTH, 292.0);
    let (from, to) = window(scenario, runs);
    let panels: [(f64, &str, MemoryFigure); 2] = [
        (58.0, "of a node, on average", |sample| sample.mean),
        (602.0, "of the node that uses most", |sample| sample.max),
    ];
    for (left, caption, figure) in panels {
        let area = Area { left, top: 42.0, width: 340.0, height: 196.0 };
        let x = Scale::linear(from, to, area.left, area.right());
        svg.text("caption", (area.left, 16.0), Anchor::Start, caption);
        panel(&mut svg, scenario, runs, area, &x, figure);
        axes::below(&mut svg, area, &x, 5, |nanos| text::time(nanos as u64));
    }
    svg.text("unit", (58.0, 272.0), Anchor::Start, "time since the start of the run");
    svg.finish()
}

fn panel(svg: &mut Svg, scenario: &Scenario, runs: &[Run], area: Area, x: &Scale, figure: MemoryFigure) {
    let mut shown: Vec<(&str, Vec<&MemorySample>, u64)> = runs
        .iter()
        .filter_map(|run| {
            let samples = samples(run, x);
            let peak = samples.iter().map(|sample| figure(sample)).max()?;
            Some((run.policy.label(), samples, peak))
        })
        .collect();
    let peaks = || shown.iter().map(|(_, _, peak)| *peak);
    let (smallest, largest) = (peaks().min().unwrap_or(0), peaks().max().unwrap_or(0));
    let y = Scale::fitting(smallest as f64, largest as f64, area.bottom(), area.top);
    axes::beside(svg, area, &y, 5, text::bytes);
    mark_faults(svg, scenario, area, x, area.left);
    // The highest first, so that it hides nothing.
    shown.sort_by_key(|(_, _, peak)| Reverse(*peak));
    let mut ends: Vec<(f64, &str, u64)> = Vec::new();
    for (name, samples, peak) in &shown {
        let mut path = Path::default();
        for sample in samples {
            let at = (x.at(sample.at.as_nanos() as f64), y.at(figure(sample) as f64));
            if path.is_empty() { path.move_to(at.0, at.1) } else { path.line_to(at.0, at.1) }
        }
        svg.path(&format!("curve thin p-{name}"), &path, name);
        let last = samples.last().map_or(0, |sample| figure(sample));
        ends.push((y.at(last as f64), name, *peak));
    }
    ends.sort_by(|one, other| one.0.total_cmp(&other.0));
    let mut positions: Vec<f64> = ends.iter().map(|end| end.0).collect();
    axes::apart(&mut positions, 30.0, area.bottom() - 12.0);
    for ((end, name, peak), position) in ends.iter().zip(positions) {
        let left = area.right() + 22.0;
        svg.line(&format!("leader p-{name}"), (area.right() + 2.0, *end), (left - 3.0, position));
        svg.text(&format!("name p-{name}"), (left, position + 3.0), Anchor::Start, name);
        let words = format!("peak {}", text::bytes(*peak as f64));
        svg.text("note", (left, position + 16.0), Anchor::Start, &words);
    }
}

fn samples<'a>(run: &'a Run, x: &Scale) -> Vec<&'a MemorySample> {
    let (first, last) = (x.value(0.0), x.value(1.0));
    let seen: Vec<&MemorySample> =
        run.memory.iter().filter(|sample| (first..=last).contains(&(sample.at.as_nanos() as f64))).collect();
    thinned(&seen, SAMPLES_MAX).copied().collect()
}
