//! Numbers at the ends of their range, and views of the chain that make no sense: no panic.

use herald_fetcher::{
    Admission, BlockHash, BlockNumber, ChainView, Config, Failure, Fetcher, Reason, RequestId, Time,
};

use crate::harness::{Ask, plain, with, with_each};
use crate::toy::{ALICE, Toy, block, child, genesis, made_up_hash};

/// A chain whose head and finalized block are where a test wants them.
struct Odd {
    head: BlockNumber,
    finalized: BlockNumber,
}

impl ChainView for Odd {
    fn contains(&self, _: &BlockHash) -> bool {
        false
    }
    fn head(&self) -> BlockNumber {
        self.head
    }
    fn finalized(&self) -> BlockNumber {
        self.finalized
    }
}

const NUMBERS: [u64; 8] = [0, 1, 2, 39, u64::MAX / 2, u64::MAX - 33, u64::MAX - 1, u64::MAX];

#[test]
fn every_number_against_every_head() {
    for head in NUMBERS {
        for finalized in NUMBERS {
            let chain = Odd { head, finalized };
            let mut fetcher: Fetcher<Toy> = Fetcher::new(Config::default()).unwrap();
            let _ = fetcher.peer_connected(Time::LATEST, ALICE);
            for number in NUMBERS {
                let _ = fetcher.announce(Time::LATEST, &ALICE, made_up_hash(number), number, &chain);
                let odd = block(made_up_hash(number), number, b"odd", 1);
                let pushed = fetcher.push(Time::LATEST, &ALICE, odd, &chain);
                assert!(number > finalized || pushed == Admission::BelowFinality);
                fetcher.chain_advanced(Time::LATEST, &[(made_up_hash(number), number)], &chain);
                assert_eq!(fetcher.check_invariants(), Ok(()));
            }
            fetcher.tick(Time::LATEST, &chain);
            fetcher.peer_gone(Time::LATEST, &ALICE);
            assert_eq!(fetcher.check_invariants(), Ok(()));
        }
    }
}

#[test]
fn a_parent_at_the_end_of_the_range_has_no_child() {
    let chain = Odd { head: u64::MAX - 2, finalized: 0 };
    let mut fetcher: Fetcher<Toy> = Fetcher::new(plain()).unwrap();
    let _ = fetcher.peer_connected(Time::ZERO, ALICE);
    let last = block(made_up_hash(1), u64::MAX, b"last", 0);
    let beyond = block(last.hash(), u64::MAX - 2, b"beyond", 0);
    assert_eq!(fetcher.push(Time::ZERO, &ALICE, beyond, &chain), Admission::Accepted);
    assert_eq!(fetcher.push(Time::ZERO, &ALICE, last, &chain), Admission::Accepted);
    assert_eq!(fetcher.counters().penalties(Reason::InvalidHeader), 1);
    assert_eq!(fetcher.check_invariants(), Ok(()));
}

#[test]
fn request_numbers_that_were_never_given() {
    with_each(|net| {
        net.connect(&[ALICE]);
        let other = block(genesis().hash(), 1, b"a", 0);
        for number in NUMBERS {
            let ask = Ask { peer: ALICE, request: RequestId::new(number) };
            assert_eq!(net.reply_headers(ask, &[&other]).len(), 1);
            assert_eq!(net.reply_bodies(ask, &[&other, &other]).len(), 2);
            net.fail(ask, Failure::Malformed);
        }
        assert_eq!(net.counters().replies_unmatched, 24);
    });
}

#[test]
fn a_peer_that_was_never_there_leaves_and_announces() {
    with(plain(), |net| {
        net.disconnect(ALICE);
        assert_eq!(net.announce_as(ALICE, made_up_hash(1), 1), Admission::UnknownPeer);
        net.connect(&[ALICE]);
        net.disconnect(ALICE);
        net.disconnect(ALICE);
    });
}

#[test]
fn a_block_that_is_its_own_parent_is_not_possible_but_one_of_number_1_without_one_is() {
    with(plain(), |net| {
        net.connect(&[ALICE]);
        let rootless = block(BlockHash::ZERO, 1, b"rootless", 0);
        assert_eq!(net.push(ALICE, &rootless), Admission::Accepted);
        // Its parent would be another genesis block.
        net.expect_out_of_reach(ALICE, &rootless);
        net.disconnect(ALICE);
    });
}

#[test]
fn a_limit_of_bytes_that_is_none() {
    let config = plain().with(|config| {
        config.bytes_per_peer = u64::MAX;
        config.bytes_total = u64::MAX;
    });
    with(config, |net| {
        net.connect(&[ALICE]);
        let block = child(&genesis());
        net.announce(ALICE, &block);
        net.fetch(&block);
        net.import(&block);
    });
}
