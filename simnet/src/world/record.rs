//! Takes down what happens, and makes a [`Run`] of it.

use std::collections::{BTreeMap, BTreeSet};

use herald_fetcher::{Admission, End, Event, Reason, StageName, Time};

use crate::measure::{
    BlockRecord, HeadSample, MemorySample, MessageKind, NEVER, NodeRecord, PenaltyRecord, Run, Traffic,
};
use crate::model::block::{BlockData, BlockIndex, Blocks, PeerId};
use crate::model::chain::{HeadChange, NodeId};
use crate::policy::{Holdings, Machine, MachineCounters};
use crate::scenario::{AdversaryKind, Scenario};

use super::link::LinkState;
use super::{Setup, World};

/// What is taken down while a world runs.
#[derive(Debug)]
pub(crate) struct Recorder {
    nodes: usize,
    warm_up: u32,
    measuring: bool,
    /// The blocks of all slots; `None` where a slot stayed empty.
    slots: Vec<Option<BlockIndex>>,
    /// The clocks of measured slots, once they are sealed.
    clocks: Vec<Option<Clocks>>,
    traffic: [Traffic; MessageKind::ALL.len()],
    penalties: BTreeMap<(Reason, Option<AdversaryKind>), (u64, BTreeSet<NodeId>)>,
    penalised: Vec<u32>,
    kinds: Vec<Option<AdversaryKind>>,
    heads: BTreeMap<BlockIndex, u32>,
    head_samples: Vec<HeadSample>,
    memory: Vec<MemorySample>,
    memory_peaks: BTreeMap<NodeId, u64>,
    reorganisations: u64,
    admissions: [u64; Admission::ALL.len()],
    ends: [u64; End::ALL.len()],
}

#[derive(Debug)]
struct Clocks {
    heard: Vec<u64>,
    whole: Vec<u64>,
    imported: Vec<u64>,
}

/// Nodes whose memory is looked at in each sample.
const MEMORY_NODES: usize = 64;

impl Recorder {
    pub(crate) fn new(scenario: &Scenario, setup: &Setup) -> Self {
        let slots = setup.schedule.slots.len();
        let kind = |index: u8| scenario.adversaries.get(usize::from(index)).map(|hostile| hostile.kind);
        let honest = setup.hostile.iter().filter(|role| role.is_none()).count();
        Self {
            nodes: setup.hostile.len(),
            warm_up: scenario.chain.warm_up,
            measuring: scenario.chain.warm_up == 0,
            slots: vec![None; slots],
            clocks: (0..scenario.chain.blocks).map(|_| None).collect(),
            traffic: Default::default(),
            penalties: BTreeMap::new(),
            penalised: vec![0; setup.hostile.len()],
            kinds: setup.hostile.iter().map(|role| role.and_then(kind)).collect(),
            heads: BTreeMap::from([(BlockIndex::GENESIS, honest as u32)]),
            head_samples: Vec::new(),
            memory: Vec::new(),
            memory_peaks: BTreeMap::new(),
            reorganisations: 0,
            admissions: Default::default(),
            ends: Default::default(),
        }
    }

    /// Bytes of blocks count from the first measured block on.
    pub(crate) fn begin_measuring(&mut self) {
        self.measuring = true;
    }

    pub(crate) fn is_measuring(&self) -> bool {
        self.measuring
    }

    pub(crate) fn sealed(&mut self, slot: u32, block: BlockIndex) {
        if let Some(sealed) = self.slots.get_mut(slot as usize) {
            *sealed = Some(block);
        }
        let nodes = self.nodes;
        if let Some(clocks) = slot.checked_sub(self.warm_up).and_then(|at| self.clocks.get_mut(at as usize)) {
            let never = || vec![NEVER; nodes];
            *clocks = Some(Clocks { heard: never(), whole: never(), imported: never() });
        }
    }

    fn clocks(&mut self, block: &BlockData) -> Option<&mut Clocks> {
        let at = block.slot?.checked_sub(self.warm_up)?;
        self.clocks.get_mut(at as usize)?.as_mut()
    }

    /// A machine tells of a step.
    pub(crate) fn event(&mut self, now: Time, node: NodeId, event: &Event<PeerId>, blocks: &Blocks) {
        match event {
            Event::Entered { hash, stage, .. } => {
                let Some(block) = blocks.find(hash).map(|id| blocks.get(id)) else { return };
                let since = now.as_nanos().saturating_sub(block.sealed_at.as_nanos());
                let Some(clocks) = self.clocks(block) else { return };
                first(&mut clocks.heard, node, since);
                match stage {
                    StageName::Queued | StageName::Importing => first(&mut clocks.whole, node, since),
                    StageName::Announced
                    | StageName::Fetching
                    | StageName::Fetched
                    | StageName::Completing => {}
                }
            }
            Event::Ended { end, .. } => count(self.ends.get_mut(end.index())),
        }
    }

