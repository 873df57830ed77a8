//! No file makes the reader panic.

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::{CliqueConfig, Genesis, Strictness};
use crate::engine::EngineChoice;
use crate::genesis::keys::{ACCOUNT, CONFIG, TOP};

const ADDRESS: &str = "19e7e376e7c213b7e7e7e46cc70a5dd086daff2a";

/// Names that mean something, in some letters, and names that do not.
fn name() -> impl Strategy<Value = String> {
    let known: Vec<&str> = [TOP, CONFIG, ACCOUNT].into_iter().flatten().map(|(name, _)| *name).collect();
    let known = prop_oneof![
        8 => proptest::sample::select(known),
        2 => proptest::sample::select(vec!["period", "epoch", "cancun", "genesis", "accounts", ADDRESS, "0x01"]),
    ];
    prop_oneof![
        4 => known.clone().prop_map(str::to_owned),
        1 => known.prop_map(str::to_lowercase),
        1 => any::<String>(),
    ]
}

fn scalar() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        (0..4_u64).prop_map(Value::from),
        "0x[0-9a-fA-F]{0,70}".prop_map(Value::from),
        "[0-9]{0,90}".prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ]
}

fn value() -> impl Strategy<Value = Value> {
    scalar().prop_recursive(4, 40, 8, |inner| {
        prop_oneof![
            1 => proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            4 => proptest::collection::vec((name(), inner), 0..8)
                .prop_map(|entries| Value::Object(entries.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

/// Reads it either way, and does with it what opening a chain does.
fn read(text: &str) {
    for strictness in [Strictness::Strict, Strictness::Lenient] {
        if let Ok(genesis) = Genesis::read(text, strictness) {
            let _ = genesis.section("clique").map(CliqueConfig::read);
            for choice in EngineChoice::names() {
                let _ = choice.parse::<EngineChoice>().unwrap().open(&genesis);
            }
        }
    }
}

proptest! {
    /// A genesis with any text in a field is read or refused with that field's name.
    #[test]
    fn no_field_makes_a_genesis_panic(field in 0_usize..8, text in "[ -~]{0,40}") {
        let fields = [
            "difficulty", "gasLimit", "nonce", "timestamp", "extraData", "mixHash", "coinbase", "config",
        ];
        let mut genesis = serde_json::json!({ "difficulty": "1", "gasLimit": "5000", "alloc": {} });
        genesis[fields[field]] = text.into();
        if let Err(error) = Genesis::from_json(&genesis.to_string()) {
            proptest::prop_assert!(error.to_string().contains(fields[field]), "{}", error);
        }
    }

    /// Whatever stands at whatever place of a genesis that is otherwise sound.
    #[test]
    fn no_value_makes_a_genesis_panic(
        top in proptest::collection::vec((name(), value()), 0..3),
        config in proptest::collection::vec((name(), value()), 0..4),
        account in proptest::collection::vec((name(), value()), 0..3),
        clique in value(),
    ) {
        let mut genesis = json!({
            "difficulty": "1", "gasLimit": "5000",
            "config": { "londonBlock": 0, "clique": clique },
            "alloc": { ADDRESS: { "balance": "1" } },
        });
        for (section, entries) in
            [("/config", config), (&format!("/alloc/{ADDRESS}"), account), ("", top)]
        {
            let object = genesis.pointer_mut(section).and_then(Value::as_object_mut);
            object.unwrap().extend(entries);
        }
        read(&genesis.to_string());
    }

    #[test]
    fn no_json_makes_a_genesis_panic(value in value()) {
        read(&value.to_string());
    }

    #[test]
    fn no_text_makes_a_genesis_panic(text in any::<String>(), cut in 0_usize..400) {
        read(&text);
        let whole = crate::engine::clique::DevGenesis::default().to_json();
        let (start, rest) = whole.split_at(cut.min(whole.len()));
        read(&format!("{start}{text}{rest}"));
        read(start);
    }
}
