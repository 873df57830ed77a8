//! RLP: the community's vectors, and every rule once.

use alloy_primitives::{U256, hex};
use herald_proto::DecodeErrorKind as Kind;
use herald_proto::rlp::{Item, List, ListEncoder, MAX_DEPTH, append_string};
use proptest::prelude::*;
use serde_json::Value;

use crate::data;

fn encode(value: &Value) -> Vec<u8> {
    let mut list = ListEncoder::new();
    append(&mut list, value);
    List::decode(&list.finish()).unwrap().rest().to_vec()
}

fn append(list: &mut ListEncoder, value: &Value) {
    match value {
        Value::String(text) => match text.strip_prefix('#') {
            Some(number) => list.u256(number.parse::<U256>().unwrap()),
            None => list.bytes(text.as_bytes()),
        },
        Value::Number(number) => list.u64(number.as_u64().unwrap()),
        Value::Array(entries) => list.list(|inner| {
            for entry in entries {
                append(inner, entry);
            }
        }),
        Value::Null | Value::Bool(_) | Value::Object(_) => panic!("not RLP: {value}"),
    };
}

fn check(item: &Item<'_>, value: &Value) {
    match value {
        Value::String(text) => match text.strip_prefix('#') {
            Some(number) => assert_eq!(item.u256().unwrap(), number.parse::<U256>().unwrap()),
            None => assert_eq!(item.string().unwrap(), text.as_bytes()),
        },
        Value::Number(number) => assert_eq!(item.u64().unwrap(), number.as_u64().unwrap()),
        Value::Array(entries) => {
            let mut list = item.list().unwrap();
            for entry in entries {
                check(&list.next_item().unwrap().unwrap(), entry);
            }
            list.finish().unwrap();
        }
        Value::Null | Value::Bool(_) | Value::Object(_) => panic!("not RLP: {value}"),
    }
}

#[test]
fn valid_vectors() {
    let Some(vectors) = data::json("vectors/rlptest.json") else {
        return;
    };
    for (name, vector) in vectors.as_object().unwrap() {
        let bytes = hex::decode(vector["out"].as_str().unwrap()).unwrap();
        // A number too large for 32 bytes is bytes to us.
        if let Some(number) = vector["in"].as_str().and_then(|text| text.strip_prefix('#'))
            && number.parse::<U256>().is_err()
        {
            let kind = Item::decode(&bytes).unwrap().u256().unwrap_err().kind();
            assert!(matches!(kind, Kind::IntegerTooLarge { limit: 32, .. }), "{name}: {kind}");
            continue;
        }
        let item = Item::decode(&bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
        item.check_canonical().unwrap_or_else(|error| panic!("{name}: {error}"));
        check(&item, &vector["in"]);
        assert_eq!(encode(&vector["in"]), bytes, "{name}");
    }
}

#[test]
fn invalid_vectors() {
    let Some(vectors) = data::json("vectors/invalidRLPTest.json") else {
        return;
    };
    for (name, vector) in vectors.as_object().unwrap() {
        let bytes = hex::decode(vector["out"].as_str().unwrap()).unwrap();
        let verdict = Item::decode(&bytes).and_then(|item| item.check_canonical());
        assert!(verdict.is_err(), "{name}");
    }
}

#[test]
fn every_rule_has_its_own_error() {
    let whole =
        |bytes: &[u8]| Item::decode(bytes).and_then(|item| item.check_canonical()).unwrap_err().kind();
    assert_eq!(whole(&[]), Kind::Truncated { needed: 1, available: 0 });
    assert_eq!(whole(&[0x83, 1, 2]), Kind::Truncated { needed: 4, available: 3 });
    assert_eq!(whole(&[0xc2, 0x82, 1]), Kind::Truncated { needed: 3, available: 2 });
    assert_eq!(whole(&[0xb9, 1]), Kind::BadLength);
    assert_eq!(whole(&[&[0xbf][..], &[0xff; 8]].concat()), Kind::BadLength);
    assert_eq!(whole(&[0xb8, 55]), Kind::NonCanonicalLength);
    assert_eq!(whole(&[0xf9, 0, 56]), Kind::NonCanonicalLength);
    assert_eq!(whole(&[0x81, 0x7f]), Kind::NonCanonicalByte);
    assert_eq!(whole(&[0xc2, 0x81, 0x7f]), Kind::NonCanonicalByte);
    assert_eq!(whole(&[0x01, 0x02]), Kind::TrailingBytes { count: 1 });

    let item = |bytes: &'static [u8]| Item::decode(bytes).unwrap();
    assert_eq!(item(&[0x01]).list().unwrap_err().kind(), Kind::ExpectedList);
    assert_eq!(item(&[0xc0]).string().unwrap_err().kind(), Kind::ExpectedString);
    assert_eq!(item(&[0x00]).u64().unwrap_err().kind(), Kind::LeadingZero);
    assert_eq!(item(&[0x82, 0, 1]).u256().unwrap_err().kind(), Kind::LeadingZero);
    let nine = item(&[0x89, 1, 0, 0, 0, 0, 0, 0, 0, 0]);
    assert_eq!(nine.u64().unwrap_err().kind(), Kind::IntegerTooLarge { limit: 8, found: 9 });
    assert_eq!(nine.u128().unwrap(), 1 << 64);
    assert_eq!(nine.fixed::<8>().unwrap_err().kind(), Kind::WrongLength { expected: 8, found: 9 });
    assert_eq!(item(&[0x02]).bool().unwrap_err().kind(), Kind::NotBool);

    let mut list = List::decode(&[0xc1, 0x05]).unwrap();
    assert_eq!(list.finish().unwrap_err().kind(), Kind::ExcessItems { count: 1 });
    assert_eq!(list.u64("first").unwrap(), 5);
    let missing = list.u64("second").unwrap_err();
    assert_eq!((missing.kind(), missing.field()), (Kind::Missing, "second"));
}

#[test]
fn nesting_is_bounded() {
    let nested = |depth: usize| {
        let mut bytes = vec![0xc0];
        for _ in 1..depth {
            let mut list = ListEncoder::new();
            list.raw(&bytes);
            bytes = list.finish();
        }
        bytes
    };
    let check = |bytes: &[u8]| Item::decode(bytes).unwrap().check_canonical();
    assert_eq!(check(&nested(MAX_DEPTH)), Ok(()));
    let error = check(&nested(MAX_DEPTH + 1)).unwrap_err();
    assert_eq!(error.kind(), Kind::TooDeep { limit: MAX_DEPTH });
    // A stack's worth.
    assert!(check(&nested(20_000)).is_err());
}

proptest! {
    #[test]
    fn integers_round_trip(small in any::<u64>(), shift in 0..64_u32, words in any::<[u64; 4]>()) {
        let (small, large) = (small >> shift, U256::from_limbs(words) >> (shift * 4));
        let wide = u128::from(small) << shift;
        let mut list = ListEncoder::new();
        list.u64(small).u128(wide).u256(large);
        let bytes = list.finish();
        let mut list = List::decode(&bytes).unwrap();
        prop_assert_eq!(list.u64("").unwrap(), small);
        prop_assert_eq!(list.u128("").unwrap(), wide);
        prop_assert_eq!(list.u256("").unwrap(), large);
        list.finish().unwrap();
    }

    #[test]
    fn strings_are_as_alloy_writes_them(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let mut ours = Vec::new();
        append_string(&mut ours, &bytes);
        prop_assert_eq!(&ours, &alloy_rlp::encode(bytes.as_slice()));
        prop_assert_eq!(Item::decode(&ours).unwrap().string().unwrap(), bytes);
    }
}
