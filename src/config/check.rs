//! Which configurations can work, and what is wrong with the others.

use core::time::Duration;

use thiserror::Error;

use super::{Config, Deadline, FetchExpiry, Grace, Hedge, KIB};

/// The shortest time in which a peer may have to answer: no round trip is worth asking for that takes
/// less, and with less everybody would be blamed.
const DEADLINE_MIN: Duration = Duration::from_millis(1);

impl Config {
    /// Whether the fields fit together.
    ///
    /// # Errors
    /// [`ConfigError`] names the field and what it must be.
    pub fn check(&self) -> Result<(), ConfigError> {
        self.check_counts()?;
        self.check_bytes()?;
        self.check_spans()
    }

    fn check_counts(&self) -> Result<(), ConfigError> {
        let at_least_one = [
            ("announcements_per_peer", self.announcements_per_peer),
            ("blocks_per_peer", self.blocks_per_peer),
            ("requests_per_peer", self.requests_per_peer),
            ("bodies_per_request", self.bodies_per_request),
            ("peers", self.peers),
            ("importing", self.importing),
            ("bad_blocks", self.bad_blocks),
            ("known_blocks", self.known_blocks),
        ];
        for (field, value) in at_least_one {
            if value == 0 {
                return Err(ConfigError::Zero { field });
            }
            if value > Self::COUNT_MAX {
                return Err(ConfigError::TooLarge { field, value, max: Self::COUNT_MAX });
            }
        }
        // Every new block lies above the head.
        if self.window_above == 0 {
            return Err(ConfigError::Zero { field: "window_above" });
        }
        Ok(())
    }

    fn check_bytes(&self) -> Result<(), ConfigError> {
        let (per_peer, total) = (self.bytes_per_peer, self.bytes_total);
        if per_peer < KIB || per_peer > total {
            return Err(ConfigError::BytesPerPeer { per_peer, total });
        }
        let (share, slots) = (self.bytes_guaranteed(), self.peer_slots());
        if share < KIB {
            return Err(ConfigError::Share { total, share, slots });
        }
        Ok(())
    }

    fn check_spans(&self) -> Result<(), ConfigError> {
        let deadlines = [("header_deadline", self.header_deadline), ("body_deadline", self.body_deadline)];
        let lifetime = ("lifetime", self.lifetime);
        if self.lifetime.is_zero() {
            return Err(ConfigError::Zero { field: "lifetime" });
        }
        for (field, deadline) in deadlines {
            let (min, max) = deadline_bounds(deadline);
            ordered(field, min, max)?;
            if min < DEADLINE_MIN {
                return Err(ConfigError::TooShort { field, span: min, min: DEADLINE_MIN });
            }
            if let Hedge::After { min, max: hedge } = self.hedge {
                ordered("hedge", min, hedge)?;
                shorter(("hedge", hedge), (field, max))?;
            }
        }
        if let Grace::Fixed { wait, slack } = self.grace {
            ordered("grace", slack, wait)?;
        }
        let grace = match self.grace {
            Grace::Fixed { wait, slack: _ } => wait,
            Grace::Adaptive { max } => max,
        };
        shorter(("grace", grace), lifetime)?;
        if let FetchExpiry::After(span) = self.fetch_expiry {
            shorter(("grace", grace), ("fetch_expiry", span))?;
        }
        shorter(("gather", self.gather.window), lifetime)
    }
}

fn deadline_bounds(deadline: Deadline) -> (Duration, Duration) {
    match deadline {
        Deadline::Fixed(span) => (span, span),
        Deadline::Measured { min, max } => (min, max),
    }
}

fn ordered(field: &'static str, min: Duration, max: Duration) -> Result<(), ConfigError> {
    if min > max { Err(ConfigError::Bounds { field, min, max }) } else { Ok(()) }
}

