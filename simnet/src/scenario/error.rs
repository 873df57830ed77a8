//! Why a scenario cannot be run.

use core::fmt;

use herald_fetcher::ConfigError;
use thiserror::Error;

use super::Policy;
use super::check::LINKS_MAX;
use super::units::{BitRate, Size, Span};

/// A value of some kind, for messages.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
#[non_exhaustive]
pub enum Amount {
    /// A count.
    Count(u64),
    /// A share, a factor, a deviation.
    Number(f64),
    /// A span of time.
    Span(Span),
    /// Bytes.
    Size(Size),
    /// Bits in a second.
    Rate(BitRate),
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Count(count) => count.fmt(f),
            Self::Number(number) => number.fmt(f),
            Self::Span(span) => span.fmt(f),
            Self::Size(size) => size.fmt(f),
            Self::Rate(rate) => rate.fmt(f),
        }
    }
}

/// Why a scenario cannot be run. Fields are named as in a file.
#[derive(Clone, Debug, Error, PartialEq)]
#[allow(missing_docs, reason = "a field without words of its own is what the message says it is")]
#[non_exhaustive]
pub enum ScenarioError {
    /// Too small, too large, or no number.
    #[error("`{field}` is {value}; it must be from {min} to {max}")]
    OutOfRange {
        field: &'static str,
        value: Amount,
        /// The least allowed.
        min: Amount,
        /// The most allowed.
        max: Amount,
    },
    /// Shares that do not add up.
    #[error("`{field}` come to {sum}; they must come to {}", if *field == "chain.shares" { "more than 0" } else { "1" })]
    Sum {
        field: &'static str,
        /// What they come to.
        sum: f64,
    },
    /// A table that does not fit the others.
    #[error("`{field}` has {length} entries; it must have {wanted}")]
    Length {
        field: &'static str,
        /// How many it has.
        length: usize,
        /// How many it must have.
        wanted: usize,
    },
    /// A name that is no good for files.
    #[error("`name` is \"{name}\"; use 1 to 64 letters, digits, `-`, `_` or `.`, not a `.` first")]
    Name { name: String },
    /// The same policy twice.
    #[error("`policies` has \"{}\" twice; take one out", policy.label())]
    PolicyTwice { policy: Policy },
    /// More links than a run can have.
    #[error("the topology has about {links} links; there may be {LINKS_MAX}: take fewer nodes or peers")]
    Links {
        /// How many, both directions counted.
        links: u64,
    },
    /// A connection to a node that there is not.
    #[error("`topology.edges` has {from} {to}, but there are {nodes} nodes, counted from 0; raise `nodes`")]
    EdgeTo {
        /// One end.
        from: u32,
        to: u32,
        /// How many nodes there are.
        nodes: u32,
    },
    /// A connection from a node to itself.
    #[error("`topology.edges` connects node {node} to itself; take that edge out")]
    EdgeToSelf { node: u32 },
    /// The same connection twice.
    #[error("`topology.edges` has {from} {to} twice, perhaps once in each direction; take one out")]
    EdgeTwice {
        /// The lower end.
        from: u32,
        /// The higher end.
        to: u32,
    },
    /// Not enough honest nodes to seal.
    #[error(
        "`chain.sealers` is {sealers}, but there are {honest} honest nodes; take fewer sealers or adversaries"
    )]
    Sealers {
        /// How many sealers.
        sealers: u32,
        /// How many honest nodes.
        honest: u64,
    },
    /// The fetcher refuses its configuration.
    #[error("`fetcher` under {}: {error}", policy.label())]
    Fetcher {
        /// Under which policy.
        policy: Policy,
        error: ConfigError,
    },
    /// The topology was not found in many tries.
    #[error(
        "no random graph with {degree} peers for each of {nodes} nodes was found; take another degree or seed"
    )]
    NoGraph {
        /// How many nodes.
        nodes: u32,
        /// How many peers each was to have.
        degree: u32,
    },
}
