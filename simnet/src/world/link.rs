//! One end of a connection.

use crate::model::block::PeerId;
use crate::model::chain::NodeId;

/// One end of a connection between two nodes, as one of them sees it. 24 bytes: there are millions.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Link {
    /// Whose end it is.
    pub(crate) owner: NodeId,
    /// The node at the other end.
    pub(crate) to: NodeId,
    /// The other end.
    pub(crate) reverse: PeerId,
    /// One-way latency, in nanoseconds; the same in both directions.
    pub(crate) latency: u32,
    /// Raised with each connection and each cut: what was sent before is lost.
    pub(crate) epoch: u16,
    /// What this end believes.
    pub(crate) state: LinkState,
    /// Whether what is sent from this end arrives.
    pub(crate) wire: Wire,
}

/// What one end of a connection believes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LinkState {
    /// There is a connection.
    Up,
    /// There is none.
    Down,
    /// There is none, and there will be none: this end or the other was thrown out.
    Banned,
}

/// Whether a direction of a connection carries anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wire {
    /// It does.
    Whole,
    /// A partition goes through it.
    Cut,
}
