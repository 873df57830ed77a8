//! The page: a head, and one section for each question that a reader has.

use super::tables::{self, push};
use super::text::{self, escape};
use super::{AssertionHeld, ReportInput, plots};
use crate::measure::Run;
use crate::scenario::{Scenario, Sealing, SizeDraw, Topology};

const STYLE: &str = include_str!("style.css");

pub(super) fn page(input: &ReportInput<'_>) -> String {
    let ReportInput { scenario, runs, bound, .. } = *input;
    let mut html = String::new();
    let name = escape(&scenario.name);
    push(
        &mut html,
        format_args!(
            "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <meta name=\"color-scheme\" content=\"light dark\">\n\
             <title>{name} · seed {} · herald simnet</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n",
            scenario.seed
        ),
    );
    head(&mut html, input);
    html.push_str("<main>\n");
    violations(&mut html, runs);
    section(&mut html, "Verdict", VERDICT, &[tables::verdicts(input)]);
    section(&mut html, "Propagation", PROPAGATION, &[figure(plots::propagation(runs, bound))]);
    section(&mut html, "Heard, whole, imported", CLOCKS, &[figure(plots::clocks(runs))]);
    section(&mut html, "Figures", FIGURES, &[tables::figures(runs, bound)]);
    section(&mut html, "Heads", HEADS, &[figure(plots::heads(scenario, runs))]);
    section(&mut html, "Traffic", TRAFFIC, &[figure(plots::traffic(runs)), tables::traffic(runs)]);
    section(&mut html, "Node by node", NODES, &[figure(plots::nodes(runs))]);
    section(&mut html, "Requests", REQUESTS, &[figure(plots::requests(runs))]);
    section(&mut html, "Memory", MEMORY, &[figure(plots::memory(scenario, runs))]);
    let penalties = plots::penalties(runs)
        .map_or_else(|| "<p class=\"none\">Nobody was penalised under any policy.</p>\n".to_owned(), figure);
    section(&mut html, "Penalties", PENALTIES, &[penalties]);
    push(
        &mut html,
        format_args!(
            "</main>\n<footer>herald-simnet {} · the same scenario, seed and version give this page \
             byte for byte</footer>\n</body>\n</html>\n",
            env!("CARGO_PKG_VERSION")
        ),
    );
    html
}

const VERDICT: &str = "What the scenario demands. The demands are on herald; the other policies are \
    shown beside it for comparison.";
const PROPAGATION: &str = "A delivery runs from the seal of an honest node's block to its import at \
    another honest node that was online throughout. Left: the share of all deliveries that had come after a time; further left \
    is faster. Right: the same from the other end, so that the slowest one in a hundred or a thousand \
    is as wide as the rest. Where some deliveries never came, the left curve ends in a ring below \
    100 % and the right one levels off. The dashed line is the time that no protocol can beat on \
    these links: it ignores that uplinks are shared, so it is loose.";
const CLOCKS: &str = "Three clocks of each delivery: when the node first heard of the block (dotted), \
    when it had header and body (thin), and when it was imported (bold). A wide gap between the first \
    two is time spent waiting and fetching; between the last two it is the node's own queue. The \
    figures are medians.";
const FIGURES: &str = "The best policy of each row is in bold. A percentile counts what was \
    never reached as later than all else: “never” means that the share was not attained.";
const HEADS: &str = "Each wave is a block: how many of the honest nodes had it, or one after it, as \
    their head. An upright edge is a fast block, a slanted one a slow block. Red is a head off the \
    main branch. Dark strips above a panel are the scenario's
    faults.";
const TRAFFIC: &str = "Bytes sent by all nodes in the whole run, warm-up included, by what they \
    carried.";
const NODES: &str = "How evenly the load lies: each hill is a histogram over the honest nodes, its \
    median marked. Redundancy is 1× where every node received each block just once.";
const REQUESTS: &str = "What the honest nodes' fetchers counted, summed. Each column has a scale of \
    its own; what never happened under any policy is left out.";
const MEMORY: &str = "Bytes that the fetchers account for, over a sample of the honest nodes. What a \
    fetcher holds should fall back to its floor after each block.";
const PENALTIES: &str = "Penalties given by honest nodes, by reason and by what the penalised node \
    is. Any bar in red is an honest node penalised.";

