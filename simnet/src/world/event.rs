//! What happens in a world, and what nodes send each other.

use herald_fetcher::{BlockNumber, RequestId};

use crate::measure::MessageKind;
use crate::model::block::{BlockIndex, Blocks, PeerId};
use crate::model::chain::NodeId;
use crate::scenario::WireSizes;

use super::BlockLists;

/// Something that is due at a time. Small and `Copy`: a million of them wait at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WorldEvent {
    /// A message arrives; `peer` is the receiver's end of the connection to the sender.
    Arrive { peer: PeerId, epoch: u16, at: ArrivalStage, message: SimMessage },
    /// A machine's wait may be over.
    Timer { node: NodeId },
    /// A header check is done.
    Verified { node: NodeId, life: u16, block: BlockIndex },
    /// An import is done.
    Imported { node: NodeId, life: u16, block: BlockIndex },
    /// An import of a range is done.
    RangeImported { node: NodeId, life: u16, block: BlockIndex },
    /// A slot of the schedule has come.
    Seal { slot: u32 },
    /// A step of the faults' plan.
    Fault { step: u32 },
    /// This end of a connection finds that it is gone.
    Gone { peer: PeerId, epoch: u16 },
    /// A connection is made anew.
    Open { peer: PeerId },
    /// A hostile node acts by itself.
    Wake { node: NodeId },
    /// A node looks whether it has fallen behind.
    CatchUp { node: NodeId, life: u16 },
    /// A message that was held back is sent.
    Later { peer: PeerId, message: SimMessage },
    /// Figures over all nodes are taken.
    Sample,
}

/// How far a message has come at its receiver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ArrivalStage {
    /// Its first bit has reached the downlink's queue.
    AtDownlink,
    /// All of it has been received.
    Received,
}

/// What nodes send each other. Blocks and lists are shared: only their indices travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SimMessage {
    /// "I have this block, of this number."
    Announce { block: BlockIndex, number: BlockNumber },
    /// A whole block; an honest one has the body that belongs to its header.
    Push { header: BlockIndex, body: BlockIndex },
    /// A request for a header.
    GetHeader { request: RequestId, block: BlockIndex },
    /// A request for one body.
    GetBody { request: RequestId, block: BlockIndex },
    /// A request for several bodies.
    GetBodies { request: RequestId, list: u32 },
    /// The header asked for.
    Header { request: RequestId, block: BlockIndex },
    /// "I do not have that header."
    NoHeader { request: RequestId },
    /// One body.
    Body { request: RequestId, block: BlockIndex },
    /// Several bodies, or none.
    Bodies { request: RequestId, list: u32 },
    /// The request is closed without a reply.
    Refused { request: RequestId },
    /// A reply that is none.
    Junk { request: RequestId },
    /// A reply larger than any may be.
    Oversized { request: RequestId },
    /// The greeting on a new connection.
    Status { head: BlockIndex },
    /// "Which blocks follow after what I have, this being my head?"
    GetRange { head: BlockIndex },
    /// Blocks in a row.
    Range { list: u32 },
}

/// What comes of an oversized reply before it is refused: its length prefix says it, and what a
/// receive window holds is on its way by then.
const OVERSIZED_BYTES: u64 = 64 << 10;

impl SimMessage {
    /// Under which kind it is counted.
    pub(crate) fn kind(self) -> MessageKind {
        match self {
            Self::Announce { .. } => MessageKind::Announcement,
            Self::Push { .. } => MessageKind::PushedBlock,
            Self::GetHeader { .. } => MessageKind::HeaderRequest,
            Self::GetBody { .. } | Self::GetBodies { .. } => MessageKind::BodiesRequest,
            Self::Header { .. } | Self::NoHeader { .. } => MessageKind::Header,
            Self::Body { .. } | Self::Bodies { .. } => MessageKind::Bodies,
            Self::Refused { .. } | Self::Junk { .. } | Self::Oversized { .. } => MessageKind::Junk,
            Self::Status { .. } => MessageKind::Status,
            Self::GetRange { .. } => MessageKind::RangeRequest,
            Self::Range { .. } => MessageKind::Range,
        }
    }

    /// Whether it may overtake bodies.
    pub(crate) fn is_small(self) -> bool {
        match self {
            Self::Announce { .. }
            | Self::GetHeader { .. }
            | Self::GetBody { .. }
            | Self::GetBodies { .. }
            | Self::Header { .. }
            | Self::NoHeader { .. }
            | Self::Refused { .. }
            | Self::Junk { .. }
            | Self::Status { .. }
            | Self::GetRange { .. } => true,
            Self::Push { .. }
            | Self::Body { .. }
            | Self::Bodies { .. }
            | Self::Oversized { .. }
            | Self::Range { .. } => false,
        }
    }

    /// Bytes on the wire.
    pub(crate) fn bytes(self, wire: &WireSizes, blocks: &Blocks, lists: &BlockLists) -> u64 {
        let framed = |bytes: u64| wire.overhead.0 + bytes;
        let body = |id: BlockIndex| u64::from(blocks.get(id).body_bytes);
        match self {
            Self::Announce { .. } | Self::Status { .. } => wire.announcement.0,
            Self::Push { header, body: id } => framed(u64::from(blocks.get(header).header_bytes) + body(id)),
            Self::GetHeader { .. } | Self::GetBody { .. } | Self::GetRange { .. } => wire.request.0,
            Self::GetBodies { list, .. } => wire.request.0 + 32 * lists.get(list).len() as u64,
            Self::Header { block, .. } => framed(u64::from(blocks.get(block).header_bytes)),
            Self::NoHeader { .. } | Self::Refused { .. } | Self::Junk { .. } => wire.overhead.0,
            Self::Body { block, .. } => framed(body(block)),
            Self::Bodies { list, .. } => framed(lists.get(list).iter().map(|&id| body(id)).sum()),
            Self::Oversized { .. } => OVERSIZED_BYTES,
            Self::Range { list } => framed(lists.get(list).iter().map(|&id| blocks.get(id).bytes()).sum()),
        }
    }

