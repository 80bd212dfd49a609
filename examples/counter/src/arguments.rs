//! The command line.

use ability_storage_guest::{Counter, Scope};

pub const HELP: &str = "\
A counter that never hands out a number twice, also with many instances at once.

Usage: counter next [--times N] [--name NAME] [--shared]
       counter show [--name NAME] [--shared]

Commands:
  next           hand out the next number, or the next N, one on each line
  show           print the last number used up, 0 if there is none

Options:
  --times N      how many numbers (1)
  --name NAME    which counter: it is kept in the file NAME.count (counter)
  --shared       one counter for all abilities of the user, not only this one
  --help         print this text
";

/// What to do.
#[derive(Debug, PartialEq, Eq)]
pub enum Command {
    Next { counter: Counter, times: u64 },
    Show { counter: Counter },
    Help,
}

/// Reads the arguments after the program's name. An error is one sentence for a
/// person.
pub fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Command, String> {
    let mut command = None;
    let mut times = None;
    let mut name = "counter".to_owned();
    let mut scope = Scope::Ability;
    while let Some(argument) = arguments.next() {
        let mut value = || {
            arguments
                .next()
                .ok_or_else(|| format!("{argument} needs a value; see --help"))
        };
        match argument.as_str() {
            "--help" | "-h" => return Ok(Command::Help),
            "--shared" => scope = Scope::User,
            "--name" => name = value()?,
            "--times" => {
                let text = value()?;
                let number = text
                    .parse()
                    .map_err(|_| format!("--times needs a number, not {text:?}"))?;
                times = Some(number);
            }
            "next" | "show" if command.is_none() => command = Some(argument),
            other => return Err(format!("unexpected argument {other:?}; see --help")),
        }
    }
    let counter = Counter::new(format!("{name}.count"), scope);
    match (command.as_deref(), times) {
        (Some("next"), times) => Ok(Command::Next {
            counter,
            times: times.unwrap_or(1),
        }),
        (Some(_), None) => Ok(Command::Show { counter }),
        (Some(_), Some(_)) => Err("--times goes with next only; see --help".to_owned()),
        (None, _) => Err("say next or show; see --help".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(arguments: &str) -> Result<Command, String> {
        parse(arguments.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn without_options_it_is_the_abilitys_own_counter() {
        assert_eq!(
            parsed("next"),
            Ok(Command::Next {
                counter: Counter::new("counter.count", Scope::Ability),
                times: 1
            })
        );
        assert_eq!(
            parsed("show"),
            Ok(Command::Show {
                counter: Counter::new("counter.count", Scope::Ability)
            })
        );
    }

    #[test]
    fn options_in_any_order() {
        let expected = Ok(Command::Next {
            counter: Counter::new("tickets.count", Scope::User),
            times: 20,
        });
        assert_eq!(parsed("next --times 20 --name tickets --shared"), expected);
        assert_eq!(parsed("--shared --name tickets next --times 20"), expected);
        assert_eq!(parsed("next --help"), Ok(Command::Help));
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for arguments in [
            "",
            "nxt",
            "next next",
            "next show",
            "next --times",
            "next --times many",
            "next --times -1",
            "next --name",
            "show --times 2",
        ] {
            assert!(parsed(arguments).is_err(), "{arguments}");
        }
    }
}
