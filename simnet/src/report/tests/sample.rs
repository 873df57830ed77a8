//! Runs that nobody ran: all that a report can show, in one input.

use herald_fetcher::{BlockHash, Reason, Time};

use crate::engine::draw;
use crate::engine::random::{Concern, Seed, Stream};
use crate::measure::verdict::Assertion;
use crate::measure::{
    BlockRecord, HeadSample, MemorySample, MessageKind, NEVER, NodeRecord, PenaltyRecord, Run, Traffic,
};
use crate::model::chain::NodeId;
use crate::policy::MachineCounters;
use crate::report::{AssertionHeld, Finding, VerdictRow};
use crate::scenario::units::{Size, Span};
use crate::scenario::{
    Adversaries, AdversaryKind, ChainModel, CutDirection, LinkModel, Policy, Scenario, ScheduledFault,
    SizeDraw, Topology,
};

const INTERVAL: u64 = 13_300_000_000;
const BLOCK_BYTES: u64 = 60_000;
const WARM_UP: u32 = 3;

/// Ten blocks, a partition, hostile nodes.
pub(super) fn scenario(nodes: u32) -> Scenario {
    Scenario {
        name: "sample <&> \"quoted\"".to_owned(),
        purpose: "Shows all that a report can show, on figures that were made up.".to_owned(),
        seed: 42,
        nodes,
        policies: Policy::ALL.to_vec(),
        topology: Topology::RandomRegular { degree: 8 },
        links: LinkModel { loss: 0.001, ..LinkModel::default() },
        chain: ChainModel {
            blocks: 10,
            warm_up: WARM_UP,
            block_size: SizeDraw::Fixed(Size(BLOCK_BYTES)),
            ..ChainModel::default()
        },
        adversaries: vec![Adversaries {
            kind: AdversaryKind::WithholdBody,
            share: 0.2,
            every: Span::s(1),
            delay: Span::ms(450),
        }],
        faults: vec![ScheduledFault::Partition {
            at: Span(INTERVAL * 8),
            lasts: Span(INTERVAL * 2),
            share: 0.3,
            direction: CutDirection::Both,
        }],
        ..Scenario::default()
    }
}

/// A run under each policy; those of the first are the fastest.
pub(in crate::report) fn runs(nodes: u32) -> Vec<Run> {
    // There are figures for five; a further policy has those of the first again.
    Policy::ALL.iter().enumerate().map(|(index, policy)| run(*policy, index % 5, nodes)).collect()
}

/// The least that the deliveries could have taken.
pub(super) fn bound(runs: &[Run]) -> Vec<u64> {
    let times = runs.first().into_iter().flat_map(|run| &run.blocks).flat_map(|block| &block.imported);
    times.filter(|time| ![0, NEVER].contains(*time)).map(|time| time * 2 / 3).collect()
}

/// One that held and one that did not.
pub(super) fn verdicts() -> Vec<VerdictRow> {
    let found = |figure: fn(usize) -> (&'static str, AssertionHeld)| {
        let finding = |(index, policy): (usize, &Policy)| {
            let (figure, held) = figure(index);
            Finding { policy: *policy, figure: figure.to_owned(), held }
        };
        Policy::ALL.iter().enumerate().map(finding).collect()
    };
    vec![
        VerdictRow {
            assertion: Assertion::P99,
            wanted: "at most 2 s".to_owned(),
            found: found(|index| {
                if index < 2 { ("1.2 s", AssertionHeld::Yes) } else { ("6.3 s", AssertionHeld::No) }
            }),
        },
        VerdictRow {
            assertion: Assertion::Converged,
            wanted: "all honest nodes online".to_owned(),
            found: found(|_| ("80 of 80", AssertionHeld::Yes)),
        },
    ]
}

fn run(policy: Policy, index: usize, nodes: u32) -> Run {
    let mut stream = Seed::new(7).stream(Concern::Fuzz, index as u64);
    let records: Vec<NodeRecord> = (0..nodes).map(|node| node_record(node, index, &mut stream)).collect();
    let blocks: Vec<BlockRecord> =
        (WARM_UP..WARM_UP + 10).map(|slot| block_record(slot, index, &records, &mut stream)).collect();
    let ended = INTERVAL * 14 + 30_000_000_000;
    let scale = index as u64 * 3 + 1;
    let penalty = |reason, hostile, count| PenaltyRecord { reason, hostile, count, nodes: 3 };
    let mut penalties = vec![penalty(Reason::Silence, Some(AdversaryKind::WithholdBody), 40 * scale)];
    if index == 2 {
        penalties.push(penalty(Reason::Silence, None, 17));
        penalties.push(penalty(Reason::WrongBody, Some(AdversaryKind::WithholdBody), 9));
    }
    Run {
        policy,
        seed: 42,
        trace: format!("{:032x}", 0x1234_5678_9abc_def0_u128 * (index as u128 + 3)),
        events: 1_234_567 * scale,
        ended_at: Time::from_nanos(ended),
        heads: head_samples(&blocks, nodes, index == 2, ended),
        memory: memory_samples(scale, ended, &mut stream),
        traffic: traffic(index, u64::from(nodes)),
        penalties,
        nodes: records,
        blocks,
        reorganisations: index as u64,
        admissions: Default::default(),
        ends: Default::default(),
        counters: MachineCounters {
            requests: 2_000 * scale,
            deadlines_passed: 31 * scale,
            hedges: if index == 0 { 120 } else { 0 },
            parents_sought: 4,
            deferred_taken_up: 0,
            replies_unmatched: index as u64 * 7,
        },
        astray: u32::from(index == 2),
        not_empty: 0,
        violation: None,
    }
}

