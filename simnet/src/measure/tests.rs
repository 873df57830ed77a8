//! Small records by hand, for the tests of what reads them.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs, reason = "tests")]

use super::*;
use crate::model::topology::Graph;
use crate::scenario::units::{BitRate, Span};
use crate::scenario::{ChainModel, LinkModel, Regions, Scenario, Topology};

pub(crate) const MS: u64 = 1_000_000;

/// One region: 50 ms, 8 Mbit/s up, 80 Mbit/s down, header check 1 ms, import 50 ms.
pub(crate) fn scenario() -> Scenario {
    Scenario {
        name: "by-hand".into(),
        nodes: 4,
        topology: Topology::Line,
        regions: Regions::one(Span::ms(50), BitRate(8_000_000), BitRate(80_000_000)),
        links: LinkModel { jitter: 0.0, ..LinkModel::default() },
        chain: ChainModel {
            header_check: Span::ms(1),
            import: Span::ms(50),
            sealers: 1,
            ..ChainModel::default()
        },
        ..Scenario::default()
    }
}

/// A graph from its rows; nothing here goes back over a link.
pub(crate) fn graph(first: &[u32], to: &[u32]) -> Graph {
    Graph { first: first.to_vec(), to: to.iter().map(|to| NodeId::new(*to)).collect(), reverse: Vec::new() }
}

/// An honest node that was there all the time.
pub(crate) fn node() -> NodeRecord {
    NodeRecord {
        hostile: None,
        region: 0,
        degree: 3,
        online_throughout: true,
        online_at_end: true,
        head_number: 2,
        head_hash: BlockHash::repeat_byte(2),
        sent_bytes: 5_000,
        received_bytes: 4_000,
        block_bytes: 2_000,
        memory_peak: 900,
        memory_bound: Some(1_000),
        penalised: 0,
    }
}

/// A block of 1,000 bytes that node 0 sealed.
pub(crate) fn block(slot: u32, imported: &[u64]) -> BlockRecord {
    let clock = |part: u64| {
        let earlier = |time: &u64| if *time == NEVER { NEVER } else { time / part };
        imported.iter().map(earlier).collect()
    };
    BlockRecord {
        slot,
        hash: Some(BlockHash::repeat_byte(slot as u8 + 1)),
        number: u64::from(slot) + 1,
        sealer: NodeId::new(0),
        sealed_at: Time::from_nanos(u64::from(slot) * 1_000 * MS),
        bytes: 1_000,
        canonical: true,
        heard: clock(4),
        whole: clock(2),
        imported: clock(1),
    }
}

/// Four honest nodes in a line, two blocks sealed by the first, nothing wrong.
pub(crate) fn run() -> Run {
    Run {
        policy: Policy::Herald,
        seed: 1,
        trace: "00112233445566778899aabbccddeeff".into(),
        events: 1_234,
        ended_at: Time::from_nanos(40_000 * MS),
        blocks: vec![
            block(0, &[0, 110 * MS, 210 * MS, 310 * MS]),
            block(1, &[0, 120 * MS, 220 * MS, 320 * MS]),
        ],
        nodes: vec![node(); 4],
        traffic: [Traffic { messages: 3, bytes: 300, lost: 1 }; MessageKind::ALL.len()],
        penalties: vec![],
        memory: vec![
            MemorySample { at: Time::ZERO, mean: 100, max: 200 },
            MemorySample { at: Time::from_nanos(MS), mean: 300, max: 900 },
        ],
        heads: vec![],
        reorganisations: 1,
        admissions: Default::default(),
        ends: Default::default(),
        counters: MachineCounters {
            requests: 12,
            deadlines_passed: 2,
            hedges: 1,
            ..MachineCounters::default()
        },
        astray: 0,
        not_empty: 0,
        violation: None,
    }
}
