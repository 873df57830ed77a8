//! Block headers of every fork.

use core::fmt;
use core::ops::Deref;
use std::sync::Arc;

use alloy_primitives::{Address, B64, B256, Bloom, Bytes, U256};
use thiserror::Error;

use crate::body::BodyCommitment;
use crate::error::DecodeError;
use crate::keccak::keccak256;
use crate::memory;
use crate::rlp::{List, ListEncoder};

/// A block header: the bytes that arrived, their hash, and their fields.
///
/// A clone is a reference count. The fields are reached by dereference: `header.gas_limit`.
#[derive(Clone)]
pub struct Header(Arc<HeaderInner>);

struct HeaderInner {
    hash: B256,
    raw: Bytes,
    fields: HeaderFields,
}

/// The fields of a header, in the order of their encoding.
///
/// Those from `base_fee` on came one by one with later forks: each is there only if all before it
/// are. Open to literals on purpose (`..HeaderFields::default()`): fields of later forks are in
/// `further_fields` until a new version names them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HeaderFields {
    /// Hash of the parent's header.
    pub parent_hash: B256,
    /// Keccak-256 of the encoded list of uncles.
    pub uncles_hash: B256,
    /// Who receives the fees and, before the Merge, the reward (geth: `coinbase`). In Clique the
    /// signer that is voted on.
    pub beneficiary: Address,
    /// Root of the state after this block.
    pub state_root: B256,
    /// Root of the trie of the block's transactions.
    pub transactions_root: B256,
    /// Root of the trie of their receipts.
    pub receipts_root: B256,
    /// Bloom filter over the logs of those receipts.
    pub logs_bloom: Bloom,
    /// Difficulty of this block; 0 after the Merge.
    pub difficulty: U256,
    /// Height above genesis.
    pub number: u64,
    /// Most gas that this block may use.
    pub gas_limit: u64,
    /// Gas that it uses.
    pub gas_used: u64,
    /// Seconds since 1970.
    pub timestamp: u64,
    /// Free bytes; in Clique vanity, signers and seal.
    pub extra_data: Bytes,
    /// Proof of work's mix digest; after the Merge the beacon chain's randomness.
    pub mix_hash: B256,
    /// Proof of work's nonce; in Clique the vote.
    pub nonce: B64,
    /// Base fee per gas in wei (London, EIP-1559).
    pub base_fee: Option<u64>,
    /// Root of the trie of withdrawals (Shanghai, EIP-4895).
    pub withdrawals_root: Option<B256>,
    /// Blob gas that the block uses (Cancun, EIP-4844).
    pub blob_gas_used: Option<u64>,
    /// Running excess of blob gas (Cancun, EIP-4844).
    pub excess_blob_gas: Option<u64>,
    /// Root of the parent beacon block (Cancun, EIP-4788).
    pub parent_beacon_root: Option<B256>,
    /// Hash of the execution layer's requests (Prague, EIP-7685).
    pub requests_hash: Option<B256>,
    /// The encoded items of forks not known here, one after the other; empty when there are none.
    pub further_fields: Bytes,
}

/// Header fields that no encoding has.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum HeaderFieldsError {
    /// Optional fields are there by position, so none can be left out before another.
    #[error("`{present}` is set although `{missing}` before it is not; set that too")]
    Gap {
        /// The first field that is not set.
        missing: &'static str,
        /// A later field that is.
        present: &'static str,
    },
    /// `further_fields` is no sequence of canonical RLP items.
    #[error("the further fields are not canonical RLP")]
    FurtherFields(#[source] DecodeError),
}

impl Header {
    /// Reads a header that fills `bytes` exactly. The bytes are copied; the hash is taken from
    /// them.
    ///
    /// # Errors
    /// Anything that is not one canonical encoding of a header; the error names the field.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        // The length prefix is looked at before anything is copied.
        let mut list = List::decode(bytes)?;
        let raw = Bytes::copy_from_slice(bytes);
        // The same list in our own copy, so that the fields are slices of that.
        let start = bytes.len() - list.rest().len();
        list = List::from_payload(raw.get(start..).unwrap_or_default());
        let fields = HeaderFields::decode(list, &raw)?;
        Ok(Self(Arc::new(HeaderInner { hash: keccak256(&raw), raw, fields })))
    }

    /// Encodes and hashes a header made here.
    ///
    /// # Errors
    /// Fields that no encoding has, see [`HeaderFieldsError`].
    pub fn new(mut fields: HeaderFields) -> Result<Self, HeaderFieldsError> {
        fields.check()?;
        let raw = Bytes::copy_from_slice(&fields.encode());
        // Never keep more alive than the fields themselves: a caller's slice may pin a buffer.
        fields.extra_data = Bytes::copy_from_slice(&fields.extra_data);
        fields.further_fields = Bytes::copy_from_slice(&fields.further_fields);
        Ok(Self(Arc::new(HeaderInner { hash: keccak256(&raw), raw, fields })))
    }

    /// The block's identity: Keccak-256 of [`Header::raw`].
    #[must_use]
    pub fn hash(&self) -> B256 {
        self.0.hash
    }

    /// The encoding: the bytes that arrived.
    #[must_use]
    pub fn raw(&self) -> &[u8] {
        &self.0.raw
    }

    /// The fields, as [`Deref`] gives them.
    #[must_use]
    pub fn fields(&self) -> &HeaderFields {
        &self.0.fields
    }

    /// What the body must compute to.
    #[must_use]
    pub fn body_commitment(&self) -> BodyCommitment {
        BodyCommitment {
            transactions_root: self.transactions_root,
            uncles_hash: self.uncles_hash,
            withdrawals_root: self.withdrawals_root,
        }
    }

    /// Bytes of heap that this header keeps in use.
    #[must_use]
    pub fn retained_bytes(&self) -> usize {
        memory::arc::<HeaderInner>()
            + memory::shared_bytes(self.raw())
            + memory::slice_unless_within(&self.extra_data, self.raw())
            + memory::slice_unless_within(&self.further_fields, self.raw())
    }
}

