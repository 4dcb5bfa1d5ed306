//! The inputs in `fuzz/corpus` break nothing: what fuzzing has found once is
//! tried with every test run.
//!
//! `seed-...` files are made by the ignored test here, `found-...` files are
//! inputs that once broke something:
//!
//! ```text
//! cargo test --features testing --test fuzz_corpus -- --ignored
//! ```
#![cfg(feature = "testing")]
#![allow(clippy::unwrap_used)]

use annals::testing::fuzz;
use std::fs;
use std::path::{Path, PathBuf};

fn corpus(target: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    root.join("fuzz/corpus").join(target)
}

#[test]
fn nothing_that_was_found_breaks_anything() {
    for (target, run) in fuzz::TARGETS {
        for entry in fs::read_dir(corpus(target)).unwrap() {
            run(&fs::read(entry.unwrap().path()).unwrap());
        }
    }
}

#[test]
fn seeds_break_nothing_nor_does_any_byte_that_changes_in_them() {
    for (target, run) in fuzz::TARGETS {
        for (_, seed) in fuzz::seeds(target) {
            run(&seed);
            let step = seed.len() / 16 + 1;
            for at in (0..seed.len()).step_by(step) {
                let mut changed = seed.clone();
                changed[at] ^= 1 << (at % 8);
                run(&changed);
                run(&changed[..at]);
            }
        }
    }
}

#[test]
#[ignore = "writes the seeds of fuzz/corpus"]
fn write_the_seeds() {
    for (target, _) in fuzz::TARGETS {
        let dir = corpus(target);
        fs::create_dir_all(&dir).unwrap();
        for (name, seed) in fuzz::seeds(target) {
            fs::write(dir.join(name), seed).unwrap();
        }
    }
}
