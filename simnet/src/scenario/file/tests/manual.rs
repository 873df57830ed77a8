//! The manual's tables of keys against the keys that a file may have, both ways.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use serde::de::value::Error;
use serde::de::{DeserializeOwned, Deserializer, Error as _, Visitor};
use serde::forward_to_deserialize_any;

use crate::measure::verdict::Assertion;
use crate::scenario::file::*;
use crate::scenario::forms::{FaultForm, FaultKind, RegionsForm, SizeDrawTable, TopologyForm, TopologyKind};
use crate::scenario::{
    CutDirection, Distribution, Exit, MemoryKept, NetworkYear, OutboundDegrees, Sealing, SmallMessages,
};

type Names = BTreeSet<String>;

/// Asks a type which fields or variants it has, as serde's derive tells any deserializer.
struct Asking<'a>(&'a mut &'static [&'static str]);

impl<'de> Deserializer<'de> for Asking<'_> {
    type Error = Error;

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        fields: &'static [&'static str],
        _visitor: V,
    ) -> Result<V::Value, Error> {
        *self.0 = fields;
        Err(Error::custom("only its fields were wanted"))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        variants: &'static [&'static str],
        _visitor: V,
    ) -> Result<V::Value, Error> {
        *self.0 = variants;
        Err(Error::custom("only its variants were wanted"))
    }

    fn deserialize_any<V: Visitor<'de>>(self, _visitor: V) -> Result<V::Value, Error> {
        Err(Error::custom("this type has neither fields nor variants"))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 u8 u16 u32 u64 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map identifier ignored_any
    }
}

/// The fields of a struct, or the variants of an enum, as a file spells them.
fn names<T: DeserializeOwned>() -> Names {
    let mut names: &[&str] = &[];
    let _ = T::deserialize(Asking(&mut names));
    assert!(!names.is_empty(), "serde derives no names for this type");
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// What stands between backquotes.
fn quoted(text: &str) -> Names {
    text.split('`').skip(1).step_by(2).map(|name| name.trim_matches('"').to_owned()).collect()
}

/// The sections of "Writing a scenario" by their headings, such as `[chain]`.
fn sections() -> BTreeMap<String, String> {
    let manual = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/simnet.md")).unwrap();
    let (_, rest) = manual.split_once("\n## Writing a scenario\n").unwrap();
    let (chapter, _) = rest.split_once("\n## ").unwrap();
    let sections = chapter.split("\n### ").skip(1).map(|section| section.split_once('\n').unwrap());
    sections.map(|(heading, text)| (heading.replace('`', ""), text.to_owned())).collect()
}

/// The names in the first column of the tables with this heading.
fn first_column(section: &str, heading: &str) -> Names {
    let mut listed = Names::new();
    let mut is_wanted = false;
    let mut is_within = false;
    for line in section.lines() {
        let Some(row) = line.strip_prefix("| ") else {
            is_within = false;
            continue;
        };
        let (first, _) = row.split_once(" |").unwrap();
        if !is_within {
            (is_within, is_wanted) = (true, first == heading);
        } else if is_wanted {
            listed.append(&mut quoted(first));
        }
    }
    listed
}

#[test]
fn every_key_is_in_the_manual_and_every_key_of_the_manual_exists() {
    let sections = sections();
    let tables: [(&str, Names); 10] = [
        ("[topology]", names::<TopologyForm>()),
        ("[regions]", names::<RegionsForm>()),
        ("[links]", names::<LinkModel>()),
        ("[wire]", names::<WireSizes>()),
        ("[chain]", names::<ChainModel>()),
        ("[[adversaries]]", names::<Adversaries>()),
        ("[[faults]]", names::<FaultForm>()),
        ("[core]", names::<Core>()),
        ("[fetcher]", names::<FetcherOptions>()),
        ("[assertions]", names::<Assertions>()),
    ];
    let mut top = first_column(&sections["Top level"], "key");
    for (heading, keys) in &tables {
        assert_eq!(first_column(&sections[*heading], "key"), *keys, "{heading}");
        top.insert(heading.trim_matches(['[', ']']).to_owned());
    }
    assert_eq!(top, names::<Document>());
    assert_eq!(sections.len(), tables.len() + 1, "a section of the manual is about no table");
    // Keys of an inline table: they have no rows, but are spelt in that of `block_size`.
    let row = sections["[chain]"].lines().find(|line| line.starts_with("| `block_size` |")).unwrap();
    let words: Names = row.split(|c: char| !c.is_alphabetic()).map(String::from).collect();
    assert!(names::<SizeDrawTable>().is_subset(&words), "{row}");
}

#[test]
fn every_kind_and_every_name_is_in_the_manual() {
    let sections = sections();
    for (heading, column, kinds) in [
        ("[topology]", "kind", names::<TopologyKind>()),
        ("[[faults]]", "kind", names::<FaultKind>()),
        ("Top level", "policy", names::<Policy>()),
    ] {
        assert_eq!(first_column(&sections[heading], column), kinds, "{heading}");
    }
    for (heading, values) in [
        ("[topology]", names::<OutboundDegrees>()),
        ("[regions]", names::<NetworkYear>()),
        ("[regions]", names::<Distribution>()),
        ("[links]", names::<SmallMessages>()),
        ("[chain]", names::<Sealing>()),
        ("[[faults]]", names::<CutDirection>()),
        ("[[faults]]", names::<Exit>()),
        ("[[faults]]", names::<MemoryKept>()),
    ] {
        let described = quoted(&sections[heading]);
        assert!(values.is_subset(&described), "{heading}: of {values:?} only some are in {described:?}");
    }
}

#[test]
fn assertions_are_named_as_their_keys() {
    let labels: Names = Assertion::ALL.iter().map(|assertion| assertion.label().to_owned()).collect();
    assert_eq!(labels, names::<Assertions>());
}