impl Deref for Header {
    type Target = HeaderFields;

    fn deref(&self) -> &HeaderFields {
        &self.0.fields
    }
}

/// Headers are equal when their hashes are.
impl PartialEq for Header {
    fn eq(&self, other: &Self) -> bool {
        self.hash() == other.hash()
    }
}

impl Eq for Header {}

impl core::hash::Hash for Header {
    fn hash<H: core::hash::Hasher>(&self, state: &mut H) {
        self.0.hash.hash(state);
    }
}

impl fmt::Debug for Header {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Header")
            .field("number", &self.number)
            .field("hash", &self.hash())
            .finish_non_exhaustive()
    }
}

impl HeaderFields {
    /// Reads the fields from `list`, which lies in `raw`; what is kept as bytes is a slice of
    /// `raw`.
    fn decode(mut list: List<'_>, raw: &Bytes) -> Result<Self, DecodeError> {
        let fields = Self {
            parent_hash: list.hash("parent_hash")?,
            uncles_hash: list.hash("uncles_hash")?,
            beneficiary: list.address("beneficiary")?,
            state_root: list.hash("state_root")?,
            transactions_root: list.hash("transactions_root")?,
            receipts_root: list.hash("receipts_root")?,
            logs_bloom: list.fixed("logs_bloom").map(Bloom)?,
            difficulty: list.u256("difficulty")?,
            number: list.u64("number")?,
            gas_limit: list.u64("gas_limit")?,
            gas_used: list.u64("gas_used")?,
            timestamp: list.u64("timestamp")?,
            extra_data: raw.slice_ref(list.string("extra_data")?),
            mix_hash: list.hash("mix_hash")?,
            nonce: list.fixed("nonce")?,
            base_fee: list.optional("base_fee", List::u64)?,
            withdrawals_root: list.optional("withdrawals_root", List::hash)?,
            blob_gas_used: list.optional("blob_gas_used", List::u64)?,
            excess_blob_gas: list.optional("excess_blob_gas", List::u64)?,
            parent_beacon_root: list.optional("parent_beacon_root", List::hash)?,
            requests_hash: list.optional("requests_hash", List::hash)?,
            further_fields: raw.slice_ref(list.rest()),
        };
        check_further(&fields.further_fields).map_err(|error| error.within("further_fields"))?;
        Ok(fields)
    }

    fn check(&self) -> Result<(), HeaderFieldsError> {
        let optional = [
            ("base_fee", self.base_fee.is_some()),
            ("withdrawals_root", self.withdrawals_root.is_some()),
            ("blob_gas_used", self.blob_gas_used.is_some()),
            ("excess_blob_gas", self.excess_blob_gas.is_some()),
            ("parent_beacon_root", self.parent_beacon_root.is_some()),
            ("requests_hash", self.requests_hash.is_some()),
            ("further_fields", !self.further_fields.is_empty()),
        ];
        let mut after_gap = optional.iter().skip_while(|(_, set)| *set);
        if let Some((missing, _)) = after_gap.next()
            && let Some((present, _)) = after_gap.find(|(_, set)| *set)
        {
            return Err(HeaderFieldsError::Gap { missing, present });
        }
        check_further(&self.further_fields).map_err(HeaderFieldsError::FurtherFields)
    }

    /// The encoding, optional fields as far as they are set.
    fn encode(&self) -> Vec<u8> {
        // Fixed fields take 15 * 33 + 256 bytes at the very most.
        let variable = self.extra_data.len() + self.further_fields.len();
        let mut list = ListEncoder::with_capacity(1024 + variable);
        list.bytes(self.parent_hash.as_slice())
            .bytes(self.uncles_hash.as_slice())
            .bytes(self.beneficiary.as_slice())
            .bytes(self.state_root.as_slice())
            .bytes(self.transactions_root.as_slice())
            .bytes(self.receipts_root.as_slice())
            .bytes(self.logs_bloom.as_slice())
            .u256(self.difficulty)
            .u64(self.number)
            .u64(self.gas_limit)
            .u64(self.gas_used)
            .u64(self.timestamp)
            .bytes(&self.extra_data)
            .bytes(self.mix_hash.as_slice())
            .bytes(self.nonce.as_slice());
        if let Some(fee) = self.base_fee {
            list.u64(fee);
        }
        if let Some(root) = &self.withdrawals_root {
            list.bytes(root.as_slice());
        }
        if let Some(gas) = self.blob_gas_used {
            list.u64(gas);
        }
        if let Some(gas) = self.excess_blob_gas {
            list.u64(gas);
        }
        if let Some(root) = &self.parent_beacon_root {
            list.bytes(root.as_slice());
        }
        if let Some(hash) = &self.requests_hash {
            list.bytes(hash.as_slice());
        }
        list.raw(&self.further_fields);
        list.finish()
    }
}

fn check_further(items: &[u8]) -> Result<(), DecodeError> {
    let mut list = List::from_payload(items);
    let mut index = 0;
    while let Some(item) = list.next_item().map_err(|error| error.at(index))? {
        item.check_canonical().map_err(|error| error.at(index))?;
        index += 1;
    }
    Ok(())
}
