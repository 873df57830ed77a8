//! A section of `config` that the genesis itself does not read.

use alloy_primitives::{Address, B256, Bytes, U256};

use super::error::{FieldProblem, GenesisError};
use super::keys;
use super::object::Object;

/// The settings of a consensus engine: an object in `config`, as `clique`, and where it stands.
///
/// The engine reads it, in this order: [`deny_unknown`](Self::deny_unknown) first, so that a
/// misspelt key is named as such, and then each key by its name. Names are found in whatever
/// letters, as geth and Besu find them; `null` counts as absent; numbers may be JSON numbers, or
/// strings in decimal or in hex after 0x, never empty. Every error names the whole path, as
/// `config.clique.period`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Section {
    name: String,
    object: Object<'static>,
}

impl Section {
    pub(super) fn new(name: &str, object: Object<'_>) -> Self {
        Self { name: name.to_owned(), object: object.into_owned() }
    }

    /// Whether its name is one of these, in whatever letters.
    pub(super) fn is_one_of(&self, names: &[&str]) -> bool {
        names.iter().any(|name| self.name.eq_ignore_ascii_case(name))
    }

    /// The error that it is an engine's which is not here; `None` when nobody knows what it is.
    pub(super) fn other_engine(&self) -> Option<GenesisError> {
        let engine = keys::engine(&self.name)?;
        Some(GenesisError::OtherEngine { section: self.path().to_owned(), engine })
    }

    /// Refuses it as the section of an engine that is not here.
    pub(super) fn refuse(&self) -> Result<(), GenesisError> {
        match self.other_engine() {
            Some(error) => Err(error),
            None => self.object.unknown_section(),
        }
    }

    /// Its key in `config`, as the file spells it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where it stands in the file, as `config.clique`.
    #[must_use]
    pub fn path(&self) -> &str {
        self.object.path()
    }

    /// Refuses every key that is not `known`, with the one meant where one is close. In a genesis
    /// that is read [leniently](super::Strictness::Lenient) such keys are logged and passed over.
    ///
    /// # Errors
    /// The first key that is not known.
    pub fn deny_unknown(&self, known: &[&str]) -> Result<(), GenesisError> {
        self.object.deny_unknown(known)
    }

    /// Whether the section has that key, be it `null`.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.object.has(name)
    }

    /// A number of 64 bits.
    ///
    /// # Errors
    /// What is no number, or a larger one.
    pub fn u64(&self, name: &str) -> Result<Option<u64>, GenesisError> {
        self.object.u64(name)
    }

    /// A number of 256 bits.
    ///
    /// # Errors
    /// What is no number, or a larger one.
    pub fn u256(&self, name: &str) -> Result<Option<U256>, GenesisError> {
        self.object.u256(name)
    }

    /// True or false.
    ///
    /// # Errors
    /// What is neither.
    pub fn bool(&self, name: &str) -> Result<Option<bool>, GenesisError> {
        self.object.bool(name)
    }

    /// An address.
    ///
    /// # Errors
    /// What is not 20 bytes in hex.
    pub fn address(&self, name: &str) -> Result<Option<Address>, GenesisError> {
        self.object.address(name)
    }

    /// A hash.
    ///
    /// # Errors
    /// What is not 32 bytes in hex.
    pub fn b256(&self, name: &str) -> Result<Option<B256>, GenesisError> {
        self.object.b256(name)
    }

    /// Bytes of any length.
    ///
    /// # Errors
    /// What is not hex with whole bytes.
    pub fn bytes(&self, name: &str) -> Result<Option<Bytes>, GenesisError> {
        self.object.bytes(name)
    }

    /// An error about a key that must be there.
    #[must_use]
    pub fn missing(&self, name: &str) -> GenesisError {
        self.object.error(name, FieldProblem::Missing)
    }

    /// An error about a key whose value is well-formed and still cannot be used. `why` goes on
    /// after the key's name, and says what to do.
    #[must_use]
    pub fn refused(&self, name: &str, why: &'static str) -> GenesisError {
        self.object.error(name, FieldProblem::Refused { why })
    }

    /// An error about two keys for one thing that disagree.
    #[must_use]
    pub fn differs(&self, name: &str, other: &'static str) -> GenesisError {
        self.object.error(name, FieldProblem::Differs { other })
    }
}
