//! A deterministic simulator that runs the herald fetcher on thousands of nodes.
//!
//! Each simulated node has a real [`herald_fetcher::Fetcher`]; the network, the clock, the blocks and the
//! neighbours are the simulator's. The same scenario, seed and version give the same run, byte for
//! byte, on any machine. The binary `simnet` runs scenarios from files; docs/simnet.md is its manual
//! and says exactly what is modelled. The library runs them from Rust:
//!
//! ```
//! use herald_simnet::measure::summary::Summary;
//! use herald_simnet::measure::verdict::{RunOutcome, ScenarioVerdict};
//! use herald_simnet::scenario::{Assertions, ChainModel, Scenario, Topology};
//! use herald_simnet::world;
//!
//! let scenario = Scenario {
//!     nodes: 12,
//!     topology: Topology::RandomRegular { degree: 4 },
//!     chain: ChainModel { blocks: 3, warm_up: 1, sealers: 4, ..ChainModel::default() },
//!     assertions: Assertions { converged: true, all_delivered: true, ..Assertions::default() },
//!     ..Scenario::default()
//! };
//! let runs = world::run_all(&scenario)?;
//! let summaries: Vec<Summary> = runs.iter().map(|run| Summary::of(run, None)).collect();
//!
//! let verdict = ScenarioVerdict::of(&scenario.assertions, &summaries);
//! assert_eq!(verdict.outcome(), RunOutcome::Holds, "{verdict}");
//! // Three blocks to each node but their sealers.
//! assert_eq!(summaries[0].deliveries, 3 * 11);
//! // Once more, to the last byte.
//! assert_eq!(world::run_all(&scenario)?, runs);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! To test a host of your own in it, implement [`policy::Machine`] around your code and run a
//! [`world::World`] of it: `examples/host.rs` is made to be copied.
//!
//! | module | is |
//! | --- | --- |
//! | [`scenario`] | what is run: every option, with its default and its reason |
//! | [`world`] | the run itself: nodes, links, faults, adversaries, virtual time |
//! | [`policy`] | what runs in each node |
//! | [`measure`] | what a run came to, and whether it is what was asserted |
//! | [`report`] | the same for people: a folder of files and a page to look at |
//! | [`sweep`] | many seeds, their raw rows, and figures over them |
//! | [`seeds`] | which seeds, and running them side by side |
//! | [`fuzz`] | scenarios drawn from seeds, and what must always hold |
//! | [`model`] | blocks, chains, topologies and schedules |
//! | [`engine`] | events in order, and randomness from one seed |

pub mod engine;
pub mod fuzz;
pub mod measure;
pub mod model;
pub mod policy;
pub mod report;
pub mod scenario;
pub mod seeds;
pub mod sweep;
pub mod world;
