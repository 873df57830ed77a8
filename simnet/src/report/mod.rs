//! The report of a run: one HTML file that needs nothing but itself, for all policies of one scenario
//! side by side.
//!
//! It holds no date and nothing of the machine that made it: the same runs give the same bytes.

pub mod files;

mod figures;
mod page;
mod plots;
mod tables;
mod text;

#[cfg(test)]
mod tests;

pub use crate::measure::verdict::{AssertionHeld, Finding, VerdictRow};

use crate::measure::Run;
use crate::scenario::Scenario;

/// What a report is made from.
///
/// Closed, since callers make it: a report is of these and nothing else.
#[derive(Clone, Copy, Debug)]
pub struct ReportInput<'a> {
    /// What was run.
    pub scenario: &'a Scenario,
    /// What it came to, one for each policy.
    pub runs: &'a [Run],
    /// The least that each delivery could have taken, in nanoseconds, for all blocks and nodes
    /// together in any order, as [`LowerBound::deliveries`](crate::measure::bound::LowerBound::deliveries)
    /// gives them.
    pub bound: Option<&'a [u64]>,
    /// The assertions of the scenario, and what was found.
    pub verdicts: &'a [VerdictRow],
}

/// The report as HTML.
#[must_use]
pub fn page(input: &ReportInput<'_>) -> String {
    page::page(input)
}
