//! `simnet scenarios`

use std::io::Write;

use clap::Args;
use herald_simnet::measure::table::TextTable;
use herald_simnet::measure::verdict::RunOutcome;
use herald_simnet::scenario::shipped;

use super::error::CommandError;

/// List the scenarios that come with the simulator.
#[derive(Debug, Args)]
pub(crate) struct ScenariosArgs {}

impl ScenariosArgs {
    pub(crate) fn run(self, out: &mut dyn Write) -> Result<RunOutcome, CommandError> {
        let mut table = TextTable::new(["name", "nodes", "purpose"], TextTable::ALL_LEFT);
        for shipped in shipped() {
            let scenario = shipped.scenario()?;
            table.row([scenario.name, scenario.nodes.to_string(), scenario.purpose]);
        }
        write!(out, "{table}")?;
        Ok(RunOutcome::Holds)
    }
}
