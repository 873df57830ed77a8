//! How long a fetcher may follow one hash, reckoned from its configuration and from what is seen of it.

use core::time::Duration;

use herald_fetcher::{Config, Time};

/// The time that one hash has at one node.
#[derive(Clone, Copy, Debug)]
pub(super) struct Life {
    born: Time,
    latest: Time,
    with_host: Option<Time>,
}

impl Life {
    /// It is heard of.
    pub(super) fn begin(now: Time, config: &Config) -> Self {
        Self { born: now, latest: now.after(config.lifetime), with_host: None }
    }

    /// When it was first heard of, moved by the time that the host has had it since.
    pub(super) fn born(&self) -> Time {
        self.born
    }

    /// Until when it may be followed; while it is with the host, what that was when it went there.
    pub(super) fn latest(&self) -> Time {
        self.latest
    }

    /// Since when it has been with the host.
    pub(super) fn with_host(&self) -> Option<Time> {
        self.with_host
    }

    /// It goes to the host.
    pub(super) fn hand_over(&mut self, now: Time) {
        self.with_host = Some(now);
    }

    /// It comes back from the host, whose time is not counted, as one that lies in the future until
    /// `due`. That is waited for if it is within [`Config::future_max`] of the lifetime, and ends then.
    pub(super) fn come_back(&mut self, now: Time, due: Time, config: &Config) {
        let away = self.with_host.take().map_or(Duration::ZERO, |since| now.since(since));
        self.born = self.born.after(away);
        let future = self.born.after(config.lifetime).after(config.future_max);
        self.latest = self.latest.after(away).max(due.min(future));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn s(s: u64) -> Time {
        Time::from_nanos(s * 1_000_000_000)
    }

    fn config() -> Config {
        let (lifetime, future_max) = (Duration::from_secs(100), Duration::from_secs(30));
        Config::default().with(|config| {
            config.lifetime = lifetime;
            config.future_max = future_max;
        })
    }

    #[test]
    fn a_life_is_the_lifetime_and_the_hosts_time() {
        let config = config();
        let mut life = Life::begin(s(10), &config);
        assert_eq!(life.latest(), s(110));
        life.hand_over(s(20));
        assert_eq!((life.latest(), life.with_host()), (s(110), Some(s(20))));
        life.come_back(s(25), s(25), &config);
        assert_eq!((life.latest(), life.born(), life.with_host()), (s(115), s(15), None));
    }

    #[test]
    fn a_block_of_the_future_has_until_then_and_no_longer_than_configured() {
        let config = config();
        for (due, latest) in [(114, 115), (120, 120), (145, 145), (146, 145)] {
            let mut life = Life::begin(s(10), &config);
            life.hand_over(s(20));
            life.come_back(s(25), s(due), &config);
            assert_eq!(life.latest(), s(latest), "due at {due}");
        }
    }

    #[test]
    fn coming_back_twice_counts_both_times_and_never_shortens() {
        let config = config();
        let mut life = Life::begin(s(0), &config);
        for (out, back, due) in [(10, 20, 125), (125, 130, 130)] {
            life.hand_over(s(out));
            life.come_back(s(back), s(due), &config);
        }
        assert_eq!((life.born(), life.latest()), (s(15), s(130)));
    }
}
