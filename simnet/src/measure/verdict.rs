//! What a scenario asserts, held against what was found.

use std::fmt;

use herald_fetcher::Reason;
use serde::Serialize;
use strum::{IntoStaticStr, VariantArray};

use super::stats::Quantiles;
use super::summary::Summary;
use super::table::{TextTable, nanos, reached};
use crate::scenario::{AdversaryKind, Assertions, Policy};

/// What a scenario may assert: each is named as its key in [`Assertions`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, IntoStaticStr, VariantArray)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
#[non_exhaustive]
pub enum Assertion {
    /// [`Assertions::converged`].
    Converged,
    /// [`Assertions::all_delivered`].
    AllDelivered,
    /// [`Assertions::p50`].
    P50,
    /// [`Assertions::p99`].
    P99,
    /// [`Assertions::redundancy`].
    Redundancy,
    /// [`Assertions::no_honest_penalised`].
    NoHonestPenalised,
    /// [`Assertions::hostile_penalised`].
    HostilePenalised,
    /// [`Assertions::memory_bounded`].
    MemoryBounded,
    /// [`Assertions::nothing_left`].
    NothingLeft,
}

impl Assertion {
    /// All assertions, in the order in which a verdict shows them.
    pub const ALL: &'static [Self] = Self::VARIANTS;

    /// The key in the scenario's table of assertions.
    pub fn label(self) -> &'static str {
        self.into()
    }

    /// Whether it is about deliveries and heads, which any policy can be held to; the others are about
    /// what our fetcher promises.
    pub const fn is_of_propagation(self) -> bool {
        match self {
            Self::Converged | Self::AllDelivered | Self::P50 | Self::P99 => true,
            Self::Redundancy
            | Self::NoHonestPenalised
            | Self::HostilePenalised
            | Self::MemoryBounded
            | Self::NothingLeft => false,
        }
    }
}

/// One assertion, and what each policy came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct VerdictRow {
    /// What the scenario asserts.
    pub assertion: Assertion,
    /// What was wanted, with its unit.
    pub wanted: String,
    /// What was found, policy by policy in the order of the runs.
    pub found: Vec<Finding>,
}

/// What one policy came to under one assertion.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Finding {
    /// Under which policy.
    pub policy: Policy,
    /// The figure, with its unit.
    pub figure: String,
    /// Whether it is what was wanted.
    pub held: AssertionHeld,
}

/// Whether an assertion held.
///
/// Closed: what was not measured did not hold, so that there is no third answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum AssertionHeld {
    /// It did.
    Yes,
    /// It did not, or there was nothing to hold it against.
    No,
}

impl AssertionHeld {
    const fn when(condition: bool) -> Self {
        if condition { Self::Yes } else { Self::No }
    }
}

impl VerdictRow {
    /// Whether it held under [`Policy::Herald`], of which alone anything is asserted. It did not where
    /// that did not run: a verdict about nothing must not look like a good one.
    pub fn held(&self) -> AssertionHeld {
        let herald = self.found.iter().find(|finding| finding.policy == Policy::Herald);
        herald.map_or(AssertionHeld::No, |finding| finding.held)
    }
}

/// What a run's exit code says.
///
/// Closed: these are the exit codes of the command, 2 being wrong usage.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RunOutcome {
    /// Every assertion holds.
    Holds,
    /// One does not.
    Failed,
    /// An invariant broke, under whichever policy: a defect, not a finding.
    Broken,
}

impl RunOutcome {
    /// The exit code of the process.
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::Holds => 0,
            Self::Failed => 1,
            Self::Broken => 3,
        }
    }
}

/// The assertions of a scenario against its runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ScenarioVerdict {
    /// The assertions that the scenario makes.
    pub rows: Vec<VerdictRow>,
    /// Broken invariants, by policy.
    pub broken: Vec<(Policy, String)>,
}

/// What an assertion finds in a run, in words, and whether that is what was wanted.
type Found = (String, AssertionHeld);

impl ScenarioVerdict {
    /// Holds the summaries of one scenario's runs against its assertions.
    ///
    /// Where nothing was measured, what is asserted of it does not hold.
    pub fn of(assertions: &Assertions, summaries: &[Summary]) -> Self {
        let broken = summaries.iter().filter_map(|s| Some((s.policy, s.violation.clone()?))).collect();
        let mut rows = Vec::new();
        let mut assert = |assertion: Assertion, wanted: String, look: &dyn Fn(&Summary) -> Found| {
            let found = summaries.iter().map(|summary| {
                let (figure, held) = look(summary);
                Finding { policy: summary.policy, figure, held }
            });
            rows.push(VerdictRow { assertion, wanted, found: found.collect() });
        };
        assert_deliveries(assertions, &mut assert);
        assert_conduct(assertions, &mut assert);
        Self { rows, broken }
    }

