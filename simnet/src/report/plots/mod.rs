//! The plots of a report, each a figure of its own.

mod axes;
mod bars;
mod heads;
mod memory;
mod propagation;
mod ridges;
mod svg;
mod traffic;

pub(super) use bars::{penalties, requests};
pub(super) use heads::heads;
pub(super) use memory::memory;
pub(super) use propagation::{clocks, propagation};
pub(super) use ridges::nodes;
pub(super) use traffic::traffic;

/// How wide every plot is, in CSS pixels of a page that is wide enough.
const WIDTH: f64 = 1080.0;

/// Room for a policy's name at the left of its row.
const NAMES: f64 = 124.0;
