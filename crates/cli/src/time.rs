//! Times, as people write them.

use std::time::Duration;

/// A time: a number of seconds, or one with s, m, h or d for seconds, minutes, hours or
/// days.
pub fn time(text: &str) -> Result<Duration, String> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = match &text[digits.len()..] {
        "" | "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => return Err("only one of s, m, h and d may follow the number".to_owned()),
    };
    let number: u64 = digits
        .parse()
        .map_err(|_| "not a time, such as 0, 90s, 15m, 24h or 7d".to_owned())?;
    let seconds = number.checked_mul(unit);
    let seconds = seconds.ok_or_else(|| "longer than can be counted".to_owned())?;
    Ok(Duration::from_secs(seconds))
}

/// A time in the largest unit that divides it.
pub fn written(time: Duration) -> String {
    let seconds = time.as_secs();
    let units = [(86_400, "d"), (3_600, "h"), (60, "m")];
    let unit = units
        .iter()
        .find(|(unit, _)| seconds > 0 && seconds.is_multiple_of(*unit));
    let (unit, name) = unit.copied().unwrap_or((1, "s"));
    format!("{}{name}", seconds / unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times() {
        for (text, seconds) in [
            ("0", 0),
            ("7", 7),
            ("90s", 90),
            ("15m", 900),
            ("24h", 86_400),
            ("7d", 604_800),
        ] {
            assert_eq!(time(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        for wrong in [
            "",
            "h",
            "-1",
            "1.5h",
            "1 d",
            "1w",
            "1hm",
            "1D",
            "99999999999999999999",
            "999999999999999999d",
        ] {
            assert!(time(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn times_are_written_as_they_are_read() {
        for text in ["0s", "90s", "15m", "1d", "7d", "25h"] {
            assert_eq!(written(time(text).expect("a time")), text);
        }
    }
}
