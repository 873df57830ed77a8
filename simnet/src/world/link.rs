//! Connections: one end of each for either node.
//!
//! In two lists: what each arriving message asks for, so small that it stays in the caches, and what
//! only a sender needs.

use crate::model::block::PeerId;
use crate::model::chain::NodeId;

/// One end of a connection, as the node there sees it. 8 bytes: each message that arrives looks at one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LinkEnd {
    /// Whose end it is.
    pub(crate) owner: NodeId,
    /// Raised with each connection and each cut: what was sent before is lost.
    pub(crate) epoch: u16,
    /// What this end believes.
    pub(crate) state: LinkState,
    /// The region of the node at the other end.
    pub(crate) from: u8,
}

/// Where messages go that are sent from one end of a connection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Route {
    /// The node at the other end.
    pub(crate) to: NodeId,
    /// The other end.
    pub(crate) reverse: PeerId,
    /// One-way latency, in nanoseconds; the same in both directions.
    pub(crate) latency: u32,
    /// Whether what is sent from this end arrives.
    pub(crate) wire: WireState,
}

/// What one end of a connection believes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LinkState {
    /// There is a connection.
    Up,
    /// There is none.
    Down,
    /// There is none, and there will be none: one end disconnected the other for good.
    Banned,
}

/// Whether a direction of a connection carries anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WireState {
    /// It does.
    Whole,
    /// A partition goes through it.
    Cut,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_and_routes_stay_small() {
        assert_eq!(size_of::<LinkEnd>(), 8);
        assert_eq!(size_of::<Route>(), 16);
    }
}