    /// What it comes to.
    pub fn outcome(&self) -> RunOutcome {
        if !self.broken.is_empty() {
            RunOutcome::Broken
        } else if self.rows.iter().any(|row| row.held() == AssertionHeld::No) {
            RunOutcome::Failed
        } else {
            RunOutcome::Holds
        }
    }
}

type Assert<'a> = dyn FnMut(Assertion, String, &dyn Fn(&Summary) -> Found) + 'a;

/// Picks one of a run's percentiles, in nanoseconds.
type Percentile = fn(&Quantiles) -> Option<u64>;

fn assert_deliveries(assertions: &Assertions, assert: &mut Assert<'_>) {
    if assertions.converged {
        assert(Assertion::Converged, "one head".into(), &|summary| none(u64::from(summary.astray), "astray"));
    }
    if assertions.all_delivered {
        assert(Assertion::AllDelivered, "all".into(), &|summary| {
            let found = match summary.not_reached {
                0 => format!("all {}", summary.deliveries),
                missing => format!(
                    "{missing} of {} not reached, {} of them in the chain",
                    summary.deliveries, summary.not_reached_canonical
                ),
            };
            (found, AssertionHeld::when(summary.not_reached == 0 && summary.deliveries > 0))
        });
    }
    let percentiles: [(_, _, Percentile); 2] = [
        (Assertion::P50, assertions.p50, |imported| imported.p50),
        (Assertion::P99, assertions.p99, |imported| imported.p99),
    ];
    for (assertion, limit, percentile) in percentiles {
        if let Some(limit) = limit.map(|span| span.nanos()) {
            assert(assertion, format!("at most {}", nanos(limit)), &|summary| {
                let found = percentile(&summary.imported);
                (reached(found), AssertionHeld::when(found.is_some_and(|span| span <= limit)))
            });
        }
    }
    if let Some(limit) = assertions.redundancy {
        assert(Assertion::Redundancy, format!("at most {limit:.3}"), &|summary| match summary.redundancy {
            Some(found) => (format!("{found:.3}"), AssertionHeld::when(found <= limit)),
            None => ("no block".into(), AssertionHeld::No),
        });
    }
}

fn assert_conduct(assertions: &Assertions, assert: &mut Assert<'_>) {
    if assertions.no_honest_penalised {
        assert(Assertion::NoHonestPenalised, "none".into(), &|summary| {
            none(summary.honest_penalised(), "penalties")
        });
    }
    if assertions.hostile_penalised {
        assert(Assertion::HostilePenalised, "each kind that must be".into(), &hostile_penalised);
    }
    if assertions.memory_bounded {
        assert(Assertion::MemoryBounded, "under the formula".into(), &|summary| match summary.memory.bound {
            Some(bound) => (
                format!("{} of {bound} B", summary.memory.max),
                AssertionHeld::when(summary.memory.over_bound == 0),
            ),
            None => (format!("{} B, no bound", summary.memory.max), AssertionHeld::No),
        });
    }
    if assertions.nothing_left {
        assert(Assertion::NothingLeft, "empty".into(), &|summary| {
            none(u64::from(summary.not_empty), "not empty")
        });
    }
}

fn none(count: u64, what: &str) -> Found {
    let found = if count == 0 { "none".into() } else { format!("{count} {what}") };
    (found, AssertionHeld::when(count == 0))
}

fn hostile_penalised(summary: &Summary) -> Found {
    let mut found = Vec::new();
    let mut holds = true;
    for hostile in summary.hostile.iter().filter(|hostile| !must_earn(hostile.kind).is_empty()) {
        let named: Vec<&str> = must_earn(hostile.kind).iter().map(|reason| reason.label()).collect();
        let rightly = summary
            .penalties
            .iter()
            .any(|row| row.against == hostile.kind.label() && row.count > 0 && named.contains(&row.reason));
        // One that nobody ever asks has done no wrong: with a good choice of peers, most are not.
        holds &= rightly;
        let for_what = if rightly { String::new() } else { format!(", never for {}", named.join(" or ")) };
        found.push(format!("{}: {} of {}{for_what}", hostile.kind.label(), hostile.penalised, hostile.nodes));
    }
    if found.is_empty() {
        return ("nobody who must be".into(), AssertionHeld::No);
    }
    (found.join("; "), AssertionHeld::when(holds))
}

