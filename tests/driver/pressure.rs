//! A queue that is full, and a flood.

use std::num::NonZeroU32;
use std::time::Duration;

use herald::driver::{HandleError, QueueLimits};
use herald::{Admission, BlockHash, Config};

use crate::host::{Host, Manner, Parts, empty_block, full_block, genesis, settle};

fn host_with(calls: u32, bytes: u32) -> Host {
    let limits =
        QueueLimits { calls: NonZeroU32::new(calls).unwrap(), bytes: NonZeroU32::new(bytes).unwrap() };
    Parts::new(Manner::AtOnce).spawn_with(Config::default(), |builder| builder.queue(limits))
}

fn hash(n: u8) -> BlockHash {
    BlockHash::repeat_byte(n)
}

// `join!` polls all its futures before the driver's task gets the thread.

#[tokio::test(start_paused = true)]
async fn a_full_queue_says_busy_and_loses_nothing_else() {
    let host = host_with(2, 1 << 20);
    host.connect(&[1]).await;
    let handle = &host.handle;
    let (first, second, third) = tokio::join!(
        handle.announce(1, hash(1), 1),
        handle.announce(1, hash(2), 1),
        handle.announce(1, hash(3), 1)
    );
    assert_eq!(first, Ok(Admission::Accepted));
    assert_eq!(second, Ok(Admission::Accepted));
    assert_eq!(third, Err(HandleError::Busy));
    assert_eq!(handle.announce(1, hash(3), 1).await, Ok(Admission::Accepted), "there is room again");
}

#[tokio::test(start_paused = true)]
async fn what_must_not_be_lost_waits_for_room() {
    let host = host_with(1, 1 << 20);
    host.connect(&[1, 2]).await;
    let handle = &host.handle;
    let header = genesis().header;
    let (announced, failed, gone, back, late) = tokio::join!(
        handle.announce(1, hash(1), 1),
        handle.request_failed(1, herald::RequestId::new(99), herald::Failure::Refused),
        handle.peer_gone(2),
        handle.filter_headers(1, herald::RequestId::new(98), vec![header]),
        handle.announce(1, hash(2), 1),
    );
    assert_eq!(announced, Ok(Admission::Accepted));
    assert_eq!((failed, gone, back.len()), (Ok(()), Ok(()), 1));
    assert_eq!(late, Err(HandleError::Busy), "those who wait come first");
    let status = handle.status().await.unwrap();
    assert_eq!(status.peers.iter().map(|peer| peer.peer).collect::<Vec<_>>(), [1]);
    assert_eq!(handle.counters().await.unwrap().replies_unmatched, 2);
}

#[tokio::test(start_paused = true)]
async fn bytes_are_bounded_too() {
    let block = full_block(1, genesis().hash(), 0);
    let bytes = u32::try_from(block.retained_bytes()).unwrap();
    let host = host_with(100, bytes + bytes / 2);
    host.connect(&[1]).await;
    let handle = &host.handle;
    let other = full_block(1, genesis().hash(), 1);
    let (first, second, third) = tokio::join!(
        handle.push_block(1, block.clone().into()),
        handle.push_block(1, other.clone().into()),
        handle.announce(1, hash(1), 1),
    );
    assert_eq!(first, Ok(Admission::Accepted));
    assert_eq!(second, Err(HandleError::Busy));
    assert_eq!(third, Ok(Admission::Accepted), "an announcement carries nothing");
    assert_eq!(handle.push_block(1, other.into()).await, Ok(Admission::Accepted));
}

#[tokio::test(start_paused = true)]
async fn a_call_larger_than_the_queue_goes_alone() {
    let host = host_with(100, 64);
    host.connect(&[1]).await;
    let block = full_block(1, genesis().hash(), 0);
    assert_eq!(host.handle.push_block(1, block.into()).await, Ok(Admission::Accepted));
}

#[tokio::test(start_paused = true)]
async fn many_announcements_go_as_one_call() {
    let host = host_with(1, 1 << 20);
    host.connect(&[1]).await;
    let blocks = vec![(hash(1), 1), (hash(1), 1), (hash(2), 1_000), (genesis().hash(), 0)];
    assert_eq!(
        host.handle.announce_many(1, blocks).await,
        Ok(vec![Admission::Accepted, Admission::Duplicate, Admission::TooFar, Admission::BelowFinality])
    );
}

/// Eight tasks announce without a pause; the silent peer's deadline passes all the same.
#[tokio::test(start_paused = true)]
async fn a_flood_does_not_hold_up_deadlines() {
    let host = host_with(4, 1 << 20);
    host.connect(&[1, 2]).await;
    let block = empty_block(1, genesis().hash(), 0);
    assert_eq!(host.handle.announce(1, block.hash(), 1).await, Ok(Admission::Accepted));
    let mut flood = tokio::task::JoinSet::new();
    for n in 0..8 {
        let handle = host.handle.clone();
        flood.spawn(async move {
            loop {
                if handle.announce(2, hash(n), 1_000).await == Err(HandleError::Busy) {
                    tokio::task::yield_now().await;
                }
            }
        });
    }
    settle().await;
    tokio::time::advance(Duration::from_secs(6)).await;
    settle().await;
    let counters = host.handle.counters().await.unwrap();
    assert!(counters.deadlines_passed >= 1);
    assert!(counters.admissions(Admission::TooFar) > 100, "it was a flood");
    flood.shutdown().await;
}
