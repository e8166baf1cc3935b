//! The negotiation of permessage-deflate.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| conclave_websocket::checks::extension_header(data));
