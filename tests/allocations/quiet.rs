//! A fetcher at rest is small: simulations run a hundred thousand of them.

use std::sync::Arc;
use std::time::Duration;

use herald_fetcher::{
    Admission, BlockHash, BlockOf, Config, Fetcher, FetcherStatus, Header, Output, Time, Verdict,
};

use crate::small::{Small, Tip, block};

const PEERS: u32 = 25;
/// What the fetcher itself must stay below; see docs/performance.md.
const BYTES_MAX: u64 = 2_304;

/// Peers connect, and ten blocks come through: every third pushed, the others announced and fetched,
/// all announced by the other peers before and after the import.
fn after_ten_blocks(config: Arc<Config>) -> Fetcher<Small> {
    let mut fetcher = Fetcher::new(config).expect("the configuration is valid");
    for peer in 0..PEERS {
        let _ = fetcher.peer_connected(Time::ZERO, peer);
    }
    let mut tip = Tip(BlockHash::ZERO, 0);
    let mut now = Time::ZERO;
    for n in 1..=10_u8 {
        let block = block(BlockHash::repeat_byte(n), &tip);
        let (hash, number) = (block.header.hash(), block.header.number());
        if n % 3 == 0 {
            assert_eq!(fetcher.push(now, &u32::from(n), block.clone(), &tip), Admission::Accepted);
        }
        for peer in 0..12 {
            let _ = fetcher.announce(now, &peer, hash, number, &tip);
        }
        carry_out(&mut fetcher, now, &tip, &block);
        for peer in 12..PEERS {
            assert_eq!(fetcher.announce(now, &peer, hash, number, &tip), Admission::Known);
        }
        tip = Tip(hash, number);
        now = now.after(Duration::from_secs(13));
    }
    fetcher
}

fn carry_out(fetcher: &mut Fetcher<Small>, now: Time, tip: &Tip, block: &BlockOf<Small>) {
    let (mut imported, mut announced) = (0, 0);
    while let Some(output) = fetcher.poll_output() {
        match output {
            Output::RequestHeader { request, peer, .. } => {
                let rest = fetcher.headers(now, &peer, request, vec![block.header.clone()], tip);
                assert!(rest.is_empty());
            }
            Output::RequestBodies { request, peer, .. } => {
                let rest = fetcher.bodies(now, &peer, request, vec![block.body.clone()], tip);
                assert!(rest.is_empty());
            }
            Output::VerifyHeader { header } => fetcher.verdict(now, header.hash(), Verdict::Valid, tip),
            Output::Import { block } => {
                imported += 1;
                fetcher.imported(now, block.header.hash(), Verdict::Valid, tip);
                let advanced = Tip(block.header.hash(), block.header.number());
                fetcher.chain_advanced(now, &[(advanced.0, advanced.1)], &advanced);
            }
            Output::Announce { .. } => announced += 1,
            Output::Relay { .. } | Output::Cancel { .. } => {}
            other @ (Output::ImportHeader { .. }
            | Output::Penalise { .. }
            | Output::OutOfReach { .. }
            | Output::Event(_)) => panic!("unexpected: {other:?}"),
        }
    }
    assert_eq!((imported, announced), (1, 1));
}

#[test]
fn a_quiet_fetcher_takes_little_by_its_own_account_and_by_the_allocators() {
    let config = Arc::new(Config::default());
    let mut quiet = None;
    let allocated = allocation_counter::measure(|| quiet = Some(after_ten_blocks(config)));
    let fetcher = quiet.expect("made");
    let FetcherStatus { entries, requests, next_timeout, .. } = fetcher.status();
    assert_eq!((entries, requests, next_timeout), (0, 0, None), "it is at rest");
    assert_eq!(fetcher.check_invariants(), Ok(()));
    let own = fetcher.memory_bytes();
    println!(
        "{:#?}\nby the allocator besides the fetcher's {} bytes: {allocated:#?}",
        fetcher.memory(),
        size_of_val(&fetcher)
    );
    assert!(own < BYTES_MAX, "{own} bytes");
    // What the fetcher says of itself is what it has allocated.
    let found = u64::try_from(allocated.bytes_current).expect("not negative");
    assert_eq!(own - size_of_val(&fetcher) as u64, found);
}
