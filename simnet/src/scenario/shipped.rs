//! The scenarios that come with the simulator.

use std::path::Path;

use super::{Scenario, ScenarioFileError};

/// A scenario that comes with the simulator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Shipped {
    /// By which it is run.
    pub name: &'static str,
    /// As a file.
    pub toml: &'static str,
}

impl Shipped {
    /// As it is run.
    ///
    /// # Errors
    /// None for those shipped: a test reads them all.
    pub fn scenario(&self) -> Result<Scenario, ScenarioFileError> {
        Scenario::parse(self.toml, &Path::new(self.name).with_extension("toml"))
    }
}

macro_rules! files {
    ($($name:literal,)*) => {
        &[$(Shipped { name: $name, toml: include_str!(concat!("../../scenarios/", $name, ".toml")) },)*]
    };
}

const SHIPPED: &[Shipped] = files![
    "quickstart",
    "ethereum",
    "sub-second",
    "large",
    "partition-heal",
    "churn",
    "adversary-withhold-header",
    "adversary-withhold-body",
    "adversary-answer-late",
    "adversary-other-header",
    "adversary-other-body",
    "adversary-wrong-number",
    "adversary-phantoms",
    "adversary-far-away",
    "adversary-junk",
    "adversary-oversized",
    "adversary-empty",
    "adversary-equivocate",
    "adversary-eclipse",
    "adversary-secret-branch",
    "adversary-replay",
    "adversary-invalid-blocks",
];

/// All of them, in the order in which they are worth looking at.
pub fn shipped() -> &'static [Shipped] {
    SHIPPED
}

/// The one with this name.
pub fn by_name(name: &str) -> Option<&'static Shipped> {
    SHIPPED.iter().find(|shipped| shipped.name == name)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

    use serde_json::Value;

    use super::*;
    use crate::scenario::{AdversaryKind, Assertions};

    #[test]
    fn all_are_read_and_written_back() {
        for shipped in shipped() {
            let scenario = shipped.scenario().unwrap_or_else(|error| panic!("{error}"));
            assert_eq!(scenario.name, shipped.name);
            assert!(scenario.purpose.len() > 40, "{}: the purpose says nothing", shipped.name);
            assert_ne!(scenario.assertions, Assertions::default(), "{}: nothing is asserted", shipped.name);
            let text = scenario.to_toml().unwrap();
            assert_eq!(Scenario::parse(&text, Path::new("other.toml")).unwrap(), scenario, "{text}");
        }
    }

    #[test]
    fn names_lead_to_them() {
        assert_eq!(by_name("ethereum").unwrap().scenario().unwrap().nodes, 6_000);
        assert_eq!(by_name("no-such"), None);
    }

    #[test]
    fn each_adversary_has_one_of_its_own() {
        for &kind in AdversaryKind::ALL {
            let name = format!("adversary-{}", kind.label());
            let scenario = by_name(&name).unwrap_or_else(|| panic!("{name} is missing")).scenario().unwrap();
            assert_eq!(scenario.adversaries.len(), 1, "{name}");
            assert_eq!(scenario.adversaries[0].kind, kind, "{name}");
        }
    }

    #[test]
    fn the_sealers_of_ethereum_are_the_largest_of_jabs() {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/data/simnet/jabs_eth_params.json");
        if !Path::new(file).exists() {
            println!("skipped: {file} is not here");
            return;
        }
        let data: Value = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
        let powers = data["ethereum"]["miner_hash_power_values_equal_prob"].as_array().unwrap();
        let theirs: Vec<f64> = powers.iter().take(20).map(|power| power.as_f64().unwrap()).collect();
        assert_eq!(by_name("ethereum").unwrap().scenario().unwrap().chain.shares, theirs);
    }
}
