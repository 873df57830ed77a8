//! JSON files that are something else than a genesis in geth's format, told by their keys.

use std::fmt;

use serde_json::value::RawValue;

use super::keys::{self, TOP};
use super::object::{Object, Value, shorten};

/// What a JSON file is when it is no genesis in geth's format.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OtherFormat {
    /// A chainspec of Nethermind, or of Parity and OpenEthereum.
    Chainspec,
    /// The input of Besu's `operator generate-blockchain-config`.
    BesuNetwork,
    /// A genesis inside another object.
    Wrapped {
        /// The key under which it is.
        key: String,
    },
    /// A state that anvil has saved.
    AnvilState,
    /// The accounts and keys that anvil writes with `--config-out`.
    AnvilAccounts,
    /// The accounts of a state, as `geth dump` writes them.
    StateDump,
    /// Accounts alone: the `alloc` of a genesis.
    Alloc,
    /// A block or header as JSON-RPC answers it.
    RpcBlock,
    /// Fixtures of Ethereum's tests.
    TestFixture,
    /// A JSON array.
    Array,
    /// A JSON string.
    Text,
}

impl OtherFormat {
    /// What `text` is where it is JSON and cannot be an object; `None` for whatever else.
    pub(super) fn of_text(text: &str) -> Option<Self> {
        let json: &RawValue = serde_json::from_str(text).ok()?;
        match json.get().as_bytes().first()? {
            b'[' => Some(Self::Array),
            b'"' => Some(Self::Text),
            _ => None,
        }
    }

    /// What `file` is; `None` when nothing speaks against a genesis.
    pub(super) fn of(file: &Object<'_>) -> Option<Self> {
        let has = |names: &[&str]| names.iter().all(|name| file.has(name));
        if has(&["alloc"]) {
            return None;
        }
        if file.has_object("genesis") {
            return Some(if has(&["engine"]) || has(&["params"]) {
                Self::Chainspec
            } else if has(&["blockchain"]) {
                Self::BesuNetwork
            } else {
                Self::Wrapped { key: "genesis".to_owned() }
            });
        }
        if has(&["engine", "params"]) {
            return Some(Self::Chainspec);
        }
        if has(&["accounts", "best_block_number"]) || has(&["accounts", "block"]) {
            return Some(Self::AnvilState);
        }
        if has(&["available_accounts", "private_keys"]) {
            return Some(Self::AnvilAccounts);
        }
        if has(&["root", "accounts"]) {
            return Some(Self::StateDump);
        }
        if has(&["stateRoot", "parentHash"]) {
            return Some(Self::RpcBlock);
        }
        let mut entries = file.iter().peekable();
        entries.peek()?;
        let (mut all_accounts, mut all_fixtures) = (true, true);
        for (name, value) in entries {
            let object = value.is_object().then(|| value.object().ok()).flatten();
            all_accounts &= is_address(name) && object.is_some();
            all_fixtures &= object.is_some_and(|object| object.has("genesisBlockHeader"));
        }
        if all_accounts {
            return Some(Self::Alloc);
        }
        if all_fixtures {
            return Some(Self::TestFixture);
        }
        wrapped(file)
    }
}

/// The one object in `file` that has accounts, where none of its keys is a genesis' own.
fn wrapped(file: &Object<'_>) -> Option<OtherFormat> {
    if file.iter().any(|(name, _)| keys::find(TOP, name).is_some()) {
        return None;
    }
    let has_alloc =
        |value: &Value<'_>| value.is_object() && value.object().is_ok_and(|object| object.has("alloc"));
    let mut found = file.iter().filter(|(_, value)| has_alloc(value)).map(|(name, _)| name);
    match (found.next(), found.next()) {
        (Some(name), None) => Some(OtherFormat::Wrapped { key: shorten(name) }),
        (None, _) | (Some(_), Some(_)) => None,
    }
}

fn is_address(name: &str) -> bool {
    name.parse::<alloy_primitives::Address>().is_ok()
}

impl fmt::Display for OtherFormat {
    /// What it is, and what to do.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            Self::Chainspec => {
                "a chainspec of Nethermind or Parity (OpenEthereum), and geth's format is read here; most \
                 networks publish a genesis.json for geth or a besu.json beside it: give that"
            }
            Self::BesuNetwork => {
                "the input of `besu operator generate-blockchain-config`, not a genesis; run that command, \
                 and give the genesis.json that it writes"
            }
            Self::Wrapped { key } => {
                return write!(
                    f,
                    "a genesis inside another object; take the object under `{key}` out into a file of its \
                     own, and give that"
                );
            }
            Self::AnvilState => {
                "a state saved by anvil (Foundry), which holds no genesis; give the file that anvil was \
                 started with by --init"
            }
            Self::AnvilAccounts => {
                "the list of accounts that anvil (Foundry) writes with --config-out, which holds no \
                 genesis; give the file that anvil was started with by --init"
            }
            Self::StateDump => {
                "a dump of a state, as `geth dump` writes it, which holds no genesis; `geth dumpgenesis` \
                 writes one"
            }
            Self::Alloc => {
                "accounts alone; put them under `alloc` in a genesis beside `config`, `difficulty` and \
                 `gasLimit`"
            }
            Self::RpcBlock => {
                "a block as JSON-RPC answers it, from which the state of a genesis cannot be made; give the \
                 genesis with its `alloc`, or block 0 in RLP"
            }
            Self::TestFixture => {
                "a fixture of Ethereum's tests; take a test's `genesisRLP` as bytes into a file, and give \
                 that"
            }
            Self::Array => {
                "a JSON array, and a genesis is an object; take the one that is meant out into a file of its \
                 own, and give that"
            }
            Self::Text => {
                "a JSON string, and a genesis is an object; if it is a block in RLP as hex, write its bytes \
                 into a file, and give that"
            }
        };
        f.write_str(text)
    }
}
