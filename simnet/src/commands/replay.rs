//! `simnet replay`

use std::collections::VecDeque;
use std::io::{self, Write};
use std::path::PathBuf;

use clap::Args;
use herald_simnet::fuzz::draw;
use herald_simnet::fuzz::replay::{BlockFilter, Filter, LAST_ENTRIES, replay};
use herald_simnet::measure::verdict::RunOutcome;
use herald_simnet::model::chain::NodeId;
use herald_simnet::scenario::Scenario;
use herald_simnet::world::LogEntry;

use super::error::CommandError;

/// Run a failed case again up to its failure, and tell what happened.
///
/// Without `--node`, `--block` and `--from-event` that is the last 200 entries; with any of them all
/// that fit.
#[derive(Debug, Args)]
pub(crate) struct ReplayArgs {
    /// The file that a failure left, or any scenario.
    #[arg(value_name = "FILE", required_unless_present = "fuzz_seed", conflicts_with = "fuzz_seed")]
    file: Option<PathBuf>,
    /// The seed of a fuzzer's case.
    #[arg(long, value_name = "N")]
    fuzz_seed: Option<u64>,
    /// Tell only of this node and what comes from it.
    #[arg(long, value_name = "N")]
    node: Option<u32>,
    /// Tell only of this block, or of all of this number.
    #[arg(long, value_name = "HASH|NUMBER")]
    block: Option<BlockFilter>,
    /// Tell only from this event on.
    #[arg(long, value_name = "X")]
    from_event: Option<u64>,
}

impl ReplayArgs {
    pub(crate) fn run(self, out: &mut dyn Write) -> Result<RunOutcome, CommandError> {
        let scenario = match (&self.file, self.fuzz_seed) {
            (Some(file), _) => Scenario::read(file)?,
            (None, Some(seed)) => draw(seed),
            // Clap asks for one of the two.
            (None, None) => return Ok(RunOutcome::Holds),
        };
        writeln!(out, "{}, seed {}", scenario.name, scenario.seed)?;
        let filter = Filter {
            node: self.node.map(NodeId::new),
            block: self.block,
            from_event: self.from_event.unwrap_or(0),
        };
        let keeps = if filter == Filter::default() { LAST_ENTRIES } else { usize::MAX };
        for &policy in &scenario.policies {
            let mut told = VecDeque::new();
            let mut written = Ok(());
            let mut tell = |entry: &LogEntry| {
                if !filter.takes(entry) || written.is_err() {
                    return;
                }
                if keeps == usize::MAX {
                    written = writeln!(out, "{entry}");
                } else {
                    told.push_back(entry.clone());
                    if told.len() > keeps {
                        told.pop_front();
                    }
                }
            };
            let failure = replay(&scenario, policy, &mut tell)?;
            written?;
            told.iter().try_for_each(|entry| writeln!(out, "{entry}"))?;
            if let Some(failure) = failure {
                writeln!(out, "{failure}")?;
                return Ok(RunOutcome::Broken);
            }
        }
        held(out)?;
        Ok(RunOutcome::Holds)
    }
}

fn held(out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "everything held")
}
