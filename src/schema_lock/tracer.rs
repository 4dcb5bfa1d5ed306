//! A deserializer that makes values up, and notes what it was asked for.

use super::explore::{Exploration, Kind, MAX_DEPTH};
use serde::de::value::{StrDeserializer, UnitDeserializer};
use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, Error, IntoDeserializer, MapAccess, SeqAccess,
    VariantAccess, Visitor,
};
use std::fmt;

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

/// Why a run ended early.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) reason: String,
    /// Whether no other value would make a difference.
    pub(super) is_final: bool,
}

impl fmt::Display for Failure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.reason)
    }
}

impl std::error::Error for Failure {}

impl Error for Failure {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Failure {
            reason: message.to_string(),
            is_final: false,
        }
    }
}

fn is_final(reason: impl fmt::Display) -> Failure {
    Failure {
        reason: reason.to_string(),
        is_final: true,
    }
}

/// What lies between the root and a place: named types, and places that may be
/// left empty.
#[derive(Clone, Copy)]
struct Way<'w> {
    up: Option<&'w Way<'w>>,
    depth: usize,
    name: &'static str,
    escape: Option<usize>,
}

impl<'w> Way<'w> {
    const START: Way<'static> = Way {
        up: None,
        depth: 0,
        name: "",
        escape: None,
    };

    fn down(&'w self, name: &'static str, escape: Option<usize>) -> Way<'w> {
        Way {
            up: Some(self),
            depth: self.depth + 1,
            name,
            escape,
        }
    }

    fn steps(&self) -> impl Iterator<Item = &Way<'w>> {
        std::iter::successors(Some(self), |way| way.up)
    }

    /// How often a named type is on the way already.
    fn count(&self, name: &str) -> usize {
        self.steps().filter(|own| own.name == name).count()
    }

    /// The nearest place since that type which may be left empty.
    fn escape_since(&self, name: &str) -> Option<usize> {
        self.steps()
            .take_while(|own| own.name != name)
            .find_map(|own| own.escape)
    }
}

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

/// A map that has no entries.
struct Empty;

impl<'de> MapAccess<'de> for Empty {
    type Error = Failure;

    fn next_key_seed<S: DeserializeSeed<'de>>(
        &mut self,
        _: S,
    ) -> Result<Option<S::Value>, Failure> {
        Ok(None)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Failure> {
        let nothing: UnitDeserializer<Failure> = ().into_deserializer();
        seed.deserialize(nothing)
    }
}

/// The elements of a list (all under one name) or tuple.
struct Elements<'e> {
    of: Tracer<'e>,
    way: &'e Way<'e>,
    name: Option<&'static str>,
    left: usize,
    met: usize,
}

impl<'de> SeqAccess<'de> for Elements<'_> {
    type Error = Failure;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Failure> {
        if self.left == 0 {
            return Ok(None);
        }
        self.left -= 1;
        self.met += 1;
        let name = self
            .name
            .map_or_else(|| self.met.to_string(), str::to_owned);
        seed.deserialize(self.of.at(&name, self.way)).map(Some)
    }
}

/// The one entry of a map.
struct Entry<'e> {
    of: Tracer<'e>,
    way: &'e Way<'e>,
    is_over: bool,
}

impl<'de> MapAccess<'de> for Entry<'_> {
    type Error = Failure;

    fn next_key_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Failure> {
        if self.is_over {
            return Ok(None);
        }
        self.is_over = true;
        seed.deserialize(self.of.at("key", self.way)).map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Failure> {
        seed.deserialize(self.of.at("value", self.way))
    }
}

/// The fields of a struct.
struct Fields<'e> {
    of: Tracer<'e>,
    way: &'e Way<'e>,
    left: &'static [&'static str],
}

impl<'de> MapAccess<'de> for Fields<'_> {
    type Error = Failure;

    fn next_key_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Failure> {
        let Some(name) = self.left.first() else {
            return Ok(None);
        };
        let name: StrDeserializer<'_, Failure> = name.into_deserializer();
        seed.deserialize(name).map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Failure> {
        let Some((name, rest)) = self.left.split_first() else {
            return Err(is_final("a value was asked for without a key"));
        };
        self.left = rest;
        seed.deserialize(self.of.at(name, self.way))
    }
}

/// A variant of an enum within the data.
struct Variant<'e> {
    name: &'e str,
    content: Tracer<'e>,
}

impl<'de, 'e> EnumAccess<'de> for Variant<'e> {
    type Error = Failure;
    type Variant = Tracer<'e>;

    fn variant_seed<S: DeserializeSeed<'de>>(
        self,
        seed: S,
    ) -> Result<(S::Value, Tracer<'e>), Failure> {
        let name: StrDeserializer<'_, Failure> = self.name.into_deserializer();
        Ok((seed.deserialize(name)?, self.content))
    }
}

impl<'de> VariantAccess<'de> for Tracer<'_> {
    type Error = Failure;

    fn unit_variant(self) -> Result<(), Failure> {
        self.known.note(self.node, Kind::Simple("nothing"));
        Ok(())
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, Failure> {
        seed.deserialize(self)
    }

    fn tuple_variant<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, Failure> {
        self.deserialize_tuple(len, visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Failure> {
        self.known.note(self.node, Kind::Struct);
        let way = self.way.down("", None);
        visitor.visit_map(Fields {
            of: self,
            way: &way,
            left: fields,
        })
    }
}

/// The event enum itself, in one of its variants.
pub(super) struct TraceVariant<'e> {
    name: &'e str,
    known: &'e Exploration<'e>,
}

impl<'e> TraceVariant<'e> {
    pub(super) fn new(name: &'e str, known: &'e Exploration<'e>) -> Self {
        TraceVariant { name, known }
    }
}

impl<'de> Deserializer<'de> for TraceVariant<'_> {
    type Error = Failure;

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Failure> {
        let way = Way::START;
        visitor.visit_enum(Variant {
            name: self.name,
            content: Tracer {
                known: self.known,
                node: 0,
                way: &way,
            },
        })
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Failure> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Failure> {
        Err(is_final(
            "events are enums without #[serde(tag)] or #[serde(untagged)]",
        ))
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string
        bytes byte_buf option unit unit_struct seq tuple tuple_struct map struct
        identifier ignored_any
    }
}
