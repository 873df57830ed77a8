//! What is kept of each peer.

use core::time::Duration;

use crate::config::{Deadline, Hedge};
use crate::output::Presence;

/// What a peer without a measured answering time is taken for: faster than a slow one, so that
/// newcomers get a try.
pub(crate) const UNMEASURED: Duration = Duration::from_millis(250);

/// Who a peer is, and what was measured of it: all that is kept at rest, but for its name's other copy
/// in [`Names`](super::names::Names).
#[derive(Debug)]
pub(crate) struct Peer<P> {
    pub(crate) id: P,
    /// Announcements and pushes refused for its limits.
    pub(crate) refused: u32,
    pub(crate) header_rtt: RttEstimator,
    pub(crate) body_rtt: RttEstimator,
    /// After how long the blocks that it announces first are pushed by somebody, smoothed, in
    /// microseconds.
    push_delay_us: u32,
    /// The share of them that is, of 256.
    push_share: u8,
    /// The share of what it was asked first that others had answered before it, of 256.
    overtaken_share: u8,
    /// One that is gone keeps its slot while the host has blocks that are charged to it.
    pub(crate) presence: Presence,
}

impl<P> Peer<P> {
    pub(crate) fn new(id: P) -> Self {
        Self {
            id,
            refused: 0,
            header_rtt: RttEstimator::default(),
            body_rtt: RttEstimator::default(),
            push_delay_us: 0,
            push_share: 0,
            overtaken_share: 0,
            presence: Presence::Connected,
        }
    }

    /// A block that it announced first was pushed, so long after its announcement. A push that comes
    /// after the peer itself would have given the block was not worth waiting for: or whoever pushes
    /// late could make others' blocks late.
    pub(crate) fn note_pushed(&mut self, delay: Duration) {
        if delay > self.fetch_time() {
            return self.note_fetched();
        }
        let delay = u32::try_from(delay.as_micros()).unwrap_or(u32::MAX);
        self.push_share += (u8::MAX - self.push_share).div_ceil(8);
        let before = self.push_delay_us;
        self.push_delay_us = if before == 0 { delay } else { (before / 4 * 3).saturating_add(delay / 4) };
    }

    /// A block that it announced first was fetched before anybody pushed it.
    pub(crate) fn note_fetched(&mut self) {
        self.push_share -= self.push_share.div_ceil(8);
    }

    /// It was asked first, and another answered before it, or nobody in time. Three in a row make it
    /// slow: its share moves by a quarter, so that one lost reply does not.
    pub(crate) fn note_overtaken(&mut self) {
        self.overtaken_share += (u8::MAX - self.overtaken_share).div_ceil(4);
    }

    /// It answered.
    pub(crate) fn note_answered(&mut self) {
        self.overtaken_share -= self.overtaken_share.div_ceil(4);
    }

    /// Whether others mostly answer before it. It is then asked first only where it is alone, and not
    /// waited for; honest peers are distant too, so that is all.
    pub(crate) fn is_slow(&self) -> bool {
        self.overtaken_share >= 128
    }

    /// How long to wait for a push of what it announces: half as much again as pushes take, or not at
    /// all while they are the exception; and never longer than fetching the block from it takes.
    pub(crate) fn grace(&self, max: Duration) -> Duration {
        if self.push_share < 128 {
            return Duration::ZERO;
        }
        Duration::from_micros(u64::from(self.push_delay_us) * 3 / 2).min(self.fetch_time()).min(max)
    }

    /// How long it usually takes to give a block, header and body asked for together.
    fn fetch_time(&self) -> Duration {
        let usual = |time: &RttEstimator| time.usual().unwrap_or(UNMEASURED);
        usual(&self.header_rtt).max(usual(&self.body_rtt))
    }
}

/// How long a peer takes to answer: RFC 6298's smoothed round-trip time and deviation, in
/// microseconds. Zero before the first answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct RttEstimator {
    smoothed_us: u32,
    deviation_us: u32,
}

