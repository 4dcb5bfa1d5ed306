//! A deserializer that makes values up, and notes what it was asked for.

mod access;
mod failure;
mod variant;
mod way;

pub(super) use failure::Failure;
pub(super) use variant::TraceVariant;

use super::explore::{Exploration, Kind, MAX_DEPTH};
use access::{Elements, Empty, Entry, Fields};
use failure::is_final;
use serde::de::{Deserializer, Error, Visitor};
use variant::Variant;
use way::Way;

/// Texts that types with a form of their own take.
const TEXTS: [&str; 16] = [
    "",
    "a",
    "0",
    "1",
    "00000000-0000-4000-8000-000000000000",
    "2000-01-01T00:00:00Z",
    "2000-01-01T00:00:00",
    "2000-01-01",
    "00:00:00",
    "2000-01-01T00:00:00+00:00[UTC]",
    "127.0.0.1",
    "127.0.0.1:80",
    "http://localhost/",
    "a@example.com",
    "1.0.0",
    "EUR",
];

/// Lengths of bytes that ids, keys and hashes have.
const LENGTHS: [usize; 6] = [0, 16, 32, 4, 8, 64];

/// Deserializes what stands at one place.
#[derive(Clone, Copy)]
struct Tracer<'e> {
    known: &'e Exploration<'e>,
    node: usize,
    way: &'e Way<'e>,
}

impl<'e> Tracer<'e> {
    fn at<'n>(&self, child: &str, way: &'n Way<'n>) -> Tracer<'n>
    where
        'e: 'n,
    {
        Tracer {
            known: self.known,
            node: self.known.child(self.node, child),
            way,
        }
    }

    /// Which value to make up here, of so many.
    fn attempt(&self, name: &'static str, count: usize) -> Result<usize, Failure> {
        self.known.note(self.node, Kind::Simple(name));
        self.known.last.set(self.node);
        let attempt = self.known.nodes.borrow()[self.node].attempt;
        if attempt < count {
            return Ok(attempt);
        }
        Err(is_final(format_args!(
            "no {name} that was tried will do for it"
        )))
    }

    fn is_empty(&self) -> bool {
        self.known.nodes.borrow()[self.node].empty
    }

    /// The named type that begins here: how often this place is within it.
    fn enter(&self, name: &'static str, kind: Kind) -> Result<usize, Failure> {
        let count = self.way.count(name);
        if count > 0 {
            self.known.note(self.node, Kind::Again);
            self.known.escape.set(self.way.escape_since(name));
            if self.known.escape.get().is_some() {
                return Err(Failure::custom("it is within itself"));
            }
        } else {
            self.known.note(self.node, kind);
        }
        if self.way.depth > MAX_DEPTH {
            return Err(is_final("it is within itself without end"));
        }
        Ok(count)
    }
}

macro_rules! simple {
    ($($method:ident $visit:ident $name:literal [$($value:expr),*];)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
            let values = [$($value),*];
            let attempt = self.attempt($name, values.len())?;
            visitor.$visit(values[attempt])
        })*
    };
}

impl<'de> Deserializer<'de> for Tracer<'_> {
    type Error = Failure;

    simple! {
        deserialize_bool visit_bool "bool" [false, true];
        deserialize_i8 visit_i8 "i8" [0, 1, 2];
        deserialize_i16 visit_i16 "i16" [0, 1, 2];
        deserialize_i32 visit_i32 "i32" [0, 1, 2];
        deserialize_i64 visit_i64 "i64" [0, 1, 2];
        deserialize_i128 visit_i128 "i128" [0, 1, 2];
        deserialize_u8 visit_u8 "u8" [0, 1, 2];
        deserialize_u16 visit_u16 "u16" [0, 1, 2];
        deserialize_u32 visit_u32 "u32" [0, 1, 2];
        deserialize_u64 visit_u64 "u64" [0, 1, 2];
        deserialize_u128 visit_u128 "u128" [0, 1, 2];
        deserialize_f32 visit_f32 "f32" [0.0, 0.5, 1.0];
        deserialize_f64 visit_f64 "f64" [0.0, 0.5, 1.0];
        deserialize_char visit_char "char" ['a', '0'];
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        let texts = self.known.texts;
        let attempt = self.attempt("text", texts.len() + TEXTS.len())?;
        match texts.get(attempt) {
            Some(text) => visitor.visit_str(text),
            None => visitor.visit_str(TEXTS[attempt - texts.len()]),
        }
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        let attempt = self.attempt("bytes", LENGTHS.len())?;
        visitor.visit_bytes(&[0; 64][..LENGTHS[attempt]])
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        self.deserialize_str(visitor)
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        self.deserialize_str(visitor)
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        self.deserialize_bytes(visitor)
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        match self.attempt("anything", 6)? {
            0 => visitor.visit_unit(),
            1 => visitor.visit_str(""),
            2 => visitor.visit_u64(0),
            3 => visitor.visit_f64(0.0),
            4 => visitor.visit_bool(false),
            _ => visitor.visit_map(Empty),
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        self.deserialize_unit(visitor)
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        self.known.note(self.node, Kind::Simple("nothing"));
        visitor.visit_unit()
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Failure> {
        self.deserialize_unit(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        self.known.note(self.node, Kind::Optional);
        if self.is_empty() {
            return visitor.visit_none();
        }
        let way = self.way.down("", Some(self.node));
        visitor.visit_some(self.at("", &way))
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        self.known.note(self.node, Kind::List);
        let way = self.way.down("", Some(self.node));
        let left = usize::from(!self.is_empty());
        visitor.visit_seq(Elements {
            of: self,
            way: &way,
            name: Some("element"),
            left,
            met: 0,
        })
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        self.known.note(self.node, Kind::Map);
        let way = self.way.down("", Some(self.node));
        visitor.visit_map(Entry {
            of: self,
            way: &way,
            is_over: self.is_empty(),
        })
    }

    fn deserialize_tuple<V: Visitor<'de>>(
        self,
        len: usize,
        visitor: V,
    ) -> Result<V::Value, Failure> {
        self.known.note(self.node, Kind::Tuple);
        let way = self.way.down("", None);
        visitor.visit_seq(Elements {
            of: self,
            way: &way,
            name: None,
            left: len,
            met: 0,
        })
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        len: usize,
        visitor: V,
    ) -> Result<V::Value, Failure> {
        self.deserialize_tuple(len, visitor)
    }

    /// A struct around one value is stored as that value.
    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Failure> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Failure> {
        self.enter(name, Kind::Struct)?;
        let way = self.way.down(name, None);
        visitor.visit_map(Fields {
            of: self,
            way: &way,
            left: fields,
        })
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Failure> {
        // Within itself, an enum takes another variant at each depth, and so
        // comes to one that ends.
        let chosen = match self.enter(name, Kind::Enum)? {
            0 => self.known.next_variant(self.node, variants),
            count => (count - 1) % variants.len().max(1),
        };
        let Some(variant) = variants.get(chosen) else {
            return Err(is_final("an enum in it has no variants"));
        };
        let way = self.way.down(name, None);
        visitor.visit_enum(Variant {
            name: variant,
            content: self.at(variant, &way),
        })
    }
}
