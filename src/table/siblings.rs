//! Entries that wait for the same thing: children of one parent, blocks with one body.
//!
//! While few wait, one list of them all, in which what each waits for is looked up: near the head it
//! is one block or none, and then nothing is allocated. Beyond that a list for each thing, linked
//! through the entries' numbers, so that joining and leaving cost the same however many wait: peers
//! choose what blocks have in common.

use core::hash::Hash;

use foldhash::fast::FixedState;
use hashbrown::HashMap;
use hashbrown::hash_map::Entry as Place;
use smallvec::SmallVec;

use super::EntryId;

/// A few entries.
pub(crate) type Entries = SmallVec<[EntryId; 4]>;

/// So many are looked through one by one.
const FEW: usize = 4;

#[derive(Clone, Copy, Debug, Default)]
struct Links {
    previous: Option<EntryId>,
    next: Option<EntryId>,
}

#[derive(Clone, Copy, Debug)]
struct Ends {
    first: EntryId,
    last: EntryId,
}

#[derive(Debug)]
pub(crate) struct Siblings<K> {
    /// All who wait, in the order in which they joined, while they are few.
    few: SmallVec<[EntryId; FEW]>,
    /// For good, once there were many.
    many: Option<Box<Many<K>>>,
}

impl<K: Eq + Hash> Siblings<K> {
    /// What one entry takes at most, its list's end in the map not counted.
    pub(crate) const ENTRY_BYTES: usize = size_of::<Links>();
    /// What one list takes in the map.
    pub(crate) const LIST_BYTES: usize = size_of::<(K, Ends)>();
    /// What the map and the links take, however many there are.
    pub(crate) const MANY_BYTES: usize = size_of::<Many<K>>();

    pub(crate) fn new() -> Self {
        Self { few: SmallVec::new(), many: None }
    }

    /// Adds an entry, which waits for nothing else of this kind, at the end of a list. `key_of` says
    /// what the others wait for.
    pub(crate) fn join(
        &mut self,
        key: K,
        id: EntryId,
        hasher: &FixedState,
        key_of: impl Fn(EntryId) -> Option<K>,
    ) {
        if self.many.is_none() && self.few.len() < FEW {
            self.few.push(id);
            return;
        }
        let many = self.many.get_or_insert_with(|| Box::new(Many::new(hasher.clone())));
        for other in self.few.drain(..) {
            if let Some(key) = key_of(other) {
                many.join(key, other);
            }
        }
        many.join(key, id);
    }

    /// Takes an entry out of the list that it is in.
    pub(crate) fn leave(&mut self, key: K, id: EntryId) {
        match &mut self.many {
            None => self.few.retain(|other| *other != id),
            Some(many) => many.leave(key, id),
        }
    }

    /// Who waits for `key`, in the order in which they joined.
    pub(crate) fn of(&self, key: &K, key_of: impl Fn(EntryId) -> Option<K>) -> Entries {
        match &self.many {
            None => self.few.iter().copied().filter(|id| key_of(*id).as_ref() == Some(key)).collect(),
            Some(many) => many.of(key),
        }
    }

    /// All who wait, for the check of the table.
    pub(crate) fn count(&self) -> usize {
        self.many.as_ref().map_or(self.few.len(), |many| many.count())
    }

    pub(crate) fn allocated_bytes(&self) -> usize {
        self.many.as_ref().map_or(0, |many| Self::MANY_BYTES + many.allocated_bytes())
    }
}

#[derive(Debug)]
pub(crate) struct Many<K> {
    lists: HashMap<K, Ends, FixedState>,
    links: Vec<Links>,
}

impl<K: Eq + Hash> Many<K> {
    fn new(hasher: FixedState) -> Self {
        Self { lists: HashMap::with_hasher(hasher), links: Vec::new() }
    }

    fn join(&mut self, key: K, id: EntryId) {
        if id.index() >= self.links.len() {
            self.links.resize(id.index() + 1, Links::default());
        }
        let previous = match self.lists.entry(key) {
            Place::Occupied(mut ends) => Some(core::mem::replace(&mut ends.get_mut().last, id)),
            Place::Vacant(place) => {
                place.insert(Ends { first: id, last: id });
                None
            }
        };
        if let Some(links) = previous.and_then(|previous| self.links.get_mut(previous.index())) {
            links.next = Some(id);
        }
        if let Some(links) = self.links.get_mut(id.index()) {
            *links = Links { previous, next: None };
        }
    }

    fn leave(&mut self, key: K, id: EntryId) {
        let Some(links) = self.links.get_mut(id.index()) else { return };
        let Links { previous, next } = core::mem::take(links);
        if let Some(links) = previous.and_then(|previous| self.links.get_mut(previous.index())) {
            links.next = next;
        }
        if let Some(links) = next.and_then(|next| self.links.get_mut(next.index())) {
            links.previous = previous;
        }
        let Place::Occupied(mut ends) = self.lists.entry(key) else { return };
        match (previous, next) {
            (None, None) => {
                ends.remove();
            }
            (None, Some(next)) => ends.get_mut().first = next,
            (Some(previous), None) => ends.get_mut().last = previous,
            (Some(_), Some(_)) => {}
        }
    }

    fn of(&self, key: &K) -> Entries {
        let mut at = self.lists.get(key).map(|ends| ends.first);
        core::iter::from_fn(|| {
            let id = at?;
            at = self.links.get(id.index()).and_then(|links| links.next);
            Some(id)
        })
        .collect()
    }

    fn count(&self) -> usize {
        self.lists.keys().map(|key| self.of(key).len()).sum()
    }

    fn allocated_bytes(&self) -> usize {
        self.lists.allocation_size() + self.links.capacity() * size_of::<Links>()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Against a vector of pairs: the same entries in the same order.
        #[test]
        fn lists_agree_with_a_vector(operations in prop::collection::vec((0..4_u8, 0..12_usize), 0..200)) {
            let hasher = FixedState::with_seed(1);
            let mut siblings = Siblings::new();
            let mut model: Vec<(u8, EntryId)> = Vec::new();
            for (key, index) in operations {
                let id = EntryId::new(index);
                match model.iter().position(|&(_, other)| other == id) {
                    Some(at) => {
                        let (key, id) = model.remove(at);
                        siblings.leave(key, id);
                    }
                    None => {
                        let key_of = |id| model.iter().find(|m| m.1 == id).map(|m| m.0);
                        siblings.join(key, id, &hasher, key_of);
                        model.push((key, id));
                    }
                }
                for key in 0..4 {
                    let expected: Vec<_> = model.iter().filter(|m| m.0 == key).map(|m| m.1).collect();
                    let key_of = |id| model.iter().find(|m| m.1 == id).map(|m| m.0);
                    prop_assert_eq!(siblings.of(&key, key_of).to_vec(), expected);
                }
                prop_assert_eq!(siblings.count(), model.len());
            }
        }
    }
}
