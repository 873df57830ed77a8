//! What the plots and tables show of one run.

use crate::measure::{BlockRecord, NEVER, NodeRecord, Run};

/// The three moments that a block has at a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Clock {
    /// It was first heard of.
    Heard,
    /// Header and body were there.
    Whole,
    /// It was imported.
    Imported,
}

impl Clock {
    pub(super) const ALL: [Self; 3] = [Self::Heard, Self::Whole, Self::Imported];

    pub(super) const fn label(self) -> &'static str {
        match self {
            Self::Heard => "heard",
            Self::Whole => "whole",
            Self::Imported => "imported",
        }
    }

    fn of(self, block: &BlockRecord) -> &[u64] {
        match self {
            Self::Heard => &block.heard,
            Self::Whole => &block.whole,
            Self::Imported => &block.imported,
        }
    }
}

/// All deliveries of a run by one clock: what was reached, in order, and how many were not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Deliveries {
    /// Nanoseconds since the seal, ascending.
    pub(super) reached: Vec<u64>,
    /// How many never were.
    pub(super) never: u64,
}

impl Deliveries {
    /// Of every block of an honest sealer to every honest node online throughout but its sealer.
    pub(super) fn of(run: &Run, clock: Clock) -> Self {
        let all = run.blocks.iter().filter(|block| honestly_sealed(run, block)).flat_map(|block| {
            run.nodes
                .iter()
                .zip(clock.of(block))
                .enumerate()
                .filter(|(place, (node, _))| counts(node) && *place != block.sealer.index())
                .map(|(_, (_, time))| *time)
        });
        Self::from_times(all.collect())
    }

    /// Of times of which some may be [`NEVER`].
    pub(super) fn from_times(mut times: Vec<u64>) -> Self {
        times.sort_unstable();
        let reached = times.partition_point(|time| *time != NEVER);
        let never = (times.len() - reached) as u64;
        times.truncate(reached);
        Self { reached: times, never }
    }

    pub(super) fn total(&self) -> u64 {
        self.reached.len() as u64 + self.never
    }

    /// The time within which `share` of all deliveries came, or [`NEVER`] where fewer ever did.
    /// `None` where there were none to come.
    pub(super) fn within(&self, share: f64) -> Option<u64> {
        let total = self.total();
        let rank = (libm::ceil(share * total as f64) as u64).clamp(1, total.max(1));
        (total > 0).then(|| self.reached.get(rank as usize - 1).copied().unwrap_or(NEVER))
    }
}

/// Whether deliveries at this node count.
pub(super) fn counts(node: &NodeRecord) -> bool {
    node.hostile.is_none() && node.online_throughout
}

fn honestly_sealed(run: &Run, block: &BlockRecord) -> bool {
    let sealer = run.nodes.get(block.sealer.index());
    block.hash.is_some() && sealer.is_some_and(|sealer| sealer.hostile.is_none())
}

/// Of each honest node online throughout, in ascending order.
pub(super) fn by_node(run: &Run, figure: impl Fn(&NodeRecord) -> f64) -> Vec<f64> {
    sorted(run.nodes.iter().filter(|node| counts(node)).map(figure).collect())
}

/// Bytes of blocks received for each byte of block that others sealed, by honest node, in ascending
/// order. A node that sealed all of them has no ratio.
pub(super) fn redundancy(run: &Run) -> Vec<f64> {
    let mut own = vec![0_u64; run.nodes.len()];
    let mut all = 0;
    for block in run.blocks.iter().filter(|block| block.hash.is_some()) {
        all += block.bytes;
        if let Some(own) = own.get_mut(block.sealer.index()) {
            *own += block.bytes;
        }
    }
    let nodes = run.nodes.iter().zip(own).filter(|(node, own)| counts(node) && *own < all);
    sorted(nodes.map(|(node, own)| node.block_bytes as f64 / (all - own) as f64).collect())
}

fn sorted(mut values: Vec<f64>) -> Vec<f64> {
    values.sort_unstable_by(f64::total_cmp);
    values
}

/// The mean; `None` of nothing.
pub(super) fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

/// At most `most` of them, evenly apart, the first and the last among them.
pub(super) fn thinned<T>(items: &[T], most: usize) -> impl Iterator<Item = &T> {
    let shown = items.len().min(most.max(2));
    (0..shown).filter_map(move |place| items.get(place * (items.len() - 1) / (shown - 1).max(1)))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::indexing_slicing, reason = "tests")]
    use super::*;

    #[test]
    fn what_never_came_is_part_of_the_whole() {
        let deliveries = Deliveries::from_times(vec![30, NEVER, 10, 20]);
        assert_eq!((deliveries.reached.as_slice(), deliveries.never), ([10, 20, 30].as_slice(), 1));
        assert_eq!(deliveries.within(0.5), Some(20));
        assert_eq!(deliveries.within(0.75), Some(30));
        assert_eq!(deliveries.within(0.76), Some(NEVER));
        assert_eq!(deliveries.within(1.0), Some(NEVER));
        assert_eq!(Deliveries::from_times(Vec::new()).within(1.0), None);
    }

    #[test]
    fn deliveries_are_of_honest_blocks_to_other_honest_nodes_that_stayed() {
        let mut run = super::super::tests::sample::runs(20).swap_remove(0);
        // Of 20 nodes 4 are hostile, and node 3 was away. One slot of ten stayed empty; three of the other
        // blocks are node 3's, so that six have a sealer to be left out.
        assert_eq!(Deliveries::of(&run, Clock::Imported).total(), 9 * 15 - 6);
        run.blocks = run.blocks[1..2].to_vec();
        let block_bytes = run.blocks[0].bytes;
        let honest = run.blocks[0].sealer.index();
        run.nodes.iter_mut().for_each(|node| node.block_bytes = block_bytes);
        // The sealer of the only block has nothing to receive.
        assert_eq!(redundancy(&run), [1.0; 14]);
        run.nodes[honest].hostile = Some(crate::scenario::AdversaryKind::SecretBranch);
        assert_eq!(Deliveries::of(&run, Clock::Imported).total(), 0);
    }

    #[test]
    fn thinning_keeps_both_ends() {
        let items: Vec<u32> = (0..1_000).collect();
        let kept: Vec<u32> = thinned(&items, 10).copied().collect();
        assert_eq!((kept.len(), kept.first(), kept.last()), (10, Some(&0), Some(&999)));
        assert_eq!(thinned(&items[..3], 10).count(), 3);
        assert_eq!(thinned(&items[..1], 10).count(), 1);
        assert_eq!(thinned(&items[..0], 10).count(), 0);
    }
}
