//! Floor 8: how values become bytes and bytes become values again.

#[cfg(feature = "msgpack")]
mod message_pack;

#[cfg(feature = "msgpack")]
pub use message_pack::MessagePack;

use serde::Serialize;
use serde::de::{DeserializeOwned, DeserializeSeed};
use std::fmt;
use std::marker::PhantomData;

/// How the data of events and the states in snapshots are written as bytes.
///
/// `Json` is the one that is used unless another is asked for; `MessagePack`
/// (feature `msgpack`) is smaller and faster. Another one is two functions.
/// Choose a format that describes itself (names its fields), so that upcasters
/// can read old data without the types of then.
///
/// ```
/// use annals::{Codec, CodecError};
/// use serde::{Serialize, de::DeserializeSeed};
///
/// /// JSON for people: over several lines.
/// struct Pretty;
///
/// impl Codec for Pretty {
///     fn encode<T: Serialize + ?Sized>(&self, value: &T) -> Result<Vec<u8>, CodecError> {
///         serde_json::to_vec_pretty(value).map_err(CodecError::new)
///     }
///
///     fn decode<'de, S: DeserializeSeed<'de>>(
///         &self,
///         data: &'de [u8],
///         seed: S,
///     ) -> Result<S::Value, CodecError> {
///         annals::Json.decode(data, seed)
///     }
/// }
/// ```
pub trait Codec: Send + Sync + 'static {
    /// The bytes of a value.
    ///
    /// # Errors
    /// The value can't be written in this format.
    fn encode<T: Serialize + ?Sized>(&self, value: &T) -> Result<Vec<u8>, CodecError>;

    /// The value in these bytes, which `seed` takes from the format's
    /// deserializer; bytes left over are an error.
    ///
    /// # Errors
    /// The bytes are not of this format, or not what the seed wants.
    fn decode<'de, S: DeserializeSeed<'de>>(
        &self,
        data: &'de [u8],
        seed: S,
    ) -> Result<S::Value, CodecError>;

    /// The value of type `T` in these bytes.
    ///
    /// # Errors
    /// The bytes are not of this format, or not a `T`.
    fn decode_value<T: DeserializeOwned>(&self, data: &[u8]) -> Result<T, CodecError> {
        self.decode(data, PhantomData::<T>)
    }
}

/// What a codec could not write or read, in words.
#[derive(Clone, PartialEq, Eq)]
pub struct CodecError {
    reason: String,
}

impl CodecError {
    /// An error that says this.
    pub fn new(reason: impl fmt::Display) -> Self {
        CodecError {
            reason: reason.to_string(),
        }
    }
}

impl fmt::Display for CodecError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.reason)
    }
}

impl fmt::Debug for CodecError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "CodecError({:?})", self.reason)
    }
}

impl std::error::Error for CodecError {}

impl serde::ser::Error for CodecError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        CodecError::new(message)
    }
}

impl serde::de::Error for CodecError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        CodecError::new(message)
    }
}

/// JSON: what people, and other languages, read without tools.
///
/// ```
/// use annals::{Codec, Json};
/// let bytes = Json.encode(&[1, 2])?;
/// assert_eq!(bytes, b"[1,2]");
/// assert_eq!(Json.decode_value::<Vec<u8>>(&bytes)?, [1, 2]);
/// # Ok::<(), annals::CodecError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Json;

impl Codec for Json {
    fn encode<T: Serialize + ?Sized>(&self, value: &T) -> Result<Vec<u8>, CodecError> {
        serde_json::to_vec(value).map_err(CodecError::new)
    }

    fn decode<'de, S: DeserializeSeed<'de>>(
        &self,
        data: &'de [u8],
        seed: S,
    ) -> Result<S::Value, CodecError> {
        let mut source = serde_json::Deserializer::from_slice(data);
        let value = seed.deserialize(&mut source).map_err(CodecError::new)?;
        source.end().map_err(CodecError::new)?;
        Ok(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_wants_all_of_the_bytes() {
        assert_eq!(Json.decode_value::<u8>(b" 7 "), Ok(7));
        let left_over = Json.decode_value::<u8>(b"7 8").unwrap_err();
        assert!(left_over.to_string().contains("trailing"), "{left_over}");
        assert!(Json.decode_value::<u8>(b"").is_err());
    }
}
