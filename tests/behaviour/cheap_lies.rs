//! What is cheap to say costs the others nothing: headers that nobody verifies, numbers, late pushes, and
//! bodies of other blocks.

use herald_fetcher::{Admission, Config, Output, Reason};

use crate::harness::{Ask, Net, plain, with};
use crate::toy::{ALICE, MALLORY, Toy, block, blocks_on, child, genesis, made_up_hash, siblings_on};

type Block = herald_fetcher::BlockOf<Toy>;

/// Mallory and Alice are asked for the body of a block each.
fn one_body_asked_of_each(net: &mut Net) -> ([Block; 2], [Ask; 2]) {
    net.connect(&[MALLORY, ALICE]);
    let blocks: [Block; 2] = siblings_on(&genesis(), 2).try_into().expect("two");
    let asks = [(MALLORY, &blocks[0]), (ALICE, &blocks[1])].map(|(peer, block)| {
        net.announce(peer, block);
        let header = net.expect_header_request_to(peer, block);
        net.deliver_header(header, block);
        net.expect_body_request_to(peer, &[block])
    });
    (blocks, asks)
}

#[test]
fn the_body_of_another_awaited_block_is_a_wrong_body() {
    with(plain(), |net| {
        let (blocks, [ask, other]) = one_body_asked_of_each(net);
        net.announce(ALICE, &blocks[0]);
        // It is of use all the same, and so it does not come back.
        net.deliver_body(ask, &[&blocks[1]]);
        net.expect_cancel(other);
        net.expect_verify(&blocks[1]);
        net.expect_penalty(MALLORY, Reason::WrongBody);
        let body = net.expect_body_request_to(ALICE, &[&blocks[0]]);
        net.deliver_body(body, &[&blocks[0]]);
        net.expect_verify(&blocks[0]);
        net.import_verified(&[&blocks[0], &blocks[1]]);
    });
}

#[test]
fn an_equal_body_of_another_block_is_right() {
    with(plain(), |net| {
        net.connect(&[MALLORY, ALICE]);
        let twins = [0, 1].map(|salt| block(genesis().hash(), 1, b"the same", salt));
        let [one, other] = [(MALLORY, &twins[0]), (ALICE, &twins[1])].map(|(peer, block)| {
            net.announce(peer, block);
            let header = net.expect_header_request_to(peer, block);
            net.deliver_header(header, block);
            net.expect_body_request_to(peer, &[block])
        });
        net.deliver_body(one, &[&twins[1]]);
        net.expect_verify(&twins[0]);
        net.expect_cancel(other);
        net.expect_verify(&twins[1]);
        net.import_verified(&[&twins[0], &twins[1]]);
        assert_eq!(net.counters().penalties(Reason::WrongBody), 0);
    });
}

#[test]
fn strange_bodies_come_back_as_strange_headers_do() {
    with(plain(), |net| {
        let (blocks, [ask, other]) = one_body_asked_of_each(net);
        let strange = child(&child(&genesis()));
        assert_eq!(net.reply_bodies(ask, &[&strange]), std::slice::from_ref(&strange.body));
        net.expect_penalty(MALLORY, Reason::WrongBody);
        net.deliver_body(other, &[&blocks[1]]);
        net.import(&blocks[1]);
    });
}

#[test]
fn headers_that_nobody_verifies_do_not_switch_early_bodies_off() {
    with(Config::default().with(|config| config.hedge = plain().hedge), |net| {
        net.connect(&[MALLORY, ALICE]);
        for n in 0..40 {
            // An empty block on a parent that nobody has.
            let junk = block(made_up_hash(n), 9, b"", n);
            net.announce(MALLORY, &junk);
            let header = net.expect_header_request_to(MALLORY, &junk);
            let early = net.expect_body_request_to(MALLORY, &[&junk]);
            net.deliver_header(header, &junk);
            net.expect_cancel(early);
            let parent = net.expect_header_request_for(made_up_hash(n));
            let of_parent = net.drain();
            assert!(matches!(of_parent.as_slice(), [Output::RequestBodies { .. }]), "{of_parent:?}");
            net.reply_headers(parent, &[]);
            net.drain();
        }
        let block = child(&genesis());
        net.announce(ALICE, &block);
        net.expect_header_request_to(ALICE, &block);
        net.expect_body_request_to(ALICE, &[&block]);
        net.disconnect(ALICE);
        net.drain();
        net.disconnect(MALLORY);
        net.drain();
    });
}

