//! Deserializers of enums, and of nothing else.

use serde::de::{Deserializer, Error, Visitor};

/// Why an event type that is no enum, or not a plain one, is refused.
pub(crate) const NO_PLAIN_ENUM: &str =
    "events are enums without #[serde(tag)] or #[serde(untagged)]";

/// What has a value of an enum to give, whichever enum that is.
pub(crate) trait GivesEnum<'de>: Sized {
    type Error: Error;

    /// Gives the value of an enum that has these variants.
    fn give<V: Visitor<'de>>(
        self,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Self::Error>;

    /// What is said when something else than an enum is asked for.
    fn refuse() -> Self::Error;
}

/// Presents the value of an enum. A struct around an enum is as good as the
/// enum; all else is refused.
pub(crate) struct OnlyEnum<G>(pub(crate) G);

impl<'de, G: GivesEnum<'de>> Deserializer<'de> for OnlyEnum<G> {
    type Error = G::Error;

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, G::Error> {
        self.0.give(variants, visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, G::Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, G::Error> {
        Err(G::refuse())
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string
        bytes byte_buf option unit unit_struct seq tuple tuple_struct map struct
        identifier ignored_any
    }
}
