//! A queue that is full, and a flood.

use std::num::NonZeroU32;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use herald_fetcher::driver::{Handle, HandleError, Observer, QueueLimits};
use herald_fetcher::{Admission, BlockHash, Config, Connection, Input, RequestId, Time};

use crate::host::{Call, Host, Manner, Parts, Toy, empty_block, full_block, genesis, settle};
use crate::watchdog::{poll_until, run};

pub fn host_with(calls: u32, bytes: u32) -> Host {
    let mut limits = QueueLimits::default();
    limits.calls = NonZeroU32::new(calls).unwrap();
    limits.bytes = NonZeroU32::new(bytes).unwrap();
    Parts::new(Manner::AtOnce).spawn_with(Config::default(), |builder| builder.queue(limits))
}

fn hash(n: u8) -> BlockHash {
    BlockHash::repeat_byte(n)
}

// `join!` polls all its futures before the driver's task gets the thread.

#[test]
fn a_full_queue_says_busy_and_loses_nothing_else() {
    run(|| async {
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
        assert_eq!(
            handle.announce(1, hash(3), 1).await,
            Ok(Admission::Accepted),
            "the queue takes calls again"
        );
    });
}

#[test]
fn what_must_not_be_lost_waits_for_room() {
    run(|| async {
        let host = host_with(1, 1 << 20);
        host.connect(&[1, 2]).await;
        let handle = &host.handle;
        let header = genesis().header;
        let (announced, failed, gone, back, late) = tokio::join!(
            handle.announce(1, hash(1), 1),
            handle.request_failed(1, RequestId::new(99), herald_fetcher::Failure::Refused),
            handle.peer_gone(2),
            handle.filter_headers(1, RequestId::new(98), vec![header]),
            handle.announce(1, hash(2), 1),
        );
        assert_eq!(announced, Ok(Admission::Accepted));
        assert_eq!((failed, gone, back.len()), (Ok(()), Ok(()), 1));
        assert_eq!(late, Err(HandleError::Busy), "those who wait come first");
        let status = handle.status().await.unwrap();
        assert_eq!(status.peers.iter().map(|peer| peer.peer).collect::<Vec<_>>(), [1]);
        assert_eq!(handle.counters().await.unwrap().replies_unmatched, 2);
    });
}

#[test]
fn bytes_are_bounded_too() {
    run(|| async {
        let block = full_block(1, genesis().hash(), 0);
        let bytes = u32::try_from(block.retained_bytes()).unwrap();
        let mut host = host_with(100, bytes + bytes / 2);
        host.connect(&[1]).await;
        let handle = &host.handle;
        let other = full_block(1, genesis().hash(), 1);
        let (first, second, third) = tokio::join!(
            handle.push_block(1, block.clone()),
            handle.push_block(1, other.clone()),
            handle.announce(1, hash(1), 1),
        );
        assert_eq!(first, Ok(Admission::Accepted));
        assert_eq!(second, Ok(Admission::Accepted), "as an announcement");
        assert_eq!(third, Ok(Admission::Accepted), "an announcement carries nothing");
        let (_, _, asked) = host.header_request().await;
        assert_eq!(asked, other.hash(), "its bytes were not taken");
    });
}

#[test]
fn a_call_larger_than_the_queue_goes_alone() {
    run(|| async {
        let host = host_with(100, 64);
        host.connect(&[1]).await;
        let block = full_block(1, genesis().hash(), 0);
        assert_eq!(host.handle.push_block(1, block).await, Ok(Admission::Accepted));
    });
}

#[test]
fn many_announcements_go_as_one_call() {
    run(|| async {
        let host = host_with(1, 1 << 20);
        host.connect(&[1]).await;
        let blocks = vec![(hash(1), 1), (hash(1), 1), (hash(2), 1_000), (genesis().hash(), 0)];
        assert_eq!(
            host.handle.announce_many(1, blocks).await,
            Ok(vec![Admission::Accepted, Admission::Duplicate, Admission::TooFar, Admission::BelowFinality])
        );
    });
}

/// Eight tasks announce without a pause; the silent peer's deadline passes all the same.
#[test]
fn a_flood_does_not_hold_up_deadlines() {
    run(|| async {
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
    });
}

/// Announces again whatever it hears announced by peer 2, so that the queue is never empty.
struct Echo {
    handle: Arc<Mutex<Option<Handle<Toy>>>>,
}

impl Observer<Toy> for Echo {
    fn on_input(&mut self, _: Time, input: &Input<Toy>) {
        let handle = self.handle.lock().unwrap();
        if let (Input::Announced { peer: 2, hash, number }, Some(handle)) = (input, &*handle) {
            drop(handle.try_announce(2, *hash, *number));
        }
    }
}

/// The driver's own thread refills the queue while a batch is handled.
#[test]
fn a_queue_that_is_never_empty_holds_up_neither_deadlines_nor_other_tasks() {
    run(|| async {
        let handle = Arc::new(Mutex::default());
        let echo = Echo { handle: Arc::clone(&handle) };
        let mut host =
            Parts::new(Manner::AtOnce).spawn_with(Config::default(), |builder| builder.observer(echo));
        *handle.lock().unwrap() = Some(host.handle.clone());
        host.connect(&[1, 2]).await;
        let block = empty_block(1, genesis().hash(), 0);
        assert_eq!(host.handle.announce(1, block.hash(), 1).await, Ok(Admission::Accepted));
        let (_, request, _) = host.header_request().await;
        assert_eq!(host.handle.announce(2, hash(1), 1_000).await, Ok(Admission::TooFar));
        tokio::time::advance(Duration::from_secs(6)).await;
        let ended = loop {
            match host.call().await {
                Call::Bodies { .. } => {}
                other => break other,
            }
        };
        assert_eq!(ended, Call::Cancel { request, peer: 1 });
        // Else its handle would keep the driver alive, and the driver it.
        *handle.lock().unwrap() = None;
    });
}

