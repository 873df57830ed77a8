//! When blocks are sealed, by whom, and how large they are: drawn before the run, so that every
//! policy meets the same.

use herald_fetcher::Time;

use super::chain::NodeId;
use crate::engine::draw::{Weighted, chance, exponential, lognormal, range, shuffle};
use crate::engine::{Concern, Seed};
use crate::scenario::units::Size;
use crate::scenario::{BLOCK_MAX, Scenario, Sealing, SizeDraw};

/// All blocks of a run, in the order of their times: those of the warm-up first.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SlotSchedule {
    /// One for each block.
    pub slots: Vec<Slot>,
}

/// One block to be sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Slot {
    /// When its sealer seals.
    pub at: Time,
    /// By which node, on whatever is its head then.
    pub sealer: NodeId,
    /// Bytes of its body; 0 is an empty one.
    pub body_bytes: u32,
}

impl SlotSchedule {
    /// Draws it from the scenario's seed. The sealers are drawn from `honest`; the schedule is empty
    /// where that is.
    ///
    /// Each slot's time, sealer and size are draws of their own: another size does not move a time,
    /// and a longer run begins as the shorter one.
    pub fn draw(scenario: &Scenario, honest: &[NodeId]) -> Self {
        let seed = Seed::new(scenario.seed);
        let chain = &scenario.chain;
        let sealers = Sealers::draw(scenario, honest, seed);
        let mut at = Time::ZERO;
        let slots = (0..u64::from(chain.warm_up) + u64::from(chain.blocks)).map_while(|slot| {
            at = at.after(match chain.sealing {
                Sealing::Turn => chain.interval.duration(),
                Sealing::Poisson => {
                    exponential(seed.draw(Concern::Schedule, slot, WAIT), chain.interval.duration())
                }
            });
            let sealer = sealers.of(slot, seed)?;
            Some(Slot { at, sealer, body_bytes: body_bytes(scenario, slot, seed) })
        });
        Self { slots: slots.collect() }
    }

    /// When the last block is sealed.
    pub fn end(&self) -> Time {
        self.slots.last().map_or(Time::ZERO, |slot| slot.at)
    }
}

/// The draws of one slot, by their second key.
const WAIT: u64 = 0;
const SEALER: u64 = 1;
const BYTES: u64 = 0;
const EMPTY: u64 = 1;

/// The nodes that seal, and how the next is found.
struct Sealers {
    nodes: Vec<NodeId>,
    sealing: Sealing,
    /// `None` is even shares.
    shares: Option<Weighted>,
}

impl Sealers {
    fn draw(scenario: &Scenario, honest: &[NodeId], seed: Seed) -> Self {
        let mut nodes = honest.to_vec();
        shuffle(&mut seed.stream(Concern::Shares, 0), &mut nodes);
        nodes.truncate(scenario.chain.sealers as usize);
        // Empty shares are no table: even ones.
        let shares = Weighted::new(&scenario.chain.shares).ok();
        Self { nodes, sealing: scenario.chain.sealing, shares }
    }

    fn of(&self, slot: u64, seed: Seed) -> Option<NodeId> {
        let count = self.nodes.len() as u64;
        let word = seed.draw(Concern::Schedule, slot, SEALER);
        let index = match (self.sealing, &self.shares) {
            (Sealing::Turn, _) => slot,
            (Sealing::Poisson, None) => range(word, 0..count),
            (Sealing::Poisson, Some(shares)) => shares.pick(word) as u64,
        };
        self.nodes.get(index.checked_rem(count)? as usize).copied()
    }
}

