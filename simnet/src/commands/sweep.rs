//! `simnet sweep`

use std::io::Write;
use std::num::NonZeroUsize;
use std::panic::resume_unwind;
use std::path::PathBuf;

use clap::Args;
use herald_simnet::measure::summary::Summary;
use herald_simnet::measure::verdict::RunOutcome;
use herald_simnet::report::files::Folder;
use herald_simnet::scenario::Scenario;
use herald_simnet::seeds::{Seeds, Shard};
use herald_simnet::sweep::figures::Figures;
use herald_simnet::sweep::{self, Swept};
use herald_simnet::world::{Setup, run};

use super::error::CommandError;
use super::progress::Progress;
use super::source::{ScenarioArgs, show};
use super::{drive, merge};

/// Failed and broken seeds that are named; the others are counted.
const NAMED: usize = 20;

/// Run one scenario with many seeds.
#[derive(Debug, Args)]
pub(crate) struct SweepArgs {
    #[command(flatten)]
    source: ScenarioArgs,
    /// From A on, up to B, which is not one of them.
    #[arg(long, value_name = "A..B")]
    seeds: Seeds,
    /// How many run side by side.
    #[arg(long, value_name = "J", default_value = "1")]
    jobs: NonZeroUsize,
    /// Run one part of N alone, counted from 0; `simnet merge` puts the parts together.
    #[arg(long, value_name = "I/N")]
    shard: Option<Shard>,
    /// Leave the scenario, rows.csv and figures.json.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

impl SweepArgs {
    pub(crate) fn run(self, out: &mut dyn Write) -> Result<RunOutcome, CommandError> {
        let scenario = self.source.load(None)?;
        let seeds = self.seeds.of(self.shard.unwrap_or(Shard::ALL));
        let folder = self.out.as_deref().map(Folder::create).transpose()?;
        match (seeds.first(), seeds.last()) {
            (Some(first), Some(last)) => {
                // The range of a seed is the scenario's to say, before any thread starts.
                Scenario { seed: *last, ..scenario.clone() }.check()?;
                writeln!(out, "seeds {first} to {last}, {} of them", seeds.len())?;
            }
            (None, _) | (_, None) => writeln!(out, "no seed falls to this shard")?,
        }
        show(&scenario, out)?;
        let progress = Progress::counting(seeds.len());
        let swept = sweep::run(&scenario, &seeds, self.jobs, world, |at| {
            progress.done(format!("seed {}", at.seed));
        });
        drop(progress);
        let figures = Figures::of(&swept.rows);
        if let Some(folder) = &folder {
            merge::leave(folder, Some(&scenario.to_toml()?), &swept.rows, &figures)?;
        }
        writeln!(out, "{figures}")?;
        conclude(&swept, &self.source.scenario, out)?;
        Ok(swept.outcome())
    }
}

fn world(scenario: &Scenario) -> Vec<Summary> {
    // A seed that gives no world is a broken seed; the sweep takes what unwinds as that.
    let setup = Setup::new(scenario).unwrap_or_else(|error| resume_unwind(Box::new(error.to_string())));
    let runs: Vec<_> = scenario.policies.iter().map(|policy| run(scenario, &setup, *policy)).collect();
    let summaries = drive::summaries(scenario, &setup, &runs);
    summaries.unwrap_or_else(|error| resume_unwind(Box::new(error.to_string()))).0
}

fn conclude(swept: &Swept, name: &str, out: &mut dyn Write) -> Result<(), CommandError> {
    for (seed, assertion) in swept.failed.iter().take(NAMED) {
        let assertion = assertion.label();
        writeln!(out, "failed: {assertion}: simnet run {name} --seed {seed}")?;
    }
    for (seed, policy, what) in swept.broken.iter().take(NAMED) {
        let policy = policy.map_or("some policy", |policy| policy.label());
        writeln!(out, "broken under {policy}: {what}: simnet run {name} --seed {seed}")?;
    }
    writeln!(out, "{} assertions failed, {} seeds broken", swept.failed.len(), swept.broken.len())?;
    Ok(())
}
