//! What is in lists, tuples, maps and structs.

use super::Tracer;
use super::failure::{Failure, is_final};
use super::way::Way;
use serde::de::value::{StrDeserializer, UnitDeserializer};
use serde::de::{DeserializeSeed, IntoDeserializer, MapAccess, SeqAccess};

/// A map that has no entries.
pub(super) struct Empty;

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
pub(super) struct Elements<'e> {
    pub(super) of: Tracer<'e>,
    pub(super) way: &'e Way<'e>,
    pub(super) name: Option<&'static str>,
    pub(super) left: usize,
    pub(super) met: usize,
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
pub(super) struct Entry<'e> {
    pub(super) of: Tracer<'e>,
    pub(super) way: &'e Way<'e>,
    pub(super) is_over: bool,
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
pub(super) struct Fields<'e> {
    pub(super) of: Tracer<'e>,
    pub(super) way: &'e Way<'e>,
    pub(super) left: &'static [&'static str],
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
