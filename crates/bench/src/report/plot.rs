//! Bar charts: one picture for each part of a case, with a panel for each place.

use super::by_part;
use super::svg::{Anchor, Svg};
use super::table::time;
use crate::case::Table;
use crate::contestant::{Guarantees, Kept, Kind};
use crate::measure::Row;

const WIDTH: f64 = 760.0;
const LABELS: f64 = 210.0;
/// To the right of the longest bar, for its number.
const NUMBERS: f64 = 110.0;
const ROW: f64 = 22.0;
const BAR: f64 = 14.0;
const HEAD: f64 = 74.0;
const PANEL: f64 = 34.0;

/// A file's name, and the picture that belongs into it.
pub fn plots(tables: &[Table]) -> Vec<(String, String)> {
    let parts = by_part(tables).into_iter();
    parts
        .map(|(part, tables)| (file_name(tables[0], part), plot(part, &tables)))
        .collect()
}

fn file_name(table: &Table, part: &str) -> String {
    let case = format!("{:?}", table.case).to_lowercase();
    let words = part.split(|c: char| !c.is_ascii_alphanumeric());
    let words: Vec<_> = words.filter(|word| !word.is_empty()).collect();
    format!("{case}-{}.svg", words.join("-").to_lowercase())
}

fn plot(part: &str, tables: &[&Table]) -> String {
    let mut svg = Svg::new(WIDTH);
    svg.text(12.0, 24.0, Anchor::Start, "title", part);
    let operation = tables.first().map_or("", |table| &table.operation);
    let about = format!("Time for {operation}: median and p10 to p90 of rounds. Less is better.");
    svg.text(12.0, 43.0, Anchor::Start, "small", &about);
    legend(&mut svg, 62.0);
    let mut top = HEAD;
    for table in tables {
        top = panel(&mut svg, top, table);
    }
    svg.finish(top + 8.0, part)
}

fn legend(svg: &mut Svg, base: f64) {
    let mut left = 12.0;
    for (class, text) in [
        ("ours", "ability-storage"),
        ("peer", "keeps whole and durable"),
        ("less", "keeps less"),
        ("limit", "the limit: replaces nothing"),
    ] {
        svg.bar(left, base - 10.0, 10.0, 10.0, class, text);
        svg.text(left + 15.0, base, Anchor::Start, "small", text);
        left += 30.0 + 6.3 * text.len() as f64;
    }
}

/// Draws one, and returns where the next begins.
fn panel(svg: &mut Svg, top: f64, table: &Table) -> f64 {
    svg.text(12.0, top + 22.0, Anchor::Start, "panel", &table.place);
    let longest = table.rows.iter().map(|row| row.microseconds.median);
    let longest = longest.fold(f64::MIN_POSITIVE, f64::max);
    let scale = (WIDTH - LABELS - NUMBERS) / longest;
    let bottom = top + PANEL + ROW * table.rows.len() as f64;
    svg.line((LABELS, top + PANEL - 4.0), (LABELS, bottom), "axis");
    for (index, row) in table.rows.iter().enumerate() {
        bar(svg, top + PANEL + ROW * index as f64, scale, row);
    }
    bottom + 6.0
}

fn bar(svg: &mut Svg, top: f64, scale: f64, row: &Row) {
    let (about, spread) = (&row.about, row.microseconds);
    let title = format!("{}: {}", about.name, time(spread.median));
    let middle = top + BAR / 2.0;
    svg.text(LABELS - 8.0, middle + 4.0, Anchor::End, "", &about.name);
    svg.bar(LABELS, top, spread.median * scale, BAR, class(row), &title);
    // A round that was far out must not leave the picture.
    let right = WIDTH - NUMBERS + 12.0;
    let end = |value: f64| (LABELS + value * scale).min(right);
    let (low, high) = (end(spread.p10), end(spread.p90));
    svg.line((low, middle), (high, middle), "whisker");
    for x in [low, high] {
        svg.line((x, middle - 3.0), (x, middle + 3.0), "whisker");
    }
    let number = time(spread.median);
    let at = high.max(end(spread.median)) + 6.0;
    svg.text(at, middle + 4.0, Anchor::Start, "small", &number);
}

fn class(row: &Row) -> &'static str {
    match row.about.kind {
        Kind::Ours | Kind::OursInGuest => "ours",
        Kind::Limit => "limit",
        Kind::Guest | Kind::Raw | Kind::Peer if is_safe(&row.about.guarantees) => "peer",
        Kind::Guest | Kind::Raw | Kind::Peer => "less",
    }
}

fn is_safe(guarantees: &Guarantees) -> bool {
    guarantees.whole == Kept::Always && guarantees.durable == Kept::Always
}

#[cfg(test)]
mod tests {
    use super::super::table::tests::table;
    use super::*;

    /// The names of elements that are open, checked against each end; texts must not hold
    /// what only markup may.
    fn assert_well_formed(svg: &str) {
        let mut open = Vec::new();
        let mut rest = svg;
        while let Some(start) = rest.find('<') {
            assert!(!rest[..start].contains('>'), "{}", &rest[..start]);
            let end = start + rest[start..].find('>').expect("a tag ends");
            let tag = &rest[start + 1..end];
            assert!(!tag.contains('<'), "{tag}");
            assert_eq!(tag.matches('"').count() % 2, 0, "{tag}");
            match tag.strip_prefix('/') {
                Some(name) => assert_eq!(open.pop(), Some(name)),
                None if tag.ends_with('/') => {}
                None => open.push(tag.split(' ').next().expect("a name")),
            }
            rest = &rest[end + 1..];
        }
        assert!(open.is_empty(), "{open:?}");
        assert_eq!(rest.trim(), "");
    }

    #[test]
    fn a_plot_is_well_formed() {
        let all = plots(&[table()]);
        assert_eq!(all.len(), 1);
        let (name, svg) = &all[0];
        assert_eq!(name, "replace-4-kib-1-writer.svg");
        assert_well_formed(svg);
        assert!(svg.contains("fast &amp; &lt;bad&gt;"), "{svg}");
    }

    #[test]
    fn places_share_a_picture() {
        let other = Table {
            place: "xfs".to_owned(),
            ..table()
        };
        let all = plots(&[table(), other]);
        assert_eq!(all.len(), 1);
        assert_well_formed(&all[0].1);
        assert!(all[0].1.contains(">ext4<") && all[0].1.contains(">xfs<"));
    }

    #[test]
    fn whiskers_stay_in_the_picture() {
        let mut table = table();
        table.rows[0].microseconds.p90 = 1e9;
        let svg = &plots(&[table])[0].1;
        let x2 = svg.split("x2=\"").skip(1);
        let x2 = x2.map(|text| text.split('"').next().expect("a number"));
        for x in x2 {
            assert!(x.parse::<f64>().expect("a number") <= WIDTH, "{x}");
        }
    }
}
