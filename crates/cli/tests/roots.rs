//! Roots in object stores: `run`, `copy` and `gc` with urls, and what is refused.
#![cfg(feature = "object-store")]

use end_to_end::command::{Ability, Ended, end, end_with_input};
use std::fs;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Command;
use std::thread;

fn ability() -> Ability {
    Ability::new(env!("CARGO_BIN_EXE_ability"), env!("CARGO_TARGET_TMPDIR"))
}

/// The command with these words, and nothing that a store could take from outside.
fn command(ability: &Ability, words: &[&str]) -> Command {
    let mut command = ability.command();
    command.current_dir(ability.directory()).args(words);
    let variables = std::env::vars_os().map(|(name, _)| name);
    let of_stores = |name: &std::ffi::OsString| {
        let name = name.to_string_lossy();
        ["AWS_", "GOOGLE_", "AZURE_"]
            .iter()
            .any(|prefix| name.starts_with(prefix))
    };
    for name in variables.filter(of_stores) {
        command.env_remove(name);
    }
    command
        .env("AWS_ACCESS_KEY_ID", "id")
        .env("AWS_SECRET_ACCESS_KEY", "secret")
        .env("AWS_REGION", "us-east-1");
    command
}

fn call(ability: &Ability, words: &[&str]) -> Ended {
    end(command(ability, words))
}

fn probe() -> String {
    let path = end_to_end::guests::path("probe");
    path.to_str().expect("text").to_owned()
}

/// That the command line is refused with a reason, before anything is done.
fn check_refused(ability: &Ability, words: &[&str], reason: &str) {
    let ended = call(ability, words);
    assert_eq!(ended.code, Some(2), "{words:?}: {ended:?}");
    // Long lines are broken for the width of the terminal.
    let said = ended
        .stderr
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ");
    assert!(said.contains(reason), "{words:?}: {ended:?}");
}

/// A server that gives the same answer to whatever it is asked, but for deletes, which
/// succeed.
fn server(status: &'static str, body: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = format!("http://{}", listener.local_addr().expect("bound"));
    thread::spawn(move || {
        for stream in listener.incoming() {
            // One that the client gave up is no matter.
            let _ = stream.and_then(|stream| answer(stream, status, body));
        }
    });
    address
}

fn answer(stream: TcpStream, status: &str, body: &str) -> io::Result<()> {
    let mut stream = BufReader::new(stream);
    let (mut is_delete, mut length) = (false, 0);
    loop {
        let mut line = String::new();
        stream.read_line(&mut line)?;
        let line = line.trim().to_lowercase();
        if line.is_empty() {
            break;
        }
        is_delete |= line.starts_with("post ");
        if let Some(("content-length", bytes)) = line.split_once(": ") {
            length = bytes.parse().unwrap_or(0);
        }
    }
    stream.read_exact(&mut vec![0; length])?;
    let (status, body) = match is_delete {
        true => (
            "200 OK",
            "<DeleteResult><Deleted><Key>it</Key></Deleted></DeleteResult>",
        ),
        false => (status, body),
    };
    let length = body.len();
    write!(
        stream.get_mut(),
        "HTTP/1.1 {status}\r\nETag: \"1\"\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}"
    )
}

#[test]
fn an_ability_writes_and_reads_in_memory() {
    let (ability, probe) = (ability(), probe());
    for url in ["memory://", "memory:///some/where"] {
        let words = ["run", &probe, "--root", url, "--", "script"];
        let script = "write\ta\tb c\nread\ta\nwrite\tu\tours\t--user\nread\tu\t--user\nlist\t\n";
        let ended = end_with_input(command(&ability, &words), script);
        assert_eq!(ended.stdout, "ok\nok b c\nok\nok ours\nok a\n", "{ended:?}");
        assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""));
    }
    let made = fs::read_dir(ability.directory()).expect("listed").count();
    assert_eq!(made, 0);
}

#[test]
fn limits_verbosity_and_the_cache_are_for_stores_too() {
    let (ability, probe) = (ability(), probe());
    let run = |options: &[&str], args: &[&str]| {
        let words = [
            &["run", &probe, "--root", "memory:///"],
            options,
            &["--"],
            args,
        ];
        call(&ability, &words.concat())
    };
    let ended = run(&["--max-file-bytes", "1K"], &["write-size", "a", "1025"]);
    assert_eq!(ended.stdout, "err too-large 1024\n", "{ended:?}");
    let ended = run(&["--max-total-bytes", "1K"], &["write-size", "a", "1025"]);
    assert!(ended.stdout.starts_with("err quota-exceeded"), "{ended:?}");

    let options = ["-v", "--cache", "cache", "--cache-bytes", "1M"];
    let ended = run(&options, &["write-size", "a", "100000"]);
    for part in ["commit path=\"a\"", "outcome=\"applied\""] {
        assert!(ended.stderr.contains(part), "{ended:?}");
    }
    let cached = ability.directory().join("cache");
    let copies = fs::read_dir(cached).expect("there").count();
    assert_eq!(copies, 1);

    let ended = run(&["--read-only"], &["write", "a", "b"]);
    assert!(ended.stdout.starts_with("err read-only"), "{ended:?}");
}

