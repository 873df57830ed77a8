//! A lower bound on propagation: no run can beat it, whatever its policy.
//!
//! For each block, shortest paths from its sealer: each hop costs the least latency that the jitter
//! allows, the block's bytes at the slower of the sender's uplink and the receiver's downlink, and
//! the receiver's header check; the last node's import comes on top. It is loose, since it ignores
//! that a sender serves many peers, and that an announcement is answered only on request.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;

use foldhash::fast::FixedState;
use hashbrown::HashMap;
use thiserror::Error;

use super::summary::{at, counted, counts};
use super::{NEVER, NodeRecord, Run};
use crate::model::chain::NodeId;
use crate::model::topology::Graph;
use crate::scenario::units::BitRate;
use crate::scenario::{AdversaryKind, Scenario};

/// What of the inputs does not fit together: a defect of the caller, since a checked scenario and
/// the graph and nodes of its world always do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[allow(missing_docs, reason = "a field without words of its own is what the message says it is")]
#[non_exhaustive]
pub enum BoundError {
    /// The graph is not of these nodes.
    #[error("the graph has {graph} nodes, and there are {nodes}")]
    Nodes {
        /// How many the graph has.
        graph: usize,
        nodes: usize,
    },
    /// A node is in no region of the scenario.
    #[error("node {node} is in region {region}, which the scenario does not have")]
    Region { node: usize, region: u8 },
    /// The scenario's tables of regions have a hole, or a rate of zero.
    #[error("the scenario's latencies and rates are not all there; check the scenario first")]
    Tables,
}

/// Whether a node of this kind hands true blocks on. One that does is a way for blocks, and leaving
/// it out would make the bound wrong instead of loose.
pub const fn relays(kind: AdversaryKind) -> bool {
    match kind {
        AdversaryKind::WithholdHeader
        | AdversaryKind::WithholdBody
        | AdversaryKind::OtherHeader
        | AdversaryKind::OtherBody
        | AdversaryKind::Junk
        | AdversaryKind::Oversized
        | AdversaryKind::Empty
        | AdversaryKind::Eclipse => false,
        AdversaryKind::AnswerLate
        | AdversaryKind::WrongNumber
        | AdversaryKind::Phantoms
        | AdversaryKind::FarAway
        | AdversaryKind::Equivocate
        | AdversaryKind::SecretBranch
        | AdversaryKind::Replay
        | AdversaryKind::InvalidBlocks => true,
    }
}

#[derive(Clone, Copy, Debug)]
struct BoundNode {
    region: usize,
    relays: bool,
    /// Hostile nodes check nothing.
    header_check: u64,
}

/// The lower bounds of one world: one topology, any number of blocks.
#[derive(Debug)]
pub struct LowerBound<'a> {
    graph: &'a Graph,
    nodes: Vec<BoundNode>,
    regions: usize,
    /// For each pair of regions, from and to: the least latency, and the slower of the two rates.
    paths: Vec<(u64, BitRate)>,
    import: u64,
    known: HashMap<(NodeId, u64), Arc<[u64]>, FixedState>,
}

impl<'a> LowerBound<'a> {
    /// For the nodes of a run in their graph.
    ///
    /// # Errors
    /// The graph, the nodes and the scenario do not belong together.
    pub fn new(scenario: &Scenario, graph: &'a Graph, nodes: &[NodeRecord]) -> Result<Self, BoundError> {
        if graph.nodes() != nodes.len() {
            return Err(BoundError::Nodes { graph: graph.nodes(), nodes: nodes.len() });
        }
        let regions = scenario.regions.up.len();
        let mut known = Vec::with_capacity(nodes.len());
        for (node, record) in nodes.iter().enumerate() {
            let region = usize::from(record.region);
            if region >= regions {
                return Err(BoundError::Region { node, region: record.region });
            }
            let header_check = if record.hostile.is_none() { scenario.chain.header_check.nanos() } else { 0 };
            known.push(BoundNode { region, relays: record.hostile.is_none_or(relays), header_check });
        }
        Ok(Self {
            graph,
            nodes: known,
            regions,
            paths: paths(scenario).ok_or(BoundError::Tables)?,
            import: scenario.chain.import.nanos(),
            known: HashMap::with_hasher(FixedState::with_seed(0)),
        })
    }

