//! What a devnet keeps in its data directory, so that it can go on where it stopped.
//!
//! ```text
//! devnet.json             how many nodes, how often a block, which chain id
//! genesis.json            geth's format
//! node-0/signer.key       seals blocks; made once
//! node-0/node.key         libp2p identity; made once
//! node-0/chain/           the store
//! node-0/herald.log       the log
//! ```

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use alloy_primitives::U256;
use herald_proto::keccak256;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::files::replace_file;
use herald_chain::chainfile::{GenesisFileError, read_genesis};
use herald_chain::engine::clique::{CliqueConfig, DevGenesis};
use herald_chain::genesis::{Genesis, Strictness};
use herald_chain::key::{AccountKey, KeyError};

const PARAMETERS_FILE: &str = "devnet.json";
const GENESIS_FILE: &str = "genesis.json";
const SIGNER_FILE: &str = "signer.key";

/// Accounts with money. Their keys are the same in every devnet, so that scripts need not look
/// them up; nobody's money is worth anything there.
const ACCOUNTS: u32 = 4;
/// What each has: a million ether, in wei.
const BALANCE_ETHER: u64 = 1_000_000;
const WEI_PER_ETHER: u64 = 1_000_000_000_000_000_000;

/// What a devnet is begun with, and keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DevnetParameters {
    pub nodes: u32,
    /// Seconds between blocks.
    pub block_time: u64,
    /// What transactions are signed for.
    pub chain_id: u64,
}

impl Default for DevnetParameters {
    fn default() -> Self {
        Self { nodes: 4, block_time: 2, chain_id: 1337 }
    }
}

/// What the user asks for; what is not said is as it was, or the default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct WantedParameters {
    pub nodes: Option<u32>,
    /// Seconds between blocks.
    pub block_time: Option<u64>,
    /// What transactions are signed for.
    pub chain_id: Option<u64>,
}

/// A devnet's data, read or made.
#[derive(Debug)]
pub(super) struct Layout {
    pub(super) parameters: DevnetParameters,
    pub(super) genesis: Genesis,
    pub(super) nodes: Vec<NodeFiles>,
    pub(super) accounts: Vec<AccountKey>,
}

/// One node's share.
#[derive(Debug)]
pub(super) struct NodeFiles {
    pub(super) name: String,
    pub(super) datadir: PathBuf,
    pub(super) signer: AccountKey,
}

/// A data directory that no devnet can use.
#[derive(Clone, Debug, Error)]
pub(crate) enum LayoutError {
    /// The file system says no.
    #[error("cannot use {}: {error}; choose another --datadir", path.display())]
    File { path: PathBuf, error: Arc<io::Error> },
    /// The parameters are not what this build writes.
    #[error("{} is damaged: {error}; choose another --datadir", path.display())]
    Parameters { path: PathBuf, error: Arc<serde_json::Error> },
    /// The devnet that is there is another one.
    #[error(
        "{} holds a devnet with {flag} {kept}, and {wanted} was asked for; leave {flag} out, or \
         choose another --datadir",
        path.display()
    )]
    Other {
        path: PathBuf,
        /// What differs.
        flag: &'static str,
        /// What it was begun with.
        kept: u64,
        /// What was asked for.
        wanted: u64,
    },
    /// The genesis cannot be read.
    #[error("{}: {error}", path.display())]
    Genesis { path: PathBuf, error: GenesisFileError },
    /// A signer's key cannot be read or made.
    #[error(transparent)]
    Key(#[from] KeyError),
}

impl Layout {
    /// Reads what `datadir` holds, or makes it.
    pub(super) fn open(datadir: &Path, wanted: WantedParameters) -> Result<Self, LayoutError> {
        create_dir(datadir)?;
        let path = datadir.join(PARAMETERS_FILE);
        let kept = match std::fs::read(&path) {
            Ok(json) => {
                let kept: DevnetParameters = serde_json::from_slice(&json).map_err(|error| {
                    LayoutError::Parameters { path: path.clone(), error: Arc::new(error) }
                })?;
                Some(kept)
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(LayoutError::File { path, error: Arc::new(error) }),
        };
        let parameters = match kept {
            Some(kept) => wanted.check(kept, datadir)?,
            None => wanted.or(DevnetParameters::default()),
        };
        let nodes: Vec<NodeFiles> =
            (0..parameters.nodes).map(|index| NodeFiles::open(datadir, index)).collect::<Result<_, _>>()?;
        let accounts = accounts()?;
        if kept.is_none() {
            let genesis = make_genesis(parameters, &nodes, &accounts);
            write(&datadir.join(GENESIS_FILE), genesis.as_bytes())?;
            // Last: with it the devnet is whole.
            let json = serde_json::to_vec_pretty(&parameters)
                .map_err(|error| LayoutError::Parameters { path: path.clone(), error: Arc::new(error) })?;
            write(&path, &json)?;
        }
        let path = datadir.join(GENESIS_FILE);
        let genesis =
            read_genesis(&path, Strictness::Strict).map_err(|error| LayoutError::Genesis { path, error })?;
        Ok(Self { parameters, genesis, nodes, accounts })
    }
}

impl NodeFiles {
    fn open(datadir: &Path, index: u32) -> Result<Self, LayoutError> {
        let name = format!("node-{index}");
        let datadir = datadir.join(&name);
        create_dir(&datadir)?;
        let path = datadir.join(SIGNER_FILE);
        let signer = if path.exists() {
            AccountKey::from_file(&path)?
        } else {
            let key = AccountKey::random()?;
            key.to_new_file(&path)?;
            key
        };
        Ok(Self { name, datadir, signer })
    }
}

impl WantedParameters {
    fn or(self, default: DevnetParameters) -> DevnetParameters {
        DevnetParameters {
            nodes: self.nodes.unwrap_or(default.nodes),
            block_time: self.block_time.unwrap_or(default.block_time),
            chain_id: self.chain_id.unwrap_or(default.chain_id),
        }
    }

