//! Paths that nobody thought of, made from those that somebody did: the corpus.

use crate::random::Random;

/// What paths are made of that have led out of directories before.
const PIECES: &[&str] = &[
    "..",
    ".",
    "/",
    "//",
    "../",
    "/..",
    "/../",
    "./",
    "/.",
    "...",
    "\\",
    "..\\",
    ":",
    "::$DATA",
    "\0",
    "\n",
    "\r",
    "\t",
    "\u{1b}",
    "\u{7f}",
    "\u{85}",
    " ",
    "~",
    "~1",
    "%2e%2e%2f",
    "%00",
    "*",
    "?",
    "\"",
    "<",
    "|",
    "a",
    "b",
    "a/",
    "/b",
    "notes",
    ".ability-storage",
    "ability-storage",
    ".ability",
    "-storage",
    "abilit~1",
    "lock",
    "path-locks",
    "structure",
    "sessions",
    "format",
    "log",
    "log-0",
    "log-1",
    "writer",
    "checkpoint",
    "abilities",
    "user",
    "other",
    "hostile",
    "secret",
    "con",
    "nul",
    "com1",
    "aux.",
    "proc/self/root",
    "etc",
    "\u{2024}",
    "\u{2025}",
    "\u{2215}",
    "\u{2044}",
    "\u{ff0f}",
    "\u{ff0e}",
    "\u{29f5}",
    "\u{ff3c}",
    "\u{ff1a}",
    "\u{200b}",
    "\u{200c}",
    "\u{200d}",
    "\u{feff}",
    "\u{ad}",
    "\u{34f}",
    "\u{2060}",
    "\u{fe0f}",
    "\u{e0001}",
    "\u{17f}",
    "\u{131}",
    "\u{130}",
    "\u{212a}",
    "\u{fb06}",
    "\u{fb05}",
    "\u{202e}",
    "e\u{301}",
    "\u{e9}",
    "\u{0}..",
    "\u{10ffff}",
    "\u{fffd}",
    "ß",
    "日本",
    "👩‍👩‍👧",
];

/// How often a piece is repeated: to get across the limits on lengths and depth.
const TIMES: &[usize] = &[2, 3, 31, 33, 127, 254, 255, 256, 512, 1023, 1024, 1025];

/// Longer ones are refused for their length, and say nothing more.
const LONGEST: usize = 3_000;

pub struct Paths {
    corpus: Vec<String>,
    random: Random,
}

impl Paths {
    pub fn new(corpus: Vec<String>, random: Random) -> Self {
        Self { corpus, random }
    }

    pub fn next(&mut self) -> String {
        let mut path = self.known();
        for _ in 0..self.random.below(4) {
            path = self.mutated(path);
            path.truncate(path.floor_char_boundary(LONGEST));
        }
        path
    }

    fn known(&mut self) -> String {
        self.random.pick(&self.corpus).clone()
    }

    fn mutated(&mut self, path: String) -> String {
        match self.random.below(9) {
            0 => self.spliced(&path),
            1 => self.without_a_part(&path),
            2 => self.with_another_case(&path),
            3 => self.with_components_moved(&path),
            // Long paths take long, and most are refused for being long.
            4 if self.random.one_in(8) => self.repeated(&path),
            5 => self.with_another_character(&path),
            6 => {
                let piece = *self.random.pick(PIECES);
                path.replacen('/', piece, 1)
            }
            _ => self.with_a_piece(&path),
        }
    }

    /// A place between two characters.
    fn place(&mut self, path: &str) -> usize {
        path.floor_char_boundary(self.random.below(path.len() + 1))
    }

    fn with_a_piece(&mut self, path: &str) -> String {
        // The ends are where most rules are.
        let at = match self.random.below(4) {
            0 => 0,
            1 => path.len(),
            _ => self.place(path),
        };
        let piece = self.random.pick(PIECES);
        [&path[..at], piece, &path[at..]].concat()
    }

    fn spliced(&mut self, path: &str) -> String {
        let other = self.known();
        let (end, start) = (self.place(path), self.place(&other));
        let between = if self.random.one_in(2) { "/" } else { "" };
        [&path[..end], between, &other[start..]].concat()
    }

    fn without_a_part(&mut self, path: &str) -> String {
        let (one, other) = (self.place(path), self.place(path));
        [&path[..one.min(other)], &path[one.max(other)..]].concat()
    }

    fn with_another_case(&mut self, path: &str) -> String {
        path.chars()
            .flat_map(|c| match self.random.below(3) {
                0 => c.to_uppercase().collect::<Vec<_>>(),
                1 => c.to_lowercase().collect(),
                _ => vec![c],
            })
            .collect()
    }

    fn with_components_moved(&mut self, path: &str) -> String {
        let mut components: Vec<&str> = path.split('/').collect();
        let (one, other) = (
            self.random.below(components.len()),
            self.random.below(components.len()),
        );
        match self.random.below(3) {
            0 => components.swap(one, other),
            1 => components.insert(one, components[other]),
            _ => drop(components.remove(one)),
        }
        components.join("/")
    }

    fn repeated(&mut self, path: &str) -> String {
        let piece = self.random.pick(PIECES).repeat(*self.random.pick(TIMES));
        let at = self.place(path);
        [&path[..at], &piece, &path[at..]].concat()
    }

    fn with_another_character(&mut self, path: &str) -> String {
        let at = self.place(path);
        let other = loop {
            // Half of them of a byte, the others of all planes.
            let end = if self.random.one_in(2) {
                0x80
            } else {
                0x11_0000
            };
            if let Some(character) = char::from_u32(self.random.below(end) as u32) {
                break character;
            }
        };
        let mut rest = path[at..].chars();
        rest.next();
        [&path[..at], other.encode_utf8(&mut [0; 4]), rest.as_str()].concat()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(seed: u64) -> Vec<String> {
        let corpus = vec!["notes/a.md".to_owned(), "../x".to_owned()];
        let mut paths = Paths::new(corpus, Random::new(seed));
        (0..1_000).map(|_| paths.next()).collect()
    }

    #[test]
    fn a_seed_gives_the_same_paths_again() {
        assert_eq!(paths(7), paths(7));
        assert_ne!(paths(7), paths(8));
    }

    #[test]
    fn they_are_many_and_not_endless() {
        let paths = paths(1);
        assert!(paths.iter().all(|path| path.len() <= LONGEST));
        let different: std::collections::BTreeSet<_> = paths.iter().collect();
        assert!(different.len() > 600, "{}", different.len());
    }
}
