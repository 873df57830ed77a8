//! Objects in a genesis that belong to somebody else, who reads them.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

use super::error::{FieldProblem, GenesisError};
use super::fields::Field;

/// An object in the `config` of a genesis that is not read with it: the parameters of a consensus
/// engine, for that engine to read.
#[derive(Clone, Debug)]
pub struct Section {
    path: String,
    values: BTreeMap<String, Box<RawValue>>,
}

impl Section {
    /// The object that a field holds; `None` when it holds something else.
    pub(super) fn of(field: &Field<'_>) -> Option<Self> {
        let values = serde_json::from_str(field.text).ok()?;
        Some(Self { path: field.path.clone(), values })
    }

    /// A number of 64 bits; `None` when it is not there.
    ///
    /// # Errors
    /// Something else under that name.
    pub fn u64(&self, name: &str) -> Result<Option<u64>, GenesisError> {
        self.field(name).map(|field| field.u64()).transpose()
    }

    /// `true` or `false`; `None` when it is not there.
    ///
    /// # Errors
    /// Something else under that name.
    pub fn bool(&self, name: &str) -> Result<Option<bool>, GenesisError> {
        self.field(name).map(|field| field.bool()).transpose()
    }

    /// Refuses every name that is not `known`.
    ///
    /// # Errors
    /// The first such name.
    pub fn deny_unknown(&self, known: &[&'static str]) -> Result<(), GenesisError> {
        match self.values.keys().find(|name| !known.contains(&name.as_str())) {
            Some(name) => Err(GenesisError::Field {
                field: self.path_to(name),
                problem: FieldProblem::Unknown { known: known.join(", ") },
            }),
            None => Ok(()),
        }
    }

    fn field(&self, name: &str) -> Option<Field<'_>> {
        let text = self.values.get(name)?.get();
        (text != "null").then(|| Field { path: self.path_to(name), text })
    }

    fn path_to(&self, name: &str) -> String {
        format!("{}.{name}", self.path)
    }
}
