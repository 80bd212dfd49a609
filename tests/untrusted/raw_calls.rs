//! Guests that do not keep to what their compiler would do: they hand the host
//! pointers, lengths, cases, texts and handles that are none, and answer it with an
//! allocator that lies. Each ends by that, or is told; the host goes on.

use end_to_end::raw::{ANSWER, PATH, Raw, expect_error, expect_ok};
use end_to_end::surroundings::Surroundings;
use end_to_end::untrusted::HOST;
use std::fs;
use wasmtime::{Result, Trap};

/// The numbers that errors have in the WIT.
const INVALID_PATH: u32 = 2;
const QUOTA_EXCEEDED: u32 = 4;

/// Has each of its bodies attack the host, and returns how that ended. Nothing may
/// be left of it.
fn ends_of(attack: &Raw<'_>) -> Vec<Result<()>> {
    let place = Surroundings::set_up();
    fs::write(place.volume().join(PATH), "contents").expect("written");
    let component = HOST.component(&attack.text());
    let ends = HOST.attacked_by(&component, attack.bodies.len() as u32, &place);
    check_nothing_left(&place);
    ends
}

fn check_nothing_left(place: &Surroundings) {
    place.wait_until_closed();
    place.check();
    let expected = [(PATH.to_owned(), "contents".to_owned())];
    assert_eq!(place.files(), expected.into());
}

/// That each is ended by the host, not by its own will.
fn check_trapped(attack: &Raw<'_>) {
    let realloc = attack.realloc;
    for (body, end) in attack.bodies.iter().zip(ends_of(attack)) {
        let error = end.expect_err(body);
        let is_own_will = error.downcast_ref() == Some(&Trap::UnreachableCodeReached);
        let is_panic = format!("{error:?}").contains("panicked");
        assert!(!is_own_will && !is_panic, "{body} {realloc} {error:?}");
    }
}

/// That each is told what it must be told, and goes on.
fn check_told(attack: &Raw<'_>) {
    let realloc = attack.realloc;
    for (body, end) in attack.bodies.iter().zip(ends_of(attack)) {
        assert!(end.is_ok(), "{body} {realloc} {end:?}");
    }
}

/// `$exists`, of a path at a place in memory.
fn exists(pointer: i64, length: i64) -> String {
    format!(
        "(call $exists (i32.const {pointer}) (i32.const {length}) (i32.const 0) (i32.const {ANSWER}))"
    )
}

#[test]
fn pointers_and_lengths_that_lie() {
    let memory = 4 << 16;
    let mut bodies: Vec<String> = [
        (memory, 1),
        (memory - 1, 2),
        (0, memory + 1),
        (0, -1),
        (-1, 1),
        (-1, -1),
        (1, 0x7fff_ffff),
        (0x7fff_ffff, 0x7fff_ffff),
        (-2_147_483_648, -2_147_483_648),
    ]
    .map(|(pointer, length)| exists(pointer, length))
    .into();
    for (pointer, length) in [(0, -1), (-1, 1), (memory - 4, 8), (0, 0x7fff_ffff)] {
        bodies.push(format!(
            "(call $write (i32.const 0) (i32.const 1) (i32.const {pointer}) (i32.const {length})
                (i32.const 0) (i32.const {ANSWER}))"
        ));
        // Of steps, whose lengths in bytes do not even fit into a number.
        bodies.push(format!(
            "(call $commit (i32.const {pointer}) (i32.const {length}) (i32.const 0)
                (i32.const {ANSWER}))"
        ));
        bodies.push(format!(
            "(call $list (i32.const {pointer}) (i32.const {length}) (i32.const 0)
                (i32.const {ANSWER}))"
        ));
    }
    // Where the answer is to go.
    for answer in [memory, memory - 1, -8, 4097, 4100] {
        bodies.push(format!(
            "(call $exists (i32.const 0) (i32.const 1) (i32.const 0) (i32.const {answer}))"
        ));
    }
    // A step in a place where no step can be.
    bodies.push("(call $commit (i32.const 1) (i32.const 1) (i32.const 0) (i32.const 4096))".into());
    check_trapped(&Raw::new(bodies));
}

