//! A walk over JSON that knows where it stands, so that errors name the field.
//!
//! Values stay text until they are asked for: genesis files carry balances and difficulties as
//! bare numbers that no 64-bit or floating type holds. Names are found in whatever letters, as geth
//! and Besu find them; two spellings of one name in one object are refused, since clients differ in
//! which of them counts.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use alloy_primitives::{Address, B256, Bytes, U256, hex};
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::Strictness;
use super::error::{FieldProblem, GenesisError};
use super::keys::{Keys, Use, closest, find, names};

/// Characters of a name or wrong value that an error shows.
const SHOWN_CHARS: usize = 48;

/// A JSON object and its path in the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Object<'a> {
    path: String,
    strictness: Strictness,
    /// By name in lower case.
    entries: BTreeMap<String, KeyValue<'a>>,
}

/// A value and its name as the file spells it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct KeyValue<'a> {
    name: String,
    text: Cow<'a, str>,
}

/// One value and its path in the file.
pub(super) struct Value<'a> {
    path: String,
    strictness: Strictness,
    text: &'a str,
}

/// An object as it is read: its entries, and the first name that it has twice.
#[derive(Default)]
struct Parsed<'a> {
    entries: BTreeMap<String, KeyValue<'a>>,
    twice: Option<(String, String)>,
}

impl<'a> Object<'a> {
    /// The whole file.
    pub(super) fn parse(text: &'a str, strictness: Strictness) -> Result<Self, GenesisError> {
        let parsed =
            Parsed::read(text).map_err(|error| GenesisError::Json { error: std::sync::Arc::new(error) })?;
        Self::new(String::new(), strictness, parsed)
    }

    fn new(path: String, strictness: Strictness, parsed: Parsed<'a>) -> Result<Self, GenesisError> {
        let object = Self { path, strictness, entries: parsed.entries };
        match parsed.twice {
            Some((name, other)) => Err(object.error(&name, FieldProblem::Duplicate { other })),
            None => Ok(object),
        }
    }

    /// Its path in the file.
    pub(super) fn path(&self) -> &str {
        &self.path
    }

