//! What any SDK saves, every SDK loads and gives back equal: random files, all pairs of
//! languages. The cases of `sdk/cases` say what exactly each writes.
//!
//! Needs `python3` and `node`: `cargo xtask sdks` runs it.
#![cfg(feature = "json")]
#![allow(clippy::unwrap_used)]

use ability_storage_guest::testing::MemoryStorage;
use ability_storage_guest::{Error, Scope, State, atomic_write_file};
use serde_json::Value;
use std::hash::{BuildHasher, RandomState};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

const FILES: usize = 1_500;

/// Loads a file and saves it. `None` if it is refused.
trait Language {
    fn name(&self) -> &'static str;
    fn saved(&mut self, file: &[u8]) -> Option<Vec<u8>>;
}

struct Rust;

impl Language for Rust {
    fn name(&self) -> &'static str {
        "Rust"
    }

    fn saved(&mut self, file: &[u8]) -> Option<Vec<u8>> {
        let storage = MemoryStorage::new();
        atomic_write_file("s.json", file, Scope::Ability).unwrap();
        let saved = State::<Value>::load_or_default("s.json", Scope::Ability)
            .and_then(|mut state| state.save());
        match saved {
            Ok(()) => storage.files(Scope::Ability).remove("s.json"),
            Err(
                Error::Corrupt { .. } | Error::Unsupported { .. } | Error::NotSerializable { .. },
            ) => None,
            Err(error) => panic!("{error}"),
        }
    }
}

/// Another language, which answers each line by a line.
struct Process {
    name: &'static str,
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Process {
    fn start(name: &'static str, program: &str, script: &str) -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let mut child = Command::new(program)
            .arg(root.join(script))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{program} cannot be started: {error}"));
        Self {
            name,
            input: child.stdin.take().unwrap(),
            output: BufReader::new(child.stdout.take().unwrap()),
            child,
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Language for Process {
    fn name(&self) -> &'static str {
        self.name
    }

    fn saved(&mut self, file: &[u8]) -> Option<Vec<u8>> {
        let digits: String = file.iter().map(|byte| format!("{byte:02x}")).collect();
        writeln!(self.input, "{digits}").unwrap();
        let mut answer = String::new();
        self.output.read_line(&mut answer).unwrap();
        let answer = answer.trim_end();
        assert!(!answer.is_empty(), "{} ended", self.name);
        (answer != "-").then(|| {
            let bytes = (0..answer.len()).step_by(2);
            bytes
                .map(|at| u8::from_str_radix(&answer[at..at + 2], 16).unwrap())
                .collect()
        })
    }
}

/// Random numbers that repeat with their seed (SplitMix64).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    fn one_of<'a>(&mut self, choices: &[&'a str]) -> &'a str {
        choices[self.below(choices.len() as u64) as usize]
    }

    /// The text of a JSON value, mostly: some hold what no SDK takes.
    fn value(&mut self, depth: u32) -> String {
        let count = if depth > 4 { 0 } else { self.below(4) };
        match self.below(if depth > 4 { 5 } else { 8 }) {
            0 => self.one_of(&["null", "true", "false"]).to_owned(),
            1 | 2 => self.number(),
            3 | 4 => self.string(),
            5 | 6 => {
                let members: Vec<_> = (0..count)
                    .map(|_| {
                        format!(
                            "{}{}:{}",
                            self.space(),
                            self.string(),
                            self.value(depth + 1)
                        )
                    })
                    .collect();
                format!("{{{}}}", members.join(","))
            }
            _ => {
                let items: Vec<_> = (0..count)
                    .map(|_| self.space().to_owned() + &self.value(depth + 1))
                    .collect();
                format!("[{}]", items.join(","))
            }
        }
    }

    fn space(&mut self) -> &'static str {
        self.one_of(&["", "", " ", "\n", "\r\n\t"])
    }

