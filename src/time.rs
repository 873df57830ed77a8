//! Time as the fetcher sees it: nanoseconds since a moment that the host chose.

use core::time::Duration;

/// A point in time, in nanoseconds since an origin of the host's choice.
///
/// The core never reads a clock. A host passes monotonic readings, a simulator its virtual time;
/// the origin does not matter as long as it stays the same for one fetcher. 64 bits of nanoseconds
/// last for 584 years.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Time(u64);

impl Time {
    /// The origin.
    pub const ZERO: Self = Self(0);
    /// Later than any deadline.
    pub const MAX: Self = Self(u64::MAX);
    /// The latest reading of a clock that a fetcher takes: half of the range, 292 years after the
    /// origin. A later one is a defect of the host's clock, and no wait would ever lie after it.
    pub const LATEST: Self = Self(u64::MAX / 2);

    /// The point `nanos` nanoseconds after the origin.
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// Nanoseconds since the origin.
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// `span` later, or [`Time::MAX`] where that overflows.
    #[must_use]
    pub fn after(self, span: Duration) -> Self {
        Self(self.0.saturating_add(nanos(span)))
    }

    /// The time since `earlier`, or zero where `earlier` is later.
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

/// A span in nanoseconds, saturating: a configured span of centuries means "never".
pub(crate) fn nanos(span: Duration) -> u64 {
    u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arithmetic_saturates_at_both_ends() {
        assert_eq!(Time::MAX.after(Duration::from_secs(1)), Time::MAX);
        assert_eq!(Time::ZERO.after(Duration::MAX), Time::MAX);
        assert_eq!(Time::ZERO.since(Time::from_nanos(5)), Duration::ZERO);
        assert_eq!(Time::from_nanos(7).since(Time::from_nanos(5)), Duration::from_nanos(2));
    }
}
