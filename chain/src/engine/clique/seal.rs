//! Signing blocks, and finding out who did.

use alloy_primitives::{Address, B256};
use herald_proto::{Header, HeaderFields};
use secp256k1::Message;
use secp256k1::ecdsa::{RecoverableSignature, RecoveryId};

use super::{CliqueFault, SEAL_BYTES};
use crate::key::{AccountKey, address_of};

/// What a signer signs: the hash of the header without its seal. Every other field counts, the
/// base fee from London on as well.
///
/// # Errors
/// Extra data that is shorter than a seal.
pub fn seal_hash(header: &HeaderFields) -> Result<B256, CliqueFault> {
    let found = header.extra_data.len();
    let unsealed = found.checked_sub(SEAL_BYTES).ok_or(CliqueFault::ExtraDataTooShort { found })?;
    let mut fields = header.clone();
    fields.extra_data.truncate(unsealed);
    let header = Header::new(fields).expect("a decoded or prepared header has its fields in order");
    Ok(header.hash())
}

/// Who signed `header`.
///
/// # Errors
/// Extra data without a seal, or a seal that is no signature.
pub fn recover_signer(header: &Header) -> Result<Address, CliqueFault> {
    let digest = seal_hash(header)?;
    let (_, seal) = header
        .extra_data
        .split_last_chunk::<SEAL_BYTES>()
        .ok_or(CliqueFault::ExtraDataTooShort { found: header.extra_data.len() })?;
    let [signature @ .., id] = seal;
    let id = match id {
        0 => RecoveryId::Zero,
        1 => RecoveryId::One,
        _ => return Err(CliqueFault::BadSeal),
    };
    RecoverableSignature::from_compact(signature, id)
        .and_then(|signature| signature.recover(Message::from_digest(digest.0)))
        .map(|key| address_of(&key))
        .map_err(|_| CliqueFault::BadSeal)
}

/// `fields` with the seal of `key` in the bytes that their extra data reserves for it.
///
/// # Errors
/// Extra data too short to have those bytes.
pub fn sealed(mut fields: HeaderFields, key: &AccountKey) -> Result<Header, CliqueFault> {
    let digest = seal_hash(&fields)?;
    let mut extra = fields.extra_data.to_vec();
    extra.truncate(extra.len().saturating_sub(SEAL_BYTES));
    extra.extend(key.sign(digest));
    fields.extra_data = extra.into();
    Ok(Header::new(fields).expect("checked when the seal hash was taken"))
}
