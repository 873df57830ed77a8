//! `simnet check-determinism`

use std::fmt::Debug;
use std::io::Write;

use clap::Args;
use herald_simnet::measure::Run;
use herald_simnet::measure::table::TextTable;
use herald_simnet::measure::verdict::RunOutcome;
use herald_simnet::scenario::{Policy, Scenario};
use herald_simnet::world::{Log, Setup};

use super::drive::{self, Panicked};
use super::error::CommandError;
use super::source::{ScenarioArgs, SeedArgs, show};

/// Run a scenario twice, and compare everything that came of it.
///
/// Everything is drawn anew for the second time. A difference is named, and ends with exit code 3.
#[derive(Debug, Args)]
pub(crate) struct CheckDeterminismArgs {
    #[command(flatten)]
    source: ScenarioArgs,
    #[command(flatten)]
    seed: SeedArgs,
}

impl CheckDeterminismArgs {
    pub(crate) fn run(self, out: &mut dyn Write) -> Result<RunOutcome, CommandError> {
        let scenario = self.source.load(self.seed.seed)?;
        show(&scenario, out)?;
        let (first, second) = (Setup::new(&scenario)?, Setup::new(&scenario)?);
        let mut table = TextTable::new(["policy", "events", "trace", "the second time"], TextTable::ALL_LEFT);
        let mut outcome = RunOutcome::Holds;
        for policy in scenario.policies.iter().copied() {
            let runs =
                once(&scenario, &first, policy).and_then(|a| Ok((a, once(&scenario, &second, policy)?)));
            let (events, trace, found) = match runs {
                Ok((a, b)) => (a.events.to_string(), a.trace.clone(), difference(&a, &b)),
                Err(Panicked(what)) => (String::new(), String::new(), Some(what)),
            };
            if found.is_some() {
                outcome = RunOutcome::Broken;
            }
            let found = found.unwrap_or_else(|| "the same".into());
            table.row([policy.label(), &events, &trace, &found]);
        }
        write!(out, "{table}")?;
        Ok(outcome)
    }
}

fn once(scenario: &Scenario, setup: &Setup, policy: Policy) -> Result<Run, Panicked> {
    drive::policy(scenario, setup, policy, Log::Off).map(|(run, _)| run)
}

/// The first thing that is not the same in two runs.
fn difference(a: &Run, b: &Run) -> Option<String> {
    // Taken apart, so that a new field cannot be forgotten here.
    let Run {
        policy,
        seed,
        trace,
        events,
        ended_at,
        blocks,
        nodes,
        traffic,
        penalties,
        memory,
        heads,
        reorganisations,
        counters,
        admissions,
        ends,
        astray,
        not_empty,
        violation,
    } = a;
    // What says where two runs part comes before what says only that they do.
    unlike("violation", violation, &b.violation)
        .or_else(|| first("block", blocks, &b.blocks))
        .or_else(|| first("head sample", heads, &b.heads))
        .or_else(|| first("memory sample", memory, &b.memory))
        .or_else(|| first("node", nodes, &b.nodes))
        .or_else(|| first("traffic", traffic, &b.traffic))
        .or_else(|| first("penalty", penalties, &b.penalties))
        .or_else(|| unlike("counters", counters, &b.counters))
        .or_else(|| unlike("admissions", admissions, &b.admissions))
        .or_else(|| unlike("ends", ends, &b.ends))
        .or_else(|| unlike("events", events, &b.events))
        .or_else(|| unlike("trace", trace, &b.trace))
        .or_else(|| unlike("end", ended_at, &b.ended_at))
        .or_else(|| unlike("reorganisations", reorganisations, &b.reorganisations))
        .or_else(|| unlike("astray", astray, &b.astray))
        .or_else(|| unlike("not empty", not_empty, &b.not_empty))
        .or_else(|| unlike("policy", policy, &b.policy))
        .or_else(|| unlike("seed", seed, &b.seed))
}

fn first<T: PartialEq + Debug>(what: &str, a: &[T], b: &[T]) -> Option<String> {
    let at = (0..a.len().max(b.len())).find(|index| a.get(*index) != b.get(*index))?;
    unlike(&format!("{what} {at}"), &a.get(at), &b.get(at))
}

fn unlike<T: PartialEq + Debug>(what: &str, a: &T, b: &T) -> Option<String> {
    /// Records of large worlds are long; where they part is what is wanted.
    const SHOWN: usize = 60;
    if a == b {
        return None;
    }
    let (a, b) = (format!("{a:?}"), format!("{b:?}"));
    let same = a.chars().zip(b.chars()).take_while(|(a, b)| a == b).count().saturating_sub(SHOWN / 2);
    let part = |text: &str| text.chars().skip(same).take(SHOWN).collect::<String>();
    Some(format!("{what} differs: {} and then {}", part(&a), part(&b)))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
    use super::*;

    #[test]
    fn the_first_difference_is_named() {
        let scenario = Scenario { nodes: 30, ..Scenario::default() };
        let setup = Setup::new(&scenario).unwrap();
        let run = once(&scenario, &setup, Policy::Herald).unwrap();
        assert_eq!(difference(&run, &run), None);
        let mut other = run.clone();
        other.trace.clear();
        assert!(difference(&run, &other).unwrap().starts_with("trace differs"));
        other.blocks[3].imported[5] += 1;
        assert!(difference(&run, &other).unwrap().starts_with("block 3 differs"));
        other.blocks.truncate(2);
        assert!(difference(&run, &other).unwrap().starts_with("block 2 differs"));
    }
}
