//! From a value of an event enum to the name of its variant and its content.

use crate::codec::{Codec, CodecError};
use serde::ser::{Impossible, SerializeTupleVariant};
use serde::ser::{SerializeStruct, SerializeStructVariant, SerializeTuple};
use serde::{Serialize, Serializer};
use std::cell::Cell;

/// The name of the variant, and its content as the codec writes it.
pub(super) fn encode<E: Serialize, C: Codec>(
    event: &E,
    codec: &C,
) -> Result<(&'static str, Vec<u8>), CodecError> {
    let name = Cell::new("");
    let content = Content { event, name: &name };
    let data = codec.encode(&content)?;
    Ok((name.get(), data))
}

/// What serialises as the content alone of an enum's value, and notes the name
/// of its variant on the way.
struct Content<'a, E> {
    event: &'a E,
    name: &'a Cell<&'static str>,
}

impl<E: Serialize> Serialize for Content<'_, E> {
    fn serialize<S: Serializer>(&self, inner: S) -> Result<S::Ok, S::Error> {
        self.event.serialize(Unwrap {
            inner,
            name: self.name,
        })
    }
}

/// A serializer that takes the value of an enum and hands its content on.
struct Unwrap<'a, S> {
    inner: S,
    name: &'a Cell<&'static str>,
}

/// What is not the value of an enum whose variants are told by their names.
fn refuse<T, E: serde::ser::Error>(what: &str) -> Result<T, E> {
    Err(E::custom(format_args!(
        "an event must be a variant of an enum, and this is {what}; \
         events are enums without #[serde(tag)] or #[serde(untagged)]"
    )))
}

macro_rules! refuse_values {
    ($($method:ident($type:ty) $what:literal)*) => {
        $(fn $method(self, _: $type) -> Result<S::Ok, S::Error> {
            refuse($what)
        })*
    };
}

impl<S: Serializer> Serializer for Unwrap<'_, S> {
    type Ok = S::Ok;
    type Error = S::Error;
    type SerializeSeq = Impossible<S::Ok, S::Error>;
    type SerializeTuple = Impossible<S::Ok, S::Error>;
    type SerializeTupleStruct = Impossible<S::Ok, S::Error>;
    type SerializeTupleVariant = Fields<S::SerializeTuple>;
    type SerializeMap = Impossible<S::Ok, S::Error>;
    type SerializeStruct = Impossible<S::Ok, S::Error>;
    type SerializeStructVariant = Fields<S::SerializeStruct>;

    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<S::Ok, S::Error> {
        self.name.set(variant);
        self.inner.serialize_unit()
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<S::Ok, S::Error> {
        self.name.set(variant);
        value.serialize(self.inner)
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<Self::SerializeTupleVariant, S::Error> {
        self.name.set(variant);
        self.inner.serialize_tuple(len).map(Fields)
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<Self::SerializeStructVariant, S::Error> {
        self.name.set(variant);
        self.inner.serialize_struct(variant, len).map(Fields)
    }

    /// A struct around an enum is as good as the enum.
    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<S::Ok, S::Error> {
        value.serialize(self)
    }

    fn is_human_readable(&self) -> bool {
        self.inner.is_human_readable()
    }

    refuse_values! {
        serialize_bool(bool) "a truth value"
        serialize_i8(i8) "a number"
        serialize_i16(i16) "a number"
        serialize_i32(i32) "a number"
        serialize_i64(i64) "a number"
        serialize_u8(u8) "a number"
        serialize_u16(u16) "a number"
        serialize_u32(u32) "a number"
        serialize_u64(u64) "a number"
        serialize_f32(f32) "a number"
        serialize_f64(f64) "a number"
        serialize_char(char) "a character"
        serialize_str(&str) "a text"
        serialize_bytes(&[u8]) "bytes"
        serialize_unit_struct(&'static str) "a struct"
    }

    fn serialize_none(self) -> Result<S::Ok, S::Error> {
        refuse("an option")
    }

    fn serialize_some<T: Serialize + ?Sized>(self, _: &T) -> Result<S::Ok, S::Error> {
        refuse("an option")
    }

    fn serialize_unit(self) -> Result<S::Ok, S::Error> {
        refuse("nothing")
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Self::SerializeSeq, S::Error> {
        refuse("a sequence")
    }

    fn serialize_tuple(self, _: usize) -> Result<Self::SerializeTuple, S::Error> {
        refuse("a tuple")
    }

    fn serialize_tuple_struct(
        self,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleStruct, S::Error> {
        refuse("a tuple struct")
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Self::SerializeMap, S::Error> {
        refuse("a map")
    }

    fn serialize_struct(
        self,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeStruct, S::Error> {
        refuse("a struct")
    }
}

/// The fields of a variant, handed on as those of a tuple or struct.
struct Fields<F>(F);

impl<F: SerializeTuple> SerializeTupleVariant for Fields<F> {
    type Ok = F::Ok;
    type Error = F::Error;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), F::Error> {
        self.0.serialize_element(value)
    }

    fn end(self) -> Result<F::Ok, F::Error> {
        self.0.end()
    }
}

impl<F: SerializeStruct> SerializeStructVariant for Fields<F> {
    type Ok = F::Ok;
    type Error = F::Error;

    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        key: &'static str,
        value: &T,
    ) -> Result<(), F::Error> {
        self.0.serialize_field(key, value)
    }

    fn skip_field(&mut self, key: &'static str) -> Result<(), F::Error> {
        self.0.skip_field(key)
    }

    fn end(self) -> Result<F::Ok, F::Error> {
        self.0.end()
    }
}
