//! What a run comes to: the figures that reports show, files hold and assertions ask for.
//!
//! A delivery runs from the seal of a measured block of an honest sealer to its import at an honest
//! node that was online throughout; the sealer's own import is none. One that did not happen counts
//! as not reached, and is never dropped: blocks of a branch that lost included.

use serde::Serialize;

use super::bound::LowerBound;
use super::stats::{Quantiles, Spans};
use super::{BlockRecord, MessageKind, Run};
use crate::model::chain::NodeId;
use crate::scenario::{AdversaryKind, Policy};

/// One run in figures. Times are nanoseconds; `None` is "not reached".
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Summary {
    /// What ran in the nodes.
    pub policy: Policy,
    /// From which seed.
    pub seed: u64,
    /// The hash over all events.
    pub trace: String,
    /// How many there were.
    pub events: u64,
    /// When the run ended.
    pub ended_at: u64,
    /// Nodes, honest and hostile.
    pub nodes: u64,
    /// Honest nodes that were online throughout.
    pub counted_nodes: u64,
    /// Deliveries looked for, whether they happened or not.
    pub deliveries: u64,
    /// Those that did not happen.
    pub not_reached: u64,
    /// Of those, the ones of blocks in the chain that most honest nodes have at the end.
    pub not_reached_canonical: u64,
    /// From the seal until a node first follows the hash, over all deliveries.
    pub heard: Quantiles,
    /// From the seal until header and matching body were there, over all deliveries.
    pub whole: Quantiles,
    /// From the seal to the import, over all deliveries.
    pub imported: Quantiles,
    /// Block by block, empty slots included.
    pub blocks: Vec<BlockSummary>,
    /// Measured blocks that are not in the chain of most honest nodes at the end.
    pub forked_blocks: u64,
    /// Times that an honest node's head went to another branch.
    pub reorganisations: u64,
    /// Bytes of blocks received for each byte of the measured blocks that others sealed, on average
    /// over the counted nodes; `None` where no block was sealed.
    pub redundancy: Option<f64>,
    /// Messages by kind.
    pub traffic: Vec<TrafficSummary>,
    /// Requests sent by honest nodes.
    pub requests: u64,
    /// Of those, not answered by their deadline.
    pub timeouts: u64,
    /// Second peers asked.
    pub hedges: u64,
    /// Penalties given by honest nodes.
    pub penalties: Vec<PenaltySummary>,
    /// Hostile nodes, by kind.
    pub hostile: Vec<HostileSummary>,
    /// Memory of the machines.
    pub memory: MemorySummary,
    /// Honest nodes online at the end without the head that most of them have.
    pub astray: u32,
    /// Honest nodes online at the end whose machine still held something.
    pub not_empty: u32,
    /// The broken predicate at which the run stopped.
    pub violation: Option<String>,
}

/// One measured block.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct BlockSummary {
    /// Its slot in the schedule, warm-up included.
    pub slot: u32,
    /// Its hash; `None` where the slot stayed empty.
    pub hash: Option<String>,
    /// Its distance from genesis.
    pub number: u64,
    /// The index of its sealer.
    pub sealer: u64,
    /// When it was sealed.
    pub sealed_at: u64,
    /// Bytes of the whole block.
    pub bytes: u64,
    /// Whether it is in the chain of most honest nodes at the end.
    pub canonical: bool,
    /// Deliveries looked for; 0 for an empty slot and for a hostile sealer's block.
    pub deliveries: u64,
    /// Those that did not happen.
    pub not_reached: u64,
    /// Time to 50, 90, 99 and 100 % of the counted nodes, until they heard of it.
    pub heard: Quantiles,
    /// The same, until they had it whole.
    pub whole: Quantiles,
    /// The same, until they imported it.
    pub imported: Quantiles,
    /// The lower bound of the time to import, where it was computed.
    pub bound: Option<Quantiles>,
}

/// Messages of one kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct TrafficSummary {
    /// [`MessageKind::label`].
    pub kind: &'static str,
    /// How many were sent.
    pub messages: u64,
    /// Bytes on the wire, of those that were lost too.
    pub bytes: u64,
    /// How many were lost for good.
    pub lost: u64,
}

/// Penalties of one reason against one kind of node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct PenaltySummary {
    /// What for.
    pub reason: &'static str,
    /// Against whom: `honest`, or a kind of adversary.
    pub against: &'static str,
    /// How often.
    pub count: u64,
    /// How many nodes of that kind.
    pub nodes: u32,
}

