//! `simnet check-determinism`

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
                Ok((a, b)) => (a.events.to_string(), a.trace.clone(), a.difference(&b)),
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
