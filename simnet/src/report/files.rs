//! The folder that a run leaves: the scenario with every option, the figures, and tables by block and
//! by node.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;
use strum::{IntoStaticStr, VariantArray};
use thiserror::Error;

use crate::measure::Run;
use crate::measure::stats::Quantiles;
use crate::measure::summary::{BlockSummary, Summary, standing};
use crate::measure::verdict::ScenarioVerdict;
use crate::scenario::Scenario;

/// A file of the folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, IntoStaticStr, VariantArray)]
#[non_exhaustive]
pub enum Name {
    /// The scenario with every option spelt out; it runs again as it is.
    #[strum(to_string = "scenario.toml")]
    Scenario,
    /// Figures and verdict.
    #[strum(to_string = "summary.json")]
    Summary,
    /// A line for each policy and block.
    #[strum(to_string = "blocks.csv")]
    Blocks,
    /// A line for each policy and node.
    #[strum(to_string = "nodes.csv")]
    Nodes,
    /// The report to look at.
    #[strum(to_string = "report.html")]
    Page,
    /// The trace of events, where it was asked for.
    #[strum(to_string = "trace.txt")]
    Trace,
    /// The raw rows of a sweep.
    #[strum(to_string = "rows.csv")]
    Rows,
    /// The figures of a sweep.
    #[strum(to_string = "figures.json")]
    Figures,
}

impl Name {
    /// All files that a command may leave.
    pub const ALL: &'static [Self] = Self::VARIANTS;

    /// What the file is called.
    pub fn file(self) -> &'static str {
        self.into()
    }
}

/// Why a folder was not made, or not filled.
#[derive(Debug, Error)]
#[allow(missing_docs, reason = "a field without words of its own is what the message says it is")]
#[non_exhaustive]
pub enum FilesError {
    /// It holds something, and no run left it.
    #[error(
        "{path} is not empty and holds no {}, so no run left it: name a new folder, or empty this one",
        Name::Scenario.file()
    )]
    NotOurs { path: PathBuf },
    /// It, or a file in it, cannot be made.
    #[error("{path}: {source}")]
    File { path: PathBuf, source: io::Error },
}

/// The folder of a run. Each file appears whole or not at all.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
}

impl Folder {
    /// Makes the folder, or takes over one that an earlier run left: what that wrote goes, so that no
    /// file of one run stands beside those of another; what else is in it stays.
    ///
    /// # Errors
    /// [`FilesError::NotOurs`] where the folder holds something and no run left it.
    pub fn create(path: &Path) -> Result<Self, FilesError> {
        let at = |path: &Path, source| FilesError::File { path: path.into(), source };
        fs::create_dir_all(path).map_err(|error| at(path, error))?;
        let empty = fs::read_dir(path).map_err(|error| at(path, error))?.next().is_none();
        if !empty && !path.join(Name::Scenario.file()).is_file() {
            return Err(FilesError::NotOurs { path: path.into() });
        }
        // The scenario's file is what says that the folder is ours: it is only ever replaced.
        for name in Name::ALL.iter().filter(|name| **name != Name::Scenario) {
            let file = path.join(name.file());
            match fs::remove_file(&file) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(at(&file, error)),
                Ok(()) | Err(_) => {}
            }
        }
        Ok(Self { path: path.into() })
    }

    /// Where a file of it is.
    pub fn path(&self, name: Name) -> PathBuf {
        self.path.join(name.file())
    }

    /// Writes one file. The scenario comes first, so that the folder can be taken over later.
    ///
    /// # Errors
    /// The file cannot be written, or `content` fails.
    pub fn write(
        &self,
        name: Name,
        content: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> Result<(), FilesError> {
        let path = self.path(name);
        let part = self.path.join(format!("{}.part", name.file()));
        let written = (|| {
            let mut file = BufWriter::new(File::create(&part)?);
            content(&mut file)?;
            file.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
            fs::rename(&part, &path)
        })();
        written.map_err(|source| {
            // What is left of it is of no use; that it cannot be removed says nothing new.
            let _ = fs::remove_file(&part);
            FilesError::File { path, source }
        })
    }

    /// Writes what every run leaves. `toml` is the resolved scenario as text; the runs and their
    /// summaries are in the same order.
    ///
    /// # Errors
    /// A file cannot be written.
    pub fn write_run(
        &self,
        scenario: &Scenario,
        toml: &str,
        runs: &[Run],
        summaries: &[Summary],
        verdict: &ScenarioVerdict,
    ) -> Result<(), FilesError> {
        self.write(Name::Scenario, |to| to.write_all(toml.as_bytes()))?;
        let document = SummaryFile {
            scenario: &scenario.name,
            seed: scenario.seed,
            digest: scenario.digest(),
            version: env!("CARGO_PKG_VERSION"),
            verdict,
            runs: summaries,
        };
        self.write(Name::Summary, |to| json(&document, to))?;
        self.write(Name::Blocks, |to| blocks(summaries, to))?;
        self.write(Name::Nodes, |to| nodes(runs, to))
    }
}