#[test]
fn cases_that_do_not_exist() {
    let mut bodies: Vec<String> = [2, 3, 255, 256, -1]
        .map(|scope| {
            format!(
                "(call $read (i32.const 0) (i32.const 1) (i32.const {scope}) (i32.const {ANSWER}))"
            )
        })
        .into();
    for condition in [3, -1] {
        bodies.push(format!(
            "(call $open-writer (i32.const 0) (i32.const 1) (i32.const 0) (i32.const {condition})
                (i32.const 0) (i32.const 0) (i32.const {ANSWER}))"
        ));
    }
    // A step that is no change.
    bodies.push(format!(
        "(i32.store8 (i32.const 512) (i32.const 4))
         (call $commit (i32.const 512) (i32.const 1) (i32.const 0) (i32.const {ANSWER}))"
    ));
    check_trapped(&Raw::new(bodies));
}

#[test]
fn texts_that_are_none() {
    // The first is two dots and a slash, in twice as many bytes as they need. With
    // each, its length: in bytes, or in pairs of them.
    let attacks = [
        ("utf8", r"\c0\ae\c0\ae\c0\af", 6),
        ("utf8", r"\e0\80\ae", 3),
        ("utf8", r"\f0\80\80\af", 4),
        ("utf8", r"\ff", 1),
        ("utf8", r"\80", 1),
        ("utf8", r"a\c3", 2),
        ("utf8", r"\ed\a0\80", 3),
        ("utf8", r"\f4\90\80\80", 4),
        ("utf16", r"\00\d8", 1),
        ("utf16", r"\00\dc\00\d8", 2),
    ];
    for (encoding, data, length) in attacks {
        check_trapped(&Raw::new([exists(0, length)]).data(data).encoding(encoding));
    }
    // Not even in the right place.
    check_trapped(&Raw::new([exists(1, 1)]).encoding("utf16"));
}

#[test]
fn other_encodings_lead_nowhere_else() {
    let wide = r".\00.\00/\00s\00e\00c\00r\00e\00t\00";
    // With the highest bit of the length, latin1+utf16 says that it is UTF-16.
    let tagged = 9 - (1 << 31);
    for (encoding, data, length) in [
        ("utf8", "../secret", 9),
        ("utf16", wide, 9),
        ("latin1+utf16", "../secret", 9),
        ("latin1+utf16", wide, tagged),
        // A soft hyphen of a byte.
        ("latin1+utf16", r".ability-\adstorage", 17),
    ] {
        let body = exists(0, length) + &expect_error(INVALID_PATH);
        check_told(&Raw::new([body]).data(data).encoding(encoding));
    }
}

#[test]
fn an_allocator_that_lies() {
    let read =
        format!("(call $read (i32.const 0) (i32.const 1) (i32.const 0) (i32.const {ANSWER}))");
    let list =
        format!("(call $list (i32.const 0) (i32.const 0) (i32.const 0) (i32.const {ANSWER}))");
    let refused = exists(0, 0);
    let outside = [
        "(i32.const -1)",
        "(i32.const 262144)",
        "(i32.const 262143)",
        "(i32.const 0x7fffffff)",
        // Calls itself, until its stack ends.
        "(call $realloc (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 1))",
        // Calls the host, which waits for its answer.
        "(call_indirect (type $again) (i32.const 0)) (i32.const 65536)",
    ];
    for realloc in outside {
        check_trapped(&Raw::new([&read, &list, &refused]).realloc(realloc));
    }
    // A list of texts must be at a multiple of four.
    check_trapped(&Raw::new([&list]).realloc("(i32.const 65537)"));
    // Over the answer itself, or the same place each time: its own loss.
    check_told(&Raw::new([&read]).realloc("(i32.const 4096)"));
    check_told(&Raw::new([&list]).realloc("(i32.const 65536)"));
}

#[test]
fn an_allocator_that_never_answers() {
    let place = Surroundings::set_up();
    let attack =
        Raw::new(["(call $list (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 4096))"]);
    fs::write(place.volume().join(PATH), "contents").expect("written");
    let endless = attack.realloc("(loop (br 0)) unreachable");
    HOST.attacked_without_end_by(&HOST.component(&endless.text()), &place);
    check_nothing_left(&place);
}

/// Code that opens a reader and keeps its handle.
fn open_reader() -> String {
    let handle = ANSWER + 8;
    format!(
        "(call $open-reader (i32.const 0) (i32.const 1) (i32.const 0) (i32.const {ANSWER}))
         {} (local.set $handle (i32.load (i32.const {handle})))",
        expect_ok()
    )
}

/// The same for a writer.
fn open_writer() -> String {
    let handle = ANSWER + 8;
    format!(
        "(call $open-writer (i32.const 0) (i32.const 1) (i32.const 0) (i32.const 0)
            (i32.const 0) (i32.const 0) (i32.const {ANSWER}))
         {} (local.set $handle (i32.load (i32.const {handle})))",
        expect_ok()
    )
}

