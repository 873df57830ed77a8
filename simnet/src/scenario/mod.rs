//! What is run: every option of a world, with its default and its reason.
//!
//! A scenario comes from a TOML file ([`Scenario::read`]), from the shipped ones ([`shipped()`]), or
//! from Rust: it is a plain struct with a default, and [`Scenario::check`] says what does not fit
//! together.
//!
//! Options will be added in any release. The structs have public fields and are not
//! `#[non_exhaustive]`, which would forbid the form below: end each with its default, and new fields
//! cost nothing.
//!
//! ```
//! use herald_simnet::scenario::units::{Size, Span};
//! use herald_simnet::scenario::{ChainModel, Policy, Scenario, SizeDraw, Topology};
//!
//! let scenario = Scenario {
//!     name: "two-policies".into(),
//!     nodes: 50,
//!     policies: vec![Policy::Herald, Policy::GethTimers],
//!     topology: Topology::RandomRegular { degree: 6 },
//!     chain: ChainModel {
//!         interval: Span::ms(450),
//!         block_size: SizeDraw::Fixed(Size::kb(100)),
//!         ..ChainModel::default()
//!     },
//!     ..Scenario::default()
//! };
//! scenario.check()?;
//! // As a file, with every option written out; it reads back as the same scenario.
//! let toml = scenario.to_toml()?;
//! assert!(toml.contains("interval = \"450 ms\""));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod adversary;
mod check;
mod defaults;
mod digest;
mod error;
mod fetcher;
mod file;
mod forms;
mod policy;
mod presets;
mod shipped;
pub mod units;

pub use adversary::{Adversaries, AdversaryKind};
pub(crate) use check::peers_expected;
pub use check::{BLOCK_MAX, DEGREE_MAX, EDGES_MAX, LATENCY_MAX, LINKS_MAX, NODES_MAX, SLOTS_MAX};
pub use error::{Amount, ScenarioError};
pub use file::{EdgeError, ScenarioFileError};
pub use policy::Policy;
pub use presets::{Distribution, NetworkYear, OutboundDegrees};
pub use shipped::{Shipped, by_name, shipped};

use serde::{Deserialize, Serialize};
use units::{BitRate, Size, Span};

/// Everything about a run. The same scenario and version give the same run, byte for byte.
#[derive(Clone, Debug, PartialEq)]
pub struct Scenario {
    /// A short name, for files and reports: letters, digits, `-`, `_` and `.`.
    pub name: String,
    /// What it is to show.
    pub purpose: String,
    /// From which all randomness comes. Default 1; at most 2^63 - 1, so that a TOML file can say it.
    pub seed: u64,
    /// How many nodes. Default 100.
    pub nodes: u32,
    /// What runs in the nodes, one world for each, all on the same schedule, topology and latencies.
    /// Default [`Policy::Herald`] alone.
    pub policies: Vec<Policy>,
    /// Who is connected to whom. Default random regular with 8 peers.
    pub topology: Topology,
    /// Where the nodes are, and what that means for latency and bandwidth. Default SimBlock's tables
    /// of 2019.
    pub regions: Regions,
    /// How messages travel.
    pub links: LinkModel,
    /// How large messages are.
    pub wire: WireSizes,
    /// Blocks, sealers, and what they cost a node.
    pub chain: ChainModel,
    /// Hostile nodes. Default none.
    pub adversaries: Vec<Adversaries>,
    /// What goes wrong, and when. Default nothing.
    pub faults: Vec<ScheduledFault>,
    /// A part of the nodes that is spared from some time on. Default none.
    pub core: Option<Core>,
    /// Changes to the fetcher's configuration, the same for each policy.
    pub fetcher: FetcherOptions,
    /// Check the machines' invariants at the touched node after every so many events; 0 is never.
    /// Default 0: it costs more than all else.
    pub check_stride: u32,
    /// What must hold at the end. Default nothing.
    pub assertions: Assertions,
}

/// Who is connected to whom. Connections are both ways.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Topology {
    /// Each node has exactly `degree` peers (one less for one node where the product is odd).
    RandomRegular {
        /// Peers of each node.
        degree: u32,
    },
    /// Each node opens a number of connections drawn from a table; those it accepts come on top.
    /// `cumulative[i]` is the share of nodes that open at most `i + 1`.
    Degrees {
        /// Ascending shares, the last of them 1.
        cumulative: Vec<f64>,
    },
    /// Node i is connected to i + 1.
    Line,
    /// Node 0 is connected to all others.
    Star,
    /// The connections that a file lists: two node numbers on each line.
    Edges {
        /// The pairs, as read.
        edges: Vec<(u32, u32)>,
    },
}

