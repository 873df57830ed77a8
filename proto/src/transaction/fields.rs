//! A transaction's fields, read when somebody asks for them.

use alloy_primitives::{Address, B256, U256};

use super::{Envelope, Transaction};
use crate::error::{DecodeError, DecodeErrorKind};
use crate::rlp::{Item, ItemKind, List};

/// The fields of a transaction of type 0 to 4, as its encoding has them: nothing is checked beyond
/// their form. Closed on purpose: who shows or signs transactions takes it apart field by field, and
/// must see a new one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransactionFields<'a> {
    /// The chain it is for; `None` in a legacy transaction without replay protection (EIP-155).
    pub chain_id: Option<u64>,
    /// How many transactions the sender made before this one.
    pub nonce: u64,
    /// What the sender pays for gas.
    pub fees: Fees,
    /// Most gas that it may use.
    pub gas_limit: u64,
    /// Who is called; `None` makes a contract.
    pub to: Option<Address>,
    /// Wei transferred to `to`.
    pub value: U256,
    /// Call data, or the code that makes the contract.
    pub input: &'a [u8],
    /// Addresses and slots declared ahead (EIP-2930); `None` in a legacy transaction.
    pub access_list: Option<Vec<AccessListItem>>,
    /// Blobs that travel beside the transaction (EIP-4844, type 3).
    pub blobs: Option<Blobs>,
    /// Delegations that it installs (EIP-7702, type 4).
    pub authorizations: Option<Vec<Authorization>>,
    /// From which the sender is recovered; no field names the sender.
    pub signature: Signature,
}

/// What a sender pays for a unit of gas, in wei. Closed on purpose: a third way to pay must be seen
/// by whoever computes a price.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fees {
    /// One price (types 0 and 1).
    GasPrice(u128),
    /// Base fee plus tip, up to a bound (EIP-1559, from type 2 on).
    Dynamic {
        /// Most to be paid to the block's maker.
        max_priority_fee: u128,
        /// Most to be paid altogether.
        max_fee: u128,
    },
}

/// An address and slots of its storage (EIP-2930).
///
/// Closed on purpose: EIP-2930 fixes the two fields.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessListItem {
    /// The account whose storage it is.
    pub address: Address,
    /// Keys of the slots.
    pub storage_keys: Vec<B256>,
}

/// Blobs that travel beside a transaction (EIP-4844).
///
/// Closed on purpose: EIP-4844 fixes what a transaction says of its blobs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Blobs {
    /// Most to be paid for a unit of blob gas, in wei.
    pub max_fee_per_blob_gas: u128,
    /// A commitment to each blob.
    pub versioned_hashes: Vec<B256>,
}

/// Leave that an account gives to run a contract's code as its own (EIP-7702).
///
/// Closed on purpose: EIP-7702 fixes the fields.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authorization {
    /// The chain it is for; 0 is any.
    pub chain_id: U256,
    /// The contract whose code runs.
    pub address: Address,
    /// The nonce that the account must have for this to count.
    pub nonce: u64,
    /// From which the account is recovered.
    pub signature: Signature,
}

/// A secp256k1 signature. That it fits a key is not checked here.
///
/// Closed on purpose: these three numbers are the whole signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signature {
    /// Which of the two points is meant: 0 or 1 in typed transactions, 27 or 28 in legacy ones,
    /// and 35 or 36 plus twice the chain id in those with replay protection (EIP-155).
    pub v: u128,
    /// The x coordinate of the signature's point, modulo the order of the curve.
    pub r: U256,
    /// The proof, which depends on the message and the key.
    pub s: U256,
}

impl Signature {
    /// Whether the point's y is odd; `None` when `v` is none of the values it can have, which only
    /// an authorization's may be.
    #[must_use]
    pub fn y_parity(&self) -> Option<bool> {
        match self.v {
            0 | 27 => Some(false),
            1 | 28 => Some(true),
            protected @ 35.. => Some(protected % 2 == 0),
            2..=26 | 29..=34 => None,
        }
    }

