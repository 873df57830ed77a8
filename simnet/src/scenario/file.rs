//! Scenarios as TOML files.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::forms::TopologySource;
use super::{
    Adversaries, Assertions, ChainModel, Core, EDGES_MAX, FetcherOptions, LinkModel, Policy, Regions,
    Scenario, ScenarioError, ScheduledFault, Topology, WireSizes,
};

/// The longest scenario file that is read: a million edges, written out.
const SCENARIO_BYTES_MAX: u64 = 32 << 20;
/// The longest file of edges that is read: the most edges, at 14 bytes a line.
const EDGE_BYTES_MAX: u64 = EDGES_MAX as u64 * 14;

impl Scenario {
    /// Reads a TOML file. A file of edges is looked for in the same folder.
    ///
    /// # Errors
    /// [`ScenarioFileError`] names the file, the line and the key, and what to do.
    pub fn read(path: &Path) -> Result<Self, ScenarioFileError> {
        Self::parse(&read_bounded(path, SCENARIO_BYTES_MAX)?, path)
    }

    /// Reads TOML. `origin` is where it came from: errors name it, files of edges are looked for in
    /// its folder, and its stem is the scenario's name where that is not given.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn parse(text: &str, origin: &Path) -> Result<Self, ScenarioFileError> {
        let document: Document =
            toml::from_str(text).map_err(|error| ScenarioFileError::syntax(origin, text, error))?;
        let scenario = document.resolve(origin)?;
        scenario
            .check()
            .map_err(|error| ScenarioFileError::Check { path: origin.to_owned(), error: Box::new(error) })?;
        Ok(scenario)
    }

    /// Writes it as TOML with every option spelt out, presets and edges too. What
    /// [`check`](Self::check) accepts reads back as the same scenario.
    ///
    /// # Errors
    /// [`ScenarioFileError::Write`] where TOML has no way to say a value.
    pub fn to_toml(&self) -> Result<String, ScenarioFileError> {
        Ok(toml::to_string(&Document::of(self.clone()))?)
    }
}

/// Makes [`Document`] and its conversions of one list of keys, in the order in which a file is written:
/// first single values, then tables. Each is a field of [`Scenario`]. Name and topology stand in the
/// macro, since what a file says of them depends on where it is.
macro_rules! document {
    ($($key:ident: $value:ty,)*; $($table:ident: $keys:ty,)*) => {
        /// A scenario as it stands in a file.
        #[derive(Debug, Serialize, Deserialize)]
        #[serde(default, deny_unknown_fields)]
        struct Document {
            /// Without one, the file's own.
            name: Option<String>,
            $($key: $value,)*
            topology: TopologySource,
            $($table: $keys,)*
        }

        impl Document {
            fn of(scenario: Scenario) -> Self {
                let Scenario { name, $($key,)* topology, $($table,)* } = scenario;
                Self { name: Some(name), $($key,)* topology: TopologySource::Here(topology), $($table,)* }
            }

            /// The scenario. `origin` is where the document came from.
            fn resolve(self, origin: &Path) -> Result<Scenario, ScenarioFileError> {
                let Self { name, $($key,)* topology, $($table,)* } = self;
                let name = name_or_stem(name, origin);
                let topology = topology.resolve(origin)?;
                Ok(Scenario { name, $($key,)* topology, $($table,)* })
            }
        }
    };
}

document! {
    purpose: String,
    seed: u64,
    nodes: u32,
    policies: Vec<Policy>,
    check_stride: u32,
    ;
    regions: Regions,
    links: LinkModel,
    wire: WireSizes,
    chain: ChainModel,
    adversaries: Vec<Adversaries>,
    faults: Vec<ScheduledFault>,
    core: Option<Core>,
    fetcher: FetcherOptions,
    assertions: Assertions,
}

impl Default for Document {
    fn default() -> Self {
        let mut document = Self::of(Scenario::default());
        document.name = None;
        document
    }
}

fn name_or_stem(name: Option<String>, origin: &Path) -> String {
    let stem = || origin.file_stem().map(|stem| stem.to_string_lossy().into_owned());
    name.or_else(stem).unwrap_or_else(|| Scenario::default().name)
}

