//! An ability that keeps a list of things to do.

mod list;

use ability_storage_guest::{Error, Scope, State};
use list::List;
use std::process::ExitCode;

const FILE: &str = "list.json";

const USAGE: &str = "usage: add TEXT | done NUMBER | list";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match run(&args) {
        Ok(list) => {
            print!("{}", list.text());
            ExitCode::SUCCESS
        }
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}

/// Does what the arguments say, and returns the list as it is then.
fn run(args: &[String]) -> Result<List, String> {
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    // For example: "list.json was not changed: the disk is full".
    let told = |error: Error| error.to_string();
    let mut list = State::<List>::load_or_default(FILE, Scope::Ability).map_err(told)?;
    match args[..] {
        [] | ["list"] => {}
        // The file is written before `update` returns. It may be called again if
        // another instance writes at the same time, so that nothing is lost.
        ["add", text] => list.update(|list| list.add(text)).map_err(told)?,
        ["done", number] => {
            list.update(|list| list.done(number)).map_err(told)??;
        }
        _ => return Err(USAGE.to_owned()),
    }
    Ok(list.clone())
}
