//! A host that is wrong about a block, or not ready for it, does not condemn the branch for ever.

use core::time::Duration;

use herald_fetcher::{Admission, Config, End, Mode, Reason, Verdict};

use crate::harness::{Net, plain, with};
use crate::toy::{ALICE, BOB, Toy, blocks_on, child, genesis};

type Block = herald_fetcher::BlockOf<Toy>;

/// Alice pushes a block, and the host says that its header is invalid.
fn refuse(net: &mut Net, block: &Block) {
    assert_eq!(net.push(ALICE, block), Admission::Accepted);
    net.expect_verify(block);
    net.verdict(block, Verdict::Invalid);
    net.expect_penalty(ALICE, Reason::InvalidHeader);
}

#[test]
fn a_bad_hash_is_refused_for_a_minute_and_twice_as_long_each_time() {
    with(plain(), |net| {
        net.connect(&[ALICE, BOB]);
        let block = child(&genesis());
        for seconds in [60, 120, 240] {
            refuse(net, &block);
            net.advance(seconds * 1_000 - 1);
            assert_eq!(net.announce_as(BOB, block.hash(), 1), Admission::BadBlock);
            net.advance(1);
        }
        // The host has come to its senses.
        net.announce(BOB, &block);
        net.fetch(&block);
        net.import(&block);
    });
}

#[test]
fn what_stands_on_it_is_refused_no_longer_than_it_is() {
    with(plain(), |net| {
        net.connect(&[ALICE]);
        let blocks = blocks_on(&genesis(), 4);
        refuse(net, &blocks[0]);
        // Each child comes late in the time of its parent: they would be refused for minutes in turn.
        for child in &blocks[1..] {
            net.advance(19_000);
            assert_eq!(net.push(ALICE, child), Admission::BadBlock);
            net.expect_penalty(ALICE, Reason::InvalidAncestor);
        }
        net.advance(3_000);
        assert_eq!(net.push(ALICE, &blocks[0]), Admission::Accepted);
        net.import(&blocks[0]);
        for block in &blocks[1..] {
            assert_eq!(net.push(ALICE, block), Admission::Accepted);
            net.import(block);
        }
    });
}

#[test]
fn nor_are_those_that_waited_for_it() {
    with(plain(), |net| {
        net.connect(&[ALICE]);
        let blocks = blocks_on(&genesis(), 3);
        assert_eq!(net.push(ALICE, &blocks[0]), Admission::Accepted);
        net.expect_verify(&blocks[0]);
        for block in &blocks[1..] {
            assert_eq!(net.push(ALICE, block), Admission::Accepted);
        }
        net.verdict(&blocks[0], Verdict::Invalid);
        net.expect_penalty(ALICE, Reason::InvalidHeader);
        net.expect_penalty(ALICE, Reason::InvalidAncestor);
        net.expect_penalty(ALICE, Reason::InvalidAncestor);
        net.advance(60_000);
        for block in &blocks {
            assert_eq!(net.push(ALICE, block), Admission::Accepted);
            net.import(block);
        }
    });
}

#[test]
fn a_hash_is_forgotten_on_request_and_its_branch_with_it() {
    with(plain(), |net| {
        net.connect(&[ALICE, BOB]);
        let blocks = blocks_on(&genesis(), 2);
        refuse(net, &blocks[0]);
        assert_eq!(net.push(ALICE, &blocks[1]), Admission::BadBlock);
        net.expect_penalty(ALICE, Reason::InvalidAncestor);
        net.step(|net| net.fetcher.forget(net.now(), &blocks[0].hash()));
        assert_eq!(net.status().bad_blocks, 0);
        for block in &blocks {
            net.announce(BOB, block);
            net.fetch(block);
            net.import(block);
        }
    });
}

#[test]
fn a_block_that_the_host_took_back_is_taken_again_once_it_is_forgotten() {
    with(plain(), |net| {
        net.connect(&[ALICE]);
        let block = child(&genesis());
        assert_eq!(net.push(ALICE, &block), Admission::Accepted);
        net.import(&block);
        net.chain = crate::toy::Chain::new();
        assert_eq!(net.announce_as(ALICE, block.hash(), 1), Admission::Known);
        net.step(|net| net.fetcher.forget(net.now(), &block.hash()));
        net.announce(ALICE, &block);
        net.fetch(&block);
        net.import(&block);
    });
}

fn retry(ms: u64) -> Verdict {
    Verdict::Retry { after: Duration::from_millis(ms) }
}

/// Alice pushes a block, and its import has begun.
fn begin_import(net: &mut Net, block: &Block) {
    assert_eq!(net.push(ALICE, block), Admission::Accepted);
    net.expect_verify(block);
    net.verdict(block, Verdict::Valid);
    net.take_relay(block);
    net.expect_import(block);
}

fn nobody_is_blamed(net: &Net) {
    assert_eq!(Reason::ALL.map(|reason| net.counters().penalties(reason)), [0; Reason::ALL.len()]);
}

#[test]
fn an_engine_that_is_not_ready_gets_the_block_again_and_nobody_else_does() {
    with(plain(), |net| {
        net.connect(&[ALICE, BOB]);
        let block = child(&genesis());
        begin_import(net, &block);
        for _ in 0..3 {
            net.imported(&block, retry(2_000));
            assert!(!net.fetcher.is_quiet());
            // What it is told meanwhile changes nothing, nor does an answer that nobody asked for.
            assert_eq!(net.announce_as(BOB, block.hash(), 1), Admission::Known);
            net.imported(&block, Verdict::Invalid);
            net.advance(1_999);
            net.assert_quiet();
            net.advance(1);
            // Neither verified nor relayed again.
            net.expect_import(&block);
        }
        net.imported(&block, Verdict::Valid);
        net.take_announce(&block);
        assert_eq!(net.counters().answers_unexpected, 3);
        nobody_is_blamed(net);
    });
}

