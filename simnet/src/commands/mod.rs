//! What `simnet` can be told to do.
//!
//! Everything for the reader goes to standard output through one writer, so that a closed pipe ends the
//! process quietly; progress and errors go to standard error.

mod error;
mod merge;
mod scenarios;
#[expect(dead_code, reason = "`run` takes it up with the world")]
mod source;

use std::io::{self, Write};
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use herald_simnet::measure::verdict::Outcome;

use error::CommandError;

/// Runs the herald fetcher on thousands of simulated nodes, and measures it.
///
/// Exit codes: 0 all assertions hold, 1 an assertion failed, 2 wrong usage, 3 an invariant broke or two
/// runs of one seed differ.
#[derive(Debug, Parser)]
#[command(name = "simnet", version, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

// One variant here and one line in `Command::run` make a new command.
#[derive(Debug, Subcommand)]
enum Command {
    /// List the scenarios that come with the simulator.
    Scenarios(scenarios::Scenarios),
    /// Put the rows of several shards of one sweep together.
    Merge(merge::Merge),
}

impl Command {
    fn run(self, out: &mut dyn Write) -> Result<Outcome, CommandError> {
        match self {
            Self::Scenarios(command) => command.run(out),
            Self::Merge(command) => command.run(out),
        }
    }
}

/// Runs what the command line says; exits with 2 itself where that cannot be understood.
pub(crate) fn main() -> ExitCode {
    let cli = Cli::parse();
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
