//! One alarm for each entry: an indexed binary heap.
//!
//! Alarms are mostly set in the order in which they are due, so that setting one costs no sifting,
//! and taking one back leaves nothing behind, so that memory is bounded by the entries.

use smallvec::SmallVec;

use crate::Time;

use super::EntryId;

/// "No place in the heap".
const NONE: u32 = u32::MAX;

#[derive(Debug, Default)]
pub(crate) struct Alarms {
    /// Without an allocation for one, the usual number near the head.
    heap: SmallVec<[(Time, EntryId); 1]>,
    /// The place in the heap of each entry's alarm, by entry.
    places: SmallVec<[u32; 4]>,
}

impl Alarms {
    /// The next alarm due; of several at one time, one that depends on nothing but the calls so far.
    pub(crate) fn next(&self) -> Option<(Time, EntryId)> {
        self.heap.first().copied()
    }

    /// Sets or moves the alarm of `entry`.
    pub(crate) fn set(&mut self, entry: EntryId, time: Time) {
        let index = entry.index();
        if index >= self.places.len() {
            self.places.resize(index + 1, NONE);
        }
        let place = match self.places.get(index) {
            Some(&NONE) | None => {
                self.heap.push((time, entry));
                self.heap.len() - 1
            }
            Some(&place) => {
                let place = place as usize;
                if let Some(slot) = self.heap.get_mut(place) {
                    slot.0 = time;
                }
                place
            }
        };
        self.settle(place);
    }

    /// Takes the alarm of `entry` back, if it has one.
    pub(crate) fn clear(&mut self, entry: EntryId) {
        let Some(place) = self.places.get_mut(entry.index()) else { return };
        if *place == NONE {
            return;
        }
        let place = core::mem::replace(place, NONE) as usize;
        self.heap.swap_remove(place);
        if place < self.heap.len() {
            self.settle(place);
        }
    }

    /// The alarm of `entry`.
    pub(crate) fn of(&self, entry: EntryId) -> Option<Time> {
        let place = *self.places.get(entry.index())?;
        self.heap.get(place as usize).map(|slot| slot.0)
    }

    /// What one entry's alarm takes.
    pub(crate) const ENTRY_BYTES: usize = size_of::<(Time, EntryId)>() + size_of::<u32>();

    pub(crate) fn allocated_bytes(&self) -> usize {
        let heap = if self.heap.spilled() { self.heap.capacity() } else { 0 };
        let places = if self.places.spilled() { self.places.capacity() } else { 0 };
        heap * size_of::<(Time, EntryId)>() + places * size_of::<u32>()
    }

    /// Every parent is due no later than its children, and every place is right.
    pub(crate) fn is_sound(&self) -> bool {
        let ordered = (1..self.heap.len()).all(|place| self.due((place - 1) / 2) <= self.due(place));
        let placed = self.heap.iter().enumerate().all(|(place, (_, entry))| {
            self.places.get(entry.index()).is_some_and(|&at| at as usize == place)
        });
        let counted = self.places.iter().filter(|&&place| place != NONE).count() == self.heap.len();
        ordered && placed && counted
    }

    /// Moves the alarm at `place` up or down to where it belongs.
    fn settle(&mut self, mut place: usize) {
        while place > 0 {
            let parent = (place - 1) / 2;
            if self.due(parent) <= self.due(place) {
                break;
            }
            self.heap.swap(parent, place);
            self.note(place);
            place = parent;
        }
        loop {
            let left = 2 * place + 1;
            if left >= self.heap.len() {
                break;
            }
            let right = left + 1;
            let child =
                if right < self.heap.len() && self.due(right) < self.due(left) { right } else { left };
            if self.due(place) <= self.due(child) {
                break;
            }
            self.heap.swap(place, child);
            self.note(place);
            place = child;
        }
        self.note(place);
    }

    /// Only the time orders: alarms of one time stay where they are, which is what makes setting the
    /// usual one, at the end, cost nothing.
    fn due(&self, place: usize) -> Option<Time> {
        self.heap.get(place).map(|slot| slot.0)
    }

    fn note(&mut self, place: usize) {
        if let Some(&(_, entry)) = self.heap.get(place)
            && let Some(slot) = self.places.get_mut(entry.index())
        {
            // Fewer than 2^32 entries exist: `Config::check` sees to that.
            *slot = place as u32;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Against a sorted set: the same next time after every operation.
        #[test]
        fn agrees_with_a_sorted_set(operations in prop::collection::vec((0..40_usize, prop::option::of(0..100_u64)), 0..400)) {
            let mut alarms = Alarms::default();
            let mut model = BTreeSet::new();
            for (index, time) in operations {
                let entry = EntryId::new(index);
                if let Some(old) = alarms.of(entry) {
                    model.remove(&(old, entry));
                }
                if let Some(nanos) = time {
                    alarms.set(entry, Time::from_nanos(nanos));
                    model.insert((Time::from_nanos(nanos), entry));
                } else {
                    alarms.clear(entry);
                }
                prop_assert!(alarms.is_sound());
                prop_assert_eq!(alarms.next().map(|next| next.0), model.first().map(|first| first.0));
                prop_assert_eq!(alarms.heap.len(), model.len());
            }
        }
    }
}
