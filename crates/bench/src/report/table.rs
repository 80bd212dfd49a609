//! Tables, for a terminal and in Markdown.

use crate::case::Table;
use crate::contestant::Kind;
use crate::measure::Row;
use crate::statistics::ratio;

const HEADINGS: [&str; 8] = [
    "",
    "keeps",
    "median",
    "p10 to p90",
    "to ours",
    "op/s",
    "flushes",
    "calls",
];

/// For a terminal.
pub fn text(table: &Table) -> String {
    let rows: Vec<_> = table.rows.iter().map(|row| cells(table, row)).collect();
    let mut widths = HEADINGS.map(|heading| heading.chars().count());
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let line = |cells: &[String; 8]| {
        let padded = cells.iter().zip(widths).enumerate();
        let padded = padded.map(|(column, (cell, width))| match column {
            0 | 1 => format!("{cell:<width$}"),
            _ => format!("{cell:>width$}"),
        });
        let padded: Vec<_> = padded.collect();
        format!("  {}", padded.join("  ").trim_end())
    };
    let mut lines = vec![
        format!("\n{}: {} ({})", table.place, table.part, table.operation),
        line(&HEADINGS.map(str::to_owned)),
    ];
    lines.extend(rows.iter().map(line));
    lines.extend(conclusion(table).map(|text| format!("  {text}")));
    lines.join("\n")
}

/// All tables, in Markdown.
pub fn markdown(tables: &[Table]) -> String {
    let mut text = String::new();
    for table in tables {
        text += &format!(
            "\n### {}: {}\n\nAn operation is {}.\n\n",
            table.place, table.part, table.operation
        );
        text += &format!("| {} |\n", HEADINGS.join(" | "));
        text += "|---|---|--:|--:|--:|--:|--:|--:|\n";
        for row in &table.rows {
            text += &format!("| {} |\n", cells(table, row).join(" | "));
        }
        if let Some(conclusion) = conclusion(table) {
            text += &format!("\n{conclusion}\n");
        }
    }
    text
}

/// Ours: the first, which the others are compared with.
fn ours(table: &Table) -> Option<&Row> {
    table.rows.iter().find(|row| row.about.kind == Kind::Ours)
}

fn cells(table: &Table, row: &Row) -> [String; 8] {
    let spread = row.microseconds;
    let to_ours = ours(table).and_then(|ours| ratio(&row.rounds, &ours.rounds));
    [
        row.about.name.clone(),
        row.about.guarantees.letters(),
        time(spread.median),
        format!("{} to {}", time(spread.p10), time(spread.p90)),
        to_ours.map_or_else(dash, |ratio| format!("{ratio:.2}")),
        digits(1e6 / spread.median),
        row.flushes.map_or_else(dash, |count| format!("{count:.2}")),
        row.calls.map_or_else(dash, |count| format!("{count:.1}")),
    ]
}

fn dash() -> String {
    "-".to_owned()
}

/// How each of ours stands to others.
fn conclusion(table: &Table) -> Option<String> {
    let ours = table.rows.iter().filter(|row| row.about.kind.is_ours());
    let sentences: Vec<_> = ours
        .flat_map(|row| match row.about.name == row.about.contestant {
            true => to_others(table, row),
            false => to_itself(table, row),
        })
        .collect();
    (!sentences.is_empty()).then(|| sentences.join(" "))
}

/// To the fastest that keeps as much, and to the same without a guest.
fn to_others(table: &Table, row: &Row) -> Vec<String> {
    let name = &row.about.name;
    let native = name.strip_prefix("guest: ");
    let native = native.and_then(|name| table.rows.iter().find(|row| row.about.name == name));
    let native = native.and_then(|native| {
        let ratio = ratio(&row.rounds, &native.rounds)?;
        Some(format!(
            "{name} takes {ratio:.2} of the time without a guest."
        ))
    });
    let fastest = fastest_peer(table, row).map(|(peer, ratio)| {
        let peer = &peer.about.name;
        format!(
            "{name} takes {ratio:.2} of the time of the fastest other way that keeps as \
             much ({peer})."
        )
    });
    native.into_iter().chain(fastest).collect()
}

