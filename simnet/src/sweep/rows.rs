//! The raw rows of a sweep, as CSV: written, read back strictly, and merged.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use csv::{ErrorKind, Reader, ReaderBuilder, StringRecord};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::measure::summary::Summary;
use crate::scenario::Policy;

/// One block of one run. Times are nanoseconds from the seal; empty is "not reached".
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SweepRow {
    /// Which scenario: [`Scenario::digest`](crate::scenario::Scenario::digest).
    pub scenario: String,
    /// From which seed.
    pub seed: u64,
    /// What ran in the nodes.
    pub policy: Policy,
    /// The block's slot.
    pub slot: u32,
    /// Its hash; empty where the slot stayed empty.
    pub hash: String,
    /// Bytes of the whole block on the wire.
    pub bytes: u64,
    /// Deliveries looked for.
    pub deliveries: u64,
    /// Those that did not happen.
    pub not_reached: u64,
    /// Until 50 of 100 nodes had imported it.
    pub imported_p50_ns: Option<u64>,
    /// Until 90 of 100 had.
    pub imported_p90_ns: Option<u64>,
    /// Until 99 of 100 had.
    pub imported_p99_ns: Option<u64>,
    /// Until all had.
    pub imported_p100_ns: Option<u64>,
    /// The lower bound until 50 of 100 have.
    pub bound_p50_ns: Option<u64>,
    /// The lower bound until 99 of 100 have.
    pub bound_p99_ns: Option<u64>,
    /// Of the whole run: bytes of blocks received for each byte of block.
    pub redundancy: Option<f64>,
    /// Of the whole run: requests sent.
    pub requests: u64,
    /// Of the whole run: those not answered by their deadline.
    pub timeouts: u64,
    /// Of the whole run: the hash over all events.
    pub trace: String,
}

/// The columns, in order; a file with others is refused.
pub const COLUMNS: [&str; 18] = [
    "scenario",
    "seed",
    "policy",
    "slot",
    "hash",
    "bytes",
    "deliveries",
    "not_reached",
    "imported_p50_ns",
    "imported_p90_ns",
    "imported_p99_ns",
    "imported_p100_ns",
    "bound_p50_ns",
    "bound_p99_ns",
    "redundancy",
    "requests",
    "timeouts",
    "trace",
];

impl SweepRow {
    /// What rows are sorted by, and what no two differ under.
    pub fn key(&self) -> (u64, Policy, u32) {
        (self.seed, self.policy, self.slot)
    }
}

/// What rows cannot be read, written or merged for.
#[derive(Debug, Error)]
#[allow(missing_docs, reason = "a field without words of its own is what the message says it is")]
#[non_exhaustive]
pub enum RowsError {
    /// The file cannot be opened, read or written.
    #[error("{path}: {source}")]
    File { path: PathBuf, source: io::Error },
    /// It has other columns.
    #[error("{path}: line 1: these are not the rows of a sweep by this version; its columns are {}", COLUMNS.join(","))]
    Columns { path: PathBuf },
    /// A line is no row.
    #[error("{path}: line {line}: {what}")]
    Line {
        path: PathBuf,
        /// Where.
        line: u64,
        /// What is wrong.
        what: LineError,
    },
    /// Rows of two scenarios, or of two versions of the simulator.
    #[error(
        "{path}: line {line}: this row is of scenario {found}, and the first of {wanted}: merge parts of one sweep only"
    )]
    Scenario {
        path: PathBuf,
        /// Where.
        line: u64,
        found: String,
        /// That of the first row.
        wanted: String,
    },
    /// The same block of the same seed and policy came out in two ways.
    #[error(
        "{path}: line {line}: seed {seed}, policy {policy}, slot {slot} differs from {other}: line {other_line}; the same sweep gives the same rows, so one file was changed or comes from another build"
    )]
    Conflict {
        /// The one file.
        path: PathBuf,
        /// Where.
        line: u64,
        /// The other file.
        other: PathBuf,
        /// Where.
        other_line: u64,
        /// Of which seed.
        seed: u64,
        /// Of which policy.
        policy: &'static str,
        /// Of which slot.
        slot: u32,
    },
    /// There are no rows at all.
    #[error("there is no row in what was given")]
    Empty,
}

/// What is wrong with a line.
#[derive(Debug, Error)]
#[allow(missing_docs, reason = "a field without words of its own is what the message says it is")]
#[non_exhaustive]
pub enum LineError {
    /// It is no CSV, or not UTF-8, or has too many or too few cells.
    #[error("{0}")]
    Csv(csv::Error),
    /// A cell does not hold what its column holds.
    #[error("column {column}: {what}")]
    Cell {
        column: &'static str,
        /// What is wrong.
        what: String,
    },
}

