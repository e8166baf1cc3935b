//! The topics dialect: any text in any state of a connection.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| conclave_dialects::checks::decode_topics(data));
