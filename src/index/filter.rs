//! Which streams an index file has, in a little over a byte for each.

use crate::format::index::TermKey;

/// Says of nearly every stream that is not in a file that it is not, and of
/// none that is: so that a new stream is not looked for in every file. Kept in
/// memory only, by whoever wrote the file.
#[derive(Debug)]
pub(crate) struct Filter {
    words: Box<[u64]>,
}

/// Bits for each key; with four of them set for each, about one key in fifty
/// that is not there seems to be.
const BITS: usize = 12;

impl Filter {
    pub(crate) fn new(keys: &[TermKey]) -> Self {
        let words = (keys.len() * BITS).div_ceil(64).max(1);
        let mut filter = Filter {
            words: vec![0; words].into(),
        };
        for key in keys {
            filter.words[filter.word(*key)] |= mask(*key);
        }
        filter
    }

    pub(crate) fn may_hold(&self, key: TermKey) -> bool {
        let mask = mask(key);
        self.words[self.word(key)] & mask == mask
    }

    fn word(&self, key: TermKey) -> usize {
        ((u128::from(key.high) * self.words.len() as u128) >> 64) as usize
    }
}

fn mask(key: TermKey) -> u64 {
    let bit = |shift: u32| 1 << (key.low >> shift & 63);
    bit(0) | bit(6) | bit(12) | bit(18)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::index::TermHasher;

    #[test]
    fn all_that_is_there_is_found_and_of_the_rest_hardly_any() {
        let hasher = TermHasher::new(&[1; 16]);
        let keys =
            |from: u32| (from..from + 10_000).map(|number| hasher.stream(&number.to_string()));
        let filter = Filter::new(&keys(0).collect::<Vec<_>>());
        assert!(keys(0).all(|key| filter.may_hold(key)));
        let wrong = keys(10_000).filter(|key| filter.may_hold(*key)).count();
        assert!(wrong < 400, "{wrong}");
        assert!(!Filter::new(&[]).may_hold(hasher.stream("a")));
    }
}
