//! The commands of the binary, each in a module: its arguments, and `run`.
//!
//! To add one, write its module, and name it in [`Command`](crate::cli::Command).
#![expect(clippy::print_stdout, reason = "commands speak to the terminal")]

pub mod devnet;
pub mod export;
pub mod import;
pub mod init;
pub mod key;
pub mod node;

use std::io::{self, Write as _};
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};

use herald_chain::engine::EngineChoice;
use herald_chain::genesis::Strictness;

/// What a command ends with. The binary prints the error as one line and exits with 1.
pub type CommandResult = Result<(), Box<dyn std::error::Error + Send + Sync>>;

/// Where a node keeps its chain.
#[derive(Args, Clone, Debug)]
pub struct Datadir {
    /// Directory of the chain, made if it is not there. Example: --datadir /var/lib/herald
    #[arg(long, value_name = "DIR", default_value = "herald-data")]
    pub datadir: PathBuf,
}

/// What `--genesis-lenient`, given or not, makes of a genesis' unknown keys.
fn strictness(lenient: bool) -> Strictness {
    if lenient { Strictness::Lenient } else { Strictness::Strict }
}

/// `--engine`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EngineFlag {
    /// Clique if the genesis has a `clique` section, otherwise trusted.
    #[default]
    Auto,
    /// EIP-225; the genesis must say so.
    Clique,
    /// No seal is checked: for chain files of other engines.
    Trusted,
}

impl From<EngineFlag> for EngineChoice {
    fn from(flag: EngineFlag) -> Self {
        match flag {
            EngineFlag::Auto => Self::Auto,
            EngineFlag::Clique => Self::Clique,
            EngineFlag::Trusted => Self::Trusted,
        }
    }
}

/// A bar on standard error when that is a terminal, nothing otherwise.
fn progress_bar(total: u64, template: &'static str) -> ProgressBar {
    let style = ProgressStyle::with_template(template).expect("the templates are fixed, and parse");
    ProgressBar::new(total).with_style(style)
}

/// Prints at once. Whoever has closed the pipe does not want to read, and that is no failure.
fn say(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}