    /// With the chain id that a legacy transaction's `v` holds, if it has replay protection.
    fn decode_legacy(list: &mut List<'_>) -> Result<(Self, Option<u64>), DecodeError> {
        let v = list.u128("v")?;
        let chain_id = match v {
            27 | 28 => Some(None),
            _ => v.checked_sub(35).and_then(|v| u64::try_from(v / 2).ok()).map(Some),
        };
        let chain_id =
            chain_id.ok_or_else(|| DecodeError::new(DecodeErrorKind::BadSignatureV).within("v"))?;
        Ok((Self { v, r: list.u256("r")?, s: list.u256("s")? }, chain_id))
    }

    fn decode_typed(list: &mut List<'_>) -> Result<Self, DecodeError> {
        Ok(Self { v: u128::from(list.bool("y_parity")?), r: list.u256("r")?, s: list.u256("s")? })
    }

    /// An authorization's parity may be any byte; one that is neither 0 nor 1 has no signer.
    fn decode_authorization(list: &mut List<'_>) -> Result<Self, DecodeError> {
        let v = list.u64("y_parity")?;
        if v > u64::from(u8::MAX) {
            let found = v.to_be_bytes().iter().skip_while(|byte| **byte == 0).count();
            let kind = DecodeErrorKind::IntegerTooLarge { limit: 1, found };
            return Err(DecodeError::new(kind).within("y_parity"));
        }
        Ok(Self { v: u128::from(v), r: list.u256("r")?, s: list.u256("s")? })
    }
}

impl Transaction {
    /// Reads the fields.
    ///
    /// # Errors
    /// [`DecodeErrorKind::UnknownTransactionType`] for other types than 0 to 4; else the first
    /// field that is not as its type has it.
    pub fn parse(&self) -> Result<TransactionFields<'_>, DecodeError> {
        let bytes = self.raw();
        let payload = bytes.get(1..).unwrap_or_default();
        match self.envelope() {
            Envelope::Legacy => read(List::decode(bytes)?, legacy),
            Envelope::Typed(1) => read(List::decode(payload)?, access_list_type),
            Envelope::Typed(2) => read(List::decode(payload)?, dynamic_fee_type),
            Envelope::Typed(3) => read(List::decode(payload)?, blob_type),
            Envelope::Typed(4) => read(List::decode(payload)?, set_code_type),
            Envelope::Typed(other) => Err(DecodeErrorKind::UnknownTransactionType(other).into()),
        }
    }
}

fn read<'a>(
    mut list: List<'a>,
    fields: fn(&mut List<'a>) -> Result<TransactionFields<'a>, DecodeError>,
) -> Result<TransactionFields<'a>, DecodeError> {
    let fields = fields(&mut list)?;
    list.finish()?;
    Ok(fields)
}

// In the functions below, fields are read in the order in which the initialisers stand: it is
// that of the encoding.

fn legacy<'a>(list: &mut List<'a>) -> Result<TransactionFields<'a>, DecodeError> {
    let nonce = list.u64("nonce")?;
    let gas_price = list.u128("gas_price")?;
    let gas_limit = list.u64("gas_limit")?;
    let to = to_or_create(list)?;
    let value = list.u256("value")?;
    let input = list.string("input")?;
    let (signature, chain_id) = Signature::decode_legacy(list)?;
    Ok(TransactionFields {
        chain_id,
        nonce,
        fees: Fees::GasPrice(gas_price),
        gas_limit,
        to,
        value,
        input,
        access_list: None,
        blobs: None,
        authorizations: None,
        signature,
    })
}

fn access_list_type<'a>(list: &mut List<'a>) -> Result<TransactionFields<'a>, DecodeError> {
    Ok(TransactionFields {
        chain_id: Some(list.u64("chain_id")?),
        nonce: list.u64("nonce")?,
        fees: Fees::GasPrice(list.u128("gas_price")?),
        gas_limit: list.u64("gas_limit")?,
        to: to_or_create(list)?,
        value: list.u256("value")?,
        input: list.string("input")?,
        access_list: Some(access_list(list)?),
        blobs: None,
        authorizations: None,
        signature: Signature::decode_typed(list)?,
    })
}

