//! Blocks in the shape of the Ethereum execution API.

use alloy_primitives::{Address, B64, B256, Bloom, Bytes, U64, U256};
use herald_proto::{Block, BlockExt as _, Header, Withdrawal};
use serde::Serialize;

use super::transaction::{RpcTransaction, TransactionError};

/// A block, `Block object` in the specification.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RpcBlock {
    #[serde(flatten)]
    header: RpcHeader,
    total_difficulty: U256,
    /// Bytes of the whole block's RLP.
    size: U64,
    transactions: RpcTransactions,
    /// Hashes of the uncles.
    uncles: Vec<B256>,
    #[serde(skip_serializing_if = "Option::is_none")]
    withdrawals: Option<Vec<RpcWithdrawal>>,
}

/// How a block's transactions are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Detail {
    Hashes,
    Full,
}

#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
enum RpcTransactions {
    Hashes(Vec<B256>),
    Full(Vec<RpcTransaction>),
}

/// A header's fields, under the specification's names.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct RpcHeader {
    hash: B256,
    parent_hash: B256,
    sha3_uncles: B256,
    miner: Address,
    state_root: B256,
    transactions_root: B256,
    receipts_root: B256,
    logs_bloom: Bloom,
    difficulty: U256,
    number: U64,
    gas_limit: U64,
    gas_used: U64,
    timestamp: U64,
    extra_data: Bytes,
    mix_hash: B256,
    nonce: B64,
    #[serde(skip_serializing_if = "Option::is_none")]
    base_fee_per_gas: Option<U64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    withdrawals_root: Option<B256>,
    #[serde(skip_serializing_if = "Option::is_none")]
    blob_gas_used: Option<U64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    excess_blob_gas: Option<U64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parent_beacon_block_root: Option<B256>,
    #[serde(skip_serializing_if = "Option::is_none")]
    requests_hash: Option<B256>,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct RpcWithdrawal {
    index: U64,
    validator_index: U64,
    address: Address,
    amount: U64,
}

impl RpcBlock {
    /// # Errors
    /// With [`Detail::Full`], a transaction whose fields or sender cannot be read.
    pub(super) fn new(
        block: &Block,
        total_difficulty: U256,
        detail: Detail,
    ) -> Result<Self, TransactionError> {
        let Block { header, body } = block;
        Ok(Self {
            header: RpcHeader::new(header),
            total_difficulty,
            size: U64::from(block.encoded_len()),
            transactions: match detail {
                Detail::Hashes => RpcTransactions::Hashes(
                    body.transactions().map(|transaction| transaction.hash()).collect(),
                ),
                Detail::Full => RpcTransactions::Full(RpcTransaction::all_of(block)?),
            },
            uncles: body.uncles().iter().map(Header::hash).collect(),
            withdrawals: body
                .withdrawals()
                .map(|withdrawals| withdrawals.iter().map(RpcWithdrawal::new).collect()),
        })
    }
}

impl RpcHeader {
    fn new(header: &Header) -> Self {
        Self {
            hash: header.hash(),
            parent_hash: header.parent_hash,
            sha3_uncles: header.uncles_hash,
            miner: header.beneficiary,
            state_root: header.state_root,
            transactions_root: header.transactions_root,
            receipts_root: header.receipts_root,
            logs_bloom: header.logs_bloom,
            difficulty: header.difficulty,
            number: U64::from(header.number),
            gas_limit: U64::from(header.gas_limit),
            gas_used: U64::from(header.gas_used),
            timestamp: U64::from(header.timestamp),
            extra_data: header.extra_data.clone(),
            mix_hash: header.mix_hash,
            nonce: header.nonce,
            base_fee_per_gas: header.base_fee.map(U64::from),
            withdrawals_root: header.withdrawals_root,
            blob_gas_used: header.blob_gas_used.map(U64::from),
            excess_blob_gas: header.excess_blob_gas.map(U64::from),
            parent_beacon_block_root: header.parent_beacon_root,
            requests_hash: header.requests_hash,
        }
    }
}

impl RpcWithdrawal {
    fn new(withdrawal: &Withdrawal) -> Self {
        Self {
            index: U64::from(withdrawal.index),
            validator_index: U64::from(withdrawal.validator_index),
            address: withdrawal.address,
            amount: U64::from(withdrawal.amount),
        }
    }
}
