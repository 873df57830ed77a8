//! What a fetcher tells of itself.

use crate::Time;
use crate::output::{Admission, End, Reason, StageName};
use crate::table::Load;
use crate::types::Types;

use super::Fetcher;

/// What happened since the start. For metrics; nothing is decided by them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Counters {
    pub(super) admissions: [u64; Admission::COUNT],
    pub(super) ends: [u64; End::COUNT],
    pub(super) penalties: [u64; Reason::COUNT],
    /// Requests sent.
    pub requests: u64,
    /// Requests not answered by their deadline.
    pub deadlines_passed: u64,
    /// Second peers asked.
    pub hedges: u64,
    /// Missing parents followed.
    pub parents_sought: u64,
    /// Deferred blocks that the window reached.
    pub deferred_taken_up: u64,
    /// Replies and failures that belong to no request in flight.
    pub replies_unmatched: u64,
    /// Verdicts and import outcomes that were not asked for.
    pub answers_unexpected: u64,
    /// Calls whose time lay before that of the call before.
    pub time_went_back: u64,
    /// Calls whose time lay after [`Time::LATEST`]; they were taken as of the time of the call before.
    pub time_out_of_range: u64,
}

impl Counters {
    /// How many announcements and pushes had this outcome.
    pub fn admissions(&self, admission: Admission) -> u64 {
        self.admissions.get(admission.index()).copied().unwrap_or(0)
    }

    /// How many hashes ended so.
    pub fn ends(&self, end: End) -> u64 {
        self.ends.get(end.index()).copied().unwrap_or(0)
    }

    /// How many penalties were given for this.
    pub fn penalties(&self, reason: Reason) -> u64 {
        self.penalties.get(reason.index()).copied().unwrap_or(0)
    }

    pub(super) fn count_admission(&mut self, admission: Admission) {
        raise(&mut self.admissions, admission as usize);
    }

    pub(super) fn count_end(&mut self, end: End) {
        raise(&mut self.ends, end as usize);
    }

    pub(super) fn count_penalty(&mut self, reason: Reason) {
        raise(&mut self.penalties, reason as usize);
    }
}

/// Every variant has an element: the arrays are as long as the lists of variants.
fn raise(counts: &mut [u64], variant: usize) {
    if let Some(count) = counts.get_mut(variant) {
        *count += 1;
    }
}

/// What a fetcher holds at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct FetcherStatus<P> {
    /// Hashes in each stage, in the order of [`StageName::ALL`].
    pub stages: [u32; StageName::COUNT],
    /// Hashes in all.
    pub entries: usize,
    /// Requests in flight.
    pub requests: usize,
    /// Bytes of headers and bodies held.
    pub bytes_held: u64,
    /// Bytes in use in all; see [`Fetcher::memory_bytes`].
    pub memory_bytes: u64,
    /// The most that they can be; see [`Fetcher::memory_bound`].
    pub memory_bound: u64,
    /// Recent blocks of which it is known who has them.
    pub known_blocks: usize,
    /// Hashes remembered as invalid, those included that are refused no longer.
    pub bad_blocks: usize,
    /// When something is next due.
    pub next_timeout: Option<Time>,
    /// What is held for each peer.
    pub peers: Vec<PeerStatus<P>>,
}

impl<P> FetcherStatus<P> {
    /// Hashes in one stage.
    pub fn in_stage(&self, stage: StageName) -> u32 {
        self.stages.get(stage.index()).copied().unwrap_or(0)
    }
}

/// What is held for one peer, against its limits.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct PeerStatus<P> {
    /// Who.
    pub peer: P,
    /// Live announcements; [`Config::announcements_per_peer`](crate::Config::announcements_per_peer).
    pub announcements: u32,
    /// Whole blocks; [`Config::blocks_per_peer`](crate::Config::blocks_per_peer).
    pub blocks: u32,
    /// Bytes; [`Config::bytes_per_peer`](crate::Config::bytes_per_peer).
    pub bytes: u64,
    /// Requests in flight; [`Config::requests_per_peer`](crate::Config::requests_per_peer).
    pub requests: u32,
    /// Blocks above the window; [`Config::deferred_per_peer`](crate::Config::deferred_per_peer).
    pub deferred: u32,
    /// Refused for a limit, since it connected.
    pub refused: u32,
    /// How long it usually takes to answer for a header, in microseconds; `None` before the first.
    pub header_answer_us: Option<u64>,
    /// How long it usually takes to answer for bodies, in microseconds; `None` before the first.
    pub body_answer_us: Option<u64>,
}

impl<T: Types> Fetcher<T> {
    /// What happened since the start.
    pub fn counters(&self) -> Counters {
        self.counters.clone()
    }

    /// What is held now. Linear in the peers and the known blocks.
    pub fn status(&self) -> FetcherStatus<T::PeerId> {
        let micros = |time: core::time::Duration| u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        let peers = self.table.peers().map(|(slot, peer)| {
            let Load { bytes, announced, blocks, requests, deferred, .. } = self.table.load(slot);
            PeerStatus {
                peer: peer.id.clone(),
                announcements: announced,
                blocks,
                bytes,
                requests,
                deferred,
                refused: peer.refused,
                header_answer_us: peer.header_rtt.usual().map(micros),
                body_answer_us: peer.body_rtt.usual().map(micros),
            }
        });
        FetcherStatus {
            stages: StageName::ALL.map(|stage| self.table.in_stage(stage)),
            entries: self.table.len(),
            requests: self.table.request_count(),
            bytes_held: self.table.bytes_held(),
            memory_bytes: self.memory_bytes(),
            memory_bound: Self::memory_bound(&self.config),
            known_blocks: self.known.len(),
            bad_blocks: self.bad.len(),
            next_timeout: self.poll_timeout(),
            peers: peers.collect(),
        }
    }
}
