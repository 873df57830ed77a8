//! Block bodies.

use core::fmt;
use std::sync::{Arc, LazyLock};

use alloy_primitives::{B256, Bytes};

use crate::error::{DecodeError, DecodeErrorKind};
use crate::header::Header;
use crate::keccak::keccak256;
use crate::memory;
use crate::rlp::{self, EMPTY_LIST, List, ListEncoder};
use crate::roots::{EMPTY_ROOT, EMPTY_UNCLES_HASH, ordered_root};
use crate::transaction::{self, Transaction};
use crate::withdrawal::Withdrawal;

/// A block body: the bytes that arrived, and what they commit to, computed once.
///
/// A clone is a reference count.
#[derive(Clone)]
pub struct Body(Arc<BodyInner>);

struct BodyInner {
    /// The lists of transactions, uncles and withdrawals one after the other, each with its own
    /// length prefix: the part that a body and a whole block have in common.
    lists: Bytes,
    /// Where each transaction starts in `lists`.
    transactions: Box<[usize]>,
    uncles: Box<[Header]>,
    withdrawals: Option<Box<[Withdrawal]>>,
    commitment: BodyCommitment,
}

/// What a header says of its body, and a body computes of itself.
///
/// Closed on purpose: whoever makes or compares one must see every part, or a body passes whose
/// other part is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct BodyCommitment {
    /// Root of the trie of transactions.
    pub transactions_root: B256,
    /// Keccak-256 of the encoded list of uncles.
    pub uncles_hash: B256,
    /// Root of the trie of withdrawals; `None` before Shanghai.
    pub withdrawals_root: Option<B256>,
}

/// Most transactions, and most withdrawals, of a body. The smallest signed transfer takes some
/// 100 bytes, so that a frame of 10 MiB holds fewer. Without a limit the same frame could hold 3
/// million transactions of three bytes, and cost us a second for the root of their trie.
pub const BODY_ENTRIES_MAX: usize = 131_072;

impl BodyCommitment {
    /// That of an empty body before Shanghai.
    pub const EMPTY: Self =
        Self { transactions_root: EMPTY_ROOT, uncles_hash: EMPTY_UNCLES_HASH, withdrawals_root: None };

    /// That of an empty body from Shanghai on.
    pub const EMPTY_WITH_WITHDRAWALS: Self = Self { withdrawals_root: Some(EMPTY_ROOT), ..Self::EMPTY };
}

static EMPTY: LazyLock<Body> = LazyLock::new(|| Body::new(Vec::new(), Vec::new(), None));
static EMPTY_WITH_WITHDRAWALS: LazyLock<Body> =
    LazyLock::new(|| Body::new(Vec::new(), Vec::new(), Some(Vec::new())));

