//! Access tokens, key sets and PEM keys: nobody is let in.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| conclave_auth::fuzz::verify_token(data));
