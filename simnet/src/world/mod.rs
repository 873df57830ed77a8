//! A world: nodes with a machine each, links between them, and virtual time.
//!
//! One event after the other, ordered by time and then by when it was planned. What an event touches
//! is one node; nodes reach each other through `net` alone.

mod event;
mod faults;
mod host;
mod hostile;
mod life;
mod link;
mod lists;
mod log;
mod net;
mod node;
mod postponed;
mod range;
mod record;
mod seal;
mod serve;
mod setup;
mod watch;
mod words;

use core::num::NonZeroU32;
use std::sync::Arc;

use herald_fetcher::{Input, Outcome, PenaltyScores, Time};
use smallvec::SmallVec;

use crate::engine::{Concern, EventQueue, Seed, Trace};
use crate::measure::{BrokenInvariant, Run};
use crate::model::block::{Blocks, PeerId, Sim};
use crate::model::chain::{NodeId, NodeView};
use crate::policy::{Machine, WithMachine};
use crate::scenario::{Policy, Scenario, ScenarioError};

use event::WorldEvent;
use link::{LinkEnd, Route};
use lists::BlockLists;
use node::{Ingress, SimNode};
use record::Recorder;

pub use log::{Log, LogEntry};
pub use setup::Setup;

/// A world under one policy.
#[derive(Debug)]
pub struct World<'a, M> {
    scenario: &'a Scenario,
    setup: &'a Setup,
    policy: Policy,
    config: Arc<herald_fetcher::Config>,
    seed: Seed,
    now: Time,
    /// Events so far.
    count: u64,
    /// How many of the next events have been looked at.
    looked_at: usize,
    /// When the run is over.
    end: Time,
    queue: EventQueue<WorldEvent>,
    ends: Vec<LinkEnd>,
    routes: Vec<Route>,
    /// Those of each end's peer, kept by whoever owns the end.
    scores: PenaltyScores<PeerId>,
    /// Of each node, in three lists, so that what is looked at together is together in memory.
    ingresses: Vec<Ingress>,
    nodes: Vec<SimNode>,
    machines: Vec<M>,
    blocks: Blocks,
    lists: BlockLists,
    net: net::Net,
    hostile: hostile::HostileMemory,
    recorder: Recorder,
    watch: watch::LifetimeWatch,
    trace: Trace,
    log: Log,
    violation: Option<BrokenInvariant>,
}

/// Whether a world goes on.
///
/// Closed: a loop over steps needs no third answer.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stepped {
    /// There was an event.
    Done,
    /// Nothing more is due before the end, or a predicate is broken.
    Over,
}

/// Events that are looked at before the first of them is taken.
const LOOK_AHEAD: usize = 16;

impl<'a, M: Machine> World<'a, M> {
    /// A world at its first moment: all who are there from the start are connected.
    pub fn new(scenario: &'a Scenario, setup: &'a Setup, policy: Policy) -> Self {
        let seed = Seed::new(scenario.seed);
        let blocks = Blocks::new(seal::hash_of(seed, u64::MAX, 0));
        let (ends, routes) = setup.links(scenario);
        let config = Arc::new(scenario.config(policy, setup.graph.degree_max()));
        let mut world = Self {
            scenario,
            setup,
            policy,
            seed,
            now: Time::ZERO,
            count: 0,
            looked_at: 0,
            end: setup.end,
            queue: EventQueue::new(),
            // A score for each end, so that none is ever dropped.
            scores: PenaltyScores::new(capacity_for(ends.len()), scenario.seed),
            ends,
            routes,
            ingresses: setup.ingresses(),
            nodes: setup.nodes(scenario),
            machines: setup.machines(scenario, &config),
            config,
            blocks,
            lists: BlockLists::default(),
            net: net::Net::new(scenario),
            hostile: hostile::HostileMemory::default(),
            recorder: Recorder::new(scenario, setup),
            watch: watch::LifetimeWatch::default(),
            trace: Trace::new(),
            log: Log::Off,
            violation: None,
        };
        world.connect_all();
        world.plan();
        world
    }