    /// For each node, the least nanoseconds from the seal of a block of `bytes` until it is imported:
    /// 0 at its sealer, [`NEVER`] where no way leads. Computed once for each sealer and size.
    pub fn imported(&mut self, sealer: NodeId, bytes: u64) -> Arc<[u64]> {
        if let Some(known) = self.known.get(&(sealer, bytes)) {
            return Arc::clone(known);
        }
        let times: Arc<[u64]> = self.shortest(sealer, bytes).into();
        self.known.insert((sealer, bytes), Arc::clone(&times));
        times
    }

    /// The bounds of all deliveries of a run, block by block: what [`imported`](Self::imported) gives
    /// for each pair of block and node that [`Summary`](super::summary::Summary) counts.
    pub fn deliveries(&mut self, run: &Run) -> Vec<u64> {
        let counted = counted(run);
        let blocks = run.blocks.iter().filter(|block| counts(run, block));
        blocks
            .flat_map(|block| at(&self.imported(block.sealer, block.bytes), block.sealer, &counted))
            .collect()
    }

    fn shortest(&self, sealer: NodeId, bytes: u64) -> Vec<u64> {
        let hops: Vec<u64> =
            self.paths.iter().map(|(latency, rate)| latency.saturating_add(rate.time_for(bytes))).collect();
        let mut checked = vec![NEVER; self.nodes.len()];
        let mut queue = BinaryHeap::new();
        if let Some(time) = checked.get_mut(sealer.index()) {
            *time = 0;
            queue.push(Reverse((0, sealer)));
        }
        while let Some(Reverse((time, from))) = queue.pop() {
            let Some(node) = self.nodes.get(from.index()) else { continue };
            if checked.get(from.index()).is_some_and(|best| *best < time) {
                continue;
            }
            if !node.relays && from != sealer {
                continue;
            }
            for to in self.graph.peers(from).iter().copied() {
                let Some(target) = self.nodes.get(to.index()) else { continue };
                let Some(hop) = hops.get(node.region * self.regions + target.region) else { continue };
                let arrival = time.saturating_add(*hop).saturating_add(target.header_check);
                if let Some(best) = checked.get_mut(to.index()).filter(|best| arrival < **best) {
                    *best = arrival;
                    queue.push(Reverse((arrival, to)));
                }
            }
        }
        for (node, time) in checked.iter_mut().enumerate() {
            if node != sealer.index() {
                *time = time.saturating_add(self.import);
            }
        }
        checked
    }
}