/// The reasons of which an adversary of this kind must earn one; empty where what it does is what an
/// honest node may do too.
pub const fn must_earn(kind: AdversaryKind) -> &'static [Reason] {
    match kind {
        AdversaryKind::WithholdHeader => &[Reason::Silence],
        AdversaryKind::OtherHeader => &[Reason::WrongHeader],
        AdversaryKind::OtherBody => &[Reason::WrongBody],
        AdversaryKind::WrongNumber => &[Reason::WrongNumber],
        AdversaryKind::Phantoms => &[Reason::Silence, Reason::EmptyReply, Reason::Flooding],
        AdversaryKind::FarAway => &[Reason::Refusal, Reason::Flooding],
        AdversaryKind::Junk => &[Reason::MalformedReply],
        AdversaryKind::Oversized => &[Reason::OversizedReply],
        AdversaryKind::Empty => &[Reason::EmptyReply],
        AdversaryKind::InvalidBlocks => {
            &[Reason::InvalidHeader, Reason::InvalidBlock, Reason::InvalidAncestor]
        }
        // The deadline of a body leaves time for the largest reply; by then somebody else has answered.
        AdversaryKind::WithholdBody
        | AdversaryKind::AnswerLate
        | AdversaryKind::Equivocate
        | AdversaryKind::Eclipse
        | AdversaryKind::SecretBranch
        | AdversaryKind::Replay => &[],
    }
}

impl fmt::Display for ScenarioVerdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.rows.is_empty() {
            writeln!(f, "the scenario asserts nothing")?;
        } else {
            let policies = self.rows.first().map_or(&[][..], |row| &row.found);
            let headings = ["assertion", "wanted", "held"].into_iter();
            let headings = headings.chain(policies.iter().map(|finding| finding.policy.label()));
            let mut table = TextTable::new(headings, TextTable::ALL_LEFT);
            for row in &self.rows {
                let held = match row.held() {
                    AssertionHeld::Yes => "yes",
                    AssertionHeld::No => "NO",
                };
                let cells = [row.assertion.label(), &row.wanted, held].into_iter();
                table.row(cells.chain(row.found.iter().map(|finding| finding.figure.as_str())));
            }
            write!(f, "{table}")?;
        }
        for (policy, what) in &self.broken {
            writeln!(f, "invariant broken under {}: {what}", policy.label())?;
        }
        Ok(())
    }
}

