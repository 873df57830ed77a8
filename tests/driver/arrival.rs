//! What has arrived is handed in before time passes.

use std::time::Duration;

use core::pin::pin;
use core::task::{Context, Waker};
use std::sync::{Arc, Mutex};

use herald_fetcher::driver::{Answer, Handle, Observer};
use herald_fetcher::{Admission, BlockHash, Config, Input, Reason, RequestId, Time};
use herald_proto::Header;
use tokio::time::advance;

use crate::host::{Host, Manner, Parts, Toy, empty_block, genesis, settle};
use crate::pressure::host_with;
use crate::watchdog::run;

/// Longer than any deadline.
const LATE: Duration = Duration::from_secs(30);

// `join!` polls its futures in order, and `advance` moves the clock at its first poll: the driver's
// task gets the thread when the reply is there, and its deadline over.

#[test]
fn a_reply_that_has_arrived_is_not_late() {
    run(|| async {
        let mut host = Host::new(Manner::AtOnce);
        host.connect(&[1]).await;
        let block = empty_block(1, genesis().hash(), 0);
        assert_eq!(host.handle.announce(1, block.hash(), 1).await, Ok(Admission::Accepted));
        let (_, request, _) = host.header_request().await;
        let (back, ()) =
            tokio::join!(host.handle.filter_headers(1, request, vec![block.header.clone()]), advance(LATE),);
        assert_eq!(back.len(), 0, "it was asked for, and came in time");
        assert_eq!(host.imported.recv().await.unwrap().0, block.hash());
        assert_eq!(host.handle.counters().await.unwrap().penalties(Reason::Silence), 0);
    });
}

/// The flooder's call takes the last capacity of the queue, so that the reply waits for some.
#[test]
fn a_reply_that_waits_for_capacity_has_arrived() {
    run(|| async {
        let mut host = host_with(1, 1 << 20);
        host.connect(&[1, 2]).await;
        let block = empty_block(1, genesis().hash(), 0);
        assert_eq!(host.handle.announce(1, block.hash(), 1).await, Ok(Admission::Accepted));
        let (_, request, _) = host.header_request().await;
        let (flood, back, ()) = tokio::join!(
            host.handle.announce(2, BlockHash::repeat_byte(7), 1_000),
            host.handle.filter_headers(1, request, vec![block.header.clone()]),
            advance(LATE),
        );
        assert_eq!((flood, back.len()), (Ok(Admission::TooFar), 0));
        assert_eq!(host.imported.recv().await.unwrap().0, block.hash());
        assert_eq!(host.handle.counters().await.unwrap().penalties(Reason::Silence), 0);
    });
}

/// A host that is slow to take note of one announcement: a reply comes meanwhile, and after that the
/// deadline passes.
#[derive(Clone, Default)]
struct SlowOnce(Arc<Mutex<Option<Meanwhile>>>);

struct Meanwhile {
    handle: Handle<Toy>,
    request: RequestId,
    headers: Vec<Header>,
    back: std::sync::mpsc::Sender<Answer<Vec<Header>>>,
}

impl Observer<Toy> for SlowOnce {
    fn on_input(&mut self, _: Time, input: &Input<Toy>) {
        if !matches!(input, Input::Announced { peer: 2, .. }) {
            return;
        }
        let Some(meanwhile) = self.0.lock().unwrap().take() else { return };
        let Meanwhile { handle, request, headers, back } = meanwhile;
        back.send(handle.try_filter_headers(1, request, headers).unwrap()).unwrap();
        // The clock moves at the first poll.
        assert!(pin!(advance(LATE)).poll(&mut Context::from_waker(Waker::noop())).is_pending());
    }
}

#[test]
fn a_slow_host_makes_nobody_late() {
    run(|| async {
        let slow = SlowOnce::default();
        let mut host = Parts::new(Manner::AtOnce)
            .spawn_with(Config::default(), |builder| builder.observer(slow.clone()));
        host.connect(&[1, 2]).await;
        let block = empty_block(1, genesis().hash(), 0);
        assert_eq!(host.handle.announce(1, block.hash(), 1).await, Ok(Admission::Accepted));
        let (_, request, _) = host.header_request().await;

        let (back, answers) = std::sync::mpsc::channel();
        let (handle, headers) = (host.handle.clone(), vec![block.header.clone()]);
        *slow.0.lock().unwrap() = Some(Meanwhile { handle, request, headers, back });
        let announced = host.handle.announce(2, BlockHash::repeat_byte(7), 1_000).await;
        assert_eq!(announced, Ok(Admission::TooFar));

        assert_eq!(answers.try_recv().unwrap().await.unwrap().len(), 0, "it came in time");
        assert_eq!(host.imported.recv().await.unwrap().0, block.hash());
        assert_eq!(host.handle.counters().await.unwrap().penalties(Reason::Silence), 0);
    });
}

/// Two imports end at the same moment, after which a child of one of them has no time left. Whichever
/// is told first, both have arrived.
#[test]
fn an_import_that_has_ended_is_in_time_for_its_child() {
    const LIFE: Duration = Duration::from_secs(60);
    for parent_at in [0, 1] {
        run(move || async move {
            let mut host = Parts::new(Manner::Slow(LIFE - Duration::from_millis(5)))
                .spawn(Config::default().with(|config| config.lifetime = LIFE));
            host.connect(&[1]).await;
            let brothers = [0, 1].map(|tag| empty_block(1, genesis().hash(), tag));
            let child = empty_block(2, brothers[parent_at].hash(), 0);
            for block in brothers.clone() {
                assert_eq!(host.handle.push_block(1, block).await, Ok(Admission::Accepted));
            }
            assert_eq!(host.handle.push_block(1, child.clone()).await, Ok(Admission::Accepted));
            settle().await;
            advance(LIFE).await;
            for block in [&brothers[0], &brothers[1], &child] {
                assert_eq!(host.imported.recv().await.unwrap().0, block.hash());
            }
        });
    }
}
