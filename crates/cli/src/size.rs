//! Numbers of bytes, as people write them.

/// A number of bytes, with K, M or G for 1,024 of them and its powers.
pub fn bytes(text: &str) -> Result<u64, String> {
    let digits = text.trim_end_matches(['K', 'M', 'G']);
    let unit = match &text[digits.len()..] {
        "" => 1,
        "K" => 1 << 10,
        "M" => 1 << 20,
        "G" => 1 << 30,
        _ => return Err("only one of K, M and G may follow the number".to_owned()),
    };
    let number: u64 = digits
        .parse()
        .map_err(|_| "not a number of bytes, such as 65536, 64K or 1M".to_owned())?;
    number
        .checked_mul(unit)
        .ok_or_else(|| "more bytes than can be counted".to_owned())
}

/// A number of bytes for a person who only wants to know how many there are.
pub fn written(bytes: u64) -> String {
    let bytes_f = bytes as f64;
    match bytes {
        0..1_000 => format!("{bytes} B"),
        1_000..1_000_000 => format!("{:.1} KB", bytes_f / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1} MB", bytes_f / 1e6),
        _ => format!("{:.1} GB", bytes_f / 1e9),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        assert_eq!(bytes("65536"), Ok(65536));
        assert_eq!(bytes("64K"), Ok(65536));
        assert_eq!(bytes("1G"), Ok(1 << 30));
        for wrong in ["", "K", "-1", "1.5M", "1KM", "1k", "1MB", "99999999999G"] {
            assert!(bytes(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn sizes_are_readable() {
        assert_eq!(written(0), "0 B");
        assert_eq!(written(1_234), "1.2 KB");
        assert_eq!(written(18_317_339), "18.3 MB");
        assert_eq!(written(4 << 30), "4.3 GB");
    }
}
