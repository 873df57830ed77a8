//! A rate with a burst, for one peer.

use std::time::Duration;

use tokio::time::Instant;

/// Allows `burst` at once and then one each `interval`; remembers a single instant.
#[derive(Clone, Debug)]
pub(super) struct RateLimiter {
    interval: Duration,
    /// How far `next` may run ahead of now.
    ahead: Duration,
    /// When the allowance would be whole again, if nothing more were taken.
    whole: Option<Instant>,
}

impl RateLimiter {
    /// `per_second` of 0 counts as 1, `burst` of 0 as 1.
    pub(super) fn new(per_second: u32, burst: u32) -> Self {
        let interval = Duration::from_secs(1) / per_second.max(1);
        Self { interval, ahead: interval * burst.max(1), whole: None }
    }

    /// Takes one now, or says from when on there is one.
    pub(super) fn take(&mut self, now: Instant) -> Result<(), Instant> {
        let whole = self.whole.map_or(now, |whole| whole.max(now)) + self.interval;
        match whole.checked_sub(self.ahead) {
            Some(free) if free > now => Err(free),
            Some(_) | None => {
                self.whole = Some(whole);
                Ok(())
            }
        }
    }

    /// Takes one, ahead of time if need be, and says from when on it may be used.
    pub(super) fn book(&mut self, now: Instant) -> Instant {
        let whole = self.whole.map_or(now, |whole| whole.max(now)) + self.interval;
        self.whole = Some(whole);
        whole.checked_sub(self.ahead).map_or(now, |free| free.max(now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_passes_and_then_the_rate_holds() {
        let mut rate = RateLimiter::new(10, 3);
        let start = Instant::now();
        for _ in 0..3 {
            assert_eq!(rate.take(start), Ok(()));
        }
        let free = rate.take(start).expect_err("the burst is used up");
        assert_eq!(free, start + Duration::from_millis(100));
        assert_eq!(rate.take(free), Ok(()));
        assert!(rate.take(free).is_err());
        let later = start + Duration::from_secs(60);
        let taken = (0..10).filter(|_| rate.take(later).is_ok()).count();
        assert_eq!(taken, 3, "quiet time restores the burst and no more");
    }

    #[test]
    fn what_is_booked_ahead_is_spaced() {
        let mut rate = RateLimiter::new(10, 1);
        let start = Instant::now();
        let booked: Vec<_> = (0..3).map(|_| rate.book(start) - start).collect();
        assert_eq!(booked, [0, 100, 200].map(Duration::from_millis));
    }
}