impl Body {
    /// Reads `[transactions, uncles]` or `[transactions, uncles, withdrawals]` that fills `bytes`
    /// exactly. The bytes are copied; hashes and roots are taken from them.
    ///
    /// # Errors
    /// Anything that is not one canonical encoding of a body; the error names the field.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        Self::decode_lists(List::decode(bytes)?)
    }

    /// Reads what is left of `lists`: a body's lists without the prefix around them.
    pub(crate) fn decode_lists(mut lists: List<'_>) -> Result<Self, DecodeError> {
        let bytes = lists.rest();
        let transactions_item = lists.item("transactions")?;
        let transactions_list = transactions_item.list().map_err(|error| error.within("transactions"))?;
        let start = transactions_item.raw().len() - transactions_item.payload().len();
        let (transactions, transactions_root) =
            read_transactions(transactions_list, start).map_err(|error| error.within("transactions"))?;

        let uncles_item = lists.item("uncles")?;
        let uncles_list = uncles_item.list().map_err(|error| error.within("uncles"))?;
        let uncles = read_uncles(uncles_list).map_err(|error| error.within("uncles"))?;

        let withdrawals = lists.optional("withdrawals", List::list)?;
        lists.finish()?;
        let withdrawals =
            withdrawals.map(read_withdrawals).transpose().map_err(|error| error.within("withdrawals"))?;
        let (withdrawals, withdrawals_root) = withdrawals.unzip();

        let commitment = BodyCommitment {
            transactions_root,
            uncles_hash: uncles_hash(uncles_item.raw()),
            withdrawals_root,
        };
        let lists = Bytes::copy_from_slice(bytes);
        Ok(Self(Arc::new(BodyInner { lists, transactions, uncles, withdrawals, commitment })))
    }

    /// Encodes a body made here.
    #[must_use]
    pub fn new(
        transactions: Vec<Transaction>,
        uncles: Vec<Header>,
        withdrawals: Option<Vec<Withdrawal>>,
    ) -> Self {
        let payload: usize = transactions.iter().map(Transaction::item_len).sum();
        let mut list = ListEncoder::with_capacity(payload + 16);
        let mut starts = Vec::with_capacity(transactions.len());
        let mut start = rlp::list_header_len(payload);
        for transaction in &transactions {
            transaction.append_to(&mut list);
            starts.push(start);
            start += transaction.item_len();
        }
        let mut lists = list.finish();
        let values: Vec<&[u8]> = transactions.iter().map(Transaction::raw).collect();
        let transactions_root = ordered_root(&values);

        let mut list = ListEncoder::new();
        for uncle in &uncles {
            list.raw(uncle.raw());
        }
        let encoded_uncles = list.finish();
        lists.extend_from_slice(&encoded_uncles);

        let withdrawals_root = withdrawals.as_ref().map(|withdrawals| {
            let values: Vec<Vec<u8>> = withdrawals.iter().map(Withdrawal::encode).collect();
            rlp::append_list_header(&mut lists, values.iter().map(Vec::len).sum());
            lists.extend(values.iter().flatten());
            let values: Vec<&[u8]> = values.iter().map(Vec::as_slice).collect();
            ordered_root(&values)
        });

        let commitment =
            BodyCommitment { transactions_root, uncles_hash: uncles_hash(&encoded_uncles), withdrawals_root };
        Self(Arc::new(BodyInner {
            lists: Bytes::copy_from_slice(&lists),
            transactions: starts.into_boxed_slice(),
            uncles: uncles.into_boxed_slice(),
            withdrawals: withdrawals.map(Vec::into_boxed_slice),
            commitment,
        }))
    }

    /// The empty body that `commitment` stands for, `None` when it stands for another.
    #[must_use]
    pub fn empty_for(commitment: &BodyCommitment) -> Option<Self> {
        if *commitment == BodyCommitment::EMPTY {
            Some(EMPTY.clone())
        } else if *commitment == BodyCommitment::EMPTY_WITH_WITHDRAWALS {
            Some(EMPTY_WITH_WITHDRAWALS.clone())
        } else {
            None
        }
    }

    /// The transactions in order. Each shares the body's bytes.
    pub fn transactions(&self) -> impl ExactSizeIterator<Item = Transaction> + DoubleEndedIterator + '_ {
        self.raw_transactions().map(|bytes| Transaction::from_checked(self.0.lists.slice_ref(bytes)))
    }

    /// The bare bytes of the transactions in order.
    pub fn raw_transactions(&self) -> impl ExactSizeIterator<Item = &[u8]> + DoubleEndedIterator + '_ {
        self.0.transactions.iter().map(|start| self.raw_transaction_from(*start))
    }

    /// The transaction at `index`.
    #[must_use]
    pub fn transaction(&self, index: usize) -> Option<Transaction> {
        let start = *self.0.transactions.get(index)?;
        Some(Transaction::from_checked(self.0.lists.slice_ref(self.raw_transaction_from(start))))
    }

    /// The uncles' headers.
    #[must_use]
    pub fn uncles(&self) -> &[Header] {
        &self.0.uncles
    }

    /// The withdrawals; `None` before Shanghai.
    #[must_use]
    pub fn withdrawals(&self) -> Option<&[Withdrawal]> {
        self.0.withdrawals.as_deref()
    }

    /// What this body commits to, computed when it was decoded.
    #[must_use]
    pub fn commitment(&self) -> BodyCommitment {
        self.0.commitment
    }

    /// Whether the body has no transactions, no uncles and no withdrawals.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.transactions.is_empty()
            && self.0.uncles.is_empty()
            && self.withdrawals().is_none_or(<[Withdrawal]>::is_empty)
    }

    /// The encoding: the bytes that arrived.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.encoded_len());
        self.encode_into(&mut out);
        out
    }

    /// Appends the encoding to `out`.
    pub fn encode_into(&self, out: &mut Vec<u8>) {
        rlp::append_list_header(out, self.0.lists.len());
        out.extend_from_slice(&self.0.lists);
    }

    /// Bytes of the encoding.
    #[must_use]
    pub fn encoded_len(&self) -> usize {
        rlp::list_header_len(self.0.lists.len()) + self.0.lists.len()
    }

    /// The lists of transactions, uncles and withdrawals, encoded one after the other: what
    /// follows the header in a block.
    #[must_use]
    pub fn raw_lists(&self) -> &[u8] {
        &self.0.lists
    }

    /// Bytes of heap that this body keeps in use.
    #[must_use]
    pub fn retained_bytes(&self) -> usize {
        let uncles: usize = self.uncles().iter().map(Header::retained_bytes).sum();
        memory::arc::<BodyInner>()
            + memory::shared_bytes(self.raw_lists())
            + size_of_val::<[usize]>(&self.0.transactions)
            + size_of_val(self.uncles())
            + uncles
            + self.withdrawals().map_or(0, size_of_val)
    }

    fn raw_transaction_from(&self, start: usize) -> &[u8] {
        let bytes = self.0.lists.get(start..).unwrap_or_default();
        let (item, _) = rlp::Item::split_first(bytes).expect("walked when the body was made");
        transaction::bare(&item)
    }
}

