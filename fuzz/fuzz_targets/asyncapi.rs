//! AsyncAPI documents of two files that may refer to each other.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| conclave_asyncapi::checks::document(data));
