//! Components that call the host with what no compiler would hand over: their own
//! pointers, lengths, numbers of cases and handles, and an allocator of their own.

/// The path that is in the memory of each, at 0, and its length.
pub const PATH: &str = "a";

/// Where an answer goes: its case, then that of an error or what there is.
pub const ANSWER: u32 = 4096;

/// What the functions are called in the order of their parameters: pointers and
/// lengths of texts and lists, the scope, and where the answer goes.
const HOST: &str = r#"
    (import "host" "exists" (func $exists (param i32 i32 i32 i32)))
    (import "host" "read" (func $read (param i32 i32 i32 i32)))
    (import "host" "list" (func $list (param i32 i32 i32 i32)))
    (import "host" "atomic-write" (func $write (param i32 i32 i32 i32 i32 i32)))
    (import "host" "commit" (func $commit (param i32 i32 i32 i32)))
    (import "host" "open-reader" (func $open-reader (param i32 i32 i32 i32)))
    (import "host" "read-on" (func $read-on (param i32 i64 i32)))
    (import "host" "size" (func $size (param i32) (result i64)))
    (import "host" "open-writer" (func $open-writer (param i32 i32 i32 i32 i32 i32 i32)))
    (import "host" "write-on" (func $write-on (param i32 i32 i32 i32)))
    (import "host" "commit-writer" (func $commit-writer (param i32 i32)))
    (import "host" "drop-reader" (func $drop-reader (param i32)))
    (import "host" "drop-writer" (func $drop-writer (param i32)))"#;

