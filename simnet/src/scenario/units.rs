//! Quantities with their units, as a scenario file writes them.

use core::time::Duration;

/// A span of time in whole nanoseconds; in a file `"50 ms"`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span(pub u64);

impl Span {
    /// No time.
    pub const ZERO: Self = Self(0);

    /// Whole milliseconds.
    pub const fn ms(ms: u64) -> Self {
        Self(ms * 1_000_000)
    }

    /// Whole seconds.
    pub const fn s(s: u64) -> Self {
        Self::ms(s * 1_000)
    }

    /// In nanoseconds.
    pub const fn nanos(self) -> u64 {
        self.0
    }

    /// As the standard library's type.
    pub const fn duration(self) -> Duration {
        Duration::from_nanos(self.0)
    }
}

/// A number of bytes; in a file `"100 KB"` (thousands) or `"1 MiB"` (powers of two).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Size(pub u64);

/// Bits in a second; in a file `"10 Mbit/s"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Rate(pub u64);

impl Rate {
    /// How long `bytes` take, rounded up to a whole nanosecond.
    pub const fn time_for(self, bytes: u64) -> u64 {
        let bits = bytes as u128 * 8 * 1_000_000_000;
        bits.div_ceil(self.0 as u128) as u64
    }
}
