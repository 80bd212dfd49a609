//! One table for each part of each case, with a column for each place: what a reader
//! wants first.

use super::by_part;
use super::table::time;
use crate::case::Table;
use std::fmt::Write;

/// Medians in Markdown, and flushes where they were counted.
pub fn summary(tables: &[Table]) -> String {
    let mut text = String::new();
    for (part, tables) in by_part(tables) {
        // Writing to a string cannot fail.
        let _ = write!(text, "\n### {part}\n\n{}", one(&tables));
    }
    text
}

fn one(tables: &[&Table]) -> String {
    let places = tables.iter().map(|table| format!(" {} |", table.place));
    let mut text = format!("| | keeps |{}\n", places.collect::<String>());
    text += &format!("|---|---|{}\n", "--:|".repeat(tables.len()));
    let Some(first) = tables.first() else {
        return text;
    };
    for row in &first.rows {
        let about = &row.about;
        text += &format!("| {} | {} |", about.name, about.guarantees.letters());
        for table in tables {
            text += &format!(" {} |", cell(table, &about.name));
        }
        text.push('\n');
    }
    text
}

fn cell(table: &Table, name: &str) -> String {
    let row = table.rows.iter().find(|row| row.about.name == name);
    let Some(row) = row else {
        return "-".to_owned();
    };
    let median = time(row.microseconds.median);
    match row.flushes {
        Some(flushes) => format!("{median}, {flushes:.1} fl."),
        None => median,
    }
}

#[cfg(test)]
mod tests {
    use super::super::table::tests::table;
    use super::*;

    #[test]
    fn each_place_has_a_column() {
        let mut other = table();
        other.place = "tmpfs".to_owned();
        other.rows.truncate(1);
        other.rows[0].flushes = None;
        let text = summary(&[table(), other]);
        assert!(text.contains("| | keeps | ext4 | tmpfs |"), "{text}");
        let ours = "| ours | WDOPM | 550 µs, 4.0 fl. | 550 µs |";
        assert!(text.contains(ours), "{text}");
        assert!(
            text.contains("| slow | WDOPM | 2.20 ms, 4.0 fl. | - |"),
            "{text}"
        );
    }
}
