//! Reading parameters, so that a caller learns which one is wrong and why.

use alloy_primitives::B256;
use jsonrpsee::types::Params;
use serde_json::Value;
use thiserror::Error;

/// What is wrong with the parameters of a call.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub(super) enum ParamsError {
    #[error("the parameters must be a JSON array")]
    NotAnArray,
    #[error("parameter {position} ({name}) is missing")]
    Missing { position: usize, name: &'static str },
    #[error("parameter {position} ({name}) must be {expected}, not {found}")]
    Wrong { position: usize, name: &'static str, expected: &'static str, found: String },
    #[error("{given} parameters were given, and at most {taken} are taken")]
    TooMany { given: usize, taken: usize },
}

/// A value that a parameter can have.
pub(super) trait Argument: Sized {
    /// How it is written, for the error message.
    const EXPECTED: &'static str;

    /// Reads it; `None` when it is something else.
    fn read(value: &Value) -> Option<Self>;
}

/// The parameters of one call, taken in order.
#[derive(Debug)]
pub(super) struct Arguments {
    values: Vec<Value>,
    taken: usize,
}

impl Arguments {
    pub(super) fn new(params: &Params<'_>) -> Result<Self, ParamsError> {
        let values = match params.as_str() {
            None => Vec::new(),
            Some(text) => serde_json::from_str(text).map_err(|_| ParamsError::NotAnArray)?,
        };
        Ok(Self { values, taken: 0 })
    }

    /// The next parameter.
    pub(super) fn next<T: Argument>(&mut self, name: &'static str) -> Result<T, ParamsError> {
        let position = self.taken.saturating_add(1);
        self.next_or(name, || Err(ParamsError::Missing { position, name }))
    }

    /// The next parameter, `default` when it is left out or null.
    pub(super) fn optional<T: Argument>(&mut self, name: &'static str, default: T) -> Result<T, ParamsError> {
        self.next_or(name, || Ok(default))
    }

    /// There must be no further ones: a caller that gives them expects something of them.
    pub(super) fn end(self) -> Result<(), ParamsError> {
        let given = self.values.len();
        if given > self.taken { Err(ParamsError::TooMany { given, taken: self.taken }) } else { Ok(()) }
    }

    fn next_or<T: Argument>(
        &mut self,
        name: &'static str,
        absent: impl FnOnce() -> Result<T, ParamsError>,
    ) -> Result<T, ParamsError> {
        let value = self.values.get(self.taken).unwrap_or(&Value::Null);
        self.taken = self.taken.saturating_add(1);
        match value {
            Value::Null => absent(),
            Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) | Value::Object(_) => {
                T::read(value).ok_or_else(|| ParamsError::Wrong {
                    position: self.taken,
                    name,
                    expected: T::EXPECTED,
                    found: excerpt(value),
                })
            }
        }
    }
}

/// The beginning of a value: an error must not send back a megabyte.
fn excerpt(value: &Value) -> String {
    const SHOWN: usize = 80;
    let text = value.to_string();
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text,
    }
}

/// A block, named by its number or by its part in the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BlockTag {
    Number(u64),
    Earliest,
    Latest,
    Pending,
    Safe,
    Finalized,
}

impl Argument for BlockTag {
    const EXPECTED: &'static str = "a number in hex after 0x without leading zeros, or one of \
                                    latest, earliest, pending, safe, finalized";

    fn read(value: &Value) -> Option<Self> {
        Some(match value.as_str()? {
            "earliest" => Self::Earliest,
            "latest" => Self::Latest,
            "pending" => Self::Pending,
            "safe" => Self::Safe,
            "finalized" => Self::Finalized,
            number => Self::Number(read_quantity(number)?),
        })
    }
}

impl Argument for B256 {
    const EXPECTED: &'static str = "a hash: 64 hex digits after 0x";

    fn read(value: &Value) -> Option<Self> {
        let text = value.as_str()?;
        // The parser takes digits without 0x as well; the specification does not.
        text.starts_with("0x").then(|| text.parse().ok()).flatten()
    }
}

impl Argument for bool {
    const EXPECTED: &'static str = "true or false";

    fn read(value: &Value) -> Option<Self> {
        value.as_bool()
    }
}

impl Argument for String {
    const EXPECTED: &'static str = "a string";

    fn read(value: &Value) -> Option<Self> {
        value.as_str().map(ToOwned::to_owned)
    }
}

/// A quantity as the specification writes it: 0x, no leading zeros, zero as 0x0.
fn read_quantity(text: &str) -> Option<u64> {
    let digits = text.strip_prefix("0x")?;
    if digits.is_empty() || (digits.len() > 1 && digits.starts_with('0')) || digits.starts_with('+') {
        return None;
    }
    u64::from_str_radix(digits, 16).ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn arguments(text: &str) -> Result<Arguments, ParamsError> {
        Arguments::new(&Params::new(Some(text)))
    }

    #[test]
    fn quantities_have_one_spelling() {
        for (text, number) in [("0x0", 0), ("0x10", 16), ("0xFf", 255), ("0xffffffffffffffff", u64::MAX)] {
            assert_eq!(read_quantity(text), Some(number), "{text}");
        }
        for text in ["", "0x", "0x00", "0x01", "10", "0x+1", "0x-1", "0x1g", "0x10000000000000000", " 0x1"] {
            assert_eq!(read_quantity(text), None, "{text}");
        }
    }

    #[test]
    fn a_wrong_parameter_is_named_with_what_belongs_there() {
        let mut arguments = arguments(r#"["newest", true]"#).unwrap();
        let error = arguments.next::<BlockTag>("block").unwrap_err();
        let text = error.to_string();
        assert!(text.starts_with("parameter 1 (block) must be a number in hex"), "{text}");
        assert!(text.ends_with(r#"not "newest""#), "{text}");
        assert!(arguments.next::<bool>("full").unwrap());
        arguments.end().unwrap();
    }

    #[test]
    fn missing_optional_and_surplus_parameters_are_told_apart() {
        assert_eq!(arguments("{}").unwrap_err(), ParamsError::NotAnArray);
        let mut none = arguments("[]").unwrap();
        assert_eq!(
            none.next::<B256>("hash").unwrap_err(),
            ParamsError::Missing { position: 1, name: "hash" }
        );
        let mut one = arguments("[null, 1]").unwrap();
        assert!(!one.optional("full", false).unwrap());
        assert_eq!(one.end().unwrap_err(), ParamsError::TooMany { given: 2, taken: 1 });
    }

    #[test]
    fn long_values_are_cut_in_the_error() {
        let long = format!(r#"["{}"]"#, "ä".repeat(100_000));
        let error = arguments(&long).unwrap().next::<B256>("hash").unwrap_err();
        assert!(error.to_string().len() < 400);
    }
}
