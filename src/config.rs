//! The fetcher's configuration: every limit and every wait, each with its reason.

mod check;

use core::time::Duration;

pub use check::ConfigError;

const MILLI: fn(u64) -> Duration = Duration::from_millis;
const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;

/// Limits and waits of a [`Fetcher`](crate::Fetcher).
///
/// [`Config::default`] is ours; [`Config::geth`] gives go-ethereum v1.13's figures and its fixed
/// waits, for comparison. Every field is public; start from one of the two, and set those that
/// should differ:
///
/// ```
/// use herald_fetcher::{Config, Mode};
///
/// let mut config = Config::default();
/// config.mode = Mode::HeadersOnly;
/// config.announcements_per_peer = 64;
/// config.check()?;
///
/// // The same as one expression.
/// let same = Config::default().with(|config| {
///     config.mode = Mode::HeadersOnly;
///     config.announcements_per_peer = 64;
/// });
/// assert_eq!(config, same);
/// # Ok::<(), herald_fetcher::ConfigError>(())
/// ```
///
/// It cannot be written as a struct literal outside of this crate, so that a further field, with a
/// default that changes nothing, breaks nobody.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default, deny_unknown_fields))]
pub struct Config {
    /// The source of all randomness (whom to relay to, whom to ask under [`Choice::Random`]) and of
    /// the hash maps' seed. Default 0, which is right for simulations; a node on an open network
    /// passes a random one, so that peers cannot foresee the maps' collisions.
    pub seed: u64,

    /// Whether bodies are fetched. Default [`Mode::Full`].
    pub mode: Mode,

    /// How long an announced hash waits for somebody to push the whole block.
    ///
    /// Default adaptive up to 400 ms: zero for announcers whose blocks are seldom pushed before
    /// they could be fetched, since waiting for nothing is what made a block take 500 ms in geth.
    /// Longer waits save a request where blocks are pushed, and delay every block where they are
    /// not. geth: fixed, 500 ms with 100 ms slack.
    pub grace: Grace,

    /// How long a checked header waits so that several bodies go into one request.
    ///
    /// Default none: near the head blocks come one at a time, and a gathered request only adds its
    /// wait. A longer one saves requests when many blocks are announced at once. geth: 100 ms.
    pub gather: Gather,

    /// When a hash is given up whose header has not come, whoever else could still be asked for it.
    /// Default at the end of its lifetime: each announcer gets its turn. geth: 5 s after it was first
    /// announced, its grace included, so that one slow answer loses the block.
    pub fetch_expiry: FetchExpiry,

    /// How long a header request may take. Default measured for each peer, 500 ms to 5 s; see
    /// [`Deadline`]. geth: 10 s, after which it drops the peer; the hash is given up before.
    pub header_deadline: Deadline,

    /// How long a body request may take until its first byte. Default and reasons as for headers; bodies
    /// are measured by themselves because they are larger. What the reply itself may take follows from
    /// [`least_rate`](Self::least_rate), unless the deadline is fixed. geth: 10 s for all of it.
    pub body_deadline: Deadline,

    /// When more peers are asked for what one has not yet answered: twice as many in each round. Default
    /// after the usual answering time of those asked and a margin, at most 1 s; costs a request for each
    /// slow answer, and saves the rest of the deadline. geth: never.
    pub hedge: Hedge,

    /// Whether a body is asked for together with its header. Default adaptive: yes while at least
    /// half of the recent verified blocks had a body worth asking for, which saves one round trip for each.
    /// Where most blocks are empty it would only cost a request. geth: after the header.
    pub body_request: BodyRequest,

    /// Which announcer is asked first. Default the fastest by measurement; geth: a random one.
    pub choice: Choice,

    /// Blocks this far below the head are still taken: an uncle may be needed for a reorganisation.
    /// Default 7, geth's figure: the depth at which Ethereum accepted uncles. More costs look-ups
    /// for stale announcements.
    pub window_below: u64,

    /// Blocks this far above the head are fetched. Default 32, geth's figure. More lets a liar with
    /// made-up numbers occupy its allowance with higher blocks; less turns short outages into a sync.
    pub window_above: u64,

    /// Blocks above the window, up to as much again, that are kept for each peer until the window
    /// reaches them. Default 4: enough for a node that fell a moment behind; not a sync. geth: 0.
    pub deferred_per_peer: u32,

    /// Live announcements for each peer, in every stage. Default 256, geth's figure, which covered
    /// only hashes not yet asked for. More costs about 150 bytes each in the worst case.
    pub announcements_per_peer: u32,

    /// Whole blocks held for each peer that provided them. Default 64, geth's figure.
    pub blocks_per_peer: u32,