/// The rows of one run.
pub fn of(digest: &str, summary: &Summary) -> Vec<SweepRow> {
    let blocks = summary.blocks.iter();
    blocks
        .map(|block| SweepRow {
            scenario: digest.into(),
            seed: summary.seed,
            policy: summary.policy,
            slot: block.slot,
            hash: block.hash.clone().unwrap_or_default(),
            bytes: block.bytes,
            deliveries: block.deliveries,
            not_reached: block.not_reached,
            imported_p50_ns: block.imported.p50,
            imported_p90_ns: block.imported.p90,
            imported_p99_ns: block.imported.p99,
            imported_p100_ns: block.imported.p100,
            bound_p50_ns: block.bound.and_then(|bound| bound.p50),
            bound_p99_ns: block.bound.and_then(|bound| bound.p99),
            redundancy: summary.redundancy,
            requests: summary.requests,
            timeouts: summary.timeouts,
            trace: summary.trace.clone(),
        })
        .collect()
}

/// Writes rows, the columns first.
///
/// # Errors
/// What `to` gives.
pub fn write(rows: &[SweepRow], to: impl Write) -> io::Result<()> {
    let mut writer = csv::WriterBuilder::new().has_headers(false).from_writer(to);
    writer.write_record(COLUMNS)?;
    for row in rows {
        writer.serialize(row)?;
    }
    writer.flush()
}

/// Reads the files of several shards into one sweep: sorted, the same whatever their order. A row
/// that is there twice is taken once.
///
/// # Errors
/// A file cannot be read, a line is no row, or the files are not parts of one sweep.
pub fn merge(paths: &[PathBuf]) -> Result<Vec<SweepRow>, RowsError> {
    let mut all: Vec<(SweepRow, u64, &Path)> = Vec::new();
    for path in paths {
        let file = File::open(path).map_err(|source| RowsError::File { path: path.clone(), source })?;
        all.extend(read(file, path)?.into_iter().map(|(row, line)| (row, line, path.as_path())));
    }
    // The path too, so that an error does not depend on the order of the files.
    all.sort_by(|a, b| (a.0.key(), a.2, a.1).cmp(&(b.0.key(), b.2, b.1)));
    let mut merged: Vec<(SweepRow, u64, &Path)> = Vec::with_capacity(all.len());
    for (row, line, path) in all {
        if let Some((first, ..)) = merged.first().filter(|(first, ..)| first.scenario != row.scenario) {
            let wanted = first.scenario.clone();
            return Err(RowsError::Scenario { path: path.into(), line, found: row.scenario, wanted });
        }
        match merged.last().filter(|(last, ..)| last.key() == row.key()) {
            None => merged.push((row, line, path)),
            Some((last, ..)) if *last == row => {}
            Some((_, other_line, other)) => {
                return Err(RowsError::Conflict {
                    path: path.into(),
                    line,
                    other: other.into(),
                    other_line: *other_line,
                    seed: row.seed,
                    policy: row.policy.label(),
                    slot: row.slot,
                });
            }
        }
    }
    if merged.is_empty() {
        return Err(RowsError::Empty);
    }
    Ok(merged.into_iter().map(|(row, ..)| row).collect())
}

/// Reads rows, each with its line. `path` is where they come from, for errors.
///
/// # Errors
/// [`RowsError`] names file and line.
pub fn read(from: impl io::Read, path: &Path) -> Result<Vec<(SweepRow, u64)>, RowsError> {
    let mut reader = ReaderBuilder::new().has_headers(false).from_reader(from);
    let mut record = StringRecord::new();
    if !next(&mut reader, &mut record, path)? || record != COLUMNS[..] {
        return Err(RowsError::Columns { path: path.into() });
    }
    let mut rows = Vec::new();
    while next(&mut reader, &mut record, path)? {
        let line = record.position().map_or(0, csv::Position::line);
        let error = |what| RowsError::Line { path: path.into(), line, what };
        let row: SweepRow = record.deserialize(None).map_err(|cause| error(LineError::of(cause)))?;
        check(&row).map_err(error)?;
        rows.push((row, line));
    }
    Ok(rows)
}

fn next<R: io::Read>(
    reader: &mut Reader<R>,
    record: &mut StringRecord,
    path: &Path,
) -> Result<bool, RowsError> {
    reader.read_record(record).map_err(|error| {
        let line = error.position().map_or(0, csv::Position::line);
        if !error.is_io_error() {
            return RowsError::Line { path: path.into(), line, what: LineError::Csv(error) };
        }
        RowsError::File { path: path.into(), source: error.into() }
    })
}

impl LineError {
    fn of(error: csv::Error) -> Self {
        let ErrorKind::Deserialize { err, .. } = error.kind() else { return Self::Csv(error) };
        let column = err.field().and_then(|field| COLUMNS.get(usize::try_from(field).ok()?));
        match column {
            Some(column) => Self::Cell { column, what: err.kind().to_string() },
            None => Self::Csv(error),
        }
    }
}

