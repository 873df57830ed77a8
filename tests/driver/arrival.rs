//! What has arrived is handed in before time passes.

use std::time::Duration;

use herald_fetcher::{Admission, Reason};
use tokio::time::advance;

use crate::host::{Host, Manner, empty_block, genesis};
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
