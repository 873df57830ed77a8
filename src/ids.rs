//! Numbers of what the table keeps. Never shown outside, and valid only while the thing lives.

use core::num::NonZeroU32;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        // One more than the slab's key, so that an `Option` is no larger.
        pub(crate) struct $name(NonZeroU32);

        impl $name {
            /// From a slab's key. Slabs stay far below 2^32 items: `Config::check` bounds the limits
            /// from which their sizes follow.
            pub(crate) fn new(key: usize) -> Self {
                Self(NonZeroU32::MIN.saturating_add(key as u32))
            }

            pub(crate) fn index(self) -> usize {
                self.0.get() as usize - 1
            }
        }
    };
}

id!(
    /// An entry: one hash that is followed.
    EntryId
);
id!(
    /// A claim: one peer's word that it has the block of one entry.
    ClaimId
);
id!(
    /// A peer: its index in the table, used again when it is gone.
    PeerSlot
);
