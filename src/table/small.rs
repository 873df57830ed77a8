//! A hash table that is a list while it is small.

use core::fmt;

use hashbrown::HashTable;
use smallvec::SmallVec;

/// Items that are found by a key: a list of up to `FEW` of them, kept inline, and a hash table beyond that.
///
/// Near the head of the chain a fetcher follows one or two hashes, asks some five peers, and knows a
/// few dozens. Looking through so few costs less than hashing, and takes no allocation. Peers can make
/// it many; then finding, adding and removing must not grow with their number. Once many, a table
/// stays one, so that who comes and goes around the limit does not move everything each time.
///
/// As with [`HashTable`], the table knows nothing of keys: the caller says which item `is` the one, and
/// how an item is hashed. A key can so be part of the item or stand where the item leads. Three things
/// are the caller's duty: no two items have the same key, an item's key does not change while it is
/// here, and equal keys have equal hashes. The order of the items means nothing, but the same calls
/// give the same order.
pub(crate) enum SmallTable<T, const FEW: usize> {
    Few(SmallVec<[T; FEW]>),
    Many(HashTable<T>),
}

impl<T, const FEW: usize> SmallTable<T, FEW> {
    /// The most bytes that one item takes outside of the table itself.
    ///
    /// A hash table is filled to 7/8 and has a control byte for each bucket. It doubles when it is
    /// full of items and of marks of removed ones, the items alone taking more than half.
    pub(crate) const ITEM_BYTES: usize = (size_of::<T>() + 1) * 32 / 7 + 16;

    pub(crate) fn new() -> Self {
        Self::Few(SmallVec::new())
    }

    /// The item that `is` the one; `hash` is that of its key, and asked for only if it is needed.
    pub(crate) fn find(&self, hash: impl FnOnce() -> u64, mut is: impl FnMut(&T) -> bool) -> Option<&T> {
        match self {
            Self::Few(list) => list.iter().find(|item| is(item)),
            Self::Many(table) => table.find(hash(), is),
        }
    }

    /// The item that has the `same` key as `item`, or, where there is none, `item`, which is added.
    pub(crate) fn find_or_insert(
        &mut self,
        item: T,
        hash: impl Fn(&T) -> u64,
        same: impl Fn(&T, &T) -> bool,
    ) -> &mut T {
        if let Self::Few(list) = self
            && list.len() == FEW
            && !list.iter().any(|other| same(other, &item))
        {
            let mut table = HashTable::with_capacity(FEW + 1);
            for item in list.drain(..) {
                table.insert_unique(hash(&item), item, &hash);
            }
            *self = Self::Many(table);
        }
        match self {
            Self::Few(list) => {
                let found = list.iter().position(|other| same(other, &item));
                let at = found.unwrap_or_else(|| {
                    list.push(item);
                    list.len() - 1
                });
                list.get_mut(at).expect("it was found there, or just pushed")
            }
            Self::Many(table) => {
                let entry = table.entry(hash(&item), |other| same(other, &item), hash);
                entry.or_insert(item).into_mut()
            }
        }
    }

    /// Adds an item whose key no other one has.
    pub(crate) fn insert(&mut self, item: T, hash: impl Fn(&T) -> u64) {
        self.find_or_insert(item, hash, |_, _| false);
    }

    /// Takes out the item that `is` the one; `hash` as in [`find`](Self::find).
    pub(crate) fn remove(&mut self, hash: impl FnOnce() -> u64, is: impl Fn(&T) -> bool) -> Option<T> {
        match self {
            Self::Few(list) => list.iter().position(is).map(|at| list.swap_remove(at)),
            Self::Many(table) => table.find_entry(hash(), is).ok().map(|found| found.remove().0),
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        let (list, table) = match self {
            Self::Few(list) => (Some(list.iter()), None),
            Self::Many(table) => (None, Some(table.iter())),
        };
        list.into_iter().flatten().chain(table.into_iter().flatten())
    }

    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Few(list) => list.len(),
            Self::Many(table) => table.len(),
        }
    }

    pub(crate) fn allocated_bytes(&self) -> usize {
        match self {
            Self::Few(_) => 0,
            Self::Many(table) => table.allocation_size(),
        }
    }
}

