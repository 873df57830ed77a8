//! The method `herald_fetcher`: what the fetcher holds, against its limits, and what it has done.

use std::collections::BTreeMap;

use alloy_primitives::U64;
use herald_fetcher::{Admission, Config, Counters, End, PeerStatus, Reason, StageName, Status};
use jsonrpsee::RpcModule;
use libp2p::PeerId;
use serde::Serialize;

use super::RpcContext;
use super::error::CallError;
use super::params::Arguments;
use crate::fetcher::{FetcherHandle, StageCounts};

pub(super) fn register(module: &mut RpcModule<RpcContext>) -> Result<(), super::RegisterError> {
    module.register_async_method("herald_fetcher", |params, context, _| async move {
        Arguments::new(&params)?.end()?;
        FetcherReport::new(&context.fetcher, &context.fetcher_config, &context.stages).await
    })?;
    Ok(())
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct FetcherReport {
    stages: BTreeMap<&'static str, Stage>,
    /// Hashes in all stages.
    entries: U64,
    requests: U64,
    known_blocks: U64,
    bad_blocks: U64,
    bytes: Bytes,
    limits: Limits,
    peers: Vec<Peer>,
    counters: AllCounters,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Stage {
    /// Blocks in it at this moment.
    now: U64,
    /// Blocks that have entered it since the start.
    entered: U64,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Bytes {
    /// Headers and bodies.
    held: U64,
    /// All that the fetcher has in use.
    memory: U64,
    /// The most that can ever be in use with these limits.
    memory_bound: U64,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Limits {
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
struct Peer {
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
struct AllCounters {
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
}

impl FetcherReport {
    async fn new(fetcher: &FetcherHandle, config: &Config, stages: &StageCounts) -> Result<Self, CallError> {
        let status = fetcher.status().await.map_err(|_| CallError::ShuttingDown)?;
        let counters = fetcher.counters().await.map_err(|_| CallError::ShuttingDown)?;
        Ok(Self {
            stages: StageName::ALL
                .into_iter()
                .map(|stage| {
                    let now = U64::from(status.in_stage(stage));
                    (stage.label(), Stage { now, entered: U64::from(stages.entered(stage)) })
                })
                .collect(),
            entries: U64::from(status.entries),
            requests: U64::from(status.requests),
            known_blocks: U64::from(status.known_blocks),
            bad_blocks: U64::from(status.bad_blocks),
            bytes: Bytes::new(&status),
            limits: Limits::new(config),
            peers: status.peers.iter().map(Peer::new).collect(),
            counters: AllCounters::new(&counters),
        })
    }
}

impl Bytes {
    fn new(status: &Status<PeerId>) -> Self {
        Self {
            held: U64::from(status.bytes_held),
            memory: U64::from(status.memory_bytes),
            memory_bound: U64::from(status.memory_bound),
        }
    }
}

impl Limits {
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

impl Peer {
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

impl AllCounters {
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
        }
    }
}
