//! Counts side by side: each column has its own scale, each cell its figure.

use super::svg::{Anchor, Area, Svg};
use super::{NAMES, WIDTH};
use crate::measure::{PenaltyRecord, Run};
use crate::report::text;

const LINE: f64 = 24.0;
const HEAD: f64 = 40.0;

/// What a cell holds, and in which class it is drawn.
#[derive(Debug)]
struct Cell {
    value: u64,
    class: String,
    hint: String,
}

/// A row's name, its class, and its cells.
#[derive(Debug)]
struct BarRow {
    name: String,
    class: String,
    cells: Vec<Cell>,
}

/// A table of bars.
#[derive(Debug)]
struct Matrix {
    /// Names of the columns, in two lines, and their class.
    columns: Vec<(String, String, String)>,
    rows: Vec<BarRow>,
    /// Room for the rows' names.
    names: f64,
    scales: Scales,
}

/// What the longest bar stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scales {
    /// The most in its column: columns are different things.
    EachColumn,
    /// The most of all: columns are the same thing.
    One,
}

impl Matrix {
    fn draw(&self, title: &str) -> String {
        let height = HEAD + LINE * self.rows.len() as f64 + 8.0;
        let mut svg = Svg::new(title, WIDTH, height);
        let spacing = (WIDTH - self.names) / self.columns.len().max(1) as f64;
        // The longest bar leaves room for its figure.
        let longest = spacing - 66.0;
        for (index, (first, second, class)) in self.columns.iter().enumerate() {
            let left = self.names + spacing * index as f64;
            svg.text(&format!("name {class}"), (left, 14.0), Anchor::Start, first);
            svg.text("note", (left, 29.0), Anchor::Start, second);
            svg.line("axis", (left, HEAD - 2.0), (left, height - 8.0));
        }
        for (line, row) in self.rows.iter().enumerate() {
            let y = HEAD + LINE * line as f64;
            svg.text(&format!("name {}", row.class), (0.0, y + 15.0), Anchor::Start, &row.name);
            for (index, cell) in row.cells.iter().enumerate() {
                let left = self.names + spacing * index as f64;
                let most = self.most(index);
                let width = if most == 0 { 0.0 } else { cell.value as f64 / most as f64 * longest };
                // What is there must be seen, however small beside the largest.
                let width = if cell.value > 0 { width.max(1.5) } else { 0.0 };
                let area = Area { left, top: y + 3.0, width, height: LINE - 8.0 };
                svg.rect(&format!("bar {}", cell.class), area, &cell.hint);
                let class = if cell.value == 0 { "figure muted" } else { "figure" };
                svg.text(
                    class,
                    (left + width + 5.0, y + 15.0),
                    Anchor::Start,
                    &text::short_count(cell.value),
                );
            }
        }
        svg.finish()
    }

    fn most(&self, column: usize) -> u64 {
        let cells = self.rows.iter().flat_map(|row| row.cells.iter().enumerate());
        cells
            .filter(|(index, _)| self.scales == Scales::One || *index == column)
            .map(|(_, cell)| cell.value)
            .max()
            .unwrap_or(0)
    }
}

/// What is counted, in two lines, and where.
type Counted = ((&'static str, &'static str), fn(&Run) -> u64);

const COUNTED: [Counted; 7] = [
    (("requests", "sent"), |run| run.counters.requests),
    (("deadlines", "passed unanswered"), |run| run.counters.deadlines_passed),
    (("hedges", "second peers asked"), |run| run.counters.hedges),
    (("parents", "missing, sought"), |run| run.counters.parents_sought),
    (("deferred", "blocks taken up"), |run| run.counters.deferred_taken_up),
    (("unmatched", "replies to no request"), |run| run.counters.replies_unmatched),
    (("reorganisations", "of a node's head"), |run| run.reorganisations),
];

/// Requests, and what became of them; what never happened is left out.
pub(in crate::report) fn requests(runs: &[Run]) -> String {
    let shown: Vec<&Counted> =
        COUNTED.iter().filter(|(_, count)| runs.iter().any(|run| count(run) > 0)).collect();
    let row = |run: &Run| {
        let class = format!("p-{}", run.policy.label());
        let cell = |(_, count): &&Counted| {
            let value = count(run);
            Cell { value, class: class.clone(), hint: text::grouped(value) }
        };
        BarRow {
            name: run.policy.label().to_owned(),
            cells: shown.iter().map(cell).collect(),
            class: class.clone(),
        }
    };
    let column = |((first, second), _): &&Counted| ((*first).to_owned(), (*second).to_owned(), String::new());
    let matrix = Matrix {
        columns: shown.iter().map(column).collect(),
        rows: runs.iter().map(row).collect(),
        names: NAMES,
        scales: Scales::EachColumn,
    };
    matrix.draw("Requests, deadlines passed, hedges and reorganisations, by policy")
}

/// Who was penalised for what; `None` where nobody was.
pub(in crate::report) fn penalties(runs: &[Run]) -> Option<String> {
    let mut kinds: Vec<&PenaltyRecord> =
        runs.iter().flat_map(|run| &run.penalties).filter(|record| record.count > 0).collect();
    // Honest ones first: they are what to look for.
    kinds.sort_by_key(|record| (record.hostile, record.reason));
    kinds.dedup_by_key(|record| (record.hostile, record.reason));
    let rows: Vec<BarRow> = kinds.iter().map(|kind| penalty_row(kind, runs)).collect();
    if rows.is_empty() {
        return None;
    }
    let column = |run: &Run| {
        let given: u64 = run.penalties.iter().map(|record| record.count).sum();
        let name = run.policy.label();
        (name.to_owned(), format!("{} in all", text::grouped(given)), format!("p-{name}"))
    };
    let matrix =
        Matrix { columns: runs.iter().map(column).collect(), rows, names: 250.0, scales: Scales::One };
    Some(matrix.draw("Penalties by reason and by what the penalised node is, for each policy"))
}

fn penalty_row(kind: &PenaltyRecord, runs: &[Run]) -> BarRow {
    let reason = kind.reason.label().replace('_', " ");
    let cell = |run: &Run| {
        let alike =
            run.penalties.iter().filter(|one| (one.reason, one.hostile) == (kind.reason, kind.hostile));
        let (value, nodes) =
            alike.fold((0, 0), |(count, nodes), one| (count + one.count, nodes + u64::from(one.nodes)));
        let class = match kind.hostile {
            None => "honest".to_owned(),
            Some(_) => format!("p-{}", run.policy.label()),
        };
        Cell {
            value,
            class,
            hint: format!("{} penalties, {} nodes", text::grouped(value), text::grouped(nodes)),
        }
    };
    let (name, class) = match kind.hostile {
        None => (format!("{reason} · HONEST"), "bad"),
        Some(hostile) => (format!("{reason} · {}", hostile.label()), ""),
    };
    BarRow { name, class: class.to_owned(), cells: runs.iter().map(cell).collect() }
}
