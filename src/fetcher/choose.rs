//! Choosing: who is asked next for what an entry lacks, and how many in one round.

use smallvec::SmallVec;

use crate::config::{Choice, Hedge};
use crate::table::{Asked, EntryId, PeerSlot, Stage, UNMEASURED, Wait};
use crate::types::Types;

use super::{Fetcher, random_below};

/// Rounds double up to this one: more peers than any configuration has.
const DOUBLINGS_MAX: u8 = 15;

/// A few peers.
pub(super) type Slots = SmallVec<[PeerSlot; 8]>;

/// Who can be asked for an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Chosen {
    /// These, one at least.
    Peers(Slots),
    /// Nobody before a request of one of its announcers has ended.
    Busy,
    /// Nobody is left.
    Nobody,
}

impl<T: Types> Fetcher<T> {
    /// How many peers a round asks: one, and in each further round twice as many, so that honest peers
    /// behind n silent ones are asked in the logarithm of n rounds. Bodies are asked of no more than
    /// could be held if all of them gave the largest.
    pub(super) fn round_size(&self, asked: Asked, number: u8) -> u16 {
        if self.config.hedge == Hedge::Off {
            return 1;
        }
        let doubled = 1 << number.min(DOUBLINGS_MAX);
        match asked {
            Asked::Header => doubled,
            Asked::Bodies => doubled.min(self.config.bodies_at_once()),
        }
    }

    /// The round that an entry which is to be asked for now begins with: the next after one that failed,
    /// and the one that found nobody free.
    pub(super) fn next_round(&self, id: EntryId) -> u8 {
        match self.table.stage(id) {
            Some(Stage::Fetching { round, .. } | Stage::Completing { round, .. }) => {
                round.number.saturating_add(1)
            }
            Some(
                Stage::Announced(Wait::Capacity { round })
                | Stage::Fetched { wait: Wait::Capacity { round }, .. },
            ) => *round,
            Some(
                Stage::Announced(Wait::Until(_) | Wait::Window { .. })
                | Stage::Fetched { wait: Wait::Until(_) | Wait::Window { .. }, .. }
                | Stage::Queued { .. }
                | Stage::Importing { .. },
            )
            | None => 0,
        }
    }

    /// Picks up to `count` of the announcers that may be asked, are not being asked already, and have
    /// requests left: first those that were not asked yet, and where there are too few of them, those that
    /// only let the time run out.
    ///
    /// The first round asks as configured. From the second on those that have waited longest come
    /// first, so that newcomers never overtake them; before them only who delivered the header.
    pub(super) fn choose(&mut self, id: EntryId, asked: Asked, number: u8, count: u16) -> Chosen {
        let requests = self.table.stage(id).map(Stage::requests).unwrap_or_default();
        let already: Slots = requests
            .iter()
            .filter_map(|request| self.table.request(*request))
            .filter(|request| request.asked == asked)
            .map(|request| request.peer)
            .collect();
        let (mut new, mut again, mut any) = (Slots::new(), SmallVec::<[(u8, PeerSlot); 8]>::new(), false);
        for (_, claim) in self.table.claims_of(id) {
            if !claim.is_askable() || already.contains(&claim.peer) {
                continue;
            }
            any = true;
            if self.is_busy(claim.peer) {
                continue;
            }
            match claim.times_asked(asked) {
                0 => new.push(claim.peer),
                // What waits for this peer, and was not asked of it yet, comes first.
                _ if self.table.is_relieved(claim.peer) => {}
                times => again.push((times, claim.peer)),
            }
        }
        let count = usize::from(count);
        if number == 0 && !new.is_empty() {
            return Chosen::Peers(self.choose_first(id, asked, &new).into_iter().collect());
        }
        if let Some(at) = self.provider(id).and_then(|slot| new.iter().position(|&s| s == slot)) {
            // Whoever delivered the header has the body, and did not keep us waiting.
            new.get_mut(..=at).unwrap_or_default().rotate_right(1);
        }
        if new.len() < count {
            again.sort_by_key(|(times, _)| *times);
            new.extend(again.into_iter().map(|(_, slot)| slot));
        }
        new.truncate(count);
        match (new.is_empty(), any) {
            (false, _) => Chosen::Peers(new),
            (true, true) => Chosen::Busy,
            (true, false) => Chosen::Nobody,
        }
    }

    /// Who of these is asked first.
    fn choose_first(&mut self, id: EntryId, asked: Asked, free: &[PeerSlot]) -> Option<PeerSlot> {
        match self.config.choice {
            // Whoever delivered the header has the body.
            Choice::Fastest => self.provider(id).filter(|provider| free.contains(provider)).or_else(|| {
                let time = |slot: &PeerSlot| {
                    self.rtt(*slot, asked).and_then(|time| time.usual()).unwrap_or(UNMEASURED)
                };
                // Who is mostly overtaken comes last, however fast it once was.
                let rank = |slot: &PeerSlot| (self.is_slow(*slot), time(slot));
                let least = free.iter().map(rank).min()?;
                let fastest: Slots = free.iter().copied().filter(|slot| rank(slot) == least).collect();
                self.draw(&fastest)
            }),
            Choice::Random => self.draw(free),
        }
    }

    /// Any of these.
    fn draw(&mut self, slots: &[PeerSlot]) -> Option<PeerSlot> {
        let at = if slots.len() < 2 { 0 } else { random_below(&mut self.random, slots.len()) };
        slots.get(at).copied()
    }

    /// Who delivered the header of an entry that waits for its body.
    fn provider(&self, id: EntryId) -> Option<PeerSlot> {
        match self.table.stage(id)? {
            Stage::Fetched { header, .. } | Stage::Completing { header, .. } => Some(header.peer),
            Stage::Announced(_) | Stage::Fetching { .. } | Stage::Queued { .. } | Stage::Importing { .. } => {
                None
            }
        }
    }
}
