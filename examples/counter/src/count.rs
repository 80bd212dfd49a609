//! What the file of a counter holds: the last number used up, in decimal digits.
//!
//! Must never take a file that it cannot read for a counter at zero: numbers
//! would be handed out again.

/// Why there is no next number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CountError {
    /// The file holds something else. It stays as it is.
    #[error("it does not hold a number, and was left as it is; write the last number used into it")]
    Corrupt,
    /// All numbers are used up.
    #[error("its numbers are used up: {} was the last", u64::MAX)]
    Exhausted,
}

/// The last number used up: 0 if there is no file yet.
pub fn last(contents: Option<&[u8]>) -> Result<u64, CountError> {
    let Some(contents) = contents else {
        return Ok(0);
    };
    // Editors put a line feed at the end of what people repair by hand.
    let digits = contents.strip_suffix(b"\n").unwrap_or(contents);
    // `parse` alone would take "+7".
    if !digits.iter().all(u8::is_ascii_digit) {
        return Err(CountError::Corrupt);
    }
    str::from_utf8(digits)
        .ok()
        .and_then(|digits| digits.parse().ok())
        .ok_or(CountError::Corrupt)
}

/// The number after the last one.
pub fn next(contents: Option<&[u8]>) -> Result<u64, CountError> {
    last(contents)?.checked_add(1).ok_or(CountError::Exhausted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counting_starts_with_one() {
        assert_eq!(last(None), Ok(0));
        assert_eq!(next(None), Ok(1));
    }

    #[test]
    fn each_number_follows_the_last() {
        let mut file = None;
        for expected in 1..=12 {
            let number = next(file.as_deref()).unwrap();
            assert_eq!(number, expected);
            file = Some(number.to_string().into_bytes());
        }
    }

    #[test]
    fn a_file_repaired_by_hand_counts() {
        assert_eq!(next(Some(b"41\n")), Ok(42));
    }

    #[test]
    fn a_corrupt_file_is_an_error_and_never_zero() {
        let corrupt: [&[u8]; 9] = [
            b"", b"\n", b"x", b"+7", b"-1", b"1 ", b"1\n\n", b"1.0", b"\xff",
        ];
        for contents in corrupt {
            assert_eq!(last(Some(contents)), Err(CountError::Corrupt));
            assert_eq!(next(Some(contents)), Err(CountError::Corrupt));
        }
        let too_long = Some(b"18446744073709551616".as_slice());
        assert_eq!(next(too_long), Err(CountError::Corrupt));
    }

    #[test]
    fn it_ends_and_does_not_begin_again() {
        let file = u64::MAX.to_string();
        assert_eq!(last(Some(file.as_bytes())), Ok(u64::MAX));
        assert_eq!(next(Some(file.as_bytes())), Err(CountError::Exhausted));
    }
}
