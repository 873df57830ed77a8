//! The binary, from the outside: what it prints, what it leaves, and how it ends.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs, reason = "tests")]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

/// A world that takes a moment even in debug.
const TINY: &str = r#"
name = "tiny"
purpose = "Small enough for tests."
nodes = 12
policies = ["herald", "geth-model"]
[topology]
kind = "random-regular"
degree = 4
[chain]
blocks = 3
warm_up = 2
interval = "2 s"
drain = "20 s"
sealers = 3
[assertions]
converged = true
all_delivered = true
no_honest_penalised = true
"#;

fn simnet(dir: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_simnet")).args(arguments).current_dir(dir).output().unwrap()
}

fn tiny() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("tiny.toml"), TINY).unwrap();
    dir
}

/// What was printed, where the command ended as it should.
fn printed(dir: &Path, arguments: &[&str], code: i32) -> (String, String) {
    let output = simnet(dir, arguments);
    let (out, err) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert_eq!(output.status.code(), Some(code), "{arguments:?}\n{out}\n{err}");
    (out, err)
}

#[test]
fn wrong_usage_says_what_to_do_instead() {
    let dir = tiny();
    let refused = |arguments: &[&str]| printed(dir.path(), arguments, 2).1;
    let unknown = refused(&["run", "quickstrat"]);
    assert!(
        unknown.contains("did you mean quickstart?") && unknown.contains("simnet scenarios"),
        "{unknown}"
    );
    assert!(refused(&["run", "no-such.toml"]).contains("no-such.toml: cannot be read"));
    assert!(refused(&["run", "tiny.toml", "--nodes", "3"]).contains("degree"));
    assert!(refused(&["run", "tiny.toml", "--dump"]).contains("--out"));
    assert!(refused(&["sweep", "tiny.toml", "--seeds", "5..5"]).contains("A below B"));
    assert!(refused(&["sweep", "tiny.toml", "--seeds", "1..5", "--shard", "2/2"]).contains("N - 1"));
    assert!(refused(&["merge", "no-such.csv", "--out", "merged"]).contains("no-such.csv"));
    assert!(refused(&["adversaries", "jnuk"]).contains("junk"));
    refused(&["frobnicate"]);
    refused(&[]);
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "wrong usage leaves nothing");
}

#[test]
fn an_unknown_key_is_refused_with_its_line() {
    let dir = tiny();
    fs::write(dir.path().join("bad.toml"), "nodes = 20\n[chain]\nblokcs = 3\n").unwrap();
    let (_, refused) = printed(dir.path(), &["run", "bad.toml"], 2);
    assert!(refused.contains("bad.toml, line 3") && refused.contains("blokcs"), "{refused}");
}

#[test]
fn the_shipped_scenarios_are_listed() {
    let (list, _) = printed(Path::new("."), &["scenarios"], 0);
    for name in ["quickstart", "ethereum", "adversary-eclipse"] {
        assert!(list.lines().any(|line| line.starts_with(name)), "{name} is missing:\n{list}");
    }
}

#[test]
fn a_run_says_all_and_leaves_the_same_bytes_each_time() {
    let dir = tiny();
    let run =
        |out: &str| printed(dir.path(), &["run", "tiny.toml", "--seed", "7", "--dump", "--out", out], 0).0;
    let (one, other) = (run("one"), run("other"));
    assert!(one.starts_with("seed 7\n") && one.contains("interval = \"2 s\""), "{one}");
    let last = one.lines().last().unwrap();
    let words: Vec<_> = last.split_whitespace().collect();
    assert_eq!(words, ["no_honest_penalised", "none", "yes", "none", "none"]);
    assert_eq!(one, other.replace("other", "one"));
    let files = ["blocks.csv", "nodes.csv", "report.html", "scenario.toml", "summary.json", "trace.txt"];
    let mut left: Vec<_> =
        fs::read_dir(dir.path().join("one")).unwrap().map(|e| e.unwrap().file_name()).collect();
    left.sort();
    assert_eq!(left, files);
    for file in files {
        let read = |folder: &str| fs::read(dir.path().join(folder).join(file)).unwrap();
        assert!(read("one").len() > 100, "{file}");
        assert!(read("one") == read("other"), "{file} differs");
    }
    let trace = fs::read_to_string(dir.path().join("one/trace.txt")).unwrap();
    assert!(trace.starts_with("policy herald\n") && trace.contains("\npolicy geth-model\n"));
    // The scenario that was left runs again as it is.
    let (again, _) = printed(dir.path(), &["run", "one/scenario.toml"], 0);
    assert_eq!(again, one.split("report: one/report.html\n\n").collect::<String>());
}

