//! Which situations were reached: a fuzzer that never reaches one says nothing about it.

use herald_fetcher::{Admission, End, Reason};
use strum::{IntoStaticStr, VariantArray};

use crate::measure::{MessageKind, NodeRecord, Run};

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

/// A situation that a run may reach.
#[derive(Clone, Copy)]
enum Situation {
    Penalty(Reason),
    Admission(Admission),
    Ending(End),
    Sent(MessageKind),
    Lost(MessageKind),
    Rare(Rare),
}

/// Situations that no enum of the fetcher or of the network names.
#[derive(Clone, Copy, IntoStaticStr, VariantArray)]
enum Rare {
    #[strum(to_string = "fetcher: deadline passed")]
    DeadlinePassed,
    #[strum(to_string = "fetcher: second peer asked")]
    SecondPeerAsked,
    #[strum(to_string = "fetcher: parent sought")]
    ParentSought,
    #[strum(to_string = "fetcher: deferred block taken up")]
    DeferredTakenUp,
    #[strum(to_string = "fetcher: reply to no request")]
    ReplyUnmatched,
    #[strum(to_string = "network: reorganisation")]
    Reorganisation,
    #[strum(to_string = "network: honest node blamed")]
    HonestBlamed,
    #[strum(to_string = "network: node that went")]
    NodeWent,
    #[strum(to_string = "network: block that did not stay")]
    BlockForked,
}

impl Situation {
    /// All situations, in the order in which they are shown.
    fn all() -> impl Iterator<Item = Self> {
        let penalties = Reason::ALL.iter().copied().map(Self::Penalty);
        let admissions = Admission::ALL.iter().copied().map(Self::Admission);
        let endings = End::ALL.iter().copied().map(Self::Ending);
        let messages = MessageKind::ALL.iter().flat_map(|&kind| [Self::Sent(kind), Self::Lost(kind)]);
        let rare = Rare::VARIANTS.iter().copied().map(Self::Rare);
        penalties.chain(admissions).chain(endings).chain(messages).chain(rare)
    }

    fn name(self) -> String {
        match self {
            Self::Penalty(reason) => format!("penalty: {}", reason.label()),
            Self::Admission(admission) => format!("admission: {}", admission.label()),
            Self::Ending(end) => format!("end: {}", end.label()),
            Self::Sent(kind) => format!("sent: {}", kind.label()),
            Self::Lost(kind) => format!("lost: {}", kind.label()),
            Self::Rare(rare) => <&str>::from(rare).into(),
        }
    }

    /// How often a run reached it.
    fn count(self, run: &Run) -> u64 {
        match self {
            Self::Penalty(reason) => {
                run.penalties.iter().filter(|row| row.reason == reason).map(|row| row.count).sum()
            }
            Self::Admission(admission) => run.admissions.get(admission as usize).copied().unwrap_or(0),
            Self::Ending(end) => run.ends.get(end as usize).copied().unwrap_or(0),
            Self::Sent(kind) => run.traffic.get(kind as usize).map_or(0, |traffic| traffic.messages),
            Self::Lost(kind) => run.traffic.get(kind as usize).map_or(0, |traffic| traffic.lost),
            Self::Rare(rare) => rare.count(run),
        }
    }
}

impl Rare {
    fn count(self, run: &Run) -> u64 {
        let nodes = |condition: fn(&NodeRecord) -> bool| {
            run.nodes.iter().filter(|node| condition(node)).count() as u64
        };
        match self {
            Self::DeadlinePassed => run.counters.deadlines_passed,
            Self::SecondPeerAsked => run.counters.hedges,
            Self::ParentSought => run.counters.parents_sought,
            Self::DeferredTakenUp => run.counters.deferred_taken_up,
            Self::ReplyUnmatched => run.counters.replies_unmatched,
            Self::Reorganisation => run.reorganisations,
            Self::HonestBlamed => nodes(|node| node.hostile.is_none() && node.penalised > 0),
            Self::NodeWent => nodes(|node| !node.online_throughout),
            Self::BlockForked => {
                run.blocks.iter().filter(|block| block.hash.is_some() && !block.canonical).count() as u64
            }
        }
    }
}

/// Marks that nothing has reached.
impl Default for Marks {
    fn default() -> Self {
        Self(Situation::all().map(|situation| Mark { name: situation.name(), count: 0, runs: 0 }).collect())
    }
}

impl Marks {
    /// What one run reached.
    pub fn of(run: &Run) -> Self {
        let mark = |situation: Situation| {
            let count = situation.count(run);
            Mark { name: situation.name(), count, runs: u64::from(count > 0) }
        };
        Self(Situation::all().map(mark).collect())
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