    /// What was said must be as it was: the chain that is there cannot change.
    fn check(self, kept: DevnetParameters, datadir: &Path) -> Result<DevnetParameters, LayoutError> {
        for (flag, wanted, kept) in [
            ("--nodes", self.nodes.map(u64::from), u64::from(kept.nodes)),
            ("--block-time", self.block_time, kept.block_time),
            ("--chain-id", self.chain_id, kept.chain_id),
        ] {
            if let Some(wanted) = wanted
                && wanted != kept
            {
                return Err(LayoutError::Other { path: datadir.into(), flag, kept, wanted });
            }
        }
        Ok(kept)
    }
}

fn make_genesis(parameters: DevnetParameters, nodes: &[NodeFiles], accounts: &[AccountKey]) -> String {
    let balance = U256::from(BALANCE_ETHER).saturating_mul(U256::from(WEI_PER_ETHER));
    DevGenesis {
        chain_id: parameters.chain_id,
        clique: CliqueConfig::default().with(|clique| clique.period = parameters.block_time),
        signers: nodes.iter().map(|node| node.signer.address()).collect(),
        funded: accounts.iter().map(|key| (key.address(), balance)).collect(),
        ..DevGenesis::default()
    }
    .to_json()
}

fn accounts() -> Result<Vec<AccountKey>, LayoutError> {
    let secrets = (0..ACCOUNTS).map(|index| keccak256(format!("herald devnet account {index}").as_bytes()));
    Ok(secrets.map(AccountKey::from_bytes).collect::<Result<_, _>>()?)
}

fn create_dir(path: &Path) -> Result<(), LayoutError> {
    std::fs::create_dir_all(path)
        .map_err(|error| LayoutError::File { path: path.into(), error: Arc::new(error) })
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), LayoutError> {
    replace_file(path, bytes).map_err(|error| LayoutError::File { path: path.into(), error: Arc::new(error) })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

    use super::*;

    #[test]
    fn what_was_made_once_is_read_again() {
        let directory = tempfile::tempdir().unwrap();
        let wanted = WantedParameters { nodes: Some(2), chain_id: Some(7), ..WantedParameters::default() };
        let made = Layout::open(directory.path(), wanted).unwrap();
        assert_eq!(made.parameters, DevnetParameters { nodes: 2, block_time: 2, chain_id: 7 });
        let read = Layout::open(directory.path(), WantedParameters::default()).unwrap();
        assert_eq!(read.parameters, made.parameters);
        assert_eq!(read.genesis.hash(), made.genesis.hash());
        assert_eq!(read.nodes[1].signer.address(), made.nodes[1].signer.address());
        let clique = CliqueConfig::read(read.genesis.section("clique").unwrap()).unwrap();
        assert_eq!(clique.period, 2);
    }

    #[test]
    fn another_devnet_is_refused_with_the_flag_that_differs() {
        let directory = tempfile::tempdir().unwrap();
        Layout::open(directory.path(), WantedParameters { nodes: Some(1), ..WantedParameters::default() })
            .unwrap();
        let wanted = WantedParameters { nodes: Some(1), block_time: Some(9), ..WantedParameters::default() };
        let error = Layout::open(directory.path(), wanted).unwrap_err();
        assert!(error.to_string().contains("--block-time 2, and 9 was asked for"), "{error}");
    }

    #[test]
    fn a_half_made_devnet_is_finished_with_the_keys_that_are_there() {
        let directory = tempfile::tempdir().unwrap();
        let made = Layout::open(directory.path(), WantedParameters::default()).unwrap();
        std::fs::remove_file(directory.path().join(PARAMETERS_FILE)).unwrap();
        let again = Layout::open(directory.path(), WantedParameters::default()).unwrap();
        assert_eq!(again.genesis.hash(), made.genesis.hash());
    }

    #[test]
    fn damaged_parameters_are_named() {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join(PARAMETERS_FILE), "{}").unwrap();
        let error = Layout::open(directory.path(), WantedParameters::default()).unwrap_err();
        assert!(matches!(error, LayoutError::Parameters { .. }), "{error}");
    }
}
