//! Hostile nodes. Each kind is a row of [`behaviour`]: how it answers, what it tells, and what it does
//! by itself. A hostile node runs an honest machine too, so that it follows the chain; and it knows
//! all blocks of the world, as if all hostile nodes spoke to each other.

use std::collections::{BTreeMap, BTreeSet};

use herald_fetcher::{RequestId, Time};

use crate::engine::Concern;
use crate::model::block::{BlockId, Flaw, PeerId};
use crate::model::chain::NodeId;
use crate::policy::Machine;
use crate::scenario::{Adversaries, AdversaryKind};

use super::World;
use super::event::{Event, Message};
use super::net::later;
use super::seal::NewBlock;

/// How a hostile node answers a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answer {
    /// With what was asked for, even if its chain does not have it.
    True,
    /// Not.
    Silence,
    /// With the truth, after [`Adversaries::delay`].
    Late,
    /// With another block's.
    Other,
    /// With nothing.
    Empty,
    /// For every second block with another's, else with nothing.
    EmptyOrOther,
    /// With what is no reply.
    Junk,
    /// With more than a reply may be.
    Oversized,
    /// By closing the request.
    Refusal,
}

/// What it tells of blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Telling {
    /// As an honest node does.
    Honest,
    /// It announces each block as soon as it hears of it, before it can have it, and pushes none.
    Early,
    /// The same, with a number too high by one.
    EarlyWrongNumber,
}

/// What it does from time to time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Act {
    /// Nothing.
    None,
    /// Announces hashes that nobody has.
    Phantoms,
    /// Announces what lies far above.
    FarAway,
    /// Announces and pushes what is long known.
    Replay,
}

#[derive(Clone, Copy, Debug)]
struct Behaviour {
    header: Answer,
    body: Answer,
    telling: Telling,
    act: Act,
}

/// The library of adversaries. What each must earn stands in `measure::verdict::must_earn`.
fn behaviour(kind: AdversaryKind) -> Behaviour {
    let early =
        Behaviour { header: Answer::True, body: Answer::True, telling: Telling::Early, act: Act::None };
    let honest = Behaviour { telling: Telling::Honest, ..early };
    match kind {
        AdversaryKind::WithholdHeader | AdversaryKind::Eclipse => {
            Behaviour { header: Answer::Silence, body: Answer::Silence, ..early }
        }
        AdversaryKind::WithholdBody => Behaviour { body: Answer::Silence, ..early },
        AdversaryKind::AnswerLate => Behaviour { header: Answer::Late, body: Answer::Late, ..early },
        AdversaryKind::OtherHeader => Behaviour { header: Answer::Other, ..early },
        AdversaryKind::OtherBody => Behaviour { body: Answer::Other, ..early },
        AdversaryKind::WrongNumber => Behaviour { telling: Telling::EarlyWrongNumber, ..early },
        AdversaryKind::Phantoms => {
            Behaviour { header: Answer::Silence, body: Answer::Silence, act: Act::Phantoms, ..honest }
        }
        AdversaryKind::FarAway => {
            Behaviour { header: Answer::Refusal, body: Answer::Refusal, act: Act::FarAway, ..honest }
        }
        AdversaryKind::Junk => Behaviour { header: Answer::Junk, body: Answer::Junk, ..early },
        AdversaryKind::Oversized => Behaviour { header: Answer::Oversized, body: Answer::Oversized, ..early },
        // An empty reply is not enough to throw it out: its body may be here when another gives the header.
        AdversaryKind::Empty => Behaviour { header: Answer::Empty, body: Answer::EmptyOrOther, ..early },
        AdversaryKind::Replay => Behaviour { act: Act::Replay, ..honest },
        // What they do wrong is done when they seal.
        AdversaryKind::Equivocate | AdversaryKind::SecretBranch | AdversaryKind::InvalidBlocks => honest,
    }
}

/// Hashes made up, or old blocks sent, at each act.
const ACT_BLOCKS: u64 = 4;
/// How far above the head, for those that are far away; and just above the usual window.
const FAR: [u64; 2] = [1_000, 40];

/// What hostile nodes remember.
#[derive(Debug, Default)]
pub(crate) struct Puppets {
    told: BTreeMap<NodeId, BTreeSet<BlockId>>,
    made_up: u64,
}

