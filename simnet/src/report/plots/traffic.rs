//! Bytes on the wire by what they carried, a bar for each policy.

use strum::VariantArray;

use super::axes::{self, Scale};
use super::svg::{Anchor, Area, Svg};
use super::{NAMES, WIDTH};
use crate::measure::{MessageKind, Run};
use crate::report::text;

const LINE: f64 = 32.0;
const TOP: f64 = 34.0;

/// Kinds that are told apart by colour; the table beside the plot has each by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, VariantArray)]
enum Group {
    Pushed,
    Bodies,
    Headers,
    Announcements,
    Requests,
    Ranges,
    Other,
}

impl Group {
    const ALL: &'static [Self] = Self::VARIANTS;

    const fn of(kind: MessageKind) -> Self {
        match kind {
            MessageKind::PushedBlock => Self::Pushed,
            MessageKind::Bodies => Self::Bodies,
            MessageKind::Header => Self::Headers,
            MessageKind::Announcement => Self::Announcements,
            MessageKind::HeaderRequest | MessageKind::BodiesRequest | MessageKind::RangeRequest => {
                Self::Requests
            }
            MessageKind::Range => Self::Ranges,
            MessageKind::Status | MessageKind::Junk => Self::Other,
        }
    }

    /// Its name and its class.
    const fn label(self) -> (&'static str, &'static str) {
        match self {
            Self::Pushed => ("pushed blocks", "k-pushed"),
            Self::Bodies => ("bodies", "k-bodies"),
            Self::Headers => ("headers", "k-headers"),
            Self::Announcements => ("announcements", "k-announcements"),
            Self::Requests => ("requests", "k-requests"),
            Self::Ranges => ("ranges", "k-ranges"),
            Self::Other => ("status, junk", "k-other"),
        }
    }
}

/// Bytes sent in the whole run.
pub(in crate::report) fn traffic(runs: &[Run]) -> String {
    let height = TOP + LINE * runs.len() as f64 + 36.0;
    let mut svg = Svg::new("Bytes sent, by kind of message, for each policy", WIDTH, height);
    let most = runs.iter().map(total).max().unwrap_or(0);
    let area = Area { left: NAMES, top: TOP, width: WIDTH - NAMES - 80.0, height: LINE * runs.len() as f64 };
    let x = Scale::linear(0.0, most as f64, area.left, area.right());
    axes::below(&mut svg, area, &x, 8, text::bytes);
    key(&mut svg, runs, area.left);
    for (line, run) in runs.iter().enumerate() {
        let name = run.policy.label();
        let y = TOP + LINE * line as f64;
        svg.text(&format!("name p-{name}"), (0.0, y + 20.0), Anchor::Start, name);
        let mut before = 0;
        for &group in Group::ALL {
            let bytes = bytes(run, group);
            if bytes > 0 {
                let (left, right) = (x.at(before as f64), x.at((before + bytes) as f64));
                let bar = Area { left, top: y + 5.0, width: right - left, height: LINE - 10.0 };
                let (label, class) = group.label();
                svg.rect(&format!("bar {class}"), bar, &format!("{label}: {}", text::bytes(bytes as f64)));
            }
            before += bytes;
        }
        let words = text::bytes(before as f64);
        svg.text("figure", (x.at(before as f64) + 6.0, y + 20.0), Anchor::Start, &words);
    }
    svg.finish()
}

/// Those that were sent at all.
fn key(svg: &mut Svg, runs: &[Run], left: f64) {
    let mut at = left;
    for &group in Group::ALL {
        if runs.iter().all(|run| bytes(run, group) == 0) {
            continue;
        }
        let (label, class) = group.label();
        svg.rect(&format!("bar {class}"), Area { left: at, top: 5.0, width: 12.0, height: 12.0 }, "");
        svg.text("note", (at + 17.0, 15.0), Anchor::Start, label);
        at += 40.0 + 6.6 * label.len() as f64;
    }
}

fn bytes(run: &Run, group: Group) -> u64 {
    let kinds = MessageKind::ALL.iter().zip(&run.traffic);
    kinds.filter(|(kind, _)| Group::of(**kind) == group).map(|(_, traffic)| traffic.bytes).sum()
}

fn total(run: &Run) -> u64 {
    run.traffic.iter().map(|traffic| traffic.bytes).sum()
}
