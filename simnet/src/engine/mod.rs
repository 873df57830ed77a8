//! Virtual time: the queue of events, the generators of randomness, and the trace's hash.
//!
//! Nothing here knows of networks or blocks. Everything here is a function of its arguments alone: no
//! clock, no address, no iteration in an order that a hash table chose.

pub mod draw;
pub mod queue;
pub mod random;
pub mod trace;

pub use queue::EventQueue;
pub use random::{Concern, Seed, Stream};
pub use trace::{Trace, TraceHash};