    /// The same, apart from the file's text.
    pub(super) fn into_owned(self) -> Object<'static> {
        let own =
            |entry: KeyValue<'_>| KeyValue { name: entry.name, text: Cow::Owned(entry.text.into_owned()) };
        Object {
            path: self.path,
            strictness: self.strictness,
            entries: self.entries.into_iter().map(|(key, entry)| (key, own(entry))).collect(),
        }
    }

    /// Whether there is a field of that name, be it `null`.
    pub(super) fn has(&self, name: &str) -> bool {
        self.entries.contains_key(&name.to_ascii_lowercase())
    }

    /// Whether the field of that name is an object.
    pub(super) fn has_object(&self, name: &str) -> bool {
        self.optional(name).is_some_and(|value| value.is_object())
    }

    /// The field of that name, be it `null`.
    pub(super) fn present(&self, name: &str) -> Option<Value<'_>> {
        self.entries.get(&name.to_ascii_lowercase()).map(|entry| self.value(entry))
    }

    /// The field of that name; `null` counts as absent, as in geth.
    pub(super) fn optional(&self, name: &str) -> Option<Value<'_>> {
        self.present(name).filter(|value| !value.is_null())
    }

    pub(super) fn required(&self, name: &str) -> Result<Value<'_>, GenesisError> {
        self.optional(name).ok_or_else(|| self.error(name, FieldProblem::Missing))
    }

    pub(super) fn u64(&self, name: &str) -> Result<Option<u64>, GenesisError> {
        self.optional(name).map(|value| value.u64()).transpose()
    }

    /// As [`Value::u64_or_empty`].
    pub(super) fn u64_or_empty(&self, name: &str) -> Result<Option<u64>, GenesisError> {
        self.optional(name).map(|value| value.u64_or_empty()).transpose()
    }

    pub(super) fn u256(&self, name: &str) -> Result<Option<U256>, GenesisError> {
        self.optional(name).map(|value| value.u256()).transpose()
    }

    pub(super) fn bool(&self, name: &str) -> Result<Option<bool>, GenesisError> {
        self.optional(name).map(|value| value.bool()).transpose()
    }

    pub(super) fn address(&self, name: &str) -> Result<Option<Address>, GenesisError> {
        Ok(self.fixed(name)?.map(Address::from))
    }

    pub(super) fn b256(&self, name: &str) -> Result<Option<B256>, GenesisError> {
        Ok(self.fixed(name)?.map(B256::from))
    }

    pub(super) fn bytes(&self, name: &str) -> Result<Option<Bytes>, GenesisError> {
        self.optional(name).map(|value| value.bytes()).transpose()
    }

    pub(super) fn object(&self, name: &str) -> Result<Option<Object<'_>>, GenesisError> {
        self.optional(name).map(|value| value.object()).transpose()
    }

    fn fixed<const N: usize>(&self, name: &str) -> Result<Option<[u8; N]>, GenesisError> {
        self.optional(name).map(|value| value.fixed()).transpose()
    }

    /// All fields as the file spells them, in the order of their names.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, Value<'_>)> {
        self.entries.values().map(|entry| (entry.name.as_str(), self.value(entry)))
    }

    /// Refuses every key that is not in `keys`, or that asks for what is not done here.
    pub(super) fn check_keys(&self, keys: Keys) -> Result<(), GenesisError> {
        self.iter().try_for_each(|(name, value)| self.check_key(keys, name, &value))
    }

    /// The same for one of its keys.
    pub(super) fn check_key(&self, keys: Keys, name: &str, value: &Value<'_>) -> Result<(), GenesisError> {
        match find(keys, name) {
            Some(Use::Read | Use::PassedOver(_) | Use::Engine(..) | Use::OtherHash(_)) => Ok(()),
            Some(Use::Refused { but, why }) => {
                let harmless = value.is_null() || but.is_some_and(|but| value.text == but);
                if harmless { Ok(()) } else { Err(self.error(name, FieldProblem::Refused { why })) }
            }
            Some(Use::Means(meant)) => self.unknown(name, Some(meant)),
            None => self.unknown(name, closest(name, names(keys))),
        }
    }

    /// Refuses every key that is not `known`.
    pub(super) fn deny_unknown(&self, known: &[&str]) -> Result<(), GenesisError> {
        for KeyValue { name, .. } in self.entries.values() {
            if !known.iter().any(|known| known.eq_ignore_ascii_case(name)) {
                self.unknown(name, closest(name, known.iter().copied()))?;
            }
        }
        Ok(())
    }

    fn unknown(&self, name: &str, meant: Option<&str>) -> Result<(), GenesisError> {
        let problem = FieldProblem::Unknown { meant: meant.map(str::to_owned) };
        pass_over(self.strictness, self.path_to(name), problem)
    }

    /// What comes of this object when nobody knows what it is.
    pub(super) fn unknown_section(&self) -> Result<(), GenesisError> {
        pass_over(self.strictness, self.path.clone(), FieldProblem::UnknownSection)
    }

    /// What `problem` the field of that name has.
    pub(super) fn error(&self, name: &str, problem: FieldProblem) -> GenesisError {
        GenesisError::Field { field: self.path_to(name), problem }
    }

    fn value<'v>(&self, entry: &'v KeyValue<'_>) -> Value<'v> {
        Value { path: join(&self.path, &entry.name), strictness: self.strictness, text: &entry.text }
    }

    /// The path of a field: as the file spells it, or as it is asked for when it is not there.
    fn path_to(&self, name: &str) -> String {
        let entry = self.entries.get(&name.to_ascii_lowercase());
        join(&self.path, entry.map_or(name, |entry| &entry.name))
    }
}

