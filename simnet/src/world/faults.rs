//! What goes wrong, and when: planned before the run, so that every policy meets the same.

use herald_fetcher::Time;

use crate::engine::{Concern, Seed, draw};
use crate::model::block::PeerId;
use crate::model::chain::{NodeChain, NodeId};
use crate::model::schedule::SlotSchedule;
use crate::policy::Machine;
use crate::scenario::{CutDirection, Exit, MemoryKept, Scenario, ScheduledFault};

use super::World;
use super::event::WorldEvent;
use super::link::{LinkState, WireState};

/// One step of the faults.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FaultStep {
    /// A partition falls.
    Cut { part: u8 },
    /// It is over.
    Heal { part: u8 },
    /// A node goes.
    Down { node: NodeId, exit: Exit },
    /// A node comes, for the first time or again.
    Up { node: NodeId, memory: MemoryKept },
    /// Nothing goes wrong with the core any more.
    Spare,
}

/// All steps by their times, who is in the first part of each partition, and who is not there yet.
#[derive(Debug)]
pub(crate) struct FaultPlan {
    pub(crate) steps: Vec<(Time, FaultStep)>,
    pub(crate) parts: Vec<Vec<bool>>,
    pub(crate) absent: Vec<bool>,
}

/// Draws the plan. Sealers stay, so that the schedule is the same with faults and without.
pub(crate) fn plan(scenario: &Scenario, schedule: &SlotSchedule, core: &[bool], seed: Seed) -> FaultPlan {
    let count = scenario.nodes as usize;
    let mut plan = FaultPlan { steps: Vec::new(), parts: Vec::new(), absent: vec![false; count] };
    let mut movable: Vec<NodeId> = (0..scenario.nodes).map(NodeId).collect();
    movable.retain(|node| schedule.slots.iter().all(|slot| slot.sealer != *node));
    for (index, fault) in scenario.faults.iter().enumerate() {
        let mut stream = seed.stream(Concern::Fault, index as u64);
        let at = |span: crate::scenario::units::Span| Time::from_nanos(span.nanos());
        let some = |stream: &mut crate::engine::Stream, share: f64| {
            let mut drawn = movable.clone();
            draw::shuffle(stream, &mut drawn);
            drawn.truncate((share * f64::from(scenario.nodes)) as usize);
            drawn
        };
        match *fault {
            ScheduledFault::Partition { at: from, lasts, share, direction: _ } => {
                let first = (0..count).map(|_| draw::chance(stream.word(), share)).collect();
                let part = plan.parts.len() as u8;
                plan.parts.push(first);
                plan.steps.push((at(from), FaultStep::Cut { part }));
                plan.steps.push((at(from).after(lasts.duration()), FaultStep::Heal { part }));
            }
            ScheduledFault::Churn { at: from, lasts, every, away, exit, memory } => {
                let (mut now, end) = (at(from), at(from).after(lasts.duration()));
                let mut back = vec![Time::ZERO; count];
                loop {
                    now = now.after(draw::exponential(stream.word(), every.duration()));
                    if now >= end || movable.is_empty() {
                        break;
                    }
                    let Some(&node) = movable.get(draw::index(stream.word(), movable.len())) else { break };
                    let away = draw::exponential(stream.word(), away.duration());
                    let Some(free) = back.get_mut(node.index()) else { break };
                    if *free <= now {
                        *free = now.after(away);
                        plan.steps.push((now, FaultStep::Down { node, exit }));
                        plan.steps.push((*free, FaultStep::Up { node, memory }));
                    }
                }
            }
            ScheduledFault::Join { at: from, share } => {
                for node in some(&mut stream, share) {
                    if let Some(absent) = plan.absent.get_mut(node.index()) {
                        *absent = true;
                    }
                    plan.steps.push((at(from), FaultStep::Up { node, memory: MemoryKept::Nothing }));
                }
            }
            ScheduledFault::Leave { at: from, share } => {
                for node in some(&mut stream, share) {
                    plan.steps.push((at(from), FaultStep::Down { node, exit: Exit::Closed }));
                }
            }
        }
    }
    if let Some(from) = scenario.core.map(|core| Time::from_nanos(core.from.nanos())) {
        let in_core = |node: NodeId| core.get(node.index()) == Some(&true);
        plan.steps.retain(|(at, step)| match step {
            FaultStep::Down { node, .. } => *at < from || !in_core(*node),
            FaultStep::Cut { .. } | FaultStep::Heal { .. } | FaultStep::Up { .. } | FaultStep::Spare => true,
        });
        plan.steps.push((from, FaultStep::Spare));
    }
    // Stable: what is planned for one moment happens in the scenario's order.
    plan.steps.sort_by_key(|(at, _)| *at);
    plan
}