fn dynamic_fee_type<'a>(list: &mut List<'a>) -> Result<TransactionFields<'a>, DecodeError> {
    Ok(TransactionFields {
        chain_id: Some(list.u64("chain_id")?),
        nonce: list.u64("nonce")?,
        fees: dynamic_fees(list)?,
        gas_limit: list.u64("gas_limit")?,
        to: to_or_create(list)?,
        value: list.u256("value")?,
        input: list.string("input")?,
        access_list: Some(access_list(list)?),
        blobs: None,
        authorizations: None,
        signature: Signature::decode_typed(list)?,
    })
}

fn blob_type<'a>(list: &mut List<'a>) -> Result<TransactionFields<'a>, DecodeError> {
    Ok(TransactionFields {
        chain_id: Some(list.u64("chain_id")?),
        nonce: list.u64("nonce")?,
        fees: dynamic_fees(list)?,
        gas_limit: list.u64("gas_limit")?,
        to: Some(list.address("to")?),
        value: list.u256("value")?,
        input: list.string("input")?,
        access_list: Some(access_list(list)?),
        blobs: Some(Blobs {
            max_fee_per_blob_gas: list.u128("max_fee_per_blob_gas")?,
            versioned_hashes: each(list, "blob_versioned_hashes", |item| item.fixed())?,
        }),
        authorizations: None,
        signature: Signature::decode_typed(list)?,
    })
}

fn set_code_type<'a>(list: &mut List<'a>) -> Result<TransactionFields<'a>, DecodeError> {
    Ok(TransactionFields {
        chain_id: Some(list.u64("chain_id")?),
        nonce: list.u64("nonce")?,
        fees: dynamic_fees(list)?,
        gas_limit: list.u64("gas_limit")?,
        to: Some(list.address("to")?),
        value: list.u256("value")?,
        input: list.string("input")?,
        access_list: Some(access_list(list)?),
        blobs: None,
        authorizations: Some(each(list, "authorization_list", authorization)?),
        signature: Signature::decode_typed(list)?,
    })
}

fn dynamic_fees(list: &mut List<'_>) -> Result<Fees, DecodeError> {
    Ok(Fees::Dynamic { max_priority_fee: list.u128("max_priority_fee")?, max_fee: list.u128("max_fee")? })
}

fn to_or_create(list: &mut List<'_>) -> Result<Option<Address>, DecodeError> {
    let item = list.item("to")?;
    if item.kind() == ItemKind::String && item.payload().is_empty() {
        return Ok(None);
    }
    let address = item.fixed().map_err(|error| error.within("to"))?;
    Ok(Some(Address(address)))
}

fn access_list(list: &mut List<'_>) -> Result<Vec<AccessListItem>, DecodeError> {
    each(list, "access_list", |item| {
        let mut fields = item.list()?;
        let entry = AccessListItem {
            address: fields.address("address")?,
            storage_keys: each(&mut fields, "storage_keys", |item| item.fixed())?,
        };
        fields.finish()?;
        Ok(entry)
    })
}

fn authorization(item: Item<'_>) -> Result<Authorization, DecodeError> {
    let mut fields = item.list()?;
    let authorization = Authorization {
        chain_id: fields.u256("chain_id")?,
        address: fields.address("address")?,
        nonce: fields.u64("nonce")?,
        signature: Signature::decode_authorization(&mut fields)?,
    };
    fields.finish()?;
    Ok(authorization)
}

/// The next field, a list of any length, read entry by entry.
fn each<'a, T>(
    list: &mut List<'a>,
    field: &'static str,
    read: impl Fn(Item<'a>) -> Result<T, DecodeError>,
) -> Result<Vec<T>, DecodeError> {
    let mut entries = list.list(field)?;
    let mut values = Vec::new();
    loop {
        let at = |error: DecodeError| error.at(values.len()).within(field);
        let Some(item) = entries.next_item().map_err(at)? else {
            break;
        };
        let value = read(item).map_err(at)?;
        values.push(value);
    }
    Ok(values)
}
