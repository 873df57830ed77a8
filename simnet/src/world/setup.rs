//! What all policies of a scenario share: drawn once, before any of them runs.

use std::sync::Arc;

use herald_fetcher::Time;
use smallvec::SmallVec;

use crate::engine::{Concern, Seed, draw};
use crate::model::block::{BlockIndex, PeerId};
use crate::model::chain::{NodeChain, NodeId};
use crate::model::schedule::SlotSchedule;
use crate::model::topology::{Graph, regions};
use crate::policy::Machine;
use crate::scenario::{AdversaryKind, Scenario, ScenarioError};

use super::faults::{self, FaultPlan, FaultStep};
use super::link::{LinkEnd, LinkState, Route, WireState};
use super::node::{Ingress, SimNode};

/// Topology, regions, roles, schedule and faults.
#[derive(Debug)]
#[non_exhaustive]
pub struct Setup {
    /// Who is connected to whom.
    pub graph: Graph,
    /// Each node's region.
    pub regions: Vec<u8>,
    /// Which of the scenario's adversaries each node is.
    pub hostile: Vec<Option<u8>>,
    /// The blocks to be sealed.
    pub schedule: SlotSchedule,
    /// What goes wrong, and when.
    pub(super) faults: Vec<(Time, FaultStep)>,
    /// For each partition, who is in its first part.
    pub(super) parts: Vec<Vec<bool>>,
    /// Whom an eclipse is about.
    pub(super) victim: Option<NodeId>,
    /// Who is spared from [`core_from`](Self::core_from) on.
    pub(super) core: Vec<bool>,
    pub(super) core_from: Time,
    /// Who is not there at first.
    pub(super) absent: Vec<bool>,
    skew_max: u64,
    seed: Seed,
    /// When the run is over.
    pub end: Time,
    pub(super) sample_every: Time,
}

/// Samples in a run, about.
const SAMPLES: u64 = 1_200;
/// And not more often than this.
const SAMPLE_NANOS_MIN: u64 = 10_000_000;

impl Setup {
    /// Draws it from the scenario's seed.
    ///
    /// # Errors
    /// [`ScenarioError`] where the scenario does not [check](Scenario::check), or no topology of the
    /// wanted kind was found.
    pub fn new(scenario: &Scenario) -> Result<Self, ScenarioError> {
        scenario.check()?;
        let seed = Seed::new(scenario.seed);
        let graph = Graph::of(scenario)?;
        let (hostile, victim) = roles(scenario, &graph, seed);
        let honest: Vec<NodeId> = (0..scenario.nodes)
            .map(NodeId)
            .filter(|node| hostile.get(node.index()).is_some_and(Option::is_none) && Some(*node) != victim)
            .collect();
        let mut schedule = SlotSchedule::draw(scenario, &honest);
        give_slots_to_hostile(scenario, &mut schedule, &hostile, seed);
        let core = core(scenario, &hostile, seed);
        let core_from = scenario.core.map_or(Time::MAX, |core| Time::from_nanos(core.from.nanos()));
        let FaultPlan { steps, parts, absent } = faults::plan(scenario, &schedule, &core, seed);
        let end = schedule.end().after(scenario.chain.drain.duration());
        let sample_every = Time::from_nanos((end.as_nanos() / SAMPLES).max(SAMPLE_NANOS_MIN));
        Ok(Self {
            regions: regions(scenario),
            graph,
            hostile,
            schedule,
            faults: steps,
            parts,
            victim,
            core,
            core_from,
            absent,
            skew_max: scenario.chain.clock_skew.nanos(),
            seed,
            end,
            sample_every,
        })
    }

    /// A node's region.
    pub(super) fn region(&self, node: NodeId) -> u8 {
        self.regions.get(node.index()).copied().unwrap_or(0)
    }

    /// Whether nothing goes wrong with a node any more.
    pub(super) fn is_spared(&self, node: NodeId, now: Time) -> bool {
        now >= self.core_from && self.core.get(node.index()) == Some(&true)
    }

    /// How far a node's clock is behind, in nanoseconds.
    pub(super) fn skew(&self, node: NodeId) -> u64 {
        if self.skew_max == 0 {
            return 0;
        }
        draw::below(self.seed.draw(Concern::Latency, u64::from(node.0), 1), self.skew_max)
    }

    /// The links of the graph, nobody connected yet.
    pub(super) fn links(&self, scenario: &Scenario) -> (Vec<LinkEnd>, Vec<Route>) {
        let count = self.graph.links();
        let (mut ends, mut routes) = (Vec::with_capacity(count), Vec::with_capacity(count));
        for from in 0..self.graph.nodes() as u32 {
            for index in self.graph.links_of(NodeId(from)) {
                let index = index as usize;
                let (Some(&to), Some(&back)) = (self.graph.to.get(index), self.graph.reverse.get(index))
                else {
                    continue;
                };
                let region = |node: NodeId| self.region(node).into();
                let (here, there): (usize, usize) = (region(NodeId(from)), region(to));
                let latency = scenario.regions.latency.get(here).and_then(|row| row.get(there));
                let latency = latency.map_or(0, |span| span.nanos());
                let (owner, from) = (NodeId(from), self.region(to));
                ends.push(LinkEnd { owner, epoch: 0, state: LinkState::Down, from });
                let latency = u32::try_from(latency).unwrap_or(u32::MAX);
                routes.push(Route { to, reverse: PeerId(back), latency, wire: WireState::Whole });
            }
        }
        (ends, routes)
    }

