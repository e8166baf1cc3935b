use flate2::{Compress, Compression, FlushCompress};

use super::Inflater;
use crate::Violation;

/// What zlib makes of `payload`, ended by `flush`.
fn deflate(payload: &[u8], flush: FlushCompress) -> Vec<u8> {
    let mut out = Vec::with_capacity(payload.len() + 100);
    Compress::new(Compression::best(), false)
        .compress_vec(payload, &mut out, flush)
        .expect("there is room");
    out
}

#[track_caller]
fn check(deflated: &[u8], limit: usize, expected: Result<&[u8], Violation>) {
    assert_eq!(Inflater::new().inflate(deflated, limit), expected);
}

#[test]
fn nothing_is_an_empty_message() {
    check(b"", 0, Ok(b""));
    check(&[0x00], 0, Ok(b""));
}

#[test]
fn final_blocks_may_end_a_message_or_follow_each_other() {
    let finished = deflate(b"Hello", FlushCompress::Finish);
    check(&finished, 100, Ok(b"Hello"));
    let padded = [finished.as_slice(), &[0]].concat();
    check(&padded, 100, Ok(b"Hello"));
    let thrice = [&*finished, &*finished, &*padded].concat();
    check(&thrice, 100, Ok(b"HelloHelloHello"));
}

#[test]
fn final_blocks_without_end_are_refused() {
    let empty_final_block = [0x03, 0x00];
    check(&empty_final_block.repeat(256), 100, Ok(b""));
    check(
        &empty_final_block.repeat(1000),
        100,
        Err(Violation::DeflateInvalid),
    );
}

#[test]
fn stream_cut_inside_a_block_is_refused() {
    let text = b"a text that is long enough to make a block of some bytes: abc, abc, abc";
    let mut whole = deflate(text, FlushCompress::Sync);
    whole.truncate(whole.len() - 4);
    check(&whole, 1000, Ok(text));
    for cut in 1..whole.len() - 1 {
        check(&whole[..cut], 1000, Err(Violation::DeflateInvalid));
    }
}

#[test]
fn distance_before_the_start_is_refused() {
    // A fixed block whose first symbol is a match of length 3, distance 1.
    check(&[0x02, 0x02, 0x00], 100, Err(Violation::DeflateInvalid));
}

#[test]
fn limit_holds_to_the_byte() {
    for length in [1, 4095, 4096, 4097, 70_000] {
        let payload = vec![b'x'; length];
        let mut deflated = deflate(&payload, FlushCompress::Sync);
        deflated.truncate(deflated.len() - 4);
        check(&deflated, length, Ok(&payload));
        check(&deflated, length - 1, Err(Violation::MessageTooBig));
        check(&deflated, usize::MAX, Ok(&payload));
    }
}

#[test]
fn buffer_of_a_big_message_is_given_back() {
    let mut inflater = Inflater::new();
    let big = deflate(&vec![b'x'; 1 << 20], FlushCompress::Finish);
    inflater.inflate(&big, usize::MAX).expect("a whole stream");
    assert!(inflater.buffer_bytes() >= 1 << 20);
    inflater
        .inflate(&[0x00], usize::MAX)
        .expect("a whole stream");
    assert!(inflater.buffer_bytes() <= 1 << 16);
}

#[test]
fn failed_message_leaves_the_inflater_usable() {
    let mut inflater = Inflater::new();
    assert!(inflater.inflate(&[0xff; 9], 100).is_err());
    let finished = deflate(b"Hello", FlushCompress::Finish);
    assert_eq!(inflater.inflate(&finished, 100), Ok(b"Hello".as_slice()));
}
