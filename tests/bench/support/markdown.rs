//! Tables as Markdown, aligned so that they can be read as they are.

/// A table; the first column is text, the others are numbers.
#[derive(Debug)]
pub(crate) struct Table {
    head: Vec<String>,
    /// How many columns from the left are text.
    text_columns: usize,
    rows: Vec<Vec<String>>,
}

impl Table {
    pub(crate) fn new(text_columns: usize, head: &[&str]) -> Self {
        Self { head: head.iter().map(|&cell| cell.to_owned()).collect(), text_columns, rows: Vec::new() }
    }

    pub(crate) fn row(&mut self, cells: Vec<String>) {
        self.rows.push(cells);
    }

    pub(crate) fn print(&self) {
        let width = |column: usize| {
            let cells = std::iter::once(&self.head).chain(&self.rows).filter_map(|row| row.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or_default().max(3)
        };
        let widths: Vec<usize> = (0..self.head.len()).map(width).collect();
        self.print_row(&self.head, &widths);
        let rule = widths.iter().enumerate().map(|(column, &width)| {
            if column < self.text_columns { "-".repeat(width) } else { format!("{}:", "-".repeat(width - 1)) }
        });
        println!("| {} |", rule.collect::<Vec<_>>().join(" | "));
        for row in &self.rows {
            self.print_row(row, &widths);
        }
    }

    fn print_row(&self, row: &[String], widths: &[usize]) {
        let cells = row.iter().zip(widths).enumerate().map(|(column, (cell, &width))| {
            if column < self.text_columns { format!("{cell:<width$}") } else { format!("{cell:>width$}") }
        });
        println!("| {} |", cells.collect::<Vec<_>>().join(" | "));
    }
}

/// A count with separators: 1234567 is 1,234,567.
pub(crate) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A number with as many decimals as asked for, or a dash where it could not be had.
pub(crate) fn number(value: Option<f64>, decimals: usize) -> String {
    value.map_or_else(|| "-".to_owned(), |value| format!("{value:.decimals$}"))
}

/// Middle value; the mean of the middle two where the number is even. `None` of nothing.
pub(crate) fn median(values: impl IntoIterator<Item = f64>) -> Option<f64> {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    let upper = *values.get(values.len() / 2)?;
    let lower = *values.get((values.len() - 1) / 2)?;
    Some(f64::midpoint(lower, upper))
}