fn node_record(node: u32, index: usize, stream: &mut Stream) -> NodeRecord {
    let redundancy = draw::lognormal(stream.word(), [0.08, 0.2, 0.3, 0.05, 2.0][index], 0.1);
    let block_bytes = (redundancy * 10.0 * BLOCK_BYTES as f64) as u64;
    NodeRecord {
        hostile: (node % 5 == 4).then_some(AdversaryKind::WithholdBody),
        region: 0,
        degree: 8,
        online_throughout: node % 17 != 3,
        online_at_end: true,
        head_number: 13,
        head_hash: hash(13, 0),
        sent_bytes: block_bytes + draw::below(stream.word(), 400_000),
        received_bytes: block_bytes,
        block_bytes,
        memory_peak: 70_000 + draw::below(stream.word(), 60_000) * (index as u64 * 2 + 1),
        memory_bound: (index != 2).then_some(9_000_000),
        penalised: 0,
    }
}

fn block_record(slot: u32, index: usize, nodes: &[NodeRecord], stream: &mut Stream) -> BlockRecord {
    let sealer = NodeId::new(slot % 4);
    let median = [5.3, 5.7, 6.4, 5.6, 5.1][index];
    let (mut heard, mut whole, mut imported) = (Vec::new(), Vec::new(), Vec::new());
    for node in 0..nodes.len() {
        if node == sealer.index() {
            heard.push(0);
            whole.push(0);
            imported.push(0);
            continue;
        }
        let first = draw::lognormal(stream.word(), median, 0.35 + 0.1 * index as f64) * 1e6;
        let fetch = draw::lognormal(stream.word(), 4.0 + 0.3 * index as f64, 0.5) * 1e6;
        let stuck = index == 2 && draw::chance(stream.word(), 0.02);
        heard.push(first as u64);
        whole.push(if stuck { NEVER } else { (first + fetch) as u64 });
        imported.push(if stuck { NEVER } else { (first + fetch) as u64 + 50_000_000 });
    }
    BlockRecord {
        slot,
        hash: (slot != 9).then(|| hash(u64::from(slot), 0)),
        number: u64::from(slot),
        sealer,
        sealed_at: Time::from_nanos(INTERVAL * u64::from(slot)),
        bytes: BLOCK_BYTES,
        canonical: true,
        heard,
        whole,
        imported,
    }
}

/// A wave for each block; where `forked`, three in ten nodes follow another branch for two blocks.
fn head_samples(blocks: &[BlockRecord], nodes: u32, forked: bool, ended: u64) -> Vec<HeadSample> {
    let mut imported: Vec<Vec<u64>> = blocks.iter().map(|block| block.imported.clone()).collect();
    imported.iter_mut().for_each(|times| times.sort_unstable());
    let sample = |at: u64| {
        let mut heads = Vec::new();
        let mut left = nodes;
        for (block, imported) in blocks.iter().zip(&imported).rev() {
            let since = at.checked_sub(block.sealed_at.as_nanos());
            let have = |since| imported.partition_point(|time| *time <= since) as u32;
            let have = since.map_or(0, have).saturating_sub(nodes - left);
            let off = if forked && (8..10).contains(&block.number) { have * 3 / 10 } else { 0 };
            for (count, branch) in [(have - off, 0), (off, 1)] {
                if count > 0 {
                    heads.push((block.number, hash(block.number, branch), count));
                }
            }
            left -= have;
        }
        heads.push((2, hash(2, 0), left));
        HeadSample { at: Time::from_nanos(at), heads }
    };
    (0..ended / 200_000_000).map(|step| sample(step * 200_000_000)).collect()
}

fn memory_samples(scale: u64, ended: u64, stream: &mut Stream) -> Vec<MemorySample> {
    let sample = |at: u64| {
        let phase = at % INTERVAL;
        let wave = 60_000_u64.saturating_sub(phase / 50_000) * scale;
        let mean = 4_000 + wave / 4 + draw::below(stream.word(), 900);
        MemorySample { at: Time::from_nanos(at), mean, max: mean * 2 + wave + 20_000 }
    };
    (0..ended / 500_000_000).map(|step| step * 500_000_000).map(sample).collect()
}

fn traffic(index: usize, nodes: u64) -> [Traffic; MessageKind::ALL.len()] {
    let pushes = [3, 3, 3, 0, 7][index];
    let mut traffic = [Traffic::default(); MessageKind::ALL.len()];
    for (traffic, kind) in traffic.iter_mut().zip(MessageKind::ALL) {
        let (messages, bytes) = match kind {
            MessageKind::Announcement => (nodes * 60, 100),
            MessageKind::PushedBlock => (nodes * pushes, BLOCK_BYTES),
            MessageKind::HeaderRequest | MessageKind::BodiesRequest => (nodes * 8, 110),
            MessageKind::Header => (nodes * 8, 600),
            MessageKind::Bodies => (nodes * 10_u64.saturating_sub(pushes), BLOCK_BYTES - 600),
            MessageKind::Status => (nodes * 8, 200),
            MessageKind::RangeRequest | MessageKind::Range | MessageKind::Junk => (0, 0),
        };
        *traffic = Traffic { messages, bytes: messages * bytes, lost: messages / 1_000 };
    }
    traffic
}

fn hash(number: u64, branch: u8) -> BlockHash {
    let mut bytes = [branch; 32];
    bytes[..8].copy_from_slice(&number.to_be_bytes());
    BlockHash::from(bytes)
}
