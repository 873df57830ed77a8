//! `simnet run`

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use herald_simnet::measure::verdict::{RunOutcome, ScenarioVerdict};
use herald_simnet::measure::{self, verdict};
use herald_simnet::report::files::{Folder, Name};
use herald_simnet::report::{self, ReportInput};
use herald_simnet::scenario::{Policy, Scenario};
use herald_simnet::world::{Log, Setup};

use super::drive::{self, Panicked};
use super::error::CommandError;
use super::failure;
use super::source::{ScenarioArgs, SeedArgs, show};

/// Run one scenario under each of its policies.
///
/// The seed and every option come first, then the figures of the policies side by side, and last what
/// the scenario asserts and what was found.
#[derive(Debug, Args)]
pub(crate) struct RunArgs {
    #[command(flatten)]
    source: ScenarioArgs,
    #[command(flatten)]
    seed: SeedArgs,
    /// Leave the scenario, summary.json, tables by block and by node, and a report to look at.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Write every event to trace.txt too. It becomes large.
    #[arg(long, requires = "out")]
    dump: bool,
}

impl RunArgs {
    pub(crate) fn run(self, out: &mut dyn Write) -> Result<RunOutcome, CommandError> {
        let scenario = self.source.load(self.seed.seed)?;
        let setup = Setup::new(&scenario)?;
        let folder = self.out.as_deref().map(Folder::create).transpose()?;
        show(&scenario, out)?;
        let mut dump = match &folder {
            Some(folder) if self.dump => Some(Dump::begin(folder.path(Name::Trace))?),
            Some(_) | None => None,
        };
        let mut runs = Vec::new();
        for policy in scenario.policies.iter().copied() {
            let log = dump.as_mut().map_or(Ok(Log::Off), |dump| dump.log(policy))?;
            match drive::policy(&scenario, &setup, policy, log) {
                Ok((run, log)) => {
                    dump.as_ref().map_or(Ok(()), |dump| dump.finish(log))?;
                    runs.push(run);
                }
                Err(Panicked(what)) => return self.panicked(&scenario, &setup, policy, &what, out),
            }
        }
        dump.map_or(Ok(()), Dump::end)?;
        self.conclude(&scenario, &setup, &runs, folder.as_ref(), out)
    }

    fn conclude(
        &self,
        scenario: &Scenario,
        setup: &Setup,
        runs: &[measure::Run],
        folder: Option<&Folder>,
        out: &mut dyn Write,
    ) -> Result<RunOutcome, CommandError> {
        let (summaries, bound) = drive::summaries(scenario, setup, runs)?;
        let verdict = ScenarioVerdict::of(&scenario.assertions, &summaries);
        if let Some(folder) = folder {
            folder.write_run(scenario, &scenario.to_toml()?, runs, &summaries, &verdict)?;
            let input = ReportInput { scenario, runs, bound: Some(&bound), verdicts: &verdict.rows };
            let page = report::page(&input);
            folder.write(Name::Page, |to| to.write_all(page.as_bytes()))?;
            writeln!(out, "report: {}\n", folder.path(Name::Page).display())?;
        }
        if let Some((policy, what)) = verdict.broken.first() {
            let path = failure::save(scenario, setup, *policy, what, self.failures())?;
            writeln!(out, "saved: {}\n", path.display())?;
        }
        writeln!(out, "{}", verdict::comparison(&summaries))?;
        write!(out, "{verdict}")?;
        Ok(verdict.outcome())
    }

    fn panicked(
        &self,
        scenario: &Scenario,
        setup: &Setup,
        policy: Policy,
        what: &str,
        out: &mut dyn Write,
    ) -> Result<RunOutcome, CommandError> {
        let path = failure::save(scenario, setup, policy, what, self.failures())?;
        writeln!(out, "saved: {}\n\nbroken under {}: {what}", path.display(), policy.label())?;
        Ok(RunOutcome::Broken)
    }

    fn failures(&self) -> &Path {
        self.out.as_deref().unwrap_or(Path::new("."))
    }
}

/// The trace of all policies, which gets its name when it is whole.
#[derive(Debug)]
struct Dump {
    path: PathBuf,
    part: PathBuf,
    file: File,
}

impl Dump {
    fn begin(path: PathBuf) -> Result<Self, CommandError> {
        let part = path.with_extension("txt.part");
        let file =
            File::create(&part).map_err(|source| CommandError::Write { path: part.clone(), source })?;
        Ok(Self { path, part, file })
    }

    fn log(&mut self, policy: Policy) -> Result<Log, CommandError> {
        let begun = writeln!(self.file, "policy {}", policy.label()).and_then(|()| self.file.try_clone());
        let file = begun.map_err(|error| self.failed(error))?;
        Ok(Log::Write(Box::new(BufWriter::new(file))))
    }

    /// A log that ended itself could not be written.
    fn finish(&self, log: Log) -> Result<(), CommandError> {
        match log {
            Log::Write(mut writer) => writer.flush().map_err(|error| self.failed(error)),
            Log::Off | Log::Keep { .. } => {
                Err(self.failed(io::Error::other("could not be written to its end")))
            }
        }
    }

    fn end(self) -> Result<(), CommandError> {
        let ended = self.file.sync_all().and_then(|()| fs::rename(&self.part, &self.path));
        ended.map_err(|error| self.failed(error))
    }

    fn failed(&self, source: io::Error) -> CommandError {
        // Half a trace is of no use; that it cannot be removed says nothing new.
        let _ = fs::remove_file(&self.part);
        CommandError::Write { path: self.path.clone(), source }
    }
}
