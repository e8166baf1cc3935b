//! The conversation dialect: any text on either of its paths.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| conclave_dialects::checks::decode_conversation(data));
