//! How a driver ends, and what it leaves: nothing.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use herald_fetcher::driver::{Closed, Driver, DriverPanicked, HandleError, QueueLimits, SpawnError};
use herald_fetcher::{Admission, Config, ConfigError, Connection, RequestId};

use crate::host::{Host, Manner, Parts, Toy, empty_block, full_block, genesis, settle};
use crate::pressure::threads;
use crate::watchdog::{on_a_thread, poll_until, run};

#[test]
fn shutdown_leaves_no_import_behind() {
    run(|| async {
        let host = Host::new(Manner::Stuck);
        host.connect(&[1]).await;
        for tag in 0..3 {
            let block = empty_block(1, genesis().hash(), tag);
            assert_eq!(host.handle.push_block(1, block).await, Ok(Admission::Accepted));
        }
        settle().await;
        assert_eq!(host.chain.running.load(Ordering::SeqCst), 3);

        let second = host.handle.clone();
        tokio::join!(host.handle.shutdown(), second.shutdown());
        assert_eq!(host.chain.running.load(Ordering::SeqCst), 0);
        assert_eq!(Arc::strong_count(&host.chain), 1, "the driver and its tasks have let it go");
        assert_eq!(host.driver.stopped().await, Ok(()));
        second.shutdown().await;
    });
}

#[test]
fn a_handle_outlives_its_driver_politely() {
    run(|| async {
        let host = Host::new(Manner::AtOnce);
        host.connect(&[1]).await;
        host.handle.shutdown().await;
        let (handle, block) = (&host.handle, genesis());
        assert_eq!(handle.announce(1, block.hash(), 1).await, Err(HandleError::Closed(Closed)));
        assert_eq!(handle.announce_many(1, vec![]).await, Err(HandleError::Closed(Closed)));
        assert_eq!(handle.push_block(1, block.clone()).await, Err(HandleError::Closed(Closed)));
        assert_eq!(handle.peer_connected(2).await, Err(Closed));
        assert_eq!(handle.peer_gone(1).await, Err(Closed));
        assert_eq!(handle.status().await, Err(Closed));
        let request = RequestId::new(1);
        assert_eq!(handle.filter_headers(1, request, vec![block.header.clone()]).await.len(), 1);
        assert_eq!(handle.filter_bodies(1, request, vec![block.body.clone()]).await.len(), 1);
    });
}

#[test]
fn the_driver_ends_with_its_last_handle() {
    run(|| async {
        let Host { handle, driver, chain, .. } = Host::new(Manner::Stuck);
        assert!(handle.peer_connected(1).await.is_ok());
        let block = empty_block(1, genesis().hash(), 0);
        assert_eq!(handle.push_block(1, block).await, Ok(Admission::Accepted));
        settle().await;
        let other = handle.clone();
        drop(handle);
        settle().await;
        assert_eq!(chain.running.load(Ordering::SeqCst), 1, "one handle is left");
        drop(other);
        assert_eq!(driver.stopped().await, Ok(()));
        assert_eq!((chain.running.load(Ordering::SeqCst), Arc::strong_count(&chain)), (0, 1));
    });
}

#[test]
fn what_was_handed_in_before_is_handled_before() {
    run(|| async {
        let host = Host::new(Manner::AtOnce);
        host.connect(&[1]).await;
        let header = genesis().header;
        let (handle, request) = (&host.handle, RequestId::new(1));
        let ((), announced, (), back, after) = tokio::join!(
            async {},
            handle.announce(1, header.hash(), 1),
            handle.shutdown(),
            handle.filter_headers(1, request, vec![header.clone()]),
            handle.announce(1, header.hash(), 1),
        );
        assert_eq!(announced, Ok(Admission::Known));
        assert_eq!(back.len(), 1, "a driver that ends has asked for nothing");
        assert_eq!(after, Err(HandleError::Closed(Closed)));
    });
}

