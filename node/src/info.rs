//! The info file: what a script must know of the nodes that run.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use alloy_primitives::{Address, B256};
use serde::Serialize;
use thiserror::Error;

use crate::files::replace_file;
use libp2p::Multiaddr;

/// What `--info` writes.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Info {
    /// What transactions are signed for; the network id where the genesis does not say.
    pub chain_id: u64,
    /// Hash of block 0.
    pub genesis: B256,
    pub nodes: Vec<NodeInfo>,
    /// Accounts with money, for development only.
    pub accounts: Vec<AccountInfo>,
}

/// One running node.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct NodeInfo {
    /// What it is called here.
    pub name: String,
    pub peer_id: String,
    /// Where it can be dialed, peer id included.
    pub multiaddrs: Vec<Multiaddr>,
    /// The URL of its JSON-RPC.
    pub rpc: String,
    /// Where it keeps its chain and its keys.
    pub datadir: PathBuf,
    /// Its log.
    pub log: PathBuf,
}

/// An account with money.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct AccountInfo {
    pub address: Address,
    /// The key to it.
    pub private_key: B256,
}

/// The info file cannot be written.
#[derive(Clone, Debug, Error)]
#[error("cannot write the info file {}: {error}; check --info", path.display())]
pub(crate) struct InfoError {
    path: PathBuf,
    error: Arc<io::Error>,
}

impl Info {
    /// Writes the file whole and at once: whoever sees it sees all of it.
    ///
    /// # Errors
    /// What the system says.
    pub(crate) fn write(&self, path: &Path) -> Result<(), InfoError> {
        // A path that is not UTF-8 has no JSON.
        serde_json::to_vec_pretty(self)
            .map_err(io::Error::from)
            .and_then(|json| replace_file(path, &json))
            .map_err(|error| InfoError { path: path.into(), error: Arc::new(error) })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

    use super::*;

    #[test]
    fn the_file_has_the_documented_shape_and_nothing_is_left_beside_it() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("info.json");
        std::fs::write(&path, "old").unwrap();
        let info = Info {
            chain_id: 1337,
            genesis: B256::repeat_byte(1),
            nodes: vec![NodeInfo {
                name: "node-0".into(),
                peer_id: "12D3".into(),
                multiaddrs: vec!["/ip4/127.0.0.1/tcp/1".parse().unwrap()],
                rpc: "http://127.0.0.1:8545".into(),
                datadir: "data".into(),
                log: "data/herald.log".into(),
            }],
            accounts: vec![AccountInfo {
                address: Address::repeat_byte(2),
                private_key: B256::repeat_byte(3),
            }],
        };
        info.write(&path).unwrap();
        let json: serde_json::Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        assert_eq!(json["chain_id"], 1337);
        assert_eq!(json["genesis"], format!("0x{}", "01".repeat(32)));
        assert_eq!(json["nodes"][0]["multiaddrs"][0], "/ip4/127.0.0.1/tcp/1");
        assert_eq!(json["accounts"][0]["private_key"], format!("0x{}", "03".repeat(32)));
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_place_that_cannot_be_written_is_named() {
        let info = Info { chain_id: 1, genesis: B256::ZERO, nodes: vec![], accounts: vec![] };
        let error = info.write(Path::new("/nonexistent/info.json")).unwrap_err();
        assert!(error.to_string().starts_with("cannot write the info file /nonexistent/info.json: "));
    }
}
