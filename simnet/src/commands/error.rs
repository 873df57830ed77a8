//! Why a command could not be carried out.

use std::io;
use std::path::PathBuf;

use herald_simnet::measure::bound::BoundError;
use herald_simnet::report::files::FilesError;
use herald_simnet::scenario::{ScenarioError, ScenarioFileError};
use herald_simnet::sweep::rows::RowsError;
use thiserror::Error;

/// The exit code of all of them: wrong usage, as with what clap refuses.
pub(crate) const EXIT_CODE: u8 = 2;

/// Why a command could not be carried out. What a run finds is no error but an outcome.
#[derive(Debug, Error)]
pub(crate) enum CommandError {
    /// No shipped scenario has this name, and it does not look like a file.
    #[error("there is no scenario \"{name}\"{}; `simnet scenarios` lists them, and a file's name has an ending, as in my.toml",
        nearest.map_or_else(String::new, |nearest| format!(" (did you mean {nearest}?)")))]
    Unknown {
        /// What was asked for.
        name: String,
        /// The shipped one that is spelt most like it.
        nearest: Option<&'static str>,
    },
    /// The scenario's file is no good.
    #[error(transparent)]
    File(#[from] ScenarioFileError),
    /// The scenario does not fit together, options of the command line included.
    #[error("the scenario cannot be run with these options: {0}")]
    Scenario(#[from] ScenarioError),
    /// A folder cannot be made or written.
    #[error(transparent)]
    Folder(#[from] FilesError),
    /// Rows cannot be read or merged.
    #[error(transparent)]
    Rows(#[from] RowsError),
    /// A run and its graph do not belong together: a defect of the simulator.
    #[error("the lower bound cannot be computed, which is a defect of the simulator: {0}")]
    Bound(#[from] BoundError),
    /// A file beside the folder's own cannot be written.
    #[error("{path}: {source}")]
    Write {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Standard output is gone.
    #[error("standard output: {0}")]
    Output(#[from] io::Error),
}
