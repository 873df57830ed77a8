//! Conversions to and from `alloy-consensus`, so that a client built on it needs no glue.
//!
//! Hashes survive: what alloy computes from the converted value is what arrived here.

use alloy_consensus as alloy;
use alloy_eips::eip2718::{Decodable2718, Eip2718Error, Encodable2718};
use alloy_eips::eip4895;
use alloy_primitives::Bytes;
use thiserror::Error;

use crate::body::Body;
use crate::error::DecodeError;
use crate::header::{Header, HeaderFields, HeaderFieldsError};
use crate::rlp::{List, ListEncoder};
use crate::transaction::Transaction;
use crate::withdrawal::Withdrawal;

/// A block that alloy's types cannot hold.
#[derive(Clone, Debug, Error)]
#[non_exhaustive]
pub enum ToAlloyError {
    /// A header has fields that alloy does not know.
    #[error("a header has fields that alloy does not know")]
    Header(#[from] DecodeError),
    /// A transaction is of a type that `T` does not know, or its fields are not as that type has
    /// them.
    #[error("transaction {index} is not one that alloy's type reads")]
    Transaction {
        /// Its index in the block.
        index: usize,
        /// What alloy says.
        #[source]
        source: Eip2718Error,
    },
}

/// A block of alloy's that has no encoding, or none that is accepted here.
#[derive(Clone, Debug, Error)]
#[non_exhaustive]
pub enum FromAlloyError {
    /// A header, the block's own or an uncle's, has no encoding.
    #[error("a header has no encoding")]
    Header(#[from] HeaderFieldsError),
    /// A transaction's encoding is refused.
    #[error("transaction {index} is refused")]
    Transaction {
        /// Its index in the block.
        index: usize,
        /// What is wrong.
        #[source]
        source: DecodeError,
    },
}

/// Fails for fields beyond those that alloy knows.
impl TryFrom<&Header> for alloy::Header {
    type Error = DecodeError;

    fn try_from(header: &Header) -> Result<Self, DecodeError> {
        let mut further = List::from_payload(&header.further_fields);
        let block_access_list_hash = further.optional("block_access_list_hash", List::hash)?;
        let slot_number = further.optional("slot_number", List::u64)?;
        further.finish().map_err(|error| error.within("further_fields"))?;
        Ok(Self {
            parent_hash: header.parent_hash,
            ommers_hash: header.uncles_hash,
            beneficiary: header.beneficiary,
            state_root: header.state_root,
            transactions_root: header.transactions_root,
            receipts_root: header.receipts_root,
            logs_bloom: header.logs_bloom,
            difficulty: header.difficulty,
            number: header.number,
            gas_limit: header.gas_limit,
            gas_used: header.gas_used,
            timestamp: header.timestamp,
            // A slice of our bytes would keep the whole header alive.
            extra_data: Bytes::copy_from_slice(&header.extra_data),
            mix_hash: header.mix_hash,
            nonce: header.nonce,
            base_fee_per_gas: header.base_fee,
            withdrawals_root: header.withdrawals_root,
            blob_gas_used: header.blob_gas_used,
            excess_blob_gas: header.excess_blob_gas,
            parent_beacon_block_root: header.parent_beacon_root,
            requests_hash: header.requests_hash,
            block_access_list_hash,
            slot_number,
        })
    }
}

/// Fails when a later optional field is set and an earlier one is not.
impl TryFrom<&alloy::Header> for Header {
    type Error = HeaderFieldsError;

