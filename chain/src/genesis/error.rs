//! What can be wrong with a genesis.

use std::sync::Arc;

use alloy_primitives::B256;
use thiserror::Error;

use super::format::OtherFormat;

/// A genesis that cannot be used. Each says what to change.
#[derive(Clone, Debug, Error)]
#[non_exhaustive]
pub enum GenesisError {
    /// Not JSON, or not an object.
    #[error("the genesis is not valid JSON: {error}")]
    Json {
        /// Where and why.
        error: Arc<serde_json::Error>,
    },
    /// JSON of another kind.
    #[error("the genesis file is {format}")]
    OtherFormat {
        /// What it is.
        format: OtherFormat,
    },
    /// A chain whose blocks, genesis included, have other hashes than their headers' Keccak-256.
    #[error(
        "the genesis is for {engine} (`{section}`), whose block hashes leave the validators' seals out \
         of the extra data, and are not computed here; so the chain cannot be followed, not even with \
         --engine trusted; give a chain of another engine"
    )]
    OtherHash {
        /// The engine's section, as `config.ibft2`.
        section: String,
        /// The engine's name.
        engine: &'static str,
    },
    /// The section of an engine that is not here.
    #[error(
        "`{section}` in the genesis asks for a consensus engine that is not here: {engine}; --engine trusted \
         follows such a chain without checking who made its blocks, with --genesis-lenient where the file \
         has keys of that client alone"
    )]
    OtherEngine {
        /// The engine's section, as `config.parlia`.
        section: String,
        /// The engine's name.
        engine: &'static str,
    },
    /// A field is missing or wrong.
    #[error("genesis field `{field}`: {problem}")]
    Field {
        /// Its path, as `alloc.0x12….balance`.
        field: String,
        /// What is wrong.
        problem: FieldProblem,
    },
    /// The RLP block is not the first of a chain.
    #[error("the genesis file begins with block {number}; a genesis is block 0")]
    NotBlockZero {
        /// Its number.
        number: u64,
    },
    /// The RLP block's body is not its header's.
    #[error("the genesis block's body is not the one that its header commits to; the file is damaged")]
    BodyMismatch,
}

impl GenesisError {
    /// A field that is well-formed and still cannot be used. `why` goes on after its path.
    pub(crate) fn refused(field: &str, why: &'static str) -> Self {
        Self::Field { field: field.to_owned(), problem: FieldProblem::Refused { why } }
    }
}

/// What is wrong with one field of a genesis file.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum FieldProblem {
    /// Not there.
    #[error("is missing; add it")]
    Missing,
    /// Of another JSON type.
    #[error("must be {expected}, not {found}")]
    Type {
        /// What belongs there.
        expected: &'static str,
        /// The beginning of what is there.
        found: String,
    },
    /// Not a number.
    #[error("`{found}` is no number; write it in decimal, or in hex after 0x")]
    NotANumber {
        /// What is there.
        found: String,
    },
    /// A number over what the field holds.
    #[error("`{found}` does not fit {bits} bits")]
    TooLarge {
        /// What is there.
        found: String,
        /// What the field holds.
        bits: usize,
    },
    /// Not hexadecimal.
    #[error("`{found}` is not hexadecimal with whole bytes")]
    NotHex {
        /// What is there.
        found: String,
    },
    /// Hexadecimal of another length.
    #[error("must have {expected} bytes, not {found}")]
    Length {
        /// What belongs there.
        expected: usize,
        /// What is there.
        found: usize,
    },
    /// The same key twice, in other letters perhaps, or once with 0x and once without. Clients
    /// differ in which of them counts.
    #[error("is there twice, the other time as `{other}`; keep one")]
    Duplicate {
        /// How it is spelt the other time.
        other: String,
    },
    /// No key of this section.
    #[error(
        "is not known; {}",
        match meant {
            Some(meant) => format!("`{meant}` may be meant"),
            None => "remove it, or pass over such keys with --genesis-lenient".to_owned(),
        }
    )]
    Unknown {
        /// The known key that is most like it, where one is.
        meant: Option<String>,
    },
    /// An object in `config` that is no known engine's section.
    #[error(
        "is not known, and would be the section of a consensus engine that is not here; remove it, or pass \
         over such keys with --genesis-lenient"
    )]
    UnknownSection,
    /// It asks for what is not done here.
    #[error("{why}")]
    Refused {
        /// Why, and what to do.
        why: &'static str,
    },
    /// Two keys for one thing that disagree.
    #[error("is another name for `{other}`, which has another value; keep one")]
    Differs {
        /// The other key.
        other: &'static str,
    },
    /// A fork set without one that it builds on.
    #[error("needs `{needed}`, which is not set; set that as well")]
    ForkNeeds {
        /// The fork that must come first.
        needed: &'static str,
    },
    /// A fork set before one that it builds on.
    #[error("comes before `{needed}`, on which it builds; set it at that time or later")]
    ForkTooEarly {
        /// The fork that must come first.
        needed: &'static str,
    },
    /// A number over another that limits it.
    #[error("is {found}, over `{other}`, which is {limit}; lower it, or raise `{other}`")]
    OverOther {
        /// The number.
        found: u64,
        /// The other.
        limit: u64,
        /// The other's key.
        other: &'static str,
    },
    /// The state root that is given is not that of the accounts.
    #[error(
        "is {given}, and the accounts of `alloc` have {computed}; give all accounts, or remove `stateRoot` \
         if they are all"
    )]
    StateRoot {
        /// The one in the file.
        given: B256,
        /// That of `alloc`.
        computed: B256,
    },
    /// Zero where it means nothing.
    #[error("must not be 0")]
    Zero,
}
