//! What the plots and tables show of one run.

use strum::{IntoStaticStr, VariantArray};

use super::text;
use crate::measure::stats::Spans;
use crate::measure::summary::{at, counted, counts, redundancies};
use crate::measure::{BlockRecord, NEVER, NodeRecord, Run};

/// The three moments that a block has at a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case")]
pub(super) enum DeliveryClock {
    /// It was first heard of.
    Heard,
    /// Header and body were there.
    Whole,
    /// It was imported.
    Imported,
}

impl DeliveryClock {
    pub(super) const ALL: &'static [Self] = Self::VARIANTS;

    pub(super) fn label(self) -> &'static str {
        self.into()
    }

    fn of(self, block: &BlockRecord) -> &[u64] {
        match self {
            Self::Heard => &block.heard,
            Self::Whole => &block.whole,
            Self::Imported => &block.imported,
        }
    }
}

/// All deliveries of a run by one clock.
pub(super) fn deliveries(run: &Run, clock: DeliveryClock) -> Spans {
    let counted = counted(run);
    let blocks = run.blocks.iter().filter(|block| counts(run, block));
    Spans::new(blocks.flat_map(|block| at(clock.of(block), block.sealer, &counted)).collect())
}

/// A percentile as a number to compare: what was never reached is later than all else. `None` where
/// there was nothing to reach.
pub(super) fn percentile(spans: &Spans, percent: u32) -> Option<u64> {
    (!spans.is_empty()).then(|| spans.percentile(percent).unwrap_or(NEVER))
}

/// A percentile in words.
pub(super) fn percentile_words(spans: &Spans, percent: u32) -> String {
    percentile(spans, percent).map_or_else(|| "–".to_owned(), text::time)
}

/// Of each honest node online throughout, in ascending order.
pub(super) fn by_node(run: &Run, figure: impl Fn(&NodeRecord) -> f64) -> Vec<f64> {
    let nodes = run.nodes.iter().zip(counted(run));
    sorted(nodes.filter(|(_, counted)| *counted).map(|(node, _)| figure(node)).collect())
}

/// Bytes of blocks received for each byte of block, by honest node, in ascending order.
pub(super) fn redundancy(run: &Run) -> Vec<f64> {
    sorted(redundancies(run, &counted(run)))
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
    (0..shown).filter_map(move |index| items.get(index * (items.len() - 1) / (shown - 1).max(1)))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::indexing_slicing, reason = "tests")]
    use super::*;

    #[test]
    fn what_never_came_is_later_than_all_else() {
        let spans = Spans::new(vec![30, NEVER, 10, 20]);
        assert_eq!(spans.reached(), [10, 20, 30]);
        assert_eq!((percentile(&spans, 75), percentile(&spans, 76)), (Some(30), Some(NEVER)));
        assert_eq!(
            (percentile_words(&spans, 50), percentile_words(&spans, 100)),
            ("20 ns".into(), "never".into())
        );
        assert_eq!(percentile_words(&Spans::default(), 50), "–");
    }

    #[test]
    fn deliveries_are_of_honest_blocks_to_other_honest_nodes_that_stayed() {
        let mut run = super::super::tests::sample::runs(20).swap_remove(0);
        // Of 20 nodes 4 are hostile, and node 3 was away. One slot of ten stayed empty; three of the other
        // blocks are node 3's, so that six have a sealer to be left out.
        assert_eq!(deliveries(&run, DeliveryClock::Imported).len(), 9 * 15 - 6);
        run.blocks = run.blocks[1..2].to_vec();
        let block_bytes = run.blocks[0].bytes;
        let honest = run.blocks[0].sealer.index();
        run.nodes.iter_mut().for_each(|node| node.block_bytes = block_bytes);
        // The sealer of the only block has nothing to receive.
        assert_eq!(redundancy(&run), [1.0; 14]);
        run.nodes[honest].hostile = Some(crate::scenario::AdversaryKind::SecretBranch);
        assert_eq!(deliveries(&run, DeliveryClock::Imported).len(), 0);
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
