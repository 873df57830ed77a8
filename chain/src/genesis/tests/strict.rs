//! Which keys are read, passed over and refused, and what an error says.

use alloy_primitives::B256;

use super::{CliqueConfig, Genesis, GenesisError, Strictness};
use crate::genesis::keys::{ACCOUNT, BLOB_PARAMETERS, CONFIG, Keys, TOP, Use};
use crate::genesis::{BlockFork, TimeFork};

const ADDRESS: &str = "19e7e376e7c213b7e7e7e46cc70a5dd086daff2a";

/// A genesis with more at the top, in `config`, and in the one account.
fn json(top: &str, config: &str, account: &str) -> String {
    format!(
        r#"{{"difficulty": "1", "gasLimit": "8000000"{top},
            "config": {{"chainId": 7, "londonBlock": 0, "cancunTime": 0{config}}},
            "alloc": {{"{ADDRESS}": {{"balance": "5"{account}}}}}}}"#
    )
}

fn error(json: &str) -> String {
    Genesis::from_json(json).unwrap_err().to_string()
}

#[test]
fn an_unknown_key_is_refused_with_its_path_and_the_one_meant() {
    let in_account = |name: &str| format!("genesis field `alloc.{ADDRESS}.{name}`");
    for (json, expected) in [
        (json(r#", "extraDate": "0x""#, "", ""), "genesis field `extraDate`: is not known; `extraData` may be meant".into()),
        (json(r#", "gasTarget": 1"#, "", ""), "genesis field `gasTarget`: is not known; `gasLimit` may be meant".into()),
        (
            json(r#", "bootnodes": []"#, "", ""),
            "genesis field `bootnodes`: is not known; remove it, or pass over such keys with --genesis-lenient".into(),
        ),
        (
            json("", r#", "shangaiTime": 5"#, ""),
            "genesis field `config.shangaiTime`: is not known; `shanghaiTime` may be meant".into(),
        ),
        (
            json("", r#", "berlin": 5"#, ""),
            "genesis field `config.berlin`: is not known; `berlinBlock` may be meant".into(),
        ),
        (
            json("", r#", "spuriousDragonBlock": 5"#, ""),
            "genesis field `config.spuriousDragonBlock`: is not known; `eip158Block` may be meant".into(),
        ),
        // An object is no engine's section when its name is nearly a known one.
        (
            json("", r#", "cliqe": {"period": 5}"#, ""),
            "genesis field `config.cliqe`: is not known; `clique` may be meant".into(),
        ),
        (
            json("", r#", "blobShedule": {}"#, ""),
            "genesis field `config.blobShedule`: is not known; `blobSchedule` may be meant".into(),
        ),
        (
            json("", r#", "blobSchedule": {"cancum": {}}"#, ""),
            "genesis field `config.blobSchedule.cancum`: is not known; `cancun` may be meant".into(),
        ),
        (
            json("", r#", "blobSchedule": {"cancun": {"targetBlobsPerBlock": 3}}"#, ""),
            "genesis field `config.blobSchedule.cancun.targetBlobsPerBlock`: is not known; `target` may be meant".into(),
        ),
        (
            json("", "", r#", "stroage": {}"#),
            format!("{}: is not known; `storage` may be meant", in_account("stroage")),
        ),
    ] {
        assert_eq!(error(&json), expected);
    }
}

#[test]
fn a_misspelt_key_is_named_before_the_one_that_is_missing_for_it() {
    let json = r#"{"dificulty": "1", "gasLimit": "8000000", "alloc": {}}"#;
    assert_eq!(error(json), "genesis field `dificulty`: is not known; `difficulty` may be meant");
}

#[test]
fn names_are_read_in_whatever_letters() {
    let hash = |json: &str| Genesis::from_json(json).unwrap().hash();
    let all = json(
        r#", "extraData": "0x1234", "mixHash": null, "baseFeePerGas": "0x7", "nonce": "0x42", "timestamp": 9"#,
        r#", "pragueTime": 0"#,
        r#", "nonce": "1", "storage": {"0x01": "0x02"}"#,
    );
    let expected = hash(&all);
    assert_eq!(hash(&all.to_lowercase()), expected);
    assert_eq!(hash(&all.to_uppercase().replace("0X", "0x").replace("NULL", "null")), expected);
    // Each of them matters.
    for name in ["extraData", "baseFeePerGas", "nonce", "timestamp", "londonBlock", "pragueTime", "storage"] {
        assert!(all.contains(&format!(r#""{name}":"#)), "{name}");
        let without = all.replace(&format!(r#""{name}":"#), r#""comment":"#);
        let other = Genesis::read(&without, Strictness::Lenient).map(|genesis| genesis.hash());
        assert_ne!(other.ok(), Some(expected), "{name}");
    }
}

#[test]
fn two_spellings_of_one_name_are_refused() {
    for (json, expected) in [
        (
            json(r#", "extraData": "0x12", "extradata": "0x34""#, "", ""),
            "genesis field `extradata`: is there twice, the other time as `extraData`; keep one",
        ),
        (
            json(r#", "nonce": 1, "nonce": 1"#, "", ""),
            "genesis field `nonce`: is there twice, the other time as `nonce`; keep one",
        ),
        (
            json("", r#", "LondonBlock": 1"#, ""),
            "genesis field `config.LondonBlock`: is there twice, the other time as `londonBlock`; keep one",
        ),
    ] {
        assert_eq!(error(&json), expected);
    }
}

#[test]
fn errors_spell_a_name_as_the_file_does() {
    assert_eq!(
        error(&json(r#", "extradata": 5"#, "", "")),
        "genesis field `extradata`: must be a string of hexadecimal bytes, not 5"
    );
}

/// A genesis with one more key in the section that `keys` are of.
fn with_key(keys: Keys, name: &str, value: &str) -> String {
    let more = format!(r#", "{name}": {value}"#);
    if keys == TOP {
        json(&more, "", "")
    } else if keys == CONFIG {
        json("", &more, "")
    } else if keys == ACCOUNT {
        json("", "", &more)
    } else {
        json("", &format!(r#", "blobSchedule": {{"cancun": {{"target": 1{more}}}}}"#), "")
    }
}

#[test]
fn every_key_of_the_tables_is_used_as_they_say() {
    let plain = Genesis::from_json(&json("", "", "")).unwrap().hash();
    for keys in [TOP, CONFIG, ACCOUNT, BLOB_PARAMETERS] {
        for (name, used) in keys {
            let read = |value: &str| Genesis::from_json(&with_key(keys, name, value));
            match used {
                // Their values are checked where they are read.
                Use::Read => {}
                Use::PassedOver(what) => {
                    assert!(!what.is_empty());
                    for value in ["1", "{}", "[]", "\"text\"", "null"] {
                        assert_eq!(read(value).unwrap().hash(), plain, "{name}");
                    }
                }
                Use::Engine(engine, _) => {
                    let genesis = read("{}").unwrap();
                    assert_eq!(genesis.section(name).unwrap().path(), format!("config.{name}"));
                    assert_eq!(genesis.hash(), plain);
                    assert!(!engine.is_empty());
                    assert!(read("5").unwrap_err().to_string().contains("must be an object, not 5"));
                    let null = read("null").unwrap_err().to_string();
                    assert_eq!(null, format!("genesis field `config.{name}`: must be an object, not null"));
                }
                Use::OtherHash(engine) => {
                    let error = read("{}").unwrap_err().to_string();
                    assert!(error.contains(&format!("{engine} (`config.{name}`)")), "{error}");
                }
                Use::Refused { but, why } => {
                    let error = read("\"x\"").unwrap_err().to_string();
                    assert!(error.contains(&format!("{name}`: {why}")), "{error}");
                    for value in but.iter().chain([&"null"]) {
                        assert_eq!(read(value).unwrap().hash(), plain, "{name}");
                    }
                }
                Use::Means(meant) => {
                    let error = read("1").unwrap_err().to_string();
                    assert!(
                        error.contains(&format!("{name}`: is not known; `{meant}` may be meant")),
                        "{error}"
                    );
                }
            }
        }
    }
}

#[test]
fn every_fork_is_read() {
    let names =
        BlockFork::all().iter().map(|fork| fork.key()).chain(TimeFork::all().iter().map(|fork| fork.key()));
    for name in names {
        assert!(CONFIG.contains(&(name, Use::Read)), "{name}");
        let text = json("", "", "").replace(
            r#""londonBlock": 0, "cancunTime": 0"#,
            &format!(r#""londonBlock": 0, "{name}": "ten""#),
        );
        let text = if name == "londonBlock" { text.replacen(r#""londonBlock": 0, "#, "", 1) } else { text };
        let error = error(&text);
        assert!(error.starts_with(&format!("genesis field `config.{name}`: `ten` is no number")), "{error}");
    }
}

#[test]
fn leniently_unknown_keys_are_passed_over_and_nothing_else() {
    let plain = Genesis::from_json(&json("", "", "")).unwrap().hash();
    let read = |json: &str| Genesis::read(json, Strictness::Lenient);
    for json in [
        json(r#", "bootnodes": []"#, "", ""),
        json("", r#", "shangaiTime": 5"#, ""),
        json("", r#", "blobSchedule": {"cancum": {}}"#, ""),
        json("", "", r#", "derivation": "m/0""#),
    ] {
        assert!(matches!(Genesis::from_json(&json), Err(GenesisError::Field { .. })));
        assert_eq!(read(&json).unwrap().hash(), plain);
    }
    // What would change rules or hashes is refused all the same.
    read(&json("", r#", "zeroBaseFee": true"#, "")).unwrap_err();
    read(&json("", r#", "qbft": {}"#, "")).unwrap_err();
    // Nor does a chain lose its engine, or its blob parameters, to a slip.
    for (section, meant) in [("cliqe", "clique"), ("ethahs", "ethash"), ("blobShedule", "blobSchedule")] {
        let error =
            read(&json("", &format!(r#", "{section}": {{"period": 5}}"#), "")).unwrap_err().to_string();
        let expected = format!("genesis field `config.{section}`: is not known; `{meant}` may be meant");
        assert_eq!(error, expected);
    }
    read(&json(r#", "nonce": 1, "NONCE": 2"#, "", "")).unwrap_err();
}

/// docs/genesis.md is for users; this holds it to the tables.
#[test]
fn the_docs_name_every_key() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/genesis.md");
    let Ok(docs) = std::fs::read_to_string(path) else {
        eprintln!("skipped: docs/genesis.md is not in the package");
        return;
    };
    for (name, used) in [TOP, CONFIG, ACCOUNT, BLOB_PARAMETERS].into_iter().flatten() {
        let row = docs.lines().find(|line| line.contains(&format!("`{name}`")));
        let row = row.unwrap_or_else(|| panic!("docs/genesis.md does not name `{name}`"));
        match used {
            Use::Engine(what, _) | Use::OtherHash(what) | Use::PassedOver(what) => {
                assert!(row.contains(what), "`{name}`: {what}");
            }
            Use::Means(meant) => assert!(row.contains(&format!("`{meant}`")), "`{name}`: {meant}"),
            Use::Read | Use::Refused { .. } => {}
        }
    }
}

#[test]
fn an_empty_number_is_zero_where_geth_reads_it_so_and_nowhere_else() {
    let hash = |json: &str| Genesis::from_json(json).unwrap().hash();
    for name in ["nonce", "timestamp", "number", "gasUsed", "baseFeePerGas", "blobGasUsed", "excessBlobGas"] {
        let with = |value: &str| json(&format!(r#", "{name}": "{value}""#), "", "");
        assert_eq!(hash(&with("")), hash(&with("0")), "{name}");
        assert!(error(&with("0x")).contains(&format!("`{name}`: `0x` is no number")), "{name}");
    }
    let plain = json("", "", r#", "nonce": 0"#);
    for (from, to, zero) in [
        (r#""difficulty": "1""#, r#""difficulty": """#, r#""difficulty": 0"#),
        (r#""gasLimit": "8000000""#, r#""gasLimit": """#, r#""gasLimit": 0"#),
        (r#""balance": "5""#, r#""balance": """#, r#""balance": 0"#),
        (r#""nonce": 0"#, r#""nonce": """#, r#""nonce": 0"#),
    ] {
        assert!(plain.contains(from));
        assert_eq!(hash(&plain.replace(from, to)), hash(&plain.replace(from, zero)), "{to}");
    }
    for empty in ["", "0x", "0X"] {
        for config in [
            format!(r#", "berlinBlock": "{empty}""#),
            format!(r#", "pragueTime": "{empty}""#),
            format!(r#", "terminalTotalDifficulty": "{empty}""#),
            format!(r#", "blobSchedule": {{"cancun": {{"target": "{empty}"}}}}"#),
        ] {
            let error = error(&json("", &config, ""));
            assert!(error.contains(&format!("`: `{empty}` is no number")), "{error}");
        }
        let clique = json("", &format!(r#", "clique": {{"period": "{empty}"}}"#), "");
        let genesis = Genesis::from_json(&clique).unwrap();
        let error = CliqueConfig::read(genesis.section("clique").unwrap()).unwrap_err().to_string();
        assert!(error.contains("`config.clique.period`: ") && error.contains("is no number"), "{error}");
    }
}

#[test]
fn a_blob_schedule_must_make_sense() {
    let schedule = |entry: &str| json("", &format!(r#", "blobSchedule": {{"cancun": {entry}}}"#), "");
    let blobs = |target: u64, max: u64| {
        schedule(&format!(r#"{{"target": {target}, "max": {max}, "baseFeeUpdateFraction": 5}}"#))
    };
    for (target, max) in [(0, 1), (3, 6), (6, 6)] {
        let genesis = Genesis::from_json(&blobs(target, max)).unwrap();
        let parameters = genesis.config().unwrap().blob_parameters(TimeFork::Cancun).unwrap();
        assert_eq!((parameters.target, parameters.max), (target, max));
    }
    assert_eq!(
        error(&blobs(7, 6)),
        "genesis field `config.blobSchedule.cancun.target`: is 7, over `max`, which is 6; lower it, or raise `max`"
    );
    assert_eq!(
        error(&schedule("null")),
        "genesis field `config.blobSchedule.cancun`: must be an object, not null"
    );
}

#[test]
fn a_state_root_that_is_given_must_be_that_of_the_accounts() {
    let plain = Genesis::from_json(&json("", "", "")).unwrap();
    let with = |root: &str| json(&format!(r#", "stateRoot": {root}"#), "", "");
    let computed = plain.header().state_root;
    for root in [format!("\"{computed}\""), "null".to_owned()] {
        assert_eq!(Genesis::from_json(&with(&root)).unwrap().hash(), plain.hash());
    }
    let given = B256::repeat_byte(7);
    let said = error(&with(&format!("\"{given}\"")));
    let expected =
        format!("genesis field `stateRoot`: is {given}, and the accounts of `alloc` have {computed}; ");
    assert!(said.starts_with(&expected), "{said}");
    assert!(error(&with("\"0x12\"")).contains("`stateRoot`: must have 32 bytes, not 1"));
}
