//! The announced-block fetcher.

mod types;

pub use types::{Block, BlockHash, BlockNumber, Body, Header, Types};
