//! Operations on storage, one for each function of the SDK, and some that make
//! contents too long for a command line.

use crate::answer::{Answer, Failure, Fields};
use crate::number;
use ability_storage_guest::{self as storage, Counter, Error, Precondition, Scope, State, Version};
use std::time::SystemTime;

/// Does what `words` say; `None` if they name no operation of this module.
pub fn perform(words: &[&str], scope: Scope) -> Option<Answer> {
    Some(match *words {
        ["write", path, text] => done(storage::atomic_write_file(path, text, scope)),
        ["write-hex", path, hex] => from_hex(hex)
            .and_then(|contents| done(storage::atomic_write_file(path, contents, scope))),
        ["write-size", path, bytes] => write_size(path, bytes, "x", scope),
        ["write-size", path, bytes, fill] => write_size(path, bytes, fill, scope),
        ["write-if", path, text, condition] => write_if(path, text, condition, scope),
        ["append", path, text] => done(storage::append_file(path, text, scope)),
        ["append-size", path, bytes] => filled(bytes, "x")
            .and_then(|contents| done(storage::append_file(path, contents, scope))),
        ["append-lines", path, count, prefix] => append_lines(path, count, prefix, scope),
        ["read", path] => fields(storage::read_file(path, scope), |contents| {
            Fields::of([contents])
        }),
        ["read-text", path] => fields(storage::read_file_string(path, scope), Fields::one),
        ["read-fill", path] => fields(storage::read_file(path, scope), |contents| {
            fill_of(&contents)
        }),
        ["read-versioned", path] => fields(storage::read_file_versioned(path, scope), |snapshot| {
            Fields::of([snapshot.version.as_str().into(), snapshot.contents])
        }),
        ["stat", path] => fields(storage::stat_file(path, scope), |info| {
            Fields::of([info.size.to_string(), seconds(info.modified)])
        }),
        ["exists", path] => fields(storage::file_exists(path, scope), Fields::one),
        ["list", prefix] => fields(storage::list_files(prefix, scope), Fields::of),
        ["rename", source, target] => done(storage::rename_file(source, target, scope)),
        ["delete", path] => done(storage::delete_file(path, scope)),
        ["update", path, text] => update(path, text, scope),
        ["state-push", path, text] => state_push(path, text, scope),
        ["counter-next", path, count] => counter_next(path, count, scope),
        _ => return None,
    })
}

fn done(result: storage::Result<()>) -> Answer {
    fields(result, |()| Fields::none())
}

fn fields<T>(result: storage::Result<T>, fields: impl FnOnce(T) -> Fields) -> Answer {
    result.map(fields).map_err(Failure::from)
}

fn write_if(path: &str, text: &str, condition: &str, scope: Scope) -> Answer {
    let precondition = precondition(condition)?;
    fields(
        storage::atomic_write_file_if(path, text, scope, precondition),
        Fields::one,
    )
}

/// `any`, `absent` or `version:<version>`.
pub fn precondition(condition: &str) -> Result<Precondition, Failure> {
    match condition.split_once(':') {
        None if condition == "any" => Ok(Precondition::Any),
        None if condition == "absent" => Ok(Precondition::Absent),
        Some(("version", version)) => Ok(Precondition::Version(Version::new(version))),
        _ => Err(Failure::Usage(format!(
            "{condition:?} is none of any, absent, version:<version>"
        ))),
    }
}

fn write_size(path: &str, bytes: &str, fill: &str, scope: Scope) -> Answer {
    let contents = filled(bytes, fill)?;
    done(storage::atomic_write_file(path, contents, scope))
}

/// Adds `text` at the end by the SDK's retry loop, where `append` asks the host.
fn update(path: &str, text: &str, scope: Scope) -> Answer {
    let contents = storage::update_file(path, scope, |old| {
        Ok::<_, Error>([old.unwrap_or_default(), text.as_bytes()].concat())
    });
    fields(contents, |contents| Fields::one(contents.len()))
}

/// Appends `<prefix>0`, `<prefix>1` and so on, each as a line by itself. Answers
/// how many.
fn append_lines(path: &str, count: &str, prefix: &str, scope: Scope) -> Answer {
    let count = number(count)?;
    for i in 0..count {
        storage::append_file(path, format!("{prefix}{i}\n"), scope)?;
    }
    Ok(Fields::one(count))
}

