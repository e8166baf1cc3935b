//! The handshake, seen from the server and from the client.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| conclave_websocket::checks::handshake_request(data));