impl<'a> Value<'a> {
    pub(super) fn error(&self, problem: FieldProblem) -> GenesisError {
        GenesisError::Field { field: self.path.clone(), problem }
    }

    pub(super) fn is_null(&self) -> bool {
        self.text == "null"
    }

    fn is_empty_string(&self) -> bool {
        self.text == "\"\""
    }

    pub(super) fn is_object(&self) -> bool {
        self.text.starts_with('{')
    }

    pub(super) fn object(&self) -> Result<Object<'a>, GenesisError> {
        let parsed = Parsed::read(self.text).map_err(|_| self.wrong_type("an object"))?;
        Object::new(self.path.clone(), self.strictness, parsed)
    }

    pub(super) fn bool(&self) -> Result<bool, GenesisError> {
        match self.text {
            "true" => Ok(true),
            "false" => Ok(false),
            _ => Err(self.wrong_type("true or false")),
        }
    }

    pub(super) fn u64(&self) -> Result<u64, GenesisError> {
        let value = self.number(64)?;
        u64::try_from(value).map_err(|_| self.too_large(64))
    }

    /// As [`u64`](Self::u64), and `""` is 0. geth reads numbers so at the top of the file and in
    /// accounts, but not in `config`, where it would switch on a fork or a setting in silence.
    pub(super) fn u64_or_empty(&self) -> Result<u64, GenesisError> {
        if self.is_empty_string() { Ok(0) } else { self.u64() }
    }

    pub(super) fn u256(&self) -> Result<U256, GenesisError> {
        self.number(256)
    }

    /// As [`u64_or_empty`](Self::u64_or_empty), of 256 bits.
    pub(super) fn u256_or_empty(&self) -> Result<U256, GenesisError> {
        if self.is_empty_string() { Ok(U256::ZERO) } else { self.u256() }
    }

    /// Exactly `N` bytes of hex.
    fn fixed<const N: usize>(&self) -> Result<[u8; N], GenesisError> {
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
        if digits.is_empty() || !digits.chars().all(|digit| digit.is_digit(radix)) {
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

/// What comes of a key that is not known.
fn pass_over(strictness: Strictness, field: String, problem: FieldProblem) -> Result<(), GenesisError> {
    match strictness {
        Strictness::Strict => Err(GenesisError::Field { field, problem }),
        Strictness::Lenient => {
            tracing::warn!(key = field, "genesis key not known, passed over");
            Ok(())
        }
    }
}

impl<'a> Parsed<'a> {
    fn read(text: &'a str) -> serde_json::Result<Self> {
        let mut json = serde_json::Deserializer::from_str(text);
        let parsed = json.deserialize_map(ParsedVisitor)?;
        json.end().map(|()| parsed)
    }
}

struct ParsedVisitor;

impl<'de> Visitor<'de> for ParsedVisitor {
    type Value = Parsed<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Parsed<'de>, M::Error> {
        let mut parsed = Parsed::default();
        while let Some((name, value)) = map.next_entry::<String, &'de RawValue>()? {
            let (key, text) = (name.to_ascii_lowercase(), Cow::Borrowed(value.get()));
            if let Some(first) = parsed.entries.insert(key, KeyValue { name: name.clone(), text }) {
                parsed.twice = parsed.twice.or(Some((name, first.name)));
            }
        }
        Ok(parsed)
    }
}

/// `bytes` as a word of 32, with zeros in front; `None` when there are more.
pub(super) fn word(bytes: &[u8]) -> Option<B256> {
    (bytes.len() <= B256::len_bytes()).then(|| B256::left_padding_from(bytes))
}

/// The beginning of what the file says, for an error.
pub(super) fn shorten(text: &str) -> String {
    let mut shown: String = text.chars().take(SHOWN_CHARS).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    shown
}

fn join(path: &str, name: &str) -> String {
    let name = shorten(name);
    if path.is_empty() { name } else { format!("{path}.{name}") }
}