#[test]
fn an_assertion_that_fails_is_told_and_ends_with_one() {
    let dir = tiny();
    fs::write(dir.path().join("strict.toml"), format!("{TINY}p50 = \"1 ms\"\n")).unwrap();
    let (out, _) = printed(dir.path(), &["run", "strict.toml"], 1);
    assert!(out.lines().any(|line| line.starts_with("p50  ") && line.contains("  NO  ")), "{out}");
    let (out, _) = printed(dir.path(), &["sweep", "strict.toml", "--seeds", "3..5"], 1);
    assert!(out.contains("failed: p50: simnet run strict.toml --seed 4\n"), "{out}");
}

#[test]
fn shards_merged_in_any_order_are_the_whole_sweep() {
    let dir = tiny();
    let sweep = |more: &[&str]| {
        let arguments = ["sweep", "tiny.toml", "--seeds", "1..6"].iter().chain(more);
        printed(dir.path(), &arguments.copied().collect::<Vec<_>>(), 0).0
    };
    sweep(&["--out", "whole", "--jobs", "2"]);
    sweep(&["--out", "a", "--shard", "0/2"]);
    sweep(&["--out", "b", "--shard", "1/2"]);
    let (merged, _) = printed(dir.path(), &["merge", "b/rows.csv", "a/rows.csv", "--out", "merged"], 0);
    assert!(merged.contains("5 seeds"), "{merged}");
    for file in ["rows.csv", "figures.json", "scenario.toml"] {
        let read = |folder: &str| fs::read_to_string(dir.path().join(folder).join(file)).unwrap();
        assert_eq!(read("merged"), read("whole"), "{file}");
    }
    // 5 seeds, 2 policies, 3 blocks, and the columns.
    assert_eq!(fs::read_to_string(dir.path().join("whole/rows.csv")).unwrap().lines().count(), 31);
}

#[test]
fn a_scenario_gives_the_same_twice() {
    let dir = tiny();
    let (out, _) = printed(dir.path(), &["check-determinism", "tiny.toml", "--seed", "3"], 0);
    let rows: Vec<_> = out.lines().filter(|line| line.ends_with("the same")).collect();
    assert_eq!(rows.len(), 2, "{out}");
    assert!(rows[0].starts_with("herald  ") && rows[1].starts_with("geth-model  "), "{out}");
}

#[test]
fn a_small_bench_counts_every_delivery() {
    let arguments = ["bench", "--nodes", "30", "--degree", "4", "--blocks", "2"];
    let (out, _) = printed(Path::new("."), &arguments, 0);
    assert!(out.lines().any(|line| line.starts_with("deliveries  ") && line.ends_with(" 58")), "{out}");
    assert!(out.contains("deliveries per CPU second") && out.contains("resident memory per node"));
}

#[test]
fn adversaries_have_a_row_each() {
    let kinds = ["junk", "eclipse", "equivocate"];
    let arguments = ["adversaries", "--nodes", "40", "--markdown"].into_iter().chain(kinds);
    let output = simnet(Path::new("."), &arguments.collect::<Vec<_>>());
    let out = String::from_utf8(output.stdout).unwrap();
    // What so small a world comes to is for the table to say; that none breaks an invariant is asked here.
    assert!(matches!(output.status.code(), Some(0 | 1)), "{out}");
    assert_eq!(out.lines().filter(|line| line.starts_with('|')).count(), 2 + kinds.len(), "{out}");
    for kind in kinds {
        let row = out.lines().find(|line| line.starts_with(&format!("| {kind} | "))).unwrap();
        assert_eq!(row.matches(" | ").count(), 8, "{row}");
        assert!(row.contains(" of "), "nothing was delivered: {row}");
    }
    let failed = out.lines().any(|line| !line.starts_with('|') && !line.is_empty());
    assert_eq!(failed, output.status.code() == Some(1), "the exit code and the table do not agree:\n{out}");
}
