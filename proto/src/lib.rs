//! Ethereum blocks and the block messages of `eth/68`, for [Herald](herald_fetcher)'s fetcher and node.
//!
//! - **What arrived as bytes stays as bytes.** Hashes are taken from the received bytes, roots
//!   once, when a value is decoded; encoding appends those bytes again. A [`Header`], [`Body`] or
//!   [`Block`] keeps its own copy, so that it never pins a network buffer.
//! - **Decoding is total.** Any bytes give a value or a [`DecodeError`] that names the field.
//!   Nothing panics, and lengths are checked before memory is set aside.
//! - **Canonical RLP only** ([`rlp`]): a value has exactly one encoding.
//! - **No I/O.** [`frame`] reads frames from bytes as they come; sockets are the host's.
//!
//! ```
//! use herald_proto::{Block, BlockExt as _, Body, Header, HeaderFields};
//!
//! let body = Body::new(vec![], vec![], None);
//! let header = Header::new(HeaderFields {
//!     number: 1,
//!     transactions_root: body.commitment().transactions_root,
//!     uncles_hash: body.commitment().uncles_hash,
//!     ..HeaderFields::default()
//! })?;
//! let block = Block::new(header, body);
//! let again = Block::decode(&block.encode())?;
//! assert_eq!(again.hash(), block.hash());
//! assert!(again.body_matches());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Features
//! - `alloy`: conversions to and from `alloy-consensus` headers and blocks.
//! - `serde`: headers and bodies as the hex of their bytes, checked when read.

#[cfg(feature = "alloy")]
mod alloy;
mod block;
mod body;
mod error;
pub mod fork_id;
pub mod frame;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
mod header;
mod keccak;
mod limits;
mod memory;
pub mod message;
pub mod rlp;
pub mod roots;
#[cfg(feature = "serde")]
mod serde;
pub mod transaction;
mod types;
mod withdrawal;

#[cfg(feature = "alloy")]
pub use alloy::{FromAlloyError, ToAlloyError};
pub use block::{Block, BlockExt};
pub use body::{BODY_ENTRIES_MAX, Body, BodyCommitment};
pub use error::{DecodeError, DecodeErrorKind};
pub use fork_id::{ForkFilter, ForkId, ForkIdError};
pub use header::{Header, HeaderFields, HeaderFieldsError};
pub use keccak::keccak256;
pub use limits::Limits;
pub use message::{Announcement, HashOrNumber, HeadersRequest, Message, MessageCode, Status};
pub use transaction::Transaction;
pub use types::EthTypes;
pub use withdrawal::Withdrawal;

/// Holds the README's example to the code.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