    /// Bytes of blocks in it, for the redundancy; a block's header counts only where it is pushed.
    pub(crate) fn block_bytes(self, blocks: &Blocks, lists: &BlockLists) -> u64 {
        let body = |id: BlockIndex| u64::from(blocks.get(id).body_bytes);
        match self {
            Self::Push { header, body: id } => u64::from(blocks.get(header).header_bytes) + body(id),
            Self::Header { block, .. } => u64::from(blocks.get(block).header_bytes),
            Self::Body { block, .. } => body(block),
            Self::Bodies { list, .. } => lists.get(list).iter().map(|&id| body(id)).sum(),
            Self::Range { list } => lists.get(list).iter().map(|&id| blocks.get(id).bytes()).sum(),
            Self::Announce { .. }
            | Self::GetHeader { .. }
            | Self::GetBody { .. }
            | Self::GetBodies { .. }
            | Self::NoHeader { .. }
            | Self::Refused { .. }
            | Self::Junk { .. }
            | Self::Oversized { .. }
            | Self::Status { .. }
            | Self::GetRange { .. } => 0,
        }
    }

    /// The list that it carries, which is given back when the message ends.
    pub(crate) fn list(self) -> Option<u32> {
        match self {
            Self::GetBodies { list, .. } | Self::Bodies { list, .. } | Self::Range { list } => Some(list),
            Self::Announce { .. }
            | Self::Push { .. }
            | Self::GetHeader { .. }
            | Self::GetBody { .. }
            | Self::Header { .. }
            | Self::NoHeader { .. }
            | Self::Body { .. }
            | Self::Refused { .. }
            | Self::Junk { .. }
            | Self::Oversized { .. }
            | Self::Status { .. }
            | Self::GetRange { .. } => None,
        }
    }

    /// Two words that say what it is, for the trace and for draws that belong to this message.
    pub(crate) fn words(self) -> [u64; 2] {
        let word = |tag: u64, block: u32| tag << 32 | u64::from(block);
        match self {
            Self::Announce { block, number } => [word(1, block.0), number],
            Self::Push { header, body } => [word(2, header.0), u64::from(body.0)],
            Self::GetHeader { request, block } => [word(3, block.0), request.as_u64()],
            Self::GetBody { request, block } => [word(4, block.0), request.as_u64()],
            Self::GetBodies { request, list } => [word(5, list), request.as_u64()],
            Self::Header { request, block } => [word(6, block.0), request.as_u64()],
            Self::NoHeader { request } => [word(7, 0), request.as_u64()],
            Self::Body { request, block } => [word(8, block.0), request.as_u64()],
            Self::Bodies { request, list } => [word(9, list), request.as_u64()],
            Self::Refused { request } => [word(10, 0), request.as_u64()],
            Self::Junk { request } => [word(11, 0), request.as_u64()],
            Self::Oversized { request } => [word(12, 0), request.as_u64()],
            Self::Status { head } => [word(13, head.0), 0],
            Self::GetRange { head } => [word(14, head.0), 0],
            Self::Range { list } => [word(15, list), 0],
        }
    }
}

impl WorldEvent {
    /// Three words that say what it is, for the trace.
    pub(crate) fn words(self) -> [u64; 3] {
        let at = |tag: u64, node: u32, life: u16| tag << 48 | u64::from(life) << 32 | u64::from(node);
        match self {
            Self::Arrive { peer, epoch, at: stage, message } => {
                let [what, with] = message.words();
                let tag = match stage {
                    ArrivalStage::AtDownlink => 1,
                    ArrivalStage::Received => 2,
                };
                [at(tag, peer.0, epoch), what, with]
            }
            Self::Timer { node } => [at(3, node.0, 0), 0, 0],
            Self::Verified { node, life, block } => [at(4, node.0, life), u64::from(block.0), 0],
            Self::Imported { node, life, block } => [at(5, node.0, life), u64::from(block.0), 0],
            Self::RangeImported { node, life, block } => [at(6, node.0, life), u64::from(block.0), 0],
            Self::Seal { slot } => [at(7, slot, 0), 0, 0],
            Self::Fault { step } => [at(8, step, 0), 0, 0],
            Self::Gone { peer, epoch } => [at(9, peer.0, epoch), 0, 0],
            Self::Open { peer } => [at(10, peer.0, 0), 0, 0],
            Self::Wake { node } => [at(11, node.0, 0), 0, 0],
            Self::CatchUp { node, life } => [at(12, node.0, life), 0, 0],
            Self::Later { peer, message } => {
                let [what, with] = message.words();
                [at(14, peer.0, 0), what, with]
            }
            Self::Sample => [at(13, 0, 0), 0, 0],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_stay_small() {
        assert_eq!(size_of::<SimMessage>(), 16);
        assert_eq!(size_of::<WorldEvent>(), 24);
    }
}