impl<M: Machine> World<'_, M> {
    fn adversaries(&self, id: NodeId) -> Option<&Adversaries> {
        self.scenario.adversaries.get(usize::from(self.gate(id).hostile?))
    }

    /// What a node is, if hostile.
    pub(super) fn kind_of(&self, id: NodeId) -> Option<AdversaryKind> {
        self.adversaries(id).map(|adversaries| adversaries.kind)
    }

    fn behaviour(&self, id: NodeId) -> Option<Behaviour> {
        self.kind_of(id).map(behaviour)
    }

    /// The first acts of all hostile nodes that act by themselves, spread over the interval.
    pub(super) fn plan_hostile(&mut self) {
        for index in 0..self.nodes.len() as u32 {
            let id = NodeId(index);
            if self.behaviour(id).is_some_and(|behaviour| behaviour.act != Act::None) {
                let every = self.adversaries(id).map_or(0, |adversaries| adversaries.every.nanos());
                let offset = crate::engine::draw::below(
                    self.draw(Concern::Adversary, u64::from(index), u64::MAX),
                    every,
                );
                self.queue.push(Time::from_nanos(offset), Event::Wake { node: id });
            }
        }
    }

    /// Whether a hostile node tells this peer what its machine wants told.
    pub(super) fn spreads_honestly(&self, id: NodeId, peer: PeerId) -> bool {
        self.behaviour(id).is_none_or(|behaviour| match behaviour.telling {
            Telling::Honest => true,
            // Around its victim it lies; to all others it is honest.
            Telling::Early | Telling::EarlyWrongNumber => {
                self.kind_of(id) == Some(AdversaryKind::Eclipse)
                    && Some(self.route(peer).to) != self.setup.victim
            }
        })
    }

    /// A message to a hostile node: whether that is all that comes of it.
    pub(super) fn hostile_receives(&mut self, id: NodeId, peer: PeerId, message: Message) -> bool {
        let Some(behaviour) = self.behaviour(id) else { return false };
        let eclipse = self.kind_of(id) == Some(AdversaryKind::Eclipse);
        let victim = self.setup.victim;
        match message {
            Message::Announce { block, .. } | Message::Push { header: block, .. } => {
                self.tell_early(id, block, behaviour.telling);
                false
            }
            // Around its victim it lies; to all others it is honest.
            Message::GetHeader { .. }
            | Message::GetBody { .. }
            | Message::GetBodies { .. }
            | Message::GetRange { .. }
                if eclipse && Some(self.route(peer).to) != victim =>
            {
                false
            }
            Message::GetHeader { request, block } => {
                self.answer_header(id, peer, request, block, behaviour.header);
                true
            }
            Message::GetBody { request, block } => {
                self.answer_bodies(id, peer, request, vec![block], behaviour.body);
                true
            }
            Message::GetBodies { request, list } => {
                let wanted = self.lists.take(list);
                self.answer_bodies(id, peer, request, wanted, behaviour.body);
                true
            }
            Message::GetRange { .. } => behaviour.body == Answer::Silence,
            Message::Header { .. }
            | Message::NoHeader { .. }
            | Message::Body { .. }
            | Message::Bodies { .. }
            | Message::Refused { .. }
            | Message::Junk { .. }
            | Message::Oversized { .. }
            | Message::Status { .. }
            | Message::Range { .. } => false,
        }
    }

    fn tell_early(&mut self, id: NodeId, block: BlockId, telling: Telling) {
        let data = self.blocks.get(block);
        let number = match telling {
            Telling::Honest => return,
            Telling::Early => data.number,
            Telling::EarlyWrongNumber => data.number + 1,
        };
        if data.flaw != Flaw::None || !self.hostile.told.entry(id).or_default().insert(block) {
            return;
        }
        let only = (self.kind_of(id) == Some(AdversaryKind::Eclipse)).then_some(self.setup.victim).flatten();
        let pushes = self.kind_of(id) == Some(AdversaryKind::OtherBody);
        let other = data.parent;
        for (at, peer) in self.node(id).links().enumerate() {
            if pushes && at.is_multiple_of(4) {
                self.send(peer, Message::Push { header: block, body: other });
            } else if only.is_none_or(|victim| self.route(peer).to == victim) {
                self.send(peer, Message::Announce { block, number });
            }
        }
    }

    fn answer_header(
        &mut self,
        id: NodeId,
        peer: PeerId,
        request: RequestId,
        block: BlockId,
        answer: Answer,
    ) {
        let exists = self.blocks.get(block).flaw != Flaw::Phantom;
        let reply = match answer {
            Answer::Silence => return,
            Answer::True | Answer::Late if exists => Message::Header { request, block },
            Answer::Other => Message::Header { request, block: self.blocks.get(block).parent },
            Answer::True | Answer::Late | Answer::Empty | Answer::EmptyOrOther => {
                Message::NoHeader { request }
            }
            Answer::Junk => Message::Junk { request },
            Answer::Oversized => Message::Oversized { request },
            Answer::Refusal => Message::Refused { request },
        };
        self.reply(id, peer, reply, answer);
    }

    fn answer_bodies(
        &mut self,
        id: NodeId,
        peer: PeerId,
        request: RequestId,
        wanted: Vec<BlockId>,
        answer: Answer,
    ) {
        let exists = |block: &BlockId| self.blocks.get(*block).flaw != Flaw::Phantom;
        let bodies: Vec<BlockId> = match answer {
            Answer::Silence => return,
            Answer::Junk => return self.reply(id, peer, Message::Junk { request }, answer),
            Answer::Oversized => return self.reply(id, peer, Message::Oversized { request }, answer),
            Answer::Refusal => return self.reply(id, peer, Message::Refused { request }, answer),
            Answer::True | Answer::Late => wanted.into_iter().filter(exists).collect(),
            Answer::Other => wanted.into_iter().map(|block| self.blocks.get(block).parent).collect(),
            Answer::EmptyOrOther => {
                let second = wanted.into_iter().filter(|block| block.0 % 2 == 1);
                second.map(|block| self.blocks.get(block).parent).collect()
            }
            Answer::Empty => Vec::new(),
        };
        let list = self.lists.add(bodies);
        self.reply(id, peer, Message::Bodies { request, list }, answer);
    }

    fn reply(&mut self, id: NodeId, peer: PeerId, reply: Message, answer: Answer) {
        match answer {
            Answer::Late => {
                let delay = self.adversaries(id).map_or(0, |adversaries| adversaries.delay.nanos());
                self.queue.push(later(self.now, delay), Event::Later { peer, message: reply });
            }
            Answer::True
            | Answer::Silence
            | Answer::Other
            | Answer::Empty
            | Answer::EmptyOrOther
            | Answer::Junk
            | Answer::Oversized
            | Answer::Refusal => self.send(peer, reply),
        }
    }

    /// A hostile node acts by itself, until the last block is sealed.
    pub(super) fn wake(&mut self, id: NodeId) {
        let Some(behaviour) = self.behaviour(id) else { return };
        let every = self.adversaries(id).map_or(0, |adversaries| adversaries.every.nanos());
        let next = later(self.now, every.max(1));
        if next <= self.setup.schedule.end() {
            self.queue.push(next, Event::Wake { node: id });
        }
        if !self.gate(id).online {
            return;
        }
        let head = self.node(id).chain.head();
        match behaviour.act {
            Act::None => {}
            Act::Phantoms => {
                for _ in 0..ACT_BLOCKS {
                    let block = self.make_up(id, head);
                    let number = self.blocks.get(block).number;
                    self.send_all(id, Message::Announce { block, number });
                }
            }
            Act::FarAway => {
                for far in FAR {
                    let block = self.make_up(id, head);
                    let number = self.blocks.get(head).number + far;
                    self.send_all(id, Message::Announce { block, number });
                }
            }
            Act::Replay => {
                let mut old = head;
                for _ in 0..ACT_BLOCKS {
                    old = self.blocks.get(old).parent;
                    let number = self.blocks.get(old).number;
                    if number > 0 {
                        self.send_all(id, Message::Announce { block: old, number });
                        self.send_all(id, Message::Push { header: old, body: old });
                    }
                }
            }
        }
    }

    fn send_all(&mut self, id: NodeId, message: Message) {
        for peer in self.node(id).links() {
            self.send(peer, message);
        }
    }

    /// A block that nobody has.
    fn make_up(&mut self, sealer: NodeId, parent: BlockId) -> BlockId {
        self.hostile.made_up += 1;
        self.add_block(NewBlock {
            sealer,
            slot: None,
            key: 1 << 48 | self.hostile.made_up,
            variant: 0,
            parent,
            flaw: Flaw::Phantom,
            body_bytes: 1_000,
        })
    }
}