    /// Keeps or writes what happens from now on.
    pub fn set_log(&mut self, log: Log) {
        self.log = log;
    }

    /// What was kept, once the run is over.
    pub fn take_log(&mut self) -> Log {
        core::mem::replace(&mut self.log, Log::Off)
    }

    /// The virtual time.
    pub fn now(&self) -> Time {
        self.now
    }

    /// Events so far.
    pub fn events(&self) -> u64 {
        self.count
    }

    /// When the run ends: the schedule and its drain.
    pub fn end(&self) -> Time {
        self.end
    }

    /// Puts the end off, so that what is under way comes to its own. No new blocks are made after the
    /// schedule's last, and no figures taken after the first end.
    pub fn extend(&mut self, end: Time) {
        self.end = self.end.max(end);
    }

    /// The highest number that any block has; for progress.
    pub fn blocks_sealed(&self) -> usize {
        self.blocks.len() - 1
    }

    /// Runs to the end.
    pub fn run(mut self) -> Run {
        while self.step() == Stepped::Done {}
        self.finish()
    }

    /// Takes the next event.
    pub fn step(&mut self) -> Stepped {
        if self.violation.is_some() || self.queue.peek_time().is_none_or(|at| at > self.end) {
            return Stepped::Over;
        }
        if self.looked_at == 0 {
            self.look_ahead();
        }
        self.looked_at -= 1;
        let Some((at, event)) = self.queue.pop() else { return Stepped::Over };
        self.now = at;
        self.count += 1;
        self.trace.record(at, &event.words());
        if !self.log.is_off() {
            self.log_event(&event);
        }
        let touched = self.take(event);
        if let Some(node) = touched {
            self.watch_lives(node);
            self.check_at_stride(node);
        }
        Stepped::Done
    }

    /// Looks at what the next events will look at, all at once: with thousands of nodes each of those
    /// lines is out of the caches, and waiting for sixteen together takes little longer than for one.
    fn look_ahead(&mut self) {
        self.looked_at = LOOK_AHEAD;
        let mut owners = SmallVec::<[NodeId; LOOK_AHEAD]>::new();
        for event in self.queue.upcoming(LOOK_AHEAD) {
            match *event {
                WorldEvent::Arrive { peer, .. } => owners.push(self.near_end(peer).owner),
                WorldEvent::Timer { node }
                | WorldEvent::Verified { node, .. }
                | WorldEvent::Imported { node, .. } => {
                    owners.push(node);
                }
                WorldEvent::RangeImported { .. }
                | WorldEvent::Seal { .. }
                | WorldEvent::Fault { .. }
                | WorldEvent::Gone { .. }
                | WorldEvent::Open { .. }
                | WorldEvent::Wake { .. }
                | WorldEvent::CatchUp { .. }
                | WorldEvent::Later { .. }
                | WorldEvent::Sample => {}
            }
        }
        let mut seen = 0;
        for &owner in &owners {
            let ingress = self.ingress(owner);
            seen ^= ingress.received;
            if let (true, Some(input)) = (ingress.may_postpone, ingress.postponed.last()) {
                seen ^= u64::from(input.block().0);
            } else if let Some(due) = self.machine(owner).poll_timeout() {
                seen ^= due.as_nanos() ^ self.node(owner).armed.as_nanos();
            }
        }
        // Or it would all be left out, since nothing comes of it.
        core::hint::black_box(seen);
    }

    /// What the run came to.
    pub fn finish(mut self) -> Run {
        self.watch_end();
        for node in 0..self.nodes.len() as u32 {
            self.hand_in_postponed(NodeId(node));
        }
        record::finish(self)
    }

    /// Plans all that is known from the start.
    fn plan(&mut self) {
        for (slot, planned) in self.setup.schedule.slots.iter().enumerate() {
            self.queue.push(planned.at, WorldEvent::Seal { slot: slot as u32 });
        }
        for (step, (at, _)) in self.setup.faults.iter().enumerate() {
            self.queue.push(*at, WorldEvent::Fault { step: step as u32 });
        }
        self.plan_hostile();
        self.queue.push(self.setup.sample_every, WorldEvent::Sample);
    }

