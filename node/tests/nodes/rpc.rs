//! JSON-RPC over real HTTP: shapes, errors and refusals.

use herald_chain::testkit::data;
use herald_proto::BlockExt as _;
use std::collections::BTreeSet;
use std::path::Path;

use serde_json::{Value, json};

use crate::kit::{Herald, chain, genesis, import, post, quantity, run_badly, text, write};

/// A node with three blocks without transactions.
fn small_node(directory: &Path) -> Herald {
    let (genesis, block_0) = genesis(directory);
    let file = directory.join("chain.rlp");
    write(&file, &chain(&block_0, 3, 0));
    import(directory, &genesis, &file);
    Herald::node(directory, &genesis, &[])
}

fn code(error: &Value) -> i64 {
    error["code"].as_i64().unwrap()
}

#[test]
fn wrong_calls_are_told_what_is_wrong() {
    let directory = tempfile::tempdir().unwrap();
    let node = small_node(directory.path());
    assert_eq!(code(&node.call(0, "eth_nonsense", json!([])).unwrap_err()), -32601);
    for (method, params, what) in [
        ("eth_getBlockByNumber", json!([]), "parameter 1 (block) is missing"),
        ("eth_getBlockByNumber", json!(["0x01"]), "without leading zeros"),
        ("eth_getBlockByNumber", json!([1, false]), "parameter 1 (block) must be"),
        (
            "eth_getBlockByNumber",
            json!(["latest", "yes"]),
            "parameter 2 (full transactions) must be true or false",
        ),
        (
            "eth_getBlockByNumber",
            json!(["latest", true, 1]),
            "3 parameters were given, and at most 2 are taken",
        ),
        ("eth_getBlockByHash", json!(["0x12", true]), "parameter 1 (block hash) must be a hash"),
        ("eth_chainId", json!([1]), "1 parameters were given, and at most 0"),
        ("admin_addPeer", json!(["nowhere"]), "parameter 1 (multiaddr)"),
        ("admin_addPeer", json!(["/ip4/127.0.0.1/tcp/1"]), "must end in /p2p/"),
        ("admin_addPeer", json!([node.address(0)]), "this node's own address"),
    ] {
        let error = node.call(0, method, params.clone()).unwrap_err();
        assert_eq!(code(&error), -32602, "{method} {params}: {error}");
        assert!(error["message"].as_str().unwrap().contains(what), "{method} {params}: {error}");
    }
    let error = node.call(0, "admin_importChain", json!(["/nowhere"])).unwrap_err();
    assert_eq!(code(&error), -32000);
    assert!(error["message"].as_str().unwrap().contains("/nowhere: cannot be opened"), "{error}");
}

