//! Engine.IO: handshake queries, packets and the bodies of long-polling.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| conclave_socketio::checks::engine(data));
