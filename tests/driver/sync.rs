//! A host that is not async: nothing but the driver's task is in the runtime.

use herald_fetcher::driver::{Closed, HandleError, Refused};
use herald_fetcher::{Admission, BlockHash, Connection, End, Failure, RequestId};

use crate::host::{Call, Host, Manner, full_block, genesis};
use crate::pressure::{host_with, threads};
use crate::watchdog::{on_a_thread, poll_until, run};

const BUSY: HandleError = HandleError::Busy;
const CLOSED: HandleError = HandleError::Closed(Closed);

#[test]
fn a_block_goes_all_the_way_without_async_code() {
    on_a_thread(go_all_the_way);
}

fn go_all_the_way() {
    let runtime = threads();
    let entered = runtime.enter();
    let Host { handle, driver, mut calls, mut imported, .. } = Host::new(Manner::AtOnce);
    drop(entered);
    for peer in [1, 2] {
        assert_eq!(handle.try_peer_connected(peer).unwrap().blocking_wait(), Ok(Connection::Accepted));
    }
    let block = full_block(1, genesis().hash(), 0);
    let mut announced = handle.try_announce(1, block.hash(), 1).unwrap();
    assert_eq!(poll_until(|| announced.try_take().transpose()), Ok(Admission::Accepted));
    assert_eq!(announced.try_take(), Err(Closed), "an answer comes once");

    for _ in 0..2 {
        match poll_until(|| calls.try_recv().ok()) {
            Call::Header { request, peer, .. } => {
                let headers = vec![block.header.clone(); 2];
                let back = handle.try_filter_headers(peer, request, headers).unwrap();
                assert!(back.blocking_wait().is_ok());
            }
            Call::Bodies { request, peer, .. } => {
                let bodies = vec![block.body.clone()];
                let back = handle.try_filter_bodies(peer, request, bodies).unwrap();
                assert_eq!(back.blocking_wait().unwrap().len(), 0);
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(poll_until(|| imported.try_recv().ok()).0, block.hash());
    let counters = || handle.try_counters().unwrap().blocking_wait().unwrap();
    poll_until(|| (counters().ends(End::Imported) == 1).then_some(()));
    handle.start_shutdown();
    poll_until(|| driver.has_stopped().then_some(()));
    assert_eq!(runtime.block_on(driver.stopped()), Ok(()));
}

/// The queue is full, and nothing is taken: what must not be lost comes back.
#[test]
fn each_call_says_that_there_is_no_capacity() {
    run(|| async {
        let host = host_with(1, 1 << 20);
        host.connect(&[1]).await;
        let handle = &host.handle;
        let first = handle.try_announce(1, BlockHash::repeat_byte(1), 1).unwrap();
        refuses_all(&host, BUSY);
        assert_eq!(first.await, Ok(Admission::Accepted));
        let status = handle.status().await.unwrap();
        assert_eq!((status.entries, status.peers.len()), (1, 1), "nothing of the rest was handed in");
        assert_eq!(handle.counters().await.unwrap().replies_unmatched, 0);
        assert_eq!(handle.try_peer_gone(1), Ok(()), "there is capacity again");
    });
}

#[test]
fn each_call_says_that_the_driver_has_ended() {
    run(|| async {
        let host = Host::new(Manner::AtOnce);
        host.connect(&[1]).await;
        let status = host.handle.try_status().unwrap();
        host.handle.start_shutdown();
        refuses_all(&host, CLOSED);
        assert_eq!(status.await.unwrap().peers.len(), 1, "what came before is answered");
        assert_eq!(host.driver.stopped().await, Ok(()));
    });
}

fn refuses_all(host: &Host, error: HandleError) {
    let (handle, block, request) = (&host.handle, full_block(1, genesis().hash(), 0), RequestId::new(5));
    let hash = block.hash();
    assert_eq!(handle.try_announce(1, hash, 1).err(), Some(error));
    assert_eq!(handle.try_announce_many(1, vec![(hash, 1)]).err(), Some(error));
    assert_eq!(handle.try_push_block(1, block.clone()).err(), Some(error));
    assert_eq!(handle.try_request_failed(1, request, Failure::Refused), Err(error));
    assert_eq!(handle.try_peer_connected(2).err(), Some(error));
    assert_eq!(handle.try_peer_gone(1), Err(error));
    assert_eq!(handle.try_status().err(), Some(error));
    assert_eq!(handle.try_counters().err(), Some(error));
    let list = vec![(hash, 1)];
    assert_eq!(handle.try_chain_advanced(list.clone()), Err(Refused { error, content: list }));
    let refused = handle.try_sealed(block.clone()).unwrap_err();
    assert_eq!((refused.error, refused.content.hash()), (error, hash));
    let refused = handle.try_filter_headers(1, request, vec![block.header.clone()]).unwrap_err();
    assert_eq!((refused.error, refused.content[0].hash()), (error, hash));
    let refused = handle.try_filter_bodies(1, request, vec![block.body.clone()]).unwrap_err();
    assert_eq!((refused.error, refused.content[0].commitment()), (error, block.body.commitment()));
}
