//! Finds what would not come back from JSON, and where in the value it is.
//!
//! `serde_json` writes a number that is none as `null`, and nests deeper than it reads.

use super::MAX_DEPTH;
use serde::Serialize;
use serde::ser::{self, Serializer};
use std::fmt::{self, Display, Write as _};

/// What in `value` would not come back, such as `.cities[2].ratio is NaN`.
pub(super) fn check<T: Serialize + ?Sized>(value: &T) -> Result<(), String> {
    let mut walk = Walk::default();
    value.serialize(&mut walk).map_err(|refused| refused.0)
}

/// The reason, with the place.
#[derive(Debug)]
struct Refused(String);

impl Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Refused {}

impl ser::Error for Refused {
    fn custom<T: Display>(message: T) -> Self {
        Self(message.to_string())
    }
}

type Checked = Result<(), Refused>;

enum Step {
    Name(String),
    Index(usize),
}

/// Goes through a value, and writes nothing.
#[derive(Default)]
struct Walk {
    /// Which names and indexes lead to the value that is looked at.
    place: Vec<Step>,
    /// Whether the value that comes now is in a `Some`.
    is_some: bool,
}

impl Walk {
    fn refuse<T>(&self, what: impl Display) -> Result<T, Refused> {
        let mut reason = String::new();
        for step in &self.place {
            match step {
                Step::Index(index) => write!(reason, "[{index}]"),
                Step::Name(name) if is_identifier(name) => write!(reason, ".{name}"),
                Step::Name(name) => write!(reason, "[{}]", serde_json::Value::from(&**name)),
            }
            .map_err(ser::Error::custom)?;
        }
        let place = if reason.is_empty() { "it" } else { &reason };
        Err(Refused(format!("{place} {what}")))
    }

    fn float(&self, number: f64) -> Checked {
        match number {
            _ if number.is_finite() => Ok(()),
            _ if number.is_nan() => self.refuse("is NaN"),
            _ if number > 0.0 => self.refuse("is Infinity"),
            _ => self.refuse("is -Infinity"),
        }
    }

    /// What JSON writes as `null`.
    fn null(&self) -> Checked {
        if self.is_some {
            return self.refuse("is a `Some` that would come back as `None`");
        }
        Ok(())
    }

    /// Begins an array or an object.
    fn open(&mut self, step: Step) -> Checked {
        self.is_some = false;
        if self.place.len() == MAX_DEPTH {
            return self.refuse(format_args!(
                "is inside of {MAX_DEPTH} arrays and objects, which is the limit"
            ));
        }
        self.place.push(step);
        Ok(())
    }

    fn array(&mut self) -> Result<Members<'_>, Refused> {
        self.open(Step::Index(0))?;
        Ok(Members {
            walk: self,
            index: 0,
            levels: 1,
        })
    }

    fn object(&mut self) -> Result<Members<'_>, Refused> {
        self.open(Step::Name(String::new()))?;
        Ok(Members {
            walk: self,
            index: 0,
            levels: 1,
        })
    }
}

fn is_identifier(name: &str) -> bool {
    let is_letter = |byte: u8| byte.is_ascii_alphabetic() || byte == b'_';
    name.bytes().next().is_some_and(is_letter)
        && name
            .bytes()
            .all(|byte| is_letter(byte) || byte.is_ascii_digit())
}

/// What is in an array or an object that was begun.
struct Members<'a> {
    walk: &'a mut Walk,
    index: usize,
    /// How many steps end with it: two in a variant, which is an object with one member.
    levels: usize,
}

impl Members<'_> {
    fn member<T: Serialize + ?Sized>(&mut self, step: Step, value: &T) -> Checked {
        if let Some(last) = self.walk.place.last_mut() {
            *last = step;
        }
        self.walk.is_some = false;
        value.serialize(&mut *self.walk)
    }

    fn item<T: Serialize + ?Sized>(&mut self, value: &T) -> Checked {
        let step = Step::Index(self.index);
        self.index += 1;
        self.member(step, value)
    }

    fn close(self) -> Checked {
        let length = self.walk.place.len() - self.levels;
        self.walk.place.truncate(length);
        Ok(())
    }
}

/// Methods for values that always come back.
macro_rules! kept {
    ($($method:ident($kind:ty))*) => {
        $(fn $method(self, _: $kind) -> Checked {
            Ok(())
        })*
    };
}

