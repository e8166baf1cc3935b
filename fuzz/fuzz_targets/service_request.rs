//! The handshake of generated services: any head, and the credentials in it.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| conclave_service::checks::read_request(data));
