use super::*;
use std::time::Instant;

/// Run by hand, in release, to see how many crash states a second costs:
/// `cargo test --release -- --ignored --nocapture crash_states_a_second`.
#[test]
#[ignore = "a measurement"]
fn crash_states_a_second() {
    let disk = disk();
    drop(durable(&disk, "segment-0", &pattern(64 * 1024)));
    let file = durable(&disk, "segment-1", &vec![0; 192 * 1024]);
    for commit in 0..8_u64 {
        file.write_at(&pattern(700), commit * 700).unwrap();
    }
    let point = disk.crash_point();
    println!("{} units", point.units().len());
    let started = Instant::now();
    let mut distinct = BTreeSet::new();
    let count = 200_000_u32;
    for seed in 0..count {
        let after = point.crash_by(&CrashPlan::new(seed.into()));
        distinct.insert(after.content_hash());
    }
    let seconds = started.elapsed().as_secs_f64();
    println!(
        "{:.0} a second, {} distinct",
        f64::from(count) / seconds,
        distinct.len()
    );
}

fn pattern(length: usize) -> Vec<u8> {
    (0..length)
        .map(|index| ((index * 31) >> 3) as u8 | 1)
        .collect()
}
