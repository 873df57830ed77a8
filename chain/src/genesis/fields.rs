//! A walk over JSON that knows where it stands, so that errors name the field.
//!
//! Values stay text until they are asked for: genesis files carry balances and difficulties as
//! bare numbers that no 64-bit or floating type holds.

use std::collections::BTreeMap;

use alloy_primitives::{B256, Bytes, U256, hex};
use serde_json::value::RawValue;

use super::error::{FieldProblem, GenesisError};

/// Bytes of a wrong value that an error shows.
const SHOWN_BYTES: usize = 40;

/// A JSON object and its path in the file.
pub(super) struct Fields<'a> {
    path: String,
    values: BTreeMap<String, &'a RawValue>,
}

/// One value and its path in the file.
pub(super) struct Field<'a> {
    pub(super) path: String,
    pub(super) text: &'a str,
}

impl<'a> Fields<'a> {
    pub(super) fn parse(text: &'a str) -> Result<Self, GenesisError> {
        let values = serde_json::from_str(text)
            .map_err(|error| GenesisError::Json { error: std::sync::Arc::new(error) })?;
        Ok(Self { path: String::new(), values })
    }

    /// The field of that name; `null` counts as absent, as in geth.
    pub(super) fn optional(&self, name: &str) -> Option<Field<'a>> {
        let text = self.values.get(name)?.get();
        (text != "null").then(|| Field { path: self.path_to(name), text })
    }

    pub(super) fn required(&self, name: &str) -> Result<Field<'a>, GenesisError> {
        self.optional(name)
            .ok_or_else(|| GenesisError::Field { field: self.path_to(name), problem: FieldProblem::Missing })
    }

    pub(super) fn u64(&self, name: &str) -> Result<Option<u64>, GenesisError> {
        self.optional(name).map(|field| field.u64()).transpose()
    }

    pub(super) fn fixed<const N: usize>(&self, name: &str) -> Result<Option<[u8; N]>, GenesisError> {
        self.optional(name).map(|field| field.fixed()).transpose()
    }

    pub(super) fn bytes(&self, name: &str) -> Result<Option<Bytes>, GenesisError> {
        self.optional(name).map(|field| field.bytes()).transpose()
    }

    pub(super) fn object(&self, name: &str) -> Result<Option<Fields<'a>>, GenesisError> {
        self.optional(name).map(|field| field.object()).transpose()
    }

    /// All fields, in the order of their names.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, Field<'a>)> {
        self.values
            .iter()
            .map(|(name, value)| (name.as_str(), Field { path: self.path_to(name), text: value.get() }))
    }

    /// What `problem` the field of that name has.
    pub(super) fn error(&self, name: &str, problem: FieldProblem) -> GenesisError {
        GenesisError::Field { field: self.path_to(name), problem }
    }

    fn path_to(&self, name: &str) -> String {
        if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) }
    }
}

impl<'a> Field<'a> {
    pub(super) fn error(&self, problem: FieldProblem) -> GenesisError {
        GenesisError::Field { field: self.path.clone(), problem }
    }

    pub(super) fn object(&self) -> Result<Fields<'a>, GenesisError> {
        let values = serde_json::from_str(self.text).map_err(|_| self.wrong_type("an object"))?;
        Ok(Fields { path: self.path.clone(), values })
    }

    pub(super) fn u64(&self) -> Result<u64, GenesisError> {
        let value = self.number(64)?;
        u64::try_from(value).map_err(|_| self.too_large(64))
    }

    pub(super) fn bool(&self) -> Result<bool, GenesisError> {
        serde_json::from_str(self.text).map_err(|_| self.wrong_type("true or false"))
    }

    pub(super) fn u256(&self) -> Result<U256, GenesisError> {
        self.number(256)
    }

    /// Exactly `N` bytes of hex.
    pub(super) fn fixed<const N: usize>(&self) -> Result<[u8; N], GenesisError> {
        let bytes = self.bytes()?;
        <[u8; N]>::try_from(bytes.as_ref())
            .map_err(|_| self.error(FieldProblem::Length { expected: N, found: bytes.len() }))
    }

    /// A storage key or value, which may leave its leading zeros away.
    pub(super) fn word(&self) -> Result<B256, GenesisError> {
        let bytes = self.bytes()?;
        word(&bytes).ok_or_else(|| self.error(FieldProblem::Length { expected: 32, found: bytes.len() }))
    }

    pub(super) fn bytes(&self) -> Result<Bytes, GenesisError> {
        let text = self.string("a string of hexadecimal bytes")?;
        hex::decode(&text)
            .map(Bytes::from)
            .map_err(|_| self.error(FieldProblem::NotHex { found: shorten(&text) }))
    }

    fn number(&self, bits: usize) -> Result<U256, GenesisError> {
        let text = if self.text.starts_with('"') { self.string("a number")? } else { self.text.to_owned() };
        let (digits, radix) = match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
            Some(digits) => (digits, 16),
            None => (text.as_str(), 10),
        };
        // geth reads "0x" and "" as zero.
        if digits.is_empty() {
            return Ok(U256::ZERO);
        }
        if !digits.chars().all(|digit| digit.is_digit(radix)) {
            return Err(self.error(FieldProblem::NotANumber { found: shorten(&text) }));
        }
        U256::from_str_radix(digits, u64::from(radix)).map_err(|_| self.too_large(bits))
    }

    fn string(&self, expected: &'static str) -> Result<String, GenesisError> {
        serde_json::from_str(self.text).map_err(|_| self.wrong_type(expected))
    }

    fn too_large(&self, bits: usize) -> GenesisError {
        self.error(FieldProblem::TooLarge { found: shorten(self.text.trim_matches('"')), bits })
    }

    fn wrong_type(&self, expected: &'static str) -> GenesisError {
        self.error(FieldProblem::Type { expected, found: shorten(self.text) })
    }
}

/// `bytes` as a word of 32, with zeros in front; `None` when there are more.
pub(super) fn word(bytes: &[u8]) -> Option<B256> {
    (bytes.len() <= B256::len_bytes()).then(|| B256::left_padding_from(bytes))
}

fn shorten(text: &str) -> String {
    let mut shown: String = text.chars().take(SHOWN_BYTES).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    shown
}
