//! Ten megabytes of the worst that a file can hold, whole and cut off: it must take less
//! than a second, and no more than three times its size.

use super::decode;
use serde_json::Value;
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::time::{Duration, Instant};

/// Without optimization all takes ten times as long.
const LENGTH: usize = if cfg!(debug_assertions) {
    1_000_000
} else {
    10_000_000
};

const LIMIT: Duration = Duration::from_secs(1);

/// Counts what a thread has allocated.
struct Counting;

#[global_allocator]
static COUNTING: Counting = Counting;

thread_local! {
    static NOW: Cell<isize> = const { Cell::new(0) };
    static PEAK: Cell<isize> = const { Cell::new(0) };
}

#[allow(unsafe_code)]
// SAFETY: all memory is that of `System`, and a thread-local `Cell` does not allocate.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let now = NOW.get() + layout.size().cast_signed();
        NOW.set(now);
        PEAK.set(PEAK.get().max(now));
        // SAFETY: the caller keeps the rules.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        NOW.set(NOW.get() - layout.size().cast_signed());
        // SAFETY: the caller keeps the rules.
        unsafe { System.dealloc(pointer, layout) }
    }
}

/// The most that `work` had allocated at a time.
fn peak(work: impl FnOnce()) -> isize {
    let before = NOW.get();
    PEAK.set(before);
    work();
    PEAK.get() - before
}

fn repeated(unit: &str) -> String {
    unit.repeat(LENGTH / unit.len())
}

/// What takes long or much, if anything does.
fn worst() -> Vec<(&'static str, String)> {
    vec![
        (
            "escaped JSON",
            format!(r#"{{"a":"{}"#, repeated(r#"{\"a\":\"b\"},"#)),
        ),
        ("backslashes", format!("\"{}", repeated("\\"))),
        ("quotes", repeated("\"")),
        ("brackets", repeated("[")),
        ("pairs of brackets", repeated("[]")),
        ("braces", repeated(r#"{"a":"#)),
        ("digits", repeated("9")),
        ("an exponent", format!("1e{}", repeated("9"))),
        ("white space", format!("[{}]", repeated(" "))),
        (
            "surrogate pairs",
            format!("\"{}\"", repeated(r"\ud83d\ude00")),
        ),
        ("halves of pairs", format!("\"{}\"", repeated(r"\ud83d"))),
        ("one text", format!("\"{}\"", repeated("é"))),
    ]
}

/// Of these the value itself is larger than the file.
fn large_values() -> Vec<(&'static str, String)> {
    vec![
        ("short texts", format!("[{}1]", repeated(r#""a","#))),
        ("items of a list", format!("[{}1]", repeated("1,"))),
        ("brackets in text", format!("[{}1]", repeated(r#""[","#))),
        ("lists", format!("[{}1]", repeated("[],"))),
        (
            "one name again and again",
            format!("{{{}\"a\":1}}", repeated(r#""a":1,"#)),
        ),
    ]
}

/// How long it takes to load the file, or to refuse it: the shortest of some times, because
/// the machine may do something else meanwhile.
fn time(load: impl Fn()) -> Duration {
    let mut shortest = Duration::MAX;
    for _ in 0..4 {
        let started = Instant::now();
        load();
        shortest = shortest.min(started.elapsed());
        if shortest < LIMIT / 2 {
            break;
        }
    }
    shortest
}

fn lengths(text: &str) -> [usize; 4] {
    let length = text.len();
    [length, length - 1, length / 3 * 2 + 1, length / 7]
}

#[test]
fn files_take_less_than_a_second_wherever_they_are_cut() {
    for (name, text) in worst() {
        for length in lengths(&text) {
            let contents = &text.as_bytes()[..length];
            let took = time(|| drop(decode::<Value>("file", contents)));
            assert!(took < LIMIT, "{name}, cut at {length}: {took:?}");
        }
    }
    for (name, text) in large_values() {
        for length in lengths(&text) {
            let contents = &text.as_bytes()[..length];
            let alone = time(|| drop(serde_json::from_slice::<Value>(contents)));
            let took = time(|| drop(decode::<Value>("file", contents)));
            assert!(took < LIMIT + alone, "{name}, cut at {length}: {took:?}");
        }
    }
}

#[test]
fn files_take_less_than_three_times_their_size() {
    for (name, text) in worst() {
        for length in [text.len(), text.len() / 3 * 2 + 1] {
            let contents = &text.as_bytes()[..length];
            let peak = peak(|| drop(decode::<Value>("file", contents)));
            // The file itself is one of the three.
            let most = 2 * length.cast_signed() + 100_000;
            assert!(peak < most, "{name}, cut at {length}: {peak} bytes");
        }
    }
}
