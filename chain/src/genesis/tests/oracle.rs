//! The same files read by alloy: another reader, and another encoding of the header. The trie is one
//! that the other reader fills.

use alloy_consensus::{EMPTY_ROOT_HASH, Header};
use alloy_eips::eip7685::EMPTY_REQUESTS_HASH;
use alloy_primitives::B256;
use alloy_trie::root::state_root_ref_unhashed;

/// The hash of the genesis block, by alloy's types.
pub(super) fn hash(json: &str) -> serde_json::Result<B256> {
    // It knows each name in one spelling only, and passes others over in silence.
    let json = json.replace(r#""extradata""#, r#""extraData""#).replace(r#""mixhash""#, r#""mixHash""#);
    let genesis: alloy_genesis::Genesis = serde_json::from_str(&json)?;
    let config = &genesis.config;
    let reached = |time: Option<u64>| time.is_some_and(|time| time <= genesis.timestamp);
    let london = config.is_london_active_at_block(0);
    let prague = london && reached(config.prague_time);
    let cancun = prague || london && reached(config.cancun_time);
    let shanghai = cancun || london && reached(config.shanghai_time);
    let base_fee = genesis.base_fee_per_gas.map_or(1_000_000_000, |fee| fee.try_into().unwrap());
    let header = Header {
        parent_hash: genesis.parent_hash.unwrap_or_default(),
        beneficiary: genesis.coinbase,
        state_root: state_root_ref_unhashed(&genesis.alloc),
        difficulty: genesis.difficulty,
        gas_limit: genesis.gas_limit,
        timestamp: genesis.timestamp,
        extra_data: genesis.extra_data,
        mix_hash: genesis.mix_hash,
        nonce: genesis.nonce.into(),
        base_fee_per_gas: london.then_some(base_fee),
        withdrawals_root: shanghai.then_some(EMPTY_ROOT_HASH),
        blob_gas_used: cancun.then(|| genesis.blob_gas_used.unwrap_or_default()),
        excess_blob_gas: cancun.then(|| genesis.excess_blob_gas.unwrap_or_default()),
        parent_beacon_block_root: cancun.then_some(B256::ZERO),
        requests_hash: prague.then_some(EMPTY_REQUESTS_HASH),
        ..Header::default()
    };
    Ok(header.hash_slow())
}