    /// Bytes of headers and bodies held for each peer that provided them, as the host's types report
    /// them. Default 24 MiB: two blocks of the largest frame (10 MiB), or 64 of 384 KiB.
    pub bytes_per_peer: u64,

    /// Bytes of headers and bodies held in all. Default 256 MiB. Half of it is set aside in equal
    /// shares for the peers that [`peers`](Self::peers) allows, so that none can use the share of
    /// another; the other half goes to whoever needs it.
    pub bytes_total: u64,

    /// The largest reply that the host's wire lets through, in bytes. Default 10 MiB, the largest frame
    /// of Ethereum's wire. With the bytes that are nobody's share it says how many peers one body is
    /// asked of in one round: 12. More of them find an honest one among silent ones sooner, and cost
    /// more traffic where all are honest and slow.
    pub largest_reply: u64,

    /// Bytes a second that a peer must give at least while it answers. Default 512 KiB: a line of
    /// 4 Mbit/s, which brings the largest reply in 20 s. Less keeps slower peers, and lets one that
    /// drips its reply hold a request for longer; more blames slow ones.
    pub least_rate: u64,

    /// Whether the host says how much of a reply has come. Default [`ReplyProgress::Unreported`].
    pub reply_progress: ReplyProgress,

    /// Requests in flight at one peer. Default 16, what a peer serves at once by the wire's rules;
    /// more would be refused, fewer make bursts slower. geth: no limit of its own.
    pub requests_per_peer: u32,

    /// Hashes in one body request. Default 64: a reply of 64 blocks of 32 KiB is the 2 MiB that a
    /// peer gives at most.
    pub bodies_per_request: u32,

    /// Peers at once. Default 128. Each costs about 100 bytes, and its share of every limit.
    pub peers: u32,

    /// Blocks with the host for verification and import at once. Default 32; further ones wait in
    /// the queue, lowest number first.
    pub importing: u32,

    /// Recent blocks of which it is known which peers have them. Default 1,024, geth's figure for
    /// each peer. Fewer means that some are announced to peers that have them.
    pub known_blocks: u32,

    /// Hashes remembered as invalid. Default 128. Fewer costs a verification when one comes again.
    pub bad_blocks: u32,

    /// How long a hash is refused that the host has found invalid, and all that stands on it; twice as
    /// long each time it is found so again, up to a thousandfold. Default 60 s. A host can be wrong: with
    /// more, a false verdict keeps a good branch out for longer; with less, bad blocks are verified more
    /// often. geth remembers none.
    pub bad_block_expiry: Duration,

    /// How long a hash may wait in all, the time with the host not counted. Default 120 s: enough for
    /// several failed announcers at 5 s each, and for a gap in the chain to be closed. geth: none,
    /// which is how its entries stay for ever.
    pub lifetime: Duration,

    /// How far in the future a block may lie that is kept until its time. Default 30 s. The end of
    /// a future block comes at most this much after its lifetime. geth: 30 s.
    pub future_max: Duration,

    /// How many peers get the whole block when its header is verified. Default the square root of
    /// the peers: at 50 peers each block is sent 7 times and announced 43 times. geth: the square root
    /// of those that lack it, which makes copies fewer the later a node has the block.
    pub fan_out: FanOut,

    /// What is announced. Default what this node can serve, so that in [`Mode::HeadersOnly`] it
    /// announces nothing: whoever asked it for a body would blame it for having none.
    pub announce: Announce,

    /// Whether events for observers are among the outputs. Default off: they cost a few
    /// nanoseconds each.
    pub events: Events,
}

/// What is fetched.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Mode {
    /// Headers and bodies.
    Full,
    /// Headers only, imported as such. Nothing is relayed, and nothing announced unless
    /// [`Config::announce`] says so.
    HeadersOnly,
}

/// How long an announced hash waits for a push.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Grace {
    /// Always `wait`; a hash announced up to `slack` after another is fetched along with it.
    Fixed {
        /// From the announcement to the request.
        wait: Duration,
        /// How much shorter the wait may be to share a wake-up.
        slack: Duration,
    },
    /// Zero, unless at least half of the announcer's recent blocks were pushed before they could be
    /// fetched; then half as much again as those pushes took, at most `max`, and at most what the
    /// announcer usually takes to give a block itself.
    Adaptive {
        /// The longest wait.
        max: Duration,
    },
}

/// How long headers are gathered for one body request: at most `window` from the first of them.
///
/// Closed on purpose: it is one span, with a name for what it is counted from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Gather {
    /// The longest wait; zero asks at once.
    pub window: Duration,
}

/// When a hash is given up whose header has not come.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum FetchExpiry {
    /// At the end of its [`lifetime`](Config::lifetime).
    Lifetime,
    /// So long after its first announcement, if that is sooner. Nobody is blamed for it: whoever was
    /// asked last may have had little of the time.
    After(Duration),
}

