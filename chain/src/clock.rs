//! The wall clock. Nothing else in the node reads it, so that tests own the time.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Tells the time of day, for timestamps of blocks.
#[derive(Clone, Debug, Default)]
pub struct Clock(Source);

#[derive(Clone, Debug, Default)]
enum Source {
    #[default]
    System,
    /// Milliseconds since 1970.
    Manual(Arc<AtomicU64>),
}

impl Clock {
    /// The system's clock.
    #[must_use]
    pub fn system() -> Self {
        Self::default()
    }

    /// A clock that stands until [`Clock::set`] moves it. Clones share it.
    #[must_use]
    pub fn manual(since_1970: Duration) -> Self {
        let clock = Self(Source::Manual(Arc::default()));
        clock.set(since_1970);
        clock
    }

    /// Moves a manual clock; the system's stays as it is.
    pub fn set(&self, since_1970: Duration) {
        match &self.0 {
            Source::System => {}
            Source::Manual(millis) => {
                let now = u64::try_from(since_1970.as_millis()).unwrap_or(u64::MAX);
                millis.store(now, Ordering::Relaxed);
            }
        }
    }

    /// Time since 1970.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this is the clock module")]
    pub fn now(&self) -> Duration {
        match &self.0 {
            // A clock set before 1970 makes every block one of the future; that is what it is.
            Source::System => SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO),
            Source::Manual(millis) => Duration::from_millis(millis.load(Ordering::Relaxed)),
        }
    }

    /// Whole seconds since 1970, as blocks count them.
    #[must_use]
    pub fn now_secs(&self) -> u64 {
        self.now().as_secs()
    }
}
