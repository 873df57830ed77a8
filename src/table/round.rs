//! The requests in flight for one thing, asked for in rounds.

use smallvec::SmallVec;

use crate::Time;
use crate::output::RequestId;

/// The requests in flight for one thing, and the round in which they were sent.
///
/// The first round asks one peer. The next begins when the peers of the last have taken longer than
/// they should, or have all failed, and asks twice as many more. A round that finds fewer than it wants
/// takes whoever comes.
#[derive(Clone, Debug)]
pub(crate) struct Round {
    requests: SmallVec<[RequestId; 2]>,
    /// 0 for the first.
    pub(crate) number: u8,
    /// How many more peers it would ask.
    pub(crate) wanted: u16,
    /// When the next round begins, if none has answered; [`Time::MAX`] where only a failure, or somebody
    /// to ask, can begin it.
    pub(crate) ends: Time,
}

impl Round {
    /// What a request takes in the list of one entry that has several, at most.
    pub(crate) const REQUEST_BYTES: usize = 8 * size_of::<RequestId>();

    /// A round of which one peer is asked, and `wanted` are to be asked beside it.
    pub(crate) fn of(number: u8, request: RequestId, wanted: u16, ends: Time) -> Self {
        Self { requests: SmallVec::from_slice(&[request]), number, wanted, ends }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = RequestId> + '_ {
        self.requests.iter().copied()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.requests.is_empty()
    }

    /// The next round, which asks so many.
    pub(crate) fn advance(&mut self, wanted: u16) {
        *self = Self {
            requests: core::mem::take(&mut self.requests),
            number: self.number.saturating_add(1),
            wanted,
            ends: Time::MAX,
        };
    }

    /// One more peer is asked, who should answer by `ends`: the round lasts until all of it should have.
    pub(crate) fn add(&mut self, request: RequestId, ends: Time) {
        self.requests.push(request);
        self.wanted = self.wanted.saturating_sub(1);
        self.ends = if self.ends == Time::MAX { ends } else { self.ends.max(ends) };
    }

    /// Takes a request out, and gives memory back before the list takes more than
    /// [`REQUEST_BYTES`](Self::REQUEST_BYTES) for each that is left.
    pub(crate) fn remove(&mut self, request: RequestId) {
        self.requests.retain(|other| *other != request);
        if self.requests.spilled() && self.requests.len() * 4 <= self.requests.capacity() {
            self.requests.shrink_to_fit();
        }
    }

    /// What the list takes outside of the entry.
    pub(crate) fn allocated_bytes(&self) -> usize {
        if self.requests.spilled() { self.requests.capacity() * size_of::<RequestId>() } else { 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(nanos: u64) -> Time {
        Time::from_nanos(nanos)
    }

    #[test]
    fn a_round_lasts_until_all_of_it_should_have_answered() {
        let mut round = Round::of(0, RequestId::new(1), 0, at(10));
        round.advance(3);
        assert_eq!((round.number, round.wanted, round.ends), (1, 3, Time::MAX));
        round.add(RequestId::new(2), at(40));
        round.add(RequestId::new(3), at(30));
        assert_eq!((round.wanted, round.ends), (1, at(40)));
        assert_eq!(round.iter().count(), 3);
    }

    #[test]
    fn a_list_gives_the_memory_of_those_that_left_it_back() {
        let mut round = Round::of(0, RequestId::new(1), 0, at(1));
        (2..=100).for_each(|n| round.add(RequestId::new(n), at(1)));
        for gone in 1..=100 {
            round.remove(RequestId::new(gone));
            assert!(round.allocated_bytes() <= (100 - gone as usize) * Round::REQUEST_BYTES);
        }
        assert!(round.is_empty());
    }
}