impl TopologySource {
    fn resolve(self, origin: &Path) -> Result<Topology, ScenarioFileError> {
        match self {
            Self::Here(topology) => Ok(topology),
            Self::File(file) => Topology::read_edges(&origin.with_file_name("").join(file)),
        }
    }
}

impl Topology {
    /// Reads a file of edges: two node numbers on each line, apart by blanks, a tab or a comma. Empty
    /// lines and what follows a `#` are passed over.
    ///
    /// # Errors
    /// [`ScenarioFileError`] names the line. Whether the nodes exist is for [`Scenario::check`].
    pub fn read_edges(path: &Path) -> Result<Self, ScenarioFileError> {
        let text = read_bounded(path, EDGE_BYTES_MAX)?;
        let mut edges = Vec::new();
        for (line, text) in (1..).zip(text.lines()) {
            let edge = parse_edge(text).map_err(|error| ScenarioFileError::Edge {
                path: path.to_owned(),
                line,
                error,
            })?;
            edges.extend(edge);
        }
        Ok(Self::Edges { edges })
    }
}

fn parse_edge(line: &str) -> Result<Option<(u32, u32)>, EdgeError> {
    let content = line.split_once('#').map_or(line, |(content, _)| content);
    let mut words = content.split([' ', '\t', ',']).filter(|word| !word.is_empty());
    let number = |word: &str| word.parse().map_err(|_| EdgeError::NoNumber { word: shortened(word) });
    match (words.next(), words.next(), words.next()) {
        (None, _, _) => Ok(None),
        (Some(from), Some(to), None) => Ok(Some((number(from)?, number(to)?))),
        (Some(_), None, _) | (Some(_), Some(_), Some(_)) => Err(EdgeError::NotTwo),
    }
}

/// Why a scenario could not be read or written.
#[derive(Debug, Error)]
#[allow(missing_docs, reason = "a field without words of its own is what the message says it is")]
#[non_exhaustive]
pub enum ScenarioFileError {
    /// The file system's reason.
    #[error("{}: cannot be read: {error}", path.display())]
    Read { path: PathBuf, error: io::Error },
    /// Larger than is read.
    #[error("{}: more than {max} bytes; give a smaller file", path.display())]
    TooLong {
        path: PathBuf,
        /// The most that is read.
        max: u64,
    },
    /// Not TOML, or not a scenario.
    #[error("{}, line {line}: {}\n  | {near}", path.display(), error.message())]
    Toml {
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What stands on it.
        near: String,
        error: Box<toml::de::Error>,
    },
    /// A line of a file of edges.
    #[error("{}, line {line}: {error}", path.display())]
    Edge {
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        error: EdgeError,
    },
    /// Well written, but it cannot be run.
    #[error("{}: {error}", path.display())]
    Check { path: PathBuf, error: Box<ScenarioError> },
    /// TOML has no way to say it.
    #[error("cannot be written as TOML: {0}")]
    Write(#[from] toml::ser::Error),
}

/// A line that is no edge.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[allow(missing_docs, reason = "a field without words of its own is what the message says it is")]
#[non_exhaustive]
pub enum EdgeError {
    /// One number, or more than two.
    #[error("an edge is two node numbers, as in \"3 17\"")]
    NotTwo,
    /// Something else than a node's number.
    #[error("\"{word}\" is not a node's number; nodes are counted from 0")]
    NoNumber { word: String },
}

impl ScenarioFileError {
    fn syntax(path: &Path, text: &str, error: toml::de::Error) -> Self {
        let start = error.span().map_or(0, |span| span.start);
        let before = text.as_bytes().get(..start).unwrap_or_default();
        let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
        let near = shortened(text.lines().nth(line - 1).unwrap_or_default().trim());
        Self::Toml { path: path.to_owned(), line, near, error: Box::new(error) }
    }
}

/// Enough of a text to find it by.
fn shortened(text: &str) -> String {
    text.chars().take(100).collect()
}

fn read_bounded(path: &Path, max: u64) -> Result<String, ScenarioFileError> {
    let unreadable = |error| ScenarioFileError::Read { path: path.to_owned(), error };
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(unreadable)?;
    file.take(max + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > max {
        return Err(ScenarioFileError::TooLong { path: path.to_owned(), max });
    }
    String::from_utf8(bytes).map_err(|error| unreadable(io::Error::new(io::ErrorKind::InvalidData, error)))
}

#[cfg(test)]
mod tests;
