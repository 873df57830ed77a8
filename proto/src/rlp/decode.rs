//! Reading.

use alloy_primitives::{Address, B256, FixedBytes, U256};
use rlp::{DecoderError, PayloadInfo};

use crate::error::{DecodeError, DecodeErrorKind};

/// How deep lists may lie in each other. Blocks need 4 (block, transactions, transaction, and a
/// list in a foreign transaction); the rest is for fields that later forks add.
pub const MAX_DEPTH: usize = 16;

/// The two sorts of items that RLP has.
///
/// Closed on purpose: RLP has no third.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ItemKind {
    /// A byte string.
    String,
    /// A list of items.
    List,
}

/// One item, with its length prefix checked. What lies inside a list is checked as it is walked.
#[derive(Clone, Copy, Debug)]
pub struct Item<'a> {
    kind: ItemKind,
    raw: &'a [u8],
    payload: &'a [u8],
}

impl<'a> Item<'a> {
    /// The item that fills `bytes` exactly.
    ///
    /// # Errors
    /// A bad length prefix, or bytes after the item.
    #[inline]
    pub fn decode(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        let (item, rest) = Self::split_first(bytes)?;
        if rest.is_empty() {
            Ok(item)
        } else {
            Err(DecodeErrorKind::TrailingBytes { count: rest.len() }.into())
        }
    }

    /// The first item in `bytes`, and what follows it.
    ///
    /// # Errors
    /// A bad length prefix, or an item that reaches beyond `bytes`.
    #[inline]
    pub fn split_first(bytes: &'a [u8]) -> Result<(Self, &'a [u8]), DecodeError> {
        let info = PayloadInfo::from(bytes).map_err(|error| bad_prefix(&error, bytes))?;
        let total = info
            .header_len
            .checked_add(info.value_len)
            .ok_or_else(|| DecodeError::new(DecodeErrorKind::BadLength))?;
        let (raw, rest) = bytes.split_at_checked(total).ok_or_else(|| {
            DecodeError::new(DecodeErrorKind::Truncated { needed: total, available: bytes.len() })
        })?;
        let (prefix, payload) = raw.split_at(info.header_len);
        let kind = match raw.first() {
            Some(0xc0..) => ItemKind::List,
            Some(_) | None => ItemKind::String,
        };
        if let (&[0x81], &[0x00..=0x7f]) = (prefix, payload) {
            return Err(DecodeErrorKind::NonCanonicalByte.into());
        }
        Ok((Self { kind, raw, payload }, rest))
    }

    /// Whether the item is a byte string or a list.
    #[must_use]
    pub fn kind(&self) -> ItemKind {
        self.kind
    }

