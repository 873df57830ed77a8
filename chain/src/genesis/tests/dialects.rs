//! Besu's dialect, Clique's section, and files that are something else.

use alloy_primitives::U256;

use super::{CliqueConfig, Genesis, Strictness};
use crate::engine::EngineChoice;
use crate::engine::clique::{PERIOD_MAX_SECS, clique_extra_data};
use crate::genesis::{BlockFork, OtherFormat, TimeFork};
use crate::testkit;

/// The extra data of a genesis with one signer.
fn extra() -> String {
    clique_extra_data(&[testkit::signers(1)[0].address()]).to_string()
}

/// A Clique genesis with that section, and more in `config`.
fn clique(section: &str, more: &str) -> String {
    let extra = extra();
    format!(
        r#"{{"config": {{"chainId": 7, "londonBlock": 0, "clique": {section}{more}}},
            "difficulty": "1", "gasLimit": "8000000", "extraData": "{extra}", "alloc": {{}}}}"#
    )
}

fn read(section: &str) -> Result<CliqueConfig, String> {
    let genesis = Genesis::from_json(&clique(section, "")).unwrap();
    CliqueConfig::read(genesis.section("clique").unwrap()).map_err(|error| error.to_string())
}

#[test]
fn clique_is_read_by_geths_names_and_by_besus() {
    for (section, period, epoch) in [
        (r#"{"period": 5, "epoch": 100}"#, 5, 100),
        (r#"{"period": "0x5"}"#, 5, 30_000),
        (r#"{"period": 5, "epoch": 0}"#, 5, 30_000),
        (r#"{"blockperiodseconds": 4, "epochlength": 30, "createemptyblocks": true}"#, 4, 30),
        (r#"{"blockPeriodSeconds": 4, "epochLength": 30}"#, 4, 30),
        (r#"{"period": 4, "blockperiodseconds": 4, "epoch": 9, "epochlength": 9}"#, 4, 9),
    ] {
        assert_eq!(read(section), Ok(CliqueConfig { period, epoch }), "{section}");
    }
}

#[test]
fn what_clique_cannot_do_is_refused_with_why() {
    for (section, expected) in [
        ("{}", "genesis field `config.clique.period`: is missing; add it"),
        (
            r#"{"period": 0}"#,
            "genesis field `config.clique.period`: is 0, which means to seal only when there are transactions",
        ),
        (
            r#"{"blockperiodseconds": 0}"#,
            "genesis field `config.clique.blockperiodseconds`: is 0, which means",
        ),
        (
            r#"{"period": 5, "createemptyblocks": false}"#,
            "genesis field `config.clique.createemptyblocks`: is false, which means to seal only when",
        ),
        (
            r#"{"period": 5, "blockperiodseconds": 4}"#,
            "genesis field `config.clique.blockperiodseconds`: is another name for `period`, which has another value; keep one",
        ),
        (
            r#"{"period": 5, "epoch": 4, "epochlength": 5}"#,
            "genesis field `config.clique.epochlength`: is another name for `epoch`",
        ),
        (r#"{"periode": 5}"#, "genesis field `config.clique.periode`: is not known; `period` may be meant"),
        (
            r#"{"blockperiodsecond": 5}"#,
            "genesis field `config.clique.blockperiodsecond`: is not known; `blockperiodseconds` may be meant",
        ),
        (r#"{"period": -1}"#, "genesis field `config.clique.period`: `-1` is no number"),
    ] {
        let error = read(section).unwrap_err();
        assert!(error.starts_with(expected), "{section}: {error}");
    }
    let lenient = Genesis::read(&clique(r#"{"period": 5, "speed": 9}"#, ""), Strictness::Lenient).unwrap();
    let config = CliqueConfig::read(lenient.section("CLIQUE").unwrap()).unwrap();
    assert_eq!(config.period, 5);
}

#[test]
fn a_genesis_that_no_block_can_follow_is_refused_when_the_chain_is_opened() {
    let opened = |json: &str| {
        let genesis = Genesis::from_json(json).unwrap();
        EngineChoice::Auto.open(&genesis).map(|engine| engine.name()).map_err(|error| error.to_string())
    };
    let five = r#"{"period": 5}"#;
    assert_eq!(opened(&clique(five, "")), Ok("clique"));
    // A chain that is to merge leaves Clique before Shanghai, as Goerli did.
    let merges = r#", "terminalTotalDifficulty": 100, "shanghaiTime": 50"#;
    assert_eq!(opened(&clique(five, merges)), Ok("clique"));
    let sound = clique(five, "");
    for (json, expected) in [
        (
            clique(five, r#", "shanghaiTime": 50"#),
            "`config.shanghaiTime`: is set, and Clique ends before Shanghai",
        ),
        (
            clique(five, r#", "cancunTime": 50"#),
            "`config.shanghaiTime`: is set, and Clique ends before Shanghai",
        ),
        (
            clique(five, r#", "terminalTotalDifficulty": 100, "shanghaiTime": 0"#),
            "`config.shanghaiTime`: is reached at genesis",
        ),
        (
            clique(five, r#", "terminalTotalDifficulty": 1"#),
            "`config.terminalTotalDifficulty`: is reached by block 0",
        ),
        (clique(r#"{"period": 0}"#, ""), "`config.clique.period`: is 0"),
        (clique(r#"{"period": 86401}"#, ""), "`config.clique.period`: is more than a day (86400)"),
        (
            clique(r#"{"blockperiodseconds": 18446744073709551615}"#, ""),
            "`config.clique.blockperiodseconds`: is more than a day (86400)",
        ),
        (sound.replace("8000000", "4999"), "`gasLimit`: is out of bounds"),
        (sound.replace("8000000", "0x8000000000000000"), "`gasLimit`: is out of bounds"),
        (
            sound
                .replace(r#""londonBlock": 0"#, r#""londonBlock": 1"#)
                .replace("8000000", "0x4000000000000000"),
            "`gasLimit`: is out of bounds",
        ),
        (
            sound.replace(r#""alloc""#, r#""timestamp": "0xfffffffffffffffe", "alloc""#),
            "`timestamp`: is so late",
        ),
        (
            sound.replace(&extra(), "0x1234"),
            "the genesis does not suit the engine clique: extra data has 2 bytes",
        ),
    ] {
        let error = opened(&json).unwrap_err();
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn the_longest_period_is_a_day() {
    assert_eq!(read(&format!(r#"{{"period": {PERIOD_MAX_SECS}}}"#)).unwrap().period, 86_400);
}

#[test]
fn a_signer_that_is_listed_twice_is_refused_by_name() {
    let keys = testkit::signers(3);
    let [one, two, three] = [0, 1, 2].map(|n: usize| keys[n].address());
    let mut listed = clique_extra_data(&[one, two, three]).to_vec();
    let json = |listed: &[u8]| {
        let extra_data = alloy_primitives::hex::encode_prefixed(listed);
        clique(r#"{"period": 2}"#, "").replace(&extra(), &extra_data)
    };
    let open = |listed: &[u8]| EngineChoice::Auto.open(&Genesis::from_json(&json(listed)).unwrap());
    open(&listed).unwrap();
    // The third is written over by the first, which is not its neighbour.
    listed[72..92].copy_from_slice(one.as_slice());
    let error = open(&listed).unwrap_err().to_string();
    assert!(error.contains(&format!("signer {one} is listed twice in the extra data")), "{error}");
}

#[test]
fn signers_may_be_listed_in_any_order() {
    // geth and Besu take the genesis' signers as a set; only later checkpoints must be in order.
    let keys = testkit::signers(2);
    let (one, two) = (keys[0].address(), keys[1].address());
    let sorted = clique_extra_data(&[one, two]).to_vec();
    let mut swapped = sorted.clone();
    swapped[32..52].copy_from_slice(two.as_slice());
    swapped[52..72].copy_from_slice(one.as_slice());
    let json = clique(r#"{"period": 2}"#, "");
    let directory = tempfile::tempdir().unwrap();
    for (name, listed) in [("sorted", sorted), ("swapped", swapped)] {
        let json = json.replace(&extra(), &alloy_primitives::hex::encode_prefixed(listed));
        let genesis = Genesis::from_json(&json).unwrap();
        let chain = testkit::open(&directory.path().join(name), &genesis, &testkit::clock());
        assert_eq!(chain.sealers(genesis.header()).unwrap().unwrap(), [one, two], "{name}");
        let key = &keys[1];
        let block =
            chain.prepare(genesis.header(), key.address(), Vec::new(), None).unwrap().seal(key).unwrap();
        assert_eq!(chain.import(&[block]).unwrap().imported, 1, "{name}");
    }
}

#[test]
fn the_section_of_an_engine_that_is_not_here_is_refused_by_name() {
    let genesis = |config: &str| {
        let json = format!(
            r#"{{"config": {{"chainId": 7, {config}}}, "difficulty": "1", "gasLimit": "8000000", "alloc": {{}}}}"#
        );
        Genesis::from_json(&json)
    };
    for (section, expected) in [
        (
            "parlia",
            "`config.parlia` in the genesis asks for a consensus engine that is not here: Parlia, BNB Smart \
             Chain's engine; --engine trusted follows",
        ),
        (
            "optimism",
            "`config.optimism` in the genesis asks for a consensus engine that is not here: the OP Stack, whose \
             blocks come from another chain; ",
        ),
        (
            "tendermint",
            "genesis field `config.tendermint`: is not known, and would be the section of a consensus",
        ),
    ] {
        let genesis = genesis(&format!(r#""{section}": {{}}"#)).unwrap();
        for choice in ["auto", "clique"] {
            let error = choice.parse::<EngineChoice>().unwrap().open(&genesis).unwrap_err().to_string();
            assert!(error.starts_with(expected), "{error}");
        }
        assert_eq!("trusted".parse::<EngineChoice>().unwrap().open(&genesis).unwrap().name(), "trusted");
    }
    let lenient = clique(r#"{"period": 5}"#, r#", "notes": {}"#);
    assert!(EngineChoice::Auto.open(&Genesis::from_json(&lenient).unwrap()).is_err());
    let lenient = Genesis::read(&lenient, Strictness::Lenient).unwrap();
    assert_eq!(EngineChoice::Auto.open(&lenient).unwrap().name(), "clique");
    // Its client's keys are not known either; the engine says more than they do.
    let error = genesis(r#""ramanujanBlock": 0, "parlia": {}"#).unwrap_err().to_string();
    assert!(error.contains("`config.parlia` in the genesis"), "{error}");
    let error = genesis(r#""ramanujanBlock": 0, "ethash": {}"#).unwrap_err().to_string();
    assert!(error.contains("`config.ramanujanBlock`: is not known"), "{error}");
}

#[test]
fn a_fork_that_is_left_out_comes_with_a_later_one() {
    let rules = |config: &str| {
        let json = format!(
            r#"{{"config": {{"chainId": 7, {config}}}, "difficulty": "1", "gasLimit": "8000000", "alloc": {{}}}}"#
        );
        Genesis::from_json(&json).map(|genesis| genesis.config().unwrap().clone())
    };
    let config =
        rules(r#""daoForkBlock": 3, "constantinopleFixBlock": 5, "londonBlock": 9, "cancunTime": 100"#)
            .unwrap();
    for (fork, block) in [
        (BlockFork::Homestead, Some(5)),
        (BlockFork::Dao, Some(3)),
        (BlockFork::Constantinople, Some(5)),
        (BlockFork::Petersburg, Some(5)),
        (BlockFork::Berlin, Some(9)),
        (BlockFork::MuirGlacier, None),
        (BlockFork::GrayGlacier, None),
    ] {
        assert_eq!(config.fork_block(fork), block, "{fork:?}");
    }
    assert_eq!(config.fork_time(TimeFork::Shanghai), Some(100));
    assert_eq!((config.fork_time(TimeFork::Prague), config.fork_time(TimeFork::Bpo1)), (None, None));
    // The fork id counts what is given.
    assert_eq!((config.block_forks(), config.time_forks()), (&[3, 5, 9][..], &[100][..]));
    assert!(!config.dao_fork_support());
    let merged =
        rules(r#""daoForkSupport": true, "terminalTotalDifficulty": 58750000000000000000000"#).unwrap();
    assert!(merged.dao_fork_support());
    assert_eq!(merged.terminal_total_difficulty(), Some("58750000000000000000000".parse::<U256>().unwrap()));

    for (config, expected) in [
        (r#""cancunTime": 5"#, "`config.cancunTime`: needs `londonBlock`"),
        (
            r#""londonBlock": 0, "shanghaiTime": 5, "cancunTime": 4"#,
            "`config.cancunTime`: comes before `shanghaiTime`",
        ),
        (
            r#""londonBlock": 0, "shanghaiTime": 5, "pragueTime": 6"#,
            "`config.pragueTime`: needs `cancunTime`",
        ),
        (r#""londonBlock": 0, "cancunTime": 5, "osakaTime": 6"#, "`config.osakaTime`: needs `pragueTime`"),
        (
            r#""petersburgBlock": 1, "constantinopleFixBlock": 2"#,
            "`config.constantinopleFixBlock`: is another name for `petersburgBlock`",
        ),
        (
            r#""londonBlock": 0, "cancunTime": 0, "pragueTime": 0, "amsterdamTime": 0"#,
            "`config.amsterdamTime`: is reached at genesis",
        ),
        (r#""londonBlock": 0, "ubtTime": 0"#, "`config.ubtTime`: is reached at genesis"),
    ] {
        let error = rules(config).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
    rules(r#""londonBlock": 0, "cancunTime": 0, "pragueTime": 1, "amsterdamTime": 1, "ubtTime": 1"#).unwrap();
}

#[test]
fn a_blob_schedule_is_read() {
    let json = |schedule: &str| {
        format!(
            r#"{{"config": {{"londonBlock": 0, "blobSchedule": {schedule}}}, "difficulty": "1",
                "gasLimit": "8000000", "alloc": {{}}}}"#
        )
    };
    let genesis =
        Genesis::from_json(&json(r#"{"cancun": {"target": 3, "max": 6, "baseFeeUpdateFraction": 3338477}}"#));
    let genesis = genesis.unwrap();
    let config = genesis.config().unwrap();
    let blobs = config.blob_parameters(TimeFork::Cancun).unwrap();
    assert_eq!((blobs.target, blobs.max, blobs.base_fee_update_fraction), (3, 6, 3_338_477));
    assert_eq!(config.blob_parameters(TimeFork::Bpo1), None);
    for (parameters, expected) in [
        (r#"{"target": 3}"#, "max`: is missing; add it"),
        (r#"{"target": 3, "max": 0}"#, "max`: must not be 0"),
        (r#"{"target": 3, "max": 6, "baseFeeUpdateFraction": 0}"#, "baseFeeUpdateFraction`: must not be 0"),
    ] {
        let error = Genesis::from_json(&json(&format!(r#"{{"prague": {parameters}}}"#))).unwrap_err();
        assert_eq!(error.to_string(), format!("genesis field `config.blobSchedule.prague.{expected}"));
    }
}

#[test]
fn files_of_other_formats_are_named() {
    use OtherFormat::*;
    let wrapped = |key: &str| Wrapped { key: key.to_owned() };
    let account = "0x19e7e376e7c213b7e7e7e46cc70a5dd086daff2a";
    for (json, format, to_do) in [
        (
            r#"{"name": "x", "engine": {}, "params": {}, "genesis": {}, "accounts": {}, "nodes": []}"#
                .to_owned(),
            Chainspec,
            "genesis.json",
        ),
        (r#"{"engine": {}, "params": {}}"#.to_owned(), Chainspec, "genesis.json"),
        (
            r#"{"genesis": {"config": {"ibft2": {}}}, "blockchain": {"nodes": {}}}"#.to_owned(),
            BesuNetwork,
            "operator",
        ),
        (r#"{"genesis": {"alloc": {}}}"#.to_owned(), wrapped("genesis"), "under `genesis`"),
        (
            r#"{"Devnet": {"difficulty": 1, "alloc": {}}, "bootnodes": []}"#.to_owned(),
            wrapped("Devnet"),
            "under `Devnet`",
        ),
        (r#" [{"difficulty": 1, "alloc": {}}]"#.to_owned(), Array, "a JSON array"),
        (r#""0xf90200""#.to_owned(), Text, "a JSON string"),
        (
            r#"{"block": {}, "accounts": {}, "best_block_number": 0, "blocks": []}"#.to_owned(),
            AnvilState,
            "--init",
        ),
        (
            r#"{"available_accounts": [], "private_keys": [], "wallet": {}}"#.to_owned(),
            AnvilAccounts,
            "--init",
        ),
        (r#"{"root": "00", "accounts": {}}"#.to_owned(), StateDump, "geth dumpgenesis"),
        (format!(r#"{{"{account}": {{"balance": "1"}}}}"#), Alloc, "`alloc`"),
        (r#"{"hash": "0x", "parentHash": "0x", "stateRoot": "0x"}"#.to_owned(), RpcBlock, "RLP"),
        (r#"{"test": {"genesisBlockHeader": {}, "blocks": []}}"#.to_owned(), TestFixture, "genesisRLP"),
    ] {
        for strictness in [Strictness::Strict, Strictness::Lenient] {
            let error = Genesis::read(&json, strictness).unwrap_err();
            assert!(
                matches!(error, super::GenesisError::OtherFormat { format: ref found } if *found == format),
                "{json}: {error}"
            );
        }
        let error = Genesis::from_json(&json).unwrap_err().to_string();
        assert!(error.starts_with("the genesis file is ") && error.contains(to_do), "{error}");
    }
    // Two of them say not which, and what stands in a genesis wraps none.
    for json in [r#"{"a": {"alloc": {}}, "b": {"alloc": {}}}"#, r#"{"config": {"alloc": {}}}"#] {
        let error = Genesis::from_json(json).unwrap_err();
        assert!(!matches!(error, super::GenesisError::OtherFormat { .. }), "{json}: {error}");
    }
    let broken = Genesis::from_json("[nonsense").unwrap_err();
    assert!(matches!(broken, super::GenesisError::Json { .. }), "{broken}");
    let empty = Genesis::from_json("{}").unwrap_err().to_string();
    assert!(empty.contains("is missing"), "{empty}");
}
