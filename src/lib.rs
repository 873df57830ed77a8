//! The announced-block fetcher: what a node does between hearing of a new block and importing it.
//!
//! Peers announce hashes, or push whole blocks. The [`Fetcher`] asks the right ones for header and
//! body, checks what comes, waits for parents, hands whole blocks to the host for import, tells the
//! other peers, and names who did wrong. Everything is bounded, for each peer and in all.
//!
//! It is a pure state machine: no clock, no I/O, no async, no global state, and no randomness but one
//! seed. The same calls give the same outputs on every machine.
//!
//! # Stages
//! Each hash is in exactly one:
//!
//! ```text
//!   announcement                                                          pushed block
//!        │                                                                      │
//!        ▼                                                                      │
//!  ┌───────────┐ grace ┌──────────┐ header ┌─────────┐ gather ┌────────────┐    │
//!  │ Announced ├──────▶│ Fetching ├───────▶│ Fetched ├───────▶│ Completing │    │
//!  └───────────┘       └────┬─────┘        └─────────┘        └─────┬──────┘    │
//!        │                  │ the body is empty,                    │ body      │
//!        │ whole block      │ or came with the header               ▼           ▼
//!        │ is pushed        │                                ┌──────────────────────┐
//!        └──────────────────┴───────────────────────────────▶│        Queued        │
//!                                                            └──────────┬───────────┘
//!                                       parent, height and time are here│
//!                                                                       ▼
//!                                                            ┌──────────────────────┐
//!         announced to all who lack it, and ended ◀──────────┤      Importing       │
//!                                                  imported  └──────────────────────┘
//!                                                        verified, relayed and imported
//! ```
//!
//! A failed or late request goes to the next announcer, back in the same stage. A hash whose last
//! announcer failed or left, or whose [lifetime](Config::lifetime) is over, ends; every [`End`] is
//! named and counted.
//!
//! # Usefulness
//! Memory is bounded, and so is what other peers can make an honest one's block wait: **a valid block
//! that an honest peer has announced is imported within [`Config::import_bound`], whatever the other
//! peers do**, while that peer stays connected, block and ancestors stay within the window, and what they
//! need stays within the peer's own allowances.
//!
//! What makes it so: each round asks twice as many as the one before, those first that have waited
//! longest; rounds follow the hedge waits, not the deadlines; who was only late may be asked again; a
//! block whose parent was lost searches it anew, of all who have any block above it.
//!
//! # Contract
//! 1. Hand in what happens, with the time and a [`ChainView`], through the fetcher's methods or as
//!    an [`Input`].
//! 2. Drain [`Fetcher::poll_output`] after each call and carry the [`Output`]s out in order.
//! 3. When [`Fetcher::poll_timeout`] has come, hand in what has arrived by then, and then call
//!    [`Fetcher::tick`].
//! 4. Answer each verification and import, and each request as far as the network can tell.
//!
//! # A loop
//! Headers only, with one peer that answers at once. `examples/embed_core.rs` has a clock, a channel
//! and a silent peer as well.
//!
//! ```
//! use herald_fetcher::{
//!     Admission, BlockHash, BlockNumber, ChainView, Config, Connection, Fetcher, Input, Mode, Outcome,
//!     Output, Time, Types, Verdict,
//! };
//! # #[derive(Debug)]
//! # enum Toy {}
//! # #[derive(Clone, Debug)]
//! # struct Header(BlockNumber);
//! # #[derive(Clone, Debug)]
//! # struct NoBody;
//! # fn hash_of(number: BlockNumber) -> BlockHash {
//! #     BlockHash::left_padding_from(&number.to_be_bytes())
//! # }
//! # impl Types for Toy {
//! #     type PeerId = u64;
//! #     type Commitment = ();
//! #     type Header = Header;
//! #     type Body = NoBody;
//! #     fn empty_body(_: &Header) -> Option<NoBody> { Some(NoBody) }
//! # }
//! # impl herald_fetcher::Header for Header {
//! #     type Commitment = ();
//! #     fn hash(&self) -> BlockHash { hash_of(self.0) }
//! #     fn number(&self) -> BlockNumber { self.0 }
//! #     fn parent_hash(&self) -> BlockHash { hash_of(self.0 - 1) }
//! #     fn body_commitment(&self) {}
//! #     fn retained_bytes(&self) -> usize { 8 }
//! # }
//! # impl herald_fetcher::Body for NoBody {
//! #     type Commitment = ();
//! #     fn commitment(&self) {}
//! #     fn retained_bytes(&self) -> usize { 0 }
//! # }
//! struct Chain(Vec<BlockHash>);
//!
//! impl ChainView for Chain {
//!     fn contains(&self, hash: &BlockHash) -> bool { self.0.contains(hash) }
//!     fn head(&self) -> BlockNumber { self.0.len() as u64 - 1 }
//!     fn finalized(&self) -> BlockNumber { 0 }
//! }
//!
//! let config = Config::default().with(|config| config.mode = Mode::HeadersOnly);
//! let mut fetcher = Fetcher::<Toy>::new(config)?;
//! let mut chain = Chain(vec![hash_of(0)]);
//! let now = Time::ZERO; // a reading of the host's monotonic clock
//!
//! assert_eq!(fetcher.peer_connected(now, 7), Connection::Accepted);
//! assert_eq!(fetcher.announce(now, &7, hash_of(1), 1, &chain), Admission::Accepted);
//!
//! while let Some(output) = fetcher.poll_output() {
//!     let input = match output {
//!         Output::RequestHeader { request, peer, .. } => {
//!             Input::Headers { peer, request, headers: vec![Header(1)] }
//!         }
//!         Output::VerifyHeader { header } => {
//!             Input::Verdict { hash: hash_of(header.0), verdict: Verdict::Valid }
//!         }
//!         Output::ImportHeader { header } => {
//!             chain.0.push(hash_of(header.0));
//!             Input::Imported { hash: hash_of(header.0), verdict: Verdict::Valid }
//!         }
//!         other => unreachable!("{other:?}"),
//!     };
//!     match fetcher.handle(now, input, &chain) {
//!         Outcome::Done => {}
//!         Outcome::Headers(rest) => assert!(rest.is_empty(), "all of it was asked for"),
//!         other => unreachable!("{other:?}"),
//!     }
//! }
//! assert_eq!(chain.head(), 1);
//! assert_eq!(fetcher.poll_timeout(), None, "it waits for nothing");
//! # Ok::<(), herald_fetcher::ConfigError>(())
//! ```
//!
//! # Features
//! None is on by default; the core needs neither an async runtime nor a network.
//! - `tokio`: the module `driver`, a task that owns a fetcher, and traits for the host's chain and
//!   network.
//! - `serde`: [`Config`], [`Input`], [`Outcome`], [`Output`], [`Event`] and what they are made of can be
//!   written and read: a recorder can be complete.
//!
//! # Stability
//! Semantic versioning, as Cargo reads it: until 1.0, a breaking change raises the minor version.
//! These are no breaking changes:
//! - a new field of [`Config`] or `driver::QueueLimits`, whose default leaves the behaviour as it is;
//! - a new variant of an enum that is `#[non_exhaustive]`: a [`Reason`], an [`Admission`], a choice of
//!   the configuration, an error; and so another length of `Reason::ALL` and its like;
//! - a new method, with a default, of a trait that hosts implement;
//! - another time, order or choice of what the fetcher asks for and sends, within its contract, and
//!   another message of an error. The label of a variant changes only where its name does.
//!
//! The other enums are closed on purpose, and each says why: a host that does not know all of their
//! variants is wrong, and the compiler should say so. A new [`Output`] is therefore a breaking change.
//!
//! The least Rust version is the one in the manifest; raising it is not a breaking change.
//!
//! Ethereum's blocks are in [`herald-proto`](https://docs.rs/herald-proto).

mod bad;
mod bound;
mod config;
#[cfg(feature = "tokio")]
pub mod driver;
mod fetcher;
mod ids;
mod input;
mod known;
mod labels;
mod output;
mod penalties;
mod table;
mod time;
mod types;

pub use bound::BoundTerms;
pub use config::{
    Announce, BodyRequest, Choice, Config, ConfigError, Deadline, Events, FanOut, FetchExpiry, Gather, Grace,
    Hedge, Mode, ReplyProgress,
};
pub use fetcher::{Counters, Fetcher, FetcherStatus, Memory, PeerStatus};
pub use input::{ChainView, Failure, Input, Verdict};
pub use output::{
    Admission, Connection, End, Event, Hashes, Outcome, Output, Presence, Reason, RequestId, StageName,
};
pub use penalties::{PenaltyOutcome, PenaltyScores};
pub use table::InvariantError;
pub use time::Time;
pub use types::{Block, BlockHash, BlockNumber, BlockOf, Body, Header, Types};
