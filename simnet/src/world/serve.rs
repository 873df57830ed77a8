//! Answering requests, honestly.

use crate::model::block::{BlockId, PeerId};
use crate::model::chain::NodeId;
use crate::policy::Machine;

use super::World;
use super::event::Message;

impl<M: Machine> World<'_, M> {
    /// Answers from the chain: with what is there, or with nothing.
    pub(super) fn serve(&mut self, node: NodeId, peer: PeerId, message: Message) {
        let chain = &self.node(node).chain;
        let reply = match message {
            Message::GetHeader { request, block } if chain.has(block) => Message::Header { request, block },
            Message::GetHeader { request, .. } => Message::NoHeader { request },
            Message::GetBody { request, block } if chain.has(block) => Message::Body { request, block },
            Message::GetBody { request, .. } => Message::Bodies { request, list: self.lists.add(Vec::new()) },
            Message::GetBodies { request, list } => {
                let wanted: Vec<BlockId> = self.lists.take(list);
                let here = wanted.into_iter().filter(|&block| self.node(node).chain.has(block)).collect();
                Message::Bodies { request, list: self.lists.add(here) }
            }
            Message::Announce { .. }
            | Message::Push { .. }
            | Message::Header { .. }
            | Message::NoHeader { .. }
            | Message::Body { .. }
            | Message::Bodies { .. }
            | Message::Refused { .. }
            | Message::Junk { .. }
            | Message::Oversized { .. }
            | Message::Status { .. }
            | Message::GetRange { .. }
            | Message::Range { .. } => return,
        };
        self.send(peer, reply);
    }
}