impl<T: fmt::Debug, const FEW: usize> fmt::Debug for SmallTable<T, FEW> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use core::cell::Cell;

    use proptest::prelude::*;

    use super::*;

    /// Keys and values; hashes that collide often.
    type Pairs = SmallTable<(u8, u32), 4>;

    fn hash(key: u8) -> u64 {
        u64::from(key % 8).wrapping_mul(0x9e37_79b9_7f4a_7c15)
    }

    fn get(pairs: &Pairs, key: u8) -> Option<u32> {
        pairs.find(|| hash(key), |pair| pair.0 == key).map(|pair| pair.1)
    }

    #[test]
    fn few_are_neither_hashed_nor_allocated() {
        let hashed = Cell::new(0);
        let mut pairs = Pairs::new();
        let count = |pair: &(u8, u32)| {
            hashed.set(hashed.get() + 1);
            hash(pair.0)
        };
        for key in 0..4 {
            pairs.insert((key, 0), count);
        }
        assert_eq!((hashed.get(), pairs.allocated_bytes(), pairs.len()), (0, 0, 4));
        // One that is here already does not make them many.
        pairs.find_or_insert((3, 7), count, |a, b| a.0 == b.0).1 += 1;
        assert_eq!((hashed.get(), get(&pairs, 3)), (0, Some(1)));
        pairs.insert((4, 0), count);
        assert!(hashed.get() >= 5 && pairs.allocated_bytes() > 0);
    }

    #[test]
    fn once_many_it_stays_so() {
        let mut pairs = Pairs::new();
        for key in 0..5 {
            pairs.insert((key, 0), |pair| hash(pair.0));
        }
        for key in 0..5 {
            assert_eq!(pairs.remove(|| hash(key), |pair| pair.0 == key), Some((key, 0)));
        }
        assert_eq!(pairs.len(), 0);
        assert!(matches!(pairs, SmallTable::Many(_)));
    }

    proptest! {
        /// Against a vector of pairs: few and many, and back to few in number.
        #[test]
        fn agrees_with_a_vector(steps in prop::collection::vec((0..24_u8, 0..3_u8, 1..9_u32), 0..300)) {
            let (mut pairs, mut model, mut most) = (Pairs::new(), Vec::<(u8, u32)>::new(), 0);
            for (key, step, value) in steps {
                let at = model.iter().position(|pair| pair.0 == key);
                match (step, at) {
                    (0, at) => {
                        let removed = pairs.remove(|| hash(key), |pair| pair.0 == key);
                        prop_assert_eq!(removed, at.map(|at| model.swap_remove(at)));
                    }
                    (1, None) => {
                        pairs.insert((key, value), |pair| hash(pair.0));
                        model.push((key, value));
                    }
                    (_, at) => {
                        pairs.find_or_insert((key, 0), |pair| hash(pair.0), |a, b| a.0 == b.0).1 += value;
                        match at.and_then(|at| model.get_mut(at)) {
                            Some(pair) => pair.1 += value,
                            None => model.push((key, value)),
                        }
                    }
                }
                most = most.max(model.len());
                prop_assert_eq!(pairs.len(), model.len());
                for key in 0..24 {
                    let expected = model.iter().find(|pair| pair.0 == key).map(|pair| pair.1);
                    prop_assert_eq!(get(&pairs, key), expected);
                }
                let (mut found, mut expected) = (pairs.iter().copied().collect::<Vec<_>>(), model.clone());
                found.sort_unstable();
                expected.sort_unstable();
                prop_assert_eq!(found, expected);
                prop_assert!(pairs.allocated_bytes() <= most * Pairs::ITEM_BYTES);
            }
        }
    }
}
