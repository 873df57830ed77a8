//! geth's genesis JSON.

use alloy_primitives::{Address, B64, B256, b256};
use herald_proto::HeaderFields;
use herald_proto::roots::{EMPTY_ROOT, EMPTY_UNCLES_HASH};

use super::config::{ChainConfig, Fork};
use super::error::GenesisError;
use super::fields::Fields;
use super::section::Section;
use super::{Genesis, state};

/// The gas limit of a genesis that says 0, as in geth.
const DEFAULT_GAS_LIMIT: u64 = 4_712_388;
/// The base fee of the first London block, in wei (EIP-1559).
pub(crate) const INITIAL_BASE_FEE: u64 = 1_000_000_000;
/// The hash of no requests at all: SHA-256 of nothing (EIP-7685).
const EMPTY_REQUESTS_HASH: B256 = b256!("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");

pub(super) fn read(text: &str) -> Result<Genesis, GenesisError> {
    let fields = Fields::parse(text)?;
    let config_fields = fields.object("config")?;
    let config = config_fields.as_ref().map(ChainConfig::read).transpose()?;
    let sections = config_fields
        .iter()
        .flat_map(Fields::iter)
        .filter_map(|(name, field)| Some((name.to_owned(), Section::of(&field)?)))
        .collect();
    let alloc = state::read_alloc(&fields.required("alloc")?.object()?)?;

    let mut header = HeaderFields {
        parent_hash: fields.fixed("parentHash")?.map(B256::from).unwrap_or_default(),
        uncles_hash: EMPTY_UNCLES_HASH,
        beneficiary: fields.fixed("coinbase")?.map(Address::from).unwrap_or_default(),
        state_root: state::state_root(alloc),
        transactions_root: EMPTY_ROOT,
        receipts_root: EMPTY_ROOT,
        difficulty: fields.required("difficulty")?.u256()?,
        number: fields.u64("number")?.unwrap_or_default(),
        gas_limit: fields.required("gasLimit")?.u64()?,
        gas_used: fields.u64("gasUsed")?.unwrap_or_default(),
        timestamp: fields.u64("timestamp")?.unwrap_or_default(),
        extra_data: fields.bytes("extraData")?.unwrap_or_default(),
        mix_hash: fields.fixed("mixHash")?.map(B256::from).unwrap_or_default(),
        nonce: B64::from(fields.u64("nonce")?.unwrap_or_default()),
        ..HeaderFields::default()
    };
    if header.number != 0 {
        return Err(GenesisError::NotBlockZero { number: header.number });
    }
    if header.gas_limit == 0 {
        header.gas_limit = DEFAULT_GAS_LIMIT;
    }
    if let Some(config) = &config {
        add_fork_fields(&mut header, config, &fields)?;
    }
    Ok(Genesis::new(header, config, sections))
}

/// The fields of the forks that are active at genesis. Each fork counts only if those before it
/// are active as well.
fn add_fork_fields(
    header: &mut HeaderFields,
    config: &ChainConfig,
    fields: &Fields<'_>,
) -> Result<(), GenesisError> {
    let active = |fork| config.is_active(fork, 0, header.timestamp);
    let (london, shanghai, cancun, prague) =
        (active(Fork::London), active(Fork::Shanghai), active(Fork::Cancun), active(Fork::Prague));
    if london {
        let given = fields.u64("baseFeePerGas")?;
        header.base_fee = Some(given.unwrap_or(INITIAL_BASE_FEE));
    }
    if shanghai {
        header.withdrawals_root = Some(EMPTY_ROOT);
    }
    if cancun {
        header.blob_gas_used = Some(fields.u64("blobGasUsed")?.unwrap_or_default());
        header.excess_blob_gas = Some(fields.u64("excessBlobGas")?.unwrap_or_default());
        header.parent_beacon_root = Some(B256::ZERO);
    }
    if prague {
        header.requests_hash = Some(EMPTY_REQUESTS_HASH);
    }
    Ok(())
}