/// Bodies are equal when their encodings are.
impl PartialEq for Body {
    fn eq(&self, other: &Self) -> bool {
        self.raw_lists() == other.raw_lists()
    }
}

impl Eq for Body {}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Body")
            .field("transactions", &self.0.transactions.len())
            .field("uncles", &self.uncles().len())
            .field("withdrawals", &self.withdrawals().map(<[Withdrawal]>::len))
            .field("bytes", &self.raw_lists().len())
            .finish_non_exhaustive()
    }
}

/// Where each transaction starts, the list's first at `start`, and the root of their trie.
fn read_transactions(mut list: List<'_>, start: usize) -> Result<(Box<[usize]>, B256), DecodeError> {
    let end = start + list.rest().len();
    let mut starts = Vec::new();
    let mut values = Vec::new();
    loop {
        let at = end - list.rest().len();
        let index = starts.len();
        let item = list.next_item().map_err(|error| error.at(index))?;
        let Some(item) = item else { break };
        if index == BODY_ENTRIES_MAX {
            return Err(DecodeErrorKind::TooMany { limit: BODY_ENTRIES_MAX }.into());
        }
        transaction::check_item(&item).map_err(|error| error.at(index))?;
        values.push(transaction::bare(&item));
        starts.push(at);
    }
    Ok((starts.into_boxed_slice(), ordered_root(&values)))
}

fn read_uncles(mut list: List<'_>) -> Result<Box<[Header]>, DecodeError> {
    let mut uncles = Vec::new();
    loop {
        let index = uncles.len();
        let item = list.next_item().map_err(|error| error.at(index))?;
        let Some(item) = item else { break };
        uncles.push(Header::decode(item.raw()).map_err(|error| error.at(index))?);
    }
    Ok(uncles.into_boxed_slice())
}

fn uncles_hash(encoded: &[u8]) -> B256 {
    if encoded == [EMPTY_LIST] { EMPTY_UNCLES_HASH } else { keccak256(encoded) }
}

fn read_withdrawals(mut list: List<'_>) -> Result<(Box<[Withdrawal]>, B256), DecodeError> {
    let mut withdrawals = Vec::new();
    let mut values = Vec::new();
    loop {
        let index = withdrawals.len();
        let item = list.next_item().map_err(|error| error.at(index))?;
        let Some(item) = item else { break };
        if index == BODY_ENTRIES_MAX {
            return Err(DecodeErrorKind::TooMany { limit: BODY_ENTRIES_MAX }.into());
        }
        withdrawals.push(Withdrawal::decode(&item).map_err(|error| error.at(index))?);
        values.push(item.raw());
    }
    Ok((withdrawals.into_boxed_slice(), ordered_root(&values)))
}
