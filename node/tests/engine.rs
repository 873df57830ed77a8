//! A consensus engine that is in no list: handed over as an object, it runs whole nodes.
#![allow(clippy::unwrap_used, missing_docs, reason = "tests")]

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use alloy_primitives::{Address, U256};
use herald_chain::engine::clique::{clique_extra_data, recover_signer, sealed};
use herald_chain::engine::{
    Ancestry, Engine, EngineChoice, Fault, SealError, SealTurn, Turn, VerifyError, Vote,
};
use herald_chain::genesis::Genesis;
use herald_chain::key::AccountKey;
use herald_chain::{BlockError, Chain, Head, Rule};
use herald_node::node::{Node, NodeConfig};
use herald_proto::{Header, HeaderFields};

/// Anybody may seal, and a block is at least so many seconds after its parent.
#[derive(Debug)]
struct Interval(u64);

#[derive(Debug, thiserror::Error)]
#[error("{0} s after its parent")]
struct TooEarly(u64);

impl Fault for TooEarly {
    fn label(&self) -> &'static str {
        "interval"
    }
}

impl Engine for Interval {
    fn name(&self) -> &'static str {
        "interval"
    }

    fn extra_data_max(&self) -> Option<usize> {
        Some(clique_extra_data(&[]).len())
    }

    fn verify_header(&self, header: &Header, on: &Head, _: &dyn Ancestry) -> Result<(), VerifyError> {
        let since = header.timestamp.saturating_sub(on.header.timestamp);
        if since < self.0 {
            return Err(TooEarly(since).into());
        }
        Ok(recover_signer(header).map(|_| ())?)
    }

    fn sealer(&self, header: &Header) -> Option<Address> {
        recover_signer(header).ok()
    }

    fn seal_turn(&self, on: &Head, _: Address, now: u64, _: &dyn Ancestry) -> Result<SealTurn, SealError> {
        Ok(SealTurn::InTurn { at: now.max(on.header.timestamp.saturating_add(self.0)) })
    }

    fn prepare(
        &self,
        draft: &mut HeaderFields,
        on: &Head,
        _: Address,
        _: Option<Vote>,
        _: &dyn Ancestry,
    ) -> Result<Turn, SealError> {
        draft.timestamp = draft.timestamp.max(on.header.timestamp.saturating_add(self.0));
        draft.difficulty = U256::ONE;
        draft.extra_data = clique_extra_data(&[]);
        Ok(Turn::InTurn)
    }

    fn seal(&self, prepared: HeaderFields, key: &AccountKey) -> Result<Header, SealError> {
        Ok(sealed(prepared, key)?)
    }
}

const GENESIS: &str = r#"{"config": {"chainId": 77, "londonBlock": 0, "shanghaiTime": 0, "cancunTime": 0, "pragueTime": 0}, "difficulty": 1,
    "gasLimit": 30000000, "alloc": {}}"#;

/// Turns a test that would hang into one that fails. Never part of what is tested.
const HANG: Duration = Duration::from_secs(120);

async fn start(directory: &Path, peer: Option<&Node>) -> Node {
    std::fs::create_dir(directory).unwrap();
    let rpc = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let mut config = NodeConfig::new(directory.into(), Genesis::from_json(GENESIS).unwrap(), rpc);
    config.engine = EngineChoice::Given(Arc::new(Interval(2)));
    config.listen = vec!["/ip4/127.0.0.1/tcp/0".parse().unwrap()];
    config.bootnodes = peer.map(Node::listen_addrs).unwrap_or_default();
    Node::start(config).await.unwrap()
}

/// Waits until the chain has block `number`, and returns its header.
async fn header(chain: &Chain, number: u64) -> Header {
    let mut events = chain.events();
    let arrival = async {
        loop {
            if let Some(header) = chain.header_by_number(number).unwrap() {
                return header;
            }
            // Whatever came or was missed, the chain tells.
            let _event = events.recv().await;
        }
    };
    tokio::time::timeout(HANG, arrival).await.expect("a block arrives")
}

#[tokio::test(flavor = "multi_thread")]
async fn an_engine_of_the_callers_runs_two_nodes() {
    let directory = tempfile::tempdir().unwrap();
    let mut sealing = start(&directory.path().join("sealing"), None).await;
    let following = start(&directory.path().join("following"), Some(&sealing)).await;
    let key = AccountKey::random().unwrap();
    sealing.start_sealing(key.clone()).unwrap();
    let head = header(following.chain(), 2).await;
    assert_eq!(Some(head.hash()), sealing.chain().canonical_hash(2).unwrap());
    assert_eq!(following.chain().sealer(&head), Some(key.address()));
    assert_eq!(following.chain().engine().name(), "interval");

    // Its faults are as good as any other's.
    let mut early = following.chain().prepare(&head, key.address(), Vec::new(), None).unwrap();
    early.header.timestamp = head.timestamp + 1;
    let early = early.seal(&key).unwrap();
    let error = following.chain().verify_header(&early.header).unwrap_err();
    let BlockError::Broken(rule) = error else { panic!("{error}") };
    assert!(matches!(&*rule, Rule::Engine(fault) if fault.label() == "interval"), "{rule}");
    assert_eq!(rule.to_string(), "interval: 1 s after its parent");

    following.shutdown().await;
    sealing.shutdown().await;
}