fn head(html: &mut String, input: &ReportInput<'_>) {
    let ReportInput { scenario, runs, .. } = *input;
    push(
        html,
        format_args!(
            "<header>\n<p class=\"kind\">herald simnet</p>\n<h1>{}</h1>\n<p class=\"purpose\">{}</p>\n",
            escape(&scenario.name),
            escape(&scenario.purpose)
        ),
    );
    outcome(html, input);
    html.push_str("<dl class=\"facts\">\n");
    for (term, fact) in facts(scenario) {
        push(html, format_args!("<div><dt>{term}</dt><dd>{}</dd></div>\n", escape(&fact)));
    }
    html.push_str("</dl>\n</header>\n<nav class=\"key\" aria-label=\"Policies\">\n");
    for run in runs {
        let name = run.policy.label();
        push(html, format_args!("<span class=\"p-{name}\"><i></i>{name}</span>\n"));
    }
    html.push_str("</nav>\n");
}

/// What it all comes to, where anything was demanded or broke.
fn outcome(html: &mut String, input: &ReportInput<'_>) {
    let all = input.verdicts.len();
    let held = input.verdicts.iter().filter(|row| row.held() == AssertionHeld::Yes).count();
    let broken = input.runs.iter().any(|run| run.violation.is_some());
    let (class, words) = if broken {
        ("bad", "✗ an invariant broke".to_owned())
    } else if all == 0 {
        return;
    } else if held == all {
        ("good", format!("✓ herald holds {held} of {all} assertions"))
    } else {
        ("bad", format!("✗ herald holds {held} of {all} assertions"))
    };
    push(html, format_args!("<p class=\"outcome {class}\">{words}</p>\n"));
}

/// What one must know of the scenario to read the plots.
fn facts(scenario: &Scenario) -> Vec<(&'static str, String)> {
    let chain = &scenario.chain;
    let topology = match &scenario.topology {
        Topology::RandomRegular { degree } => format!("random, {degree} peers each"),
        Topology::Degrees { .. } => "random, from a table of degrees".to_owned(),
        Topology::Line => "a line".to_owned(),
        Topology::Star => "a star".to_owned(),
        Topology::Edges { edges } => format!("{} connections, listed", text::grouped(edges.len() as u64)),
    };
    let size = |size: crate::scenario::units::Size| text::bytes(size.0 as f64);
    let block = match &chain.block_size {
        SizeDraw::Fixed(fixed) => size(*fixed),
        SizeDraw::Uniform(least, most) => format!("{} to {}", size(*least), size(*most)),
        SizeDraw::LogNormal(median, _) => format!("{}, log-normal", size(*median)),
    };
    let sealing = match chain.sealing {
        Sealing::Turn => "by turn",
        Sealing::Poisson => "Poisson",
    };
    let hostile: Vec<String> = scenario
        .adversaries
        .iter()
        .map(|kind| format!("{} % {}", text::digits(kind.share * 100.0), kind.kind.label()))
        .collect();
    let mut facts = vec![
        ("seed", scenario.seed.to_string()),
        ("nodes", text::grouped(u64::from(scenario.nodes))),
        ("topology", topology),
        ("regions", scenario.regions.names.len().to_string()),
        ("blocks", format!("{} after {} of warm-up", chain.blocks, chain.warm_up)),
        ("interval", format!("{}, {sealing}", text::time(chain.interval.nanos()))),
        ("block size", block),
        (
            "header check, import",
            format!("{}, {}", text::time(chain.header_check.nanos()), text::time(chain.import.nanos())),
        ),
        (
            "jitter, loss",
            format!(
                "{} %, {} %",
                text::digits(scenario.links.jitter * 100.0),
                text::digits(scenario.links.loss * 100.0)
            ),
        ),
        ("version", env!("CARGO_PKG_VERSION").to_owned()),
    ];
    if !hostile.is_empty() {
        facts.push(("hostile", hostile.join(", ")));
    }
    facts
}

/// Broken predicates stand above all else.
fn violations(html: &mut String, runs: &[Run]) {
    for run in runs {
        let Some(violation) = &run.violation else { continue };
        let node = violation.node.map_or_else(String::new, |node| format!(" at node {}", node.index()));
        push(
            html,
            format_args!(
                "<p class=\"violation\" role=\"alert\"><strong>An invariant broke</strong> under {}{node}, \
                 {} into the run, event {}: {}</p>\n",
                run.policy.label(),
                text::time(violation.at.as_nanos()),
                text::grouped(violation.event),
                escape(&violation.what)
            ),
        );
    }
}

fn section(html: &mut String, title: &str, reading: &str, content: &[String]) {
    push(html, format_args!("<section>\n<h2>{title}</h2>\n<p class=\"reading\">{reading}</p>\n"));
    for part in content {
        html.push_str(part);
    }
    html.push_str("</section>\n");
}

fn figure(svg: String) -> String {
    format!("<figure>\n{svg}</figure>\n")
}
