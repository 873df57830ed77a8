//! Rules that hold whatever the engine: a header against its parent, a body against its header.

use alloy_primitives::B256;
use herald_proto::roots::EMPTY_ROOT;
use herald_proto::transaction::Envelope;
use herald_proto::{Block, Body, DecodeError, Header, HeaderFields, Transaction};

use super::error::{BodyRoot, Rule};
use crate::engine::{Engine, Timestamps};
use crate::genesis::{ChainConfig, EMPTY_REQUESTS_HASH, Fork, GAS_LIMITS, INITIAL_BASE_FEE, TimeFork};

/// A gas limit moves by less than this part of the parent's.
const GAS_LIMIT_BOUND_DIVISOR: u64 = 1024;
/// Limit over target: the first London block's limit doubles (EIP-1559).
const ELASTICITY: u64 = 2;
/// A base fee moves by at most this part (EIP-1559).
const BASE_FEE_CHANGE_DENOMINATOR: u128 = 8;
/// Blobs of a block at which their price stays, and at most, under Cancun (EIP-4844).
const CANCUN_BLOBS: (u64, u64) = (3, 6);
/// The same under Prague (EIP-7691).
const PRAGUE_BLOBS: (u64, u64) = (6, 9);
/// The type of transactions with blobs (EIP-4844).
const BLOB_TRANSACTION: u8 = 3;
/// Gas of one blob (EIP-4844).
const GAS_PER_BLOB: u64 = 131_072;

/// Checks `header` against its parent: all but the clock and what its engine alone says.
pub(super) fn check_header(
    header: &Header,
    parent: &Header,
    config: Option<&ChainConfig>,
    engine: &dyn Engine,
) -> Result<(), Rule> {
    if parent.number.checked_add(1) != Some(header.number) {
        return Err(Rule::Number { found: header.number, parent: parent.number });
    }
    let in_order = match engine.timestamps() {
        Timestamps::Increasing => header.timestamp > parent.timestamp,
        Timestamps::NotDecreasing => header.timestamp >= parent.timestamp,
    };
    if !in_order {
        return Err(Rule::Time { found: header.timestamp, parent: parent.timestamp });
    }
    if let Some(max) = engine.extra_data_max() {
        let found = header.extra_data.len();
        if found > max {
            return Err(Rule::ExtraData { found, max });
        }
    }
    check_gas_limit(header, parent, config)?;
    check_fork_fields(header, parent, config)?;
    check_base_fee(header, parent)?;
    check_blob_gas(header, parent, config)
}

/// Checks that `block`'s body is the one its header commits to. No hashing: roots are computed
/// when a body is decoded.
pub(super) fn check_body(block: &Block) -> Result<(), Rule> {
    let header = block.header.body_commitment();
    let body = block.body.commitment();
    for (root, header, body) in [
        (BodyRoot::Transactions, header.transactions_root, body.transactions_root),
        (BodyRoot::Uncles, header.uncles_hash, body.uncles_hash),
    ] {
        if header != body {
            return Err(Rule::BodyRoot { root, header, body });
        }
    }
    match (header.withdrawals_root, body.withdrawals_root) {
        (None, None) => Ok(()),
        (Some(header), Some(body)) if header == body => Ok(()),
        (Some(header), Some(body)) => Err(Rule::BodyRoot { root: BodyRoot::Withdrawals, header, body }),
        (Some(_), None) => Err(Rule::Withdrawals { in_body: false }),
        (None, Some(_)) => Err(Rule::Withdrawals { in_body: true }),
    }?;
    let Some(found) = block.header.blob_gas_used else { return Ok(()) };
    let expected = blob_gas(&block.body).map_err(|error| Rule::BlobTransaction { error })?;
    if found == expected { Ok(()) } else { Err(Rule::BlobGasOfBody { found, expected }) }
}

