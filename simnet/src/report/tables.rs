//! The figures in rows, a column for each policy.

use std::fmt::Write as _;

use super::figures::{self, DeliveryClock};
use super::text::{self, escape};
use super::{AssertionHeld, ReportInput};
use crate::measure::stats::Spans;
use crate::measure::{MessageKind, NEVER, Run};

pub(super) fn push(html: &mut String, markup: std::fmt::Arguments<'_>) {
    html.write_fmt(markup).expect("a String takes all that is written");
}

/// What was asserted, and what was found.
pub(super) fn verdicts(input: &ReportInput<'_>) -> String {
    if input.verdicts.is_empty() {
        return "<p class=\"none\">This scenario asserts nothing.</p>\n".to_owned();
    }
    let mut html = opening(input.runs, &["assertion", "wanted"]);
    for row in input.verdicts {
        push(
            &mut html,
            format_args!(
                "<tr><th scope=\"row\">{}</th><td>{}</td>",
                escape(row.assertion.label()),
                escape(&row.wanted)
            ),
        );
        for run in input.runs {
            match row.found.iter().find(|finding| finding.policy == run.policy) {
                None => html.push_str("<td class=\"muted\">–</td>"),
                Some(finding) => {
                    let (class, mark, word) = match finding.held {
                        AssertionHeld::Yes => ("good", "✓", "held"),
                        AssertionHeld::No => ("bad", "✗", "failed"),
                    };
                    push(
                        &mut html,
                        format_args!(
                            "<td class=\"{class}\"><span title=\"{word}\">{mark}</span> {}</td>",
                            escape(&finding.figure)
                        ),
                    );
                }
            }
        }
        html.push_str("</tr>\n");
    }
    closing(html)
}

/// What a run has a number of.
type RunCount = fn(&Run) -> u64;

/// A figure of each policy: comparable, and in words.
type Cells = Vec<Option<(f64, String)>>;

/// What the plots show, in digits.
pub(super) fn figures(runs: &[Run], bound: Option<&[u64]>) -> String {
    let mut html = opening(runs, &["", "lower bound"]);
    let bound = bound.map(|times| Spans::new(times.to_vec()));
    for &clock in DeliveryClock::ALL {
        let all: Vec<Spans> = runs.iter().map(|run| figures::deliveries(run, clock)).collect();
        let bound = bound.as_ref().filter(|_| clock == DeliveryClock::Imported);
        group(&mut html, runs, clock.label());
        for (name, percent) in [("50 %", 50), ("90 %", 90), ("99 %", 99), ("slowest", 100)] {
            let least = bound.map_or_else(String::new, |bound| figures::percentile_words(bound, percent));
            let cells = all.iter().map(|all| figures::percentile(all, percent).map(timed)).collect();
            row(&mut html, name, &least, cells);
        }
        row(&mut html, "not reached", "", all.iter().map(never).collect());
    }
    group(&mut html, runs, "load");
    let each = |figure: &dyn Fn(&Run) -> Option<(f64, String)>| runs.iter().map(figure).collect();
    let ratio = |value: Option<f64>| value.map(|value| (value, text::times(value)));
    row(&mut html, "redundancy, mean", "", each(&|run| ratio(figures::mean(&figures::redundancy(run)))));
    row(
        &mut html,
        "redundancy, worst node",
        "",
        each(&|run| ratio(figures::redundancy(run).last().copied())),
    );
    let sent = |run: &Run| figures::mean(&figures::by_node(run, |node| node.sent_bytes as f64));
    row(
        &mut html,
        "sent by a node, mean",
        "",
        each(&|run| sent(run).map(|value| (value, text::bytes(value)))),
    );
    row(&mut html, "peak memory, worst node", "", each(&peak_memory));
    row(&mut html, "what its formula allows", "", each(&memory_bound));
    group(&mut html, runs, "events");
    let counts: [(&str, RunCount); 7] = [
        ("requests", |run| run.counters.requests),
        ("deadlines passed", |run| run.counters.deadlines_passed),
        ("hedges", |run| run.counters.hedges),
        ("reorganisations", |run| run.reorganisations),
        ("nodes astray at the end", |run| u64::from(run.astray)),
        ("nodes not empty at the end", |run| u64::from(run.not_empty)),
        ("simulated events", |run| run.events),
    ];
    for (name, count) in counts {
        // Fewer is not better for all of them: none is marked.
        row(&mut html, name, "", each(&|run| Some((0.0, text::grouped(count(run))))));
    }
    traces(&mut html, runs);
    closing(html)
}

