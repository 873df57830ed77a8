//! The node.

pub mod chain;
pub mod chainfile;
pub mod clock;
pub mod engine;
pub mod genesis;
pub mod key;
pub mod store;
