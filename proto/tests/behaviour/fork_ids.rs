//! EIP-2124's vectors, forks by time, and alloy's fork filter as an oracle.

use alloy_eip2124 as eip2124;
use alloy_primitives::{B256, b256, hex};
use herald_proto::rlp::ListEncoder;
use herald_proto::{ForkFilter, ForkId, ForkIdError, Limits, Message, MessageCode, Status};
use proptest::prelude::*;

use crate::data;

const MAINNET: B256 = b256!("d4e56740f876aef8c010b86a40d5f56745a118d0906a34e69aec8c0db1cb8fa3");

fn petersburg() -> ForkFilter {
    ForkFilter::new(MAINNET, 0, [1_150_000, 1_920_000, 2_463_000, 2_675_000, 4_370_000, 7_280_000], [])
}

fn fork_id(hash: &str, next: u64) -> ForkId {
    ForkId { hash: hex::decode(hash).unwrap().try_into().unwrap(), next }
}

#[test]
fn creation_vectors() {
    let Some(vectors) = data::json("vectors/eip2124_forkid_vectors.json") else {
        return;
    };
    for (name, chain) in vectors["creation"].as_object().unwrap() {
        let genesis: B256 = chain["genesis"].as_str().unwrap().parse().unwrap();
        let forks = chain["fork_blocks"].as_array().unwrap();
        let forks = forks.iter().map(|at| at.as_u64().unwrap());
        let filter = ForkFilter::new(genesis, 0, forks, []);
        for case in chain["cases"].as_array().unwrap() {
            let head = case["head"].as_u64().unwrap();
            let expected = fork_id(case["hash"].as_str().unwrap(), case["next"].as_u64().unwrap());
            assert_eq!(filter.current(head, 0), expected, "{name} at {head}");
        }
    }
}

#[test]
fn validation_vectors() {
    let Some(vectors) = data::json("vectors/eip2124_forkid_vectors.json") else {
        return;
    };
    let filter = petersburg();
    for case in vectors["validation"].as_array().unwrap() {
        let remote = fork_id(case["remote_hash"].as_str().unwrap(), case["remote_next"].as_u64().unwrap());
        let head = case["local_head"].as_u64().unwrap();
        let result = match filter.check(remote, head, 0) {
            Ok(()) => "accept",
            Err(ForkIdError::RemoteStale { .. }) => "remote-stale",
            Err(ForkIdError::Incompatible { .. }) => "local-incompatible-or-stale",
            Err(other) => panic!("{other}"),
        };
        assert_eq!(result, case["result"].as_str().unwrap(), "{case}");
    }
}

#[test]
fn encoding_vectors() {
    let vectors = [
        (fork_id("00000000", 0), hex!("c6840000000080").as_slice()),
        (fork_id("deadbeef", 0xbadd_cafe), &hex!("ca84deadbeef84baddcafe")),
        (fork_id("ffffffff", u64::MAX), &hex!("ce84ffffffff88ffffffffffffffff")),
    ];
    for (fork_id, encoded) in vectors {
        let status = Status {
            version: 68,
            network_id: 1,
            total_difficulty: Default::default(),
            head: B256::ZERO,
            genesis: B256::ZERO,
            fork_id,
        };
        let payload = Message::Status(status.clone()).encode();
        assert!(payload.ends_with(encoded));
        let decoded = Message::decode(0, &payload, &Limits::default()).unwrap();
        assert_eq!(decoded, Message::Status(status));
        assert_eq!(decoded.code(), MessageCode::Status);
    }
    // Three bytes are no checksum.
    let mut list = ListEncoder::new();
    list.u64(68).u64(1).u64(0).bytes(&[0; 32]).bytes(&[0; 32]).list(|fork_id| {
        fork_id.bytes(&[0; 3]).u64(0);
    });
    let error = Message::decode(0, &list.finish(), &Limits::default()).unwrap_err();
    assert_eq!(error.path(), "Status.fork_id.hash");
}

#[test]
fn mainnet_forks_by_time() {
    // Facts of mainnet: EIP-6122's checksums for Shanghai and Cancun.
    let blocks = [
        1_150_000, 1_920_000, 2_463_000, 2_675_000, 4_370_000, 7_280_000, 9_069_000, 9_200_000, 12_244_000,
        12_965_000, 13_773_000, 15_050_000,
    ];
    let filter = ForkFilter::new(MAINNET, 0, blocks, [1_681_338_455, 1_710_338_135]);
    let current = |number, time| filter.current(number, time);
    assert_eq!(current(15_050_000, 1_656_586_444), fork_id("f0afd0e3", 1_681_338_455));
    assert_eq!(current(17_034_869, 1_681_338_443), fork_id("f0afd0e3", 1_681_338_455));
    assert_eq!(current(17_034_870, 1_681_338_455), fork_id("dce96c2d", 1_710_338_135));
    assert_eq!(current(19_426_587, 1_710_338_135), fork_id("9f3d2254", 0));
    // A peer that expects a fork at a time that we have passed without it.
    let stale = fork_id("9f3d2254", 1_720_000_000);
    assert!(filter.check(stale, 20_000_000, 1_719_999_999).is_ok());
    assert!(filter.check(stale, 20_000_000, 1_720_000_000).is_err());
}

