//! What is in work for each peer. At rest there is none of it.

use super::PeerSlot;
use super::claims::Ends;

/// What is held and asked for one peer, against its limits.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Load {
    /// Bytes held for it.
    pub(crate) bytes: u64,
    /// Its claims, of every origin.
    pub(crate) claims: Ends,
    /// Its claims but those of pushed blocks.
    pub(crate) announced: u32,
    /// Whole blocks held for it.
    pub(crate) blocks: u32,
    /// Requests in flight at it.
    pub(crate) requests: u32,
    /// Entries that wait for a place among them.
    pub(crate) waiting: u32,
    /// Entries above the window that it caused.
    pub(crate) deferred: u32,
}

/// So many peers' loads are looked for one by one.
const FEW: usize = 8;

/// The loads. A place that is not among them has none.
///
/// One block concerns some five peers of a node's dozens: a list by place would mostly be zeros, and
/// writing those, for each block in each of a host's many fetchers, costs more than looking.
#[derive(Debug)]
pub(crate) enum Loads {
    /// Places, and the load of each.
    Few { slots: [Option<PeerSlot>; FEW], loads: Vec<Load> },
    /// By place; for good, once there were many.
    Many(Vec<Load>),
}

impl Loads {
    pub(crate) const fn new() -> Self {
        Self::Few { slots: [None; FEW], loads: Vec::new() }
    }

    pub(crate) fn of(&self, slot: PeerSlot) -> Load {
        let load = match self {
            Self::Few { slots, loads } => find(slots, slot).and_then(|at| loads.get(at)),
            Self::Many(loads) => loads.get(slot.index()),
        };
        load.copied().unwrap_or_default()
    }

    pub(crate) fn of_mut(&mut self, slot: PeerSlot) -> &mut Load {
        let at = match self {
            Self::Few { slots, loads } => find(slots, slot).or_else(|| {
                let at = loads.len();
                *slots.get_mut(at)? = Some(slot);
                if loads.capacity() == 0 {
                    loads.reserve_exact(FEW);
                }
                loads.push(Load::default());
                Some(at)
            }),
            Self::Many(_) => None,
        };
        let at = at.unwrap_or_else(|| {
            self.reach(slot);
            slot.index()
        });
        let (Self::Few { loads, .. } | Self::Many(loads)) = self;
        loads.get_mut(at).expect("the list was just made long enough")
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Load> {
        let (Self::Few { loads, .. } | Self::Many(loads)) = self;
        loads.iter()
    }

    pub(crate) fn allocated_bytes(&self) -> usize {
        let (Self::Few { loads, .. } | Self::Many(loads)) = self;
        loads.capacity() * size_of::<Load>()
    }

    /// Makes a list by place, as long as it takes for this one.
    fn reach(&mut self, slot: PeerSlot) {
        if let Self::Few { slots, loads } = self {
            let all = || slots.iter().flatten().zip(loads.iter());
            let last = all().map(|(slot, _)| *slot).max().map_or(slot, |last| last.max(slot));
            let mut by_place = vec![Load::default(); (last.index() + 1).next_power_of_two()];
            for (slot, load) in all() {
                if let Some(place) = by_place.get_mut(slot.index()) {
                    *place = *load;
                }
            }
            *self = Self::Many(by_place);
        }
        if let Self::Many(loads) = self
            && slot.index() >= loads.len()
        {
            let len = (slot.index() + 1).next_power_of_two();
            loads.reserve_exact(len - loads.len());
            loads.resize(len, Load::default());
        }
    }
}

fn find(slots: &[Option<PeerSlot>; FEW], slot: PeerSlot) -> Option<usize> {
    slots.iter().position(|other| *other == Some(slot))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Against a map, with few and with many, and within the memory of the places that there are.
        #[test]
        fn agrees_with_a_map(steps in prop::collection::vec((0..40_usize, 1..9_u32), 0..60)) {
            let (mut loads, mut model) = (Loads::new(), BTreeMap::new());
            for (place, requests) in steps {
                loads.of_mut(PeerSlot::new(place)).requests += requests;
                *model.entry(place).or_insert(0) += requests;
                for place in 0..50 {
                    let expected = model.get(&place).copied().unwrap_or(0);
                    prop_assert_eq!(loads.of(PeerSlot::new(place)).requests, expected);
                }
                let sum: u32 = loads.iter().map(|load| load.requests).sum();
                prop_assert_eq!(sum, model.values().sum::<u32>());
                let places = model.keys().max().map_or(0, |max| max + 1).next_power_of_two().max(FEW);
                prop_assert!(loads.allocated_bytes() <= places * size_of::<Load>());
            }
        }
    }
}