/// Messages and bytes of each kind that was sent at all.
pub(super) fn traffic(runs: &[Run]) -> String {
    let mut html = "<details>\n<summary>Each kind by itself</summary>\n".to_owned();
    html.push_str(&opening(runs, &["kind"]));
    for (index, kind) in MessageKind::ALL.iter().enumerate() {
        let of_kind = |run: &Run| run.traffic.get(index).copied().unwrap_or_default();
        if runs.iter().all(|run| of_kind(run).messages == 0) {
            continue;
        }
        push(&mut html, format_args!("<tr><th scope=\"row\">{}</th>", kind.label().replace('_', " ")));
        for run in runs {
            let traffic = of_kind(run);
            let lost = match traffic.lost {
                0 => String::new(),
                lost => format!(", {} lost", text::grouped(lost)),
            };
            push(
                &mut html,
                format_args!(
                    "<td>{}<small>{} messages{lost}</small></td>",
                    text::bytes(traffic.bytes as f64),
                    text::grouped(traffic.messages)
                ),
            );
        }
        html.push_str("</tr>\n");
    }
    html.push_str(&closing(String::new()));
    html.push_str("</details>\n");
    html
}

fn opening(runs: &[Run], before: &[&str]) -> String {
    let mut html = "<div class=\"scroll\"><table>\n<thead><tr>".to_owned();
    for title in before {
        push(&mut html, format_args!("<th scope=\"col\">{title}</th>"));
    }
    for run in runs {
        let name = run.policy.label();
        push(&mut html, format_args!("<th scope=\"col\" class=\"name p-{name}\">{name}</th>"));
    }
    html.push_str("</tr></thead>\n<tbody>\n");
    html
}

fn closing(mut html: String) -> String {
    html.push_str("</tbody></table></div>\n");
    html
}

fn group(html: &mut String, runs: &[Run], title: &str) {
    push(
        html,
        format_args!(
            "<tr class=\"group\"><th scope=\"rowgroup\" colspan=\"{}\">{title}</th></tr>\n",
            runs.len() + 2
        ),
    );
}

/// The least is marked, unless all are alike.
fn row(html: &mut String, title: &str, bound: &str, cells: Cells) {
    let values = || cells.iter().flatten().map(|(value, _)| *value);
    let (least, most) = (values().fold(f64::MAX, f64::min), values().fold(f64::MIN, f64::max));
    push(html, format_args!("<tr><th scope=\"row\">{title}</th><td class=\"muted\">{bound}</td>"));
    for cell in &cells {
        match cell {
            None => html.push_str("<td class=\"muted\">–</td>"),
            Some((value, words)) if *value == least && least < most => {
                push(html, format_args!("<td class=\"best\">{words}</td>"));
            }
            Some((_, words)) => push(html, format_args!("<td>{words}</td>")),
        }
    }
    html.push_str("</tr>\n");
}

fn traces(html: &mut String, runs: &[Run]) {
    html.push_str("<tr><th scope=\"row\">trace hash</th><td></td>");
    for run in runs {
        push(html, format_args!("<td><code>{}</code></td>", escape(&run.trace)));
    }
    html.push_str("</tr>\n");
}

fn timed(time: u64) -> (f64, String) {
    if time == NEVER {
        (f64::MAX, "<span class=\"bad\">never</span>".to_owned())
    } else {
        (time as f64, text::time(time))
    }
}

fn never(all: &Spans) -> Option<(f64, String)> {
    let words = format!("{} of {}", text::grouped(all.not_reached()), text::grouped(all.len() as u64));
    Some((
        all.not_reached() as f64,
        if all.not_reached() > 0 { format!("<span class=\"bad\">{words}</span>") } else { words },
    ))
}

fn peak_memory(run: &Run) -> Option<(f64, String)> {
    let peak = figures::by_node(run, |node| node.memory_peak as f64).last().copied()?;
    Some((peak, text::bytes(peak)))
}

/// The least that any node's machine promises: the same at each of them, in one scenario.
fn memory_bound(run: &Run) -> Option<(f64, String)> {
    let bound = run.nodes.iter().filter_map(|node| node.memory_bound).min()?;
    Some((0.0, text::bytes(bound as f64)))
}
