//! Names for sync's requests, in a half of the numbers that the fetcher leaves free.

/// The bit that is set in the number of each of sync's requests. The fetcher's numbers stay below
/// 2^61 ([`herald_fetcher::RequestId`]).
const OF_SYNC: u64 = 1 << 63;

/// The name of a request of sync; its reply must bring it back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SyncRequestId(u64);

impl SyncRequestId {
    /// The name of a new sync's first request.
    pub(super) const FIRST: Self = Self(OF_SYNC);

    /// The request of sync that goes by this number over the wire; `None` where it is not one of
    /// sync's.
    #[must_use]
    pub fn from_wire(number: u64) -> Option<Self> {
        (number & OF_SYNC != 0).then_some(Self(number))
    }

    /// The number for the wire.
    #[must_use]
    pub fn as_u64(self) -> u64 {
        self.0
    }

    /// The name of the request after this one.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0.wrapping_add(1) | OF_SYNC)
    }
}
