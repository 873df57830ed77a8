//! The command line of the binary `herald`.

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::commands::{CommandResult, devnet, export, import, init, key, node};
use crate::logging::{LogFormat, TerminalLogs};

/// An Ethereum node that brings announced blocks home.
///
/// Exit codes: 0 well, 1 failed, 2 wrong usage. RUST_LOG chooses what is logged, as in
/// RUST_LOG=herald_node=debug.
#[derive(Debug, Parser)]
#[command(name = "herald", version)]
struct HeraldCli {
    /// Log as JSON, one object a line.
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: HeraldCommand,
}

/// The commands. A new one is a module in `commands`, a line here, and one in `run`.
#[derive(Debug, Subcommand)]
enum HeraldCommand {
    Devnet(devnet::DevnetArgs),
    Export(export::ExportArgs),
    Import(import::ImportArgs),
    Init(init::InitArgs),
    Key(key::KeyArgs),
    Node(node::NodeArgs),
}

impl HeraldCommand {
    fn run(&self) -> CommandResult {
        match self {
            Self::Devnet(args) => devnet::run(args),
            Self::Export(args) => export::run(args),
            Self::Import(args) => import::run(args),
            Self::Init(args) => init::run(args),
            Self::Key(args) => key::run(args),
            Self::Node(args) => node::run(args),
        }
    }

    fn terminal_logs(&self) -> TerminalLogs {
        match self {
            // Its terminal shows blocks; each node has a log file.
            Self::Devnet(_) => TerminalLogs::NotOfNodes,
            Self::Export(_) | Self::Import(_) | Self::Init(_) | Self::Key(_) | Self::Node(_) => {
                TerminalLogs::All
            }
        }
    }
}

/// Runs the binary: reads the command line, and exits with 2 if it is wrong.
#[must_use]
#[expect(clippy::print_stderr, reason = "errors reach the terminal here and nowhere else")]
pub fn main() -> ExitCode {
    let cli = HeraldCli::parse();
    let format = if cli.json { LogFormat::Json } else { LogFormat::Text };
    crate::logging::start(format, cli.command.terminal_logs());
    match cli.command.run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use clap::CommandFactory as _;

    use super::*;
    use crate::devnet::DevnetParameters;

    fn help_of(name: &str) -> String {
        let mut command = HeraldCli::command();
        let help = command.find_subcommand_mut(name).unwrap().render_long_help().to_string();
        // However wide the terminal is.
        help.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn the_help_says_what_becomes_of_a_directory_and_of_unknown_keys() {
        // Only what makes a chain makes its directory.
        for (command, made) in [("import", true), ("node", true), ("export", false)] {
            assert_eq!(help_of(command).contains("made if it is not there"), made, "{command}");
        }
        for command in ["import", "node"] {
            assert!(help_of(command).contains("[default: refuse them]"), "{command}");
        }
    }

    #[test]
    fn the_help_of_devnet_names_the_defaults_that_hold() {
        let help = help_of("devnet");
        let DevnetParameters { nodes, block_time, chain_id } = DevnetParameters::default();
        for default in [u64::from(nodes), block_time, chain_id] {
            assert!(help.contains(&format!("[default: {default}]")), "{help}");
        }
    }
}
