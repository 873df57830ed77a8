//! Where two runs that should be the same part.

use std::fmt::Debug;

use super::Run;

impl Run {
    /// The first thing that is not the same in `other`, with both values where they part; `None` for
    /// the same run.
    pub fn difference(&self, other: &Self) -> Option<String> {
        // Taken apart, so that a new field cannot be forgotten here.
        let Self {
            policy,
            seed,
            trace,
            events,
            ended_at,
            blocks,
            nodes,
            traffic,
            penalties,
            memory,
            heads,
            reorganisations,
            counters,
            admissions,
            ends,
            astray,
            not_empty,
            violation,
        } = self;
        // What says where two runs part comes before what says only that they do.
        unlike("violation", violation, &other.violation)
            .or_else(|| first("block", blocks, &other.blocks))
            .or_else(|| first("head sample", heads, &other.heads))
            .or_else(|| first("memory sample", memory, &other.memory))
            .or_else(|| first("node", nodes, &other.nodes))
            .or_else(|| first("traffic", traffic, &other.traffic))
            .or_else(|| first("penalty", penalties, &other.penalties))
            .or_else(|| unlike("counters", counters, &other.counters))
            .or_else(|| unlike("admissions", admissions, &other.admissions))
            .or_else(|| unlike("ends", ends, &other.ends))
            .or_else(|| unlike("events", events, &other.events))
            .or_else(|| unlike("trace", trace, &other.trace))
            .or_else(|| unlike("end", ended_at, &other.ended_at))
            .or_else(|| unlike("reorganisations", reorganisations, &other.reorganisations))
            .or_else(|| unlike("astray", astray, &other.astray))
            .or_else(|| unlike("not empty", not_empty, &other.not_empty))
            .or_else(|| unlike("policy", policy, &other.policy))
            .or_else(|| unlike("seed", seed, &other.seed))
    }
}

fn first<T: PartialEq + Debug>(what: &str, a: &[T], b: &[T]) -> Option<String> {
    let at = (0..a.len().max(b.len())).find(|index| a.get(*index) != b.get(*index))?;
    unlike(&format!("{what} {at}"), &a.get(at), &b.get(at))
}

fn unlike<T: PartialEq + Debug>(what: &str, a: &T, b: &T) -> Option<String> {
    /// Records of large worlds are long; where they part is what is wanted.
    const SHOWN: usize = 60;
    if a == b {
        return None;
    }
    let (a, b) = (format!("{a:?}"), format!("{b:?}"));
    let same = a.chars().zip(b.chars()).take_while(|(a, b)| a == b).count().saturating_sub(SHOWN / 2);
    let part = |text: &str| text.chars().skip(same).take(SHOWN).collect::<String>();
    Some(format!("{what} differs: {} and then {}", part(&a), part(&b)))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
    use crate::measure::tests::run;

    #[test]
    fn the_first_difference_is_named() {
        let run = run();
        assert_eq!(run.difference(&run), None);
        let mut other = run.clone();
        other.trace.push('0');
        assert!(run.difference(&other).unwrap().starts_with("trace differs"));
        other.blocks[1].imported[2] += 1;
        assert!(run.difference(&other).unwrap().starts_with("block 1 differs"));
        other.blocks.truncate(1);
        assert!(run.difference(&other).unwrap().starts_with("block 1 differs"));
    }
}
