//! Invalid blocks: who is blamed for what, what falls with them, and what is refused afterwards.

use herald_fetcher::{Admission, End, Reason, Verdict};

use crate::harness::{plain, with, with_each};
use crate::toy::{ALICE, BOB, CAROL, MALLORY, block, blocks_on, child, genesis, siblings_on};

#[test]
fn an_invalid_header_is_laid_on_who_pushed_it() {
    with_each(|net| {
        net.connect(&[MALLORY]);
        let bad = child(&genesis());
        assert_eq!(net.push(MALLORY, &bad), Admission::Accepted);
        net.expect_verify(&bad);
        net.verdict(&bad, Verdict::Invalid);
        net.expect_penalty(MALLORY, Reason::InvalidHeader);
    });
}

#[test]
fn an_import_that_fails_is_laid_on_who_announced_it_but_not_on_who_relayed_it() {
    with(plain(), |net| {
        net.connect(&[ALICE, MALLORY]);
        let blocks = siblings_on(&genesis(), 2);
        net.announce(MALLORY, &blocks[0]);
        net.fetch(&blocks[0]);
        net.expect_verify(&blocks[0]);
        net.verdict(&blocks[0], Verdict::Valid);
        net.expect_relay(&blocks[0]);
        net.expect_import(&blocks[0]);
        net.imported(&blocks[0], Verdict::Invalid);
        net.expect_penalty(MALLORY, Reason::InvalidBlock);
        // Honest peers relay a block when its header is verified, before they know more.
        assert_eq!(net.push(ALICE, &blocks[1]), Admission::Accepted);
        net.expect_verify(&blocks[1]);
        net.verdict(&blocks[1], Verdict::Valid);
        net.expect_relay(&blocks[1]);
        net.expect_import(&blocks[1]);
        net.imported(&blocks[1], Verdict::Invalid);
        assert_eq!((net.ends(End::Invalid), net.status().bad_blocks), (2, 2));
    });
}

#[test]
fn an_invalid_parent_drops_its_descendants() {
    with(plain(), |net| {
        net.connect(&[ALICE, BOB, CAROL]);
        let blocks = blocks_on(&genesis(), 4);
        assert_eq!(net.push(ALICE, &blocks[0]), Admission::Accepted);
        net.expect_verify(&blocks[0]);
        assert_eq!(net.push(BOB, &blocks[1]), Admission::Accepted);
        assert_eq!(net.push(CAROL, &blocks[2]), Admission::Accepted);
        assert_eq!(net.push(CAROL, &blocks[3]), Admission::Accepted);
        net.verdict(&blocks[0], Verdict::Invalid);
        net.expect_penalty(ALICE, Reason::InvalidHeader);
        net.expect_penalty(BOB, Reason::InvalidAncestor);
        net.expect_penalty(CAROL, Reason::InvalidAncestor);
        net.expect_penalty(CAROL, Reason::InvalidAncestor);
        assert_eq!((net.ends(End::Invalid), net.status().bad_blocks), (4, 4));
    });
}

#[test]
fn what_is_known_to_be_bad_is_refused_at_the_door() {
    with_each(|net| {
        net.connect(&[MALLORY, ALICE]);
        let bad = child(&genesis());
        assert_eq!(net.push(MALLORY, &bad), Admission::Accepted);
        net.expect_verify(&bad);
        net.verdict(&bad, Verdict::Invalid);
        net.expect_penalty(MALLORY, Reason::InvalidHeader);
        assert_eq!(net.announce_as(ALICE, bad.hash(), 1), Admission::BadBlock);
        assert_eq!(net.push(MALLORY, &bad), Admission::BadBlock);
        net.expect_penalty(MALLORY, Reason::InvalidHeader);
        // And so is what stands on it, however high the tower.
        let mut tip = bad;
        for _ in 0..3 {
            tip = child(&tip);
            assert_eq!(net.push(MALLORY, &tip), Admission::BadBlock);
            net.expect_penalty(MALLORY, Reason::InvalidAncestor);
        }
        assert_eq!(net.status().bad_blocks, 4);
    });
}

#[test]
fn a_header_on_a_bad_parent_is_known_for_what_it_is_when_it_comes() {
    with(plain(), |net| {
        net.connect(&[MALLORY, ALICE]);
        let bad = child(&genesis());
        assert_eq!(net.push(MALLORY, &bad), Admission::Accepted);
        net.expect_verify(&bad);
        net.verdict(&bad, Verdict::Invalid);
        net.expect_penalty(MALLORY, Reason::InvalidHeader);
        let on_bad = child(&bad);
        net.announce(MALLORY, &on_bad);
        let header = net.expect_header_request_to(MALLORY, &on_bad);
        net.announce(ALICE, &on_bad);
        net.deliver_header(header, &on_bad);
        net.expect_penalty(MALLORY, Reason::InvalidAncestor);
        assert_eq!(net.announce_as(ALICE, on_bad.hash(), 2), Admission::BadBlock);
    });
}

#[test]
fn the_oldest_bad_block_is_forgotten_first() {
    with(plain().with(|config| config.bad_blocks = 2), |net| {
        net.connect(&[MALLORY]);
        let blocks = siblings_on(&genesis(), 3);
        for bad in &blocks {
            assert_eq!(net.push(MALLORY, bad), Admission::Accepted);
            net.expect_verify(bad);
            net.verdict(bad, Verdict::Invalid);
            net.expect_penalty(MALLORY, Reason::InvalidHeader);
        }
        assert_eq!(net.status().bad_blocks, 2);
        assert_eq!(net.announce_as(MALLORY, blocks[2].hash(), 1), Admission::BadBlock);
        assert_eq!(net.announce_as(MALLORY, blocks[1].hash(), 1), Admission::BadBlock);
        assert_eq!(net.announce_as(MALLORY, blocks[0].hash(), 1), Admission::Accepted);
        net.expect_header_request_to(MALLORY, &blocks[0]);
        net.disconnect(MALLORY);
    });
}

#[test]
fn a_block_that_the_chain_took_by_another_way_is_not_bad() {
    with(plain(), |net| {
        net.connect(&[MALLORY]);
        let parent = child(&genesis());
        let crooked = block(parent.hash(), 7, b"crooked", 0);
        net.advance_chain(std::slice::from_ref(&parent));
        net.expect_announce(&parent);
        // Its header says where it stands: the host's rules will say what that is worth.
        assert_eq!(net.push(MALLORY, &crooked), Admission::Accepted);
        net.expect_verify(&crooked);
        net.verdict(&crooked, Verdict::Invalid);
        net.expect_penalty(MALLORY, Reason::InvalidHeader);
    });
}

#[test]
fn who_relays_a_block_whose_import_failed_here_is_refused_without_blame() {
    with(plain(), |net| {
        net.connect(&[MALLORY, ALICE]);
        let bad = child(&genesis());
        assert_eq!(net.push(MALLORY, &bad), Admission::Accepted);
        net.expect_verify(&bad);
        net.verdict(&bad, Verdict::Valid);
        net.expect_relay(&bad);
        net.expect_import(&bad);
        net.imported(&bad, Verdict::Invalid);
        // Alice has verified its header, and imports it at this moment.
        assert_eq!(net.push(ALICE, &bad), Admission::BadBlock);
        assert_eq!(net.announce_as(ALICE, bad.hash(), 1), Admission::BadBlock);
        // Nobody honest builds on it.
        assert_eq!(net.push(MALLORY, &child(&bad)), Admission::BadBlock);
        net.expect_penalty(MALLORY, Reason::InvalidAncestor);
    });
}
