//! Which folder uses which, held to docs/folders.md: its tables are read here, so that they say
//! what is so.
//!
//! A table's rows are the modules of a crate's root, top down. A module uses just those that its row
//! names, and these stand below it: so there are no circles. Uses are read from the tokens of the
//! sources, macros included, without what is compiled for tests only. A name that the root takes
//! from a module and gives to the others counts as that module's.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::wildcard_enum_match_arm,
    clippy::print_stdout,
    missing_docs,
    reason = "tests"
)]

#[path = "support/sources.rs"]
mod sources;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use proc_macro2::TokenTree;

use sources::{files_below, repository, tokens};

/// Where the tables are, one below each heading that names a directory.
const DOCUMENT: &str = "docs/folders.md";

/// The directories that have a table, and what their crate is called in its own binary.
const CRATES: [(&str, &str); 4] = [
    ("src", "herald_fetcher"),
    ("chain/src", "herald_chain"),
    ("node/src", "herald_node"),
    ("simnet/src", "herald_simnet"),
];

type Uses = BTreeMap<String, BTreeSet<String>>;

/// The rows below the heading that names `directory`, in their order.
fn table(document: &str, directory: &str) -> Vec<(String, BTreeSet<String>)> {
    let heading = format!("`{directory}`");
    let sections = document.split("\n## ").skip(1);
    let section =
        sections.filter_map(|section| section.split_once('\n')).find(|(title, _)| *title == heading);
    let (_, text) = section.unwrap_or_else(|| panic!("{DOCUMENT} has no heading \"## {heading}\""));
    let rows = text.lines().filter(|line| line.starts_with("| `"));
    let names = |cell: &str| cell.split('`').skip(1).step_by(2).map(ToOwned::to_owned).collect::<Vec<_>>();
    rows.map(|row| {
        let cells: Vec<&str> = row.split('|').collect();
        (names(cells[1]).remove(0), names(cells[2]).into_iter().collect())
    })
    .collect()
}

/// The modules of a crate's root, and which of them each uses.
fn uses(directory: &Path, crate_name: &str) -> Uses {
    let root_file = directory.join("lib.rs");
    let modules: BTreeSet<String> = std::fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir() || path.extension().is_some_and(|extension| extension == "rs"))
        .map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned())
        .filter(|name| !["lib", "main"].contains(&name.as_str()))
        .collect();
    let given = given_by_root(&tokens(&root_file), &modules);
    let mut uses = Uses::new();
    for module in &modules {
        let used = uses.entry(module.clone()).or_default();
        for file in sources(directory, module) {
            let depth = file.strip_prefix(directory).unwrap().components().count();
            // `super` this often leads to the root; mod.rs is its folder.
            let depth = if file.ends_with("mod.rs") { depth - 1 } else { depth };
            let mut names = BTreeSet::new();
            from_root(&tokens(&file), depth, crate_name, &mut names);
            for name in names {
                let of = if modules.contains(&name) { Some(&name) } else { given.get(&name) };
                let of = of.unwrap_or_else(|| {
                    panic!("{}: `{name}` is neither a module nor taken from one", file.display())
                });
                if of != module {
                    used.insert(of.clone());
                }
            }
        }
    }
    uses
}

/// The files of a module, but for those that are tests.
fn sources(directory: &Path, module: &str) -> Vec<PathBuf> {
    let file = directory.join(format!("{module}.rs"));
    if file.exists() {
        return vec![file];
    }
    files_below(directory.join(module))
}

/// The names that stand after `crate::`, after the crate's own name, or after as many `super::` as
/// lead to the root.
fn from_root(tokens: &[TokenTree], depth: usize, crate_name: &str, names: &mut BTreeSet<String>) {
    let (mut supers, mut at) = (0, 0);
    while at < tokens.len() {
        let word = tokens[at].to_string();
        let is_path = is_colons(tokens, at + 1);
        supers = if word == "super" && is_path { supers + 1 } else { 0 };
        let is_root = word == "crate" || word == crate_name || supers == depth;
        if is_root && is_path {
            first_names(&tokens[at + 3..], names);
        }
        if let TokenTree::Group(group) = &tokens[at] {
            let inner: Vec<TokenTree> = group.stream().into_iter().collect();
            from_root(&inner, depth, crate_name, names);
        }
        at += if supers > 0 { 3 } else { 1 };
    }
}

