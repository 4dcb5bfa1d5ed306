#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| annals::testing::fuzz::index_alone(bytes));