/// The main figures of some runs side by side.
pub fn comparison(summaries: &[Summary]) -> TextTable {
    let headings = ["figure"].into_iter().chain(summaries.iter().map(|summary| summary.policy.label()));
    let mut table = TextTable::new(headings, 1);
    let mut row = |name: &str, figure: &dyn Fn(&Summary) -> String| {
        table.row([name.to_string()].into_iter().chain(summaries.iter().map(figure)));
    };
    row("imported, 50 %", &|summary| reached(summary.imported.p50));
    row("imported, 90 %", &|summary| reached(summary.imported.p90));
    row("imported, 99 %", &|summary| reached(summary.imported.p99));
    row("imported, all", &|summary| reached(summary.imported.p100));
    row("heard, 50 %", &|summary| reached(summary.heard.p50));
    row("whole, 50 %", &|summary| reached(summary.whole.p50));
    row("deliveries", &|summary| summary.deliveries.to_string());
    row("not reached", &|summary| summary.not_reached.to_string());
    row("redundancy", &|summary| summary.redundancy.map_or_else(|| "-".into(), |r| format!("{r:.3}")));
    row("forked blocks", &|summary| summary.forked_blocks.to_string());
    row("requests", &|summary| summary.requests.to_string());
    row("timeouts", &|summary| summary.timeouts.to_string());
    row("hedges", &|summary| summary.hedges.to_string());
    row("memory, mean B", &|summary| summary.memory.mean.to_string());
    row("memory, most B", &|summary| summary.memory.max.to_string());
    row("events", &|summary| summary.events.to_string());
    table
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs, reason = "tests")]
    use herald_fetcher::Time;

    use super::*;
    use crate::measure::tests::{node, run};
    use crate::measure::{BrokenInvariant, NEVER, PenaltyRecord, Run};
    use crate::scenario::units::Span;

    fn all() -> Assertions {
        Assertions {
            converged: true,
            all_delivered: true,
            p99: Some(Span::ms(320)),
            p50: Some(Span::ms(210)),
            redundancy: Some(1.0),
            no_honest_penalised: true,
            hostile_penalised: false,
            memory_bounded: true,
            nothing_left: true,
        }
    }

    fn failing(change: impl Fn(&mut Run)) -> Vec<&'static str> {
        let mut run = run();
        change(&mut run);
        let verdict = ScenarioVerdict::of(&all(), &[Summary::of(&run, None)]);
        verdict
            .rows
            .into_iter()
            .filter(|row| row.held() == AssertionHeld::No)
            .map(|row| row.assertion.label())
            .collect()
    }

    #[test]
    fn each_assertion_holds_at_its_limit_and_fails_past_it() {
        assert!(failing(|_| ()).is_empty());
        assert_eq!(failing(|run| run.astray = 1), ["converged"]);
        assert_eq!(failing(|run| run.not_empty = 1), ["nothing_left"]);
        assert_eq!(failing(|run| run.blocks[0].imported[2] += 1), ["p50"]);
        assert_eq!(failing(|run| run.blocks[1].imported[3] += 1), ["p99"]);
        assert_eq!(failing(|run| run.blocks[1].imported[3] = NEVER), ["all_delivered", "p99"]);
        assert_eq!(failing(|run| run.nodes[1].block_bytes += 1), ["redundancy"]);
        assert_eq!(failing(|run| run.nodes[1].memory_peak = 1_001), ["memory_bounded"]);
        let honest = PenaltyRecord { reason: Reason::Silence, hostile: None, count: 1, nodes: 1 };
        assert_eq!(failing(|run| run.penalties = vec![honest]), ["no_honest_penalised"]);
        assert_eq!(failing(|run| run.blocks.clear()), ["all_delivered", "p50", "p99", "redundancy"]);
    }

    #[test]
    fn each_hostile_kind_must_earn_its_penalty_and_for_the_right_reason() {
        let asserted = Assertions { hostile_penalised: true, ..Assertions::default() };
        let found = |penalised: [u32; 2], reason| {
            let mut run = run();
            run.nodes = vec![node(); 4];
            for (node, penalised) in [1, 2].into_iter().zip(penalised) {
                run.nodes[node].hostile = Some(AdversaryKind::Junk);
                run.nodes[node].penalised = penalised;
            }
            let hostile = Some(AdversaryKind::Junk);
            run.penalties = vec![PenaltyRecord { reason, hostile, count: 1, nodes: 1 }];
            let row = ScenarioVerdict::of(&asserted, &[Summary::of(&run, None)]).rows.remove(0);
            (row.held(), row.found[0].figure.clone())
        };
        assert_eq!(found([1, 5], Reason::MalformedReply), (AssertionHeld::Yes, "junk: 2 of 2".into()));
        // Who is never asked does no wrong.
        assert_eq!(found([1, 0], Reason::MalformedReply), (AssertionHeld::Yes, "junk: 1 of 2".into()));
        let wrong = "junk: 2 of 2, never for malformed_reply";
        assert_eq!(found([1, 1], Reason::Silence), (AssertionHeld::No, wrong.into()));
        // Nobody hostile: nothing was shown.
        assert_eq!(
            ScenarioVerdict::of(&asserted, &[Summary::of(&run(), None)]).outcome(),
            RunOutcome::Failed
        );
    }

    #[test]
    fn other_policies_stand_beside_and_are_not_asserted_but_must_not_break() {
        let asserted = Assertions { p99: Some(Span::ms(400)), ..Assertions::default() };
        let mut other = run();
        other.policy = Policy::GethModel;
        other.blocks[0].imported[3] = NEVER;
        let herald = Summary::of(&run(), None);
        let verdict = ScenarioVerdict::of(&asserted, &[herald.clone(), Summary::of(&other, None)]);
        assert_eq!(verdict.outcome(), RunOutcome::Holds);
        let text = verdict.to_string();
        let wanted = "assertion  wanted          held  herald  geth-model\n\
                      p99        at most 400 ms  yes   320 ms  not reached\n";
        assert_eq!(text, wanted);
        assert!(comparison(std::slice::from_ref(&herald)).to_string().contains("redundancy"));

        let what = "an entry without an announcer".to_string();
        other.violation = Some(BrokenInvariant { at: Time::ZERO, event: 7, node: None, what });
        let verdict = ScenarioVerdict::of(&asserted, &[herald, Summary::of(&other, None)]);
        assert_eq!((verdict.outcome(), verdict.outcome().exit_code()), (RunOutcome::Broken, 3));
        assert!(verdict.to_string().contains("broken under geth-model: event 7 (0): an entry without"));
    }

    #[test]
    fn without_a_run_of_herald_nothing_asserted_holds() {
        let verdict = ScenarioVerdict::of(&all(), &[]);
        assert!(verdict.rows.iter().all(|row| row.held() == AssertionHeld::No));
        assert_eq!(ScenarioVerdict::of(&Assertions::default(), &[]).outcome(), RunOutcome::Holds);
    }
}
