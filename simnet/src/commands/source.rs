//! Which scenario a command is about, and what the command line changes in it.

use std::io::Write;
use std::path::Path;

use clap::Args;
use herald_simnet::scenario::{Scenario, Topology, by_name, shipped};

use super::error::CommandError;

/// A scenario from the command line.
#[derive(Clone, Debug, Args)]
pub(crate) struct ScenarioArgs {
    /// A shipped scenario's name, or a file: whatever has an ending or a folder.
    #[arg(value_name = "NAME|FILE.toml")]
    pub(crate) scenario: String,
    /// Run with this many nodes instead of the scenario's.
    #[arg(long, value_name = "N")]
    pub(crate) nodes: Option<u32>,
}

/// The seed from the command line.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct SeedArgs {
    /// Draw everything from this seed instead of the scenario's.
    #[arg(long, value_name = "N")]
    pub(crate) seed: Option<u64>,
}

impl ScenarioArgs {
    /// The scenario, with the options of the command line, checked.
    pub(crate) fn load(&self, seed: Option<u64>) -> Result<Scenario, CommandError> {
        let mut scenario = named(&self.scenario)?;
        scenario.nodes = self.nodes.unwrap_or(scenario.nodes);
        scenario.seed = seed.unwrap_or(scenario.seed);
        scenario.check()?;
        Ok(scenario)
    }
}

/// The scenario with every option, as it is shown before a run. Edges are counted, not shown: there
/// may be a million.
pub(crate) fn show(scenario: &Scenario, out: &mut dyn Write) -> Result<(), CommandError> {
    writeln!(out, "seed {}", scenario.seed)?;
    let mut shown = scenario.clone();
    if let Topology::Edges { edges } = &mut shown.topology {
        writeln!(out, "edges {}", edges.len())?;
        edges.clear();
    }
    writeln!(out, "\n{}", shown.to_toml()?)?;
    Ok(())
}

fn named(name: &str) -> Result<Scenario, CommandError> {
    let path = Path::new(name);
    if path.extension().is_some() || path.components().count() > 1 {
        return Ok(Scenario::read(path)?);
    }
    match by_name(name) {
        Some(shipped) => Ok(shipped.scenario()?),
        None => Err(CommandError::Unknown { name: name.into(), nearest: nearest(name) }),
    }
}

/// The shipped scenario whose name is spelt most like this one, where any is.
fn nearest(name: &str) -> Option<&'static str> {
    let names = shipped().iter().map(|shipped| shipped.name);
    let contained = |known: &&str| name.len() >= 3 && known.contains(name);
    let close = names.clone().map(|known| (edits(name, known), known));
    let close = close.filter(|(edits, known)| edits * 3 <= known.chars().count()).min();
    close.map(|(_, known)| known).or_else(|| names.clone().find(contained))
}

/// How many characters have to be inserted, removed or replaced to turn one word into the other.
fn edits(from: &str, to: &str) -> usize {
    let mut row: Vec<usize> = (0..=to.chars().count()).collect();
    for (line, a) in (1..).zip(from.chars()) {
        let mut next = vec![line];
        for ((b, diagonal), above) in to.chars().zip(&row).zip(row.iter().skip(1)) {
            let left = next.last().copied().unwrap_or(line);
            next.push((diagonal + usize::from(a != b)).min(above + 1).min(left + 1));
        }
        row = next;
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_compared_by_letters() {
        assert_eq!(edits("", "abc"), 3);
        assert_eq!(edits("kitten", "sitting"), 3);
        assert_eq!(edits("abc", "abc"), 0);
    }

    #[test]
    fn a_slip_leads_to_the_name_and_nonsense_to_none() {
        assert_eq!(nearest("quickstrat"), Some("quickstart"));
        assert_eq!(nearest("eclipse"), Some("adversary-eclipse"));
        assert_eq!(nearest("xyzzy-nothing-like-it"), None);
    }
}
