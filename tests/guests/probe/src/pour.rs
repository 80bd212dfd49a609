//! `pour CALL PIECE BYTES`: hands the host so many bytes by one call after another, a piece at a
//! time, and leaves one file at most. What a call does not free adds up.

use crate::answer::{Answer, Failure, Fields};
use crate::files::filled;
use crate::number;
use ability_storage_guest::{self as storage, Batch, Precondition, Scope, Writer};
use std::io::Write;

const FILE: &str = "poured";
const LOG: &str = "poured.log";

/// After this many pieces the files begin again.
const PIECES: u64 = 16;

/// Does what `words` say; `None` if they name no operation of this module.
pub fn perform(words: &[&str], scope: Scope) -> Option<Answer> {
    match *words {
        ["pour", call, piece, bytes] => Some(pour(call, piece, bytes, scope)),
        _ => None,
    }
}

fn pour(call: &str, piece: &str, bytes: &str, scope: Scope) -> Answer {
    let mut contents = filled(piece, "x")?;
    let times = number(bytes)? / (contents.len() as u64).max(1);
    let mut writer = match call {
        "stream" => Some(Writer::open(FILE, scope)?),
        _ => None,
    };
    for time in 0..times {
        // What is there already would not be written.
        contents.fill(b'a' + (time % 23) as u8);
        match (call, &mut writer) {
            ("write", _) => storage::atomic_write_file(FILE, &contents, scope)?,
            ("write-if", _) => {
                let any = Precondition::Any;
                storage::atomic_write_file_if(FILE, &contents, scope, any)?;
            }
            ("append", _) => storage::append_file(LOG, &contents, scope)?,
            ("batch", _) => batch(&contents, scope)?,
            ("stream", Some(writer)) => writer.write_all(&contents)?,
            _ => return Err(Failure::Usage(format!("{call:?} is no call to pour by"))),
        }
        if time % PIECES == 0 {
            storage::delete_file(LOG, scope)?;
        }
    }
    if let Some(writer) = writer {
        writer.commit()?;
    }
    Ok(Fields::one(times))
}

fn batch(contents: &[u8], scope: Scope) -> Result<(), Failure> {
    let (written, appended) = contents.split_at(contents.len() / 2);
    let mut batch = Batch::new(scope);
    batch.write(FILE, written).append(LOG, appended);
    match batch.commit() {
        Ok(_) => Ok(()),
        Err(error) => Err(error.error.into()),
    }
}