/// How long a request may take.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Deadline {
    /// Always this long, whatever has come by then.
    Fixed(Duration),
    /// Twice what TCP would wait (RFC 6298: smoothed round-trip time and four deviations), within
    /// `min` and `max`; `max` for a peer not yet measured. Twice, because hedging already serves
    /// speed, and a deadline that is too short blames the innocent.
    Measured {
        /// Never less.
        min: Duration,
        /// Never more.
        max: Duration,
    },
}

/// Whether the host calls [`Fetcher::progress`](crate::Fetcher::progress) while replies come in.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum ReplyProgress {
    /// It does not. Nothing tells a large body on a slow line from silence, so that each measured
    /// deadline of a body is longer by the time that the largest reply takes at the least rate.
    Unreported,
    /// It does. A measured deadline is that of the first byte, and moves with what has come at the
    /// least rate: who is silent is known soon, and who is slow is not blamed.
    Reported,
}

/// When more peers are asked for what one has not answered.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Hedge {
    /// Never before the one that was asked has failed: one is asked at a time.
    Off,
    /// After the smoothed round-trip time and four deviations of the peer that was asked, the slowest of
    /// a round, within `min` and `max`; for a peer not yet measured 250 ms within them, since whoever
    /// connects anew would otherwise delay a block by the most.
    After {
        /// Never earlier.
        min: Duration,
        /// Never later.
        max: Duration,
    },
}

/// When a body is asked for.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum BodyRequest {
    /// When its header has come.
    AfterHeader,
    /// Together with its header.
    WithHeader,
    /// Together with its header while at least half of the recent blocks were not empty.
    Adaptive,
}

/// Which of several announcers is asked.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Choice {
    /// The one with the shortest measured answering time, any among equals.
    Fastest,
    /// Any.
    Random,
}

/// To how many peers a verified block is relayed whole.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum FanOut {
    /// To none: blocks are only announced.
    None,
    /// To the square root of the number of peers, rounded down.
    SquareRoot,
    /// To the square root of the number of those that lack it, rounded down.
    SquareRootOfLacking,
    /// To all that lack it.
    All,
}

/// Which blocks are announced.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Announce {
    /// Those that this node can serve: all that come into the chain in [`Mode::Full`], and none in
    /// [`Mode::HeadersOnly`] but what was sealed here.
    Served,
    /// All that come into the chain. In [`Mode::HeadersOnly`] for hosts that get the bodies elsewhere,
    /// and serve them.
    All,
}

/// Whether [`Output::Event`](crate::Output::Event) is produced.
///
/// Closed on purpose: a switch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Events {
    /// Not.
    Off,
    /// For each step of each hash.
    On,
}

impl Grace {
    /// The same kind of grace with another longest wait; a slack above it is lowered to it.
    #[must_use]
    pub fn with_longest(self, longest: Duration) -> Self {
        match self {
            Self::Fixed { wait: _, slack } => Self::Fixed { wait: longest, slack: slack.min(longest) },
            Self::Adaptive { max: _ } => Self::Adaptive { max: longest },
        }
    }
}

impl Deadline {
    /// The same kind of deadline with another longest time; a least time above it is lowered to it.
    #[must_use]
    pub fn with_longest(self, longest: Duration) -> Self {
        match self {
            Self::Fixed(_) => Self::Fixed(longest),
            Self::Measured { min, max: _ } => Self::Measured { min: min.min(longest), max: longest },
        }
    }
}

impl Hedge {
    /// The longest wait before a second peer is asked; none where none is.
    #[must_use]
    pub const fn longest(self) -> Duration {
        match self {
            Self::Off => Duration::ZERO,
            Self::After { min: _, max } => max,
        }
    }

    /// The same kind of hedge with another longest wait; a least wait above it is lowered to it.
    #[must_use]
    pub fn with_longest(self, longest: Duration) -> Self {
        match self {
            Self::Off => Self::Off,
            Self::After { min, max: _ } => Self::After { min: min.min(longest), max: longest },
        }
    }
}

impl Default for Config {
    fn default() -> Self {
        let deadline = Deadline::Measured { min: MILLI(500), max: MILLI(5_000) };
        Self {
            seed: 0,
            mode: Mode::Full,
            grace: Grace::Adaptive { max: MILLI(400) },
            gather: Gather { window: Duration::ZERO },
            fetch_expiry: FetchExpiry::Lifetime,
            header_deadline: deadline,
            body_deadline: deadline,
            hedge: Hedge::After { min: MILLI(50), max: MILLI(1_000) },
            body_request: BodyRequest::Adaptive,
            choice: Choice::Fastest,
            window_below: 7,
            window_above: 32,
            deferred_per_peer: 4,
            announcements_per_peer: 256,
            blocks_per_peer: 64,
            bytes_per_peer: 24 * MIB,
            bytes_total: 256 * MIB,
            largest_reply: 10 * MIB,
            least_rate: 512 * KIB,
            reply_progress: ReplyProgress::Unreported,
            requests_per_peer: 16,
            bodies_per_request: 64,
            peers: 128,
            importing: 32,
            known_blocks: 1_024,
            bad_blocks: 128,
            bad_block_expiry: MILLI(60_000),
            lifetime: MILLI(120_000),
            future_max: MILLI(30_000),
            fan_out: FanOut::SquareRoot,
            announce: Announce::Served,
            events: Events::Off,
        }
    }
}

