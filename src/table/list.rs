//! Doubly linked lists through items that live elsewhere.
//!
//! Joining a list and leaving it cost the same however long it is: peers choose how long lists get.

/// An item's neighbours in one list.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Links<I> {
    previous: Option<I>,
    next: Option<I>,
}

impl<I> Default for Links<I> {
    fn default() -> Self {
        Self { previous: None, next: None }
    }
}

/// The ends of one list.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ends<I> {
    first: Option<I>,
    last: Option<I>,
    len: u32,
}

impl<I> Default for Ends<I> {
    fn default() -> Self {
        Self { first: None, last: None, len: 0 }
    }
}

impl<I: Copy> Ends<I> {
    /// The item that joined first.
    pub(crate) fn first(&self) -> Option<I> {
        self.first
    }

    pub(crate) fn len(&self) -> u32 {
        self.len
    }

    /// Adds an item, which is in no list of this kind, at the end. `links` finds an item's links among
    /// the `items`.
    pub(crate) fn append<S>(
        &mut self,
        id: I,
        items: &mut S,
        links: impl Fn(&mut S, I) -> Option<&mut Links<I>>,
    ) {
        if let Some(own) = links(items, id) {
            *own = Links { previous: self.last, next: None };
        }
        match self.last.and_then(|last| links(items, last)) {
            Some(last) => last.next = Some(id),
            None => self.first = Some(id),
        }
        self.last = Some(id);
        self.len += 1;
    }

    /// Closes the list over the gap of an item that leaves it, whose links were `gap`.
    pub(crate) fn unlink<S>(
        &mut self,
        gap: Links<I>,
        items: &mut S,
        links: impl Fn(&mut S, I) -> Option<&mut Links<I>>,
    ) {
        match gap.previous.and_then(|previous| links(items, previous)) {
            Some(previous) => previous.next = gap.next,
            None => self.first = gap.next,
        }
        match gap.next.and_then(|next| links(items, next)) {
            Some(next) => next.previous = gap.previous,
            None => self.last = gap.previous,
        }
        self.len -= 1;
    }

    /// The items in the order in which they joined.
    pub(crate) fn iter<'a>(self, links: impl Fn(I) -> Option<&'a Links<I>>) -> impl Iterator<Item = I>
    where
        I: 'a,
    {
        core::iter::successors(self.first, move |id| links(*id)?.next)
    }
}

#[cfg(test)]
#[allow(clippy::indexing_slicing, reason = "tests")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Four lists through twelve items, against a vector for each.
        #[test]
        fn lists_agree_with_vectors(steps in prop::collection::vec((0..4_usize, 0..12_usize), 0..200)) {
            let mut lists = [Ends::<usize>::default(); 4];
            let mut items = [Links::<usize>::default(); 12];
            let mut model: [Vec<usize>; 4] = Default::default();
            for (list, id) in steps {
                match model.iter().position(|ids| ids.contains(&id)) {
                    Some(list) => {
                        model[list].retain(|other| *other != id);
                        lists[list].unlink(items[id], &mut items, |items, id| items.get_mut(id));
                    }
                    None => {
                        model[list].push(id);
                        lists[list].append(id, &mut items, |items, id| items.get_mut(id));
                    }
                }
                for (list, ids) in lists.iter().zip(&model) {
                    prop_assert_eq!(list.first(), ids.first().copied());
                    prop_assert_eq!(list.len() as usize, ids.len());
                    prop_assert_eq!(&list.iter(|id| items.get(id)).collect::<Vec<_>>(), ids);
                }
            }
        }
    }
}