#[test]
fn an_id_that_is_none() {
    let (ability, probe) = (ability(), probe());
    let words = [
        "run",
        &probe,
        "--root",
        "memory:///",
        "--id",
        "../user",
        "--",
        "list",
        "",
    ];
    let ended = call(&ability, &words);
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(ended.stderr.contains("'--id <ID>'"), "{ended:?}");
}

#[test]
fn wrong_urls_and_combinations() {
    let ability = ability();
    let probe = probe();
    let run = |root: &str, options: &[&str], reason: &str| {
        let words = [&["run", &probe, "--root", root], options].concat();
        check_refused(&ability, &words, reason);
    };
    run("ftp://host/data", &[], "ftp:// is not known here");
    run(
        "https://s3.example.com/b",
        &[],
        "https:// is not known here",
    );
    run("s3://", &[], "the bucket is missing");
    run("memory://data", &[], "no server");
    run(
        "s3://b",
        &["--journaled"],
        "--journaled is for roots that are directories",
    );
    run(
        "s3://b",
        &["--no-sync"],
        "--no-sync is for roots that are directories",
    );
    run(
        "data",
        &["--endpoint", "http://a"],
        "--endpoint is for object stores",
    );
    run(
        "data",
        &["--allow-http"],
        "--allow-http is for object stores",
    );
    run("data", &["--cache", "c"], "--cache is for object stores");
    run("s3://b", &["--cache-bytes", "1M"], "--cache <DIR>");
    run(
        "s3://b",
        &["--cache", "c", "--cache-bytes", "some"],
        "number of bytes",
    );

    check_refused(
        &ability,
        &["copy", "a", "c", "--allow-http"],
        "--allow-http is for",
    );
    check_refused(&ability, &["copy", "a", "a/b"], "must be apart");
    check_refused(&ability, &["copy", "./b", "b/"], "must be apart");
    check_refused(&ability, &["copy", "s3://b/c", "s3://b/c"], "are the same");
    check_refused(&ability, &["copy", "s3://b/c"], "<TO>");
    check_refused(
        &ability,
        &["gc", "data", "--grace", "1h"],
        "--grace is for object stores",
    );
    check_refused(
        &ability,
        &["gc", "data", "--dry-run"],
        "--dry-run is for object stores",
    );
    check_refused(
        &ability,
        &["gc", "s3://b", "--grace", "1w"],
        "one of s, m, h and d",
    );
    let made = fs::read_dir(ability.directory()).expect("listed").count();
    assert_eq!(made, 0, "nothing is made for a command line that is wrong");
}

#[test]
fn a_store_without_conditions_is_told_what_it_lacks() {
    let (ability, probe) = (ability(), probe());
    let endpoint = server("200 OK", "1");
    let options = ["--endpoint", &endpoint, "--allow-http"];
    let words = ["run", &probe, "--root", "s3://bucket/data"];
    let ended = call(&ability, &[&words[..], &options].concat());
    assert_eq!(ended.code, Some(125), "{ended:?}");
    for part in [
        "s3://bucket/data could not be opened",
        "it ignores conditions",
        "the second PUT with `If-None-Match: *`",
    ] {
        assert!(ended.stderr.contains(part), "{ended:?}");
    }
    let ended = call(
        &ability,
        &[&["gc", "s3://bucket/data"][..], &options].concat(),
    );
    assert_eq!(ended.code, Some(125), "{ended:?}");
    assert!(ended.stderr.contains("it ignores conditions"), "{ended:?}");
}

#[test]
fn a_store_that_refuses_says_why() {
    let ability = ability();
    let endpoint = server("403 Forbidden", "<Code>SignatureIsWrong</Code>");
    let words = [
        "gc",
        "s3://bucket/data",
        "--endpoint",
        &endpoint,
        "--allow-http",
    ];
    let ended = call(&ability, &words);
    assert_eq!(ended.code, Some(125), "{ended:?}");
    assert!(ended.stderr.contains("denied"), "{ended:?}");
    assert!(ended.stderr.contains("403"), "what is behind it: {ended:?}");
}

#[test]
fn the_help_says_what_the_exit_codes_mean() {
    let ability = ability();
    for (name, expected) in [
        (
            "run",
            [
                "Object stores:",
                "--endpoint",
                "--cache-bytes",
                "s3://bucket",
            ]
            .as_slice(),
        ),
        (
            "copy",
            &[
                "Exit codes:",
                "125",
                "--overwrite",
                "--allow-http",
                "goes on where it ended",
            ],
        ),
        ("gc", &["Exit codes:", "125", "two runs", "24h", "--json"]),
    ] {
        let ended = call(&ability, &[name, "--help"]);
        for expected in expected {
            assert!(
                ended.stdout.contains(expected),
                "{expected} is not in {}",
                ended.stdout
            );
        }
        for line in ended.stdout.lines() {
            assert!(
                line.chars().count() <= 100,
                "too long for a terminal: {line}"
            );
        }
    }
}
