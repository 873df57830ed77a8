//! Counts what happens, in half the room.

use crate::output::{Admission, End, Reason};

use super::Counters;

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Count {
    Admission(Admission),
    End(End),
    Penalty(Reason),
    Requests,
    DeadlinesPassed,
    Hedges,
    ParentsSought,
    DeferredTakenUp,
    RepliesUnmatched,
    AnswersUnexpected,
    TimeWentBack,
}

const ENDS: usize = Admission::ALL.len();
const PENALTIES: usize = ENDS + End::ALL.len();
const OTHERS: usize = PENALTIES + Reason::ALL.len();
const COUNTS: usize = OTHERS + 8;

impl Count {
    fn place(self) -> usize {
        match self {
            Self::Admission(admission) => admission as usize,
            Self::End(end) => ENDS + end as usize,
            Self::Penalty(reason) => PENALTIES + reason as usize,
            Self::Requests => OTHERS,
            Self::DeadlinesPassed => OTHERS + 1,
            Self::Hedges => OTHERS + 2,
            Self::ParentsSought => OTHERS + 3,
            Self::DeferredTakenUp => OTHERS + 4,
            Self::RepliesUnmatched => OTHERS + 5,
            Self::AnswersUnexpected => OTHERS + 6,
            Self::TimeWentBack => OTHERS + 7,
        }
    }
}

/// The lower halves of 64-bit counters, and the upper ones as soon as one is not zero: that takes
/// months, and most fetchers live for a simulation.
#[derive(Debug)]
pub(super) struct Tally {
    low: [u32; COUNTS],
    high: Option<Box<[u32; COUNTS]>>,
}

impl Tally {
    pub(super) const fn new() -> Self {
        Self { low: [0; COUNTS], high: None }
    }

    pub(super) fn raise(&mut self, count: Count) {
        let place = count.place();
        let Some(low) = self.low.get_mut(place) else { return };
        *low = low.wrapping_add(1);
        if *low == 0
            && let Some(high) = self.high.get_or_insert_with(|| Box::new([0; COUNTS])).get_mut(place)
        {
            *high = high.wrapping_add(1);
        }
    }

    pub(super) fn counters(&self) -> Counters {
        Counters {
            admissions: Admission::ALL.map(|admission| self.of(Count::Admission(admission))),
            ends: End::ALL.map(|end| self.of(Count::End(end))),
            penalties: Reason::ALL.map(|reason| self.of(Count::Penalty(reason))),
            requests: self.of(Count::Requests),
            deadlines_passed: self.of(Count::DeadlinesPassed),
            hedges: self.of(Count::Hedges),
            parents_sought: self.of(Count::ParentsSought),
            deferred_taken_up: self.of(Count::DeferredTakenUp),
            replies_unmatched: self.of(Count::RepliesUnmatched),
            answers_unexpected: self.of(Count::AnswersUnexpected),
            time_went_back: self.of(Count::TimeWentBack),
        }
    }

    /// What the upper halves take.
    pub(super) const HIGH_BYTES: usize = size_of::<[u32; COUNTS]>();

    pub(super) fn allocated_bytes(&self) -> usize {
        self.high.as_ref().map_or(0, |_| Self::HIGH_BYTES)
    }

    fn of(&self, count: Count) -> u64 {
        let half = |halves: &[u32; COUNTS]| halves.get(count.place()).map_or(0, |&half| u64::from(half));
        self.high.as_ref().map_or(0, |high| half(high)) << 32 | half(&self.low)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    const OTHER: [Count; 8] = [
        Count::Requests,
        Count::DeadlinesPassed,
        Count::Hedges,
        Count::ParentsSought,
        Count::DeferredTakenUp,
        Count::RepliesUnmatched,
        Count::AnswersUnexpected,
        Count::TimeWentBack,
    ];

    #[test]
    fn everything_counted_has_a_place_of_its_own() {
        let admissions = Admission::ALL.map(Count::Admission);
        let (ends, penalties) = (End::ALL.map(Count::End), Reason::ALL.map(Count::Penalty));
        let all = admissions.into_iter().chain(ends).chain(penalties).chain(OTHER);
        let places: BTreeSet<_> = all.map(Count::place).collect();
        assert_eq!(places, (0..COUNTS).collect());
    }

    #[test]
    fn counts_go_on_beyond_32_bits() {
        let mut tally = Tally::new();
        tally.low[Count::Requests.place()] = u32::MAX - 1;
        for expected in [u64::from(u32::MAX), 1 << 32, (1 << 32) + 1] {
            tally.raise(Count::Requests);
            assert_eq!(tally.counters().requests, expected);
        }
        assert_eq!(tally.counters().hedges, 0);
        assert_eq!(tally.allocated_bytes(), Tally::HIGH_BYTES);
    }
}