/// What summary.json holds. Times are nanoseconds; null is "not reached".
#[derive(Serialize)]
struct SummaryFile<'a> {
    scenario: &'a str,
    seed: u64,
    digest: String,
    version: &'static str,
    verdict: &'a ScenarioVerdict,
    runs: &'a [Summary],
}

/// Writes indented JSON with a line's end.
///
/// # Errors
/// What `to` gives.
pub fn json(document: &impl Serialize, to: &mut dyn Write) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *to, document)?;
    to.write_all(b"\n")
}

const BLOCK_COLUMNS: [&str; 10] = [
    "policy",
    "slot",
    "number",
    "hash",
    "sealer",
    "sealed_at_ns",
    "bytes",
    "canonical",
    "deliveries",
    "not_reached",
];

fn blocks(summaries: &[Summary], to: &mut dyn Write) -> io::Result<()> {
    let mut writer = csv::Writer::from_writer(to);
    let clocks = ["heard", "whole", "imported", "bound"];
    let times = clocks
        .iter()
        .flat_map(|clock| Quantiles::default().all().map(|(percent, _)| format!("{clock}_p{percent}_ns")));
    writer.write_record(BLOCK_COLUMNS.map(String::from).into_iter().chain(times))?;
    for summary in summaries {
        for block in &summary.blocks {
            writer.write_record(block_cells(summary, block))?;
        }
    }
    writer.flush()
}

fn block_cells(summary: &Summary, block: &BlockSummary) -> Vec<String> {
    let mut cells = vec![
        summary.policy.label().into(),
        block.slot.to_string(),
        block.number.to_string(),
        block.hash.clone().unwrap_or_default(),
        block.sealer.to_string(),
        block.sealed_at.to_string(),
        block.bytes.to_string(),
        block.canonical.to_string(),
        block.deliveries.to_string(),
        block.not_reached.to_string(),
    ];
    for times in [block.heard, block.whole, block.imported, block.bound.unwrap_or_default()] {
        cells.extend(times.all().map(|(_, time)| time.map_or_else(String::new, |time| time.to_string())));
    }
    cells
}

/// One line of nodes.csv.
#[derive(Serialize)]
struct NodeLine<'a> {
    policy: &'a str,
    node: usize,
    is: &'a str,
    region: u8,
    degree: u32,
    online_throughout: bool,
    online_at_end: bool,
    head_number: u64,
    head_hash: String,
    sent_bytes: u64,
    received_bytes: u64,
    block_bytes: u64,
    memory_peak_bytes: u64,
    memory_bound_bytes: Option<u64>,
    penalised: u32,
}