/// What the types do not say of a row.
fn check(row: &SweepRow) -> Result<(), LineError> {
    let cell = |column, what: &str| Err(LineError::Cell { column, what: what.into() });
    let hex = |text: &str| text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    if row.scenario.len() != 32 || !hex(&row.scenario) {
        return cell("scenario", "not 32 hexadecimal digits");
    }
    let hash = row.hash.strip_prefix("0x");
    if !row.hash.is_empty() && !hash.is_some_and(|digits| digits.len() == 64 && hex(digits)) {
        return cell("hash", "neither empty nor 0x and 64 hexadecimal digits");
    }
    if row.not_reached > row.deliveries {
        return cell("not_reached", "more than there are deliveries");
    }
    if row.redundancy.is_some_and(|redundancy| !redundancy.is_finite() || redundancy < 0.0) {
        return cell("redundancy", "no number that is zero or more");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs, reason = "tests")]
    use super::*;
    use crate::measure::NEVER;
    use crate::measure::tests::{run, scenario};

    fn rows(seed: u64) -> Vec<SweepRow> {
        let mut run = run();
        run.seed = seed;
        run.blocks[0].imported[3] = NEVER;
        run.nodes[1].block_bytes = 2_345;
        run.blocks[1].hash = if seed == 3 { None } else { run.blocks[1].hash };
        of(&scenario().digest(), &Summary::of(&run, None))
    }

    fn text(rows: &[SweepRow]) -> String {
        let mut bytes = Vec::new();
        write(rows, &mut bytes).unwrap();
        String::from_utf8(bytes).unwrap()
    }

    fn refused(text: &str) -> String {
        read(text.as_bytes(), Path::new("a.csv")).unwrap_err().to_string()
    }

    #[test]
    fn what_is_written_reads_back_the_same() {
        let rows = [rows(1), rows(3)].concat();
        let back = read(text(&rows).as_bytes(), Path::new("a.csv")).unwrap();
        assert_eq!(back.iter().map(|(_, line)| *line).collect::<Vec<_>>(), [2, 3, 4, 5]);
        assert_eq!(back.into_iter().map(|(row, _)| row).collect::<Vec<_>>(), rows);
        assert_eq!((rows[0].imported_p100_ns, rows[3].hash.as_str()), (None, ""));
    }

    #[test]
    fn the_columns_are_the_fields() {
        let mut writer = csv::Writer::from_writer(Vec::new());
        writer.serialize(&rows(1)[0]).unwrap();
        let text = String::from_utf8(writer.into_inner().unwrap()).unwrap();
        assert_eq!(text.lines().next().unwrap(), COLUMNS.join(","));
    }

    #[test]
    fn a_line_that_is_no_row_is_named() {
        let good = text(&rows(1));
        let with = |from: &str, to: &str| refused(&good.replacen(from, to, 1));
        assert!(refused("").starts_with("a.csv: line 1: these are not the rows"));
        assert!(with("slot", "slots").starts_with("a.csv: line 1: these are not the rows"));
        assert!(with(",1,herald", ",x,herald").starts_with("a.csv: line 2: column seed: "));
        assert!(with(",herald,", ",geth,").starts_with("a.csv: line 2: "));
        assert!(with(",herald,1,0x", ",herald,1,").starts_with("a.csv: line 3: column hash: "));
        assert!(with(",1000,3,1,", ",1000,3,4,").starts_with("a.csv: line 2: column not_reached: "));
        assert!(with(",1000,3,", ",1000,-3,").starts_with("a.csv: line 2: column deliveries: "));
        assert!(with(",herald,0", ",herald").starts_with("a.csv: line 2: "));
        let redundancy = format!(",{},", rows(1)[0].redundancy.unwrap());
        for figure in [",NaN,", ",inf,", ",-1.0,", ",one,"] {
            assert!(with(&redundancy, figure).starts_with("a.csv: line 2: column redundancy: "), "{figure}");
        }
        assert!(with(&scenario().digest(), "abc").starts_with("a.csv: line 2: column scenario: "));
    }

    #[test]
    fn a_merge_does_not_depend_on_order_and_takes_what_is_twice_once() {
        let dir = tempfile::tempdir().unwrap();
        let file = |name: &str, rows: &[SweepRow]| {
            let path = dir.path().join(name);
            std::fs::write(&path, text(rows)).unwrap();
            path
        };
        let (a, b) = (file("a", &[rows(5), rows(1)].concat()), file("b", &[rows(3), rows(5)].concat()));
        let merged = merge(&[a.clone(), b.clone()]).unwrap();
        assert_eq!(merged, [rows(1), rows(3), rows(5)].concat());
        assert_eq!(merge(&[b.clone(), a.clone()]).unwrap(), merged);

        let mut changed = rows(5);
        changed[1].requests += 1;
        let c = file("c", &changed);
        let error = merge(&[a.clone(), c.clone()]).unwrap_err().to_string();
        assert_eq!(merge(&[c, a.clone()]).unwrap_err().to_string(), error);
        let conflict = "c: line 3: seed 5, policy herald, slot 1 differs from ";
        assert!(error.contains(conflict) && error.contains("a: line 3;"), "{error}");

        let mut other = scenario();
        other.nodes = 5;
        let mut others = rows(9);
        others.iter_mut().for_each(|row| row.scenario = other.digest());
        let error = merge(&[a, file("d", &others)]).unwrap_err();
        assert!(matches!(error, RowsError::Scenario { line: 2, .. }), "{error}");
        assert!(matches!(merge(&[]), Err(RowsError::Empty)));
        assert!(matches!(merge(&[dir.path().join("none")]), Err(RowsError::File { .. })));
    }
}
