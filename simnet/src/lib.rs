//! A deterministic simulator that runs the herald fetcher on thousands of nodes.

pub mod engine;
pub mod measure;
pub mod model;
pub mod policy;
pub mod report;
pub mod scenario;
pub mod sweep;
pub mod world;
