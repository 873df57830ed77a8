//! The commands of the binary, each in a module: its arguments, and `run`.
//!
//! To add one, write its module, and name it in `cli::Command`.
#![expect(clippy::print_stdout, reason = "commands speak to the terminal")]

pub(crate) mod devnet;
pub(crate) mod export;
pub(crate) mod import;
pub(crate) mod init;
pub(crate) mod key;
pub(crate) mod node;

use std::io::{self, Write as _};
use std::path::PathBuf;

use clap::Args;
use clap::builder::{
    MapValueParser, PossibleValue, PossibleValuesParser, TypedValueParser as _, ValueParserFactory,
};
use indicatif::{ProgressBar, ProgressStyle};

use herald_chain::engine::{ENGINES, EngineChoice};
use herald_chain::genesis::Strictness;
use serde::{Deserialize, Deserializer};

/// What a command ends with. The binary prints the error as one line and exits with 1.
pub(crate) type CommandResult = Result<(), Box<dyn std::error::Error + Send + Sync>>;

/// The data directory where none is given.
const DEFAULT_DATADIR: &str = "herald-data";

/// Where a chain is kept, by a command that makes it where it is not.
#[derive(Args, Clone, Debug)]
pub(crate) struct Datadir {
    /// Directory of the chain, made if it is not there. Example: --datadir /var/lib/herald
    #[arg(long, value_name = "DIR", default_value = DEFAULT_DATADIR)]
    pub datadir: PathBuf,
}

/// What `--genesis-lenient`, given or not, makes of a genesis' unknown keys.
fn strictness(lenient: bool) -> Strictness {
    if lenient { Strictness::Lenient } else { Strictness::Strict }
}

/// `--engine`: `auto`, or a name from the list of engines.
#[derive(Clone, Debug, Default)]
pub struct EngineFlag(EngineChoice);

impl EngineFlag {
    /// The values that the flag takes, each with what it means.
    fn possible_values() -> impl Iterator<Item = PossibleValue> {
        let auto = PossibleValue::new("auto").help("The engine whose section the genesis has, or trusted");
        let named = ENGINES.iter().map(|spec| {
            PossibleValue::new(spec.name).help(format!("{}; refuses a genesis {}", spec.about, spec.refuses))
        });
        std::iter::once(auto).chain(named)
    }
}

impl From<EngineFlag> for EngineChoice {
    fn from(flag: EngineFlag) -> Self {
        flag.0
    }
}

impl ValueParserFactory for EngineFlag {
    type Parser = MapValueParser<PossibleValuesParser, fn(String) -> Self>;

    fn value_parser() -> Self::Parser {
        let parse: fn(String) -> Self = |name| Self(name.parse().expect("clap takes no other value"));
        PossibleValuesParser::new(Self::possible_values()).map(parse)
    }
}

impl<'de> Deserialize<'de> for EngineFlag {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        name.parse().map(Self).map_err(serde::de::Error::custom)
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
