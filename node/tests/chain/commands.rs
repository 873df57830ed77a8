//! `import`, `export`, `init` and `key`: what they do, say and end with.

use std::path::Path;

use herald_chain::chainfile::read_genesis;
use herald_chain::genesis::Strictness;
use herald_chain::testkit::data;
use herald_proto::{Block, BlockExt as _};

use crate::kit::{chain, run, run_badly, run_well, text, write};

fn import<'a>(datadir: &'a Path, genesis: &'a Path, file: &'a Path) -> [&'a str; 6] {
    ["import", "--datadir", text(datadir), "--genesis", text(genesis), text(file)]
}

fn export(datadir: &Path, file: &Path, more: &[&str]) -> Vec<u8> {
    let arguments = ["export", "--datadir", text(datadir), text(file)];
    run_well(arguments.into_iter().chain(more.iter().copied()));
    std::fs::read(file).unwrap()
}

#[test]
fn a_chain_goes_in_and_comes_out_the_same() {
    let directory = tempfile::tempdir().unwrap();
    let (genesis, blocks) = chain(directory.path(), 30);
    let file = directory.path().join("chain.rlp");
    write(&file, &blocks);
    let datadir = directory.path().join("data");
    let said = run_well(import(&datadir, &genesis, &file));
    assert!(said.contains("30 blocks imported in "), "{said}");
    assert!(said.ends_with(&format!("head: block 30 {}\n", blocks[29].hash())), "{said}");
    let again = run_well(import(&datadir, &genesis, &file));
    assert!(again.contains("0 blocks imported, 30 known already in "), "{again}");
    let out = directory.path().join("out.rlp");
    assert_eq!(export(&datadir, &out, &[]), std::fs::read(&file).unwrap());

    // With genesis, a file needs no other.
    let block_0 = read_genesis(&genesis, Strictness::Strict).unwrap().block().encode();
    let packed = directory.path().join("all.rlp.gz");
    export(&datadir, &packed, &["--from", "0", "--to", "20"]);
    let fresh = directory.path().join("fresh");
    let said = run_well(["import", "--datadir", text(&fresh), text(&packed)]);
    assert!(said.contains("20 blocks imported, 1 known already"), "{said}");
    assert!(export(&fresh, &out, &["--from", "0"]).starts_with(&block_0));
}