/// The first name of a path, or of each path of a group.
fn first_names(path: &[TokenTree], names: &mut BTreeSet<String>) {
    match path.first() {
        Some(TokenTree::Ident(name)) if name != "super" => {
            names.insert(name.to_string());
        }
        Some(TokenTree::Group(group)) => {
            let inner: Vec<TokenTree> = group.stream().into_iter().collect();
            for path in inner.split(is_comma) {
                first_names(path, names);
            }
        }
        _ => {}
    }
}

/// What the root's `use` items take from its modules: each name and its module.
fn given_by_root(root: &[TokenTree], modules: &BTreeSet<String>) -> BTreeMap<String, String> {
    let mut given = BTreeMap::new();
    for item in root.split(|token| matches!(token, TokenTree::Punct(punct) if punct.as_char() == ';')) {
        let Some(start) = item.iter().rposition(|token| token.to_string() == "use") else { continue };
        let mut path = &item[start + 1..];
        while path.first().is_some_and(|word| ["self", "crate"].contains(&word.to_string().as_str())) {
            path = &path[3..];
        }
        let module = path.first().map(ToString::to_string).unwrap_or_default();
        if modules.contains(&module) {
            last_names(path, &mut |name| {
                given.insert(name, module.clone());
            });
        }
    }
    given
}

/// The last name of a path, or of each path of its group.
fn last_names(path: &[TokenTree], give: &mut impl FnMut(String)) {
    match path.last() {
        Some(TokenTree::Ident(name)) => give(name.to_string()),
        Some(TokenTree::Group(group)) => {
            let inner: Vec<TokenTree> = group.stream().into_iter().collect();
            for path in inner.split(is_comma) {
                last_names(path, give);
            }
        }
        _ => {}
    }
}

fn is_comma(token: &TokenTree) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == ',')
}

fn is_colons(tokens: &[TokenTree], at: usize) -> bool {
    let is_colon = |token: &TokenTree| matches!(token, TokenTree::Punct(punct) if punct.as_char() == ':');
    tokens.len() > at + 1 && tokens[at..at + 2].iter().all(is_colon)
}

/// A row as the document has it, but for its last cell.
fn row(module: &str, uses: &BTreeSet<String>) -> String {
    let uses: Vec<String> = uses.iter().map(|used| format!("`{used}`")).collect();
    format!("| `{module}` | {} |", uses.join(", "))
}

#[test]
fn every_folder_uses_what_its_row_says_and_only_what_stands_below() {
    let Some(root) = repository() else { return };
    let document = std::fs::read_to_string(root.join(DOCUMENT)).unwrap();
    let (mut wrong, mut up) = (Vec::new(), BTreeSet::new());
    for (directory, crate_name) in CRATES {
        let mut found = uses(&root.join(directory), crate_name);
        let mut above = BTreeSet::new();
        for (module, declared) in table(&document, directory) {
            above.insert(module.clone());
            match found.remove(&module) {
                None => wrong.push(format!("{directory} has no `{module}`: its row goes")),
                Some(used) => {
                    if used != declared {
                        wrong.push(format!("{directory}/{module} is: {}", row(&module, &used)));
                    }
                    up.extend(
                        used.intersection(&above).map(|higher| (directory, module.clone(), higher.clone())),
                    );
                }
            }
        }
        wrong.extend(found.iter().map(|(module, uses)| format!("{directory} lacks: {}", row(module, uses))));
    }
    assert!(wrong.is_empty(), "{DOCUMENT} and the sources differ:\n{}", wrong.join("\n"));
    assert!(up.is_empty(), "arrows that go up: {up:?}");
}

#[test]
fn uses_are_found_wherever_a_path_can_stand() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let text = r#"
        //! crate::comment
        use crate::{one::Thing, two};
        use super::super::{three};
        use super::sibling::Other;
        fn f() -> crate::four::Kind {
            let text = "crate::text";
            select! { a = crate::five::g() => {}, b = own_name::six::h() => super::super::seven::i() }
        }
        #[cfg(test)]
        mod tests { use crate::only_in_tests; }
    "#;
    std::fs::write(file.path(), text).unwrap();
    let mut names = BTreeSet::new();
    from_root(&tokens(file.path()), 2, "own_name", &mut names);
    let expected = ["five", "four", "one", "seven", "six", "three", "two"];
    assert_eq!(names, expected.map(ToOwned::to_owned).into());
}
