//! `simnet bench`

use std::fs;
use std::io::Write;

use clap::Args;
use cpu_time::ProcessTime;
use herald_fetcher::Fetcher;
use herald_simnet::measure::summary::Summary;
use herald_simnet::measure::table::TextTable;
use herald_simnet::measure::verdict::RunOutcome;
use herald_simnet::model::block::Sim;
use herald_simnet::scenario::{ChainModel, Policy, Scenario, Topology};
use herald_simnet::world::{Setup, Stepped, World};

use super::error::CommandError;
use super::source::show;

/// Measure how fast the simulator is, and how much memory it takes.
///
/// One run of the default policy on the internet of 2019. CPU time is this process' own and leaves the
/// set-up out; so that it is held against what was measured alone, there is no warm-up.
#[derive(Debug, Args)]
pub(crate) struct BenchArgs {
    /// How many nodes.
    #[arg(long, value_name = "N", default_value = "10000")]
    nodes: u32,
    /// Peers of each.
    #[arg(long, value_name = "D", default_value = "25")]
    degree: u32,
    /// How many blocks.
    #[arg(long, value_name = "B", default_value = "10")]
    blocks: u32,
}

impl BenchArgs {
    pub(crate) fn run(self, out: &mut dyn Write) -> Result<RunOutcome, CommandError> {
        let scenario = self.scenario();
        let setup = Setup::new(&scenario)?;
        show(&scenario, out)?;
        let mut world = World::<Fetcher<Sim>>::new(&scenario, &setup, Policy::Herald);
        let start = ProcessTime::now();
        while world.step() == Stepped::Done {}
        let seconds = start.elapsed().as_secs_f64();
        // While the world is still there.
        let resident = resident_bytes();
        let run = world.finish();
        let summary = Summary::of(&run, None);
        let done = summary.deliveries - summary.not_reached;
        let mut table = TextTable::new(["figure", "value"], 1);
        table.row(["deliveries".into(), done.to_string()]);
        table.row(["not reached".into(), summary.not_reached.to_string()]);
        table.row(["events".into(), run.events.to_string()]);
        table.row(["CPU seconds".into(), format!("{seconds:.3}")]);
        table.row(["deliveries per CPU second".into(), rate(done, seconds)]);
        table.row(["events per CPU second".into(), rate(run.events, seconds)]);
        let each = |bytes: u64| format!("{} B", bytes / u64::from(self.nodes));
        table.row(["resident memory per node".into(), resident.map_or_else(|| "unknown".into(), each)]);
        table.row(["fetcher by its own account, mean".into(), format!("{} B", summary.memory.mean)]);
        table.row(["fetcher by its own account, most".into(), format!("{} B", summary.memory.max)]);
        write!(out, "{table}")?;
        Ok(summary.violation.map_or(RunOutcome::Holds, |_| RunOutcome::Broken))
    }

    fn scenario(&self) -> Scenario {
        Scenario {
            name: "bench".into(),
            purpose: "How fast the simulator is, and how much memory it takes.".into(),
            nodes: self.nodes,
            policies: vec![Policy::Herald],
            topology: Topology::RandomRegular { degree: self.degree },
            chain: ChainModel { blocks: self.blocks, warm_up: 0, ..ChainModel::default() },
            ..Scenario::default()
        }
    }
}

fn rate(count: u64, seconds: f64) -> String {
    if seconds > 0.0 { format!("{:.0}", count as f64 / seconds) } else { "unknown".into() }
}

/// What of this process is in memory; known on Linux alone.
fn resident_bytes() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kibibytes.checked_mul(1024)
}
