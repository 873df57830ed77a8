//! The state that a genesis starts from, and its root.

use std::collections::BTreeMap;

use alloy_primitives::{Address, B256, Bytes, U256, hex};
use alloy_trie::root::{state_root_unhashed, storage_root_unhashed};
use alloy_trie::{KECCAK_EMPTY, TrieAccount};
use herald_proto::keccak256;

use super::error::{FieldProblem, GenesisError};
use super::keys::ACCOUNT;
use super::object::{Object, shorten, word};

/// One account of `alloc`.
#[derive(Clone, Debug, Default)]
pub(super) struct Account {
    pub(super) balance: U256,
    pub(super) nonce: u64,
    pub(super) code: Bytes,
    pub(super) storage: BTreeMap<B256, B256>,
}

/// The accounts of `alloc`.
pub(super) fn read_alloc(alloc: &Object<'_>) -> Result<BTreeMap<Address, Account>, GenesisError> {
    let mut accounts = BTreeMap::new();
    for (name, value) in alloc.iter() {
        let address: Address = name.parse().map_err(|_| {
            value.error(FieldProblem::Type {
                expected: "the account of an address of 20 bytes in hex",
                found: shorten(name),
            })
        })?;
        let account = read_account(&value.object()?)?;
        if accounts.insert(address, account).is_some() {
            return Err(value.error(FieldProblem::Duplicate { other: hex::encode(address) }));
        }
    }
    Ok(accounts)
}

/// The root of the state trie. An account without balance, nonce or code is in it too, as geth
/// has it; a storage value of zero is not.
pub(super) fn state_root(accounts: BTreeMap<Address, Account>) -> B256 {
    state_root_unhashed(accounts.into_iter().map(|(address, account)| {
        let storage = account
            .storage
            .into_iter()
            .filter(|(_, value)| !value.is_zero())
            .map(|(key, value)| (key, U256::from_be_bytes(value.0)));
        let code_hash = if account.code.is_empty() { KECCAK_EMPTY } else { keccak256(&account.code) };
        let account = TrieAccount {
            nonce: account.nonce,
            balance: account.balance,
            storage_root: storage_root_unhashed(storage),
            code_hash,
        };
        (address, account)
    }))
}

fn read_account(fields: &Object<'_>) -> Result<Account, GenesisError> {
    fields.check_keys(ACCOUNT)?;
    let mut account = Account {
        balance: fields.required("balance")?.u256_or_empty()?,
        nonce: fields.u64_or_empty("nonce")?.unwrap_or_default(),
        code: fields.bytes("code")?.unwrap_or_default(),
        storage: BTreeMap::new(),
    };
    if let Some(storage) = fields.object("storage")? {
        for (name, value) in storage.iter() {
            let key = hex::decode(name)
                .ok()
                .and_then(|bytes| word(&bytes))
                .ok_or_else(|| value.error(FieldProblem::NotHex { found: shorten(name) }))?;
            if account.storage.insert(key, value.word()?).is_some() {
                return Err(value.error(FieldProblem::Duplicate { other: hex::encode_prefixed(key) }));
            }
        }
    }
    Ok(account)
}