fn nodes(runs: &[Run], to: &mut dyn Write) -> io::Result<()> {
    let mut writer = csv::Writer::from_writer(to);
    for run in runs {
        for (node, record) in run.nodes.iter().enumerate() {
            writer.serialize(NodeLine {
                policy: run.policy.label(),
                node,
                is: standing(record.hostile),
                region: record.region,
                degree: record.degree,
                online_throughout: record.online_throughout,
                online_at_end: record.online_at_end,
                head_number: record.head_number,
                head_hash: record.head_hash.to_string(),
                sent_bytes: record.sent_bytes,
                received_bytes: record.received_bytes,
                block_bytes: record.block_bytes,
                memory_peak_bytes: record.memory_peak,
                memory_bound_bytes: record.memory_bound,
                penalised: record.penalised,
            })?;
        }
    }
    writer.flush()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs, reason = "tests")]
    use super::*;
    use crate::measure::NEVER;
    use crate::measure::tests::{run, scenario};
    use crate::scenario::{AdversaryKind, Policy};

    fn filled(path: &Path) -> Folder {
        let mut run = run();
        run.nodes[2].hostile = Some(AdversaryKind::Junk);
        run.blocks[0].imported[3] = NEVER;
        let mut other = run.clone();
        other.policy = Policy::GethModel;
        let runs = [run, other];
        let summaries = [Summary::of(&runs[0], None), Summary::of(&runs[1], None)];
        let mut scenario = scenario();
        scenario.assertions.all_delivered = true;
        let verdict = ScenarioVerdict::of(&scenario.assertions, &summaries);
        let folder = Folder::create(path).unwrap();
        let toml = scenario.to_toml().unwrap();
        folder.write_run(&scenario, &toml, &runs, &summaries, &verdict).unwrap();
        folder
    }

    fn lines(folder: &Folder, name: Name) -> Vec<String> {
        let text = fs::read_to_string(folder.path(name)).unwrap();
        text.lines().map(String::from).collect()
    }

    #[test]
    fn a_run_leaves_its_files_and_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let folder = filled(&dir.path().join("new/deep"));
        let mut names: Vec<_> = fs::read_dir(&folder.path)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        assert_eq!(names, ["blocks.csv", "nodes.csv", "scenario.toml", "summary.json"]);
        assert_eq!(Scenario::read(&folder.path(Name::Scenario)).unwrap().chain, scenario().chain);

        let blocks = lines(&folder, Name::Blocks);
        assert_eq!(blocks.len(), 1 + 4);
        assert!(blocks[0].ends_with("imported_p100_ns,bound_p50_ns,bound_p90_ns,bound_p99_ns,bound_p100_ns"));
        assert!(blocks[1].starts_with("herald,0,1,0x0101"));
        // Half of two were reached, all were not, and no bound was computed.
        assert!(blocks[1].ends_with(",110000000,,,,,,,"), "{}", blocks[1]);
        let nodes = lines(&folder, Name::Nodes);
        assert_eq!(nodes.len(), 1 + 8);
        assert!(nodes[3].starts_with("herald,2,junk,0,3,true,true,2,0x0202"));
        assert!(nodes[5].starts_with("geth-model,0,honest,"));

        let summary = fs::read_to_string(folder.path(Name::Summary)).unwrap();
        let summary: serde_json::Value = serde_json::from_str(&summary).unwrap();
        assert_eq!(summary["runs"][0]["imported"]["p99"], serde_json::Value::Null);
        assert_eq!(summary["verdict"]["rows"][0]["found"][0]["held"], "no");
        assert_eq!(summary["runs"][1]["policy"], "geth-model");
    }

    #[test]
    fn an_earlier_run_is_replaced_and_what_others_put_there_stays() {
        let dir = tempfile::tempdir().unwrap();
        let folder = filled(dir.path());
        folder.write(Name::Trace, |to| to.write_all(b"old")).unwrap();
        fs::write(dir.path().join("notes.txt"), "mine").unwrap();
        let folder = filled(dir.path());
        assert!(!folder.path(Name::Trace).exists());
        assert_eq!(fs::read_to_string(dir.path().join("notes.txt")).unwrap(), "mine");
    }

    #[test]
    fn a_folder_of_somebody_else_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let page = dir.path().join(Name::Page.file());
        fs::write(&page, "mine").unwrap();
        assert!(matches!(Folder::create(dir.path()), Err(FilesError::NotOurs { .. })));
        assert_eq!(fs::read_to_string(&page).unwrap(), "mine");
        assert!(matches!(Folder::create(&page), Err(FilesError::File { .. })));
    }

    #[test]
    fn a_file_that_fails_leaves_the_one_before() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::create(dir.path()).unwrap();
        folder.write(Name::Page, |to| to.write_all(b"whole")).unwrap();
        let failed = folder.write(Name::Page, |to| {
            to.write_all(b"half")?;
            Err(io::Error::other("disk full"))
        });
        assert!(failed.unwrap_err().to_string().ends_with("report.html: disk full"));
        assert_eq!(fs::read_to_string(folder.path(Name::Page)).unwrap(), "whole");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }
}
