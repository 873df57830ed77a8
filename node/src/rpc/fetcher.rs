//! The methods `herald_…`: what the fetcher holds, against its limits, and what it has done.

use std::collections::BTreeMap;

use alloy_primitives::U64;
use futures::FutureExt as _;
use herald_fetcher::{Admission, Config, Counters, End, FetcherStatus, PeerStatus, Reason, StageName};
use libp2p::PeerId;
use serde::Serialize;

use super::RpcContext;
use super::error::CallError;
use super::method::{CallResult, Method, json};
use super::params::Arguments;
use crate::fetcher::StageCounts;

pub(super) const METHODS: &[Method] =
    &[Method::waiting("herald_fetcher", |arguments, context| report(arguments, context).boxed())];

async fn report(arguments: Arguments, context: &RpcContext) -> CallResult {
    arguments.end()?;
    let status = context.fetcher.status().await.map_err(|_| CallError::ShuttingDown)?;
    let counters = context.fetcher.counters().await.map_err(|_| CallError::ShuttingDown)?;
    json(FetcherReport::new(&status, &counters, &context.fetcher_config, &context.stages))
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct FetcherReport {
    stages: BTreeMap<&'static str, StageReport>,
    /// Hashes in all stages.
    entries: U64,
    requests: U64,
    known_blocks: U64,
    bad_blocks: U64,
    bytes: FetcherBytes,
    limits: FetcherLimits,
    peers: Vec<FetcherPeer>,
    counters: CounterReport,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct StageReport {
    /// Blocks in it at this moment.
    now: U64,
    /// Blocks that have entered it since the start.
    entered: U64,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct FetcherBytes {
    /// Headers and bodies.
    held: U64,
    /// All that the fetcher has in use.
    memory: U64,
    /// The most that can ever be in use with these limits.
    memory_bound: U64,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct FetcherLimits {
    peers: U64,
    announcements_per_peer: U64,
    blocks_per_peer: U64,
    bytes_per_peer: U64,
    bytes_total: U64,
    requests_per_peer: U64,
    bodies_per_request: U64,
    deferred_per_peer: U64,
    importing: U64,
    window_below: U64,
    window_above: U64,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct FetcherPeer {
    peer_id: String,
    announcements: U64,
    blocks: U64,
    bytes: U64,
    requests: U64,
    deferred: U64,
    refused: U64,
    header_answer_micros: Option<U64>,
    body_answer_micros: Option<U64>,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct CounterReport {
    admissions: BTreeMap<&'static str, U64>,
    ends: BTreeMap<&'static str, U64>,
    penalties: BTreeMap<&'static str, U64>,
    requests: U64,
    deadlines_passed: U64,
    hedges: U64,
    parents_sought: U64,
    deferred_taken_up: U64,
    replies_unmatched: U64,
    answers_unexpected: U64,
    time_went_back: U64,
    time_out_of_range: U64,
}

impl FetcherReport {
    fn new(
        status: &FetcherStatus<PeerId>,
        counters: &Counters,
        config: &Config,
        stages: &StageCounts,
    ) -> Self {
        Self {
            stages: StageName::ALL
                .into_iter()
                .map(|stage| {
                    let now = U64::from(status.in_stage(stage));
                    (stage.label(), StageReport { now, entered: U64::from(stages.entered(stage)) })
                })
                .collect(),
            entries: U64::from(status.entries),
            requests: U64::from(status.requests),
            known_blocks: U64::from(status.known_blocks),
            bad_blocks: U64::from(status.bad_blocks),
            bytes: FetcherBytes::new(status),
            limits: FetcherLimits::new(config),
            peers: status.peers.iter().map(FetcherPeer::new).collect(),
            counters: CounterReport::new(counters),
        }
    }
}

impl FetcherBytes {
    fn new(status: &FetcherStatus<PeerId>) -> Self {
        Self {
            held: U64::from(status.bytes_held),
            memory: U64::from(status.memory_bytes),
            memory_bound: U64::from(status.memory_bound),
        }
    }
}

impl FetcherLimits {
    fn new(config: &Config) -> Self {
        Self {
            peers: U64::from(config.peers),
            announcements_per_peer: U64::from(config.announcements_per_peer),
            blocks_per_peer: U64::from(config.blocks_per_peer),
            bytes_per_peer: U64::from(config.bytes_per_peer),
            bytes_total: U64::from(config.bytes_total),
            requests_per_peer: U64::from(config.requests_per_peer),
            bodies_per_request: U64::from(config.bodies_per_request),
            deferred_per_peer: U64::from(config.deferred_per_peer),
            importing: U64::from(config.importing),
            window_below: U64::from(config.window_below),
            window_above: U64::from(config.window_above),
        }
    }
}

impl FetcherPeer {
    fn new(peer: &PeerStatus<PeerId>) -> Self {
        Self {
            peer_id: peer.peer.to_string(),
            announcements: U64::from(peer.announcements),
            blocks: U64::from(peer.blocks),
            bytes: U64::from(peer.bytes),
            requests: U64::from(peer.requests),
            deferred: U64::from(peer.deferred),
            refused: U64::from(peer.refused),
            header_answer_micros: peer.header_answer_us.map(U64::from),
            body_answer_micros: peer.body_answer_us.map(U64::from),
        }
    }
}

impl CounterReport {
    fn new(counters: &Counters) -> Self {
        Self {
            admissions: Admission::ALL
                .into_iter()
                .map(|admission| (admission.label(), U64::from(counters.admissions(admission))))
                .collect(),
            ends: End::ALL.into_iter().map(|end| (end.label(), U64::from(counters.ends(end)))).collect(),
            penalties: Reason::ALL
                .into_iter()
                .map(|reason| (reason.label(), U64::from(counters.penalties(reason))))
                .collect(),
            requests: U64::from(counters.requests),
            deadlines_passed: U64::from(counters.deadlines_passed),
            hedges: U64::from(counters.hedges),
            parents_sought: U64::from(counters.parents_sought),
            deferred_taken_up: U64::from(counters.deferred_taken_up),
            replies_unmatched: U64::from(counters.replies_unmatched),
            answers_unexpected: U64::from(counters.answers_unexpected),
            time_went_back: U64::from(counters.time_went_back),
            time_out_of_range: U64::from(counters.time_out_of_range),
        }
    }
}

#[cfg(test)]
pub(super) fn sample() -> impl Serialize {
    use crate::fetcher::NodeTypes;

    let config = Config::default();
    let mut fetcher = herald_fetcher::Fetcher::<NodeTypes>::new(config.clone()).expect("the defaults work");
    let _accepted = fetcher.peer_connected(herald_fetcher::Time::ZERO, PeerId::random());
    FetcherReport::new(&fetcher.status(), &fetcher.counters(), &config, &StageCounts::default())
}
