//! What happened, for people: kept for the last events before a failure, or written as it comes.

use std::collections::VecDeque;
use std::fmt;
use std::io::Write;

use herald_fetcher::{BlockHash, Output, Time};
use smallvec::SmallVec;

use crate::model::block::{PeerId, Sim};
use crate::model::chain::NodeId;
use crate::policy::Machine;

use super::event::WorldEvent;
use super::{World, words};

/// Where what happens is told.
///
/// Closed: whoever takes a log back must know each form that it can have.
pub enum Log {
    /// Nowhere.
    Off,
    /// In memory, the last so many entries.
    Keep {
        /// The entries, oldest first.
        entries: VecDeque<LogEntry>,
        /// How many are kept.
        max: usize,
    },
    /// Line by line. An error ends it; what was written stays.
    Write(Box<dyn Write + Send>),
}

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LogEntry {
    /// In virtual time.
    pub at: Time,
    /// In which event, counted from 1.
    pub event: u64,
    /// At which node.
    pub node: Option<NodeId>,
    /// With which other node.
    pub peer: Option<NodeId>,
    /// About which block.
    pub block: Option<BlockHash>,
    /// That block's number.
    pub number: Option<herald_fetcher::BlockNumber>,
    /// What, in words.
    pub what: String,
}

impl fmt::Display for LogEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nanos = self.at.as_nanos();
        write!(f, "{:>6}.{:09} #{:<7}", nanos / 1_000_000_000, nanos % 1_000_000_000, self.event)?;
        match self.node {
            Some(node) => write!(f, " node {:<6}", node.index())?,
            None => write!(f, "            ")?,
        }
        write!(f, " {}", self.what)?;
        if let Some(peer) = self.peer {
            write!(f, ", peer {}", peer.index())?;
        }
        if let Some(hash) = self.block {
            write!(f, ", block {hash}")?;
        }
        if let Some(number) = self.number {
            write!(f, " of number {number}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Off => f.write_str("Off"),
            Self::Keep { entries, max } => write!(f, "Keep {{ {} of {max} }}", entries.len()),
            Self::Write(_) => f.write_str("Write"),
        }
    }
}

impl Log {
    /// Keeps the last `max` entries.
    pub fn keep(max: usize) -> Self {
        Self::Keep { entries: VecDeque::new(), max }
    }

    /// What was kept.
    pub fn entries(&self) -> impl Iterator<Item = &LogEntry> {
        let kept = match self {
            Self::Keep { entries, .. } => Some(entries.iter()),
            Self::Off | Self::Write(_) => None,
        };
        kept.into_iter().flatten()
    }

    pub(super) fn is_off(&self) -> bool {
        matches!(self, Self::Off)
    }

    fn add(&mut self, entry: LogEntry) {
        match self {
            Self::Off => {}
            Self::Keep { entries, max } => {
                if entries.len() == *max {
                    entries.pop_front();
                }
                entries.push_back(entry);
            }
            Self::Write(writer) => {
                if writeln!(writer, "{entry}").is_err() {
                    *self = Self::Off;
                }
            }
        }
    }
}

