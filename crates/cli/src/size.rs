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
}
