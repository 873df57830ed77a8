//! geth's genesis JSON.

use std::ops::RangeInclusive;

use alloy_primitives::{B64, B256, b256};
use herald_proto::HeaderFields;
use herald_proto::roots::{EMPTY_ROOT, EMPTY_UNCLES_HASH};

use super::config::{self, ChainConfig};
use super::error::{FieldProblem, GenesisError};
use super::forks::{Fork, TimeFork};
use super::format::OtherFormat;
use super::keys::TOP;
use super::object::Object;
use super::{Genesis, Strictness, state};

/// The gas limit of a genesis that says 0, as in geth.
const DEFAULT_GAS_LIMIT: u64 = 4_712_388;
/// The least gas limit (yellow paper, 4.4.4), and the largest, as in geth (EIP-1985).
pub(crate) const GAS_LIMITS: RangeInclusive<u64> = 5_000..=i64::MAX as u64;
/// What UTF-8 text may begin with, and JSON may not.
pub(crate) const BYTE_ORDER_MARK: char = '\u{feff}';
/// The base fee of the first London block, in wei (EIP-1559).
pub(crate) const INITIAL_BASE_FEE: u64 = 1_000_000_000;
/// The hash of no requests at all: SHA-256 of nothing (EIP-7685).
pub(crate) const EMPTY_REQUESTS_HASH: B256 =
    b256!("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");

pub(super) fn read(text: &str, strictness: Strictness) -> Result<Genesis, GenesisError> {
    // Some editors begin UTF-8 text with it, unseen.
    let text = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text);
    if let Some(format) = OtherFormat::of_text(text) {
        return Err(GenesisError::OtherFormat { format });
    }
    let file = Object::parse(text, strictness)?;
    if let Some(format) = OtherFormat::of(&file) {
        return Err(GenesisError::OtherFormat { format });
    }
    let config = file.object("config")?;
    // First of all, since it says most of what the file is.
    let sections = config.as_ref().map(config::sections).transpose()?.unwrap_or_default();
    file.check_keys(TOP)?;
    let rules = config.as_ref().map(ChainConfig::read).transpose()?;
    let header = read_header(&file)?;
    let header = match (&config, &rules) {
        (Some(config), Some(rules)) => {
            check_forks_at_genesis(config, rules, header.timestamp)?;
            with_fork_fields(header, rules, &file)?
        }
        (None, _) | (_, None) => header,
    };
    Ok(Genesis::new(header, rules, sections))
}

/// The fields that a header has had from the first fork on.
fn read_header(file: &Object<'_>) -> Result<HeaderFields, GenesisError> {
    let number = file.u64_or_empty("number")?.unwrap_or_default();
    if number != 0 {
        return Err(GenesisError::NotBlockZero { number });
    }
    let gas_limit = match file.required("gasLimit")?.u64_or_empty()? {
        0 => DEFAULT_GAS_LIMIT,
        given => given,
    };
    let state_root = read_state_root(file)?;
    Ok(HeaderFields {
        parent_hash: file.b256("parentHash")?.unwrap_or_default(),
        uncles_hash: EMPTY_UNCLES_HASH,
        beneficiary: file.address("coinbase")?.unwrap_or_default(),
        transactions_root: EMPTY_ROOT,
        receipts_root: EMPTY_ROOT,
        difficulty: file.required("difficulty")?.u256_or_empty()?,
        number,
        gas_limit,
        gas_used: file.u64_or_empty("gasUsed")?.unwrap_or_default(),
        timestamp: file.u64_or_empty("timestamp")?.unwrap_or_default(),
        extra_data: file.bytes("extraData")?.unwrap_or_default(),
        mix_hash: file.b256("mixHash")?.unwrap_or_default(),
        nonce: B64::from(file.u64_or_empty("nonce")?.unwrap_or_default()),
        state_root,
        ..HeaderFields::default()
    })
}

/// The root of `alloc`. Where the file gives one as well, they must agree, or accounts are missing.
fn read_state_root(file: &Object<'_>) -> Result<B256, GenesisError> {
    let computed = state::state_root(state::read_alloc(&file.required("alloc")?.object()?)?);
    match file.b256("stateRoot")? {
        Some(given) if given != computed => {
            Err(file.error("stateRoot", FieldProblem::StateRoot { given, computed }))
        }
        Some(_) | None => Ok(computed),
    }
}

/// Refuses a fork that is active at genesis and makes its hash another in a way not known here.
fn check_forks_at_genesis(
    config: &Object<'_>,
    rules: &ChainConfig,
    timestamp: u64,
) -> Result<(), GenesisError> {
    for fork in TimeFork::all() {
        if let Some(why) = fork.unknown_at_genesis()
            && rules.fork_time(*fork).is_some_and(|time| time <= timestamp)
        {
            return Err(config.error(fork.key(), FieldProblem::Refused { why }));
        }
    }
    Ok(())
}

/// `header` with the fields of the forks that are active at genesis. Each fork counts only if those
/// before it are active as well.
fn with_fork_fields(
    mut header: HeaderFields,
    rules: &ChainConfig,
    file: &Object<'_>,
) -> Result<HeaderFields, GenesisError> {
    let active = |fork| rules.is_active(fork, 0, header.timestamp);
    let (london, shanghai, cancun, prague) =
        (active(Fork::London), active(Fork::Shanghai), active(Fork::Cancun), active(Fork::Prague));
    // Read even where the fork is not active, so that what is malformed is refused.
    let base_fee = file.u64_or_empty("baseFeePerGas")?.unwrap_or(INITIAL_BASE_FEE);
    let blob_gas_used = file.u64_or_empty("blobGasUsed")?.unwrap_or_default();
    let excess_blob_gas = file.u64_or_empty("excessBlobGas")?.unwrap_or_default();
    header.base_fee = london.then_some(base_fee);
    header.withdrawals_root = shanghai.then_some(EMPTY_ROOT);
    header.blob_gas_used = cancun.then_some(blob_gas_used);
    header.excess_blob_gas = cancun.then_some(excess_blob_gas);
    header.parent_beacon_root = cancun.then_some(B256::ZERO);
    header.requests_hash = prague.then_some(EMPTY_REQUESTS_HASH);
    Ok(header)
}