impl<M: Machine> World<'_, M> {
    /// An event, before it is carried out.
    pub(super) fn log_event(&mut self, event: &WorldEvent) {
        // Taking figures is nothing that happens in the world.
        if *event == WorldEvent::Sample {
            return;
        }
        let ends = |peer: PeerId| (Some(self.owner(peer)), Some(self.route(peer).to));
        let (node, peer, block) = match *event {
            WorldEvent::Arrive { peer, message, .. } | WorldEvent::Later { peer, message } => {
                let (node, other) = ends(peer);
                (node, other, words::block_of(message, &self.lists))
            }
            WorldEvent::Timer { node } | WorldEvent::Wake { node } | WorldEvent::CatchUp { node, .. } => {
                (Some(node), None, None)
            }
            WorldEvent::Verified { node, block, .. }
            | WorldEvent::Imported { node, block, .. }
            | WorldEvent::RangeImported { node, block, .. } => (Some(node), None, Some(block)),
            WorldEvent::Gone { peer, .. } | WorldEvent::Open { peer } => {
                let (node, other) = ends(peer);
                (node, other, None)
            }
            WorldEvent::Seal { slot } => {
                (self.setup.schedule.slots.get(slot as usize).map(|slot| slot.sealer), None, None)
            }
            WorldEvent::Fault { step } => (words::whose_fault(step, &self.setup.faults), None, None),
            WorldEvent::Sample => (None, None, None),
        };
        let data = |id| self.blocks.get(id);
        let (block, number) = block.map(|id| (data(id).hash, data(id).number)).unzip();
        let what = format!("<- {}", words::of_event(*event, &self.setup.faults, &self.blocks, &self.lists));
        self.log.add(LogEntry { at: self.now, event: self.count, node, peer, block, number, what });
    }

    /// What a machine wants, before it is carried out.
    pub(super) fn log_output(&mut self, node: NodeId, output: &Output<Sim>) {
        let (name, peers, hashes) = parts(output);
        let peer = peers.first().map(|&peer| self.route(peer).to);
        let block = hashes.first().copied();
        let number = block.and_then(|hash| self.blocks.find(&hash)).map(|id| self.blocks.get(id).number);
        let many = if peers.len() > 1 { format!(" to {} peers", peers.len()) } else { String::new() };
        let what = format!("-> {name}{many}");
        let (at, event) = (self.now, self.count);
        self.log.add(LogEntry { at, event, node: Some(node), peer, block, number, what });
    }
}

type Parts = (String, SmallVec<[PeerId; 4]>, SmallVec<[BlockHash; 2]>);

fn parts(output: &Output<Sim>) -> Parts {
    let one = |name: &str, peer: PeerId, hash: Option<BlockHash>| {
        (name.to_owned(), SmallVec::from_slice(&[peer]), hash.into_iter().collect())
    };
    let header = |name: &str, hash| (name.to_owned(), SmallVec::new(), SmallVec::from_slice(&[hash]));
    match output {
        Output::RequestHeader { peer, hash, request } => {
            one(&format!("header request #{}", words::number_of(*request)), *peer, Some(*hash))
        }
        Output::RequestBodies { peer, hashes, request } => {
            let number = words::number_of(*request);
            let what = match hashes.len() {
                1 => format!("body request #{number}"),
                many => format!("request #{number} for {many} bodies"),
            };
            one(&what, *peer, hashes.first().copied())
        }
        Output::Cancel { peer, request } => {
            one(&format!("cancel #{}", words::number_of(*request)), *peer, None)
        }
        Output::VerifyHeader { header: it } => header("verify header", it.0.hash),
        Output::Import { block } => header("import", block.header.0.hash),
        Output::ImportHeader { header: it } => header("import header", it.0.hash),
        Output::Relay { block, peers } => {
            ("relay".into(), SmallVec::from_slice(peers), SmallVec::from_slice(&[block.header.0.hash]))
        }
        Output::Announce { hash, peers, .. } => {
            ("announce".into(), SmallVec::from_slice(peers), SmallVec::from_slice(&[*hash]))
        }
        Output::Penalise { peer, reason, .. } => {
            one(&format!("penalise for {}", reason.label()), *peer, None)
        }
        Output::OutOfReach { peer, hash, .. } => one("out of reach", *peer, Some(*hash)),
        Output::Event(herald_fetcher::Event::Entered { hash, stage, from }) => {
            let peers = from.iter().copied().collect();
            (format!("enters {}", stage.label()), peers, SmallVec::from_slice(&[*hash]))
        }
        Output::Event(herald_fetcher::Event::Ended { hash, end }) => {
            header(&format!("ends: {}", end.label()), *hash)
        }
    }
}