    /// The item's bytes with its length prefix.
    #[must_use]
    pub fn raw(&self) -> &'a [u8] {
        self.raw
    }

    /// The item's bytes without its length prefix.
    #[must_use]
    pub fn payload(&self) -> &'a [u8] {
        self.payload
    }

    /// The item as a list.
    ///
    /// # Errors
    /// It is a byte string.
    #[inline]
    pub fn list(&self) -> Result<List<'a>, DecodeError> {
        match self.kind {
            ItemKind::List => Ok(List { rest: self.payload }),
            ItemKind::String => Err(DecodeErrorKind::ExpectedList.into()),
        }
    }

    /// The item as a byte string.
    ///
    /// # Errors
    /// It is a list.
    #[inline]
    pub fn string(&self) -> Result<&'a [u8], DecodeError> {
        match self.kind {
            ItemKind::String => Ok(self.payload),
            ItemKind::List => Err(DecodeErrorKind::ExpectedString.into()),
        }
    }

    /// The item as exactly `N` bytes.
    ///
    /// # Errors
    /// A list, or another length.
    #[inline]
    pub fn fixed<const N: usize>(&self) -> Result<FixedBytes<N>, DecodeError> {
        let bytes = self.string()?;
        FixedBytes::try_from(bytes)
            .map_err(|_| DecodeErrorKind::WrongLength { expected: N, found: bytes.len() }.into())
    }

    /// The item as an unsigned integer.
    ///
    /// # Errors
    /// A list, a leading zero, or more than 8 bytes.
    #[inline]
    pub fn u64(&self) -> Result<u64, DecodeError> {
        let bytes = self.integer(size_of::<u64>())?;
        Ok(bytes.iter().fold(0, |value, byte| value << 8 | u64::from(*byte)))
    }

    /// The item as an unsigned integer.
    ///
    /// # Errors
    /// A list, a leading zero, or more than 16 bytes.
    pub fn u128(&self) -> Result<u128, DecodeError> {
        let bytes = self.integer(size_of::<u128>())?;
        Ok(bytes.iter().fold(0, |value, byte| value << 8 | u128::from(*byte)))
    }

    /// The item as an unsigned integer.
    ///
    /// # Errors
    /// A list, a leading zero, or more than 32 bytes.
    #[inline]
    pub fn u256(&self) -> Result<U256, DecodeError> {
        Ok(U256::from_be_slice(self.integer(U256::BYTES)?))
    }

    /// The item as a truth value: 1 or 0.
    ///
    /// # Errors
    /// A list or any other value.
    pub fn bool(&self) -> Result<bool, DecodeError> {
        match self.string()? {
            [] => Ok(false),
            [1] => Ok(true),
            _ => Err(DecodeErrorKind::NotBool.into()),
        }
    }

    /// Walks everything inside the item: every nested item is canonical, covers its list exactly,
    /// and lies no more than [`MAX_DEPTH`] lists deep.
    ///
    /// # Errors
    /// The first item that is not so.
    pub fn check_canonical(&self) -> Result<(), DecodeError> {
        match self.kind {
            ItemKind::String => Ok(()),
            ItemKind::List => check_items(self.payload, 1),
        }
    }

    #[inline]
    fn integer(&self, limit: usize) -> Result<&'a [u8], DecodeError> {
        let bytes = self.string()?;
        if bytes.first() == Some(&0) {
            return Err(DecodeErrorKind::LeadingZero.into());
        }
        if bytes.len() > limit {
            return Err(DecodeErrorKind::IntegerTooLarge { limit, found: bytes.len() }.into());
        }
        Ok(bytes)
    }
}

fn check_items(mut rest: &[u8], depth: usize) -> Result<(), DecodeError> {
    if depth > MAX_DEPTH {
        return Err(DecodeErrorKind::TooDeep { limit: MAX_DEPTH }.into());
    }
    while !rest.is_empty() {
        let (item, after) = Item::split_first(rest)?;
        if item.kind == ItemKind::List {
            check_items(item.payload, depth + 1)?;
        }
        rest = after;
    }
    Ok(())
}

#[cold]
fn bad_prefix(error: &DecoderError, bytes: &[u8]) -> DecodeError {
    let kind = match error {
        DecoderError::RlpIsTooShort if bytes.is_empty() => {
            DecodeErrorKind::Truncated { needed: 1, available: 0 }
        }
        DecoderError::RlpDataLenWithZeroPrefix | DecoderError::RlpInvalidIndirection => {
            DecodeErrorKind::NonCanonicalLength
        }
        DecoderError::RlpIsTooShort
        | DecoderError::RlpIsTooBig
        | DecoderError::RlpExpectedToBeList
        | DecoderError::RlpExpectedToBeData
        | DecoderError::RlpIncorrectListLen
        | DecoderError::RlpListLenWithZeroPrefix
        | DecoderError::RlpInvalidLength
        | DecoderError::RlpInconsistentLengthAndData
        | DecoderError::Custom(_) => DecodeErrorKind::BadLength,
    };
    kind.into()
}

/// The items of a list that are still to be read. Every reader names the field it reads, so that
/// an error can.
#[derive(Clone, Copy, Debug)]
#[must_use = "a list is only checked as far as it is read; end with `finish`"]
pub struct List<'a> {
    rest: &'a [u8],
}

impl<'a> List<'a> {
    /// The list that fills `bytes` exactly.
    ///
    /// # Errors
    /// A bad length prefix, a byte string, or bytes after the list.
    #[inline]
    pub fn decode(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        Item::decode(bytes)?.list()
    }

    /// The list whose items `payload` is, without a length prefix.
    pub fn from_payload(payload: &'a [u8]) -> Self {
        Self { rest: payload }
    }