impl<'a> Serializer for &'a mut Walk {
    type Ok = ();
    type Error = Refused;
    type SerializeSeq = Members<'a>;
    type SerializeTuple = Members<'a>;
    type SerializeTupleStruct = Members<'a>;
    type SerializeTupleVariant = Members<'a>;
    type SerializeMap = Members<'a>;
    type SerializeStruct = Members<'a>;
    type SerializeStructVariant = Members<'a>;

    kept! {
        serialize_bool(bool)
        serialize_i8(i8) serialize_i16(i16) serialize_i32(i32) serialize_i64(i64)
        serialize_u8(u8) serialize_u16(u16) serialize_u32(u32) serialize_u64(u64)
        serialize_char(char) serialize_str(&str)
    }

    fn serialize_i128(self, number: i128) -> Checked {
        if i64::try_from(number).is_ok() || u64::try_from(number).is_ok() {
            return Ok(());
        }
        self.refuse(format_args!("is {number}, beyond the integers of 64 bits"))
    }

    fn serialize_u128(self, number: u128) -> Checked {
        if u64::try_from(number).is_ok() {
            return Ok(());
        }
        self.refuse(format_args!("is {number}, beyond the integers of 64 bits"))
    }

    fn serialize_f32(self, number: f32) -> Checked {
        self.float(number.into())
    }

    fn serialize_f64(self, number: f64) -> Checked {
        self.float(number)
    }

    fn serialize_bytes(self, _: &[u8]) -> Checked {
        self.array()?.close()
    }

    fn serialize_none(self) -> Checked {
        self.null()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Checked {
        self.is_some = true;
        value.serialize(&mut *self)?;
        self.is_some = false;
        Ok(())
    }

    fn serialize_unit(self) -> Checked {
        self.null()
    }

    fn serialize_unit_struct(self, _: &'static str) -> Checked {
        self.null()
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, _: &'static str) -> Checked {
        Ok(())
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Checked {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Checked {
        let mut members = self.object()?;
        members.member(Step::Name(variant.to_owned()), value)?;
        members.close()
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Members<'a>, Refused> {
        self.array()
    }

    fn serialize_tuple(self, _: usize) -> Result<Members<'a>, Refused> {
        self.array()
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Members<'a>, Refused> {
        self.array()
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Members<'a>, Refused> {
        self.open(Step::Name(variant.to_owned()))?;
        let members = self.array()?;
        Ok(Members {
            levels: 2,
            ..members
        })
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Members<'a>, Refused> {
        self.object()
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Members<'a>, Refused> {
        self.object()
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Members<'a>, Refused> {
        self.open(Step::Name(variant.to_owned()))?;
        let members = self.object()?;
        Ok(Members {
            levels: 2,
            ..members
        })
    }
}

/// The traits for what has items without names.
macro_rules! items {
    ($($name:ident::$method:ident)*) => {
        $(impl ser::$name for Members<'_> {
            type Ok = ();
            type Error = Refused;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Checked {
                self.item(value)
            }

            fn end(self) -> Checked {
                self.close()
            }
        })*
    };
}

items! {
    SerializeSeq::serialize_element
    SerializeTuple::serialize_element
    SerializeTupleStruct::serialize_field
    SerializeTupleVariant::serialize_field
}

/// The traits for what has fields.
macro_rules! fields {
    ($($name:ident)*) => {
        $(impl ser::$name for Members<'_> {
            type Ok = ();
            type Error = Refused;

            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                name: &'static str,
                value: &T,
            ) -> Checked {
                self.member(Step::Name(name.to_owned()), value)
            }

            fn end(self) -> Checked {
                self.close()
            }
        })*
    };
}

fields! { SerializeStruct SerializeStructVariant }

impl ser::SerializeMap for Members<'_> {
    type Ok = ();
    type Error = Refused;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Checked {
        // Of what is no text, as a number, this is what is written as the name.
        let name = match serde_json::to_value(key) {
            Ok(serde_json::Value::String(name)) => name,
            Ok(key) => key.to_string(),
            Err(error) => error.to_string(),
        };
        if let Some(last) = self.walk.place.last_mut() {
            *last = Step::Name(name);
        }
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Checked {
        self.walk.is_some = false;
        value.serialize(&mut *self.walk)
    }

    fn end(self) -> Checked {
        self.close()
    }
}
