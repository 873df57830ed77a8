//! What one peer gives beyond its limits is refused; what others gave of the same block stays.

use herald_fetcher::{Admission, End, Reason};

use crate::harness::{plain, with};
use crate::toy::{ALICE, BOB, MALLORY, Peer, block, child, genesis, large_child, made_up_hash};

#[test]
fn a_push_over_the_limit_of_blocks() {
    with(plain().with(|config| config.blocks_per_peer = 1), |net| {
        net.connect(&[ALICE, MALLORY]);
        let orphan = block(made_up_hash(1), 9, b"fills the allowance", 0);
        assert_eq!(net.push(MALLORY, &orphan), Admission::Accepted);
        net.expect_header_request_for(made_up_hash(1));
        let block = child(&genesis());
        net.announce(ALICE, &block);
        let header = net.expect_header_request_to(ALICE, &block);
        assert_eq!(net.push(MALLORY, &block), Admission::PeerLimit);
        net.deliver_header(header, &block);
        let body = net.expect_body_request_to(ALICE, &[&block]);
        assert_eq!(net.push(MALLORY, &block), Admission::PeerLimit);
        net.deliver_body(body, &[&block]);
        net.import(&block);
        net.disconnect(MALLORY);
    });
}

#[test]
fn a_push_over_the_limit_of_bytes() {
    let config = plain().with(|config| {
        config.bytes_per_peer = 2_000;
        config.bytes_total = 400_000;
    });
    with(config, |net| {
        net.connect(&[ALICE, MALLORY]);
        let orphan = block(made_up_hash(1), 9, &[7; 1_500], 0);
        assert_eq!(net.push(MALLORY, &orphan), Admission::Accepted);
        net.expect_header_request_for(made_up_hash(1));
        let block = large_child(&genesis(), 1_000);
        net.announce(ALICE, &block);
        let header = net.expect_header_request_to(ALICE, &block);
        assert_eq!(net.push(MALLORY, &block), Admission::PeerLimit);
        net.deliver_header(header, &block);
        let body = net.expect_body_request_to(ALICE, &[&block]);
        net.deliver_body(body, &[&block]);
        net.import(&block);
        net.disconnect(MALLORY);
    });
}

#[test]
fn a_reply_over_the_limit_is_asked_of_another_without_blame() {
    let config = plain().with(|config| {
        config.bytes_per_peer = 2_000;
        config.bytes_total = 400_000;
    });
    with(config, |net| {
        net.connect(&[ALICE, BOB]);
        let orphan = block(made_up_hash(1), 9, &[7; 1_500], 0);
        assert_eq!(net.push(ALICE, &orphan), Admission::Accepted);
        net.expect_header_request_for(made_up_hash(1));
        let block = large_child(&genesis(), 1_000);
        net.announce(ALICE, &block);
        let header = net.expect_header_request_to(ALICE, &block);
        net.announce(BOB, &block);
        net.deliver_header(header, &block);
        let body = net.expect_body_request_to(ALICE, &[&block]);
        net.deliver_body(body, &[&block]);
        // What the fetcher may not hold for her, it may for him.
        let header = net.expect_header_request_to(BOB, &block);
        net.deliver_header(header, &block);
        let body = net.expect_body_request_to(BOB, &[&block]);
        net.deliver_body(body, &[&block]);
        net.import(&block);
        net.disconnect(ALICE);
    });
}

#[test]
fn a_queued_block_survives_the_same_block_from_a_peer_over_its_limit() {
    with(plain().with(|config| config.blocks_per_peer = 1), |net| {
        net.connect(&[ALICE, MALLORY]);
        let orphan = block(made_up_hash(1), 9, b"fills the allowance", 0);
        assert_eq!(net.push(MALLORY, &orphan), Admission::Accepted);
        net.expect_header_request_for(made_up_hash(1));
        let (one, two) = (child(&genesis()), child(&child(&genesis())));
        assert_eq!(net.push(ALICE, &two), Admission::Accepted);
        net.expect_header_request_to(ALICE, &one);
        assert_eq!(net.push(MALLORY, &two), Admission::Duplicate);
        assert_eq!(net.peer(ALICE).blocks, 1);
        // Its limit lets the block not be held for it when she leaves, and it cannot serve what it only
        // relayed; but it has the parent.
        net.disconnect(ALICE);
        assert_eq!(net.ends(End::NobodyLeft), 1);
        net.expect_header_request_to(MALLORY, &one);
        net.disconnect(MALLORY);
    });
}

#[test]
fn however_many_announce_what_they_do_not_have_one_who_has_it_is_asked() {
    with(plain(), |net| {
        let liars: Vec<_> = (1_000..1_127).map(Peer).collect();
        net.connect(&liars);
        net.connect(&[ALICE]);
        let block = child(&genesis());
        for &liar in &liars {
            net.announce_meanwhile(liar, &block);
        }
        let mut ask = net.expect_header_request(&block);
        net.announce(ALICE, &block);
        for _ in &liars {
            net.reply_headers(ask, &[]);
            net.expect_penalty(ask.peer, Reason::EmptyReply);
            ask = net.expect_header_request(&block);
        }
        assert_eq!(ask.peer, ALICE);
        net.deliver_header(ask, &block);
        let body = net.expect_body_request_to(ALICE, &[&block]);
        net.deliver_body(body, &[&block]);
        net.import(&block);
    });
}

#[test]
fn a_reply_beyond_the_common_half_is_asked_of_one_whose_share_is_free() {
    // Four peer slots of 1,024 bytes each set aside, 4,096 shared.
    let config = plain().with(|config| {
        config.peers = 3;
        config.importing = 1;
        config.bytes_per_peer = 5_000;
        config.bytes_total = 8_192;
    });
    with(config, |net| {
        net.connect(&[ALICE, BOB, MALLORY]);
        for (n, peer, bytes) in [(1, MALLORY, 4_800), (2, BOB, 800)] {
            let orphan = block(made_up_hash(n), 9, &vec![7; bytes], n);
            assert_eq!(net.push(peer, &orphan), Admission::Accepted);
            net.expect_header_request_for(made_up_hash(n));
        }
        let block = large_child(&genesis(), 300);
        net.announce(BOB, &block);
        let header = net.expect_header_request_to(BOB, &block);
        net.announce(ALICE, &block);
        net.deliver_header(header, &block);
        let body = net.expect_body_request_to(BOB, &[&block]);
        net.deliver_body(body, &[&block]);
        let header = net.expect_header_request_to(ALICE, &block);
        net.deliver_header(header, &block);
        let body = net.expect_body_request_to(ALICE, &[&block]);
        net.deliver_body(body, &[&block]);
        net.import(&block);
        net.disconnect(MALLORY);
        net.disconnect(BOB);
    });
}
