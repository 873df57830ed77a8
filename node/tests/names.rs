//! A type's name stands once in the workspace: who reads it need not ask which is meant.
//!
//! Structs, enums, traits and aliases are read from the tokens of all five packages' sources, without
//! what is compiled for tests only. Associated types have the name that their trait gives them, and
//! are left out.
#![allow(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    clippy::print_stdout,
    missing_docs,
    reason = "tests"
)]

#[path = "support/sources.rs"]
mod sources;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use proc_macro2::{Delimiter, TokenTree};

use sources::{files_below, repository, tokens};

const SOURCES: [&str; 5] = ["src", "proto/src", "chain/src", "node/src", "simnet/src"];

/// A name that stands more than once, and why it may.
struct Exception {
    name: &'static str,
    files: [&'static str; 2],
    /// What is said when it no longer stands in both.
    why: &'static str,
}

const EXCEPTIONS: [Exception; 4] = [
    Exception {
        name: "Block",
        files: ["proto/src/block.rs", "src/types.rs"],
        why: "an alias: the fetcher's block of Ethereum's header and body",
    },
    Exception {
        name: "Body",
        files: ["proto/src/body.rs", "src/types.rs"],
        why: "a trait of the fetcher, and the type of Ethereum that implements it",
    },
    Exception {
        name: "Chain",
        files: ["chain/src/chain/mod.rs", "src/driver/host.rs"],
        why: "a trait of the driver, and the chain on disk that the node implements it with",
    },
    Exception {
        name: "Header",
        files: ["proto/src/header.rs", "src/types.rs"],
        why: "a trait of the fetcher, and the type of Ethereum that implements it",
    },
];

/// Where the type names of each file stand.
type Declared = BTreeMap<String, Vec<String>>;

/// Whose items are read: those of a trait or an `impl` have associated types among them.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Scope {
    Free,
    Associated,
}

/// The names that `tokens` declare, in the order of the text.
fn declared(tokens: &[TokenTree], scope: Scope, names: &mut Vec<String>) {
    // What the next braces hold, by the first word that tells: in `fn f() -> impl T`, it is code.
    let mut body = None;
    for (at, token) in tokens.iter().enumerate() {
        match token {
            TokenTree::Ident(word) => {
                let word = word.to_string();
                let is_declaration = match word.as_str() {
                    "struct" | "enum" | "trait" => true,
                    "type" => scope == Scope::Free,
                    _ => false,
                };
                if let (true, Some(TokenTree::Ident(name))) = (is_declaration, tokens.get(at + 1)) {
                    names.push(name.to_string());
                }
                let holds = match word.as_str() {
                    "impl" | "trait" => Some(Scope::Associated),
                    "fn" => Some(Scope::Free),
                    _ => None,
                };
                body = body.or(holds);
            }
            TokenTree::Group(group) => {
                let is_braces = group.delimiter() == Delimiter::Brace;
                let inner: Vec<TokenTree> = group.stream().into_iter().collect();
                let scope = if is_braces { body.take() } else { None };
                declared(&inner, scope.unwrap_or(Scope::Free), names);
            }
            TokenTree::Punct(punct) if punct.as_char() == ';' => body = None,
            TokenTree::Punct(_) | TokenTree::Literal(_) => {}
        }
    }
}

fn all_declared(root: &Path) -> Declared {
    let mut all = Declared::new();
    for file in SOURCES.iter().flat_map(|folder| files_below(root.join(folder))) {
        if file.extension().is_none_or(|extension| extension != "rs") {
            continue;
        }
        let mut names = Vec::new();
        declared(&tokens(&file), Scope::Free, &mut names);
        let path = file.strip_prefix(root).unwrap().to_str().unwrap();
        for name in names {
            all.entry(name).or_default().push(path.to_owned());
        }
    }
    all.values_mut().for_each(|files| files.sort());
    all
}

#[test]
fn a_type_name_stands_once() {
    let Some(root) = repository() else { return };
    let all = all_declared(&root);
    let excepted: BTreeSet<&str> = EXCEPTIONS.iter().map(|exception| exception.name).collect();
    let mut wrong: Vec<String> = all
        .iter()
        .filter(|(name, files)| files.len() > 1 && !excepted.contains(name.as_str()))
        .map(|(name, files)| format!("`{name}` stands in {}: rename the less important", files.join(", ")))
        .collect();
    for Exception { name, files, why } in EXCEPTIONS {
        let found = all.get(name).map(Vec::as_slice).unwrap_or_default();
        if found != files {
            wrong.push(format!("`{name}` may stand in {} ({why}), but is in {found:?}", files.join(", ")));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(all.len() > 300, "only {} types were found", all.len());
}

#[test]
fn names_are_found_wherever_a_type_can_be_declared() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let text = r#"
        //! struct Comment
        pub struct One<T: Iterator>(T);
        pub(crate) enum Two { Variant { kind: u8 } }
        trait Three: Sized { type Associated; fn f() { struct Four; } }
        impl<T> Three for One<T> { type Associated = u8; }
        fn g() -> impl Iterator<Item = u8> { type Five = u8; "struct Text" }
        fn h(one: impl Three);
        type Six = u8;
        select! { a = b => { enum Seven {} } }
        #[cfg(test)]
        mod tests { struct OnlyInTests; }
    "#;
    std::fs::write(file.path(), text).unwrap();
    let mut names = Vec::new();
    declared(&tokens(file.path()), Scope::Free, &mut names);
    assert_eq!(names, ["One", "Two", "Three", "Four", "Five", "Six", "Seven"]);
}
