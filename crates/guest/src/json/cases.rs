//! The cases in `sdk/cases`, which all languages run: what one writes, each reads back
//! equal.

use super::{decode, encode};
use crate::error::Error;
use serde::de::{Deserialize, Deserializer, IgnoredAny};
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::{Number, Value};
use std::collections::BTreeMap;

const VALUES: &str = include_str!("../../../../sdk/cases/values.json");
const FILES: &str = include_str!("../../../../sdk/cases/files.json");
const LANGUAGES: [&str; 3] = ["python", "javascript", "rust"];

fn cases(table: &str) -> Vec<Value> {
    let cases: Vec<Value> = serde_json::from_str(table).unwrap();
    assert!(cases.len() > 20);
    cases
}

/// A value that a case describes.
#[derive(Clone, Debug)]
enum Described {
    Plain(Value),
    Integer(i128),
    Float(f64),
    List(Vec<Described>),
    Object(Vec<(String, Described)>),
    Nested(u64),
}

impl Described {
    /// `None` if no Rust text can be what is described.
    fn new(description: &Value) -> Option<Self> {
        let text = |name| description.get(name).and_then(Value::as_str);
        Some(if let Some(digits) = text("integer") {
            Self::Integer(digits.parse().unwrap())
        } else if let Some(digits) = text("float") {
            Self::Float(digits.parse().unwrap())
        } else if let Some(depth) = description.get("nested") {
            Self::Nested(depth.as_u64().unwrap())
        } else if description.get("units").is_some() {
            return None;
        } else if let Some(members) = description.get("object") {
            let member = |pair: &Value| Some((pair[0].as_str()?.to_owned(), Self::new(&pair[1])?));
            Self::Object(
                members
                    .as_array()?
                    .iter()
                    .map(member)
                    .collect::<Option<_>>()?,
            )
        } else if let Some(items) = description.as_array() {
            Self::List(items.iter().map(Self::new).collect::<Option<_>>()?)
        } else {
            Self::Plain(description.clone())
        })
    }

    /// What it should be when it is read.
    fn value(&self) -> Value {
        match self {
            Self::Plain(value) => value.clone(),
            Self::Integer(integer) => Value::Number(Number::from_i128(*integer).unwrap()),
            Self::Float(float) => Value::from(*float),
            Self::List(items) => items.iter().map(Self::value).collect(),
            Self::Object(members) => {
                let members = members
                    .iter()
                    .map(|(name, member)| (name.clone(), member.value()));
                Value::Object(members.collect())
            }
            Self::Nested(depth) => {
                (1..*depth).fold(Value::Array(vec![]), |inner, _| Value::Array(vec![inner]))
            }
        }
    }
}

impl Serialize for Described {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Plain(value) => value.serialize(serializer),
            Self::Integer(integer) => integer.serialize(serializer),
            Self::Float(float) => float.serialize(serializer),
            Self::List(items) => items.serialize(serializer),
            Self::Object(members) => {
                let mut map = serializer.serialize_map(Some(members.len()))?;
                for (name, member) in members {
                    map.serialize_entry(name, member)?;
                }
                map.end()
            }
            Self::Nested(1) => [(); 0].serialize(serializer),
            Self::Nested(depth) => [Self::Nested(depth - 1)].serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Described {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        IgnoredAny::deserialize(deserializer)?;
        Ok(Self::Plain(Value::Null))
    }
}

/// What each language writes.
fn texts(written: &Value) -> [String; 3] {
    if let Some(text) = written.as_str() {
        return LANGUAGES.map(|_| text.to_owned());
    }
    if let Some(nested) = Described::new(written).filter(|_| written.get("nested").is_some()) {
        let text = serde_json::to_string_pretty(&nested.value()).unwrap();
        return LANGUAGES.map(|_| text.clone());
    }
    LANGUAGES.map(|language| written[language].as_str().unwrap().to_owned())
}

/// Equal as numbers, to the last bit; an integer may come back for a float.
fn same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => {
            let (one_float, other_float) = (one.as_f64().unwrap(), other.as_f64().unwrap());
            one == other
                || (one.is_f64() != other.is_f64() && one_float.to_bits() == other_float.to_bits())
        }
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| same(one, other))
        }
        (Value::Object(one), Value::Object(other)) => {
            one.len() == other.len()
                && one
                    .iter()
                    .all(|(name, one)| other.get(name).is_some_and(|other| same(one, other)))
        }
        _ => one == other,
    }
}