/// Where the nodes are.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "forms::RegionsForm", into = "forms::RegionsForm")]
pub struct Regions {
    /// Names, for reports.
    pub names: Vec<String>,
    /// The share of nodes in each; they sum to 1.
    pub shares: Vec<f64>,
    /// One-way latency from each to each.
    pub latency: Vec<Vec<Span>>,
    /// A node's uplink in each.
    pub up: Vec<BitRate>,
    /// A node's downlink in each.
    pub down: Vec<BitRate>,
}

/// How messages travel.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LinkModel {
    /// A message's latency is drawn evenly from the link's, this share less to this share more.
    /// Default 0.1.
    pub jitter: f64,
    /// The share of messages whose first copy is lost, and of the copies after. Default 0.
    pub loss: f64,
    /// After how long a lost message is sent again; doubled for each further time. Default 200 ms,
    /// the least of Linux' TCP.
    pub retransmit: Span,
    /// After how many losses of one message its connection is given up. Default 8.
    pub retransmissions_max: u32,
    /// Whether announcements, requests and headers overtake bodies. Default yes: implementations
    /// share a connection between streams, frame by frame, so that a small message waits for one
    /// frame at most; and connections share an uplink evenly.
    pub small_messages: SmallMessages,
    /// How long a connection without any answer is kept. Default 20 s.
    pub connection_timeout: Span,
}

/// Whether small messages wait behind bodies.
///
/// Closed: a message waits, or it does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SmallMessages {
    /// They do not wait.
    Overtake,
    /// They wait their turn.
    Queue,
}

/// Bytes of messages on the wire, the transport's headers included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WireSizes {
    /// A header. Default 600: a London header of 547 bytes in RLP, and framing.
    pub header: Size,
    /// An announcement: hash and number, framing, and TCP and IP headers. Default 100.
    pub announcement: Size,
    /// A request. Default 110.
    pub request: Size,
    /// Framing of a reply or a pushed block, on top of what it holds. Default 60.
    pub overhead: Size,
}

/// Blocks, sealers, and what they cost a node.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ChainModel {
    /// How many blocks are measured. Default 10.
    pub blocks: u32,
    /// Blocks before those, not measured, so that adaptive waits have settled. Default 20.
    pub warm_up: u32,
    /// How long the run goes on after the last block. Default 30 s.
    pub drain: Span,
    /// Time between blocks; the mean where they are drawn. Default 13.3 s.
    pub interval: Span,
    /// Who seals, and when. Default [`Sealing::Poisson`].
    pub sealing: Sealing,
    /// How many nodes seal. Default 20.
    pub sealers: u32,
    /// Their shares of the blocks under [`Sealing::Poisson`]; one for each sealer, or
    /// none for even shares. Need not sum to 1.
    pub shares: Vec<f64>,
    /// Bytes of a whole block. Default 60 KB each.
    pub block_size: SizeDraw,
    /// The share of blocks with an empty body. Default 0.
    pub empty_share: f64,
    /// How long a header check takes. Default 1 ms. Header checks of a node run side by side.
    pub header_check: Span,
    /// How long an import takes. Default 50 ms. A node imports one block at a time.
    pub import: Span,
    /// How far below the head a block is final; 0 is never. Default 0.
    pub finality_depth: u64,
    /// Nodes' clocks are behind by up to this much, drawn for each: a header may come from the
    /// future. Default 0.
    pub clock_skew: Span,
    /// The share of imports that fail by the node's own fault, as with a full disk. Default 0.
    pub local_fault: f64,
}

/// Who seals, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Sealing {
    /// One after the other, each interval.
    Turn,
    /// At exponential intervals, the sealer drawn by the shares.
    Poisson,
}

/// Bytes of a block.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "forms::SizeDrawForm", into = "forms::SizeDrawForm")]
#[non_exhaustive]
pub enum SizeDraw {
    /// Always the same.
    Fixed(Size),
    /// Evenly between two.
    Uniform(Size, Size),
    /// Log-normal: the median, and the standard deviation of the logarithm.
    LogNormal(Size, f64),
}

