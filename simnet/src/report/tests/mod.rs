#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs, reason = "tests")]

pub(super) mod sample;

use super::{ReportInput, page};
use crate::measure::{BrokenInvariant, NEVER, Run};
use crate::scenario::{Policy, Scenario};
use herald_fetcher::Time;

fn rendered(scenario: &Scenario, runs: &[Run]) -> String {
    let bound = sample::bound(runs);
    page(&ReportInput { scenario, runs, bound: Some(&bound), verdicts: &sample::verdicts() })
}

/// Every element that is opened is closed, in order; nothing but elements stands between `<` and `>`.
fn assert_well_formed(html: &str) {
    let mut open: Vec<&str> = Vec::new();
    let mut rest = html.strip_prefix("<!DOCTYPE html>").expect("a page says what it is");
    while let Some(start) = rest.find('<') {
        let end = start + rest[start..].find('>').expect("every tag ends");
        let tag = &rest[start + 1..end];
        assert!(!rest[..start].contains('>'), "a bare > before <{tag}>");
        let name = tag.trim_start_matches('/').split([' ', '\n', '/']).next().unwrap();
        if let Some(closed) = tag.strip_prefix('/') {
            assert_eq!(open.pop(), Some(closed), "<{tag}> closes what is open");
        } else if !tag.ends_with('/') && name != "meta" {
            open.push(name);
        }
        rest = &rest[end + 1..];
        if name == "style" && !tag.starts_with('/') {
            rest = &rest[rest.find("</style").expect("the style ends")..];
        }
    }
    assert!(open.is_empty(), "left open: {open:?}");
}

fn assert_no_odd_number(html: &str) {
    for odd in ["NaN", "inf\"", "inf ", "-inf", "1844674407", "9223372036"] {
        assert!(
            !html.contains(odd),
            "{odd} in {}",
            &html[html.find(odd).unwrap().saturating_sub(200)..][..260]
        );
    }
}

#[test]
fn a_page_is_well_formed_and_shows_every_policy() {
    let (scenario, runs) = (sample::scenario(100), sample::runs(100));
    let html = rendered(&scenario, &runs);
    assert_well_formed(&html);
    assert_no_odd_number(&html);
    for policy in Policy::ALL {
        let name = policy.label();
        // Once in the key, and in every plot.
        assert!(html.matches(&format!(">{name}</")).count() >= 8, "{name}");
        for rule in [format!("--{name}: #"), format!(".p-{name} {{"), format!(".key .p-{name}:hover")] {
            assert!(html.contains(&rule), "style.css has no {rule}");
        }
    }
    for run in &runs {
        assert!(html.contains(&run.trace));
    }
    for seen in
        ["Propagation", "never reached", "silence · HONEST", "partition", "lower bound", "at most 2 s"]
    {
        assert!(html.contains(seen), "{seen}");
    }
}

#[test]
fn a_page_stands_alone() {
    let html = rendered(&sample::scenario(100), &sample::runs(100));
    let linked = html.replace("http://www.w3.org/2000/svg", "");
    for outside in ["http", "<script", "<link", "@import", "url(", "src=", "href="] {
        assert!(!linked.contains(outside), "{outside}");
    }
}

#[test]
fn names_from_outside_are_escaped() {
    let mut scenario = sample::scenario(20);
    scenario.name = "</title><script>alert(1)</script>".to_owned();
    scenario.purpose = "<img src=x>".to_owned();
    let mut runs = sample::runs(20);
    runs[0].trace = "<b>".to_owned();
    runs[0].violation = Some(BrokenInvariant {
        at: Time::from_nanos(5),
        event: 9,
        node: None,
        what: "<i>held</i>".to_owned(),
    });
    let html = rendered(&scenario, &runs);
    assert_well_formed(&html);
    for markup in ["<script", "<img", "<b>", "<i>held"] {
        assert!(!html.contains(markup), "{markup}");
    }
    assert!(html.contains("&lt;i&gt;held&lt;/i&gt;"));
    assert!(html.contains("✗ an invariant broke") && !html.contains("✓ herald holds"));
}

#[test]
fn the_same_runs_give_the_same_page() {
    let page = || rendered(&sample::scenario(60), &sample::runs(60));
    assert_eq!(page(), page());
}

#[test]
fn nothing_to_show_is_no_odd_number() {
    let scenario = sample::scenario(20);
    let bare = |runs: &[Run], bound: Option<&[u64]>| {
        let html = page(&ReportInput { scenario: &scenario, runs, bound, verdicts: &[] });
        assert_well_formed(&html);
        assert_no_odd_number(&html);
        html
    };
    assert!(bare(&[], None).contains("asserts nothing"));
    let mut runs = sample::runs(20);
    for run in &mut runs {
        run.blocks.clear();
        run.heads.clear();
        run.memory.clear();
        run.penalties.clear();
        run.traffic = Default::default();
    }
    assert!(bare(&runs, Some(&[])).contains("Nobody was penalised"));
    for run in &mut runs {
        run.nodes.clear();
        run.ended_at = Time::from_nanos(0);
    }
    bare(&runs, Some(&[NEVER]));
}

#[test]
fn a_block_that_nobody_gets_is_counted_and_never_dropped() {
    let mut runs = sample::runs(20);
    runs.truncate(1);
    for block in &mut runs[0].blocks {
        block.imported.fill(NEVER);
    }
    let html = rendered(&sample::scenario(20), &runs);
    assert_no_odd_number(&html);
    assert!(html.contains("never reached: 0 %"));
    assert!(html.contains("50 % never · 99 % never"));
}

#[test]
fn a_run_of_thousands_of_nodes_is_a_small_page() {
    let html = rendered(&sample::scenario(6_000), &sample::runs(6_000));
    assert!(html.len() < 2_000_000, "{} bytes", html.len());
}

/// Writes the sample where `SIMNET_SAMPLE_REPORT` says.
#[test]
#[ignore = "for a person who wants to look at the page"]
fn the_sample_can_be_looked_at() {
    let path = std::env::var_os("SIMNET_SAMPLE_REPORT").expect("SIMNET_SAMPLE_REPORT names a file");
    std::fs::write(path, rendered(&sample::scenario(100), &sample::runs(100))).unwrap();
}