#[test]
fn forks_at_genesis_do_not_count_and_one_point_counts_once() {
    let plain = ForkFilter::new(MAINNET, 1000, [5], [2000]);
    let untidy = ForkFilter::new(MAINNET, 1000, [0, 5, 0, 5], [2000, 1000, 999, 2000]);
    assert_eq!(plain, untidy);
}

#[test]
fn none_fits_everyone_from_either_side() {
    let none = ForkFilter::none();
    assert_eq!(none.current(7_987_396, 0), ForkId::NONE);
    assert_eq!(none.check(fork_id("668db0af", 0), 5, 0), Ok(()));
    assert_eq!(petersburg().check(ForkId::NONE, 7_987_396, 0), Ok(()));
}

/// alloy's filter for the same forks, with its head at `number` and `time`.
fn alloys(blocks: &[u64], times: &[u64], number: u64, time: u64) -> eip2124::ForkFilter {
    let blocks = blocks.iter().map(|at| eip2124::ForkFilterKey::Block(*at));
    let times = times.iter().map(|at| eip2124::ForkFilterKey::Time(*at));
    let head = eip2124::Head { number, timestamp: time, ..Default::default() };
    eip2124::ForkFilter::new(head, MAINNET, 0, blocks.chain(times))
}

/// As geth: forks are passed in the order of their checksums. A chain that reaches a time before a
/// number stands before both.
#[test]
fn a_time_does_not_count_before_an_earlier_number() {
    let ours = ForkFilter::new(MAINNET, 0, [100], [10]);
    let genesis = ours.current(0, 0);
    assert_eq!(genesis, fork_id("fc64ec04", 100));
    assert_eq!(ours.current(99, 5_000), genesis);
    assert_eq!(ours.current(100, 9).next, 10);
    // Why alloy's is not used; if this fails, it may be.
    assert_ne!(alloys(&[100], &[10], 99, 5_000).current().hash.0, genesis.hash);
}

/// Where a second has several blocks, numbers pass the times of forks to come. A node with our own
/// schedule must fit all the same.
#[test]
fn a_node_with_our_schedule_fits_where_numbers_are_above_times() {
    let ours = ForkFilter::new(MAINNET, 0, [], [1_000]);
    let same = ours.current(2_000, 500);
    assert_eq!(same, fork_id("fc64ec04", 1_000));
    assert_eq!(ours.check(same, 2_000, 500), Ok(()));
    // Why alloy's is not used; if this fails, it may be.
    let theirs = alloys(&[], &[1_000], 2_000, 500);
    assert!(theirs.validate(theirs.current()).is_err());
}

proptest! {
    /// Forks by block below a billion, forks by time above it, as on every public chain.
    #[test]
    fn agrees_with_alloy(
        genesis in any::<[u8; 32]>(),
        blocks in prop::collection::btree_set(1..50_u64, 0..5),
        times in prop::collection::btree_set(1_500_000_001..1_500_000_050_u64, 0..5),
        local in (0..60_u64, 1_500_000_000..1_500_000_060_u64),
        remote in (0..60_u64, 1_500_000_000..1_500_000_060_u64),
        next in prop::option::of(prop_oneof![0..60_u64, 1_500_000_000..1_500_000_060_u64]),
        foreign in any::<bool>(),
    ) {
        // A head by time is past all forks by block.
        let head = |(number, time): (u64, u64)| {
            if time > 1_500_000_000 + 30 { (number + 50, time) } else { (number, 1_500_000_000) }
        };
        let (local, remote) = (head(local), head(remote));
        let genesis = B256::from(genesis);
        let theirs = || {
            let blocks = blocks.iter().map(|at| eip2124::ForkFilterKey::Block(*at));
            let times = times.iter().map(|at| eip2124::ForkFilterKey::Time(*at));
            blocks.chain(times)
        };
        let filter = |at: (u64, u64)| {
            let head = eip2124::Head { number: at.0, timestamp: at.1, ..Default::default() };
            eip2124::ForkFilter::new(head, genesis, 1_500_000_000, theirs())
        };
        let ours = ForkFilter::new(genesis, 1_500_000_000, blocks.clone(), times.clone());

        let current = ours.current(local.0, local.1);
        let expected = filter(local).current();
        prop_assert_eq!(current, ForkId { hash: expected.hash.0, next: expected.next });

        let mut remote = ours.current(remote.0, remote.1);
        remote.next = next.unwrap_or(remote.next);
        if foreign {
            remote.hash[0] ^= 1;
        }
        let their_remote =
            eip2124::ForkId { hash: eip2124::ForkHash(remote.hash), next: remote.next };
        let verdict = ours.check(remote, local.0, local.1);
        match filter(local).validate(their_remote) {
            Ok(()) => prop_assert_eq!(verdict, Ok(())),
            Err(eip2124::ValidationError::RemoteStale { .. }) => {
                let same = matches!(verdict, Err(ForkIdError::RemoteStale { .. }));
prop_assert!(same, "{:?}", verdict);
            }
            Err(eip2124::ValidationError::LocalIncompatibleOrStale { .. }) => {
                let same = matches!(verdict, Err(ForkIdError::Incompatible { .. }));
prop_assert!(same, "{:?}", verdict);
            }
        }
    }
}