/// Uses up so many numbers, one by one, and answers all of them.
fn counter_next(path: &str, count: &str, scope: Scope) -> Answer {
    let counter = Counter::new(path, scope);
    let numbers: storage::Result<Vec<String>> = (0..number(count)?)
        .map(|_| Ok(counter.next()?.to_string()))
        .collect();
    fields(numbers, Fields::of)
}

fn state_push(path: &str, text: &str, scope: Scope) -> Answer {
    let count = State::<Vec<String>>::load_or_default(path, scope).and_then(|mut state| {
        state.update(|items| {
            items.push(text.to_owned());
            items.len()
        })
    });
    fields(count, Fields::one)
}

/// `bytes` times the one byte `fill`, or a failure if the memory is too small.
pub fn filled(bytes: &str, fill: &str) -> Result<Vec<u8>, Failure> {
    let &[fill] = fill.as_bytes() else {
        return Err(Failure::Usage(format!("{fill:?} is not one byte")));
    };
    let count = number(bytes)?;
    let too_much = || Failure::with("memory", format!("no room for {count} bytes"));
    let count = usize::try_from(count).map_err(|_| too_much())?;
    let mut contents = Vec::new();
    contents.try_reserve_exact(count).map_err(|_| too_much())?;
    contents.resize(count, fill);
    Ok(contents)
}

/// Length and the byte that all of it is made of; so that a test sees with one
/// look whether two versions of a file were mixed.
fn fill_of(contents: &[u8]) -> Fields {
    let fill = match contents {
        [] => b"empty".to_vec(),
        [first, rest @ ..] if rest.iter().all(|byte| byte == first) => vec![*first],
        _ => b"mixed".to_vec(),
    };
    Fields::of([contents.len().to_string().into_bytes(), fill])
}

fn from_hex(text: &str) -> Result<Vec<u8>, Failure> {
    let wrong = || Failure::Usage(format!("{text:?} is not hexadecimal"));
    let digit = |byte: &u8| char::from(*byte).to_digit(16).ok_or_else(wrong);
    if !text.len().is_multiple_of(2) {
        return Err(wrong());
    }
    text.as_bytes()
        .chunks(2)
        .map(|pair| {
            pair.iter()
                .try_fold(0, |byte, hex| Ok(byte << 4 | digit(hex)? as u8))
        })
        .collect()
}

fn seconds(time: SystemTime) -> String {
    let since_1970 = time
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    format!("{}.{:09}", since_1970.as_secs(), since_1970.subsec_nanos())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contents_of_any_size_are_of_one_byte() {
        assert_eq!(filled("3", "a"), Ok(b"aaa".to_vec()));
        assert_eq!(filled("0", "a"), Ok(Vec::new()));
        assert!(matches!(filled("-1", "a"), Err(Failure::Usage(_))));
        assert!(matches!(filled("1", "ab"), Err(Failure::Usage(_))));
        let all = u64::MAX.to_string();
        assert!(matches!(filled(&all, "a"), Err(Failure::Failed { .. })));
    }

    #[test]
    fn a_mixture_is_seen() {
        assert_eq!(fill_of(b"aaa"), Fields::of(["3", "a"]));
        assert_eq!(fill_of(b"aab"), Fields::of(["3", "mixed"]));
        assert_eq!(fill_of(b""), Fields::of(["0", "empty"]));
    }

    #[test]
    fn hexadecimal_is_read() {
        assert_eq!(from_hex("00fF7a"), Ok(vec![0, 255, 122]));
        for wrong in ["0", "0g", "é"] {
            assert!(from_hex(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_condition_that_is_none_is_refused() {
        for condition in ["", "anything", "version", "absent:"] {
            let answer = write_if("p", "text", condition, Scope::Ability);
            assert!(matches!(answer, Err(Failure::Usage(_))), "{condition}");
        }
    }

    #[test]
    fn times_have_nine_digits_after_the_point() {
        let time = SystemTime::UNIX_EPOCH + std::time::Duration::new(12, 34);
        assert_eq!(seconds(time), "12.000000034");
    }
}
