//! A light client fetches headers alone.

use herald_fetcher::{Admission, Announce, Config, End, Mode, Verdict};

use crate::harness::{Net, plain, with};
use crate::toy::{ALICE, BOB, Toy, blocks_on, child, genesis};

fn light() -> Config {
    plain().with(|config| config.mode = Mode::HeadersOnly)
}

fn import(net: &mut Net, block: &herald_fetcher::BlockOf<Toy>) {
    net.expect_verify(block);
    net.verdict(block, Verdict::Valid);
    net.expect_header_import(block);
    net.imported(block, Verdict::Valid);
}

#[test]
fn a_header_is_fetched_verified_imported_and_announced_where_that_is_configured() {
    for config in [light(), Config::default().with(|config| config.mode = Mode::HeadersOnly)] {
        with(config.with(|config| config.announce = Announce::All), |net| {
            net.connect(&[ALICE, BOB]);
            let block = child(&genesis());
            net.announce(ALICE, &block);
            let header = net.expect_header_request_to(ALICE, &block);
            net.deliver_header(header, &block);
            import(net, &block);
            assert_eq!(net.expect_announce(&block), [BOB]);
        });
    }
}

#[test]
fn of_a_pushed_block_the_header_is_kept() {
    with(light(), |net| {
        net.connect(&[ALICE]);
        let block = child(&genesis());
        assert_eq!(net.push(ALICE, &block), Admission::Accepted);
        assert_eq!(net.peer(ALICE).bytes, crate::toy::HEADER_BYTES as u64);
        import(net, &block);
    });
}

#[test]
fn missing_parents_are_headers_too() {
    with(light(), |net| {
        net.connect(&[ALICE]);
        let blocks = blocks_on(&genesis(), 3);
        net.announce(ALICE, &blocks[2]);
        for block in blocks.iter().rev() {
            let header = net.expect_header_request_to(ALICE, block);
            net.deliver_header(header, block);
        }
        for block in &blocks {
            import(net, block);
        }
        assert_eq!(net.ends(End::Imported), 3);
    });
}

#[test]
fn what_it_cannot_serve_it_neither_announces_nor_relays() {
    with(light(), |net| {
        net.connect(&[ALICE, BOB]);
        let blocks = blocks_on(&genesis(), 3);
        net.announce(ALICE, &blocks[0]);
        let header = net.expect_header_request_to(ALICE, &blocks[0]);
        net.deliver_header(header, &blocks[0]);
        import(net, &blocks[0]);
        assert_eq!(net.push(ALICE, &blocks[1]), Admission::Accepted);
        import(net, &blocks[1]);
        net.advance_chain(&blocks[2..]);
        net.assert_quiet();
    });
}

#[test]
fn what_was_sealed_here_it_can_serve() {
    with(light(), |net| {
        net.connect(&[ALICE, BOB]);
        let block = child(&genesis());
        net.seal(&block);
        assert_eq!(net.expect_relay(&block).len(), 1);
        assert_eq!(net.expect_announce(&block).len(), 1);
    });
}
