//! `simnet merge`

use std::io::Write;
use std::path::{Path, PathBuf};

use clap::Args;
use herald_simnet::measure::verdict::RunOutcome;
use herald_simnet::report::files::{Folder, Name, json};
use herald_simnet::scenario::Scenario;
use herald_simnet::sweep::figures::Figures;
use herald_simnet::sweep::rows::{self, SweepRow};

use super::error::CommandError;

/// Put the rows of several shards of one sweep together.
///
/// The files may come in any order, and a row may be there more than once. What comes out is what the
/// whole sweep in one piece writes.
#[derive(Debug, Args)]
pub(crate) struct MergeArgs {
    /// The `rows.csv` of each shard.
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// Where the merged rows and their figures go.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

impl MergeArgs {
    pub(crate) fn run(self, out: &mut dyn Write) -> Result<RunOutcome, CommandError> {
        let rows = rows::merge(&self.files)?;
        let figures = Figures::of(&rows);
        let scenario = self.files.iter().find_map(|file| scenario_beside(file, &rows));
        leave(&Folder::create(&self.out)?, scenario.as_deref(), &rows, &figures)?;
        write!(out, "{figures}")?;
        Ok(RunOutcome::Holds)
    }
}

/// Writes what a sweep leaves. `toml` is its scenario as text, where that is known.
pub(super) fn leave(
    folder: &Folder,
    toml: Option<&str>,
    rows: &[SweepRow],
    figures: &Figures,
) -> Result<(), CommandError> {
    if let Some(toml) = toml {
        folder.write(Name::Scenario, |to| to.write_all(toml.as_bytes()))?;
    }
    folder.write(Name::Rows, |to| rows::write(rows, to))?;
    folder.write(Name::Figures, |to| json(figures, to))?;
    Ok(())
}

/// The scenario that a shard left beside its rows, if it is the one that they are of. That it is not
/// there is no error: rows may have been sent here by themselves.
fn scenario_beside(file: &Path, rows: &[SweepRow]) -> Option<String> {
    let scenario = Scenario::read(&file.with_file_name(Name::Scenario.file())).ok()?;
    let theirs = rows.first().is_some_and(|row| row.scenario == scenario.digest());
    theirs.then(|| scenario.to_toml().ok()).flatten()
}
