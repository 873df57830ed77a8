//! The command line of the binary `herald`.

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::commands::{CommandResult, export, import, init, key};

/// An Ethereum node that brings announced blocks home.
///
/// Exit codes: 0 well, 1 failed, 2 wrong usage. RUST_LOG chooses what is logged, as in
/// RUST_LOG=herald_node=debug.
#[derive(Debug, Parser)]
#[command(name = "herald", version)]
pub struct Cli {
    /// Log as JSON, one object a line.
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Command,
}

/// The commands. A new one is a module in `commands`, a line here, and one in `run`.
#[derive(Debug, Subcommand)]
#[non_exhaustive]
pub enum Command {
    #[expect(missing_docs, reason = "the arguments' own comment is the command's help")]
    Export(export::ExportArgs),
    #[expect(missing_docs, reason = "as above")]
    Import(import::ImportArgs),
    #[expect(missing_docs, reason = "as above")]
    Init(init::InitArgs),
    #[expect(missing_docs, reason = "as above")]
    Key(key::KeyArgs),
}

impl Command {
    fn run(&self) -> CommandResult {
        match self {
            Self::Export(args) => export::run(args),
            Self::Import(args) => import::run(args),
            Self::Init(args) => init::run(args),
            Self::Key(args) => key::run(args),
        }
    }
}

/// Runs the binary: reads the command line, and exits with 2 if it is wrong.
#[must_use]
#[expect(clippy::print_stderr, reason = "the one place where errors reach the terminal")]
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    start_logging(cli.json);
    match cli.command.run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Logs go to standard error: what a command prints is for other programs.
fn start_logging(json: bool) {
    use tracing_subscriber::EnvFilter;
    let filter = EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| EnvFilter::new("warn,herald=info,herald_node=info"));
    let logs = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    if json { logs.json().init() } else { logs.init() }
}
