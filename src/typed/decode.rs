//! From the name of a variant and its content to a value of an event enum.

use super::only_enum::{GivesEnum, NO_PLAIN_ENUM, OnlyEnum};
use crate::codec::{Codec, CodecError};
use serde::de::value::StrDeserializer;
use serde::de::{
    DeserializeOwned, DeserializeSeed, Deserializer, EnumAccess, Error, IntoDeserializer,
    VariantAccess, Visitor,
};
use std::fmt;

/// Why an event could not be read.
#[derive(Debug)]
pub(super) enum Failure {
    /// The enum has no variant of this name.
    UnknownType,
    /// The content is not that of the variant.
    Content(String),
}

/// The value of the enum `E` whose variant has this name and this content.
pub(super) fn decode<E: DeserializeOwned, C: Codec>(
    name: &str,
    data: &[u8],
    codec: &C,
) -> Result<E, Failure> {
    E::deserialize(OnlyEnum(Variant { name, data, codec }))
}

impl fmt::Display for Failure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::UnknownType => out.write_str("unknown type"),
            Failure::Content(reason) => out.write_str(reason),
        }
    }
}

impl std::error::Error for Failure {}

/// Errors of this type arise only from the name; those of the content are the
/// codec's.
impl Error for Failure {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Failure::Content(message.to_string())
    }

    fn unknown_variant(_: &str, _: &'static [&'static str]) -> Self {
        Failure::UnknownType
    }
}

impl From<CodecError> for Failure {
    fn from(error: CodecError) -> Self {
        Failure::Content(error.to_string())
    }
}

/// The value of an enum: a variant, and its content as the codec wrote it.
struct Variant<'a, C> {
    name: &'a str,
    data: &'a [u8],
    codec: &'a C,
}

impl<'de, C: Codec> GivesEnum<'de> for Variant<'de, C> {
    type Error = Failure;

    fn give<V: Visitor<'de>>(
        self,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Failure> {
        visitor.visit_enum(self)
    }

    fn refuse() -> Failure {
        Failure::Content(NO_PLAIN_ENUM.to_owned())
    }
}

impl<'a, C: Codec> EnumAccess<'a> for Variant<'a, C> {
    type Error = Failure;
    type Variant = Self;

    fn variant_seed<S: DeserializeSeed<'a>>(self, seed: S) -> Result<(S::Value, Self), Failure> {
        let name: StrDeserializer<'_, Failure> = self.name.into_deserializer();
        Ok((seed.deserialize(name)?, self))
    }
}

impl<'a, C: Codec> VariantAccess<'a> for Variant<'a, C> {
    type Error = Failure;

    /// A variant without content takes no notice of what there is, as structs
    /// take none of fields that they don't have.
    fn unit_variant(self) -> Result<(), Failure> {
        Ok(())
    }

    fn newtype_variant_seed<S: DeserializeSeed<'a>>(self, seed: S) -> Result<S::Value, Failure> {
        Ok(self.codec.decode(self.data, seed)?)
    }

    fn tuple_variant<V: Visitor<'a>>(self, len: usize, visitor: V) -> Result<V::Value, Failure> {
        Ok(self.codec.decode(self.data, Tuple { len, visitor })?)
    }

    fn struct_variant<V: Visitor<'a>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Failure> {
        Ok(self.codec.decode(self.data, Struct { fields, visitor })?)
    }
}

/// Asks the codec's deserializer for the content of a tuple variant.
struct Tuple<V> {
    len: usize,
    visitor: V,
}

impl<'de, V: Visitor<'de>> DeserializeSeed<'de> for Tuple<V> {
    type Value = V::Value;

    fn deserialize<D: Deserializer<'de>>(self, source: D) -> Result<V::Value, D::Error> {
        source.deserialize_tuple(self.len, self.visitor)
    }
}

/// Asks the codec's deserializer for the content of a struct variant.
struct Struct<V> {
    fields: &'static [&'static str],
    visitor: V,
}

impl<'de, V: Visitor<'de>> DeserializeSeed<'de> for Struct<V> {
    type Value = V::Value;

    fn deserialize<D: Deserializer<'de>>(self, source: D) -> Result<V::Value, D::Error> {
        source.deserialize_struct("", self.fields, self.visitor)
    }
}

/// The names of the variants of `E`, aliases included; none if it is not an
/// enum.
pub(super) fn variant_names<E: DeserializeOwned>() -> &'static [&'static str] {
    match E::deserialize(OnlyEnum(AskNames)) {
        Err(Names(names)) => names,
        Ok(_) => &[],
    }
}

/// Gives no value, but finds out which variants there are.
struct AskNames;

/// The answer, by way of an error.
#[derive(Debug)]
struct Names(&'static [&'static str]);

impl fmt::Display for Names {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0.join(", "))
    }
}

impl std::error::Error for Names {}

impl Error for Names {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Names(&[])
    }
}

impl<'de> GivesEnum<'de> for AskNames {
    type Error = Names;

    fn give<V: Visitor<'de>>(
        self,
        variants: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, Names> {
        Err(Names(variants))
    }

    fn refuse() -> Names {
        Names(&[])
    }
}