const TYPES: &str = r#"
    (type $scope' (enum "ability" "user"))
    (export "scope" (type $scope (eq $scope')))
    (type $precondition' (variant (case "any") (case "absent") (case "version" string)))
    (export "precondition" (type $precondition (eq $precondition')))
    (type $error' (variant
        (case "not-found") (case "conflict" (option string)) (case "invalid-path" string)
        (case "too-large" u64) (case "quota-exceeded" string) (case "no-space")
        (case "read-only") (case "unavailable" string) (case "unconfirmed" string)
        (case "other" string)))
    (export "error" (type $error (eq $error')))"#;

const STORAGE: &str = r#"
    (export "exists" (func (param "path" string) (param "scope" $scope)
        (result (result bool (error $error)))))
    (export "read" (func (param "path" string) (param "scope" $scope)
        (result (result (list u8) (error $error)))))
    (export "list" (func (param "prefix" string) (param "scope" $scope)
        (result (result (list string) (error $error)))))
    (export "atomic-write" (func (param "path" string) (param "contents" (list u8))
        (param "scope" $scope) (result (result (error $error)))))"#;

const BATCH: &str = r#"
    (type $file' (record (field "path" string) (field "contents" (list u8))))
    (export "file-contents" (type $file (eq $file')))
    (type $move' (record (field "source" string) (field "target" string)))
    (export "move" (type $move (eq $move')))
    (type $change' (variant (case "write" $file) (case "append" $file) (case "rename" $move)
        (case "delete" string)))
    (export "change" (type $change (eq $change')))
    (type $step' (record (field "change" $change) (field "precondition" $precondition)))
    (export "step" (type $step (eq $step')))
    (type $failure' (record (field "step" (option u32)) (field "error" $error)))
    (export "failure" (type $failure (eq $failure')))
    (export "commit" (func (param "steps" (list $step)) (param "scope" $scope)
        (result (result (list (option string)) (error $failure)))))"#;

const STREAMING: &str = r#"
    (export "reader" (type $reader (sub resource)))
    (export "writer" (type $writer (sub resource)))
    (export "[static]reader.open" (func (param "path" string) (param "scope" $scope)
        (result (result (own $reader) (error $error)))))
    (export "[method]reader.size" (func (param "self" (borrow $reader)) (result u64)))
    (export "[method]reader.read" (func (param "self" (borrow $reader)) (param "max-bytes" u64)
        (result (result (list u8) (error $error)))))
    (export "[static]writer.open" (func (param "path" string) (param "scope" $scope)
        (param "precondition" $precondition) (result (result (own $writer) (error $error)))))
    (export "[method]writer.write" (func (param "self" (borrow $writer))
        (param "contents" (list u8)) (result (result (error $error)))))
    (export "[method]writer.commit" (func (param "self" (borrow $writer))
        (result (result string (error $error)))))"#;

/// Each function of the host, the interface that it is in, and its name there.
const FUNCTIONS: [(&str, &str, &str); 11] = [
    ("exists", "storage", "exists"),
    ("read", "storage", "read"),
    ("list", "storage", "list"),
    ("atomic-write", "storage", "atomic-write"),
    ("commit", "batch", "commit"),
    ("open-reader", "streaming", "[static]reader.open"),
    ("size", "streaming", "[method]reader.size"),
    ("read-on", "streaming", "[method]reader.read"),
    ("open-writer", "streaming", "[static]writer.open"),
    ("write-on", "streaming", "[method]writer.write"),
    ("commit-writer", "streaming", "[method]writer.commit"),
];

/// An allocator that hands out what it has, and never takes anything back.
const REALLOC: &str = "(local.set 0 (global.get $next))
    (global.set $next (i32.and (i32.const -16)
        (i32.add (i32.const 15) (i32.add (global.get $next) (local.get 3)))))
    (local.get 0)";

/// Such a component. Its function `attack` does what the body with the number says
/// that it is called with.
pub struct Raw<'a> {
    pub bodies: Vec<String>,
    /// What is in its memory, from 0 on.
    pub data: &'a str,
    /// How its texts are encoded.
    pub encoding: &'a str,
    /// What its allocator does: from the old pointer and length, the alignment and the
    /// length, to a pointer.
    pub realloc: &'a str,
    /// The pages of its memory.
    pub pages: u32,
}

impl<'a> Raw<'a> {
    pub fn new<B: Into<String>>(bodies: impl IntoIterator<Item = B>) -> Self {
        Self {
            bodies: bodies.into_iter().map(Into::into).collect(),
            data: PATH,
            encoding: "utf8",
            realloc: REALLOC,
            pages: 4,
        }
    }

    pub fn data(self, data: &'a str) -> Self {
        Self { data, ..self }
    }

    pub fn encoding(self, encoding: &'a str) -> Self {
        Self { encoding, ..self }
    }

    pub fn realloc(self, realloc: &'a str) -> Self {
        Self { realloc, ..self }
    }

    pub fn pages(self, pages: u32) -> Self {
        Self { pages, ..self }
    }

    /// The text of the component.
    pub fn text(&self) -> String {
        let Self {
            bodies,
            data,
            encoding,
            realloc,
            pages,
        } = self;
        let body: String = bodies
            .iter()
            .enumerate()
            .map(|(number, body)| {
                format!("(if (i32.eq (local.get $number) (i32.const {number})) (then {body}))")
            })
            .collect();
        let imports: String = [
            ("storage", STORAGE),
            ("batch", BATCH),
            ("streaming", STREAMING),
        ]
        .map(|(name, functions)| {
            format!(
                r#"(import "ability:storage/{name}@0.1.0" (instance ${name} {TYPES} {functions}))"#
            )
        })
        .concat();
        let lowered = FUNCTIONS.map(|(name, interface, function)| {
            let options = if name == "size" {
                String::new()
            } else {
                format!(
                    r#"(memory $libc "memory") (realloc (func $libc "realloc"))
                       string-encoding={encoding}"#
                )
            };
            format!(
                r#"(core func ${name} (canon lower (func ${interface} "{function}") {options}))"#
            )
        });
        let dropped = ["reader", "writer"].map(|name| {
            format!(
                r#"(alias export $streaming "{name}" (type ${name}))
                   (core func $drop-{name} (canon resource.drop ${name}))"#
            )
        });
        let given: String = FUNCTIONS
            .iter()
            .map(|(name, ..)| *name)
            .chain(["drop-reader", "drop-writer"])
            .map(|name| format!(r#"(export "{name}" (func ${name}))"#))
            .collect();
        format!(
            r#"(component {imports}
                (core module $libc
                    (type $again (func))
                    (memory (export "memory") {pages})
                    (table (export "table") 1 funcref)
                    (global $next (mut i32) (i32.const 65536))
                    (data (i32.const 0) "{data}")
                    (func $realloc (export "realloc") (param i32 i32 i32 i32) (result i32)
                        {realloc}))
                (core instance $libc (instantiate $libc))
                {} {}
                (core module $attacker {HOST}
                    (import "libc" "memory" (memory 1))
                    (import "libc" "table" (table 1 funcref))
                    (elem (i32.const 0) $again)
                    ;; For an allocator that calls the host in its turn.
                    (func $again
                        (call $exists (i32.const 0) (i32.const 1) (i32.const 0)
                            (i32.const 8192)))
                    (func (export "attack") (param $number i32) (local $i i32) (local $handle i32) {body}))
                (core instance $attacker (instantiate $attacker
                    (with "libc" (instance $libc))
                    (with "host" (instance {given}))))
                (func (export "attack") (param "number" u32) (canon lift (core func $attacker "attack"))))"#,
            lowered.concat(),
            dropped.concat(),
        )
    }
}

/// Code that traps unless the answer is an error of the case with this number.
pub fn expect_error(case: u32) -> String {
    let error = ANSWER + 8;
    format!(
        "(if (i32.ne (i32.load8_u (i32.const {ANSWER})) (i32.const 1)) (then unreachable))
         (if (i32.ne (i32.load8_u (i32.const {error})) (i32.const {case})) (then unreachable))"
    )
}

/// Code that traps unless the answer is no error.
pub fn expect_ok() -> String {
    format!("(if (i32.load8_u (i32.const {ANSWER})) (then unreachable))")
}