#[test]
fn wrong_input_ends_in_one_sentence() {
    let directory = tempfile::tempdir().unwrap();
    let (genesis, blocks) = chain(directory.path(), 3);
    let file = directory.path().join("chain.rlp");
    write(&file, &blocks);
    let datadir = directory.path().join("data");
    let missing = directory.path().join("missing");

    let (code, error) = run_badly(import(&datadir, &genesis, &missing));
    assert_eq!(code, 1);
    assert!(error.contains("missing: cannot be opened"), "{error}");
    let (code, error) = run_badly(import(&datadir, &missing, &file));
    assert_eq!(code, 1);
    assert!(error.contains("cannot read the genesis file"), "{error}");
    let (code, error) = run_badly(["import", "--datadir", text(&datadir), text(&file)]);
    assert_eq!(code, 1);
    assert!(error.contains("give the chain's genesis with --genesis"), "{error}");
    let out = directory.path().join("out");
    let (code, error) = run_badly(["export", "--datadir", text(&missing), text(&out)]);
    assert_eq!(code, 1);
    assert!(error.contains("holds no chain"), "{error}");
    assert!(!missing.exists());

    run_well(import(&datadir, &genesis, &file));
    let other = directory.path().join("other.json");
    std::fs::write(&other, r#"{"config": {"chainId": 1}, "difficulty": 1, "gasLimit": 5000, "alloc": {}}"#)
        .unwrap();
    let (code, error) = run_badly(import(&datadir, &other, &file));
    assert_eq!(code, 1);
    assert!(error.contains("holds the chain with genesis 0x"), "{error}");
    let clique = ["--engine", "clique"];
    let (code, error) = run_badly(import(&datadir, &genesis, &file).into_iter().chain(clique));
    assert_eq!(code, 1);
    assert!(error.contains("no `clique` section"), "{error}");
    // A file that begins with its own genesis, and another beside it.
    let own = directory.path().join("own.rlp");
    let block_0 = read_genesis(&genesis, Strictness::Strict).unwrap().block().clone();
    write(&own, &[&[block_0][..], &blocks[..]].concat());
    let (code, error) = run_badly(import(&datadir, &other, &own));
    assert_eq!(code, 1);
    assert!(error.contains("leave --genesis out"), "{error}");

    assert_eq!(run(["import"]).status.code(), Some(2));
    assert_eq!(run(["import", "--engine", "nonsense", "file"]).status.code(), Some(2));
    assert_eq!(run(["nonsense"]).status.code(), Some(2));
    assert_eq!(run(["--help"]).status.code(), Some(0));
}

#[test]
fn keys_and_genesis_are_made_and_never_overwritten() {
    let directory = tempfile::tempdir().unwrap();
    let key = directory.path().join("signer.key");
    let address = run_well(["key", "--out", text(&key)]);
    assert_eq!(run_well(["key", "--show", text(&key)]), address);
    let (code, error) = run_badly(["key", "--out", text(&key)]);
    assert_eq!(code, 1);
    assert!(error.contains("cannot use the key file"), "{error}");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(&key).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    let genesis = directory.path().join("genesis.json");
    let address = address.trim();
    let fund = format!("{address}=12");
    let arguments =
        ["init", "--out", text(&genesis), "--signer", address, "--fund", &fund, "--chain-id", "7"];
    let said = run_well(arguments);
    let made = read_genesis(&genesis, Strictness::Strict).unwrap();
    assert!(said.contains(&made.hash().to_string()), "{said}");
    assert_eq!(made.config().unwrap().chain_id, 7);
    assert_eq!(made.header().extra_data.len(), 32 + 20 + 65);
    let (code, error) = run_badly(arguments);
    assert_eq!(code, 1);
    assert!(error.contains("choose another --out"), "{error}");
    assert_eq!(run(["init"]).status.code(), Some(2));
    let bad = ["init", "--signer", address, "--fund", "0x12"];
    assert_eq!(run(bad).status.code(), Some(2));
}

#[test]
fn an_unknown_key_of_a_genesis_is_refused_unless_leniently() {
    let directory = tempfile::tempdir().unwrap();
    let (genesis, blocks) = chain(directory.path(), 3);
    let file = directory.path().join("chain.rlp");
    write(&file, &blocks);
    let datadir = directory.path().join("data");
    let json = std::fs::read_to_string(&genesis).unwrap();
    std::fs::write(&genesis, json.replacen('{', r#"{"extraDate": "0x00", "#, 1)).unwrap();
    let (code, error) = run_badly(import(&datadir, &genesis, &file));
    assert_eq!(code, 1);
    assert!(error.contains("`extraDate`: is not known; `extraData` may be meant"), "{error}");
    let said = run_well(import(&datadir, &genesis, &file).into_iter().chain(["--genesis-lenient"]));
    assert!(said.contains("3 blocks imported in "), "{said}");
    assert_eq!(run(["import", "--genesis-lenient", text(&file)]).status.code(), Some(2));
}

#[test]
fn a_genesis_that_init_makes_is_opened() {
    let directory = tempfile::tempdir().unwrap();
    let [key, genesis, file] =
        ["signer.key", "genesis.json", "chain.rlp"].map(|name| directory.path().join(name));
    let address = run_well(["key", "--out", text(&key)]);
    let init = ["init", "--out", text(&genesis), "--signer", address.trim()];
    let too_late = init.into_iter().chain(["--timestamp", "18446744073709551615"]);
    let (code, error) = run_badly(too_late);
    assert_eq!(code, 1);
    assert!(error.contains("`timestamp`: is so late"), "{error}");
    assert!(!genesis.exists());
    for seconds in ["0", "86401"] {
        assert_eq!(run(init.into_iter().chain(["--block-time", seconds])).status.code(), Some(2));
    }
    run_well(init);
    // A chain file of nothing but block 0 opens the chain.
    write(&file, &[read_genesis(&genesis, Strictness::Strict).unwrap().block().clone()]);
    let datadir = directory.path().join("data");
    let said = run_well(import(&datadir, &genesis, &file).into_iter().chain(["--engine", "clique"]));
    assert!(said.contains("0 blocks imported, 1 known already"), "{said}");
}

#[test]
fn the_hive_chain_imports_with_either_genesis() {
    let Some(file) = data("execution-apis-2025-02/chain.rlp") else { return };
    let directory = tempfile::tempdir().unwrap();
    for name in ["genesis.json", "genesis_block.rlp"] {
        let datadir = directory.path().join(name);
        let said = run_well(import(&datadir, &file.with_file_name(name), &file));
        assert!(said.contains("45 blocks imported in "), "{said}");
        let out = directory.path().join("out.rlp");
        assert_eq!(export(&datadir, &out, &[]), std::fs::read(&file).unwrap());
    }
}

#[test]
fn the_besu_chain_imports_with_its_own_genesis() {
    let Some(file) = data("besu/snap-testBlockchain.blocks") else { return };
    let directory = tempfile::tempdir().unwrap();
    let datadir = directory.path().join("data");
    let said = run_well(["import", "--datadir", text(&datadir), text(&file)]);
    assert!(said.contains("500 blocks imported, 1 known already"), "{said}");
    let out = directory.path().join("out.rlp");
    assert_eq!(export(&datadir, &out, &["--from", "0"]), std::fs::read(&file).unwrap());
}

#[test]
fn a_changed_byte_stops_the_import_at_its_block() {
    let Some(file) = data("execution-apis-2025-02/chain.rlp") else { return };
    let directory = tempfile::tempdir().unwrap();
    let bytes = std::fs::read(&file).unwrap();
    let blocks: Vec<Block> =
        herald_chain::chainfile::Reader::new(&*bytes).unwrap().map(|entry| entry.unwrap().block).collect();
    let offset: usize = blocks[..20].iter().map(Block::encoded_len).sum();
    let body = offset + 3 + blocks[20].header.raw().len();
    let genesis = file.with_file_name("genesis.json");
    let bad = directory.path().join("bad.rlp");
    // Each byte of the body in steps: whether it breaks the encoding or a root.
    for at in (body..offset + blocks[20].encoded_len()).step_by(97) {
        let mut bytes = bytes.clone();
        bytes[at] ^= 0x01;
        std::fs::write(&bad, &bytes).unwrap();
        let datadir = directory.path().join(at.to_string());
        let (code, error) = run_badly(import(&datadir, &genesis, &bad));
        assert_eq!(code, 1);
        let expected =
            format!("block index 20, byte offset {offset}, number 21, hash {}: ", blocks[20].hash());
        assert!(error.contains(&expected), "{at}: {error}");
        assert!(error.contains("(20 blocks imported)"), "{at}: {error}");
        let said = run_well(import(&datadir, &genesis, &file));
        assert!(said.contains("25 blocks imported, 20 known already"), "{said}");
    }
}
