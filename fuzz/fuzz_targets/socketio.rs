//! Socket.IO: the messages of one connection, attachments included.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| conclave_socketio::checks::packets(data));
