//! MessagePack, the binary codec.

use super::{Codec, CodecError};
use serde::de::{DeserializeSeed, IgnoredAny};
use serde::{Deserialize, Serialize};

/// MessagePack: binary, smaller and faster than JSON, and self-describing like
/// it: fields go by their names, so that old data can be read without the
/// types of then (as `rmpv::Value`, or as any type that has those fields).
///
/// ```
/// use annals::{MessagePack, Schema};
/// # use serde::{Serialize, Deserialize};
/// #[derive(Serialize, Deserialize)]
/// enum Metered { Read { kilowatt_hours: f64 } }
///
/// let schema = Schema::<Metered>::with_codec(MessagePack);
/// let event = schema.encode(&Metered::Read { kilowatt_hours: 7.5 })?;
/// assert!(event.data().len() < r#"{"kilowatt_hours":7.5}"#.len() + 4);
/// # Ok::<(), annals::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MessagePack;

impl Codec for MessagePack {
    fn encode<T: Serialize + ?Sized>(&self, value: &T) -> Result<Vec<u8>, CodecError> {
        rmp_serde::to_vec_named(value).map_err(CodecError::new)
    }

    fn decode<'de, S: DeserializeSeed<'de>>(
        &self,
        data: &'de [u8],
        seed: S,
    ) -> Result<S::Value, CodecError> {
        let mut source = rmp_serde::Deserializer::from_read_ref(data);
        let value = seed.deserialize(&mut source).map_err(CodecError::new)?;
        match IgnoredAny::deserialize(&mut source) {
            Err(rmp_serde::decode::Error::InvalidMarkerRead(_)) => Ok(value),
            _ => Err(CodecError::new("bytes are left over after the value")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_of_the_bytes_are_wanted() {
        let mut bytes = MessagePack.encode("text").unwrap();
        assert_eq!(
            MessagePack.decode_value::<String>(&bytes),
            Ok("text".to_owned())
        );
        bytes.push(0);
        let left_over = MessagePack.decode_value::<String>(&bytes).unwrap_err();
        assert!(left_over.to_string().contains("bytes are left over"));
        assert!(MessagePack.decode_value::<String>(&bytes[..2]).is_err());
    }
}
