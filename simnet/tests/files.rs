//! Scenario files with any value in any place: refused, or drawn without a panic.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs, reason = "tests")]

use std::path::Path;

use herald_simnet::model::chain::NodeId;
use herald_simnet::model::schedule::SlotSchedule;
use herald_simnet::model::topology::{Graph, regions};
use herald_simnet::scenario::{Scenario, shipped};
use proptest::prelude::*;

/// Values that a careless or hostile hand could put in place of any other.
const ODD: [&str; 14] = [
    "0",
    "-1",
    "1",
    "0.5",
    "nan",
    "inf",
    "-inf",
    "1e300",
    "9223372036854775807",
    "\"0 ns\"",
    "\"1 B\"",
    "\"5124095 h\"",
    "[]",
    "\"\"",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    /// Either a file is refused, or what is drawn from it can be drawn.
    #[test]
    fn no_file_panics(
        which in any::<prop::sample::Index>(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), 0..ODD.len()), 1..4),
    ) {
        let small: Vec<_> = shipped().iter().filter(|one| one.name != "large").collect();
        let text = small[which.index(small.len())].scenario().unwrap().to_toml().unwrap();
        let mut lines: Vec<String> = text.lines().map(String::from).collect();
        let values: Vec<usize> = (0..lines.len()).filter(|line| lines[*line].contains(" = ")).collect();
        for (line, odd) in changes {
            let line = &mut lines[values[line.index(values.len())]];
            let (key, _) = line.split_once(" = ").unwrap();
            *line = format!("{key} = {}", ODD[odd]);
        }
        if let Ok(scenario) = Scenario::parse(&lines.join("\n"), Path::new("some.toml")) {
            let honest: Vec<_> = (0..scenario.nodes).map(NodeId::new).collect();
            let slots = scenario.chain.warm_up + scenario.chain.blocks;
            prop_assert_eq!(SlotSchedule::draw(&scenario, &honest).slots.len(), slots as usize);
            prop_assert_eq!(regions(&scenario).len(), honest.len());
            prop_assert_eq!(Graph::of(&scenario).unwrap().nodes(), honest.len());
        }
    }
}
