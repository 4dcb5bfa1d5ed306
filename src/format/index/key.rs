//! The names of terms in the index.

/// The name of a term in the index: a keyed hash over its kind and its text.
///
/// A stream's is 96 bits, because a stream's version is taken from postings
/// alone: any two of a store's n streams share a key with a probability of
/// about n^2 / 2^97, 6 in a trillion for a billion streams. Of all others files
/// keep the first 48 bits only. What they lead to is compared with the events
/// themselves, so that two that share a key cost a look and no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct TermKey {
    pub(crate) high: u64,
    pub(crate) low: u32,
    pub(crate) is_stream: bool,
}

/// How many bits of a key stand in a file for every term; streams have the
/// other 48, too.
pub(super) const PREFIX_BITS: u32 = 48;

impl TermKey {
    /// The bucket of `2^bits` that the key belongs to. Buckets are in the
    /// order of keys.
    pub(crate) fn bucket(self, bits: u32) -> u64 {
        self.high.checked_shr(64 - bits).unwrap_or(0)
    }

    /// As much of the key as files keep.
    pub(crate) fn short(self) -> Self {
        if self.is_stream {
            return self;
        }
        TermKey {
            high: self.prefix() << (64 - PREFIX_BITS),
            low: 0,
            is_stream: false,
        }
    }

    /// The first 48 bits.
    pub(super) fn prefix(self) -> u64 {
        self.high >> (64 - PREFIX_BITS)
    }

    /// The other 48 bits.
    pub(super) fn rest(self) -> u64 {
        (self.high << 32 | u64::from(self.low)) & ((1 << PREFIX_BITS) - 1)
    }

    /// A stream's key.
    pub(super) fn of_stream(prefix: u64, rest: u64) -> Self {
        TermKey {
            high: prefix << (64 - PREFIX_BITS) | rest >> 32,
            low: rest as u32,
            is_stream: true,
        }
    }

    /// The key of another term.
    pub(super) fn of_other(prefix: u64) -> Self {
        TermKey {
            high: prefix << (64 - PREFIX_BITS),
            low: 0,
            is_stream: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: TermKey = TermKey {
        high: 0x8123_4567_89ab_cdef,
        low: 0x7654_3210,
        is_stream: true,
    };

    #[test]
    fn buckets_are_in_the_order_of_keys() {
        assert_eq!(KEY.bucket(0), 0);
        assert_eq!(KEY.bucket(1), 1);
        assert_eq!(KEY.bucket(3), 4);
        assert_eq!(KEY.bucket(32), 0x8123_4567);
        assert_eq!(TermKey { high: 0, ..KEY }.bucket(3), 0);
    }

    #[test]
    fn streams_keep_all_of_their_keys_and_others_the_first_half() {
        assert_eq!(KEY.short(), KEY);
        assert_eq!(TermKey::of_stream(KEY.prefix(), KEY.rest()), KEY);
        let other = TermKey {
            is_stream: false,
            ..KEY
        };
        assert_eq!(other.short(), TermKey::of_other(KEY.prefix()));
        assert_eq!(other.short().prefix(), KEY.prefix());
        assert!(other.short() < KEY);
    }
}