#[test]
fn one_that_says_at_once_is_not_asked_all_the_time_and_not_for_ever() {
    with(plain(), |net| {
        net.connect(&[ALICE]);
        let block = child(&genesis());
        begin_import(net, &block);
        let mut asked = 1;
        loop {
            // The host's own time does not count.
            net.set_now(net.in_ms(1_000));
            net.imported(&block, retry(0));
            net.advance(100);
            if net.status().entries == 0 {
                break;
            }
            net.expect_import(&block);
            asked += 1;
            assert!(asked < 10_000, "it is asked for ever");
        }
        // Every 100 ms of the block's 120 s.
        assert_eq!((asked, net.ends(End::LocalFault)), (1_201, 1));
        assert_eq!(net.push(ALICE, &block), Admission::Accepted);
        net.import(&block);
    });
}

#[test]
fn one_that_comes_back_too_late_ends_without_blame_and_its_turn_is_free() {
    with(plain().with(|config| config.importing = 1), |net| {
        net.connect(&[ALICE]);
        let blocks = crate::toy::siblings_on(&genesis(), 2);
        begin_import(net, &blocks[0]);
        net.imported(&blocks[0], retry(600_000));
        net.advance(60_000);
        assert_eq!(net.push(ALICE, &blocks[1]), Admission::Accepted);
        net.advance(60_000);
        assert_eq!(net.ends(End::LocalFault), 1);
        net.import(&blocks[1]);
        nobody_is_blamed(net);
    });
}

#[test]
fn a_block_that_comes_in_by_another_way_is_not_asked_for_again() {
    with(plain(), |net| {
        net.connect(&[ALICE, BOB]);
        let block = child(&genesis());
        begin_import(net, &block);
        net.imported(&block, retry(2_000));
        net.advance_chain(std::slice::from_ref(&block));
        net.take_announce(&block);
        assert_eq!(net.ends(End::InChain), 1);
        net.advance(2_000);
    });
}

#[test]
fn its_provider_may_leave_meanwhile_and_the_chain_pass_it() {
    with(plain(), |net| {
        net.connect(&[ALICE]);
        let blocks = blocks_on(&genesis(), 40);
        let sibling = crate::toy::block(genesis().hash(), 1, b"sibling", 9);
        begin_import(net, &sibling);
        net.imported(&sibling, retry(2_000));
        net.disconnect(ALICE);
        net.advance_chain(&blocks);
        net.advance(2_000);
        assert_eq!(net.ends(End::Passed), 1);
    });
}

#[test]
fn headers_are_imported_again_too_and_children_wait() {
    with(Config::default().with(|config| config.mode = Mode::HeadersOnly), |net| {
        net.connect(&[ALICE]);
        let blocks = blocks_on(&genesis(), 2);
        assert_eq!(net.push(ALICE, &blocks[0]), Admission::Accepted);
        net.expect_verify(&blocks[0]);
        assert_eq!(net.push(ALICE, &blocks[1]), Admission::Accepted);
        net.verdict(&blocks[0], Verdict::Valid);
        net.expect_header_import(&blocks[0]);
        net.imported(&blocks[0], retry(500));
        net.advance(500);
        net.expect_header_import(&blocks[0]);
        net.imported(&blocks[0], Verdict::Valid);
        net.expect_verify(&blocks[1]);
        net.verdict(&blocks[1], Verdict::Valid);
        net.expect_header_import(&blocks[1]);
        net.imported(&blocks[1], Verdict::Valid);
    });
}

#[test]
fn of_a_header_both_are_faults_of_the_hosts_own() {
    with(plain(), |net| {
        net.connect(&[ALICE]);
        let block = child(&genesis());
        for verdict in [retry(1_000), Verdict::BadBody] {
            assert_eq!(net.push(ALICE, &block), Admission::Accepted);
            net.expect_verify(&block);
            net.verdict(&block, verdict);
        }
        assert_eq!(net.ends(End::LocalFault), 2);
        nobody_is_blamed(net);
    });
}

#[test]
fn a_bad_body_condemns_its_provider_and_not_the_hash() {
    with(plain(), |net| {
        net.connect(&[ALICE, BOB]);
        let blocks = blocks_on(&genesis(), 2);
        net.announce(ALICE, &blocks[0]);
        net.fetch(&blocks[0]);
        net.expect_verify(&blocks[0]);
        net.verdict(&blocks[0], Verdict::Valid);
        net.take_relay(&blocks[0]);
        net.expect_import(&blocks[0]);
        net.imported(&blocks[0], Verdict::BadBody);
        net.expect_penalty(ALICE, Reason::WrongBody);
        assert_eq!((net.ends(End::BadBody), net.status().bad_blocks), (1, 0));
        // Bob's is good.
        net.announce(BOB, &blocks[0]);
        assert_eq!(net.fetch(&blocks[0]), BOB);
        net.import(&blocks[0]);
        assert_eq!(net.push(BOB, &blocks[1]), Admission::Accepted);
        net.import(&blocks[1]);
    });
}

#[test]
fn who_only_relayed_a_bad_body_had_not_imported_it() {
    with(plain(), |net| {
        net.connect(&[ALICE]);
        let block = child(&genesis());
        begin_import(net, &block);
        net.imported(&block, Verdict::BadBody);
        nobody_is_blamed(net);
        assert_eq!(net.push(ALICE, &block), Admission::Accepted);
        net.import(&block);
    });
}