    /// Whether all has been read.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// The bytes not read yet.
    #[must_use]
    pub fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// Ends a list of fixed fields.
    ///
    /// # Errors
    /// Items are left.
    #[inline]
    pub fn finish(self) -> Result<(), DecodeError> {
        if self.rest.is_empty() {
            Ok(())
        } else {
            Err(DecodeErrorKind::ExcessItems { count: self.rest.len() }.into())
        }
    }

    /// The next entry of a list of any length, `None` at its end. The caller adds the index to
    /// what it finds wrong inside.
    ///
    /// # Errors
    /// A bad length prefix.
    #[inline]
    pub fn next_item(&mut self) -> Result<Option<Item<'a>>, DecodeError> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let (item, rest) = Item::split_first(self.rest)?;
        self.rest = rest;
        Ok(Some(item))
    }

    /// The next field, of whatever kind.
    ///
    /// # Errors
    /// The list has ended, or the length prefix is bad.
    #[inline]
    pub fn item(&mut self, field: &'static str) -> Result<Item<'a>, DecodeError> {
        match self.next_item() {
            Ok(Some(item)) => Ok(item),
            Ok(None) => Err(DecodeError::new(DecodeErrorKind::Missing).within(field)),
            Err(error) => Err(error.within(field)),
        }
    }

    /// The next field as a list.
    ///
    /// # Errors
    /// As [`List::item`], and when it is a byte string.
    pub fn list(&mut self, field: &'static str) -> Result<List<'a>, DecodeError> {
        self.field(field, |item| item.list())
    }

    /// The next field as a byte string.
    ///
    /// # Errors
    /// As [`List::item`], and when it is a list.
    #[inline]
    pub fn string(&mut self, field: &'static str) -> Result<&'a [u8], DecodeError> {
        self.field(field, |item| item.string())
    }

    /// The next field as exactly `N` bytes.
    ///
    /// # Errors
    /// As [`List::item`] and [`Item::fixed`].
    #[inline]
    pub fn fixed<const N: usize>(&mut self, field: &'static str) -> Result<FixedBytes<N>, DecodeError> {
        self.field(field, |item| item.fixed())
    }

    /// The next field as a hash.
    ///
    /// # Errors
    /// As [`List::item`] and [`Item::fixed`].
    #[inline]
    pub fn hash(&mut self, field: &'static str) -> Result<B256, DecodeError> {
        self.fixed(field)
    }

    /// The next field as an address.
    ///
    /// # Errors
    /// As [`List::item`] and [`Item::fixed`].
    #[inline]
    pub fn address(&mut self, field: &'static str) -> Result<Address, DecodeError> {
        self.fixed(field).map(Address)
    }

    /// The next field as an unsigned integer.
    ///
    /// # Errors
    /// As [`List::item`] and [`Item::u64`].
    #[inline]
    pub fn u64(&mut self, field: &'static str) -> Result<u64, DecodeError> {
        self.field(field, |item| item.u64())
    }

    /// The next field as an unsigned integer.
    ///
    /// # Errors
    /// As [`List::item`] and [`Item::u128`].
    pub fn u128(&mut self, field: &'static str) -> Result<u128, DecodeError> {
        self.field(field, |item| item.u128())
    }

    /// The next field as an unsigned integer.
    ///
    /// # Errors
    /// As [`List::item`] and [`Item::u256`].
    #[inline]
    pub fn u256(&mut self, field: &'static str) -> Result<U256, DecodeError> {
        self.field(field, |item| item.u256())
    }

    /// The next field as a truth value.
    ///
    /// # Errors
    /// As [`List::item`] and [`Item::bool`].
    pub fn bool(&mut self, field: &'static str) -> Result<bool, DecodeError> {
        self.field(field, |item| item.bool())
    }

    /// What `read` makes of this list when it has not ended: a field that later forks added.
    #[inline]
    pub(crate) fn optional<T>(
        &mut self,
        field: &'static str,
        read: impl FnOnce(&mut Self, &'static str) -> Result<T, DecodeError>,
    ) -> Result<Option<T>, DecodeError> {
        if self.is_empty() { Ok(None) } else { read(self, field).map(Some) }
    }

    #[inline]
    fn field<T>(
        &mut self,
        field: &'static str,
        read: impl FnOnce(Item<'a>) -> Result<T, DecodeError>,
    ) -> Result<T, DecodeError> {
        read(self.item(field)?).map_err(|error| error.within(field))
    }
}