    /// A block is in a node's chain.
    pub(crate) fn imported(&mut self, now: Time, node: NodeId, block: &BlockData) {
        let since = now.as_nanos().saturating_sub(block.sealed_at.as_nanos());
        let Some(clocks) = self.clocks(block) else { return };
        first(&mut clocks.heard, node, since);
        first(&mut clocks.whole, node, since);
        first(&mut clocks.imported, node, since);
    }

    pub(crate) fn head_moved(&mut self, before: BlockIndex, after: BlockIndex, change: HeadChange) {
        if change == HeadChange::Reorganised {
            self.reorganisations += 1;
        }
        self.leave_head(before);
        *self.heads.entry(after).or_default() += 1;
    }

    /// A node has lost its chain.
    pub(crate) fn head_forgotten(&mut self, before: BlockIndex) {
        self.leave_head(before);
        *self.heads.entry(BlockIndex::GENESIS).or_default() += 1;
    }

    fn leave_head(&mut self, before: BlockIndex) {
        if let Some(nodes) = self.heads.get_mut(&before) {
            *nodes = nodes.saturating_sub(1);
            if *nodes == 0 {
                self.heads.remove(&before);
            }
        }
    }

    pub(crate) fn sent(&mut self, kind: MessageKind, bytes: u64) {
        if let Some(traffic) = self.traffic.get_mut(kind as usize) {
            traffic.messages += 1;
            traffic.bytes += bytes;
        }
    }

    pub(crate) fn lost(&mut self, kind: MessageKind) {
        if let Some(traffic) = self.traffic.get_mut(kind as usize) {
            traffic.lost += 1;
        }
    }

    pub(crate) fn admitted(&mut self, admission: Admission) {
        count(self.admissions.get_mut(admission.index()));
    }

    pub(crate) fn penalised(&mut self, culprit: NodeId, reason: Reason) {
        let kind = self.kinds.get(culprit.index()).copied().flatten();
        let (times, nodes) = self.penalties.entry((reason, kind)).or_default();
        *times += 1;
        nodes.insert(culprit);
        if let Some(times) = self.penalised.get_mut(culprit.index()) {
            *times += 1;
        }
    }
}

fn first(clock: &mut [u64], node: NodeId, since: u64) {
    if let Some(at) = clock.get_mut(node.index())
        && *at == NEVER
    {
        *at = since;
    }
}

fn count(counter: Option<&mut u64>) {
    if let Some(counter) = counter {
        *counter += 1;
    }
}

impl<M: Machine> World<'_, M> {
    /// Takes the figures over all nodes.
    pub(super) fn sample(&mut self) {
        let next = self.now.after(self.setup.sample_every.since(Time::ZERO));
        if next <= self.setup.end {
            self.queue.push(next, super::WorldEvent::Sample);
        }
        let blocks = &self.blocks;
        let mut heads: Vec<_> = self
            .recorder
            .heads
            .iter()
            .map(|(&id, &nodes)| (blocks.get(id).number, blocks.get(id).hash, nodes))
            .collect();
        heads.sort_unstable_by_key(|&(number, hash, nodes)| core::cmp::Reverse((number, nodes, hash)));
        if self.recorder.head_samples.last().is_none_or(|last| last.heads != heads) {
            self.recorder.head_samples.push(HeadSample { at: self.now, heads });
        }
        let stride = (self.nodes.len() / MEMORY_NODES).max(1);
        let (mut sum, mut max, mut looked) = (0, 0, 0);
        for at in (0..self.nodes.len() as u32).step_by(stride) {
            let id = NodeId(at);
            self.hand_in_postponed(id);
            let ingress = self.ingress(id);
            if ingress.hostile.is_some() || !ingress.online {
                continue;
            }
            let bytes = self.machine(id).memory().bytes;
            let peak = self.recorder.memory_peaks.entry(id).or_default();
            *peak = (*peak).max(bytes);
            sum += bytes;
            max = max.max(bytes);
            looked += 1;
        }
        if let Some(mean) = u64::checked_div(sum, looked) {
            self.recorder.memory.push(MemorySample { at: self.now, mean, max });
        }
    }
}

