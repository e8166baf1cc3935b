//! The wallet dialect: any text.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| conclave_dialects::checks::decode_wallet(data));
