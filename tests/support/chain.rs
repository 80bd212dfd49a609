//! What an ability with a hash chain says of it, one line at a time: `ready` when it has
//! opened the chain, `ok` for each record that it saved.

/// The last record of a chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// How many records there are.
    pub records: u64,
    /// The hash of the last one, which covers those before it.
    pub hash: String,
}

impl Head {
    /// The head in a whole line of this kind. A line without its end was cut off by a kill
    /// and says nothing, however whole it looks.
    pub fn said(kind: &str, line: &str) -> Option<Self> {
        let words: Vec<_> = line.strip_suffix('\n')?.split(' ').collect();
        match words[..] {
            [first, records, hash] if first == kind => Some(Self {
                records: records.parse().expect("a number"),
                hash: hash.to_owned(),
            }),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str = "ok 366 9f2c\n";

    #[test]
    fn a_whole_line_says_a_head() {
        let head = Head {
            records: 366,
            hash: "9f2c".to_owned(),
        };
        assert_eq!(Head::said("ok", LINE), Some(head));
        assert_eq!(Head::said("ready", LINE), None);
    }

    #[test]
    fn a_line_that_was_cut_off_says_nothing_wherever_it_was_cut() {
        for end in 0..LINE.len() {
            assert_eq!(Head::said("ok", &LINE[..end]), None, "{:?}", &LINE[..end]);
        }
    }
}