#[test]
fn pages_of_other_machines_and_giants_are_refused() {
    let directory = tempfile::tempdir().unwrap();
    let node = small_node(directory.path());
    let address = node.rpc_address(0);
    let request = r#"{"jsonrpc":"2.0","id":1,"method":"eth_blockNumber","params":[]}"#;
    assert_eq!(post(address, request, &[]).0, 200);
    assert_eq!(post(address, request, &[("Host", "evil.example:8545")]).0, 403);
    assert_eq!(post(address, request, &[("Origin", "https://evil.example")]).0, 403);
    assert_eq!(post(address, request, &[("Origin", "http://localhost:3000")]).0, 200);
    let giant =
        format!(r#"{{"jsonrpc":"2.0","id":1,"method":"eth_chainId","params":["{}"]}}"#, "x".repeat(2 << 20));
    assert_eq!(post(address, &giant, &[]).0, 413);
    let batch = format!("[{}]", vec![request; 200].join(","));
    assert!(post(address, &batch, &[]).1.contains("error"));
    assert_eq!(node.height(0), 3);
}

#[test]
fn blocks_are_found_by_number_hash_and_tag() {
    let directory = tempfile::tempdir().unwrap();
    let node = small_node(directory.path());
    let ask = |tag: &str| node.ask(0, "eth_getBlockByNumber", json!([tag, false]));
    let head = ask("latest");
    assert_eq!(quantity(&head["number"]), 3);
    assert_eq!(ask("0x3"), head);
    assert_eq!(ask("pending"), head);
    assert_eq!(node.ask(0, "eth_getBlockByHash", json!([head["hash"]])), head);
    assert_eq!(quantity(&head["totalDifficulty"]), 4 * 16);
    let genesis = ask("earliest");
    // Nothing is final yet but genesis: the chain is shorter than the depth that counts as final.
    assert_eq!((ask("finalized"), ask("safe")), (genesis.clone(), genesis.clone()));
    assert_eq!(ask("0x1")["parentHash"], genesis["hash"]);
    assert_eq!(ask("0x4"), Value::Null);
    let unknown = format!("0x{}", "11".repeat(32));
    assert_eq!(node.ask(0, "eth_getBlockByHash", json!([unknown, true])), Value::Null);
    let keys: BTreeSet<&str> = head.as_object().unwrap().keys().map(String::as_str).collect();
    let expected = [
        "difficulty",
        "extraData",
        "gasLimit",
        "gasUsed",
        "hash",
        "logsBloom",
        "miner",
        "mixHash",
        "nonce",
        "number",
        "parentHash",
        "receiptsRoot",
        "sha3Uncles",
        "size",
        "stateRoot",
        "timestamp",
        "totalDifficulty",
        "transactions",
        "transactionsRoot",
        "uncles",
    ];
    assert_eq!(keys, BTreeSet::from(expected));
}

/// What geth's chain of all forks must look like, checked against what other files say of it.
#[test]
fn every_fork_has_the_shape_of_the_specification() {
    let Some(file) = data("execution-apis-2025-02/chain.rlp") else { return };
    let genesis = file.with_file_name("genesis.json");
    let directory = tempfile::tempdir().unwrap();
    import(directory.path(), &genesis, &file);
    let node = Herald::node(directory.path(), &genesis, &[]);
    let text = std::fs::read_to_string(&genesis).unwrap();
    let alloc: Value = serde_json::from_str(&text).unwrap();
    let funded: BTreeSet<String> = alloc["alloc"]
        .as_object()
        .unwrap()
        .keys()
        .map(|address| format!("0x{}", address.trim_start_matches("0x").to_lowercase()))
        .collect();
    let blocks = crate::kit::blocks(&file);
    let mut types = BTreeSet::new();
    for block in &blocks {
        let tag = format!("{:#x}", block.number());
        let hashes = node.ask(0, "eth_getBlockByNumber", json!([tag, false]));
        let full = node.ask(0, "eth_getBlockByNumber", json!([tag, true]));
        assert_eq!(hashes["hash"], json!(block.hash()));
        assert_eq!(quantity(&hashes["size"]), block.encode().len() as u64);
        assert_eq!(hashes["uncles"].as_array().unwrap().len(), block.body.uncles().len());
        assert_eq!(hashes["withdrawals"].is_array(), block.body.withdrawals().is_some());
        assert_eq!(hashes["requestsHash"].is_string(), block.header.requests_hash.is_some());
        for (index, transaction) in full["transactions"].as_array().unwrap().iter().enumerate() {
            assert_eq!(transaction["hash"], hashes["transactions"][index]);
            assert_eq!(quantity(&transaction["transactionIndex"]), index as u64);
            assert_eq!(transaction["blockHash"], hashes["hash"]);
            // Only whoever has money can send: a wrong sender would be nobody's address.
            let from = transaction["from"].as_str().unwrap();
            assert!(funded.contains(from), "{transaction}");
            let kind = quantity(&transaction["type"]);
            assert_eq!(transaction["accessList"].is_array(), kind > 0, "{transaction}");
            assert_eq!(transaction["maxFeePerGas"].is_string(), kind > 1, "{transaction}");
            assert_eq!(transaction["yParity"].is_string(), kind > 0, "{transaction}");
            types.insert(kind);
        }
    }
    assert_eq!(types, BTreeSet::from([0, 1, 2, 3, 4]));
}

#[test]
fn wrong_input_to_a_node_ends_in_one_sentence() {
    let directory = tempfile::tempdir().unwrap();
    let node = small_node(directory.path());
    let genesis = directory.path().join("genesis.json");
    let datadir = directory.path().join("data");
    let other_datadir = directory.path().join("other-data");
    let other = directory.path().join("other.json");
    std::fs::write(&other, r#"{"config": {"chainId": 1}, "difficulty": 1, "gasLimit": 5000, "alloc": {}}"#)
        .unwrap();
    let config = directory.path().join("node.toml");
    std::fs::write(&config, "rcp = '127.0.0.1:0'").unwrap();
    let key = directory.path().join("signer.key");
    std::fs::write(&key, "11".repeat(32)).unwrap();
    let [genesis, datadir, other_datadir, other, config, key] =
        [&genesis, &datadir, &other_datadir, &other, &config, &key].map(|path| text(path));
    let free = ["--rpc", "127.0.0.1:0", "--listen", "/ip4/127.0.0.1/tcp/0"];
    for (arguments, what) in [
        (vec!["--datadir", datadir], "give the chain's genesis with --genesis"),
        (vec!["--genesis", "/nowhere", "--datadir", datadir], "cannot read the genesis file"),
        (vec!["--genesis", genesis, "--datadir", datadir], "is in use by another process"),
        (vec!["--config", config, "--genesis", genesis], "rcp"),
        (
            vec!["--genesis", genesis, "--datadir", other_datadir, "--seal-key", key],
            "engine, trusted, seals no blocks",
        ),
        (vec!["--genesis", genesis, "--datadir", other_datadir, "--engine", "clique"], "no `clique` section"),
    ] {
        let (code, error) = run_badly(["node"].into_iter().chain(free).chain(arguments.clone()));
        let sentence = error.lines().last().unwrap();
        assert_eq!(code, 1, "{arguments:?}: {error}");
        assert!(sentence.starts_with("error: ") && sentence.contains(what), "{arguments:?}: {error}");
    }
    let in_use = ["node", "--genesis", genesis, "--datadir", other_datadir, "--rpc", node.rpc_address(0)];
    let (code, error) = run_badly(in_use);
    assert_eq!(code, 1);
    assert!(error.contains("cannot answer JSON-RPC at 127.0.0.1:"), "{error}");
    let mut node = node;
    assert_eq!(node.interrupt().code(), Some(0));
    let another = ["node", "--genesis", other, "--datadir", datadir];
    let (code, error) = run_badly(another.into_iter().chain(free));
    assert_eq!(code, 1);
    assert!(error.contains("holds the chain with genesis 0x"), "{error}");
}
