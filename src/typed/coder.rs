//! A schema's work: names, versions, upcasters and codec together.

use super::{decode, encode};
use crate::codec::{Codec, CodecError};
use crate::upcast::{Newest, Upcasters};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Why an event could not be read; where it is, the caller knows.
pub(super) enum Problem {
    UnknownType,
    NewerSchema(u32),
    Content(String),
}

impl From<CodecError> for Problem {
    fn from(error: CodecError) -> Self {
        Problem::Content(error.to_string())
    }
}

/// A schema, whatever its codec: so that the codec's type need not be named
/// wherever there are events.
pub(super) trait Coding<E>: Send + Sync {
    fn encode(&self, event: &E) -> Result<(&'static str, u32, Vec<u8>), CodecError>;
    fn decode(
        &self,
        event_type: &str,
        schema: u32,
        data: &[u8],
        each: &mut dyn FnMut(E),
    ) -> Result<(), Problem>;
    fn newest(&self) -> &Newest;
    fn upcasts(&self, event_type: &str, schema: u32) -> bool;
    fn variants(&self) -> Vec<String>;
}

pub(super) struct Coder<C> {
    upcasters: Upcasters<C>,
    newest: Newest,
}

impl<C: Codec> Coder<C> {
    pub(super) fn new(upcasters: Upcasters<C>, newest: Newest) -> Self {
        Coder { upcasters, newest }
    }

    fn decode_newest<E: DeserializeOwned>(
        &self,
        event_type: &str,
        schema: u32,
        data: &[u8],
        each: &mut dyn FnMut(E),
    ) -> Result<(), Problem> {
        match self.newest.get(event_type) {
            Some(newest) if schema > *newest => return Err(Problem::NewerSchema(*newest)),
            Some(newest) if schema < *newest => {
                return Err(Problem::Content(format!(
                    "there is no upcaster from schema {schema} of {event_type:?}"
                )));
            }
            _ => {}
        }
        match decode::decode(event_type, data, &self.upcasters.codec) {
            Ok(value) => {
                each(value);
                Ok(())
            }
            Err(decode::Failure::UnknownType) => Err(Problem::UnknownType),
            Err(decode::Failure::Content(reason)) => Err(Problem::Content(reason)),
        }
    }
}

impl<E: Serialize + DeserializeOwned, C: Codec> Coding<E> for Coder<C> {
    fn encode(&self, event: &E) -> Result<(&'static str, u32, Vec<u8>), CodecError> {
        let (name, data) = encode::encode(event, &self.upcasters.codec)?;
        match self.newest.get(name) {
            Some(schema) => Ok((name, *schema, data)),
            None => Err(CodecError::new(format_args!(
                "it is written as {name:?}, but no variant is read by that name"
            ))),
        }
    }

    fn decode(
        &self,
        event_type: &str,
        schema: u32,
        data: &[u8],
        each: &mut dyn FnMut(E),
    ) -> Result<(), Problem> {
        self.upcasters
            .upcast(event_type, schema, data, &mut |event_type, schema, data| {
                self.decode_newest(event_type, schema, data, each)
            })
    }

    fn newest(&self) -> &Newest {
        &self.newest
    }

    fn upcasts(&self, event_type: &str, schema: u32) -> bool {
        self.upcasters.applies(event_type, schema)
    }

    fn variants(&self) -> Vec<String> {
        let names = decode::variant_names::<E>().iter();
        names.map(|name| (*name).to_owned()).collect()
    }
}
