//! Guests that want all of the host for themselves: its time, its memory, its
//! stack, its handles. Each gets what its limits say, and while it tries for more,
//! the host serves another guest.

use end_to_end::surroundings::Surroundings;
use end_to_end::untrusted::{HOST, MAX_ELEMENTS, MAX_MEMORY};
use std::{env, fs};
use wasmtime::{Result, Trap};
use wasmtime_wasi::p2::pipe::MemoryOutputPipe;

/// A component whose function `attack` does what `body` says.
fn component(parts: &str, body: &str) -> String {
    format!(
        r#"(component
            (core module $attacker
                {parts}
                (func (export "attack") (param i32) {body}))
            (core instance $attacker (instantiate $attacker))
            (func (export "attack") (param "number" u32) (canon lift (core func $attacker "attack"))))"#
    )
}

/// Has such a component attack a host, and returns how that ended.
fn attacked_by(parts: &str, body: &str) -> Result<()> {
    let place = Surroundings::set_up();
    let component = HOST.component(&component(parts, body));
    let end = HOST.attacked_by(&component, 1, &place).remove(0);
    place.check();
    end
}

fn attacked_without_end_by(parts: &str, body: &str) {
    let place = Surroundings::set_up();
    HOST.attacked_without_end_by(&HOST.component(&component(parts, body)), &place);
    place.check();
}

#[test]
fn an_endless_loop_is_interrupted_and_stopped() {
    attacked_without_end_by("", "(loop (br 0))");
}

#[test]
fn a_guest_that_never_begins_is_stopped() {
    attacked_without_end_by("(func $forever (loop (br 0))) (start $forever)", "");
}

#[test]
fn a_memory_grows_to_its_limit_and_no_further() {
    let pages = MAX_MEMORY >> 16;
    // Touches what it gets, and traps if that is not what it may have.
    let body = format!(
        "(loop $more
            (i32.store8 (i32.sub (i32.mul (memory.size) (i32.const 65536)) (i32.const 1))
                (i32.const 1))
            (br_if $more (i32.ne (memory.grow (i32.const 16)) (i32.const -1))))
        (if (i32.ne (memory.size) (i32.const {pages})) (then unreachable))"
    );
    attacked_by("(memory 16)", &body).expect("as much as it may have");
}

#[test]
fn a_table_grows_to_its_limit_and_no_further() {
    let body = format!(
        "(loop $more
            (br_if $more (i32.ne
                (table.grow 0 (ref.null func) (i32.const 100)) (i32.const -1))))
        (if (i32.ne (table.size 0) (i32.const {MAX_ELEMENTS})) (then unreachable))"
    );
    attacked_by("(table 0 funcref)", &body).expect("as much as it may have");
}

#[test]
fn what_is_too_large_from_the_start_does_not_start() {
    let memories = "(memory 1)".repeat(5);
    let tables = "(table 1 funcref)".repeat(5);
    for parts in [
        "(memory 2000)",
        "(memory 65536)",
        "(table 10001 funcref)",
        "(table 4000000000 funcref)",
        &memories,
        &tables,
    ] {
        let error = attacked_by(parts, "").expect_err(parts);
        assert!(error.downcast_ref::<Trap>().is_none(), "{parts}: {error:?}");
    }
}

#[test]
fn recursion_ends_with_the_stack_of_the_guest() {
    // With many values on the stack at each step, and with none.
    let locals = "(local i64 i64 i64 i64 i64 i64 i64 i64)";
    for parts in [
        "(func $down (call $down))".to_owned(),
        format!(
            "(func $down (param i64) (result i64) {locals} (i64.add (local.get 0) (call $down (local.get 0))))"
        ),
        "(type $f (func)) (table 1 funcref) (elem (i32.const 0) $down)
         (func $down (call_indirect (type $f) (i32.const 0)))"
            .to_owned(),
    ] {
        let body = if parts.contains("param") {
            "(drop (call $down (i64.const 1)))"
        } else {
            "(call $down)"
        };
        let error = attacked_by(&parts, body).expect_err(&parts);
        assert_eq!(
            error.downcast_ref(),
            Some(&Trap::StackOverflow),
            "{error:?}"
        );
    }
}

/// How often a guest tries, unless somebody asks for more.
const ATTEMPTS: u64 = 50_000;

#[test]
fn handles_are_as_many_as_are_allowed_however_often_a_guest_asks() {
    let asked_for = env::var("ABILITY_STORAGE_CASES").ok();
    let attempts = asked_for.map_or(ATTEMPTS, |cases| cases.parse().expect("a number"));
    let place = Surroundings::set_up();
    fs::write(place.volume().join("file"), "text").expect("written");
    let hostile = HOST.command("hostile");
    for what in ["readers", "writers"] {
        let volume = place.open();
        // What the host allows by default. Each writer is also a file.
        let held = "32";
        let attempts = match what {
            "readers" => attempts,
            _ => attempts / 20,
        };
        let args = ["streams", what, "file", held, &attempts.to_string()];
        let stdout = MemoryOutputPipe::new(1 << 20);
        let before = open_files();
        let run = HOST.run(&hostile, &args, "", &stdout, place.ctx(&volume));
        let end = HOST.serves_others_during(run);
        let told = String::from_utf8(stdout.contents().into()).expect("text");
        assert!(matches!(end, Ok(Ok(()))), "{end:?} {told}");
        assert_eq!(told, "held 32\n");
        drop(volume);
        place.wait_until_closed();
        place.check();
        // Other tests open files at the same time, but not so many.
        assert!(open_files() < before + 32 * 4, "{what}");
    }
}

fn open_files() -> usize {
    fs::read_dir("/proc/self/fd").map_or(0, Iterator::count)
}
