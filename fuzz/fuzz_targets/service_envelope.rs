//! The envelope of generated services: any text.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| conclave_service::checks::decode_envelope(data));
