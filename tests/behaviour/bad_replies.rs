//! Each kind of bad reply has its own reason, and the next announcer is asked.

use herald_fetcher::{Config, Failure, Reason};

use crate::harness::{Ask, Net, plain, with};
use crate::toy::{ALICE, MALLORY, Toy, block as block_of, child, genesis};

type Block = herald_fetcher::BlockOf<Toy>;

fn junk(salt: u64) -> Block {
    block_of(crate::toy::made_up_hash(salt), 1, b"junk", salt)
}

/// Mallory is asked for a header, and Alice has the block too.
fn header_asked(net: &mut Net, block: &Block) -> Ask {
    net.connect(&[MALLORY, ALICE]);
    net.announce(MALLORY, block);
    let header = net.expect_header_request_to(MALLORY, block);
    net.announce(ALICE, block);
    header
}

/// The same for a body.
fn body_asked(net: &mut Net, block: &Block) -> Ask {
    let header = header_asked(net, block);
    net.deliver_header(header, block);
    net.expect_body_request_to(MALLORY, &[block])
}

/// Mallory is blamed for this, once, and Alice gives what she did not.
fn blamed_for(net: &mut Net, reason: Option<Reason>, block: &Block, header_is_here: bool) {
    if let Some(reason) = reason {
        net.expect_penalty(MALLORY, reason);
    }
    if !header_is_here {
        let header = net.expect_header_request_to(ALICE, block);
        net.deliver_header(header, block);
    }
    let body = net.expect_body_request_to(ALICE, &[block]);
    net.deliver_body(body, &[block]);
    net.import(block);
    assert_eq!(net.peer(MALLORY).announcements, 0);
}

#[test]
fn replies_to_a_header_request() {
    let block = child(&genesis());
    let replies: [(Vec<Block>, Reason); 3] = [
        (vec![], Reason::EmptyReply),
        (vec![junk(1)], Reason::WrongHeader),
        (vec![junk(1), junk(2)], Reason::OversizedReply),
    ];
    for (reply, reason) in replies {
        with(plain(), |net| {
            let header = header_asked(net, &block);
            let back = net.reply_headers(header, &reply.iter().collect::<Vec<_>>());
            assert_eq!(back.len(), reply.len(), "what was not asked for comes back");
            blamed_for(net, Some(reason), &block, false);
        });
    }
}

#[test]
fn the_right_header_among_others_is_taken_and_the_rest_is_blamed() {
    with(plain(), |net| {
        let block = child(&genesis());
        let header = header_asked(net, &block);
        let back = net.reply_headers(header, &[&junk(1), &block, &junk(2)]);
        assert_eq!(back.len(), 2);
        net.expect_penalty(MALLORY, Reason::OversizedReply);
        let body = net.expect_body_request_to(MALLORY, &[&block]);
        net.deliver_body(body, &[&block]);
        net.import(&block);
    });
}

#[test]
fn replies_to_a_body_request() {
    let block = child(&genesis());
    let replies: [(Vec<Block>, Reason); 3] = [
        (vec![], Reason::EmptyReply),
        (vec![junk(1)], Reason::WrongBody),
        (vec![junk(1), junk(2)], Reason::OversizedReply),
    ];
    for (reply, reason) in replies {
        with(plain(), |net| {
            let body = body_asked(net, &block);
            let back = net.reply_bodies(body, &reply.iter().collect::<Vec<_>>());
            assert_eq!(back.len(), reply.len(), "what was not asked for comes back");
            blamed_for(net, Some(reason), &block, true);
        });
    }
}

const FAILURES: [(Failure, Option<Reason>); 5] = [
    (Failure::Refused, Some(Reason::Refusal)),
    (Failure::TimedOut, Some(Reason::Silence)),
    (Failure::Malformed, Some(Reason::MalformedReply)),
    (Failure::Oversized, Some(Reason::OversizedReply)),
    (Failure::Disconnected, None),
];

#[test]
fn failures_of_a_header_request() {
    let block = child(&genesis());
    for (failure, reason) in FAILURES {
        for config in [plain(), plain().with(|config| config.body_request = Config::default().body_request)] {
            let early = config.body_request != plain().body_request;
            with(config, |net| {
                net.connect(&[MALLORY, ALICE]);
                net.announce(MALLORY, &block);
                let header = net.expect_header_request_to(MALLORY, &block);
                let body = early.then(|| net.expect_body_request_to(MALLORY, &[&block]));
                net.announce(ALICE, &block);
                net.fail(header, failure);
                if let Some(reason) = reason {
                    net.expect_penalty(MALLORY, reason);
                }
                let header = net.expect_header_request_to(ALICE, &block);
                // The body that Mallory was asked for is not given up: it may still come.
                net.deliver_header(header, &block);
                let body = match body {
                    Some(body) => body,
                    None => net.expect_body_request_to(ALICE, &[&block]),
                };
                net.deliver_body(body, &[&block]);
                net.import(&block);
            });
        }
    }
}

#[test]
fn failures_of_a_body_request() {
    let block = child(&genesis());
    for (failure, reason) in FAILURES {
        with(plain(), |net| {
            let body = body_asked(net, &block);
            net.fail(body, failure);
            blamed_for(net, reason, &block, true);
        });
    }
}

#[test]
fn weights_tell_what_cannot_be_honest_from_what_may() {
    let may_be_honest =
        [(Reason::Silence, 20), (Reason::EmptyReply, 20), (Reason::Refusal, 10), (Reason::Flooding, 10)];
    for reason in Reason::ALL {
        let expected =
            may_be_honest.iter().find(|(which, _)| *which == reason).map_or(100, |(_, weight)| *weight);
        assert_eq!(reason.weight(), expected, "{}", reason.label());
    }
}
