//! From a scenario to the fetcher's configuration.

use herald_fetcher::{Config, Deadline, Events, Gather, Grace};

use super::{FetcherOptions, Policy, Scenario};

impl Scenario {
    /// The configuration of a fetcher under `policy` for a node with at most `peers` peers: the
    /// policy's own, with the scenario's [`FetcherOptions`] applied, and events on.
    ///
    /// Its seed is 0: a node puts its own in. What [`check`](Self::check) accepts is valid for the
    /// fetcher, with as many peers as the topology can give.
    pub fn config(&self, policy: Policy, peers: u32) -> Config {
        let config = self.fetcher.applied_to(policy.config());
        Config { peers: config.peers.max(peers), events: Events::On, ..config }
    }
}

impl FetcherOptions {
    fn applied_to(&self, base: Config) -> Config {
        Config {
            grace: self.grace.map_or(base.grace, |longest| match base.grace {
                Grace::Fixed { wait: _, slack } => {
                    Grace::Fixed { wait: longest.duration(), slack: slack.min(longest.duration()) }
                }
                Grace::Adaptive { max: _ } => Grace::Adaptive { max: longest.duration() },
            }),
            gather: self.gather.map_or(base.gather, |window| Gather { window: window.duration() }),
            header_deadline: self.deadline(base.header_deadline),
            body_deadline: self.deadline(base.body_deadline),
            lifetime: self.lifetime.map_or(base.lifetime, |lifetime| lifetime.duration()),
            window_below: self.window_below.unwrap_or(base.window_below),
            window_above: self.window_above.unwrap_or(base.window_above),
            deferred_per_peer: self.deferred_per_peer.unwrap_or(base.deferred_per_peer),
            announcements_per_peer: self.announcements_per_peer.unwrap_or(base.announcements_per_peer),
            blocks_per_peer: self.blocks_per_peer.unwrap_or(base.blocks_per_peer),
            bytes_per_peer: self.bytes_per_peer.map_or(base.bytes_per_peer, |bytes| bytes.0),
            bytes_total: self.bytes_total.map_or(base.bytes_total, |bytes| bytes.0),
            requests_per_peer: self.requests_per_peer.unwrap_or(base.requests_per_peer),
            bodies_per_request: self.bodies_per_request.unwrap_or(base.bodies_per_request),
            importing: self.importing.unwrap_or(base.importing),
            known_blocks: self.known_blocks.unwrap_or(base.known_blocks),
            bad_blocks: self.bad_blocks.unwrap_or(base.bad_blocks),
            ..base
        }
    }

    fn deadline(&self, base: Deadline) -> Deadline {
        let Some(longest) = self.deadline else { return base };
        match base {
            Deadline::Fixed(_) => Deadline::Fixed(longest.duration()),
            Deadline::Measured { min, max: _ } => {
                Deadline::Measured { min: min.min(longest.duration()), max: longest.duration() }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use core::time::Duration;

    use herald_fetcher::FanOut;

    use super::*;
    use crate::scenario::units::Span;

    #[test]
    fn a_policy_without_options_is_itself() {
        let scenario = Scenario::default();
        let on = |config| Config { events: Events::On, ..config };
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