/// What goes wrong, and when.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "forms::FaultForm", into = "forms::FaultForm")]
#[non_exhaustive]
pub enum ScheduledFault {
    /// The network falls into two parts.
    Partition {
        /// From the start of the run.
        at: Span,
        /// For how long.
        lasts: Span,
        /// The share of nodes in the first part.
        share: f64,
        /// Whether messages still go from the first part to the second.
        direction: CutDirection,
    },
    /// Nodes come and go for a while: every `every` on average, one node goes, and is back after
    /// `away`.
    Churn {
        /// From the start of the run.
        at: Span,
        /// For how long.
        lasts: Span,
        /// Mean time between two nodes' going.
        every: Span,
        /// Mean time that a node is away.
        away: Span,
        /// How they go.
        exit: Exit,
        /// Whether they know their chain when they are back.
        memory: MemoryKept,
    },
    /// A share of the nodes is not there at first, and joins.
    Join {
        /// From the start of the run.
        at: Span,
        /// Share of all nodes; sealers always stay.
        share: f64,
    },
    /// A share of the nodes leaves for good.
    Leave {
        /// From the start of the run.
        at: Span,
        /// Share of all nodes; sealers always stay.
        share: f64,
    },
}

/// Honest nodes that nothing goes wrong with any more: they are online, what goes between two of them
/// is neither cut nor lost, and their imports do not fail. Faults, loss and local faults go on
/// elsewhere. Where there is a core, [`Assertions::converged`] asks for one head in the core alone.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Core {
    /// From when on.
    pub from: Span,
    /// The share of the honest nodes, at least two nodes.
    pub share: f64,
}

/// Which way a partition cuts.
///
/// Closed: a link has two directions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CutDirection {
    /// Both.
    Both,
    /// Only from the second part to the first.
    OneWay,
}

/// How a node goes.
///
/// Closed: peers are told, or they are not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Exit {
    /// Its connections are closed: peers know after the latency.
    Closed,
    /// Nothing is said: peers know when the connection times out.
    Silent,
}

/// What a node knows when it is back.
///
/// Closed: what lies between would be a fault of the disk, which is not modelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MemoryKept {
    /// The chain that it had when it went.
    Chain,
    /// Nothing but genesis.
    Nothing,
}

/// Changes to the fetcher's configuration; what is not given stays as the policy has it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FetcherOptions {
    /// The longest adaptive grace, or the fixed one.
    pub grace: Option<Span>,
    /// How long headers are gathered.
    pub gather: Option<Span>,
    /// The longest deadline of a request.
    pub deadline: Option<Span>,
    /// How long a hash may wait in all.
    pub lifetime: Option<Span>,
    /// Blocks this far below the head are taken.
    pub window_below: Option<u64>,
    /// Blocks this far above the head are taken.
    pub window_above: Option<u64>,
    /// Blocks above the window kept for each peer.
    pub deferred_per_peer: Option<u32>,
    /// Announcements for each peer.
    pub announcements_per_peer: Option<u32>,
    /// Whole blocks for each peer.
    pub blocks_per_peer: Option<u32>,
    /// Bytes for each peer.
    pub bytes_per_peer: Option<Size>,
    /// Bytes in all.
    pub bytes_total: Option<Size>,
    /// Requests in flight at a peer.
    pub requests_per_peer: Option<u32>,
    /// Hashes in one body request.
    pub bodies_per_request: Option<u32>,
    /// Blocks with the host at once.
    pub importing: Option<u32>,
    /// Recent blocks of which it is known who has them.
    pub known_blocks: Option<u32>,
    /// Invalid hashes remembered.
    pub bad_blocks: Option<u32>,
}

/// What must hold at the end of a run, under [`Policy::Herald`]; other policies are shown beside it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Assertions {
    /// All honest nodes that are online have one head at the end of the drain.
    pub converged: bool,
    /// Every measured block reaches every honest node that was online throughout.
    pub all_delivered: bool,
    /// 99 of 100 deliveries take at most this long.
    pub p99: Option<Span>,
    /// Half of the deliveries take at most this long.
    pub p50: Option<Span>,
    /// Bytes of blocks received for each byte of block, on average over the honest nodes.
    pub redundancy: Option<f64>,
    /// No honest peer is penalised by an honest node.
    pub no_honest_penalised: bool,
    /// Of each kind of hostile nodes that must earn a penalty, some do, and for the right reason.
    pub hostile_penalised: bool,
    /// No fetcher passes its memory formula.
    pub memory_bounded: bool,
    /// Nothing is left in any fetcher at the end of the drain.
    pub nothing_left: bool,
}
