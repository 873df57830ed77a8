//! How far a long run is, on standard error where that is a terminal.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use herald_fetcher::Time;
use herald_simnet::scenario::{Policy, Scenario};
use indicatif::{ProgressBar, ProgressState, ProgressStyle};

/// Runs with fewer deliveries than this end before anybody could read a bar.
const LONG: u64 = 20_000;
const NANOS_PER_MILLI: u64 = 1_000_000;

/// The bar of one run. It disappears with it.
#[derive(Debug)]
pub(crate) struct Progress {
    bar: ProgressBar,
    events: Arc<AtomicU64>,
}

impl Progress {
    /// For a run of a policy that ends at `end`.
    pub(crate) fn of(scenario: &Scenario, policy: Policy, end: Time) -> Self {
        let events = Arc::new(AtomicU64::new(0));
        let slots = u64::from(scenario.chain.blocks) + u64::from(scenario.chain.warm_up);
        if u64::from(scenario.nodes) * slots < LONG {
            return Self { bar: ProgressBar::hidden(), events };
        }
        let bar = ProgressBar::new(end.as_nanos() / NANOS_PER_MILLI);
        let counted = Arc::clone(&events);
        let rate = move |state: &ProgressState, to: &mut dyn std::fmt::Write| {
            let seconds = state.elapsed().as_secs_f64();
            // A terminal that cannot be written to has no use for the figure.
            let _ = write!(to, "{:.0}", counted.load(Ordering::Relaxed) as f64 / seconds.max(1e-3));
        };
        let style =
            ProgressStyle::with_template("{prefix:<14} {bar:30} {percent:>3} %  {msg}, {rate} events/s")
                .unwrap_or_else(|_| ProgressStyle::default_bar());
        bar.set_style(style.with_key("rate", rate));
        bar.set_prefix(policy.label());
        Self { bar, events }
    }

    /// For `total` runs, one after the other or side by side.
    pub(crate) fn counting(total: usize) -> Self {
        let bar = ProgressBar::new(total as u64);
        let style = ProgressStyle::with_template("{bar:30} {pos} of {len}  {msg}  {eta} left");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        Self { bar, events: Arc::new(AtomicU64::new(0)) }
    }

    /// How far a run is.
    pub(crate) fn at(&self, now: Time, blocks: usize, events: u64) {
        self.events.store(events, Ordering::Relaxed);
        self.bar.set_message(format!("{} s, {blocks} blocks", now.as_nanos() / 1_000_000_000));
        self.bar.set_position(now.as_nanos() / NANOS_PER_MILLI);
    }

    /// One run more is over.
    pub(crate) fn done(&self, what: String) {
        self.bar.set_message(what);
        self.bar.inc(1);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
