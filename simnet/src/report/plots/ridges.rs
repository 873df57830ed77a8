//! How a figure is spread over the nodes: a hill for each policy, all on one axis.

use super::axes::{self, Scale, Wording};
use super::svg::{Anchor, Area, Path, Svg};
use super::{NAMES, WIDTH};
use crate::measure::Run;
use crate::report::{figures, text};

const BINS: usize = 56;
const ROW: f64 = 46.0;
const TOP: f64 = 30.0;

/// One figure of each node.
struct RidgeFigure {
    caption: &'static str,
    unit: &'static str,
    words: Wording,
    of: fn(&Run) -> Vec<f64>,
}

const FIGURES: [RidgeFigure; 3] = [
    RidgeFigure {
        caption: "redundancy",
        unit: "bytes of blocks received for each byte of block",
        words: text::times,
        of: figures::redundancy,
    },
    RidgeFigure {
        caption: "bytes sent",
        unit: "by each node, in the whole run",
        words: text::bytes,
        of: |run| figures::by_node(run, |node| node.sent_bytes as f64),
    },
    RidgeFigure {
        caption: "fetcher's memory",
        unit: "the most that each node was seen to use",
        words: text::bytes,
        of: |run| figures::by_node(run, |node| node.memory_peak as f64),
    },
];

/// Redundancy, bytes sent, and peak memory, node by node.
pub(in crate::report) fn nodes(runs: &[Run]) -> String {
    let height = TOP + ROW * runs.len() as f64 + 44.0;
    let mut svg = Svg::new("Redundancy, bytes sent and memory by node, for each policy", WIDTH, height);
    for (line, run) in runs.iter().enumerate() {
        let name = run.policy.label();
        let y = TOP + ROW * (line as f64 + 1.0) - 4.0;
        svg.text(&format!("name p-{name}"), (0.0, y), Anchor::Start, name);
    }
    for (index, figure) in FIGURES.iter().enumerate() {
        let left = NAMES + 322.0 * index as f64;
        let area = Area { left, top: TOP, width: 290.0, height: ROW * runs.len() as f64 };
        ridges(&mut svg, figure, runs, area);
    }
    svg.finish()
}

fn ridges(svg: &mut Svg, figure: &RidgeFigure, runs: &[Run], area: Area) {
    let values: Vec<Vec<f64>> = runs.iter().map(|run| (figure.of)(run)).collect();
    let lowest = values.iter().filter_map(|values| values.first()).fold(f64::MAX, |low, one| low.min(*one));
    let highest = values.iter().filter_map(|values| values.last()).fold(0.0, |high: f64, one| high.max(*one));
    let scale = Scale::fitting(lowest, highest, area.left, area.right());
    svg.text("caption", (area.left, 16.0), Anchor::Start, figure.caption);
    axes::below(svg, area, &scale, 4, figure.words);
    svg.text("unit", (area.left, area.bottom() + 32.0), Anchor::Start, figure.unit);
    for (line, (run, values)) in runs.iter().zip(&values).enumerate() {
        let base = area.top + ROW * (line as f64 + 1.0);
        svg.line("axis", (area.left, base), (area.right(), base));
        ridge(svg, figure, run.policy.label(), values, &scale, Area { top: base - ROW, height: ROW, ..area });
    }
}

fn ridge(svg: &mut Svg, figure: &RidgeFigure, name: &str, values: &[f64], scale: &Scale, area: Area) {
    let (Some(&least), Some(&most), Some(&median)) =
        (values.first(), values.last(), values.get(values.len() / 2))
    else {
        svg.text("note", (area.left + 4.0, area.bottom() - 5.0), Anchor::Start, "no node to count");
        return;
    };
    let mut bins = [0_u32; BINS];
    for value in values {
        let share = (scale.at(*value) - area.left) / area.width;
        if let Some(bin) = bins.get_mut(((share * BINS as f64) as usize).min(BINS - 1)) {
            *bin += 1;
        }
    }
    let fullest = f64::from(bins.iter().copied().max().unwrap_or(1).max(1));
    let wide = area.width / BINS as f64;
    let mut path = Path::default();
    path.move_to(area.left, area.bottom());
    for (index, bin) in bins.iter().enumerate() {
        path.up_to(area.bottom() - f64::from(*bin) / fullest * (ROW - 18.0));
        path.across_to(area.left + wide * (index as f64 + 1.0));
    }
    path.up_to(area.bottom());
    path.close();
    let words = figure.words;
    let hint = format!("{name}: {} to {}, median {}", words(least), words(most), words(median));
    svg.path(&format!("hill p-{name}"), &path, &hint);
    let x = scale.at(median);
    svg.line(&format!("median p-{name}"), (x, area.bottom()), (x, area.bottom() - ROW + 6.0));
    // On the side that has more room.
    let (at, anchor) =
        if x > area.left + area.width * 0.7 { (x - 5.0, Anchor::End) } else { (x + 5.0, Anchor::Start) };
    svg.text("figure halo", (at, area.bottom() - ROW + 15.0), anchor, &words(median));
}
