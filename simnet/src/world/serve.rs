//! Answering requests, honestly.

use crate::model::block::{BlockIndex, PeerId};
use crate::model::chain::NodeId;
use crate::policy::Machine;

use super::World;
use super::event::SimMessage;

impl<M: Machine> World<'_, M> {
    /// Answers from the chain: with what is there, or with nothing.
    pub(super) fn serve(&mut self, node: NodeId, peer: PeerId, message: SimMessage) {
        let chain = &self.node(node).chain;
        let reply = match message {
            SimMessage::GetHeader { request, block } if chain.has(block) => {
                SimMessage::Header { request, block }
            }
            SimMessage::GetHeader { request, .. } => SimMessage::NoHeader { request },
            SimMessage::GetBody { request, block } if chain.has(block) => SimMessage::Body { request, block },
            SimMessage::GetBody { request, .. } => {
                SimMessage::Bodies { request, list: self.lists.add(Vec::new()) }
            }
            SimMessage::GetBodies { request, list } => {
                let wanted: Vec<BlockIndex> = self.lists.take(list);
                let here = wanted.into_iter().filter(|&block| self.node(node).chain.has(block)).collect();
                SimMessage::Bodies { request, list: self.lists.add(here) }
            }
            SimMessage::Announce { .. }
            | SimMessage::Push { .. }
            | SimMessage::Header { .. }
            | SimMessage::NoHeader { .. }
            | SimMessage::Body { .. }
            | SimMessage::Bodies { .. }
            | SimMessage::Refused { .. }
            | SimMessage::Junk { .. }
            | SimMessage::Oversized { .. }
            | SimMessage::Status { .. }
            | SimMessage::GetRange { .. }
            | SimMessage::Range { .. } => return,
        };
        self.send(peer, reply);
    }
}