/// The gas of the blobs that a body's transactions bring along (EIP-4844).
///
/// # Errors
/// A transaction with blobs that cannot be read.
pub(super) fn blob_gas(body: &Body) -> Result<u64, DecodeError> {
    let mut blobs: u64 = 0;
    let of_blobs = |transaction: &Transaction| transaction.envelope() == Envelope::Typed(BLOB_TRANSACTION);
    for transaction in body.transactions().filter(of_blobs) {
        let count = transaction.parse()?.blobs.map_or(0, |blobs| blobs.versioned_hashes.len());
        blobs = blobs.saturating_add(count as u64);
    }
    Ok(blobs.saturating_mul(GAS_PER_BLOB))
}

/// The gas limit that a child's is measured against: `parent`'s, doubled when the child is the
/// first London block.
pub(super) fn gas_limit_base(parent: &HeaderFields, child_is_london: bool) -> u64 {
    let elasticity = if child_is_london && parent.base_fee.is_none() { ELASTICITY } else { 1 };
    parent.gas_limit.saturating_mul(elasticity)
}

/// The base fee of `parent`'s child, in wei (EIP-1559).
pub(super) fn next_base_fee(parent: &HeaderFields) -> u64 {
    let Some(base_fee) = parent.base_fee else { return INITIAL_BASE_FEE };
    let target = u128::from(parent.gas_limit / ELASTICITY);
    let used = u128::from(parent.gas_used);
    let fee = u128::from(base_fee);
    // Two factors of 64 bits, so 128 hold the product.
    let change =
        |gas: u128| (fee * gas).checked_div(target).unwrap_or_default() / BASE_FEE_CHANGE_DENOMINATOR;
    let next = if used > target {
        fee.saturating_add(change(used - target).max(1))
    } else {
        fee.saturating_sub(change(target - used))
    };
    u64::try_from(next).unwrap_or(u64::MAX)
}

/// The first London block's limit doubles, whether or not its header has a base fee.
fn check_gas_limit(header: &Header, parent: &Header, config: Option<&ChainConfig>) -> Result<(), Rule> {
    let london = match config {
        Some(config) => config.is_active(Fork::London, header.number, header.timestamp),
        None => header.base_fee.is_some(),
    };
    let base = gas_limit_base(parent, london);
    let found = header.gas_limit;
    let bound = base / GAS_LIMIT_BOUND_DIVISOR;
    if found.abs_diff(base) >= bound || !GAS_LIMITS.contains(&found) {
        return Err(Rule::GasLimit { found, parent: base });
    }
    if header.gas_used > found {
        return Err(Rule::GasUsed { used: header.gas_used, limit: found });
    }
    Ok(())
}

fn check_base_fee(header: &Header, parent: &Header) -> Result<(), Rule> {
    if let Some(found) = header.base_fee {
        let expected = next_base_fee(parent);
        if found != expected {
            return Err(Rule::BaseFee { found, expected });
        }
    }
    Ok(())
}

/// Blob gas used and its running excess. How many blobs a block has is the fork's to say, so with
/// no rules known a block's blobs are only whole.
fn check_blob_gas(header: &Header, parent: &Header, config: Option<&ChainConfig>) -> Result<(), Rule> {
    let Some(used) = header.blob_gas_used else { return Ok(()) };
    if !used.is_multiple_of(GAS_PER_BLOB) {
        return Err(Rule::BlobGas { found: used });
    }
    let Some((target, max)) = config.and_then(|config| blobs(config, header.timestamp)) else {
        return Ok(());
    };
    let max = max.saturating_mul(GAS_PER_BLOB);
    if used > max {
        return Err(Rule::BlobGasUsed { found: used, max });
    }
    let expected = next_excess_blob_gas(parent, target);
    match header.excess_blob_gas {
        Some(found) if found != expected => Err(Rule::ExcessBlobGas { found, expected }),
        Some(_) | None => Ok(()),
    }
}

