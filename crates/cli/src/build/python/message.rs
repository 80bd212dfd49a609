//! What componentize-py says of an ability that could not be imported, as its
//! author would say it: their traceback, with their paths, and nothing else.

use std::path::{Path, PathBuf};

const TRACEBACK: &str = "Traceback (most recent call last):";

/// The traceback of the ability; none if the tool itself failed. `path` is what
/// is mounted as `/0`, `/1` and so on.
pub fn of(said: &str, path: &[PathBuf], folder: &Path) -> Option<String> {
    // An error of the ability is the text of an error of componentize-py.
    let (_, said) = said.split_once("AssertionError: ")?;
    let (message, causes) = said.split_once("\n\nCaused by:").unwrap_or((said, ""));
    if let Some(start) = message.find(TRACEBACK) {
        return Some(with_their_paths(message[start..].trim_end(), path, folder));
    }
    let exit = causes.split_once("Exited with i32 exit status")?;
    let code = exit.1.lines().next().unwrap_or_default().trim();
    Some(format!(
        "it ended the program (sys.exit, exit status {code})"
    ))
}

fn with_their_paths(traceback: &str, path: &[PathBuf], folder: &Path) -> String {
    let mut shown = String::new();
    let mut skipping = false;
    for line in traceback.lines() {
        if let Some(file) = line.trim_start().strip_prefix("File \"") {
            // The entry, which only imports the ability.
            skipping = file.starts_with("/0/");
        } else if !line.starts_with(' ') {
            skipping = false;
        }
        if skipping {
            continue;
        }
        shown.push_str(&their_path(line, path, folder));
        shown.push('\n');
    }
    shown.truncate(shown.trim_end().len());
    shown
}

fn their_path(line: &str, path: &[PathBuf], folder: &Path) -> String {
    let mut line = line.to_owned();
    for (number, directory) in path.iter().enumerate() {
        let mounted = format!("\"/{number}/");
        if line.contains(&mounted) {
            let directory = match directory == folder {
                true => String::new(),
                false => format!("{}/", directory.display()),
            };
            line = line.replace(&mounted, &format!("\"{directory}"));
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAID: &str = r#"Traceback (most recent call last):
  File "<string>", line 1, in <module>
AssertionError: Traceback (most recent call last):
  File "/0/ability_app.py", line 3, in <module>
    from ability_entry import Run
  File "/1/main.py", line 1, in <module>
    import helper
  File "/3/helper.py", line 7, in <module>
    1 / 0
    ~~^~~
ZeroDivisionError: division by zero

Caused by:
    ZeroDivisionError: division by zero

Stack backtrace:
   0: <anyhow::Error>::msg
"#;

    fn path() -> Vec<PathBuf> {
        ["/app", "/notes", "/sdk", "/packages"]
            .map(PathBuf::from)
            .into()
    }

    #[test]
    fn a_traceback_is_that_of_the_author() {
        let message = of(SAID, &path(), Path::new("/notes")).expect("a traceback");
        assert_eq!(
            message,
            r#"Traceback (most recent call last):
  File "main.py", line 1, in <module>
    import helper
  File "/packages/helper.py", line 7, in <module>
    1 / 0
    ~~^~~
ZeroDivisionError: division by zero"#
        );
    }

    #[test]
    fn an_exit_at_the_top_level() {
        let said = "AssertionError: \n\nCaused by:\n    0: error while executing\n    1: Exited \
                    with i32 exit status 3\n\nStack backtrace:\n   0: x";
        let message = of(said, &path(), Path::new("/notes")).expect("an exit");
        assert_eq!(message, "it ended the program (sys.exit, exit status 3)");
    }

    #[test]
    fn a_failure_of_the_tool_is_none_of_the_author() {
        let said = "AssertionError: no such world\n\nCaused by:\n    0: x";
        assert_eq!(of(said, &path(), Path::new("/notes")), None);
        assert_eq!(of("Killed", &path(), Path::new("/notes")), None);
    }
}
