//! Enums: those within the data, and that of the events itself.

use super::Tracer;
use super::access::Fields;
use super::failure::{Failure, is_final};
use super::way::Way;
use crate::schema_lock::explore::{Exploration, Kind};
use crate::typed::{GivesEnum, NO_PLAIN_ENUM};
use serde::de::value::StrDeserializer;
use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, IntoDeserializer, VariantAccess, Visitor,
};

/// A variant of an enum within the data.
pub(super) struct Variant<'e> {
    pub(super) name: &'e str,
    pub(super) content: Tracer<'e>,
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
pub(in crate::schema_lock) struct TraceVariant<'e> {
    name: &'e str,
    known: &'e Exploration<'e>,
}

impl<'e> TraceVariant<'e> {
    pub(in crate::schema_lock) fn new(name: &'e str, known: &'e Exploration<'e>) -> Self {
        TraceVariant { name, known }
    }
}

impl<'de> GivesEnum<'de> for TraceVariant<'_> {
    type Error = Failure;

    fn give<V: Visitor<'de>>(
        self,
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

    fn refuse() -> Failure {
        is_final(NO_PLAIN_ENUM)
    }
}
