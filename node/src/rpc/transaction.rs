//! Transactions in the shape of the Ethereum execution API.

use alloy_primitives::{Address, B256, Bytes, U64, U128, U256};
use herald_proto::transaction::{AccessListItem, Authorization, Envelope, Fees, TransactionFields};
use herald_proto::{Block, Transaction};
use serde::Serialize;
use thiserror::Error;

use herald_chain::sender::{SenderError, recover_sender};

/// A transaction of a block that cannot be shown in full.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("transaction {index} cannot be shown: {error}; ask for the block with hashes only")]
pub(super) struct TransactionError {
    index: usize,
    error: SenderError,
}

/// A transaction with its position in a block, `TransactionInfo` in the specification.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RpcTransaction {
    block_hash: B256,
    block_number: U64,
    transaction_index: U64,
    hash: B256,
    from: Address,
    #[serde(rename = "type")]
    tx_type: U64,
    nonce: U64,
    gas: U64,
    to: Option<Address>,
    value: U256,
    input: Bytes,
    /// What a unit of gas costs in this block.
    gas_price: U256,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_priority_fee_per_gas: Option<U128>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_fee_per_gas: Option<U128>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_fee_per_blob_gas: Option<U128>,
    #[serde(skip_serializing_if = "Option::is_none")]
    blob_versioned_hashes: Option<Vec<B256>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    access_list: Option<Vec<RpcAccess>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    authorization_list: Option<Vec<RpcAuthorization>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    chain_id: Option<U64>,
    v: U128,
    r: U256,
    s: U256,
    /// Typed transactions only, and then the same as `v`.
    #[serde(skip_serializing_if = "Option::is_none")]
    y_parity: Option<U128>,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct RpcAccess {
    address: Address,
    storage_keys: Vec<B256>,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct RpcAuthorization {
    chain_id: U256,
    address: Address,
    nonce: U64,
    y_parity: U128,
    r: U256,
    s: U256,
}

impl RpcTransaction {
    /// All transactions of a block.
    pub(super) fn all_of(block: &Block) -> Result<Vec<Self>, TransactionError> {
        let each = block.body.transactions().enumerate();
        each.map(|(index, transaction)| {
            Self::new(&transaction, block, index).map_err(|error| TransactionError { index, error })
        })
        .collect()
    }

    fn new(transaction: &Transaction, block: &Block, index: usize) -> Result<Self, SenderError> {
        let from = recover_sender(transaction)?;
        let TransactionFields {
            chain_id,
            nonce,
            fees,
            gas_limit,
            to,
            value,
            input,
            access_list,
            blobs,
            authorizations,
            signature,
        } = transaction.parse()?;
        let (tip, cap) = match fees {
            Fees::GasPrice(_) => (None, None),
            Fees::Dynamic { max_priority_fee, max_fee } => {
                (Some(U128::from(max_priority_fee)), Some(U128::from(max_fee)))
            }
        };
        let (blob_fee, blob_hashes) =
            blobs.map(|blobs| (U128::from(blobs.max_fee_per_blob_gas), blobs.versioned_hashes)).unzip();
        Ok(Self {
            block_hash: block.hash(),
            block_number: U64::from(block.number()),
            transaction_index: U64::from(index),
            hash: transaction.hash(),
            from,
            tx_type: U64::from(transaction.tx_type()),
            nonce: U64::from(nonce),
            gas: U64::from(gas_limit),
            to,
            value,
            input: Bytes::copy_from_slice(input),
            gas_price: price(&fees, block.header.base_fee),
            max_priority_fee_per_gas: tip,
            max_fee_per_gas: cap,
            max_fee_per_blob_gas: blob_fee,
            blob_versioned_hashes: blob_hashes,
            access_list: access_list.map(|list| list.into_iter().map(RpcAccess::from).collect()),
            authorization_list: authorizations
                .map(|list| list.into_iter().map(RpcAuthorization::from).collect()),
            chain_id: chain_id.map(U64::from),
            v: U128::from(signature.v),
            r: signature.r,
            s: signature.s,
            y_parity: match transaction.envelope() {
                Envelope::Legacy => None,
                Envelope::Typed(_) => Some(U128::from(signature.v)),
            },
        })
    }
}

/// What a unit of gas costs: the fixed price, or base fee and tip up to the cap.
fn price(fees: &Fees, base_fee: Option<u64>) -> U256 {
    U256::from(match *fees {
        Fees::GasPrice(price) => price,
        Fees::Dynamic { max_priority_fee, max_fee } => {
            max_fee.min(u128::from(base_fee.unwrap_or_default()).saturating_add(max_priority_fee))
        }
    })
}

impl From<AccessListItem> for RpcAccess {
    fn from(item: AccessListItem) -> Self {
        Self { address: item.address, storage_keys: item.storage_keys }
    }
}

impl From<Authorization> for RpcAuthorization {
    fn from(authorization: Authorization) -> Self {
        Self {
            chain_id: authorization.chain_id,
            address: authorization.address,
            nonce: U64::from(authorization.nonce),
            y_parity: U128::from(authorization.signature.v),
            r: authorization.signature.r,
            s: authorization.signature.s,
        }
    }
}