#[test]
fn saved_values_come_back_equal() {
    for case in cases(VALUES)
        .iter()
        .filter(|case| case.get("written").is_some())
    {
        let described = Described::new(&case["value"]).unwrap();
        let written = encode("file", &described).unwrap();
        let texts = texts(&case["written"]);
        assert_eq!(
            str::from_utf8(&written).unwrap(),
            texts[2],
            "{}",
            case["name"]
        );
        for (language, text) in LANGUAGES.iter().zip(texts) {
            let value: Value = decode("file", text.as_bytes()).unwrap();
            assert!(
                same(&value, &described.value()),
                "{} of {language}: {value}",
                case["name"]
            );
            let again: Value = decode("file", &encode("file", &value).unwrap()).unwrap();
            assert_eq!(again, value, "{}", case["name"]);
        }
    }
}

#[test]
fn values_that_would_not_come_back_are_refused_with_their_place() {
    let mut refused = 0;
    for case in cases(VALUES)
        .iter()
        .filter(|case| case.get("refused").is_some())
    {
        // Rust has no text with half of a surrogate pair.
        let Some(described) = Described::new(&case["value"]) else {
            continue;
        };
        let Err(Error::NotSerializable { reason, .. }) = encode("file", &described) else {
            panic!("{} was not refused", case["name"]);
        };
        assert_eq!(reason, case["refused"].as_str().unwrap());
        refused += 1;
    }
    assert!(refused > 5);
}

#[test]
fn values_that_only_rust_has_are_refused_with_their_place() {
    #[derive(Default, serde::Serialize, serde::Deserialize)]
    struct Settings {
        ratio: Option<f32>,
        twice: Option<Option<u8>>,
        large: BTreeMap<u8, u128>,
        #[serde(skip_serializing_if = "is_seven")]
        left: u8,
        #[serde(flatten)]
        more: BTreeMap<String, u8>,
    }
    fn is_seven(number: &u8) -> bool {
        *number == 7
    }
    let refused = |change: fn(&mut Settings)| {
        let mut settings = Settings::default();
        change(&mut settings);
        encode("file", &settings).map_err(|error| error.to_string())
    };
    assert!(refused(|_| ()).is_ok());
    for (change, expected) in [
        (
            (|value| value.ratio = Some(f32::NAN)) as fn(&mut Settings),
            ".ratio is NaN",
        ),
        (
            |value| value.ratio = Some(f32::NEG_INFINITY),
            ".ratio is -Infinity",
        ),
        (
            |value| value.twice = Some(None),
            ".twice is a `Some` that would come back as `None`",
        ),
        (
            |value| value.large = BTreeMap::from([(1, 1), (2, 1 << 64)]),
            r#".large["2"] is 18446744073709551616, beyond the integers of 64 bits"#,
        ),
        (
            |value| value.left = 7,
            "it could not be read back: missing field `left` at line 5 column 1",
        ),
        (
            |value| value.more = BTreeMap::from([("left".into(), 1)]),
            "it could not be read back: its member \"left\" is there twice; keep one of the two",
        ),
    ] {
        let error = refused(change).unwrap_err();
        assert_eq!(
            error,
            format!("file was not changed: its new value cannot be written as JSON: {expected}")
        );
    }
}

#[test]
fn files_are_read_or_refused_as_in_the_other_languages() {
    for case in cases(FILES) {
        let contents: Vec<u8> = match (case["bytes"].as_str(), case["text"].as_str()) {
            (Some(bytes), _) => bytes
                .chars()
                .map(|byte| u8::try_from(byte).unwrap())
                .collect(),
            (None, text) => text.unwrap().into(),
        };
        match (decode::<Value>("file", &contents), case.get("loads")) {
            (Ok(value), Some(expected)) => {
                let expected = Described::new(expected).unwrap().value();
                assert!(same(&value, &expected), "{}: {value}", case["name"]);
                let written = encode("file", &value).unwrap();
                let texts = texts(&case["written"]);
                assert_eq!(
                    str::from_utf8(&written).unwrap(),
                    texts[2],
                    "{}",
                    case["name"]
                );
            }
            (Err(Error::Unsupported { reason, .. }), None) => {
                assert_eq!(
                    Some(&*reason),
                    case["unsupported"].as_str(),
                    "{}",
                    case["name"]
                );
            }
            (Err(Error::Corrupt { .. }), None) => {
                assert_eq!(case["corrupt"], true, "{}", case["name"]);
            }
            (found, _) => panic!("{}: {found:?}", case["name"]),
        }
    }
}
