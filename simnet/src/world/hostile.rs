//! Hostile nodes. Each kind is a row of [`behaviour`]: how it answers, what it tells, and what it does
//! by itself. A hostile node runs an honest machine too, so that it follows the chain; and it knows
//! all blocks of the world, as if all hostile nodes spoke to each other.

use std::collections::{BTreeMap, BTreeSet};

use herald_fetcher::{RequestId, Time};

use crate::engine::Concern;
use crate::model::block::{BlockIndex, Flaw, PeerId};
use crate::model::chain::NodeId;
use crate::policy::Machine;
use crate::scenario::{Adversaries, AdversaryKind};

use super::World;
use super::event::{SimMessage, WorldEvent};
use super::net::later;
use super::seal::BlockParts;

/// How a hostile node answers a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum HostileAnswer {
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
struct HostileBehaviour {
    header: HostileAnswer,
    body: HostileAnswer,
    telling: Telling,
    act: Act,
}

/// The library of adversaries. What each must earn stands in `measure::verdict::must_earn`.
fn behaviour(kind: AdversaryKind) -> HostileBehaviour {
    let early = HostileBehaviour {
        header: HostileAnswer::True,
        body: HostileAnswer::True,
        telling: Telling::Early,
        act: Act::None,
    };
    let honest = HostileBehaviour { telling: Telling::Honest, ..early };
    match kind {
        AdversaryKind::WithholdHeader | AdversaryKind::Eclipse => {
            HostileBehaviour { header: HostileAnswer::Silence, body: HostileAnswer::Silence, ..early }
        }
        AdversaryKind::WithholdBody => HostileBehaviour { body: HostileAnswer::Silence, ..early },
        AdversaryKind::AnswerLate => {
            HostileBehaviour { header: HostileAnswer::Late, body: HostileAnswer::Late, ..early }
        }
        AdversaryKind::OtherHeader => HostileBehaviour { header: HostileAnswer::Other, ..early },
        AdversaryKind::OtherBody => HostileBehaviour { body: HostileAnswer::Other, ..early },
        AdversaryKind::WrongNumber => HostileBehaviour { telling: Telling::EarlyWrongNumber, ..early },
        AdversaryKind::Phantoms => HostileBehaviour {
            header: HostileAnswer::Silence,
            body: HostileAnswer::Silence,
            act: Act::Phantoms,
            ..honest
        },
        AdversaryKind::FarAway => HostileBehaviour {
            header: HostileAnswer::Refusal,
            body: HostileAnswer::Refusal,
            act: Act::FarAway,
            ..honest
        },
        AdversaryKind::Junk => {
            HostileBehaviour { header: HostileAnswer::Junk, body: HostileAnswer::Junk, ..early }
        }
        AdversaryKind::Oversized => {
            HostileBehaviour { header: HostileAnswer::Oversized, body: HostileAnswer::Oversized, ..early }
        }
        // An empty reply is not enough to throw it out: its body may be here when another gives the header.
        AdversaryKind::Empty => {
            HostileBehaviour { header: HostileAnswer::Empty, body: HostileAnswer::EmptyOrOther, ..early }
        }
        AdversaryKind::Replay => HostileBehaviour { act: Act::Replay, ..honest },
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
pub(crate) struct HostileMemory {
    told: BTreeMap<NodeId, BTreeSet<BlockIndex>>,
    made_up: u64,
}

impl<M: Machine> World<'_, M> {
    fn adversaries(&self, id: NodeId) -> Option<&Adversaries> {
        self.scenario.adversaries.get(usize::from(self.ingress(id).hostile?))
    }

    /// What a node is, if hostile.
    pub(super) fn kind_of(&self, id: NodeId) -> Option<AdversaryKind> {
        self.adversaries(id).map(|adversaries| adversaries.kind)
    }

    fn behaviour(&self, id: NodeId) -> Option<HostileBehaviour> {
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
                self.queue.push(Time::from_nanos(offset), WorldEvent::Wake { node: id });
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
    pub(super) fn hostile_receives(&mut self, id: NodeId, peer: PeerId, message: SimMessage) -> bool {
        let Some(behaviour) = self.behaviour(id) else { return false };
        let eclipse = self.kind_of(id) == Some(AdversaryKind::Eclipse);
        let victim = self.setup.victim;
        match message {
            SimMessage::Announce { block, .. } | SimMessage::Push { header: block, .. } => {
                self.tell_early(id, block, behaviour.telling);
                false
            }
            // Around its victim it lies; to all others it is honest.
            SimMessage::GetHeader { .. }
            | SimMessage::GetBody { .. }
            | SimMessage::GetBodies { .. }
            | SimMessage::GetRange { .. }
                if eclipse && Some(self.route(peer).to) != victim =>
            {
                false
            }
            SimMessage::GetHeader { request, block } => {
                self.answer_header(id, peer, request, block, behaviour.header);
                true
            }
            SimMessage::GetBody { request, block } => {
                self.answer_bodies(id, peer, request, vec![block], behaviour.body);
                true
            }
            SimMessage::GetBodies { request, list } => {
                let wanted = self.lists.take(list);
                self.answer_bodies(id, peer, request, wanted, behaviour.body);
                true
            }
            SimMessage::GetRange { .. } => behaviour.body == HostileAnswer::Silence,
            SimMessage::Header { .. }
            | SimMessage::NoHeader { .. }
            | SimMessage::Body { .. }
            | SimMessage::Bodies { .. }
            | SimMessage::Refused { .. }
            | SimMessage::Junk { .. }
            | SimMessage::Oversized { .. }
            | SimMessage::Status { .. }
            | SimMessage::Range { .. } => false,
        }
    }

    fn tell_early(&mut self, id: NodeId, block: BlockIndex, telling: Telling) {
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
                self.send(peer, SimMessage::Push { header: block, body: other });
            } else if only.is_none_or(|victim| self.route(peer).to == victim) {
                self.send(peer, SimMessage::Announce { block, number });
            }
        }
    }

    fn answer_header(
        &mut self,
        id: NodeId,
        peer: PeerId,
        request: RequestId,
        block: BlockIndex,
        answer: HostileAnswer,
    ) {
        let exists = self.blocks.get(block).flaw != Flaw::Phantom;
        let reply = match answer {
            HostileAnswer::Silence => return,
            HostileAnswer::True | HostileAnswer::Late if exists => SimMessage::Header { request, block },
            HostileAnswer::Other => SimMessage::Header { request, block: self.blocks.get(block).parent },
            HostileAnswer::True
            | HostileAnswer::Late
            | HostileAnswer::Empty
            | HostileAnswer::EmptyOrOther => SimMessage::NoHeader { request },
            HostileAnswer::Junk => SimMessage::Junk { request },
            HostileAnswer::Oversized => SimMessage::Oversized { request },
            HostileAnswer::Refusal => SimMessage::Refused { request },
        };
        self.reply(id, peer, reply, answer);
    }

    fn answer_bodies(
        &mut self,
        id: NodeId,
        peer: PeerId,
        request: RequestId,
        wanted: Vec<BlockIndex>,
        answer: HostileAnswer,
    ) {
        let exists = |block: &BlockIndex| self.blocks.get(*block).flaw != Flaw::Phantom;
        let bodies: Vec<BlockIndex> = match answer {
            HostileAnswer::Silence => return,
            HostileAnswer::Junk => return self.reply(id, peer, SimMessage::Junk { request }, answer),
            HostileAnswer::Oversized => {
                return self.reply(id, peer, SimMessage::Oversized { request }, answer);
            }
            HostileAnswer::Refusal => return self.reply(id, peer, SimMessage::Refused { request }, answer),
            HostileAnswer::True | HostileAnswer::Late => wanted.into_iter().filter(exists).collect(),
            HostileAnswer::Other => wanted.into_iter().map(|block| self.blocks.get(block).parent).collect(),
            HostileAnswer::EmptyOrOther => {
                let second = wanted.into_iter().filter(|block| block.0 % 2 == 1);
                second.map(|block| self.blocks.get(block).parent).collect()
            }
            HostileAnswer::Empty => Vec::new(),
        };
        let list = self.lists.add(bodies);
        self.reply(id, peer, SimMessage::Bodies { request, list }, answer);
    }

    fn reply(&mut self, id: NodeId, peer: PeerId, reply: SimMessage, answer: HostileAnswer) {
        match answer {
            HostileAnswer::Late => {
                let delay = self.adversaries(id).map_or(0, |adversaries| adversaries.delay.nanos());
                self.queue.push(later(self.now, delay), WorldEvent::Later { peer, message: reply });
            }
            HostileAnswer::True
            | HostileAnswer::Silence
            | HostileAnswer::Other
            | HostileAnswer::Empty
            | HostileAnswer::EmptyOrOther
            | HostileAnswer::Junk
            | HostileAnswer::Oversized
            | HostileAnswer::Refusal => self.send(peer, reply),
        }
    }

    /// A hostile node acts by itself, until the last block is sealed.
    pub(super) fn wake(&mut self, id: NodeId) {
        let Some(behaviour) = self.behaviour(id) else { return };
        let every = self.adversaries(id).map_or(0, |adversaries| adversaries.every.nanos());
        let next = later(self.now, every.max(1));
        if next <= self.setup.schedule.end() {
            self.queue.push(next, WorldEvent::Wake { node: id });
        }
        if !self.ingress(id).online {
            return;
        }
        let head = self.node(id).chain.head();
        match behaviour.act {
            Act::None => {}
            Act::Phantoms => {
                for _ in 0..ACT_BLOCKS {
                    let block = self.make_up(id, head);
                    let number = self.blocks.get(block).number;
                    self.send_all(id, SimMessage::Announce { block, number });
                }
            }
            Act::FarAway => {
                for far in FAR {
                    let block = self.make_up(id, head);
                    let number = self.blocks.get(head).number + far;
                    self.send_all(id, SimMessage::Announce { block, number });
                }
            }
            Act::Replay => {
                let mut old = head;
                for _ in 0..ACT_BLOCKS {
                    old = self.blocks.get(old).parent;
                    let number = self.blocks.get(old).number;
                    if number > 0 {
                        self.send_all(id, SimMessage::Announce { block: old, number });
                        self.send_all(id, SimMessage::Push { header: old, body: old });
                    }
                }
            }
        }
    }

    fn send_all(&mut self, id: NodeId, message: SimMessage) {
        for peer in self.node(id).links() {
            self.send(peer, message);
        }
    }

    /// A block that nobody has.
    fn make_up(&mut self, sealer: NodeId, parent: BlockIndex) -> BlockIndex {
        self.hostile.made_up += 1;
        self.add_block(BlockParts {
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
