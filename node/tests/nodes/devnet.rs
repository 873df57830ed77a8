//! `herald devnet`: what a user sees of it.

use serde_json::{Value, json};

use crate::kit::{Herald, quantity, run_badly, text, wait_for};

fn agreed(devnet: &Herald, number: u64) -> Option<String> {
    let hashes: Option<Vec<String>> = (0..devnet.nodes()).map(|node| devnet.hash(node, number)).collect();
    let hashes = hashes?;
    hashes.iter().all(|hash| *hash == hashes[0]).then(|| hashes[0].clone())
}

#[test]
fn four_nodes_agree_end_well_and_go_on_where_they_stopped() {
    let directory = tempfile::tempdir().unwrap();
    let datadir = directory.path().join("devnet");
    let arguments = ["devnet", "--port", "0", "--block-time", "1", "--datadir", text(&datadir)];
    let mut devnet = Herald::start(directory.path(), arguments);
    assert_eq!(devnet.nodes(), 4);
    let hash = wait_for("agreement at block 6", || agreed(&devnet, 6));
    for node in 0..4 {
        assert_eq!(quantity(&devnet.ask(node, "eth_chainId", json!([]))), 1337);
        assert_eq!(quantity(&devnet.ask(node, "net_peerCount", json!([]))), 3);
        // Three of four blocks are others', and come through the fetcher.
        let fetcher = devnet.ask(node, "herald_fetcher", json!([]));
        assert!(quantity(&fetcher["counters"]["ends"]["imported"]) > 0, "{fetcher}");
    }
    let genesis = devnet.info["genesis"].clone();
    let before = devnet.height(0);
    assert_eq!(devnet.interrupt().code(), Some(0));

    let mut again = Herald::start(directory.path(), ["devnet", "--port", "0", "--datadir", text(&datadir)]);
    assert_eq!(again.info["genesis"], genesis);
    assert!(again.height(0) >= before);
    assert_eq!(again.hash(0, 6), Some(hash));
    let further = before + 4;
    wait_for("agreement after the restart", || agreed(&again, further));
    assert_eq!(again.signal("-TERM").code(), Some(0));

    let (code, error) = run_badly(["devnet", "--datadir", text(&datadir), "--nodes", "7"]);
    assert_eq!((code, error.lines().count()), (1, 1), "{error}");
    assert!(error.contains("a devnet with --nodes 4, and 7 was asked for; leave --nodes out"), "{error}");
}

#[test]
fn one_node_alone_seals_and_ends_after_its_time() {
    let directory = tempfile::tempdir().unwrap();
    let arguments = ["devnet", "--nodes", "1", "--port", "0", "--block-time", "1", "--duration", "3"];
    let mut devnet = Herald::start(directory.path(), arguments);
    let datadir = devnet.info["nodes"][0]["datadir"].as_str().unwrap().to_owned();
    wait_for("block 1", || devnet.hash(0, 1));
    assert_eq!(devnet.ended().code(), Some(0));
    assert!(!std::path::Path::new(&datadir).exists(), "a temporary directory goes with its devnet");
}

#[test]
fn the_info_file_says_what_scripts_need() {
    let directory = tempfile::tempdir().unwrap();
    let devnet =
        Herald::start(directory.path(), ["devnet", "--nodes", "2", "--port", "0", "--chain-id", "7"]);
    assert_eq!(devnet.info["chain_id"], 7);
    for node in 0..2 {
        let described = &devnet.info["nodes"][node];
        assert_eq!(described["name"], format!("node-{node}"));
        let about = devnet.ask(node, "admin_nodeInfo", json!([]));
        assert_eq!(about["peerId"], described["peer_id"]);
        assert_eq!(about["multiaddrs"], described["multiaddrs"]);
        assert_eq!(about["genesis"], devnet.info["genesis"]);
        assert_eq!(quantity(&about["networkId"]), 7);
        let end = format!("/p2p/{}", described["peer_id"].as_str().unwrap());
        let addresses: Vec<&str> =
            described["multiaddrs"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
        assert!(addresses.iter().all(|address| address.ends_with(&end)), "{addresses:?}");
        assert!(addresses[0].contains("/tcp/"));
        assert!(devnet.log(node).contains("node started"));
    }
    let account = &devnet.info["accounts"][0];
    let key: alloy_primitives::B256 = account["private_key"].as_str().unwrap().parse().unwrap();
    let key = herald_chain::key::AccountKey::from_bytes(key).unwrap();
    let address: alloy_primitives::Address = account["address"].as_str().unwrap().parse().unwrap();
    assert_eq!(key.address(), address);
}

#[test]
fn ports_in_use_are_passed_over() {
    let directory = tempfile::tempdir().unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let devnet =
        Herald::start(directory.path(), ["devnet", "--nodes", "1", "--port", port.to_string().as_str()]);
    assert_ne!(devnet.rpc_address(0), format!("127.0.0.1:{port}"));
    wait_for("block 1", || devnet.hash(0, 1));
}

#[test]
fn wrong_usage_ends_with_2() {
    for arguments in [
        vec!["devnet", "--nodes", "0"],
        vec!["devnet", "--block-time", "0"],
        vec!["devnet", "--tx-rate", "5"],
        vec!["node", "--engine", "nonsense"],
        vec!["node", "--listen", "nowhere"],
    ] {
        assert_eq!(run_badly(arguments.iter().copied()).0, 2, "{arguments:?}");
    }
}
