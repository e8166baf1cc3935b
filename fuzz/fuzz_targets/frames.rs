//! The frame decoder: a stream read whole and in pieces.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| conclave_websocket::checks::frames(data));