/// What is left of the block when its header is taken off.
fn body_bytes(scenario: &Scenario, slot: u64, seed: Seed) -> u32 {
    let chain = &scenario.chain;
    if chance(seed.draw(Concern::BlockSize, slot, EMPTY), chain.empty_share) {
        return 0;
    }
    let word = seed.draw(Concern::BlockSize, slot, BYTES);
    let bytes = match chain.block_size {
        SizeDraw::Fixed(Size(bytes)) => bytes,
        SizeDraw::Uniform(Size(min), Size(max)) => range(word, min..max.saturating_add(1)),
        SizeDraw::LogNormal(Size(median), sigma) => {
            let least = scenario.wire.header.0.saturating_add(1);
            let drawn = lognormal(word, libm::log(median as f64), sigma) as u64;
            // The rare giant is cut to what a run can carry, the rare dwarf keeps a byte of body.
            drawn.min(BLOCK_MAX.0).max(least)
        }
    };
    u32::try_from(bytes.saturating_sub(scenario.wire.header.0)).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

    use std::collections::BTreeSet;

    use super::*;
    use crate::scenario::ChainModel;
    use crate::scenario::units::Span;

    fn honest() -> Vec<NodeId> {
        (0..100).map(NodeId::new).collect()
    }

    fn draw(chain: ChainModel) -> SlotSchedule {
        SlotSchedule::draw(&Scenario { chain, ..Scenario::default() }, &honest())
    }

    #[test]
    fn by_turn_is_like_clockwork() {
        let chain = ChainModel {
            sealing: Sealing::Turn,
            sealers: 3,
            interval: Span::ms(450),
            blocks: 5,
            warm_up: 2,
            ..ChainModel::default()
        };
        let SlotSchedule { slots } = draw(chain);
        let times: Vec<_> = slots.iter().map(|slot| slot.at.as_nanos() / 1_000_000).collect();
        assert_eq!(times, [450, 900, 1_350, 1_800, 2_250, 2_700, 3_150]);
        assert_eq!(slots.iter().map(|slot| slot.sealer).collect::<BTreeSet<_>>().len(), 3);
        assert!(slots.iter().zip(&slots[3..]).all(|(slot, later)| slot.sealer == later.sealer));
        assert!(slots.iter().all(|slot| slot.body_bytes == 59_400));
    }

    #[test]
    fn poisson_has_its_mean_and_its_shares() {
        let blocks = 20_000;
        let chain = ChainModel {
            sealers: 4,
            shares: vec![6.0, 3.0, 1.0, 0.0],
            blocks,
            warm_up: 0,
            ..ChainModel::default()
        };
        let schedule = draw(chain);
        let mean = schedule.end().as_nanos() as f64 / f64::from(blocks) / 1e9;
        // The deviation of the mean is 13.3 s / sqrt(20,000), 0.094 s.
        assert!((mean - 13.3).abs() < 0.4, "{mean}");
        assert!(schedule.slots.array_windows().all(|[one, next]| one.at <= next.at));
        let mut counts = [0_u32; 100];
        for slot in &schedule.slots {
            counts[slot.sealer.index()] += 1;
        }
        counts.sort_unstable();
        let shares = counts[97..].iter().map(|count| f64::from(*count) / f64::from(blocks));
        for (share, wanted) in shares.zip([0.1, 0.3, 0.6]) {
            assert!((share - wanted).abs() < 0.015, "{share} instead of {wanted}");
        }
        assert_eq!(counts[96], 0, "a sealer without a share");
    }

    #[test]
    fn sizes_do_not_move_times_and_length_does_not_move_anything() {
        let fixed = draw(ChainModel::default());
        let sizes = SizeDraw::LogNormal(Size::kb(60), 1.0);
        let drawn = draw(ChainModel { block_size: sizes.clone(), empty_share: 0.3, ..ChainModel::default() });
        let when_and_who = |schedule: &SlotSchedule| {
            schedule.slots.iter().map(|slot| (slot.at, slot.sealer)).collect::<Vec<_>>()
        };
        assert_eq!(when_and_who(&fixed), when_and_who(&drawn));
        assert_ne!(fixed, drawn);
        let longer = draw(ChainModel { blocks: 50, ..ChainModel::default() });
        assert_eq!(longer.slots[..fixed.slots.len()], fixed.slots);
        let other = SlotSchedule::draw(&Scenario { seed: 2, ..Scenario::default() }, &honest());
        assert_ne!(when_and_who(&other), when_and_who(&fixed));
    }

    #[test]
    fn sizes_are_as_drawn() {
        let of = |block_size, empty_share| {
            let chain = ChainModel { block_size, empty_share, blocks: 10_000, ..ChainModel::default() };
            let mut bodies: Vec<_> = draw(chain).slots.iter().map(|slot| slot.body_bytes).collect();
            bodies.sort_unstable();
            bodies
        };
        let uniform = of(SizeDraw::Uniform(Size(1_000), Size(1_003)), 0.0);
        assert_eq!(uniform.iter().copied().collect::<BTreeSet<_>>(), BTreeSet::from([400, 401, 402, 403]));
        let normal = of(SizeDraw::LogNormal(Size::kb(60), 0.5), 0.0);
        let median = f64::from(normal[normal.len() / 2]);
        assert!((median / 59_400.0 - 1.0).abs() < 0.05, "{median}");
        let wild = of(SizeDraw::LogNormal(Size::kb(60), 5.0), 0.0);
        assert_eq!(wild[0], 1);
        assert_eq!(u64::from(*wild.last().unwrap()), BLOCK_MAX.0 - 600);
        let half = of(SizeDraw::Fixed(Size::kb(60)), 0.5);
        let empty = half.iter().filter(|bytes| **bytes == 0).count();
        assert!(empty.abs_diff(half.len() / 2) < 250, "{empty} of {} are empty", half.len());
    }

    #[test]
    fn sealers_are_honest() {
        let few: Vec<_> = [3, 5, 7].map(NodeId::new).into();
        let schedule = SlotSchedule::draw(&Scenario::default(), &few);
        assert_eq!(
            schedule.slots.iter().map(|slot| slot.sealer).collect::<BTreeSet<_>>(),
            BTreeSet::from_iter(few)
        );
        for sealing in [Sealing::Turn, Sealing::Poisson] {
            let chain = ChainModel { sealing, ..ChainModel::default() };
            let scenario = Scenario { chain, ..Scenario::default() };
            assert!(SlotSchedule::draw(&scenario, &[]).slots.is_empty());
        }
    }
}
