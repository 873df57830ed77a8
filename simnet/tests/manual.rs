//! The manual's tables of adversaries against the code and against what the command prints.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs, reason = "tests")]

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use herald_simnet::measure::verdict::must_earn;
use herald_simnet::scenario::AdversaryKind;

fn manual() -> String {
    fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/simnet.md")).unwrap()
}

/// The block that the command printed.
fn printed(manual: &str) -> &str {
    let (_, rest) = manual.split_once("<!-- begin: simnet adversaries --markdown -->\n").unwrap();
    rest.split_once("<!-- end -->").unwrap().0
}

/// The cells of a table's rows, below its headings.
fn rows(table: &str) -> Vec<Vec<&str>> {
    table
        .lines()
        .skip_while(|line| !line.starts_with("| --- |"))
        .skip(1)
        .take_while(|line| line.starts_with('|'))
        .map(|line| line.trim_matches('|').split('|').map(str::trim).collect())
        .collect()
}

fn quoted(text: &str) -> BTreeSet<&str> {
    text.split('`').skip(1).step_by(2).collect()
}

#[test]
fn each_kind_is_described_with_what_it_must_earn() {
    let manual = manual();
    let (_, chapter) = manual.split_once("\n## Adversaries\n").unwrap();
    let described = rows(chapter);
    let kinds: Vec<_> = described.iter().flat_map(|row| quoted(row[0])).collect();
    assert_eq!(kinds, AdversaryKind::ALL.iter().map(|kind| kind.label()).collect::<Vec<_>>());
    for (row, kind) in described.iter().zip(AdversaryKind::ALL) {
        let reasons: BTreeSet<_> = must_earn(*kind).iter().map(|reason| reason.label()).collect();
        assert_eq!(quoted(row[2]), reasons, "{}", kind.label());
        assert_eq!(row[2] == "none", reasons.is_empty(), "{}", kind.label());
    }
}

#[test]
fn the_printed_table_has_each_kind_and_no_finding_against_herald() {
    let manual = manual();
    let table = printed(&manual);
    assert!(table.starts_with("| adversary |"), "only the table stands between the marks:\n{table}");
    let results = rows(table);
    let kinds: Vec<_> = results.iter().map(|row| row[0]).collect();
    assert_eq!(kinds, AdversaryKind::ALL.iter().map(|kind| kind.label()).collect::<Vec<_>>());
    for row in results {
        assert_eq!(row[5], "met", "{} under herald", row[0]);
    }
}

#[test]
#[cfg_attr(debug_assertions, ignore = "5 s in release, minutes without: the gate runs it in release")]
fn the_printed_table_is_what_the_command_prints() {
    let output =
        Command::new(env!("CARGO_BIN_EXE_simnet")).args(["adversaries", "--markdown"]).output().unwrap();
    let found = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0), "{found}");
    assert!(found == printed(&manual()), "docs/simnet.md is behind; put this between its marks:\n{found}");
}