    fn number(&mut self) -> String {
        const EDGES: [u64; 7] = [0, 1 << 31, 1 << 53, 1 << 63, u64::MAX, 10, 1_000_000_007];
        match self.below(6) {
            0 => {
                let edge = EDGES[self.below(7) as usize];
                let near = i128::from(edge) + i128::from(self.below(5)) - 2;
                near.to_string()
            }
            1 => (self.next() >> self.below(64)).to_string(),
            2 => (self.next().cast_signed() >> self.below(64)).to_string(),
            3 => {
                let float = f64::from_bits(self.next());
                if float.is_finite() {
                    format!("{float:?}")
                } else {
                    "1e999".to_owned()
                }
            }
            4 => {
                let exponent = self.below(660).cast_signed() - 330;
                format!("{}.{}e{exponent}", self.below(10), self.below(1 << 50))
            }
            _ => self
                .one_of(&[
                    "-0", "-0.0", "0.1", "1e21", "1E+2", "5e-324", "1e308", "01", "NaN",
                ])
                .to_owned(),
        }
    }

    fn string(&mut self) -> String {
        let mut text = String::from("\"");
        for _ in 0..self.below(5) {
            match self.below(8) {
                0 => text.push_str(self.one_of(&[r"\n", r"\\", r#"\""#, r"\/", r"\u0000", r"\b"])),
                1 => text.push_str(&format!("\\u{:04x}", self.below(0x1_0000))),
                2 => text.push_str(r"\ud83d\ude00"),
                3 => text.push(char::from_u32(self.below(0x11_0000) as u32).unwrap_or('x')),
                4 => text.push_str(self.one_of(&["é", "\u{2028}", "\u{7f}", "__proto__", "a"])),
                _ => text.push(char::from(32 + self.below(95) as u8)),
            }
        }
        // What closes it, or is none of JSON, may be in it by chance.
        text + "\""
    }
}

fn parsed(file: &[u8]) -> Value {
    serde_json::from_slice(file).unwrap()
}

/// Whether two values are equal. JavaScript has one kind of numbers: its 1.0 is 1.
fn is_same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => {
            one == other || one.as_f64().map(f64::to_bits) == other.as_f64().map(f64::to_bits)
        }
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(a, b)| is_same(a, b))
        }
        (Value::Object(one), Value::Object(other)) => {
            one.len() == other.len()
                && one
                    .iter()
                    .all(|(name, a)| other.get(name).is_some_and(|b| is_same(a, b)))
        }
        _ => one == other,
    }
}

#[test]
#[ignore = "needs python3 and node"]
fn what_one_language_saves_every_language_gives_back() {
    let given = std::env::var("ABILITY_SEED").ok();
    let seed = given.map_or_else(
        || RandomState::new().hash_one(0),
        |seed| seed.parse().unwrap(),
    );
    println!("ABILITY_SEED={seed} repeats this");
    let mut random = Random(seed);
    let mut languages: [Box<dyn Language>; 3] = [
        Box::new(Rust),
        Box::new(Process::start(
            "Python",
            "python3",
            "sdk/python/tests/languages.py",
        )),
        Box::new(Process::start(
            "JavaScript",
            "node",
            "sdk/js/test/languages.js",
        )),
    ];
    let mut saved = 0;
    for _ in 0..FILES {
        let file = random.space().to_owned() + &random.value(0) + random.space();
        let all: Vec<_> = languages
            .iter_mut()
            .map(|language| language.saved(file.as_bytes()))
            .collect();
        for (one, first) in all.iter().enumerate() {
            // All take the same files.
            let names = [languages[one].name(), languages[0].name()];
            assert_eq!(first.is_some(), all[0].is_some(), "{names:?}: {file}");
            let Some(first) = first else { continue };
            saved += 1;
            for other in 0..languages.len() {
                let pair = [languages[one].name(), languages[other].name()];
                let second = languages[other].saved(first);
                let second = second.unwrap_or_else(|| panic!("{pair:?}, refused: {file}"));
                let back = languages[one].saved(&second);
                let is_equal = back.is_some_and(|back| is_same(&parsed(&back), &parsed(first)));
                assert!(is_equal, "{pair:?}, not equal: {file}");
            }
        }
    }
    assert!(
        saved > FILES / 2,
        "only {saved} of {FILES} files were saved"
    );
}
