//! Transactions: exact bytes, parsed on demand.

mod fields;

use core::fmt;

use alloy_primitives::{B256, Bytes};

pub use fields::{AccessListItem, Authorization, Blobs, Fees, Signature, TransactionFields};

use crate::error::{DecodeError, DecodeErrorKind};
use crate::keccak::keccak256;
use crate::rlp::{self, EMPTY_LIST, Item, ItemKind, ListEncoder};

/// A legacy transaction has nine fields, nonce to s. Chains that add some keep these.
const LEGACY_FIELDS_MIN: usize = 9;

/// A transaction as its bare bytes: a legacy transaction's list, or a typed one's type byte and
/// payload (EIP-2718). That is what is hashed, and what the transactions trie holds.
///
/// A transaction taken out of a [`Body`](crate::Body) is a slice of the body's bytes and keeps
/// them alive; [`Transaction::detach`] makes it stand alone.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Transaction(Bytes);

/// How a transaction is wrapped. Closed: EIP-2718 knows these two.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Envelope {
    /// A list, from before EIP-2718.
    Legacy,
    /// A type byte, 0x00 to 0x7f, and a payload of that type's making.
    Typed(u8),
}

impl Transaction {
    /// Takes the bare bytes of a transaction: a legacy list, or type and payload. They are copied.
    ///
    /// The payload of a typed transaction is not looked into, so that types of tomorrow pass.
    ///
    /// # Errors
    /// A list that is not canonical or has fewer than nine fields; a type above 0x7f; no payload.
    pub fn from_bare(bytes: &[u8]) -> Result<Self, DecodeError> {
        match bytes.first() {
            Some(&(EMPTY_LIST..)) => check_legacy(&Item::decode(bytes)?)?,
            Some(_) | None => check_typed(bytes)?,
        }
        Ok(Self(Bytes::copy_from_slice(bytes)))
    }

    /// Takes a transaction as it stands in a list: a legacy one as it is, a typed one as a byte
    /// string. The bytes are copied.
    ///
    /// # Errors
    /// As [`Transaction::from_bare`].
    pub fn from_item(item: &Item<'_>) -> Result<Self, DecodeError> {
        check_item(item)?;
        Ok(Self(Bytes::copy_from_slice(bare(item))))
    }

    /// `bytes` have passed [`check_item`].
    pub(crate) fn from_checked(bytes: Bytes) -> Self {
        Self(bytes)
    }

    /// The bare bytes, as they are hashed and as the trie holds them.
    #[must_use]
    pub fn raw(&self) -> &[u8] {
        &self.0
    }

    /// The transaction's identity: Keccak-256 of the bare bytes, computed on each call.
    #[must_use]
    pub fn hash(&self) -> B256 {
        keccak256(&self.0)
    }

    /// How it is wrapped.
    #[must_use]
    pub fn envelope(&self) -> Envelope {
        match self.0.first() {
            Some(&(EMPTY_LIST..)) | None => Envelope::Legacy,
            Some(&tx_type) => Envelope::Typed(tx_type),
        }
    }

    /// The EIP-2718 type; 0 for a legacy transaction.
    #[must_use]
    pub fn tx_type(&self) -> u8 {
        match self.envelope() {
            Envelope::Legacy => 0,
            Envelope::Typed(tx_type) => tx_type,
        }
    }

    /// A copy that keeps nothing but itself alive.
    #[must_use]
    pub fn detach(&self) -> Self {
        Self(Bytes::copy_from_slice(&self.0))
    }

    /// Appends the transaction as it stands in a list.
    pub(crate) fn append_to(&self, list: &mut ListEncoder) {
        match self.envelope() {
            Envelope::Legacy => list.raw(&self.0),
            Envelope::Typed(_) => list.bytes(&self.0),
        };
    }

    /// Bytes that [`Transaction::append_to`] appends.
    pub(crate) fn item_len(&self) -> usize {
        match self.envelope() {
            Envelope::Legacy => self.0.len(),
            Envelope::Typed(_) => rlp::string_len(&self.0),
        }
    }
}

impl fmt::Debug for Transaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transaction")
            .field("envelope", &self.envelope())
            .field("bytes", &self.0.len())
            .finish_non_exhaustive()
    }
}

/// The bare bytes of a transaction in a list.
pub(crate) fn bare<'a>(item: &Item<'a>) -> &'a [u8] {
    match item.kind() {
        ItemKind::List => item.raw(),
        ItemKind::String => item.payload(),
    }
}

/// Checks a transaction as it stands in a list.
pub(crate) fn check_item(item: &Item<'_>) -> Result<(), DecodeError> {
    match item.kind() {
        ItemKind::List => check_legacy(item),
        ItemKind::String => check_typed(item.payload()),
    }
}

fn check_typed(bytes: &[u8]) -> Result<(), DecodeError> {
    match bytes {
        [tx_type @ 0x80..=0xff, ..] => Err(DecodeErrorKind::BadTransactionType(*tx_type).into()),
        [] | [_] => Err(DecodeErrorKind::EmptyTransaction.into()),
        [_, _, ..] => Ok(()),
    }
}

/// The least number of fields also keeps ten bytes on the wire from costing more than that again
/// in the body's table of positions.
fn check_legacy(item: &Item<'_>) -> Result<(), DecodeError> {
    let mut list = item.list()?;
    let mut fields = 0;
    while let Some(field) = list.next_item()? {
        field.check_canonical()?;
        fields += 1;
    }
    if fields < LEGACY_FIELDS_MIN {
        return Err(DecodeErrorKind::Missing.into());
    }
    Ok(())
}
