//! One alarm for each entry: an indexed binary heap.
//!
//! Alarms are mostly set in the order in which they are due, so that setting one costs no sifting;
//! taking one back leaves nothing behind, so that memory is bounded by the entries; and once grown, the
//! heap allocates nothing. A `BTreeSet<(Time, EntryId)>` takes 150 lines less and runs the simulator
//! as fast (612 to 609 million instructions for `simnet bench --nodes 1000`), but it allocates a node
//! every few alarms, and announcements are promised to allocate nothing.

use smallvec::SmallVec;

use crate::Time;

use super::EntryId;

/// "No position in the heap".
const NONE: u32 = u32::MAX;

#[derive(Debug, Default)]
pub(crate) struct Alarms {
    /// Without an allocation for one, the usual number near the head.
    heap: SmallVec<[(Time, EntryId); 1]>,
    /// The position in the heap of each entry's alarm, by entry.
    positions: SmallVec<[u32; 4]>,
}

impl Alarms {
    /// The next alarm due; of several at one time, one that depends on nothing but the calls so far.
    pub(crate) fn next(&self) -> Option<(Time, EntryId)> {
        self.heap.first().copied()
    }

    /// Sets or moves the alarm of `entry`.
    pub(crate) fn set(&mut self, entry: EntryId, time: Time) {
        let index = entry.index();
        if index >= self.positions.len() {
            self.positions.resize(index + 1, NONE);
        }
        let position = match self.positions.get(index) {
            Some(&NONE) | None => {
                self.heap.push((time, entry));
                self.heap.len() - 1
            }
            Some(&position) => {
                let position = position as usize;
                if let Some(alarm) = self.heap.get_mut(position) {
                    alarm.0 = time;
                }
                position
            }
        };
        self.settle(position);
    }

    /// Takes the alarm of `entry` back, if it has one.
    pub(crate) fn clear(&mut self, entry: EntryId) {
        let Some(position) = self.positions.get_mut(entry.index()) else { return };
        if *position == NONE {
            return;
        }
        let position = core::mem::replace(position, NONE) as usize;
        self.heap.swap_remove(position);
        if position < self.heap.len() {
            self.settle(position);
        }
    }

    /// The alarm of `entry`.
    pub(crate) fn of(&self, entry: EntryId) -> Option<Time> {
        let position = *self.positions.get(entry.index())?;
        self.heap.get(position as usize).map(|alarm| alarm.0)
    }

    /// What one entry's alarm takes.
    pub(crate) const ENTRY_BYTES: usize = size_of::<(Time, EntryId)>() + size_of::<u32>();

    pub(crate) fn allocated_bytes(&self) -> usize {
        let heap = if self.heap.spilled() { self.heap.capacity() } else { 0 };
        let positions = if self.positions.spilled() { self.positions.capacity() } else { 0 };
        heap * size_of::<(Time, EntryId)>() + positions * size_of::<u32>()
    }

    /// Every parent is due no later than its children, and every position is noted.
    pub(crate) fn is_sound(&self) -> bool {
        let ordered = (1..self.heap.len()).all(|position| self.due((position - 1) / 2) <= self.due(position));
        let positioned = self.heap.iter().enumerate().all(|(position, (_, entry))| {
            self.positions.get(entry.index()).is_some_and(|&at| at as usize == position)
        });
        let counted = self.positions.iter().filter(|&&position| position != NONE).count() == self.heap.len();
        ordered && positioned && counted
    }

    /// Moves the alarm at `position` up or down to where it belongs.
    fn settle(&mut self, mut position: usize) {
        while position > 0 {
            let parent = (position - 1) / 2;
            if self.due(parent) <= self.due(position) {
                break;
            }
            self.heap.swap(parent, position);
            self.note(position);
            position = parent;
        }
        loop {
            let left = 2 * position + 1;
            if left >= self.heap.len() {
                break;
            }
            let right = left + 1;
            let child =
                if right < self.heap.len() && self.due(right) < self.due(left) { right } else { left };
            if self.due(position) <= self.due(child) {
                break;
            }
            self.heap.swap(position, child);
            self.note(position);
            position = child;
        }
        self.note(position);
    }

    /// Only the time orders: alarms of one time stay where they are, which is what makes setting the
    /// usual one, at the end, cost nothing.
    fn due(&self, position: usize) -> Option<Time> {
        self.heap.get(position).map(|alarm| alarm.0)
    }

    fn note(&mut self, position: usize) {
        if let Some(&(_, entry)) = self.heap.get(position)
            && let Some(noted) = self.positions.get_mut(entry.index())
        {
            // Fewer than 2^32 entries exist: `Config::check` sees to that.
            *noted = position as u32;
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
