//! Who asked: a reply goes to its owner and to nobody else.

use herald_fetcher::RequestId;

use crate::sync::SyncRequestId;

/// The owner of a request, known by the number that went over the wire: each of the two takes its
/// numbers from a part of its own where it asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RequestOwner {
    /// The fetcher asked.
    Fetcher(RequestId),
    /// The range sync asked.
    Sync(SyncRequestId),
}

impl RequestOwner {
    pub(super) fn of(request: u64) -> Self {
        match SyncRequestId::from_wire(request) {
            Some(request) => Self::Sync(request),
            None => Self::Fetcher(RequestId::new(request)),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn numbers_of_the_fetcher_are_never_sync_s() {
        for number in [0, 1, (1 << 61) - 1] {
            assert_eq!(RequestOwner::of(number), RequestOwner::Fetcher(RequestId::new(number)));
        }
        for number in [1 << 63, (1 << 63) + 1, u64::MAX] {
            let request = SyncRequestId::from_wire(number).unwrap();
            assert_eq!(RequestOwner::of(number), RequestOwner::Sync(request));
            let next = request.next().as_u64();
            assert_eq!(RequestOwner::of(next), RequestOwner::Sync(request.next()), "after {number:#x}");
        }
    }
}
