//! What a fetcher allocates: nothing for an announcement, once the table has grown to its working size,
//! and little for what it keeps at rest.
#![allow(clippy::indexing_slicing, missing_docs, reason = "tests")]

mod quiet;
mod small;
#[path = "../properties/toy.rs"]
mod toy;

use herald_fetcher::{Admission, BlockHash, BlockNumber, ChainView, Config, Fetcher, Output, Time};

use toy::{Toy, hash};

struct Empty;

impl ChainView for Empty {
    fn contains(&self, _: &BlockHash) -> bool {
        false
    }
    fn head(&self) -> BlockNumber {
        0
    }
    fn finalized(&self) -> BlockNumber {
        0
    }
}

/// Every peer connects and announces as much as it may; how many requests that leads to.
fn announce_all(fetcher: &mut Fetcher<Toy>) -> u64 {
    let mut requests = 0;
    for peer in 0..4_u8 {
        for n in 0..256 {
            let number = 1 + n % 32;
            let admission =
                fetcher.announce(Time::ZERO, &peer, hash(u64::from(peer) << 32 | n), number, &Empty);
            assert_eq!(admission, Admission::Accepted);
            while let Some(output) = fetcher.poll_output() {
                requests +=
                    u64::from(matches!(output, Output::RequestHeader { .. } | Output::RequestBodies { .. }));
            }
        }
    }
    requests
}

fn reconnect(fetcher: &mut Fetcher<Toy>) {
    for peer in 0..5 {
        fetcher.peer_gone(Time::ZERO, &peer);
        let _ = fetcher.peer_connected(Time::ZERO, peer);
    }
    while fetcher.poll_output().is_some() {}
    // Something is followed, so that the outputs have their queue: at rest there is none.
    assert_eq!(fetcher.announce(Time::ZERO, &4, hash(u64::MAX), 1, &Empty), Admission::Accepted);
    while fetcher.poll_output().is_some() {}
}

#[test]
fn an_announcement_allocates_nothing() {
    for (config, asks) in [(Config::default(), true), (Config::geth(), false)] {
        let mut fetcher = Fetcher::new(config).expect("valid");
        reconnect(&mut fetcher);
        // The first time, the table grows; the counter must see that, or it counts nothing.
        let growing = allocation_counter::measure(|| assert_eq!(announce_all(&mut fetcher) > 0, asks));
        assert!(growing.count_total > 0);
        reconnect(&mut fetcher);
        let grown = allocation_counter::measure(|| assert_eq!(announce_all(&mut fetcher) > 0, asks));
        assert_eq!(grown.count_total, 0, "{grown:?}");
    }
}
