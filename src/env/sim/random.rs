//! Randomness that a seed decides.

use super::content::mix;
use crate::env::Random;
use crate::env::sync::{AtomicU64, Ordering};

/// What each number is apart from the one before it.
const STEP: u64 = 0x9E37_79B9_7F4A_7C15;

/// A sequence of numbers that look random (`splitmix64`), the same for the
/// same seed on every machine and in every release.
#[derive(Clone, Debug)]
pub struct Rng {
    state: u64,
}

impl Rng {
    /// The sequence of a seed.
    pub fn new(seed: u64) -> Self {
        Rng { state: seed }
    }

    /// The next number.
    pub fn next_u64(&mut self) -> u64 {
        self.state = self.state.wrapping_add(STEP);
        mix(self.state)
    }

    /// A number below `end`; 0 if there is none.
    pub fn below(&mut self, end: u64) -> u64 {
        ((u128::from(self.next_u64()) * u128::from(end)) >> 64) as u64
    }
}

/// The store's randomness, from a seed.
#[derive(Debug)]
pub struct SimRandom {
    state: AtomicU64,
}

impl SimRandom {
    /// The randomness of a seed.
    pub fn new(seed: u64) -> Self {
        SimRandom {
            state: AtomicU64::new(mix(seed ^ STEP)),
        }
    }
}

impl Random for SimRandom {
    fn bytes(&self) -> [u8; 16] {
        let state = self
            .state
            .fetch_add(STEP.wrapping_mul(2), Ordering::Relaxed);
        let mut rng = Rng::new(state);
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&rng.next_u64().to_le_bytes());
        bytes[8..].copy_from_slice(&rng.next_u64().to_le_bytes());
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_bytes_and_another_others() {
        let draw = |seed| {
            let random = SimRandom::new(seed);
            [random.bytes(), random.bytes(), random.bytes()]
        };
        assert_eq!(draw(1), draw(1));
        assert_ne!(draw(1), draw(2));
        let [one, two, three] = draw(1);
        assert!(one != two && two != three);
        assert_ne!(one[8..], two[..8]);
    }

    #[test]
    fn numbers_below_a_bound_reach_all_of_them() {
        let mut rng = Rng::new(5);
        let mut seen = [0; 10];
        for _ in 0..1000 {
            seen[rng.below(10) as usize] += 1;
        }
        assert!(seen.iter().all(|count| *count > 50), "{seen:?}");
        assert_eq!(rng.below(0), 0);
    }
}
