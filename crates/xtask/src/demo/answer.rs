//! What the audit-chain ability says on stdout: `ready <count> <head>` once, then
//! `ok <sequence> <head>` for each record that it saved.

/// A record's hash, which covers all records before it.
pub type Head = String;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    Ready { count: usize, head: Head },
    Ok { sequence: usize, head: Head },
}

impl Answer {
    pub fn parse(line: &str) -> Option<Self> {
        let mut words = line.split_whitespace();
        let verb = words.next()?;
        let number = words.next()?.parse().ok()?;
        let head = words.next()?.to_owned();
        match (verb, words.next()) {
            ("ready", None) => Some(Self::Ready {
                count: number,
                head,
            }),
            ("ok", None) => Some(Self::Ok {
                sequence: number,
                head,
            }),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_two_answers_are_understood() {
        let head = || "9f2c".to_owned();
        assert_eq!(
            Answer::parse("ready 0 9f2c"),
            Some(Answer::Ready {
                count: 0,
                head: head()
            })
        );
        assert_eq!(
            Answer::parse("ok 17 9f2c\n"),
            Some(Answer::Ok {
                sequence: 17,
                head: head()
            })
        );
    }

    #[test]
    fn anything_else_is_not() {
        for line in [
            "",
            "ok",
            "ok 17",
            "ok x 9f2c",
            "ready -1 9f2c",
            "fine 1 9f2c",
            "ok 1 9f2c more",
        ] {
            assert_eq!(Answer::parse(line), None, "{line:?}");
        }
    }
}