/// Hostile nodes of one kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct HostileSummary {
    /// What they do.
    pub kind: AdversaryKind,
    /// How many there are.
    pub nodes: u32,
    /// How many of them were penalised by somebody.
    pub penalised: u32,
}

/// Memory of the honest nodes' machines, by their own account, in bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct MemorySummary {
    /// The mean over the samples of the mean over nodes.
    pub mean: u64,
    /// The most that any was seen to use.
    pub max: u64,
    /// The least that any promised not to pass; `None` where nothing is promised.
    pub bound: Option<u64>,
    /// How many nodes passed their own bound.
    pub over_bound: u32,
}

impl Summary {
    /// Of a run; with lower bounds where the world's are given.
    pub fn of(run: &Run, mut bound: Option<&mut LowerBound<'_>>) -> Self {
        let counted = counted(run);
        let mut pooled: [Vec<u64>; 3] = Default::default();
        let mut blocks = Vec::with_capacity(run.blocks.len());
        for block in &run.blocks {
            let clocks = delivered(run, block, &counted);
            let least = bound.as_deref_mut().filter(|_| counts(run, block)).map(|bound| {
                let times = bound.imported(block.sealer, block.bytes);
                Spans::new(at(&times, block.sealer, &counted)).quantiles()
            });
            blocks.push(block_summary(block, &clocks, least));
            for (all, clock) in pooled.iter_mut().zip(clocks) {
                all.extend(clock);
            }
        }
        let [heard, whole, imported] = pooled.map(Spans::new);
        let sealed = |block: &&BlockSummary| block.hash.is_some();
        Self {
            policy: run.policy,
            seed: run.seed,
            trace: run.trace.clone(),
            events: run.events,
            ended_at: run.ended_at.as_nanos(),
            nodes: run.nodes.len() as u64,
            counted_nodes: counted.iter().filter(|counted| **counted).count() as u64,
            deliveries: imported.len() as u64,
            not_reached: imported.not_reached(),
            not_reached_canonical: blocks.iter().filter(|b| b.canonical).map(|b| b.not_reached).sum(),
            heard: heard.quantiles(),
            whole: whole.quantiles(),
            imported: imported.quantiles(),
            forked_blocks: blocks.iter().filter(sealed).filter(|block| !block.canonical).count() as u64,
            blocks,
            reorganisations: run.reorganisations,
            redundancy: redundancy(run, &counted),
            traffic: traffic(run),
            requests: run.counters.requests,
            timeouts: run.counters.deadlines_passed,
            hedges: run.counters.hedges,
            penalties: penalties(run),
            hostile: hostile(run),
            memory: memory(run),
            astray: run.astray,
            not_empty: run.not_empty,
            violation: run.violation.as_ref().map(|violation| {
                let at = super::table::nanos(violation.at.as_nanos());
                let node = violation.node.map_or(String::new(), |node| format!(" at node {}", node.index()));
                format!("event {} ({at}){node}: {}", violation.event, violation.what)
            }),
        }
    }

    /// Penalties that honest nodes gave to honest ones.
    pub fn honest_penalised(&self) -> u64 {
        let honest = standing(None);
        self.penalties.iter().filter(|row| row.against == honest).map(|row| row.count).sum()
    }
}

/// What a node is, in tables and files: its kind, or that it is honest.
pub fn standing(hostile: Option<AdversaryKind>) -> &'static str {
    hostile.map_or("honest", AdversaryKind::label)
}

/// For each node, whether deliveries to it count.
pub(crate) fn counted(run: &Run) -> Vec<bool> {
    run.nodes.iter().map(|node| node.hostile.is_none() && node.online_throughout).collect()
}

/// Whether deliveries of this block count.
pub(crate) fn counts(run: &Run, block: &BlockRecord) -> bool {
    let honest = run.nodes.get(block.sealer.index()).is_some_and(|sealer| sealer.hostile.is_none());
    block.hash.is_some() && honest
}

/// Heard, whole and imported at the counted nodes; empty where the block does not count.
fn delivered(run: &Run, block: &BlockRecord, counted: &[bool]) -> [Vec<u64>; 3] {
    if !counts(run, block) {
        return Default::default();
    }
    [&block.heard, &block.whole, &block.imported].map(|clock| at(clock, block.sealer, counted))
}