    fn try_from(header: &alloy::Header) -> Result<Self, HeaderFieldsError> {
        Self::new(HeaderFields {
            parent_hash: header.parent_hash,
            uncles_hash: header.ommers_hash,
            beneficiary: header.beneficiary,
            state_root: header.state_root,
            transactions_root: header.transactions_root,
            receipts_root: header.receipts_root,
            logs_bloom: header.logs_bloom,
            difficulty: header.difficulty,
            number: header.number,
            gas_limit: header.gas_limit,
            gas_used: header.gas_used,
            timestamp: header.timestamp,
            extra_data: header.extra_data.clone(),
            mix_hash: header.mix_hash,
            nonce: header.nonce,
            base_fee: header.base_fee_per_gas,
            withdrawals_root: header.withdrawals_root,
            blob_gas_used: header.blob_gas_used,
            excess_blob_gas: header.excess_blob_gas,
            parent_beacon_root: header.parent_beacon_block_root,
            requests_hash: header.requests_hash,
            further_fields: further_fields(header)?,
        })
    }
}

/// The fields that alloy knows and [`HeaderFields`] does not name.
fn further_fields(header: &alloy::Header) -> Result<Bytes, HeaderFieldsError> {
    let mut list = ListEncoder::new();
    match (&header.block_access_list_hash, header.slot_number) {
        (None, None) => return Ok(Bytes::new()),
        (None, Some(_)) => {
            return Err(HeaderFieldsError::Gap { missing: "block_access_list_hash", present: "slot_number" });
        }
        (Some(hash), None) => list.bytes(hash.as_slice()),
        (Some(hash), Some(slot)) => list.bytes(hash.as_slice()).u64(slot),
    };
    let encoded = list.finish();
    let items = List::decode(&encoded).map_err(HeaderFieldsError::FurtherFields)?;
    Ok(Bytes::copy_from_slice(items.rest()))
}

/// Fails when alloy's types cannot hold an uncle or a transaction.
impl<T: Decodable2718> TryFrom<&Body> for alloy::BlockBody<T> {
    type Error = ToAlloyError;

    fn try_from(body: &Body) -> Result<Self, ToAlloyError> {
        let transactions = body.raw_transactions().enumerate().map(|(index, bytes)| {
            T::decode_2718_exact(bytes).map_err(|source| ToAlloyError::Transaction { index, source })
        });
        let ommers = body.uncles().iter().map(alloy::Header::try_from);
        let withdrawals = body.withdrawals().map(|withdrawals| {
            eip4895::Withdrawals(withdrawals.iter().map(|entry| (*entry).into()).collect())
        });
        Ok(Self {
            transactions: transactions.collect::<Result<_, _>>()?,
            ommers: ommers.collect::<Result<_, _>>()?,
            withdrawals,
        })
    }
}

/// Fails when an uncle has no encoding, or a transaction none that is accepted here.
impl<T: Encodable2718> TryFrom<&alloy::BlockBody<T>> for Body {
    type Error = FromAlloyError;

    fn try_from(body: &alloy::BlockBody<T>) -> Result<Self, FromAlloyError> {
        let transactions = body.transactions.iter().enumerate().map(|(index, transaction)| {
            Transaction::from_bare(&transaction.encoded_2718())
                .map_err(|source| FromAlloyError::Transaction { index, source })
        });
        let uncles = body.ommers.iter().map(Header::try_from);
        let withdrawals = body
            .withdrawals
            .as_ref()
            .map(|withdrawals| withdrawals.iter().map(|withdrawal| Withdrawal::from(*withdrawal)).collect());
        Ok(Self::new(transactions.collect::<Result<_, _>>()?, uncles.collect::<Result<_, _>>()?, withdrawals))
    }
}

impl From<Withdrawal> for eip4895::Withdrawal {
    fn from(withdrawal: Withdrawal) -> Self {
        Self {
            index: withdrawal.index,
            validator_index: withdrawal.validator_index,
            address: withdrawal.address,
            amount: withdrawal.amount,
        }
    }
}

impl From<eip4895::Withdrawal> for Withdrawal {
    fn from(withdrawal: eip4895::Withdrawal) -> Self {
        Self {
            index: withdrawal.index,
            validator_index: withdrawal.validator_index,
            address: withdrawal.address,
            amount: withdrawal.amount,
        }
    }
}