    /// Carries an event out; the node whose machine it touched, where it did.
    fn take(&mut self, event: WorldEvent) -> Option<NodeId> {
        match event {
            WorldEvent::Arrive { peer, epoch, at, message } => return self.arrive(peer, epoch, at, message),
            WorldEvent::Timer { node } => self.timer(node),
            WorldEvent::Verified { node, life, block } => {
                self.if_alive(node, life, |world| world.verified(node, block));
            }
            WorldEvent::Imported { node, life, block } => {
                self.if_alive(node, life, |world| world.imported(node, block));
            }
            WorldEvent::RangeImported { node, life, block } => {
                self.if_alive(node, life, |world| world.range_imported(node, block));
            }
            WorldEvent::Seal { slot } => return self.seal(slot),
            WorldEvent::Fault { step } => {
                self.fault(step);
                return None;
            }
            WorldEvent::Gone { peer, epoch } => return self.gone(peer, epoch),
            WorldEvent::Open { peer } => {
                self.open(peer);
                return None;
            }
            WorldEvent::Wake { node } => {
                self.wake(node);
                return None;
            }
            WorldEvent::CatchUp { node, life } => self.if_alive(node, life, |world| world.catch_up(node)),
            WorldEvent::Later { peer, message } => {
                self.send(peer, message);
                return None;
            }
            WorldEvent::Sample => {
                self.sample();
                return None;
            }
        }
        match event {
            WorldEvent::Timer { node }
            | WorldEvent::Verified { node, .. }
            | WorldEvent::Imported { node, .. }
            | WorldEvent::RangeImported { node, .. }
            | WorldEvent::CatchUp { node, .. } => Some(node),
            WorldEvent::Arrive { .. }
            | WorldEvent::Seal { .. }
            | WorldEvent::Fault { .. }
            | WorldEvent::Gone { .. }
            | WorldEvent::Open { .. }
            | WorldEvent::Wake { .. }
            | WorldEvent::Later { .. }
            | WorldEvent::Sample => None,
        }
    }

    /// What a node planned before it went is nothing to what it is now.
    fn if_alive(&mut self, node: NodeId, life: u16, act: impl FnOnce(&mut Self)) {
        if self.ingress(node).online && self.node(node).life == life {
            act(self);
        }
    }

    fn timer(&mut self, id: NodeId) {
        let now = self.now;
        let node = self.node_mut(id);
        if node.armed != now {
            return;
        }
        node.armed = Time::MAX;
        if !self.ingress(id).online {
            return;
        }
        match self.machine(id).poll_timeout() {
            Some(due) if due <= now => {
                let _ = self.tell(id, Input::Tick);
            }
            Some(_) => self.arm(id),
            None => {}
        }
    }

    /// Hands something in at a node's machine, and carries out all that follows.
    fn tell(&mut self, id: NodeId, input: Input<Sim>) -> Outcome<Sim> {
        let (now, depth) = (self.now, self.scenario.chain.finality_depth);
        self.hand_in_postponed(id);
        let (Some(node), Some(machine)) = (self.nodes.get(id.index()), self.machines.get_mut(id.index()))
        else {
            unreachable!("nodes are never removed")
        };
        let view = NodeView { chain: &node.chain, blocks: &self.blocks, finality_depth: depth };
        let outcome = machine.handle(now, input, &view);
        let may_postpone = machine.may_postpone();
        self.ingress_mut(id).may_postpone = may_postpone;
        self.carry_out_all(id);
        outcome
    }

    /// Sees to it that the machine is woken when it wants to be.
    fn arm(&mut self, id: NodeId) {
        let now = self.now;
        if let Some(due) = self.machine(id).poll_timeout()
            && due < self.node(id).armed
        {
            let due = due.max(now);
            self.node_mut(id).armed = due;
            self.queue.push(due, WorldEvent::Timer { node: id });
        }
    }