/// A clock at the counted nodes, the sealer left out.
pub(crate) fn at(clock: &[u64], sealer: NodeId, counted: &[bool]) -> Vec<u64> {
    let nodes = clock.iter().zip(counted).enumerate();
    nodes.filter(|(node, (_, counted))| **counted && *node != sealer.index()).map(|(_, (t, _))| *t).collect()
}

fn block_summary(block: &BlockRecord, clocks: &[Vec<u64>; 3], bound: Option<Quantiles>) -> BlockSummary {
    let [heard, whole, imported] = clocks.clone().map(Spans::new);
    BlockSummary {
        slot: block.slot,
        hash: block.hash.map(|hash| hash.to_string()),
        number: block.number,
        sealer: block.sealer.index() as u64,
        sealed_at: block.sealed_at.as_nanos(),
        bytes: block.bytes,
        canonical: block.canonical,
        deliveries: imported.len() as u64,
        not_reached: imported.not_reached(),
        heard: heard.quantiles(),
        whole: whole.quantiles(),
        imported: imported.quantiles(),
        bound,
    }
}

/// Bytes of blocks received for each byte of block that others sealed, at each counted node; a node
/// that sealed all of them has no ratio.
pub(crate) fn redundancies(run: &Run, counted: &[bool]) -> Vec<f64> {
    let sealed = |block: &&BlockRecord| block.hash.is_some();
    let all: u64 = run.blocks.iter().filter(sealed).map(|block| block.bytes).sum();
    let mut own = vec![0_u64; run.nodes.len()];
    for block in run.blocks.iter().filter(sealed) {
        if let Some(own) = own.get_mut(block.sealer.index()) {
            *own += block.bytes;
        }
    }
    let nodes = run.nodes.iter().zip(own).zip(counted);
    nodes
        .filter(|((_, own), counted)| **counted && *own < all)
        .map(|((node, own), _)| node.block_bytes as f64 / (all - own) as f64)
        .collect()
}

fn redundancy(run: &Run, counted: &[bool]) -> Option<f64> {
    let nodes = redundancies(run, counted);
    (!nodes.is_empty()).then(|| nodes.iter().sum::<f64>() / nodes.len() as f64)
}

fn traffic(run: &Run) -> Vec<TrafficSummary> {
    let kinds = MessageKind::ALL.iter().zip(run.traffic);
    kinds
        .map(|(kind, traffic)| TrafficSummary {
            kind: kind.label(),
            messages: traffic.messages,
            bytes: traffic.bytes,
            lost: traffic.lost,
        })
        .collect()
}

fn penalties(run: &Run) -> Vec<PenaltySummary> {
    let records = run.penalties.iter();
    records
        .map(|record| PenaltySummary {
            reason: record.reason.label(),
            against: standing(record.hostile),
            count: record.count,
            nodes: record.nodes,
        })
        .collect()
}

fn hostile(run: &Run) -> Vec<HostileSummary> {
    let kinds = AdversaryKind::ALL.iter().map(|&kind| {
        let of_kind = || run.nodes.iter().filter(move |node| node.hostile == Some(kind));
        HostileSummary {
            kind,
            nodes: of_kind().count() as u32,
            penalised: of_kind().filter(|node| node.penalised > 0).count() as u32,
        }
    });
    kinds.filter(|kind| kind.nodes > 0).collect()
}

