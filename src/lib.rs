//! The announced-block fetcher.

mod config;
#[cfg(feature = "tokio")]
pub mod driver;
mod fetcher;
mod input;
mod known;
mod output;
mod table;
mod time;
mod types;

pub use config::{
    BodyRequest, Choice, Config, ConfigError, Deadline, Events, FanOut, Gather, Grace, Hedge, Mode,
};
pub use fetcher::{Counters, Fetcher, PeerStatus, Status};
pub use input::{ChainView, Failure, ImportOutcome, Input, Verdict};
pub use output::{Admission, Connection, End, Event, Hashes, Outcome, Output, Reason, RequestId, StageName};
pub use table::InvariantError;
pub use time::Time;
pub use types::{Block, BlockHash, BlockNumber, Body, Header, Types};
