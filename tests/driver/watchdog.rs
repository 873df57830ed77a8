//! Nothing here hangs: whoever waits for what never comes fails at once, and so does a driver that
//! never comes to rest. Neither is told by the wall clock.

use std::time::Duration;

use herald_fetcher::driver::Observer;
use herald_fetcher::{Input, Time};

use crate::host::Toy;

/// Longer than anything in these tests waits. It is virtual time, which goes on when nothing else can.
const WAIT_MAX: Duration = Duration::from_secs(3_600);

/// More than any of these tests hands in.
const INPUTS_MAX: u64 = 100_000;

/// Runs a test on this thread and on paused time.
pub fn run<F: Future>(test: F) -> F::Output {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    let ended = runtime.block_on(async { tokio::time::timeout(WAIT_MAX, test).await });
    ended.expect("the test waits for what never comes")
}

/// Polls what runs on other threads, until it is there. Their time cannot be paused, so it is the
/// polls that are bounded.
pub fn poll_until<R>(mut poll: impl FnMut() -> Option<R>) -> R {
    const POLLS_MAX: u64 = 20_000_000;
    for _ in 0..POLLS_MAX {
        if let Some(ready) = poll() {
            return ready;
        }
        std::thread::yield_now();
    }
    panic!("the other threads never come to an end");
}

/// Ends a driver that hands in without an end.
#[derive(Debug, Default)]
pub struct Bound {
    inputs: u64,
}

impl Observer<Toy> for Bound {
    fn on_input(&mut self, _: Time, _: &Input<Toy>) {
        self.inputs += 1;
        assert!(self.inputs < INPUTS_MAX, "the driver never comes to rest");
    }
}