fn memory(run: &Run) -> MemorySummary {
    let honest = || run.nodes.iter().filter(|node| node.hostile.is_none());
    let sum: u128 = run.memory.iter().map(|sample| u128::from(sample.mean)).sum();
    let peaks = honest().map(|node| node.memory_peak);
    let sampled = run.memory.iter().map(|sample| sample.max);
    MemorySummary {
        mean: sum
            .checked_div(run.memory.len() as u128)
            .and_then(|mean| u64::try_from(mean).ok())
            .unwrap_or(0),
        max: peaks.chain(sampled).max().unwrap_or(0),
        bound: honest().filter_map(|node| node.memory_bound).min(),
        over_bound: honest().filter(|node| node.memory_bound.is_some_and(|b| node.memory_peak > b)).count()
            as u32,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs, reason = "tests")]
    use herald_fetcher::Reason;

    use super::*;
    use crate::measure::tests::{MS, run};
    use crate::measure::{NEVER, PenaltyRecord};

    #[test]
    fn deliveries_leave_out_the_sealer_and_pool_all_blocks() {
        let summary = Summary::of(&run(), None);
        assert_eq!((summary.deliveries, summary.not_reached, summary.counted_nodes), (6, 0, 4));
        let found = [summary.imported.p50, summary.imported.p90, summary.imported.p100];
        assert_eq!(found, [Some(210 * MS), Some(320 * MS), Some(320 * MS)]);
        assert_eq!(summary.blocks[0].imported.p50, Some(210 * MS));
        assert_eq!(summary.blocks[1].imported.p100, Some(320 * MS));
        assert_eq!((summary.whole.p50, summary.heard.p100), (Some(105 * MS), Some(80 * MS)));
    }

    #[test]
    fn hostile_and_absent_nodes_and_hostile_sealers_are_no_deliveries() {
        let mut run = run();
        run.nodes[2].hostile = Some(AdversaryKind::Junk);
        run.nodes[3].online_throughout = false;
        run.blocks[1].sealer = NodeId::new(2);
        let summary = Summary::of(&run, None);
        assert_eq!((summary.deliveries, summary.imported.p100), (1, Some(110 * MS)));
        assert_eq!(summary.blocks[1].deliveries, 0);
        assert_eq!(summary.hostile, [HostileSummary { kind: AdversaryKind::Junk, nodes: 1, penalised: 0 }]);
    }

    #[test]
    fn what_was_not_reached_is_counted_and_moves_the_percentiles() {
        let mut run = run();
        run.blocks[0].imported[3] = NEVER;
        run.blocks[1].imported[3] = NEVER;
        run.blocks[1].canonical = false;
        let summary = Summary::of(&run, None);
        assert_eq!((summary.deliveries, summary.not_reached, summary.not_reached_canonical), (6, 2, 1));
        assert_eq!((summary.imported.p50, summary.imported.p90), (Some(210 * MS), None));
        assert_eq!(summary.forked_blocks, 1);
        // An empty slot is neither a fork nor a delivery.
        run.blocks[1].hash = None;
        let summary = Summary::of(&run, None);
        assert_eq!((summary.deliveries, summary.not_reached, summary.forked_blocks), (3, 1, 0));
    }

    #[test]
    fn redundancy_is_the_mean_over_nodes_of_received_to_sealed_by_others() {
        let mut run = run();
        // The sealer receives its own blocks from nobody: all of them are its own, so it has no ratio.
        run.nodes[1].block_bytes = 4_000;
        assert_eq!(Summary::of(&run, None).redundancy, Some((2.0 + 1.0 + 1.0) / 3.0));
        run.blocks.clear();
        assert_eq!(Summary::of(&run, None).redundancy, None);
    }

    #[test]
    fn memory_and_penalties_are_held_against_what_was_promised() {
        let mut run = run();
        run.nodes[1].memory_peak = 1_001;
        let record = PenaltyRecord { reason: Reason::Silence, hostile: None, count: 3, nodes: 2 };
        run.penalties =
            vec![record, PenaltyRecord { hostile: Some(AdversaryKind::Junk), count: 9, ..record }];
        let summary = Summary::of(&run, None);
        let memory = MemorySummary { mean: 200, max: 1_001, bound: Some(1_000), over_bound: 1 };
        assert_eq!((summary.memory.clone(), summary.honest_penalised()), (memory, 3));
        assert_eq!(summary.penalties[1].against, "junk");
    }

    #[test]
    fn the_bound_stands_beside_each_block_that_was_sealed() {
        let mut run = run();
        let scenario = crate::measure::tests::scenario();
        let graph = crate::measure::tests::graph(&[0, 1, 3, 5, 6], &[1, 0, 2, 1, 3, 2]);
        run.blocks[1].hash = None;
        let mut bound = LowerBound::new(&scenario, &graph, &run.nodes).unwrap();
        let summary = Summary::of(&run, Some(&mut bound));
        assert_eq!(bound.deliveries(&run), [102 * MS, 154 * MS, 206 * MS]);
        assert_eq!(summary.blocks[0].bound.unwrap().p50, Some((2 * 52 + 50) * MS));
        assert_eq!(summary.blocks[1].bound, None);
        assert!(serde_json::to_string(&summary).unwrap().contains(r#""policy":"herald""#));
    }
}