#[test]
fn verified_empty_blocks_do() {
    with(Config::default(), |net| {
        net.connect(&[ALICE]);
        let mut tip = genesis();
        for _ in 0..4 {
            tip = crate::toy::empty_child(&tip);
            assert_eq!(net.push(ALICE, &tip), Admission::Accepted);
            net.import(&tip);
        }
        let block = child(&tip);
        net.announce(ALICE, &block);
        let header = net.expect_header_request_to(ALICE, &block);
        net.assert_quiet();
        net.deliver_header(header, &block);
        let body = net.expect_body_request_to(ALICE, &[&block]);
        net.deliver_body(body, &[&block]);
        net.import(&block);
    });
}

/// How long Alice's announcement of a block waits before she is asked.
fn grace_ms(net: &mut Net, block: &Block) -> u64 {
    net.announce(ALICE, block);
    let mut waited = 0;
    loop {
        for output in net.drain() {
            if let Output::RequestHeader { request, peer: ALICE, .. } = output {
                let ask = Ask { peer: ALICE, request };
                net.advance(40);
                net.deliver_header(ask, block);
                let body = net.expect_body_request_to(ALICE, &[block]);
                net.advance(40);
                net.deliver_body(body, &[block]);
                net.import(block);
                return waited;
            }
        }
        net.advance(1);
        waited += 1;
        assert!(waited < 1_000);
    }
}

#[test]
fn late_pushes_do_not_make_an_honest_peers_blocks_late() {
    with(plain(), |net| {
        net.connect(&[ALICE, MALLORY]);
        // Alice answers in 40 ms.
        let mut tip = genesis();
        for _ in 0..20 {
            tip = child(&tip);
            assert_eq!(grace_ms(net, &tip), 0);
        }
        // Mallory pushes what Alice announced, each time just before she could have given it.
        let mut longest = 0;
        for _ in 0..40 {
            tip = child(&tip);
            net.announce(ALICE, &tip);
            let (mut ms, mut asked) = (0, !net.drain().is_empty());
            while !asked {
                asked = !net.advance_for_all(1).is_empty();
                ms += 1;
            }
            longest = longest.max(ms);
            net.advance(30);
            assert_eq!(net.push(MALLORY, &tip), Admission::Accepted);
            let outputs = net.drain();
            net.put_back(outputs.into_iter().filter(|o| !matches!(o, Output::Cancel { .. })).collect());
            net.import(&tip);
        }
        // It was up to 400 ms; she is waited for no longer than for her own answer.
        assert!((30..=41).contains(&longest), "she is asked after {longest} ms");
    });
}

#[test]
fn a_lower_number_does_not_end_a_deferred_hash() {
    with(plain(), |net| {
        net.connect(&[ALICE, MALLORY]);
        let blocks = blocks_on(&genesis(), 60);
        let honest = &blocks[49];
        assert_eq!(net.announce_as(ALICE, honest.hash(), 50), Admission::Deferred);
        assert_eq!(net.announce_as(MALLORY, honest.hash(), 33), Admission::Deferred);
        // A sync brings the head to 45: 33 has passed, and 50 has not.
        net.advance_chain(&blocks[..45]);
        net.expect_announce(&blocks[44]);
        let header = net.expect_header_request_to(ALICE, honest);
        net.deliver_header(header, honest);
        net.expect_penalty(MALLORY, Reason::WrongNumber);
        let body = net.expect_body_request_to(ALICE, &[honest]);
        net.deliver_body(body, &[honest]);
        net.expect_header_request(&blocks[48]);
        net.disconnect(ALICE);
        net.disconnect(MALLORY);
        net.drain();
    });
}

#[test]
fn nor_does_one_that_is_passed_while_the_right_one_is_still_above() {
    with(plain(), |net| {
        net.connect(&[ALICE, MALLORY]);
        let blocks = blocks_on(&genesis(), 64);
        let honest = &blocks[63];
        assert_eq!(net.announce_as(MALLORY, honest.hash(), 33), Admission::Deferred);
        assert_eq!(net.announce_as(ALICE, honest.hash(), 64), Admission::Deferred);
        net.chain.finalized = 33;
        net.advance_chain(&blocks[..31]);
        net.expect_announce(&blocks[30]);
        net.assert_quiet();
        assert_eq!(net.peer(MALLORY).deferred, 1);
        net.advance_chain(&blocks[31..32]);
        net.expect_announce(&blocks[31]);
        net.expect_header_request_to(MALLORY, honest);
        net.disconnect(MALLORY);
        net.expect_header_request_to(ALICE, honest);
        net.disconnect(ALICE);
    });
}