#[test]
fn handles_that_are_none() {
    let (reader, writer) = (open_reader(), open_writer());
    let read = format!("(call $read-on (local.get $handle) (i64.const 8) (i32.const {ANSWER}))");
    let write = format!(
        "(call $write-on (local.get $handle) (i32.const 0) (i32.const 1) (i32.const {ANSWER}))"
    );
    let commit = format!("(call $commit-writer (local.get $handle) (i32.const {ANSWER}))");
    let drop_reader = "(call $drop-reader (local.get $handle))";
    let drop_writer = "(call $drop-writer (local.get $handle))";
    let size = "(drop (call $size (local.get $handle)))";
    let mut bodies = Vec::new();
    for forged in [
        "0",
        "1",
        "2",
        "7",
        "100000",
        "0x0fffffff",
        "0x7fffffff",
        "-1",
    ] {
        let forge = format!("(local.set $handle (i32.const {forged}))");
        for call in [&read, &write, &commit, drop_reader, drop_writer, size] {
            bodies.push(format!("{forge} {call}"));
        }
        // While another is open: not one more than that one.
        bodies.push(format!(
            "{reader} (local.set $handle (i32.add (local.get $handle) (i32.const {forged})))
             (if (i32.eqz (i32.const {forged})) (then {drop_reader})) {size}"
        ));
    }
    // After they were let go, twice, and as what they are not.
    for (open, call) in [
        (&reader, [drop_reader, drop_reader]),
        (&reader, [drop_reader, size]),
        (&reader, [drop_reader, &read]),
        (&writer, [drop_writer, drop_writer]),
        (&writer, [drop_writer, &write]),
        (&writer, [drop_writer, &commit]),
        (&reader, [&write, ""]),
        (&reader, [&commit, ""]),
        (&reader, [drop_writer, ""]),
        (&writer, [&read, ""]),
        (&writer, [size, ""]),
        (&writer, [drop_reader, ""]),
    ] {
        bodies.push([open.as_str(), call[0], call[1]].join(" "));
    }
    check_trapped(&Raw::new(bodies));
}

#[test]
fn handles_that_are_kept_for_ever() {
    let handle = ANSWER + 8;
    // Until there may be no more, and none is let go.
    let body = format!(
        "(loop $more
            (call $open-reader (i32.const 0) (i32.const 1) (i32.const 0) (i32.const {ANSWER}))
            (local.set $i (i32.add (local.get $i) (i32.const 1)))
            (br_if $more (i32.eqz (i32.load8_u (i32.const {ANSWER})))))
         (if (i32.ne (local.get $i) (i32.const 33)) (then unreachable))
         {}
         (drop (i32.load (i32.const {handle})))",
        expect_error(QUOTA_EXCEEDED)
    );
    check_told(&Raw::new([body]));
}

#[test]
fn lists_and_texts_as_large_as_the_memory() {
    let pages = 900;
    let bytes = (pages - 2) << 16;
    // All memory as a path: zeros, and one that would be a path if it were shorter.
    let path = exists(65_536, bytes) + &expect_error(INVALID_PATH);
    let letters =
        format!("(memory.fill (i32.const 65536) (i32.const 0x61) (i32.const {bytes})) {path}");
    let prefix = format!(
        "(call $list (i32.const 65536) (i32.const {bytes}) (i32.const 0) (i32.const {ANSWER})) {}",
        expect_error(INVALID_PATH)
    );
    // All memory as steps, a million of them, each of which writes nothing to no path.
    let steps = format!(
        "(call $commit (i32.const 65536) (i32.const 1000000) (i32.const 0) (i32.const {ANSWER}))
         (if (i32.ne (i32.load8_u (i32.const {ANSWER})) (i32.const 1)) (then unreachable))
         (if (i32.ne (i32.load8_u (i32.const {})) (i32.const {QUOTA_EXCEEDED})) (then unreachable))",
        ANSWER + 16
    );
    let version = format!(
        "(memory.fill (i32.const 65536) (i32.const 0x61) (i32.const {bytes}))
         (call $open-writer (i32.const 0) (i32.const 1) (i32.const 0) (i32.const 2)
            (i32.const 65536) (i32.const {bytes}) (i32.const {ANSWER})) {}",
        expect_ok()
    );
    check_told(&Raw::new([path, letters, prefix, steps, version]).pages(pages as u32));
}