/// A host that should not: its import blocks the thread, and cannot be aborted.
#[test]
fn an_import_that_does_not_end_holds_up_no_call() {
    on_a_thread(|| {
        let runtime = threads();
        let entered = runtime.enter();
        let Host { handle, driver, chain, .. } = Host::new(Manner::Blocks);
        drop(entered);
        let gate = chain.gate.lock().unwrap();
        let connection = handle.try_peer_connected(1).unwrap().blocking_wait();
        assert_eq!(connection, Ok(Connection::Accepted));
        let pushed = handle.try_push_block(1, empty_block(1, genesis().hash(), 0)).unwrap();
        assert_eq!(pushed.blocking_wait(), Ok(Admission::Accepted));
        poll_until(|| (chain.running.load(Ordering::SeqCst) == 1).then_some(()));

        let (request, headers) = (RequestId::new(77), vec![genesis().header]);
        let before = handle.try_filter_headers(1, request, headers.clone()).unwrap();
        handle.start_shutdown();
        assert_eq!(before.blocking_wait().unwrap().len(), 1);
        let after = handle.try_filter_headers(1, request, headers).unwrap_err();
        assert_eq!((after.error, after.content.len()), (HandleError::Closed(Closed), 1));
        assert!(!driver.has_stopped(), "the driver leaves no import behind");
        drop(gate);
        poll_until(|| driver.has_stopped().then_some(()));
    });
}

#[test]
fn a_panic_of_the_network_is_told() {
    run(|| async {
        let mut parts = Parts::new(Manner::AtOnce);
        parts.network.panics = true;
        let host = parts.spawn(Config::default());
        host.connect(&[1]).await;
        let block = empty_block(1, genesis().hash(), 0);
        assert_eq!(host.handle.announce(1, block.hash(), 1).await, Err(HandleError::Closed(Closed)));
        host.handle.shutdown().await;
        assert_eq!(host.driver.stopped().await, Err(DriverPanicked));
    });
}

/// What is in the queue then is never handled, and what waits for its capacity waits for nothing.
#[test]
fn whoever_waits_for_capacity_is_told_when_the_task_is_cut_short() {
    run(|| async {
        let mut parts = Parts::new(Manner::AtOnce);
        parts.network.panics = true;
        let mut limits = QueueLimits::default();
        limits.bytes = NonZeroU32::new(64).unwrap();
        let host = parts.spawn_with(Config::default(), |builder| builder.queue(limits));
        host.connect(&[1, 2]).await;
        let handle = &host.handle;
        let block = full_block(1, genesis().hash(), 0);
        let unknown = RequestId::new(99);
        let (announced, headers, bodies, sealed) = tokio::join!(
            handle.announce(1, block.hash(), 1),
            handle.filter_headers(1, unknown, vec![block.header.clone(); 2]),
            handle.filter_bodies(2, unknown, vec![block.body.clone(); 3]),
            handle.sealed(block.clone()),
        );
        assert_eq!(announced, Err(HandleError::Closed(Closed)));
        assert_eq!(headers.len(), 2, "it was in the queue, and comes back");
        assert_eq!((bodies.len(), sealed), (3, Err(Closed)), "they waited, and nothing of them is lost");
        assert_eq!(host.driver.stopped().await, Err(DriverPanicked));
    });
}

#[test]
fn what_cannot_start_says_why() {
    let parts = Parts::new(Manner::AtOnce);
    let outside = Driver::spawn::<Toy, _, _>(Config::default(), parts.chain, parts.network);
    assert_eq!(outside.err(), Some(SpawnError::NoRuntime));
}

#[test]
fn a_configuration_that_cannot_work_is_refused() {
    run(|| async {
        let parts = Parts::new(Manner::AtOnce);
        let config = Config::default().with(|config| config.peers = 0);
        let refused = Driver::spawn::<Toy, _, _>(config, parts.chain, parts.network);
        assert_eq!(refused.err(), Some(SpawnError::Config(ConfigError::Zero { field: "peers" })));
    });
}
