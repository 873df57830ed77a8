//! `simnet scenarios`

use std::io::Write;

use clap::Args;
use herald_simnet::measure::table::Table;
use herald_simnet::measure::verdict::Outcome;
use herald_simnet::scenario::shipped;

use super::error::CommandError;

/// List the scenarios that come with the simulator.
#[derive(Debug, Args)]
pub(crate) struct Scenarios {}

impl Scenarios {
    pub(crate) fn run(self, out: &mut dyn Write) -> Result<Outcome, CommandError> {
        let mut table = Table::new(["name", "nodes", "purpose"], Table::ALL_LEFT);
        for shipped in shipped() {
            let scenario = shipped.scenario()?;
            table.row([scenario.name, scenario.nodes.to_string(), scenario.purpose]);
        }
        write!(out, "{table}")?;
        Ok(Outcome::Holds)
    }
}