/// Makes a run of what a world has come to.
pub(super) fn finish<M: Machine>(world: World<'_, M>) -> Run {
    let main = main_head(&world);
    let mut canonical = BTreeSet::new();
    let mut at = main;
    while at != BlockIndex::GENESIS {
        canonical.insert(at);
        at = world.blocks.get(at).parent;
    }
    let ids = || (0..world.nodes.len() as u32).map(NodeId);
    let honest = || ids().filter(|&id| world.ingress(id).hostile.is_none() && world.ingress(id).online);
    let astray = match world.scenario.core {
        Some(_) => astray_in_core(&world),
        None => honest().filter(|&id| world.node(id).chain.head() != main).count() as u32,
    };
    let at_rest = |machine: &M| machine.holdings() == Holdings::default() && machine.poll_timeout().is_none();
    let not_empty = honest().filter(|&id| !at_rest(world.machine(id))).count() as u32;
    let mut counters = MachineCounters::default();
    for id in ids().filter(|&id| world.ingress(id).hostile.is_none()) {
        counters.add(&world.machine(id).machine_counters());
    }
    let nodes = (0..world.nodes.len() as u32).map(|node| node_record(&world, NodeId(node))).collect();
    let World { setup, policy, seed, now, count, blocks, mut recorder, trace, violation, .. } = world;
    let warm_up = recorder.warm_up;
    let mut records = Vec::new();
    for (at, clocks) in recorder.clocks.iter_mut().enumerate() {
        let slot = warm_up + at as u32;
        let Some(planned) = setup.schedule.slots.get(slot as usize) else { break };
        let block = recorder.slots.get(slot as usize).copied().flatten();
        let data = block.map(|id| blocks.get(id));
        let never = || vec![NEVER; recorder.nodes];
        let clocks =
            clocks.take().unwrap_or_else(|| Clocks { heard: never(), whole: never(), imported: never() });
        records.push(BlockRecord {
            slot,
            hash: data.map(|data| data.hash),
            number: data.map_or(0, |data| data.number),
            sealer: planned.sealer,
            sealed_at: planned.at,
            bytes: data.map_or(0, |data| data.bytes()),
            canonical: block.is_some_and(|id| canonical.contains(&id)),
            heard: clocks.heard,
            whole: clocks.whole,
            imported: clocks.imported,
        });
    }
    let penalties = recorder.penalties.iter().map(|((reason, hostile), (count, nodes))| PenaltyRecord {
        reason: *reason,
        hostile: *hostile,
        count: *count,
        nodes: nodes.len() as u32,
    });
    Run {
        policy,
        seed: seed.number(),
        trace: trace.digest().to_string(),
        events: count,
        ended_at: now,
        blocks: records,
        nodes,
        traffic: recorder.traffic,
        penalties: penalties.collect(),
        memory: recorder.memory,
        heads: recorder.head_samples,
        reorganisations: recorder.reorganisations,
        admissions: recorder.admissions,
        ends: recorder.ends,
        counters,
        astray,
        not_empty,
        violation,
    }
}

/// How many nodes of the core do not have the best head of those that they are connected with, by
/// way of the core alone.
fn astray_in_core<M: Machine>(world: &World<'_, M>) -> u32 {
    let in_core = |node: NodeId| world.setup.is_spared(node, world.now);
    let mut seen = vec![false; world.nodes.len()];
    let mut astray = 0;
    for start in (0..world.nodes.len() as u32).map(NodeId).filter(|node| in_core(*node)) {
        let mut part = vec![start];
        let mut looked = 0;
        if seen.get(start.index()) != Some(&false) {
            continue;
        }
        while let Some(&node) = part.get(looked) {
            looked += 1;
            for peer in world.node(node).links() {
                let route = world.route(peer);
                let up = [peer, route.reverse].iter().all(|&end| world.near_end(end).state == LinkState::Up);
                if up && in_core(route.to) && !part.contains(&route.to) {
                    part.push(route.to);
                }
            }
        }
        let head = |node: NodeId| world.blocks.get(world.node(node).chain.head());
        let mut best = head(start);
        for &node in &part {
            seen.get_mut(node.index()).into_iter().for_each(|seen| *seen = true);
            if head(node).beats(best) {
                best = head(node);
            }
        }
        astray += part.iter().filter(|&&node| head(node).hash != best.hash).count() as u32;
    }
    astray
}

/// The head that most honest nodes have that are online, the best among equals.
fn main_head<M: Machine>(world: &World<'_, M>) -> BlockIndex {
    let mut heads: BTreeMap<BlockIndex, u32> = BTreeMap::new();
    for (ingress, node) in world.ingresses.iter().zip(&world.nodes) {
        if ingress.hostile.is_some() || !ingress.online {
            continue;
        }
        *heads.entry(node.chain.head()).or_default() += 1;
    }
    let best = heads.into_iter().max_by_key(|(id, nodes)| {
        let block = world.blocks.get(*id);
        (*nodes, block.total_difficulty, core::cmp::Reverse(block.hash))
    });
    best.map_or(BlockIndex::GENESIS, |(id, _)| id)
}

fn node_record<M: Machine>(world: &World<'_, M>, id: NodeId) -> NodeRecord {
    let (ingress, node) = (world.ingress(id), world.node(id));
    let memory = world.machine(id).memory();
    let sampled = world.recorder.memory_peaks.get(&id).copied().unwrap_or(0);
    NodeRecord {
        hostile: world.kind_of(id),
        region: node.region,
        degree: node.degree,
        online_throughout: ingress.online && node.life == 0,
        online_at_end: ingress.online,
        head_number: node.chain.head_number(),
        head_hash: world.blocks.get(node.chain.head()).hash,
        sent_bytes: node.sent,
        received_bytes: ingress.received,
        block_bytes: ingress.blocks,
        memory_peak: sampled.max(memory.bytes),
        memory_bound: memory.bound,
        penalised: world.recorder.penalised.get(id.index()).copied().unwrap_or(0),
    }
}
