//! Who sent a transaction: the sender is in no field, but follows from the signature.

use alloy_primitives::{Address, B256};
use herald_proto::rlp::{List, ListEncoder};
use herald_proto::transaction::{Envelope, Signature};
use herald_proto::{DecodeError, Transaction, keccak256};
use secp256k1::Message;
use secp256k1::ecdsa::{RecoverableSignature, RecoveryId};
use thiserror::Error;

use crate::key::address_of;

/// Fields of the signature at the end of every type's list.
const SIGNATURE_FIELDS: usize = 3;

/// The sender of a transaction cannot be told.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SenderError {
    /// The fields cannot be read.
    #[error("its fields cannot be read: {0}")]
    Fields(#[from] DecodeError),
    /// The signature fits no key.
    #[error("its signature fits no key")]
    Signature,
}

/// Recovers the sender from the signature.
///
/// # Errors
/// A transaction of an unknown type or with unreadable fields, or a signature that fits no key.
pub fn recover_sender(transaction: &Transaction) -> Result<Address, SenderError> {
    let fields = transaction.parse()?;
    let digest = signing_hash(transaction, fields.chain_id)?;
    recover(digest, &fields.signature).ok_or(SenderError::Signature)
}

/// What was signed: the fields without the signature. In a legacy transaction with replay
/// protection the chain id and two zeros stand in its place (EIP-155).
fn signing_hash(transaction: &Transaction, chain_id: Option<u64>) -> Result<B256, DecodeError> {
    let bytes = transaction.raw();
    let (prefix, list) = match transaction.envelope() {
        Envelope::Legacy => bytes.split_at(0),
        Envelope::Typed(_) => bytes.split_at_checked(1).unwrap_or_default(),
    };
    let mut items = Vec::new();
    let mut list = List::decode(list)?;
    while let Some(item) = list.next_item()? {
        items.push(item.raw());
    }
    items.truncate(items.len().saturating_sub(SIGNATURE_FIELDS));
    let mut signed = ListEncoder::with_capacity(bytes.len());
    for item in items {
        signed.raw(item);
    }
    if let (Envelope::Legacy, Some(chain_id)) = (transaction.envelope(), chain_id) {
        signed.u64(chain_id).u64(0).u64(0);
    }
    Ok(keccak256(&[prefix, &signed.finish()].concat()))
}

fn recover(digest: B256, signature: &Signature) -> Option<Address> {
    let id = RecoveryId::from_u8_masked(u8::from(signature.y_parity()?));
    let [r, s] = [signature.r.to_be_bytes::<32>(), signature.s.to_be_bytes::<32>()];
    let mut compact = [0; 64];
    let (front, back) = compact.split_at_mut(32);
    front.copy_from_slice(&r);
    back.copy_from_slice(&s);
    let signature = RecoverableSignature::from_compact(&compact, id).ok()?;
    let key = signature.recover_ecdsa(Message::from_digest(digest.0)).ok()?;
    Some(address_of(&key))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use alloy_primitives::{address, hex};
    use herald_proto::DecodeErrorKind;

    use super::*;

    /// The example of EIP-155, signed with the key 0x4646…46.
    const EIP_155: [u8; 110] = hex!(
        "f86c098504a817c800825208943535353535353535353535353535353535353535880de0b6b3a76400008025"
        "a028ef61340bd939bc2195fe537567866003e1a15d3c71ff63e1590620aa636276"
        "a067cbe9d8997f761aecb703304b3800ccf555c9f3dc64214b297fb1966a3b6d83"
    );

    #[test]
    fn the_example_of_eip_155_has_its_sender() {
        let transaction = Transaction::from_bare(&EIP_155).unwrap();
        assert_eq!(recover_sender(&transaction), Ok(address!("9d8A62f656a8d1615C1294fd71e9CFb3E4855A4F")));
    }

    #[test]
    fn a_signature_of_nobody_and_an_unknown_type_are_told_apart() {
        let mut bytes = EIP_155;
        // r becomes larger than the curve's order.
        bytes.iter_mut().skip(45).take(32).for_each(|byte| *byte = 0xff);
        let transaction = Transaction::from_bare(&bytes).unwrap();
        assert_eq!(recover_sender(&transaction), Err(SenderError::Signature));
        let unknown = Transaction::from_bare(&[0x7e, 0xc0]).unwrap();
        let error = recover_sender(&unknown).unwrap_err();
        let SenderError::Fields(error) = error else { panic!("{error}") };
        assert_eq!(error.kind(), DecodeErrorKind::UnknownTransactionType(0x7e));
    }
}
