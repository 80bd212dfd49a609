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

#[cfg(test)]
mod tests {
    use super::{FILE, run};
    use ability_storage_guest::testing::MemoryStorage;
    use ability_storage_guest::{Scope, State};

    fn text(args: &[&str]) -> Result<String, String> {
        let args: Vec<String> = args.iter().map(|&arg| arg.to_owned()).collect();
        run(&args).map(|list| list.text())
    }

    #[test]
    fn a_list_is_kept() {
        let _storage = MemoryStorage::new();
        assert_eq!(text(&["add", "eat"]), Ok("1 eat\n".to_owned()));
        assert_eq!(text(&["add", "sleep"]), Ok("1 eat\n2 sleep\n".to_owned()));
        assert_eq!(text(&["done", "1"]), Ok("1 sleep\n".to_owned()));
        assert_eq!(text(&["list"]), Ok("1 sleep\n".to_owned()));
    }

    #[test]
    fn what_another_instance_adds_meanwhile_stays() {
        let storage = MemoryStorage::new();
        storage.interfere(|| {
            let list = State::<super::List>::load_or_default(FILE, Scope::Ability);
            list.and_then(|mut list| list.update(|list| list.add("work"))).unwrap();
        });
        assert_eq!(text(&["add", "eat"]), Ok("1 work\n2 eat\n".to_owned()));
    }

    #[test]
    fn a_full_disk_loses_nothing() {
        let storage = MemoryStorage::new();
        text(&["add", "eat"]).unwrap();
        storage.set_disk_full(true);
        let error = text(&["add", "sleep"]).unwrap_err();
        assert_eq!(error, "list.json was not changed: the disk is full");
        assert_eq!(text(&[]), Ok("1 eat\n".to_owned()));
    }
}