/// Polls a future once, and drops it.
async fn poll_once<F: Future>(future: F) {
    tokio::select! {
        biased;
        _ = future => {}
        () = core::future::ready(()) => {}
    }
}

#[test]
fn a_dropped_announcement_is_handed_in_all_the_same() {
    run(|| async {
        let host = host_with(4, 1 << 20);
        host.connect(&[1]).await;
        poll_once(host.handle.announce(1, hash(1), 1)).await;
        assert_eq!(host.handle.status().await.unwrap().entries, 1);
    });
}

/// Nothing piles up of callers that give up.
#[test]
fn a_reply_that_is_dropped_while_it_waits_is_not_handed_in() {
    run(|| async {
        let host = host_with(1, 1 << 20);
        host.connect(&[1]).await;
        let handle = &host.handle;
        let reply = || handle.filter_headers(1, RequestId::new(77), vec![genesis().header]);
        tokio::join!(poll_once(handle.announce(1, hash(1), 1)), poll_once(reply()), poll_once(reply()));
        assert_eq!(handle.counters().await.unwrap().replies_unmatched, 0);
        assert_eq!(reply().await.len(), 1);
        assert_eq!(handle.counters().await.unwrap().replies_unmatched, 1);
    });
}

#[test]
fn a_dropped_wait_for_room_has_done_nothing() {
    run(|| async {
        let host = host_with(1, 1 << 20);
        host.connect(&[1, 2]).await;
        let handle = &host.handle;
        let ((), ()) = tokio::join!(
            poll_once(handle.announce(1, hash(1), 1)),
            // The queue is full now: this one waits, and gives up.
            poll_once(handle.peer_gone(2)),
        );
        let status = handle.status().await.unwrap();
        assert_eq!((status.entries, status.peers.len()), (1, 2));
        handle.peer_gone(2).await.unwrap();
        assert_eq!(
            handle.status().await.unwrap().peers.len(),
            1,
            "the room that it waited for is free again"
        );
    });
}

pub fn threads() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_time().build().unwrap()
}

/// On real threads: every call has an outcome, and the counters know of each.
#[test]
fn many_threads_lose_nothing() {
    let runtime = threads();
    let _entered = runtime.enter();
    let host = host_with(8, 4_096);
    let Host { handle, driver, .. } = host;
    let test = runtime.spawn(async move {
        assert_eq!(handle.peer_connected(1).await, Ok(Connection::Accepted));
        let mut tasks = tokio::task::JoinSet::new();
        for n in 0..8_u8 {
            tasks.spawn(announce_and_answer(handle.clone(), hash(n)));
        }
        let handed_in: u64 = tasks.join_all().await.into_iter().sum();
        let counters = handle.counters().await.unwrap();
        assert_eq!(counters.admissions(Admission::TooFar), handed_in);
        assert_eq!(counters.replies_unmatched, 8 * 250);
        handle.shutdown().await;
        assert_eq!(driver.stopped().await, Ok(()));
    });
    poll_until(|| test.is_finished().then_some(()));
    runtime.block_on(test).unwrap();
}

/// Announces and answers 250 times; returns how many of the announcements were handed in.
async fn announce_and_answer(handle: Handle<Toy>, hash: BlockHash) -> u64 {
    let mut handed_in = 0;
    for _ in 0..250 {
        match handle.announce(1, hash, 1_000).await {
            Ok(admission) => {
                assert_eq!(admission, Admission::TooFar);
                handed_in += 1;
            }
            Err(HandleError::Busy) => tokio::task::yield_now().await,
            Err(HandleError::Closed(_)) => panic!("the driver runs"),
        }
        let header = genesis().header;
        let back = handle.filter_headers(1, RequestId::new(77), vec![header]).await;
        assert_eq!(back.len(), 1);
    }
    handed_in
}

/// Whoever calls while the driver ends gets an answer.
#[test]
fn nobody_waits_for_ever_when_it_ends() {
    let runtime = threads();
    let _entered = runtime.enter();
    for _ in 0..50 {
        let Host { handle, .. } = host_with(2, 2_048);
        let test = runtime.spawn(async move {
            assert_eq!(handle.peer_connected(1).await, Ok(Connection::Accepted));
            let mut tasks = tokio::task::JoinSet::new();
            for n in 0..4_u8 {
                tasks.spawn(call_until_closed(handle.clone(), hash(n)));
            }
            handle.shutdown().await;
            assert_eq!(tasks.join_all().await.len(), 4);
        });
        poll_until(|| test.is_finished().then_some(()));
        runtime.block_on(test).unwrap();
    }
}

async fn call_until_closed(handle: Handle<Toy>, hash: BlockHash) {
    let header = genesis().header;
    loop {
        let _rest = handle.filter_headers(1, RequestId::new(1), vec![header.clone()]).await;
        if matches!(handle.announce(1, hash, 1).await, Err(HandleError::Closed(_))) {
            return;
        }
        tokio::task::yield_now().await;
    }
}
