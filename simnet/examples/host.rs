//! A host of your own in the simulator: copy this, and put your code where `Host` is.
//!
//! `Host` here has a database that takes one block at a time, and it holds itself to that: its
//! predicate is checked after every event, beside the fetcher's own. Run it with
//! `cargo run -p herald-simnet --example host`.

#![allow(clippy::print_stdout, reason = "an example speaks to the terminal")]

use std::sync::Arc;

use herald_fetcher::{Config, Fetcher, Input, Outcome, Output, Time};
use herald_simnet::measure::summary::Summary;
use herald_simnet::measure::verdict::{self, ScenarioVerdict, comparison};
use herald_simnet::model::block::Sim;
use herald_simnet::model::chain::NodeView;
use herald_simnet::policy::{Holdings, Machine, MachineCounters, MemoryUse};
use herald_simnet::scenario::units::{Size, Span};
use herald_simnet::scenario::{Assertions, ChainModel, Policy, Scenario, SizeDraw, Topology};
use herald_simnet::world::{Setup, World};

/// The fetcher, and what the host knows beside it.
#[derive(Debug)]
struct Host {
    fetcher: Fetcher<Sim>,
    /// Blocks that the database has been given and not yet answered for.
    with_database: u32,
}

impl Machine for Host {
    fn new(config: Arc<Config>, seed: u64) -> Self {
        let config = Config::clone(&config).with(|config| config.importing = 1);
        let fetcher = Fetcher::with_seed(config, seed).expect("one import at a time is allowed");
        Self { fetcher, with_database: 0 }
    }

    fn handle(&mut self, now: Time, input: Input<Sim>, chain: &NodeView<'_>) -> Outcome<Sim> {
        if let Input::Imported { .. } = input {
            self.with_database = self.with_database.saturating_sub(1);
        }
        self.fetcher.handle(now, input, chain)
    }

    fn poll_output(&mut self) -> Option<Output<Sim>> {
        let output = self.fetcher.poll_output();
        if let Some(Output::Import { .. }) = output {
            self.with_database += 1;
        }
        output
    }

    fn poll_timeout(&self) -> Option<Time> {
        self.fetcher.poll_timeout()
    }

    fn memory(&self) -> MemoryUse {
        Machine::memory(&self.fetcher)
    }

    fn machine_counters(&self) -> MachineCounters {
        self.fetcher.machine_counters()
    }

    fn holdings(&self) -> Holdings {
        self.fetcher.holdings()
    }

    fn check(&self) -> Result<(), String> {
        match self.with_database {
            0 | 1 => self.fetcher.check(),
            many => Err(format!("the database was given {many} blocks at once")),
        }
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let scenario = Scenario {
        name: "own-host".into(),
        nodes: 30,
        topology: Topology::RandomRegular { degree: 6 },
        chain: ChainModel {
            blocks: 10,
            warm_up: 5,
            interval: Span::s(3),
            block_size: SizeDraw::Uniform(Size::kb(20), Size::kb(100)),
            ..ChainModel::default()
        },
        check_stride: 1,
        assertions: Assertions {
            converged: true,
            all_delivered: true,
            p99: Some(Span::s(3)),
            no_honest_penalised: true,
            memory_bounded: true,
            nothing_left: true,
            ..Assertions::default()
        },
        ..Scenario::default()
    };
    let setup = Setup::new(&scenario)?;
    let run = World::<Host>::new(&scenario, &setup, Policy::Herald).run();

    let summaries = [Summary::of(&run, None)];
    let verdict = ScenarioVerdict::of(&scenario.assertions, &summaries);
    println!("{}\n{verdict}", comparison(&summaries));
    assert_eq!(verdict.outcome(), verdict::RunOutcome::Holds);
    Ok(())
}
