//! Where the host's code meets the driver's: panics, observers.

use std::sync::{Arc, Mutex};

use herald_fetcher::driver::Observer;
use herald_fetcher::{Admission, Config, End, Event, Events, Input, Outcome, Output, StageName, Time};

use crate::host::{Host, Manner, Parts, Peer, Toy, empty_block, genesis, settle};
use crate::watchdog::run;

#[test]
fn a_panic_of_the_host_is_a_fault_of_ours_and_no_peers() {
    run(|| async {
        for manner in [Manner::PanicInVerify, Manner::PanicInImport] {
            let mut host = Host::new(manner);
            host.connect(&[1]).await;
            let block = empty_block(1, genesis().hash(), 0);
            assert_eq!(host.handle.push_block(1, block.clone()).await, Ok(Admission::Accepted));
            settle().await;
            let counters = host.handle.counters().await.unwrap();
            assert_eq!(counters.ends(End::LocalFault), 1);
            assert_eq!(host.handle.status().await.unwrap().entries, 0);
            assert!(host.calls.try_recv().is_err(), "nobody is blamed");
            // It may come again, and the driver goes on.
            assert_eq!(host.handle.push_block(1, block).await, Ok(Admission::Accepted));
            host.handle.shutdown().await;
            assert_eq!(host.driver.stopped().await, Ok(()));
        }
    });
}

#[derive(Clone, Default)]
struct Seen(Arc<Mutex<Log>>);

#[derive(Default)]
struct Log {
    times: Vec<Time>,
    inputs: Vec<String>,
    outcomes: Vec<String>,
    outputs: Vec<String>,
    stages: Vec<StageName>,
}

/// The name of an enum's variant.
fn first_word(value: &impl core::fmt::Debug) -> String {
    format!("{value:?}").split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default().to_owned()
}

impl Observer<Toy> for Seen {
    fn on_input(&mut self, now: Time, input: &Input<Toy>) {
        let mut log = self.0.lock().unwrap();
        log.times.push(now);
        log.inputs.push(first_word(input));
    }
    fn on_outcome(&mut self, now: Time, outcome: &Outcome<Toy>) {
        let mut log = self.0.lock().unwrap();
        log.times.push(now);
        assert_eq!(log.inputs.len(), log.outcomes.len() + 1, "one for each input, before the next");
        log.outcomes.push(format!("{outcome:?}"));
    }
    fn on_output(&mut self, now: Time, output: &Output<Toy>) {
        let mut log = self.0.lock().unwrap();
        log.times.push(now);
        log.outputs.push(first_word(output));
    }
    fn on_event(&mut self, _: Time, event: &Event<Peer>) {
        match event {
            Event::Entered { stage, .. } => self.0.lock().unwrap().stages.push(*stage),
            Event::Ended { end, .. } => assert_eq!(*end, End::Imported),
        }
    }
}

#[test]
fn an_observer_sees_everything_in_order() {
    run(|| async {
        let seen = Seen::default();
        let config = Config::default().with(|config| config.events = Events::On);
        let mut host =
            Parts::new(Manner::AtOnce).spawn_with(config, |builder| builder.observer(seen.clone()));
        host.connect(&[1, 2]).await;
        let block = empty_block(1, genesis().hash(), 0);
        assert_eq!(host.handle.push_block(1, block).await, Ok(Admission::Accepted));
        host.imported.recv().await.unwrap();
        settle().await;
        host.handle.shutdown().await;
        let log = seen.0.lock().unwrap();
        assert_eq!(
            log.inputs,
            ["PeerConnected", "PeerConnected", "Pushed", "Verdict", "Imported", "ChainAdvanced", "Shutdown"]
        );
        let accepted = "Connection(Accepted)";
        assert_eq!(log.outcomes, [accepted, accepted, "Admission(Accepted)", "Done", "Done", "Done", "Done"]);
        assert_eq!(log.outputs, ["VerifyHeader", "Relay", "Import"]);
        assert_eq!(log.stages, [StageName::Importing]);
        assert!(log.times.is_sorted());
    });
}
