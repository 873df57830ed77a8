//! Which situations were reached: a fuzzer that never reaches one says nothing about it.

use herald_fetcher::{Admission, End, Reason};

use crate::measure::{MessageKind, Run};

/// How often each situation came up, over any number of runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Marks(Vec<Mark>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Mark {
    name: String,
    /// Times, over all runs.
    count: u64,
    /// Runs in which it came up.
    runs: u64,
}

/// Marks that nothing has reached.
impl Default for Marks {
    fn default() -> Self {
        let penalties = Reason::ALL.iter().map(|reason| format!("penalty: {}", reason.label()));
        let admissions = Admission::ALL.iter().map(|admission| format!("admission: {}", admission.label()));
        let ends = End::ALL.iter().map(|end| format!("end: {}", end.label()));
        let messages = MessageKind::ALL
            .iter()
            .flat_map(|kind| [format!("sent: {}", kind.label()), format!("lost: {}", kind.label())]);
        let others = OTHERS.map(String::from);
        let names = penalties.chain(admissions).chain(ends).chain(messages).chain(others);
        Self(names.map(|name| Mark { name, count: 0, runs: 0 }).collect())
    }
}

const OTHERS: [&str; 9] = [
    "fetcher: deadline passed",
    "fetcher: second peer asked",
    "fetcher: parent sought",
    "fetcher: deferred block taken up",
    "fetcher: reply to no request",
    "network: reorganisation",
    "network: honest node blamed",
    "network: node that went",
    "network: block that did not stay",
];

impl Marks {
    /// What one run reached.
    pub fn of(run: &Run) -> Self {
        let penalties = Reason::ALL.map(|reason| {
            run.penalties.iter().filter(|row| row.reason == reason).map(|row| row.count).sum::<u64>()
        });
        let messages = run.traffic.iter().flat_map(|traffic| [traffic.messages, traffic.lost]);
        let count = |condition: &dyn Fn(&crate::measure::NodeRecord) -> bool| {
            run.nodes.iter().filter(|node| condition(node)).count() as u64
        };
        let others = [
            run.tally.deadlines_passed,
            run.tally.hedges,
            run.tally.parents_sought,
            run.tally.deferred_taken_up,
            run.tally.replies_unmatched,
            run.reorganisations,
            count(&|node| node.hostile.is_none() && node.penalised > 0),
            count(&|node| !node.online_throughout),
            run.blocks.iter().filter(|block| block.hash.is_some() && !block.canonical).count() as u64,
        ];
        let counts =
            penalties.into_iter().chain(run.admissions).chain(run.ends).chain(messages).chain(others);
        let mut marks = Self::default();
        for (mark, count) in marks.0.iter_mut().zip(counts) {
            (mark.count, mark.runs) = (count, u64::from(count > 0));
        }
        marks
    }

    /// Adds those of other runs.
    pub fn add(&mut self, other: &Self) {
        for (mark, more) in self.0.iter_mut().zip(&other.0) {
            mark.count += more.count;
            mark.runs += more.runs;
        }
    }

    /// Each situation with how often it came up, and in how many runs.
    pub fn counts(&self) -> impl Iterator<Item = (&str, u64, u64)> {
        self.0.iter().map(|mark| (mark.name.as_str(), mark.count, mark.runs))
    }

    /// The situations that were never reached.
    pub fn never(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter(|mark| mark.count == 0).map(|mark| mark.name.as_str())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::measure::tests;

    #[test]
    fn every_count_stands_at_its_name() {
        let mut run = tests::run();
        run.admissions[Admission::TooFar as usize] = 3;
        run.ends[End::Shutdown as usize] = 5;
        run.traffic[MessageKind::Range as usize].lost = 7;
        let mut marks = Marks::of(&run);
        marks.add(&marks.clone());
        let of =
            |name: &str| marks.counts().find(|mark| mark.0 == name).map(|(_, count, runs)| (count, runs));
        assert_eq!(of("admission: too_far"), Some((6, 2)));
        assert_eq!(of("end: shutdown"), Some((10, 2)));
        assert_eq!(of("lost: range"), Some((14, 2)));
        assert_eq!(of("fetcher: second peer asked"), Some((2, 2)));
        assert_eq!(of("network: reorganisation"), Some((2, 2)));
        assert!(marks.never().any(|name| name == "admission: stopped"));
        assert!(marks.never().all(|name| of(name) == Some((0, 0))));
    }
}
