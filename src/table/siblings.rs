//! Entries that wait for the same thing: children of one parent, blocks with one body.

use core::hash::{BuildHasher, Hash};

use foldhash::fast::FixedState;
use slab::Slab;
use smallvec::SmallVec;

use crate::types::Types;

use super::list::{Ends, Links};
use super::small::SmallTable;
use super::{Entry, EntryId};

/// A few entries.
pub(crate) type Entries = SmallVec<[EntryId; 4]>;

/// For each thing that is waited for, the list of those who wait. An entry waits for one thing at a
/// time, so that it needs the links for one list.
#[derive(Debug)]
pub(crate) struct Siblings<K>(Lists<K>);

type Lists<K> = SmallTable<(K, Ends<EntryId>), 1>;

impl<K: Eq + Hash> Siblings<K> {
    /// The most that the list of one thing takes.
    pub(crate) const LIST_BYTES: usize = Lists::<K>::ITEM_BYTES;

    pub(crate) fn new() -> Self {
        Self(Lists::new())
    }

    /// Adds an entry at the end of the list of those who wait for `key`.
    pub(crate) fn join<T: Types>(
        &mut self,
        key: K,
        id: EntryId,
        entries: &mut Slab<Entry<T>>,
        hasher: &FixedState,
    ) {
        self.list_mut(key, hasher).append(id, entries, links_mut);
    }

    /// Takes an entry out of the list that it is in.
    pub(crate) fn leave<T: Types>(
        &mut self,
        key: K,
        id: EntryId,
        entries: &mut Slab<Entry<T>>,
        hasher: &FixedState,
    ) where
        K: Clone,
    {
        let Some(gap) = entries.get(id.index()).map(|entry| entry.siblings) else { return };
        let list = self.list_mut(key.clone(), hasher);
        list.unlink(gap, entries, links_mut);
        if list.len() == 0 {
            self.0.remove(|| hasher.hash_one(&key), |(other, _)| *other == key);
        }
    }

    /// Who waits for `key`, in the order in which they joined.
    pub(crate) fn of<T: Types>(&self, key: &K, entries: &Slab<Entry<T>>, hasher: &FixedState) -> Entries {
        let list = self.0.find(|| hasher.hash_one(key), |(other, _)| other == key);
        let list = list.map(|(_, list)| *list).unwrap_or_default();
        list.iter(|id| entries.get(id.index()).map(|entry| &entry.siblings)).collect()
    }

    /// All who wait, for the check of the table.
    pub(crate) fn count(&self) -> usize {
        self.0.iter().map(|(_, list)| list.len() as usize).sum()
    }

    pub(crate) fn allocated_bytes(&self) -> usize {
        self.0.allocated_bytes()
    }

    fn list_mut(&mut self, key: K, hasher: &FixedState) -> &mut Ends<EntryId> {
        let hash = |(key, _): &(K, Ends<EntryId>)| hasher.hash_one(key);
        &mut self.0.find_or_insert((key, Ends::default()), hash, |a, b| a.0 == b.0).1
    }
}

fn links_mut<T: Types>(entries: &mut Slab<Entry<T>>, id: EntryId) -> Option<&mut Links<EntryId>> {
    entries.get_mut(id.index()).map(|entry| &mut entry.siblings)
}
