//! How fast blocks reach the network: the shares that were reached, the slowest few, and the three
//! clocks of each policy.

use super::WIDTH;
use super::axes::{self, Scale};
use super::svg::{Anchor, Area, Path, Svg};
use crate::measure::stats::Spans;
use crate::measure::{NEVER, Run};
use crate::report::figures::{DeliveryClock, deliveries, percentile, percentile_words, thinned};
use crate::report::text;
use crate::scenario::Policy;

/// Points of one curve at most: more than there are pixels would only cost bytes.
const POINTS_MAX: usize = 240;

/// Where the key begins.
const KEY_LEFT: f64 = 842.0;

/// The share imported over time since the seal, and the share not yet.
pub(in crate::report) fn propagation(runs: &[Run], bound: Option<&[u64]>) -> String {
    let mut svg = Svg::new("Share of deliveries imported, by time since the seal", WIDTH, 372.0);
    let curves: Vec<(Policy, Spans)> =
        runs.iter().map(|run| (run.policy, deliveries(run, DeliveryClock::Imported))).collect();
    let bound = bound.map(|times| Spans::new(times.to_vec()));
    let all = curves.iter().map(|(_, deliveries)| deliveries).chain(&bound);
    let reach = Reach::of(all);

    let left = Area { left: 52.0, top: 34.0, width: 400.0, height: 290.0 };
    let shares = shares_frame(&mut svg, left, reach);
    let right = Area { left: 510.0, top: 34.0, width: 300.0, height: 290.0 };
    let rest = rest_frame(&mut svg, right, reach, &curves);
    if let Some(bound) = &bound {
        svg.path("curve bound", &rising(bound, &shares), "lower bound");
        svg.path("curve bound", &falling(bound, &rest), "lower bound");
    }
    for (policy, deliveries) in curves.iter().rev() {
        let class = format!("curve p-{}", policy.label());
        svg.path(&class, &rising(deliveries, &shares), policy.label());
        svg.path(&class, &falling(deliveries, &rest), policy.label());
        open_end(&mut svg, *policy, deliveries, &shares);
    }
    key(&mut svg, curves, bound.as_ref());
    svg.finish()
}

/// Each policy by itself: first heard, whole, imported.
pub(in crate::report) fn clocks(runs: &[Run]) -> String {
    let mut svg = Svg::new("First heard, whole and imported, for each policy", WIDTH, 250.0);
    let clocks = |run| DeliveryClock::ALL.iter().map(|&clock| deliveries(run, clock)).collect();
    let all: Vec<(Policy, Vec<Spans>)> = runs.iter().map(|run| (run.policy, clocks(run))).collect();
    let reach = Reach::of(all.iter().flat_map(|(_, clocks)| clocks));
    let gap = 16.0;
    let spacing = (WIDTH - 46.0) / runs.len().max(1) as f64;
    for (index, (policy, deliveries)) in all.iter().enumerate() {
        let area = Area {
            left: 46.0 + spacing * index as f64,
            top: 30.0,
            width: (spacing - gap).min(480.0),
            height: 145.0,
        };
        let frame = PlotFrame {
            x: Scale::log(reach.from, reach.to, area.left, area.right()),
            y: Scale::linear(0.0, 1.0, area.bottom(), area.top),
        };
        for share in [0.0, 0.5, 1.0] {
            svg.line("grid", (area.left, frame.y.at(share)), (area.right(), frame.y.at(share)));
            if index == 0 {
                let words = text::percent((share * 100.0) as u64, 100);
                svg.text("tick", (area.left - 7.0, frame.y.at(share) + 3.5), Anchor::End, &words);
            }
        }
        axes::below(&mut svg, area, &frame.x, (area.width / 60.0) as u32, time_words);
        let name = policy.label();
        svg.text(&format!("name p-{name}"), (area.left, 18.0), Anchor::Start, name);
        for (line, (clock, deliveries)) in DeliveryClock::ALL.iter().zip(deliveries).enumerate() {
            let clock = clock.label();
            let class = format!("curve {clock} p-{name}");
            svg.path(&class, &rising(deliveries, &frame), clock);
            let y = area.bottom() + 36.0 + 15.0 * line as f64;
            svg.line(&class, (area.left, y - 4.0), (area.left + 22.0, y - 4.0));
            let words = format!("{clock} {}", percentile_words(deliveries, 50));
            svg.text(&format!("note {clock}"), (area.left + 30.0, y), Anchor::Start, &words);
        }
    }
    svg.finish()
}

/// From the shortest time that is worth showing to the longest.
#[derive(Clone, Copy, Debug)]
struct Reach {
    from: f64,
    to: f64,
}

impl Reach {
    /// The fastest one in a hundred may fall off the left end: a sealer's neighbour next door would
    /// else take half of the plot.
    fn of<'a>(all: impl Iterator<Item = &'a Spans>) -> Self {
        let (mut from, mut to) = (u64::MAX, 0);
        for deliveries in all {
            let first = deliveries.reached().get(deliveries.reached().len() / 100);
            from = from.min(first.copied().unwrap_or(u64::MAX));
            to = to.max(deliveries.reached().last().copied().unwrap_or(0));
        }
        if to == 0 {
            return Self { from: 1e6, to: 1e10 };
        }
        Self { from: from.max(1) as f64 * 0.8, to: to as f64 * 1.25 }
    }
}

/// The scales that a curve is drawn on.
#[derive(Debug)]
struct PlotFrame {
    x: Scale,
    y: Scale,
}