/// To what else the same contestant did.
fn to_itself(table: &Table, row: &Row) -> Vec<String> {
    let same = |other: &&Row| other.about.contestant == row.about.contestant;
    let Some(first) = table.rows.iter().find(same) else {
        return Vec::new();
    };
    let (name, other) = (&row.about.name, &first.about.name);
    match ratio(&row.rounds, &first.rounds) {
        Some(ratio) if name != other => {
            vec![format!("{name} takes {ratio:.2} times as long as {other}.")]
        }
        _ => Vec::new(),
    }
}

/// The fastest of the others that keep as much as `ours`, and what part of its time ours
/// takes. Guests are compared with guests.
pub fn fastest_peer<'a>(table: &'a Table, ours: &Row) -> Option<(&'a Row, f64)> {
    let (kind, kept) = (ours.about.kind, ours.about.guarantees);
    let is_peer = |row: &&Row| {
        let other = &row.about;
        !other.kind.is_ours()
            && other.kind.is_guest() == kind.is_guest()
            && other.guarantees.cover(&kept)
    };
    let by_time = |a: &&Row, b: &&Row| a.microseconds.median.total_cmp(&b.microseconds.median);
    let peer = table.rows.iter().filter(is_peer).min_by(by_time)?;
    Some((peer, ratio(&ours.rounds, &peer.rounds)?))
}

/// Three digits, with the unit that suits.
pub fn time(microseconds: f64) -> String {
    match microseconds {
        small if small < 1e3 => format!("{} µs", digits(small)),
        middle if middle < 1e6 => format!("{} ms", digits(middle / 1e3)),
        large => format!("{} s", digits(large / 1e6)),
    }
}

fn digits(number: f64) -> String {
    match number {
        small if small < 9.995 => format!("{small:.2}"),
        middle if middle < 99.95 => format!("{middle:.1}"),
        large => format!("{large:.0}"),
    }
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use crate::case::Case;
    use crate::contestant::Guarantees;
    use crate::measure::About;
    use crate::statistics::Spread;

    fn row(name: &str, kind: Kind, guarantees: Guarantees, rounds: &[f64]) -> Row {
        Row {
            about: About {
                name: name.to_owned(),
                contestant: name.to_owned(),
                kind,
                guarantees,
            },
            microseconds: Spread::of(rounds).expect("rounds"),
            rounds: rounds.to_vec(),
            operations_per_round: 1,
            flushes: Some(4.0),
            calls: None,
        }
    }

    pub fn table() -> Table {
        Table {
            case: Case::Replace,
            part: "4 KiB, 1 writer".to_owned(),
            place: "ext4".to_owned(),
            operation: "one replace".to_owned(),
            rows: vec![
                row("ours", Kind::Ours, Guarantees::ALL, &[500.0, 600.0]),
                row("slow", Kind::Peer, Guarantees::ALL, &[2000.0, 2400.0]),
                row("fast & <bad>", Kind::Peer, Guarantees::TORN, &[5.0, 6.0]),
            ],
        }
    }

    #[test]
    fn who_keeps_less_is_no_peer() {
        let table = table();
        let (peer, ratio) = fastest_peer(&table, &table.rows[0]).expect("a peer");
        assert_eq!((peer.about.name.as_str(), ratio), ("slow", 0.25));
    }

    #[test]
    fn a_table_has_a_row_for_each() {
        let text = text(&table());
        assert!(text.contains("550 µs"), "{text}");
        assert!(text.contains("2.20 ms"), "{text}");
        assert!(text.contains("takes 0.25 of the time"), "{text}");
        let markdown = markdown(&[table()]);
        assert!(markdown.contains("| slow | WDOPM |"), "{markdown}");
    }

    #[test]
    fn several_rows_of_one_are_compared_with_its_first() {
        let mut table = table();
        for (row, name) in table
            .rows
            .iter_mut()
            .zip(["ours, 10 files", "ours, 20 files"])
        {
            row.about.name = name.to_owned();
            row.about.contestant = "ours".to_owned();
            row.about.kind = Kind::Ours;
        }
        let said = conclusion(&table).expect("a sentence");
        assert_eq!(
            said,
            "ours, 20 files takes 4.00 times as long as ours, 10 files."
        );
    }

    #[test]
    fn times_have_three_digits() {
        for (microseconds, said) in [
            (0.5, "0.50 µs"),
            (99.96, "100 µs"),
            (1234.0, "1.23 ms"),
            (12_340_000.0, "12.3 s"),
        ] {
            assert_eq!(time(microseconds), said);
        }
    }
}
