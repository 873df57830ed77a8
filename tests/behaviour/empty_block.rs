//! A block that is empty by its header's commitments needs no body request.

use herald_fetcher::{BodyRequest, Config};

use crate::harness::{Net, plain, with, with_each};
use crate::toy::{ALICE, empty_child, genesis};

#[test]
fn an_empty_block_goes_from_its_header_to_the_host() {
    with_each(|net| {
        net.connect(&[ALICE]);
        let block = empty_child(&genesis());
        net.announce_meanwhile(ALICE, &block);
        net.advance_until_output();
        let header = net.expect_header_request_to(ALICE, &block);
        let early = net.take_body_request(&block);
        net.deliver_header(header, &block);
        if let Some(early) = early {
            net.expect_cancel(early);
        }
        net.import(&block);
    });
}

#[test]
fn an_early_empty_body_is_as_good() {
    with(plain().with(|config| config.body_request = BodyRequest::WithHeader), |net| {
        net.connect(&[ALICE]);
        let block = empty_child(&genesis());
        net.announce(ALICE, &block);
        let header = net.expect_header_request_to(ALICE, &block);
        let body = net.expect_body_request_to(ALICE, &[&block]);
        net.deliver_body(body, &[&block]);
        net.deliver_header(header, &block);
        net.import(&block);
    });
}

/// Follows a chain of empty blocks: how many of them had their body asked for.
fn bodies_asked_for(net: &mut Net, count: usize) -> usize {
    net.connect(&[ALICE]);
    let mut tip = genesis();
    let mut asked = 0;
    for _ in 0..count {
        tip = empty_child(&tip);
        net.announce(ALICE, &tip);
        net.advance_until_output();
        let header = net.expect_header_request(&tip);
        let early = net.take_body_request(&tip);
        net.deliver_header(header, &tip);
        if let Some(early) = early {
            net.expect_cancel(early);
            asked += 1;
        }
        net.import(&tip);
    }
    assert_eq!(net.head(), tip.number());
    asked
}

#[test]
fn while_blocks_are_empty_no_body_is_asked_for_ahead() {
    with(Config::default(), |net| assert_eq!(bodies_asked_for(net, 20), 1));
    with(Config::geth(), |net| assert_eq!(bodies_asked_for(net, 20), 0));
}
