//! `simnet fuzz`

use std::collections::VecDeque;
use std::fs;
use std::io::{self, Write};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use clap::Args;
use herald_simnet::fuzz::replay::{LAST_ENTRIES, replay, to_file};
use herald_simnet::fuzz::{FuzzFailure, Fuzzed, draw, fuzz};
use herald_simnet::measure::table::TextTable;
use herald_simnet::measure::verdict::RunOutcome;
use herald_simnet::seeds::{Seeds, Shard};
use indicatif::{ProgressBar, ProgressStyle};

use super::error::CommandError;

/// Draw a whole scenario from each seed, run it, and check what must always hold.
///
/// For each seed that fails there is one command that runs it again, and a file with its scenario and
/// the last events. In the end it says which rare situations were reached, and which never.
#[derive(Debug, Args)]
pub(crate) struct FuzzArgs {
    /// Which seeds; B is not one of them.
    #[arg(long, value_name = "A..B")]
    seeds: Seeds,
    /// Run one part of them: part I of N, with I from 0.
    #[arg(long, value_name = "I/N")]
    shard: Option<Shard>,
    /// How many at once.
    #[arg(long, value_name = "J", default_value = "1")]
    jobs: NonZeroUsize,
    /// Where the files of seeds that fail go.
    #[arg(long, value_name = "DIR", default_value = "simnet-failures")]
    out: PathBuf,
}

impl FuzzArgs {
    pub(crate) fn run(self, out: &mut dyn Write) -> Result<RunOutcome, CommandError> {
        let seeds = self.seeds.of(self.shard.unwrap_or(Shard::ALL));
        writeln!(out, "fuzzing {} seeds on {} threads", seeds.len(), self.jobs)?;
        let bar = ProgressBar::new(seeds.len() as u64);
        let style = "{elapsed_precise} {wide_bar} {pos}/{len} seeds, {per_sec}, {eta} left";
        bar.set_style(ProgressStyle::with_template(style).unwrap_or_else(|_| ProgressStyle::default_bar()));
        let fuzzed = fuzz(&seeds, self.jobs, |_| bar.inc(1));
        bar.finish_and_clear();
        for failure in &fuzzed.failures {
            writeln!(out, "{failure}\n  run it again: simnet replay --fuzz-seed {}", failure.seed)?;
            let path = leave(&self.out, failure)?;
            writeln!(out, "  its scenario and last events: {}", path.display())?;
        }
        say_marks(&fuzzed, out)?;
        writeln!(out, "{} seeds, {} events, {} failed", fuzzed.seeds, fuzzed.events, fuzzed.failures.len())?;
        Ok(if fuzzed.failures.is_empty() { RunOutcome::Holds } else { RunOutcome::Broken })
    }
}

fn say_marks(fuzzed: &Fuzzed, out: &mut dyn Write) -> io::Result<()> {
    let mut table = TextTable::new(["situation", "times", "seeds"], 1);
    for (name, count, runs) in fuzzed.marks.counts().filter(|(_, count, _)| *count > 0) {
        table.row([name.to_owned(), count.to_string(), runs.to_string()]);
    }
    write!(out, "{table}")?;
    let never: Vec<&str> = fuzzed.marks.never().collect();
    if !never.is_empty() {
        writeln!(out, "never reached: {}", never.join(", "))?;
    }
    Ok(())
}

/// Runs a failed seed again for its last events, and writes its file.
fn leave(folder: &Path, failure: &FuzzFailure) -> Result<PathBuf, CommandError> {
    let scenario = draw(failure.seed);
    let mut last = VecDeque::new();
    if let Some(policy) = failure.policy {
        replay(&scenario, policy, &mut |entry| {
            if last.len() == LAST_ENTRIES {
                last.pop_front();
            }
            last.push_back(entry.clone());
        })?;
    }
    let path = folder.join(format!("{}.toml", scenario.name));
    let text = to_file(&scenario, failure, last.make_contiguous())?;
    let written = fs::create_dir_all(folder).and_then(|()| fs::write(&path, text));
    match written {
        Ok(()) => Ok(path),
        Err(source) => Err(CommandError::Write { path, source }),
    }
}