impl<M: Machine> World<'_, M> {
    /// Carries out one step of the plan.
    pub(super) fn fault(&mut self, step: u32) {
        let Some(&(_, step)) = self.setup.faults.get(step as usize) else { return };
        match step {
            FaultStep::Cut { part } => {
                self.net.active.push(part);
                for peer in self.crossing(part) {
                    if self.route(peer).wire == WireState::Whole && !self.is_link_spared(peer) {
                        self.cut(peer);
                    }
                }
            }
            FaultStep::Heal { part } => {
                self.net.active.retain(|active| *active != part);
                for peer in self.crossing(part) {
                    let still = self.net.active.iter().any(|&other| self.crosses(other, peer));
                    if !still && !self.is_link_spared(peer) {
                        self.heal(peer);
                    }
                }
            }
            FaultStep::Down { node, exit } => self.go_down(node, exit),
            FaultStep::Up { node, memory } => self.come_up(node, memory),
            FaultStep::Spare => self.spare(),
        }
    }

    /// The core is brought together: its nodes are there, and what lies between them is whole.
    fn spare(&mut self) {
        for index in 0..self.nodes.len() as u32 {
            if self.setup.is_spared(NodeId(index), self.now) {
                self.come_up(NodeId(index), MemoryKept::Chain);
            }
        }
        for peer in (0..self.ends.len() as u32).map(PeerId) {
            if self.is_link_spared(peer) {
                if self.route(peer).wire == WireState::Cut {
                    self.heal(peer);
                }
                self.queue.push(self.now.after(super::net::RECONNECT), WorldEvent::Open { peer });
            }
        }
    }

    /// Whether a link lies between two nodes that nothing goes wrong with any more.
    pub(super) fn is_link_spared(&self, peer: PeerId) -> bool {
        let spared = |node| self.setup.is_spared(node, self.now);
        self.now >= self.setup.core_from && spared(self.route(peer).to) && spared(self.owner(peer))
    }

    /// The links that a partition goes through.
    fn crossing(&self, part: u8) -> Vec<PeerId> {
        (0..self.ends.len() as u32).map(PeerId).filter(|&peer| self.crosses(part, peer)).collect()
    }

    fn crosses(&self, part: u8, peer: PeerId) -> bool {
        let first = |node: NodeId| {
            self.setup.parts.get(usize::from(part)).and_then(|part| part.get(node.index())) == Some(&true)
        };
        let (from, to) = (first(self.owner(peer)), first(self.route(peer).to));
        let direction = self.scenario.faults.iter().filter_map(|fault| match fault {
            ScheduledFault::Partition { direction, .. } => Some(*direction),
            ScheduledFault::Churn { .. } | ScheduledFault::Join { .. } | ScheduledFault::Leave { .. } => None,
        });
        match direction.into_iter().nth(usize::from(part)) {
            Some(CutDirection::OneWay) => !from && to,
            Some(CutDirection::Both) | None => from != to,
        }
    }

    fn go_down(&mut self, id: NodeId, exit: Exit) {
        if !self.ingress(id).online {
            return;
        }
        self.ingress_mut(id).online = false;
        let node = self.node_mut(id);
        node.life = node.life.wrapping_add(1);
        node.armed = Time::MAX;
        node.importing.clear();
        node.catching = None;
        let links = node.links();
        self.watch_down(id);
        for peer in links {
            let (end, reverse) = (*self.near_end(peer), self.route(peer).reverse);
            if end.state != LinkState::Up {
                continue;
            }
            match exit {
                Exit::Closed => self.close_far_end(peer),
                Exit::Silent => {
                    let at = self.now.after(self.scenario.links.connection_timeout.duration());
                    self.queue.push(at, WorldEvent::Gone { peer: reverse, epoch: end.epoch });
                }
            }
            self.hang_up(peer, LinkState::Down);
        }
    }

    fn come_up(&mut self, id: NodeId, memory: MemoryKept) {
        if self.ingress(id).online {
            return;
        }
        let life = self.node(id).life.wrapping_add(1);
        self.hand_in_postponed(id);
        let machine = M::new(std::sync::Arc::clone(&self.config), self.setup.machine_seed(id, life));
        let now = self.now;
        let (before, honest) = (self.node(id).chain.head(), self.ingress(id).hostile.is_none());
        *self.machine_mut(id) = machine;
        let node = self.node_mut(id);
        node.life = life;
        node.armed = Time::MAX;
        (node.up_free, node.up_small_free, node.import_free) = (now, now, now);
        match memory {
            MemoryKept::Chain => {}
            MemoryKept::Nothing => {
                node.chain = NodeChain::default();
                if honest {
                    self.recorder.head_forgotten(before);
                }
            }
        }
        self.forget_newest(id);
        let ingress = self.ingress_mut(id);
        (ingress.online, ingress.may_postpone, ingress.down_free) = (true, false, now);
        for peer in self.node(id).links() {
            let at = super::net::later(now, u64::from(self.route(peer).latency));
            self.queue.push(at, WorldEvent::Open { peer });
        }
    }
}
