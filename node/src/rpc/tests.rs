//! docs/rpc.md says of every method what there is to say, and of no other.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::print_stdout, reason = "tests")]

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;

use super::{ANSWER_BYTES_MAX, BATCH_MAX, CONNECTIONS_MAX, METHODS, REQUEST_BYTES_MAX, fetcher};

/// The document, or `None` and a word about it in a package that was taken out of the repository.
fn document() -> Option<String> {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs");
    if !docs.exists() {
        println!("skipped: this package stands alone, without ../docs");
        return None;
    }
    Some(std::fs::read_to_string(docs.join("rpc.md")).unwrap())
}

/// The methods that the document describes, in its order, each with the text below its heading.
fn described(document: &str) -> Vec<(&str, &str)> {
    let sections = document.split("\n### ").skip(1);
    sections
        .map(|section| {
            let (name, text) = section.split_once('\n').unwrap();
            (name, text.split("\n## ").next().unwrap())
        })
        .collect()
}

#[test]
fn every_method_is_described_under_its_namespace() {
    let Some(document) = document() else { return };
    let names: Vec<&str> = described(&document).iter().map(|(name, _)| *name).collect();
    let mut registered: Vec<&str> = METHODS.iter().copied().flatten().map(|method| method.name).collect();
    registered.sort_unstable();
    assert_eq!(names, registered, "docs/rpc.md, in alphabetical order, and the tables of methods");
    let namespaces = names.iter().map(|name| name.split('_').next().unwrap());
    let expected: BTreeSet<&str> = namespaces.collect();
    let headings = document.lines().filter_map(|line| line.strip_prefix("## "));
    let found: BTreeSet<&str> = headings.filter(|heading| *heading != "Errors").collect();
    assert_eq!(found, expected);
}

#[test]
fn every_description_is_whole_and_has_an_example_that_parses() {
    let Some(document) = document() else { return };
    for (name, text) in described(&document) {
        for part in ["- **Parameters**: ", "- **Result**: ", "- **Errors**: ", "- **Example**"] {
            assert_eq!(text.matches(part).count(), 1, "{name}: {part}");
        }
        let (_, example) = text.split_once("\n```json\n").unwrap();
        let (example, _) = example.split_once("\n```\n").unwrap();
        let [call, answer] = example.lines().collect::<Vec<_>>()[..] else { panic!("{name}: two lines") };
        let [call, answer]: [Value; 2] = [call, answer].map(|line| serde_json::from_str(line).unwrap());
        assert_eq!(call["method"], name);
        assert!(call["params"].is_array(), "{name}");
        assert!(answer.get("result").is_some(), "{name}");
    }
}

/// The paths of all fields below `value`; the keys of maps by their kind.
fn paths(value: &Value, path: &str, into: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            for (key, field) in fields {
                let key = match path {
                    "stages." => "<stage>",
                    "counters.admissions." => "<admission>",
                    "counters.ends." => "<end>",
                    "counters.penalties." => "<reason>",
                    _ => key,
                };
                let path = format!("{path}{key}");
                if field.is_object() {
                    paths(field, &format!("{path}."), into);
                } else {
                    paths(field, &path, into);
                }
            }
        }
        Value::Array(items) => {
            assert!(!items.is_empty(), "{path}: a sample has one of each");
            for item in items {
                paths(item, &format!("{path}[]."), into);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            into.insert(path.to_owned());
        }
    }
}

#[test]
fn every_field_of_herald_fetcher_is_described() {
    let Some(document) = document() else { return };
    let sections = described(&document);
    let (_, text) = sections.iter().find(|(name, _)| *name == "herald_fetcher").unwrap();
    let rows = text.lines().filter_map(|line| line.strip_prefix("| `")?.split_once('`'));
    let described: BTreeSet<String> = rows.map(|(field, _)| field.to_owned()).collect();
    let mut fields = BTreeSet::new();
    paths(&serde_json::to_value(fetcher::sample()).unwrap(), "", &mut fields);
    assert_eq!(described, fields);
}

#[test]
fn the_limits_are_those_that_hold() {
    let Some(document) = document() else { return };
    for row in [
        format!("| connections | {CONNECTIONS_MAX} |"),
        format!("| bytes of a request | {} MiB |", REQUEST_BYTES_MAX >> 20),
        format!("| bytes of an answer | {} MiB |", ANSWER_BYTES_MAX >> 20),
        format!("| calls in a batch | {BATCH_MAX} |"),
    ] {
        assert!(document.contains(&row), "{row}");
    }
}
