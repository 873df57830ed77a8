//! What `simnet` can be told to do.
//!
//! Everything for the reader goes to standard output through one writer, so that a closed pipe ends the
//! process quietly; progress and errors go to standard error.

mod adversaries;
mod bench;
mod determinism;
mod drive;
mod error;
mod failure;
mod fuzz;
mod merge;
mod progress;
mod replay;
mod run;
mod scenarios;
mod source;
mod sweep;

use std::io::{self, Write};
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use herald_simnet::measure::verdict::RunOutcome;

use error::CommandError;

/// Runs the herald fetcher on thousands of simulated nodes, and measures it.
///
/// Exit codes: 0 all assertions hold, 1 an assertion failed, 2 wrong usage, 3 an invariant broke or two
/// runs of one seed differ.
#[derive(Debug, Parser)]
#[command(name = "simnet", version, arg_required_else_help = true)]
struct SimnetCli {
    #[command(subcommand)]
    command: SimnetCommand,
}

// One variant here and one line in `SimnetCommand::run` make a new command.
#[derive(Debug, Subcommand)]
enum SimnetCommand {
    /// List the scenarios that come with the simulator.
    Scenarios(scenarios::ScenariosArgs),
    /// Run one scenario under each of its policies.
    Run(run::RunArgs),
    /// Run one scenario with many seeds.
    Sweep(sweep::SweepArgs),
    /// Put the rows of several shards of one sweep together.
    Merge(merge::MergeArgs),
    /// Run a scenario twice, and compare everything that came of it.
    CheckDeterminism(determinism::CheckDeterminismArgs),
    /// Run the scenario of each adversary, and show what it does to honest nodes.
    Adversaries(adversaries::AdversariesArgs),
    /// Measure how fast the simulator is, and how much memory it takes.
    Bench(bench::BenchArgs),
    /// Draw a whole scenario from each seed, run it, and check what must always hold.
    Fuzz(fuzz::FuzzArgs),
    /// Run a failed case again up to its failure, and tell what happened.
    Replay(replay::ReplayArgs),
}

impl SimnetCommand {
    fn run(self, out: &mut dyn Write) -> Result<RunOutcome, CommandError> {
        match self {
            Self::Scenarios(command) => command.run(out),
            Self::Run(command) => command.run(out),
            Self::Sweep(command) => command.run(out),
            Self::Merge(command) => command.run(out),
            Self::CheckDeterminism(command) => command.run(out),
            Self::Adversaries(command) => command.run(out),
            Self::Bench(command) => command.run(out),
            Self::Fuzz(command) => command.run(out),
            Self::Replay(command) => command.run(out),
        }
    }
}

/// Runs what the command line says; exits with 2 itself where that cannot be understood.
pub(crate) fn main() -> ExitCode {
    let cli = SimnetCli::parse();
    match cli.command.run(&mut io::stdout().lock()) {
        Ok(outcome) => ExitCode::from(outcome.exit_code()),
        // Whoever reads has enough.
        Err(CommandError::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            // If even this cannot be said, the exit code says it.
            let _ = writeln!(io::stderr(), "simnet: {error}");
            ExitCode::from(error::EXIT_CODE)
        }
    }
}