fn paths(scenario: &Scenario) -> Option<Vec<(u64, BitRate)>> {
    let regions = &scenario.regions;
    // Parts in 10^9, rounded up, so that the latency is rounded down and stays a bound.
    let jitter = libm::ceil(scenario.links.jitter * 1e9) as u128;
    let mut paths = Vec::new();
    for (from, up) in regions.up.iter().enumerate() {
        for (to, down) in regions.down.iter().enumerate() {
            let base = regions.latency.get(from)?.get(to)?.nanos();
            let early = u64::try_from((u128::from(base) * jitter).div_ceil(1_000_000_000)).ok()?;
            let rate = (*up).min(*down);
            if rate.0 == 0 {
                return None;
            }
            paths.push((base.saturating_sub(early), rate));
        }
    }
    (paths.len() == regions.up.len() * regions.up.len()).then_some(paths)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs, reason = "tests")]
    use super::*;
    use crate::measure::tests::{graph, node, scenario};
    use crate::scenario::units::Span;

    const MS: u64 = 1_000_000;

    /// 50 ms, 8 Mbit/s up, 80 Mbit/s down, header check 1 ms, import 50 ms: 1,000 bytes take 1 ms.
    fn world(jitter: f64) -> Scenario {
        let mut scenario = scenario();
        scenario.links.jitter = jitter;
        scenario
    }

    #[test]
    fn a_line_costs_each_hop_and_one_import() {
        let nodes = [node(), node(), node(), node()];
        let graph = graph(&[0, 1, 3, 5, 6], &[1, 0, 2, 1, 3, 2]);
        let scenario = world(0.0);
        let mut bound = LowerBound::new(&scenario, &graph, &nodes).unwrap();
        let hop = (50 + 1 + 1) * MS;
        let import = 50 * MS;
        let times = bound.imported(NodeId::new(0), 1_000);
        assert_eq!(*times, [0, hop + import, 2 * hop + import, 3 * hop + import]);
        let inner = bound.imported(NodeId::new(2), 2_000);
        let hop = hop + MS;
        assert_eq!(*inner, [2 * hop + import, hop + import, 0, hop + import]);
        assert!(Arc::ptr_eq(&times, &bound.imported(NodeId::new(0), 1_000)));
    }

    #[test]
    fn a_star_from_a_leaf_goes_through_the_middle_and_jitter_is_taken_off() {
        let nodes = [node(), node(), node(), node()];
        let graph = graph(&[0, 3, 4, 5, 6], &[1, 2, 3, 0, 0, 0]);
        let scenario = world(0.1);
        let mut bound = LowerBound::new(&scenario, &graph, &nodes).unwrap();
        let hop = (45 + 2 + 1) * MS;
        let leaf = 2 * hop + 50 * MS;
        assert_eq!(*bound.imported(NodeId::new(1), 2_000), [hop + 50 * MS, 0, leaf, leaf]);
    }

    #[test]
    fn a_detour_that_is_faster_is_taken_and_the_slower_end_counts() {
        let mut scenario = world(0.0);
        // Two regions, far from each other; a third between them, with a slow downlink.
        let (near, far) = (Span::ms(10), Span::ms(100));
        scenario.regions.latency = vec![vec![near, far, near], vec![far, near, near], vec![near, near, near]];
        scenario.regions.up = vec![BitRate(8_000_000); 3];
        scenario.regions.down = vec![BitRate(80_000_000), BitRate(80_000_000), BitRate(1_000_000)];
        let mut nodes = [node(), node(), node()];
        nodes[1].region = 1;
        nodes[2].region = 2;
        let graph = graph(&[0, 2, 4, 6], &[1, 2, 0, 2, 0, 1]);
        let mut bound = LowerBound::new(&scenario, &graph, &nodes).unwrap();
        // Through the third: 10 + 8 + 1, then 10 + 1 + 1.
        assert_eq!(*bound.imported(NodeId::new(0), 1_000), [0, (31 + 50) * MS, (19 + 50) * MS]);
    }

    #[test]
    fn a_node_that_withholds_is_no_way_and_one_that_is_only_late_is() {
        let scenario = world(0.0);
        let graph = graph(&[0, 1, 3, 4], &[1, 0, 2, 1]);
        let mut nodes = [node(), node(), node()];
        nodes[1].hostile = Some(AdversaryKind::WithholdBody);
        let mut bound = LowerBound::new(&scenario, &graph, &nodes).unwrap();
        assert_eq!(bound.imported(NodeId::new(0), 1_000)[2], NEVER);
        // As a sealer it gives its own block.
        assert_eq!(bound.imported(NodeId::new(1), 1_000)[2], 102 * MS);

        nodes[1].hostile = Some(AdversaryKind::AnswerLate);
        let mut bound = LowerBound::new(&scenario, &graph, &nodes).unwrap();
        assert_eq!(bound.imported(NodeId::new(0), 1_000)[2], (51 + 52 + 50) * MS);
    }

    #[test]
    fn what_does_not_fit_together_is_refused() {
        let scenario = world(0.0);
        let graph = graph(&[0, 1, 2], &[1, 0]);
        let refused =
            |nodes: &[NodeRecord]| LowerBound::new(&scenario, &graph, nodes).map(|_| ()).unwrap_err();
        assert_eq!(refused(&[node()]), BoundError::Nodes { graph: 2, nodes: 1 });
        let mut nodes = [node(), node()];
        nodes[1].region = 9;
        assert_eq!(refused(&nodes), BoundError::Region { node: 1, region: 9 });
        nodes[1].region = 0;
        let mut holes = scenario.clone();
        holes.regions.up[0] = BitRate(0);
        assert_eq!(LowerBound::new(&holes, &graph, &nodes).map(|_| ()), Err(BoundError::Tables));
    }
}
