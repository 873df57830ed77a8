//! Tables and quantities as plain text, for the terminal.

use std::fmt;

/// A table with a heading; columns as wide as their widest cell.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TextTable {
    rows: Vec<Vec<String>>,
    right: usize,
}

impl TextTable {
    /// For [`new`](Self::new): no column is set flush right.
    pub const ALL_LEFT: usize = usize::MAX;

    /// With these headings; columns from index `right` on are set flush right.
    pub fn new<S: Into<String>>(headings: impl IntoIterator<Item = S>, right: usize) -> Self {
        Self { rows: vec![headings.into_iter().map(Into::into).collect()], right }
    }

    /// Adds a row.
    pub fn row<S: Into<String>>(&mut self, cells: impl IntoIterator<Item = S>) {
        self.rows.push(cells.into_iter().map(Into::into).collect());
    }
}

impl fmt::Display for TextTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut widths: Vec<usize> = Vec::new();
        for row in &self.rows {
            widths.resize(widths.len().max(row.len()), 0);
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(cell.chars().count());
            }
        }
        for row in &self.rows {
            let mut line = String::new();
            for (column, (cell, width)) in row.iter().zip(&widths).enumerate() {
                if column > 0 {
                    line.push_str("  ");
                }
                let pad = " ".repeat(width - cell.chars().count());
                let (before, after) =
                    if column >= self.right { (pad.as_str(), "") } else { ("", pad.as_str()) };
                line.extend([before, cell, after]);
            }
            writeln!(f, "{}", line.trim_end())?;
        }
        Ok(())
    }
}

/// A span with three digits after the point, in the unit that suits it, rounded half up.
pub fn nanos(nanos: u64) -> String {
    let (unit, name) = match nanos {
        0 => return "0".into(),
        1..1_000 => return format!("{nanos} ns"),
        1_000..1_000_000 => (1_000, "us"),
        1_000_000..1_000_000_000 => (1_000_000, "ms"),
        _ => (1_000_000_000, "s"),
    };
    let thousandths = (u128::from(nanos) * 1_000 + unit / 2) / unit;
    let (whole, rest) = (thousandths / 1_000, thousandths % 1_000);
    if rest == 0 { format!("{whole} {name}") } else { format!("{whole}.{rest:03} {name}") }
}

/// The same, or that it was not reached.
pub fn reached(span: Option<u64>) -> String {
    span.map_or_else(|| "not reached".into(), nanos)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let mut table = TextTable::new(["name", "figure"], 1);
        table.row(["a long name", "1"]);
        table.row(["b", "200"]);
        assert_eq!(table.to_string(), "name         figure\na long name       1\nb               200\n");
    }

    #[test]
    fn spans_take_the_unit_that_suits_them() {
        let spans = [0, 999, 1_500, 50_000_000, 1_234_567, 13_300_000_000, 999_999_999_999];
        let text = ["0", "999 ns", "1.500 us", "50 ms", "1.235 ms", "13.300 s", "1000 s"];
        assert_eq!(spans.map(nanos), text);
        assert_eq!(reached(None), "not reached");
    }
}