/// The excess blob gas of `parent`'s child (EIP-4844), `target` in blobs. A parent before Cancun has
/// neither excess nor use, and counts as 0.
fn next_excess_blob_gas(parent: &HeaderFields, target: u64) -> u64 {
    let used = parent.blob_gas_used.unwrap_or_default();
    let before = parent.excess_blob_gas.unwrap_or_default().saturating_add(used);
    before.saturating_sub(target.saturating_mul(GAS_PER_BLOB))
}

/// The target and the most of blobs in a block of that time. `None` from Osaka on, under which the
/// excess follows from the base fee as well (EIP-7918), which is not checked here.
fn blobs(config: &ChainConfig, timestamp: u64) -> Option<(u64, u64)> {
    let active = |fork| config.fork_time(fork).is_some_and(|time| time <= timestamp);
    let given = |fork, usual| {
        let parameters = config.blob_parameters(fork);
        Some(parameters.map_or(usual, |parameters| (parameters.target, parameters.max)))
    };
    if active(TimeFork::Osaka) {
        None
    } else if active(TimeFork::Prague) {
        given(TimeFork::Prague, PRAGUE_BLOBS)
    } else {
        given(TimeFork::Cancun, CANCUN_BLOBS)
    }
}

/// Fills in what the chain's rules make of a header that is being made: its gas limit, base fee and
/// the fields of its fork, by its number and timestamp, and for a block that nothing is executed in.
pub(super) fn fill_fork_fields(header: &mut HeaderFields, parent: &Header, config: Option<&ChainConfig>) {
    let (number, timestamp) = (header.number, header.timestamp);
    let active = |fork, before: bool| match config {
        Some(config) => config.is_active(fork, number, timestamp),
        // Where the rules are not known, a fork that has come stays.
        None => before,
    };
    let london = active(Fork::London, parent.base_fee.is_some());
    header.gas_limit = gas_limit_base(parent, london);
    header.base_fee = london.then(|| next_base_fee(parent));
    header.withdrawals_root = active(Fork::Shanghai, parent.withdrawals_root.is_some()).then_some(EMPTY_ROOT);
    if active(Fork::Cancun, parent.blob_gas_used.is_some()) {
        let blobs = config.and_then(|config| blobs(config, timestamp));
        header.blob_gas_used = Some(0);
        header.excess_blob_gas = Some(blobs.map_or(0, |(target, _)| next_excess_blob_gas(parent, target)));
        header.parent_beacon_root = Some(B256::ZERO);
    }
    header.requests_hash =
        active(Fork::Prague, parent.requests_hash.is_some()).then_some(EMPTY_REQUESTS_HASH);
}

/// With the chain's rules known, fields are there exactly when their fork is active. Otherwise
/// what the header says itself counts: a fork that has come stays, and its fields come together.
fn check_fork_fields(header: &Header, parent: &Header, config: Option<&ChainConfig>) -> Result<(), Rule> {
    // By each fork, its first field: in the header, in the parent.
    let forks = [
        (Fork::London, "baseFeePerGas", header.base_fee.is_some(), parent.base_fee.is_some()),
        (
            Fork::Shanghai,
            "withdrawalsRoot",
            header.withdrawals_root.is_some(),
            parent.withdrawals_root.is_some(),
        ),
        (Fork::Cancun, "blobGasUsed", header.blob_gas_used.is_some(), parent.blob_gas_used.is_some()),
        (Fork::Prague, "requestsHash", header.requests_hash.is_some(), parent.requests_hash.is_some()),
    ];
    for (fork, field, here, before) in forks {
        let expected = match config {
            Some(config) => config.is_active(fork, header.number, header.timestamp),
            None => here || before,
        };
        if here != expected {
            return Err(Rule::ForkField { field, expected });
        }
    }
    let cancun = header.blob_gas_used.is_some();
    for (field, here) in [
        ("excessBlobGas", header.excess_blob_gas.is_some()),
        ("parentBeaconBlockRoot", header.parent_beacon_root.is_some()),
    ] {
        if here != cancun {
            return Err(Rule::ForkField { field, expected: cancun });
        }
    }
    Ok(())
}
