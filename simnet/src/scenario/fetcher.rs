//! From a scenario to the fetcher's configuration.

use herald_fetcher::{Config, Events, Gather};

use super::{FetcherOptions, Policy, Scenario};

impl Scenario {
    /// The configuration of a fetcher under `policy` for a node with at most `peers` peers: the
    /// policy's own, with the scenario's [`FetcherOptions`] applied, and events on.
    ///
    /// Its seed is 0: a node puts its own in. What [`check`](Self::check) accepts is valid for the
    /// fetcher, with as many peers as the topology can give.
    pub fn config(&self, policy: Policy, peers: u32) -> Config {
        let mut config = policy.config();
        self.fetcher.apply(&mut config);
        config.peers = config.peers.max(peers);
        config.events = Events::On;
        config
    }
}

impl FetcherOptions {
    fn apply(&self, config: &mut Config) {
        fn set<T>(field: &mut T, option: Option<T>) {
            if let Some(value) = option {
                *field = value;
            }
        }
        if let Some(longest) = self.grace {
            config.grace = config.grace.with_longest(longest.duration());
        }
        if let Some(longest) = self.deadline {
            for deadline in [&mut config.header_deadline, &mut config.body_deadline] {
                *deadline = deadline.with_longest(longest.duration());
            }
            // A second peer asked after the deadline of the first would be no hedge.
            config.hedge = config.hedge.with_longest(config.hedge.longest().min(longest.duration() / 2));
        }
        set(&mut config.gather, self.gather.map(|window| Gather { window: window.duration() }));
        set(&mut config.lifetime, self.lifetime.map(|lifetime| lifetime.duration()));
        set(&mut config.window_below, self.window_below);
        set(&mut config.window_above, self.window_above);
        set(&mut config.deferred_per_peer, self.deferred_per_peer);
        set(&mut config.announcements_per_peer, self.announcements_per_peer);
        set(&mut config.blocks_per_peer, self.blocks_per_peer);
        set(&mut config.bytes_per_peer, self.bytes_per_peer.map(|bytes| bytes.0));
        set(&mut config.bytes_total, self.bytes_total.map(|bytes| bytes.0));
        set(&mut config.requests_per_peer, self.requests_per_peer);
        set(&mut config.bodies_per_request, self.bodies_per_request);
        set(&mut config.importing, self.importing);
        set(&mut config.known_blocks, self.known_blocks);
        set(&mut config.bad_blocks, self.bad_blocks);
    }
}

#[cfg(test)]
mod tests {
    use core::time::Duration;

    use herald_fetcher::{Deadline, FanOut, Grace};

    use super::*;
    use crate::scenario::units::Span;

    #[test]
    fn a_policy_without_options_is_itself() {
        let scenario = Scenario::default();
        let on = |config: Config| config.with(|config| config.events = Events::On);
        assert_eq!(scenario.config(Policy::Herald, 8), on(Config::default()));
        assert_eq!(scenario.config(Policy::GethTimers, 8), on(Config::geth()));
        assert_eq!(scenario.config(Policy::GethModel, 8), on(Config::geth()));
        assert_eq!(scenario.config(Policy::AnnounceOnly, 8).fan_out, FanOut::None);
        assert_eq!(scenario.config(Policy::PushToAll, 8).fan_out, FanOut::All);
        assert_eq!(scenario.config(Policy::Herald, 300).peers, 300);
    }

    #[test]
    fn options_reach_every_policy() {
        let fetcher = FetcherOptions {
            grace: Some(Span::ms(50)),
            deadline: Some(Span::ms(300)),
            window_above: Some(9),
            ..FetcherOptions::default()
        };
        let scenario = Scenario { fetcher, ..Scenario::default() };
        let (ours, geth) = (scenario.config(Policy::Herald, 8), scenario.config(Policy::GethTimers, 8));
        let (short, deadline) = (Duration::from_millis(50), Duration::from_millis(300));
        assert_eq!(ours.grace, Grace::Adaptive { max: short });
        assert_eq!(geth.grace, Grace::Fixed { wait: short, slack: short });
        assert_eq!(ours.body_deadline, Deadline::Measured { min: deadline, max: deadline });
        assert_eq!(geth.header_deadline, Deadline::Fixed(deadline));
        assert_eq!((ours.window_above, geth.window_above), (9, 9));
        assert!(ours.check().is_ok() && geth.check().is_ok());
    }
}