fn shares_frame(svg: &mut Svg, area: Area, reach: Reach) -> PlotFrame {
    let x = Scale::log(reach.from, reach.to, area.left, area.right());
    let y = Scale::linear(0.0, 1.0, area.bottom(), area.top);
    svg.text("caption", (area.left, 16.0), Anchor::Start, "imported, share of deliveries");
    axes::beside(svg, area, &y, 5, |share| text::percent((share * 100.0 + 0.5) as u64, 100));
    axes::below(svg, area, &x, 7, time_words);
    svg.text("unit", (area.left, area.bottom() + 34.0), Anchor::Start, "time since the seal, logarithmic");
    PlotFrame { x, y }
}

/// Down to the least share that one delivery of all can be.
fn rest_frame(svg: &mut Svg, area: Area, reach: Reach, curves: &[(Policy, Spans)]) -> PlotFrame {
    let most = curves.iter().map(|(_, deliveries)| deliveries.len()).max().unwrap_or(0).max(10);
    // In parts of a billion, since the scale begins at 1.
    let x = Scale::log(reach.from, reach.to, area.left, area.right());
    let y = Scale::log(1e9 / most as f64, 1e9, area.bottom(), area.top);
    svg.text("caption", (area.left, 16.0), Anchor::Start, "not yet imported: the slowest few");
    axes::beside(svg, area, &y, 5, |parts| {
        let one_in = 1e9 / parts;
        if one_in < 1.5 { "all".to_owned() } else { format!("1 in {}", text::short_count(one_in as u64)) }
    });
    axes::below(svg, area, &x, 5, time_words);
    svg.text("unit", (area.left, area.bottom() + 34.0), Anchor::Start, "the same, both logarithmic");
    PlotFrame { x, y }
}

fn time_words(nanos: f64) -> String {
    text::time((nanos + 0.5) as u64)
}

/// The share reached, step by step.
fn rising(deliveries: &Spans, frame: &PlotFrame) -> Path {
    let mut path = Path::default();
    let total = deliveries.len() as f64;
    let indices: Vec<usize> = (0..deliveries.reached().len()).collect();
    for &index in thinned(&indices, POINTS_MAX) {
        let Some(&time) = deliveries.reached().get(index) else { continue };
        let x = frame.x.at(time as f64);
        if path.is_empty() {
            path.move_to(x, frame.y.at(0.0));
        }
        path.step_to(x, frame.y.at((index + 1) as f64 / total));
    }
    path
}

/// The share not yet reached; points lie closer together the fewer are left.
fn falling(deliveries: &Spans, frame: &PlotFrame) -> Path {
    let mut path = Path::default();
    let total = deliveries.len() as u64;
    let (mut left, mut drawn) = (total, total);
    for &time in deliveries.reached() {
        let x = frame.x.at(time as f64);
        if path.is_empty() {
            path.move_to(x, frame.y.at(1e9));
        }
        left -= 1;
        // Below one in fifty less than what was drawn last, nobody sees the step.
        if left == deliveries.not_reached() || (drawn - left) * 50 >= drawn {
            path.step_to(x, frame.y.at(left as f64 / total as f64 * 1e9));
            drawn = left;
        }
    }
    if left > 0 && !path.is_empty() {
        path.across_to(frame.x.at(f64::MAX));
    }
    path
}

/// Where the curve stops short of all, and by how many.
fn open_end(svg: &mut Svg, policy: Policy, deliveries: &Spans, frame: &PlotFrame) {
    let (Some(&last), true) = (deliveries.reached().last(), deliveries.not_reached() > 0) else { return };
    let y = frame.y.at(deliveries.reached().len() as f64 / deliveries.len() as f64);
    let x = frame.x.at(last as f64);
    svg.dot(&format!("open p-{}", policy.label()), (x, y), 4.0);
}

/// The policies from fast to slow, with the figures that one looks for first.
fn key(svg: &mut Svg, mut curves: Vec<(Policy, Spans)>, bound: Option<&Spans>) {
    curves.sort_by_key(|(_, deliveries)| {
        [50, 99].map(|percent| percentile(deliveries, percent).unwrap_or(NEVER))
    });
    let figures = |deliveries: &Spans| {
        let at = |percent| percentile_words(deliveries, percent);
        format!("50 % {} · 99 % {}", at(50), at(99))
    };
    let mut y = 44.0;
    svg.text("caption", (KEY_LEFT, 16.0), Anchor::Start, "from fast to slow");
    if let Some(bound) = bound {
        svg.line("curve bound", (KEY_LEFT, y - 4.0), (KEY_LEFT + 18.0, y - 4.0));
        svg.text("name muted", (KEY_LEFT + 26.0, y), Anchor::Start, "lower bound");
        svg.text("note", (KEY_LEFT + 26.0, y + 16.0), Anchor::Start, &figures(bound));
        y += 46.0;
    }
    for (policy, deliveries) in &curves {
        let name = policy.label();
        svg.line(&format!("curve p-{name}"), (KEY_LEFT, y - 4.0), (KEY_LEFT + 18.0, y - 4.0));
        svg.text(&format!("name p-{name}"), (KEY_LEFT + 26.0, y), Anchor::Start, name);
        svg.text("note", (KEY_LEFT + 26.0, y + 16.0), Anchor::Start, &figures(deliveries));
        if deliveries.not_reached() > 0 {
            let never = format!(
                "{} never reached: {}",
                text::grouped(deliveries.not_reached()),
                text::percent(deliveries.reached().len() as u64, deliveries.len() as u64)
            );
            svg.text("note bad", (KEY_LEFT + 26.0, y + 31.0), Anchor::Start, &never);
            y += 15.0;
        }
        y += 46.0;
    }
}