impl Config {
    /// go-ethereum v1.13's figures and fixed waits on our state machine: what it would be with the
    /// same timers and without the faults. Limits that geth lacks keep our defaults.
    ///
    /// A hash whose header is not here 5 s after its first announcement is given up, as geth does, so
    /// that a silent announcer can lose an honest block: what [`Config::default`] promises of those
    /// does not hold here.
    pub fn geth() -> Self {
        let deadline = Deadline::Fixed(MILLI(10_000));
        Self {
            grace: Grace::Fixed { wait: MILLI(500), slack: MILLI(100) },
            gather: Gather { window: MILLI(100) },
            fetch_expiry: FetchExpiry::After(MILLI(5_000)),
            header_deadline: deadline,
            body_deadline: deadline,
            hedge: Hedge::Off,
            body_request: BodyRequest::AfterHeader,
            choice: Choice::Random,
            deferred_per_peer: 0,
            requests_per_peer: 256,
            bodies_per_request: 256,
            fan_out: FanOut::SquareRootOfLacking,
            ..Self::default()
        }
    }

    /// The same configuration but for what `change` sets.
    #[must_use]
    pub fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    /// The largest count that any limit may have: entries are numbered in 32 bits, and a product of
    /// two limits must stay below that.
    pub const COUNT_MAX: u32 = 1 << 14;

    /// How long a hash may wait for its header, counted from when it was first heard of.
    pub(crate) fn fetch_life(&self) -> Duration {
        match self.fetch_expiry {
            FetchExpiry::Lifetime => self.lifetime,
            FetchExpiry::After(span) => span.min(self.lifetime),
        }
    }

    /// The slots of a fetcher's table of peers: for those connected, and for those that left while
    /// the host still had blocks of theirs.
    pub(crate) fn peer_slots(&self) -> u32 {
        self.peers.saturating_add(self.importing)
    }

    /// The part of [`bytes_total`](Self::bytes_total) set aside for each peer slot.
    pub(crate) fn bytes_guaranteed(&self) -> u64 {
        (self.bytes_total / 2 / u64::from(self.peer_slots())).min(self.bytes_per_peer)
    }

    /// How long so many bytes take at the least rate.
    pub(crate) fn time_for(&self, bytes: u64) -> Duration {
        let nanos = u128::from(bytes) * 1_000_000_000 / u128::from(self.least_rate.max(1));
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }

    /// How many peers one body may be asked of in one round: as many as the largest replies that the
    /// common part has room for.
    pub(crate) fn bodies_at_once(&self) -> u16 {
        u16::try_from(self.bytes_shared() / self.largest_reply.max(1)).unwrap_or(u16::MAX).max(1)
    }

    /// The part of [`bytes_total`](Self::bytes_total) for whoever needs it.
    pub(crate) fn bytes_shared(&self) -> u64 {
        self.bytes_total - self.bytes_guaranteed() * u64::from(self.peer_slots())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_fit_together() {
        Config::default().check().expect("the default configuration is valid");
        Config::geth().check().expect("geth's configuration is valid");
        let config = Config::default();
        assert!(
            config.bytes_guaranteed() * u64::from(config.peer_slots()) + config.bytes_shared()
                == config.bytes_total
        );
        assert!(config.bytes_per_peer <= config.bytes_guaranteed() + config.bytes_shared());
        assert!(config.deferred_per_peer <= config.announcements_per_peer);
    }

    #[test]
    fn geth_is_geth() {
        let geth = Config::geth();
        assert_eq!(geth.grace, Grace::Fixed { wait: MILLI(500), slack: MILLI(100) });
        assert_eq!(geth.gather.window, MILLI(100));
        assert_eq!(geth.header_deadline, Deadline::Fixed(MILLI(10_000)));
        assert_eq!(geth.fetch_expiry, FetchExpiry::After(MILLI(5_000)));
        assert_eq!((geth.window_below, geth.window_above), (7, 32));
        assert_eq!((geth.announcements_per_peer, geth.blocks_per_peer), (256, 64));
        assert_eq!((geth.known_blocks, geth.fan_out), (1_024, FanOut::SquareRootOfLacking));
    }
}