impl RttEstimator {
    /// Takes a measurement in. Integer arithmetic: the same on every machine.
    pub(crate) fn measure(&mut self, taken: Duration) {
        // Never zero, which would read as "not measured"; capped far above any deadline.
        let taken = u32::try_from(taken.as_micros()).unwrap_or(u32::MAX).clamp(1, 1 << 28);
        if self.smoothed_us == 0 {
            *self = Self { smoothed_us: taken, deviation_us: taken / 2 };
            return;
        }
        let error = self.smoothed_us.abs_diff(taken);
        self.deviation_us = (self.deviation_us / 4 * 3).saturating_add(error / 4);
        self.smoothed_us = (self.smoothed_us / 8 * 7).saturating_add(taken.div_ceil(8)).max(1);
    }

    /// Backs off after a request that was not answered, so that others are asked first.
    pub(crate) fn missed(&mut self, waited: Duration) {
        let waited = u32::try_from(waited.as_micros()).unwrap_or(u32::MAX).min(1 << 28);
        self.smoothed_us = self.smoothed_us.saturating_mul(2).max(waited).min(1 << 28);
    }

    /// The smoothed time and four deviations; `None` before the first answer.
    pub(crate) fn usual(&self) -> Option<Duration> {
        let bound = u64::from(self.smoothed_us) + 4 * u64::from(self.deviation_us);
        (self.smoothed_us != 0).then(|| Duration::from_micros(bound))
    }

    pub(crate) fn deadline(&self, deadline: Deadline) -> Duration {
        match deadline {
            Deadline::Fixed(span) => span,
            Deadline::Measured { min, max } => self.usual().map_or(max, |usual| (usual * 2).clamp(min, max)),
        }
    }

    pub(crate) fn hedge(&self, hedge: Hedge, unmeasured: Duration) -> Option<Duration> {
        match hedge {
            Hedge::Off => None,
            Hedge::After { min, max } => Some(self.usual().unwrap_or(unmeasured).clamp(min, max)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn an_answer_time_settles_on_what_is_measured() {
        let mut time = RttEstimator::default();
        assert_eq!(time.usual(), None);
        for _ in 0..100 {
            time.measure(ms(40));
        }
        let usual = time.usual().expect("measured");
        assert!(usual >= ms(39) && usual <= ms(41), "{usual:?}");
        let bounds = Deadline::Measured { min: ms(500), max: ms(5_000) };
        assert_eq!(time.deadline(bounds), ms(500));
        assert_eq!(RttEstimator::default().deadline(bounds), ms(5_000));
        time.missed(ms(5_000));
        assert_eq!(time.deadline(bounds), ms(5_000));
    }

    #[test]
    fn a_peer_is_slow_after_three_that_overtook_it_and_no_more_after_an_answer() {
        let mut peer = Peer::new(());
        for overtaken in 0..3 {
            assert!(!peer.is_slow(), "after {overtaken}");
            peer.note_overtaken();
        }
        assert!(peer.is_slow());
        peer.note_answered();
        assert!(!peer.is_slow());
        (0..100).for_each(|_| peer.note_overtaken());
        assert_eq!(peer.overtaken_share, u8::MAX);
        (0..100).for_each(|_| peer.note_answered());
        assert_eq!(peer.overtaken_share, 0);
    }

    #[test]
    fn zero_round_trips_are_measured_as_such() {
        let mut time = RttEstimator::default();
        time.measure(Duration::ZERO);
        assert!(time.usual().is_some_and(|usual| usual < ms(1)));
    }

    #[test]
    fn grace_follows_the_pushes_and_fades_without_them() {
        let mut peer = Peer::new(());
        assert_eq!(peer.grace(ms(400)), Duration::ZERO);
        for _ in 0..20 {
            peer.note_pushed(ms(60));
        }
        let grace = peer.grace(ms(400));
        assert!(grace >= ms(85) && grace <= ms(95), "{grace:?}");
        assert_eq!(peer.grace(ms(10)), ms(10));
        for _ in 0..20 {
            peer.note_fetched();
        }
        assert_eq!(peer.grace(ms(400)), Duration::ZERO);
        for _ in 0..200 {
            peer.note_fetched();
        }
        assert_eq!(peer.push_share, 0);
    }
}