fn shorter(
    (field, span): (&'static str, Duration),
    (than, limit): (&'static str, Duration),
) -> Result<(), ConfigError> {
    if span >= limit { Err(ConfigError::NotShorter { field, span, than, limit }) } else { Ok(()) }
}

/// A configuration that cannot work.
#[non_exhaustive]
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum ConfigError {
    /// A limit of nothing lets nothing through.
    #[error("`{field}` is 0; it must be at least 1")]
    Zero {
        /// A field of [`Config`].
        field: &'static str,
    },
    /// A count beyond what entries can be numbered with.
    #[error("`{field}` is {value}; it may be {max} at most")]
    TooLarge {
        /// A field of [`Config`].
        field: &'static str,
        /// What it is set to.
        value: u32,
        /// The most that it may be, [`Config::COUNT_MAX`].
        max: u32,
    },
    /// A peer's bytes and the total do not fit together.
    #[error("`bytes_per_peer` is {per_peer}; it must lie between 1024 and `bytes_total`, which is {total}")]
    BytesPerPeer {
        /// What [`Config::bytes_per_peer`] is set to.
        per_peer: u64,
        /// What [`Config::bytes_total`] is set to.
        total: u64,
    },
    /// What is set aside for each peer holds not even a header, so that a few peers lock out the rest.
    #[error(
        "`bytes_total` is {total}: half of it leaves {share} bytes to each of {slots} peer slots (`peers` \
         and `importing`); each needs 1024"
    )]
    Share {
        /// What [`Config::bytes_total`] is set to.
        total: u64,
        /// What each peer slot has of it.
        share: u64,
        /// [`Config::peers`] and [`Config::importing`] together.
        slots: u32,
    },
    /// A least value above the greatest.
    #[error("`{field}`: the lower bound {min:?} is above the upper bound {max:?}; swap or change them")]
    Bounds {
        /// A field of [`Config`].
        field: &'static str,
        /// The lower bound in it.
        min: Duration,
        /// The upper bound in it.
        max: Duration,
    },
    /// Less time than any peer needs to answer.
    #[error("`{field}` may be as short as {span:?}; nobody answers in less than {min:?}")]
    TooShort {
        /// A field of [`Config`].
        field: &'static str,
        /// The least span in it.
        span: Duration,
        /// The least that it may be.
        min: Duration,
    },
    /// A wait that is cut off before it is over.
    #[error("`{field}` may be as long as {span:?}; it must be shorter than `{than}`, which is {limit:?}")]
    NotShorter {
        /// A field of [`Config`].
        field: &'static str,
        /// The longest span in it.
        span: Duration,
        /// The field that cuts it off.
        than: &'static str,
        /// The longest span in that one.
        limit: Duration,
    },
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Gather, MIB, MILLI};

    fn refused(change: impl FnOnce(&mut Config)) -> ConfigError {
        Config::default().with(change).check().expect_err("it cannot work")
    }

    #[test]
    fn counts_that_let_nothing_through() {
        assert_eq!(refused(|config| config.peers = 0), ConfigError::Zero { field: "peers" });
        assert_eq!(refused(|config| config.window_above = 0), ConfigError::Zero { field: "window_above" });
        let huge = refused(|config| config.blocks_per_peer = 1 << 20);
        assert!(matches!(huge, ConfigError::TooLarge { field: "blocks_per_peer", .. }));
    }

    #[test]
    fn bytes_that_do_not_fit() {
        let bytes = refused(|config| config.bytes_per_peer = MIB * 512);
        assert!(matches!(bytes, ConfigError::BytesPerPeer { .. }));
        // 160 peer slots, and half of the bytes for them.
        let of = |total| Config::default().with(|c| (c.bytes_per_peer, c.bytes_total) = (KIB, total)).check();
        assert_eq!(of(300), Err(ConfigError::BytesPerPeer { per_peer: KIB, total: 300 }));
        assert_eq!(of(2_000), Err(ConfigError::Share { total: 2_000, share: 6, slots: 160 }));
        assert_eq!(
            of(320 * KIB - 1),
            Err(ConfigError::Share { total: 320 * KIB - 1, share: 1_023, slots: 160 })
        );
        assert_eq!(of(320 * KIB), Ok(()));
    }

    #[test]
    fn deadlines_that_nobody_can_keep() {
        for span in [Duration::ZERO, Duration::from_nanos(1), DEADLINE_MIN - Duration::from_nanos(1)] {
            let short = ConfigError::TooShort { field: "header_deadline", span, min: DEADLINE_MIN };
            assert_eq!(refused(|config| config.header_deadline = Deadline::Fixed(span)), short);
            let measured = Deadline::Measured { min: span, max: MILLI(5_000) };
            assert_eq!(refused(|config| config.header_deadline = measured), short);
        }
        let crossed = Deadline::Measured { min: MILLI(2), max: MILLI(1) };
        let crossed = refused(|config| config.body_deadline = crossed);
        assert!(matches!(crossed, ConfigError::Bounds { field: "body_deadline", .. }));
    }

    #[test]
    fn a_hedge_that_comes_after_the_deadline() {
        let hedge = Hedge::After { min: MILLI(2), max: MILLI(1) };
        let crossed = refused(|config| config.hedge = hedge);
        assert!(matches!(crossed, ConfigError::Bounds { field: "hedge", .. }));
        for max in [MILLI(5_000), MILLI(9_000)] {
            let late = refused(|config| config.hedge = config.hedge.with_longest(max));
            let than = "header_deadline";
            assert_eq!(
                late,
                ConfigError::NotShorter { field: "hedge", span: max, than, limit: MILLI(5_000) }
            );
        }
        let short = refused(|config| config.body_deadline = config.body_deadline.with_longest(MILLI(900)));
        assert!(matches!(short, ConfigError::NotShorter { than: "body_deadline", .. }));
        let off = Config::geth().with(|config| config.body_deadline = Deadline::Fixed(DEADLINE_MIN));
        assert_eq!(off.check(), Ok(()));
    }

    #[test]
    fn waits_that_outlive_the_hash() {
        assert_eq!(
            refused(|config| config.lifetime = Duration::ZERO),
            ConfigError::Zero { field: "lifetime" }
        );
        let life = Config::default().lifetime;
        for grace in [Grace::Adaptive { max: life }, Grace::Fixed { wait: life, slack: Duration::ZERO }] {
            let outlives =
                ConfigError::NotShorter { field: "grace", span: life, than: "lifetime", limit: life };
            assert_eq!(refused(|config| config.grace = grace), outlives);
        }
        let expiry = FetchExpiry::After(MILLI(400));
        let limit = MILLI(400);
        let outlives = ConfigError::NotShorter { field: "grace", span: limit, than: "fetch_expiry", limit };
        assert_eq!(refused(|config| config.fetch_expiry = expiry), outlives);
        let gather = refused(|config| config.gather = Gather { window: life });
        assert!(matches!(gather, ConfigError::NotShorter { field: "gather", .. }));
        let crossed = Grace::Fixed { wait: MILLI(1), slack: MILLI(2) };
        let crossed = refused(|config| config.grace = crossed);
        assert!(matches!(crossed, ConfigError::Bounds { field: "grace", .. }));
    }

    #[test]
    fn an_error_says_what_to_change() {
        let error = refused(|config| config.hedge = config.hedge.with_longest(MILLI(9_000)));
        let text = "`hedge` may be as long as 9s; it must be shorter than `header_deadline`, which is 5s";
        assert_eq!(error.to_string(), text);
    }
}
