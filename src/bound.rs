//! How long an honest block takes at most, whatever other peers do.

use core::time::Duration;

use crate::config::{Config, Deadline, Gather, Grace, Hedge, Mode};

/// What the bound on an honest block's way depends on besides the configuration: the peer that has
/// announced it, and the host. See [`Config::import_bound`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BoundTerms {
    /// How long the peer takes to answer for a header. Default 1 s. It must be within its deadline.
    pub header_answer: Duration,
    /// How long it takes to give the whole body. Default what the largest reply takes at the least rate
    /// of the default configuration, 20 s. Its first byte, and the rate from then on, must be within the
    /// deadline.
    pub body_answer: Duration,
    /// How long a hash waits until one of the peer's requests ends. Default 0: it has some left.
    pub request_wait: Duration,
    /// How many ancestors of the block are missing too. Default 0.
    pub missing_ancestors: u32,
    /// The host's longest verification of a header. Default 100 ms.
    pub verification: Duration,
    /// The host's longest import. Default 1 s.
    pub import: Duration,
}

impl Default for BoundTerms {
    fn default() -> Self {
        Self {
            header_answer: Duration::from_secs(1),
            body_answer: Duration::from_secs(20),
            request_wait: Duration::ZERO,
            missing_ancestors: 0,
            verification: Duration::from_millis(100),
            import: Duration::from_secs(1),
        }
    }
}

impl BoundTerms {
    /// The same terms but for what `change` sets.
    #[must_use]
    pub fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }
}

impl Config {
    /// The longest time from when an honest peer has announced a valid block until it is imported,
    /// whatever the other peers do:
    ///
    /// ```text
    /// B = G + (d + 1) · (W + R_h · s + T_h + R_b · s + T_b + Q · (V + M))
    ///
    /// G        grace and gather
    /// d        missing ancestors
    /// W        the wait for a request at the peer
    /// R_h, R_b the rounds until the peer is asked for a header and for a body: the least r for which
    ///          the sum of min(2^i, K) over i < r reaches the number of peers. K is that number for
    ///          headers, and for bodies how many of the largest replies can be held
    /// s        the longest hedge wait; without hedging the longest deadline, and K is 1
    /// T_h, T_b the peer's own answers
    /// Q        peers / importing, rounded up
    /// V, M     the host's longest verification and import
    /// ```
    ///
    /// It holds while the peer stays connected, block and ancestors stay within the window, and what
    /// they need stays within the peer's own allowances. A block that ends by a local fault of the host
    /// begins anew, after a pause.
    pub fn import_bound(&self, terms: &BoundTerms) -> Duration {
        let Gather { window: gather } = self.gather;
        let grace = match self.grace {
            Grace::Fixed { wait: longest, .. } | Grace::Adaptive { max: longest } => longest,
        };
        let headers = self.rounds_bound(u64::MAX, self.header_deadline, Duration::ZERO);
        let whole = match self.mode {
            Mode::Full => {
                let reply = self.time_for(self.largest_reply);
                let bodies = self.rounds_bound(u64::from(self.bodies_at_once()), self.body_deadline, reply);
                bodies.saturating_add(terms.body_answer).saturating_add(gather)
            }
            Mode::HeadersOnly => Duration::ZERO,
        };
        let turns = self.peers.div_ceil(self.importing.max(1));
        let host = terms.verification.saturating_add(terms.import).saturating_mul(turns);
        let each = [terms.request_wait, headers, terms.header_answer, whole, host];
        let each = each.into_iter().fold(Duration::ZERO, Duration::saturating_add);
        grace.saturating_add(each.saturating_mul(terms.missing_ancestors.saturating_add(1)))
    }

    /// The time until each of as many peers as there may be was asked, `most` at once.
    fn rounds_bound(&self, most: u64, deadline: Deadline, reply: Duration) -> Duration {
        let (wait, most) = match (self.hedge, deadline) {
            (Hedge::After { max, .. }, Deadline::Fixed(_) | Deadline::Measured { .. }) => (max, most),
            (Hedge::Off, Deadline::Fixed(longest)) => (longest, 1),
            (Hedge::Off, Deadline::Measured { max, .. }) => (max.saturating_add(reply), 1),
        };
        let (mut rounds, mut asked) = (0_u32, 0_u64);
        while asked < u64::from(self.peers) {
            // 2^14 peers at most, and one at least in each round.
            asked += (1 << rounds.min(Self::COUNT_MAX.ilog2())).min(most.max(1));
            rounds += 1;
        }
        wait.saturating_mul(rounds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn the_default_bound_is_half_a_lifetime() {
        let config = Config::default();
        // 400 ms of grace; 8 rounds for 128 headers, 14 for bodies, of which 12 are asked at once; 1 s
        // and 20 s for the peer; four times 1.1 s for the host.
        let bound = config.import_bound(&BoundTerms::default());
        assert_eq!(bound, ms(400 + 8_000 + 1_000 + 14_000 + 20_000 + 4 * 1_100));
        assert!(bound < config.lifetime);
    }

    #[test]
    fn each_missing_ancestor_costs_all_but_the_grace_again() {
        let config = Config::default();
        let bound = |ancestors| {
            config.import_bound(&BoundTerms::default().with(|terms| terms.missing_ancestors = ancestors))
        };
        assert_eq!(bound(3) - bound(2), bound(0) - ms(400));
    }

    #[test]
    fn one_at_a_time_costs_a_deadline_for_each_peer() {
        let config = Config::geth().with(|config| config.peers = 25);
        let bound = config.import_bound(&BoundTerms::default());
        // 10 s for each header and each body.
        assert!(bound > ms(2 * 25 * 10_000) && bound < ms(2 * 25 * 10_000 + 60_000), "{bound:?}");
    }

    #[test]
    fn a_small_table_needs_few_rounds() {
        let hedge = Hedge::After { min: ms(1), max: ms(100) };
        let config = Config::default().with(|config| (config.peers, config.hedge) = (3, hedge));
        assert_eq!(config.rounds_bound(u64::MAX, config.header_deadline, Duration::ZERO), ms(200));
        assert_eq!(config.rounds_bound(1, config.header_deadline, Duration::ZERO), ms(300));
    }
}
