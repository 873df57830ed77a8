//! What is left of a run in which an invariant broke: its scenario and its last events, in one file
//! that runs again as it is.

use std::collections::VecDeque;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use herald_simnet::scenario::{Policy, Scenario};
use herald_simnet::world::{Log, Setup};

use super::drive;
use super::error::CommandError;

/// How many of the last entries are kept: enough to see a request from its cause to its end.
const ENTRIES: usize = 2_000;

/// Runs the policy again, keeping its last events, and writes `simnet-failure-SEED.txt` in `dir`.
///
/// The run that failed kept nothing, since that costs more than the run; the same seed fails again.
pub(crate) fn save(
    scenario: &Scenario,
    setup: &Setup,
    policy: Policy,
    what: &str,
    dir: &Path,
) -> Result<PathBuf, CommandError> {
    let alone = Scenario { policies: vec![policy], ..scenario.clone() };
    let last = Last::default();
    // What it comes to is known already; it is run for its events.
    let _ = drive::policy(&alone, setup, policy, Log::Write(Box::new(last.clone())));
    let path = dir.join(format!("simnet-failure-{}.txt", scenario.seed));
    let text = text(&alone, what, &path, &last.lines())?;
    let part = path.with_extension("txt.part");
    fs::write(&part, text)
        .and_then(|()| fs::rename(&part, &path))
        .map_err(|source| CommandError::Write { path: path.clone(), source })?;
    Ok(path)
}

fn text(scenario: &Scenario, what: &str, path: &Path, events: &[String]) -> Result<String, CommandError> {
    let mut text = String::new();
    comment(&mut text, &format!("simnet {}, seed {}", env!("CARGO_PKG_VERSION"), scenario.seed));
    what.lines().for_each(|line| comment(&mut text, line));
    comment(&mut text, &format!("run it again: simnet run {}", path.display()));
    text.push_str(&scenario.to_toml()?);
    comment(&mut text, &format!("the last {} lines of its log:", events.len()));
    events.iter().for_each(|line| comment(&mut text, line));
    Ok(text)
}

/// A comment of TOML, in which no control character may stand.
fn comment(text: &mut String, line: &str) {
    text.push_str("# ");
    text.extend(line.chars().filter(|letter| !letter.is_control()));
    text.push('\n');
}

/// The last lines written, readable even after whoever wrote them panicked.
#[derive(Clone, Debug, Default)]
struct Last(Arc<Mutex<Lines>>);

#[derive(Debug, Default)]
struct Lines {
    whole: VecDeque<String>,
    begun: Vec<u8>,
}

impl Last {
    fn lines(&self) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).whole.iter().cloned().collect()
    }
}

impl Write for Last {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            lines.begun.extend_from_slice(part);
            if part.ends_with(b"\n") {
                let line = String::from_utf8_lossy(&std::mem::take(&mut lines.begun)).trim_end().to_owned();
                if lines.whole.len() == ENTRIES {
                    lines.whole.pop_front();
                }
                lines.whole.push_back(line);
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
    use super::*;

    #[test]
    fn the_last_lines_are_kept_however_they_are_written() {
        let mut last = Last::default();
        for line in 0..ENTRIES + 3 {
            last.write_all(b"line ").unwrap();
            write!(last, "{line}\nhalf of ").unwrap();
        }
        let lines = last.lines();
        assert_eq!(lines.len(), ENTRIES);
        assert_eq!(lines[ENTRIES - 1], format!("half of line {}", ENTRIES + 2));
        assert_eq!(lines[0], "half of line 3");
    }

    #[test]
    fn a_failure_runs_again_as_it_is() {
        let dir = tempfile::tempdir().unwrap();
        let scenario = Scenario {
            nodes: 30,
            seed: 77,
            policies: vec![Policy::GethModel, Policy::Herald],
            ..Scenario::default()
        };
        let setup = Setup::new(&scenario).unwrap();
        let what = "an entry without an announcer\n\u{7}\tin two lines";
        let path = save(&scenario, &setup, Policy::Herald, what, dir.path()).unwrap();
        assert!(path.ends_with("simnet-failure-77.txt"));
        let again = Scenario::read(&path).unwrap();
        assert_eq!(again, Scenario { policies: vec![Policy::Herald], ..scenario });
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains("# in two lines\n") && text.contains("\n# the last 2000 lines"), "{text}");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }
}
