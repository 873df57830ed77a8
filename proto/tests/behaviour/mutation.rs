//! Bytes that are nearly right: samples with a few bytes or a few items changed.

use alloy_primitives::Bytes;
use herald_proto::rlp::{Item, ItemKind, append_list_header, append_string};
use proptest::collection::vec;
use proptest::prelude::*;

/// A change of bytes. Positions are taken modulo what is there.
#[derive(Clone, Debug)]
pub(crate) enum Change {
    Set {
        at: usize,
        to: u8,
    },
    Insert {
        at: usize,
        byte: u8,
    },
    Delete {
        at: usize,
        count: usize,
    },
    Copy {
        from: usize,
        to: usize,
        count: usize,
    },
    Cut {
        at: usize,
    },
    /// A change of the items, with every length prefix right again.
    Tree {
        node: usize,
        edit: Edit,
    },
}

/// What becomes of one item.
#[derive(Clone, Debug)]
pub(crate) enum Edit {
    Replace(Bytes),
    Prepend(u8),
    Pop,
    ToList,
    ToString,
    Drop,
    Double,
    Wrap(usize),
    /// The length prefix in a longer form than it needs.
    LongPrefix,
}

pub(crate) fn changes() -> impl Strategy<Value = Vec<Change>> {
    vec(change(), 1..4)
}

fn change() -> impl Strategy<Value = Change> {
    let at = any::<usize>;
    // Bytes that begin items are likelier than others to get past the first look.
    let byte = || {
        let marks = vec![0x00, 0x01, 0x7f, 0x80, 0x81, 0xa0, 0xb7, 0xb8, 0xc0, 0xc1, 0xf8, 0xff];
        prop_oneof![any::<u8>(), prop::sample::select(marks)]
    };
    prop_oneof![
        2 => (at(), byte()).prop_map(|(at, to)| Change::Set { at, to }),
        1 => (at(), byte()).prop_map(|(at, byte)| Change::Insert { at, byte }),
        1 => (at(), 1..40_usize).prop_map(|(at, count)| Change::Delete { at, count }),
        1 => (at(), at(), 1..40_usize)
            .prop_map(|(from, to, count)| Change::Copy { from, to, count }),
        1 => at().prop_map(|at| Change::Cut { at }),
        6 => (at(), edit(byte())).prop_map(|(node, edit)| Change::Tree { node, edit }),
    ]
}

fn edit(byte: impl Strategy<Value = u8> + 'static) -> impl Strategy<Value = Edit> {
    prop_oneof![
        vec(any::<u8>(), 0..40).prop_map(|bytes| Edit::Replace(bytes.into())),
        byte.prop_map(Edit::Prepend),
        Just(Edit::Pop),
        Just(Edit::ToList),
        Just(Edit::ToString),
        Just(Edit::Drop),
        Just(Edit::Double),
        (1..20_usize).prop_map(Edit::Wrap),
        Just(Edit::LongPrefix),
    ]
}

pub(crate) fn apply(mut bytes: Vec<u8>, changes: &[Change]) -> Vec<u8> {
    for change in changes {
        if bytes.is_empty() {
            return bytes;
        }
        let len = bytes.len();
        match change {
            Change::Set { at, to } => bytes[at % len] = *to,
            Change::Insert { at, byte } => bytes.insert(at % (len + 1), *byte),
            Change::Delete { at, count } => {
                let start = at % len;
                bytes.drain(start..(start + count).min(len));
            }
            Change::Copy { from, to, count } => {
                let start = from % len;
                let piece = bytes[start..(start + count).min(len)].to_vec();
                let to = to % len;
                bytes.splice(to..to, piece);
            }
            Change::Cut { at } => bytes.truncate(at % len),
            Change::Tree { node, edit } => {
                if let Some(mut tree) = Tree::read(&bytes) {
                    let node = node % tree.count();
                    tree.edit(node, edit);
                    bytes = tree.write();
                }
            }
        }
    }
    bytes
}

#[derive(Clone, Debug)]
enum Tree {
    String(Vec<u8>),
    List(Vec<Tree>),
    /// Written as it stands.
    Raw(Vec<u8>),
}

impl Tree {
    fn read(bytes: &[u8]) -> Option<Self> {
        let item = Item::decode(bytes).ok()?;
        Some(match item.kind() {
            ItemKind::String => Self::String(item.payload().to_vec()),
            ItemKind::List => {
                let mut list = item.list().ok()?;
                let mut entries = Vec::new();
                while let Some(entry) = list.next_item().ok()? {
                    entries.push(Self::read(entry.raw())?);
                }
                Self::List(entries)
            }
        })
    }

    fn write(&self) -> Vec<u8> {
        let mut out = Vec::new();
        match self {
            Self::String(bytes) => append_string(&mut out, bytes),
            Self::List(entries) => {
                let payload: Vec<u8> = entries.iter().flat_map(Self::write).collect();
                append_list_header(&mut out, payload.len());
                out.extend(payload);
            }
            Self::Raw(bytes) => out.extend_from_slice(bytes),
        }
        out
    }

    fn count(&self) -> usize {
        match self {
            Self::String(_) | Self::Raw(_) => 1,
            Self::List(entries) => 1 + entries.iter().map(Self::count).sum::<usize>(),
        }
    }

    /// Edits the item at `node`, counted from 0 with each list before its entries.
    fn edit(&mut self, node: usize, edit: &Edit) {
        if node == 0 {
            let items = self.edited(edit);
            *self = match <[Tree; 1]>::try_from(items) {
                Ok([one]) => one,
                Err(items) => Self::Raw(items.iter().flat_map(Self::write).collect()),
            };
            return;
        }
        let Self::List(entries) = self else { return };
        let mut before = 1;
        for entry in entries {
            let count = entry.count();
            if node < before + count {
                entry.edit(node - before, edit);
                return;
            }
            before += count;
        }
    }

    fn edited(&self, edit: &Edit) -> Vec<Self> {
        let encoded = self.write();
        let one = match edit {
            Edit::Replace(bytes) => Self::String(bytes.to_vec()),
            Edit::Prepend(byte) => match self {
                Self::String(bytes) => Self::String([&[*byte], bytes.as_slice()].concat()),
                Self::List(_) | Self::Raw(_) => return vec![],
            },
            Edit::Pop => match self {
                Self::String(bytes) => {
                    Self::String(bytes.split_last().map_or(vec![], |(_, rest)| rest.to_vec()))
                }
                Self::List(entries) => {
                    Self::List(entries.split_last().map_or(vec![], |(_, rest)| rest.to_vec()))
                }
                Self::Raw(_) => return vec![],
            },
            Edit::ToList => Self::List(vec![]),
            Edit::ToString => Self::String(encoded),
            Edit::Drop => return vec![],
            Edit::Double => return vec![self.clone(), self.clone()],
            Edit::Wrap(times) => (0..*times).fold(self.clone(), |inner, _| Self::List(vec![inner])),
            Edit::LongPrefix => {
                let (mark, payload) = match self {
                    Self::String(bytes) => (0xb8, bytes.clone()),
                    Self::List(entries) => (0xf8, entries.iter().flat_map(Self::write).collect()),
                    Self::Raw(_) => return vec![],
                };
                let len = (payload.len() as u16).to_be_bytes();
                Self::Raw([&[mark + 1], len.as_slice(), payload.as_slice()].concat())
            }
        };
        vec![one]
    }
}
