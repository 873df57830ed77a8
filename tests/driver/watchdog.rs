//! Nothing here hangs: whoever waits for what never comes fails at once, and so does a driver that
//! never comes to rest. Neither is told by the wall clock.

use std::time::Duration;

use herald_fetcher::driver::Observer;
use herald_fetcher::{Input, Time};

use crate::host::Toy;

/// Longer than anything in these tests waits. It is virtual time, which goes on when nothing else can.
const WAIT_MAX: Duration = Duration::from_secs(3_600);

/// How often a thread looks for another's end before it gives the processor away: a few
/// milliseconds. Where others want the processor, a look costs nothing beside being away.
const LOOKS: u32 = 30_000;

/// How often it gives the processor away: some seconds in all.
const ROUNDS_MAX: u32 = 1_000;

/// More than any of these tests hands in.
const INPUTS_MAX: u64 = 100_000;

/// Runs a test on paused time.
pub fn run<F: Future<Output = ()>>(test: impl FnOnce() -> F + Send + 'static) {
    on_a_thread(|| {
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        let ended = runtime.block_on(async { tokio::time::timeout(WAIT_MAX, test()).await });
        ended.expect("the test waits for what never comes");
    });
}

/// Runs a test on a thread of its own: one that blocks or loops is left behind.
pub fn on_a_thread(test: impl FnOnce() + Send + 'static) {
    let thread = std::thread::spawn(test);
    poll_until(|| thread.is_finished().then_some(()));
    if let Err(panic) = thread.join() {
        std::panic::resume_unwind(panic);
    }
}

/// Polls what runs on other threads, until it is there. It is the polls that are bounded: a slow
/// machine is as slow for these as for the others.
pub fn poll_until<R>(mut poll: impl FnMut() -> Option<R>) -> R {
    for _ in 0..ROUNDS_MAX {
        for _ in 0..LOOKS {
            if let Some(ready) = poll() {
                return ready;
            }
            core::hint::spin_loop();
        }
        std::thread::yield_now();
    }
    panic!("the test never comes to an end");
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