    /// The receiving side of each node.
    pub(super) fn ingresses(&self) -> Vec<Ingress> {
        let ingress = |(hostile, absent): (&Option<u8>, &bool)| Ingress {
            down_free: Time::ZERO,
            received: 0,
            blocks: 0,
            postponed: Vec::new(),
            newest: BlockIndex::GENESIS,
            online: !absent,
            may_postpone: false,
            hostile: *hostile,
        };
        self.hostile.iter().zip(&self.absent).map(ingress).collect()
    }

    /// The nodes, without receiving sides and machines.
    pub(super) fn nodes(&self, scenario: &Scenario) -> Vec<SimNode> {
        let node = |id: u32| {
            let id = NodeId(id);
            let links = self.graph.links_of(id);
            SimNode {
                chain: NodeChain::default(),
                armed: Time::MAX,
                up_free: Time::ZERO,
                up_small_free: Time::ZERO,
                import_free: Time::ZERO,
                first_link: links.start,
                life: 0,
                degree: links.end - links.start,
                region: self.region(id),
                importing: SmallVec::new(),
                catching: None,
                sent: 0,
            }
        };
        (0..scenario.nodes).map(node).collect()
    }

    /// A machine for each node, in the state of a first start.
    pub(super) fn machines<M: Machine>(
        &self,
        scenario: &Scenario,
        config: &Arc<herald_fetcher::Config>,
    ) -> Vec<M> {
        let machine = |id| M::new(Arc::clone(config), self.machine_seed(NodeId(id), 0));
        (0..scenario.nodes).map(machine).collect()
    }

    /// The seed of a node's machine; another one after each restart.
    pub(super) fn machine_seed(&self, node: NodeId, life: u16) -> u64 {
        self.seed.draw(Concern::Fetcher, u64::from(node.0), u64::from(life))
    }
}

/// Who is hostile, and whom an eclipse is about.
fn roles(scenario: &Scenario, graph: &Graph, seed: Seed) -> (Vec<Option<u8>>, Option<NodeId>) {
    let mut roles = vec![None; scenario.nodes as usize];
    let mut order: Vec<NodeId> = (0..scenario.nodes).map(NodeId).collect();
    draw::shuffle(&mut seed.stream(Concern::Adversary, 0), &mut order);
    let mut order = order.into_iter();
    let mut victim = None;
    for (index, adversaries) in scenario.adversaries.iter().enumerate() {
        if adversaries.kind != AdversaryKind::Eclipse {
            continue;
        }
        let Some(target) = order.next() else { continue };
        victim = Some(target);
        // The first peer stays honest.
        for peer in graph.peers(target).iter().skip(1) {
            if let Some(role) = roles.get_mut(peer.index()) {
                *role = Some(index as u8);
            }
        }
    }
    let spared = victim.and_then(|victim| graph.peers(victim).first().copied());
    let mut free = order.filter(|node| Some(*node) != spared);
    for (index, count) in scenario.hostile_counts().into_iter().enumerate() {
        for _ in 0..count {
            let Some(node) = free.by_ref().find(|node| roles.get(node.index()) == Some(&None)) else { break };
            if let Some(role) = roles.get_mut(node.index()) {
                *role = Some(index as u8);
            }
        }
    }
    (roles, victim)
}

/// The nodes of the core: none where the scenario has none.
fn core(scenario: &Scenario, hostile: &[Option<u8>], seed: Seed) -> Vec<bool> {
    let mut members = vec![false; hostile.len()];
    let Some(core) = scenario.core else { return members };
    let mut honest: Vec<NodeId> =
        (0..).map(NodeId).zip(hostile).filter(|(_, role)| role.is_none()).map(|(node, _)| node).collect();
    draw::shuffle(&mut seed.stream(Concern::Fault, u64::MAX), &mut honest);
    let count = (core.share * honest.len() as f64 + 0.5) as usize;
    for node in honest.into_iter().take(count.max(2)) {
        members.get_mut(node.index()).into_iter().for_each(|member| *member = true);
    }
    members
}

/// Kinds that seal have their share of the slots.
fn give_slots_to_hostile(
    scenario: &Scenario,
    schedule: &mut SlotSchedule,
    hostile: &[Option<u8>],
    seed: Seed,
) {
    for (index, adversaries) in scenario.adversaries.iter().enumerate() {
        let own: Vec<NodeId> = (0..)
            .map(NodeId)
            .zip(hostile)
            .filter(|(_, role)| **role == Some(index as u8))
            .map(|(node, _)| node)
            .collect();
        if !adversaries.kind.seals() || own.is_empty() {
            continue;
        }
        for (slot, planned) in schedule.slots.iter_mut().enumerate() {
            let word = seed.draw(Concern::Adversary, slot as u64, index as u64 + 1);
            if draw::chance(word, adversaries.share)
                && let Some(&sealer) = own.get(slot % own.len())
            {
                planned.sealer = sealer;
            }
        }
    }
}