    fn check_at_stride(&mut self, id: NodeId) {
        let stride = u64::from(self.scenario.check_stride);
        if stride == 0 || !self.count.is_multiple_of(stride) {
            return;
        }
        self.hand_in_postponed(id);
        let machine = self.machine(id);
        if let Err(what) = machine.check() {
            return self.violate(Some(id), format!("the machine's invariants: {what}"));
        }
        let memory = machine.memory();
        if memory.bound.is_some_and(|bound| memory.bytes > bound) {
            self.violate(Some(id), format!("{} bytes of memory, above the formula's bound", memory.bytes));
        }
    }

    /// A predicate does not hold: the run stops after this event.
    fn violate(&mut self, node: Option<NodeId>, what: String) {
        if self.violation.is_none() {
            self.violation = Some(BrokenInvariant { at: self.now, event: self.count, node, what });
        }
    }

    fn machine(&self, id: NodeId) -> &M {
        self.machines.get(id.index()).expect("node ids come from this list alone")
    }

    fn machine_mut(&mut self, id: NodeId) -> &mut M {
        self.machines.get_mut(id.index()).expect("node ids come from this list alone")
    }

    fn node(&self, id: NodeId) -> &SimNode {
        self.nodes.get(id.index()).expect("node ids come from this list alone")
    }

    fn node_mut(&mut self, id: NodeId) -> &mut SimNode {
        self.nodes.get_mut(id.index()).expect("node ids come from this list alone")
    }

    fn ingress(&self, id: NodeId) -> &Ingress {
        self.ingresses.get(id.index()).expect("node ids come from this list alone")
    }

    fn ingress_mut(&mut self, id: NodeId) -> &mut Ingress {
        self.ingresses.get_mut(id.index()).expect("node ids come from this list alone")
    }

    fn near_end(&self, peer: PeerId) -> &LinkEnd {
        self.ends.get(peer.index()).expect("links are numbered once")
    }

    fn near_end_mut(&mut self, peer: PeerId) -> &mut LinkEnd {
        self.ends.get_mut(peer.index()).expect("links are numbered once")
    }

    fn route(&self, peer: PeerId) -> &Route {
        self.routes.get(peer.index()).expect("links are numbered once")
    }

    fn route_mut(&mut self, peer: PeerId) -> &mut Route {
        self.routes.get_mut(peer.index()).expect("links are numbered once")
    }

    /// Whose end of a connection this is.
    fn owner(&self, peer: PeerId) -> NodeId {
        self.near_end(peer).owner
    }

    /// A draw that is the same under every policy.
    fn draw(&self, concern: Concern, a: u64, b: u64) -> u64 {
        self.seed.draw(concern, a, b)
    }
}

/// As a capacity, for a map with a row for each.
fn capacity_for(count: usize) -> NonZeroU32 {
    u32::try_from(count).ok().and_then(NonZeroU32::new).unwrap_or(NonZeroU32::MAX)
}

/// Runs one policy of a scenario to its end.
pub fn run(scenario: &Scenario, setup: &Setup, policy: Policy) -> Run {
    struct RunTask<'a>(&'a Scenario, &'a Setup, Policy);

    impl WithMachine for RunTask<'_> {
        type Output = Run;

        fn run<M: Machine>(self) -> Run {
            World::<M>::new(self.0, self.1, self.2).run()
        }
    }

    policy.with_machine(RunTask(scenario, setup, policy))
}

/// Runs all policies of a scenario, in its order, on the same schedule and latencies.
///
/// # Errors
/// [`ScenarioError`] where the scenario cannot be run.
pub fn run_all(scenario: &Scenario) -> Result<Vec<Run>, ScenarioError> {
    let setup = Setup::new(scenario)?;
    Ok(scenario.policies.iter().map(|&policy| run(scenario, &setup, policy)).collect())
}
