//! A table of text with aligned columns.

use std::fmt;

/// Where the text of a column stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Align {
    /// Names and words.
    Left,
    /// Numbers.
    Right,
}

/// Rows under a heading; every column as wide as its widest cell.
#[derive(Debug)]
pub(crate) struct Table {
    align: Vec<Align>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table with this heading.
    pub(crate) fn new<const N: usize>(heading: [(&str, Align); N]) -> Self {
        Table {
            align: heading.iter().map(|(_, align)| *align).collect(),
            rows: vec![heading.iter().map(|(name, _)| (*name).to_owned()).collect()],
        }
    }

    /// A table with a heading of any width.
    #[cfg(feature = "evidence")]
    pub(crate) fn with(heading: Vec<(String, Align)>) -> Self {
        let (names, align) = heading.into_iter().unzip();
        Table {
            align,
            rows: vec![names],
        }
    }

    /// One more row, of as many cells as the heading has.
    pub(crate) fn push<const N: usize>(&mut self, row: [String; N]) {
        self.push_all(row.into());
    }

    /// As [`push`](Self::push).
    pub(crate) fn push_all(&mut self, row: Vec<String>) {
        assert_eq!(
            row.len(),
            self.align.len(),
            "a row has a cell for each column"
        );
        self.rows.push(row);
    }

    fn width(&self, column: usize) -> usize {
        let cells = self.rows.iter().map(|row| row[column].chars().count());
        cells.max().unwrap_or(0)
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let widths: Vec<usize> = (0..self.align.len()).map(|c| self.width(c)).collect();
        for row in &self.rows {
            let mut line = String::new();
            for ((cell, width), align) in row.iter().zip(&widths).zip(&self.align) {
                line.push_str(&match align {
                    Align::Left => format!("{cell:<width$}  "),
                    Align::Right => format!("{cell:>width$}  "),
                });
            }
            writeln!(f, "{}", line.trim_end())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up() {
        let mut table = Table::new([("what", Align::Left), ("count", Align::Right)]);
        table.push(["a".to_owned(), "12,345".to_owned()]);
        table.push(["longer".to_owned(), "7".to_owned()]);
        assert_eq!(
            table.to_string(),
            "what     count\na       12,345\nlonger       7\n"
        );
    }
}
