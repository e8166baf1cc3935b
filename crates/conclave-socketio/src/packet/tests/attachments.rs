use conclave_protocol::Frame;

use super::{decode, kept, refused};
use crate::Violation;
use crate::packet::{Decoded, Decoder, Limits};

/// A packet as text, and its attachments.
#[derive(Debug, PartialEq)]
struct Whole(String, Vec<Vec<u8>>);

/// Feeds messages; gives what the last one completed.
fn feed(messages: &[Frame<'_>], limits: &Limits) -> Result<Option<Whole>, Violation> {
    let mut decoder = Decoder::new();
    let mut last = None;
    for message in messages {
        assert!(last.is_none(), "complete before its last message");
        let mut text = Vec::new();
        let attachments = match decoder.decode(*message, limits)? {
            Decoded::Assembled(assembled) => {
                assembled.packet().encode(&mut text);
                assembled
                    .attachments()
                    .iter()
                    .map(|bytes| bytes.to_vec())
                    .collect()
            }
            Decoded::Incomplete => continue,
            Decoded::Packet(packet) => {
                packet.encode(&mut text);
                Vec::new()
            }
        };
        assert_eq!(decoder.buffered_bytes(), 0);
        last = Some(Whole(String::from_utf8(text).unwrap(), attachments));
    }
    Ok(last)
}

#[track_caller]
fn refused_messages(violation: Violation, messages: &[Frame<'_>]) {
    assert_eq!(feed(messages, &Limits::default()), Err(violation));
}

#[test]
fn a_giant_attachment_count_is_refused_at_once() {
    refused(
        Violation::AttachmentsTooMany,
        &[
            r#"511-["a"]"#,
            r#"5999999999-["a"]"#,
            r#"599999999999999999999999999999-["a"]"#,
            "6999999999-1[]",
        ],
    );
    refused(
        Violation::AttachmentCountInvalid,
        &[
            "5",
            "51",
            r#"5["a"]"#,
            r#"5-["a"]"#,
            r#"5--1["a"]"#,
            r#"5-1-["a"]"#,
            r#"501-["a"]"#,
            r#"51.5-["a"]"#,
            r#"51e1-["a"]"#,
            r#"5 1-["a"]"#,
            r#"5/admin,1-["a"]"#,
        ],
    );
}

#[test]
fn each_attachment_has_one_placeholder() {
    let event = |count: usize, argument: &str| format!(r#"5{count}-["a",{argument}]"#);
    let invalid = [
        (1, r#"{"_placeholder":true,"num":1}"#),
        (1, r#"{"_placeholder":true,"num":-1}"#),
        (1, r#"{"_placeholder":true,"num":0.5}"#),
        (1, r#"{"_placeholder":true,"num":"0"}"#),
        (1, r#"{"_placeholder":true,"num":"splice"}"#),
        (1, r#"{"_placeholder":true,"num":18446744073709551616}"#),
        (1, r#"{"_placeholder":true}"#),
        (1, r#"{"_placeholder":true,"num":0,"more":1}"#),
        (1, r#"{"_placeholder":true,"num":1,"num":0}"#),
        (
            1,
            r#"{"_placeholder":true,"num":{"_placeholder":true,"num":0}}"#,
        ),
        (1, r#"{"deep":[[{"_placeholder":true,"num":7}]]}"#),
        (0, r#"{"_placeholder":true,"num":0}"#),
    ];
    for (count, argument) in invalid {
        refused(Violation::PlaceholderInvalid, &[&event(count, argument)]);
    }
    let zero = r#"{"_placeholder":true,"num":0}"#;
    refused(
        Violation::PlaceholderRepeated,
        &[&event(2, &format!("{zero},{zero}"))],
    );
    refused(
        Violation::PlaceholderRepeated,
        &[&event(2, &format!(r#"{{"num":{zero}}},{zero}"#))],
    );
    for argument in [
        "1",
        r#"{"_placeholder":false,"num":0}"#,
        r#"{"num":0}"#,
        "[]",
    ] {
        refused(Violation::PlaceholderUnused, &[&event(1, argument)]);
    }
    refused(Violation::PlaceholderUnused, &[&event(2, zero), "61-1[]"]);
    kept(
        &event(
            1,
            r#"{"num":{"_placeholder":"x","num":{"_placeholder":true,"num":0}}}"#,
        ),
        None,
    );
    kept(&format!(r#"2["a",{zero}]"#), None);
}

#[test]
fn deep_json_neither_passes_nor_overflows() {
    let nested = |open: &str, close: &str| {
        let (open, close) = (open.repeat(100_000), close.repeat(100_000));
        format!(r#"51-["a",{open}1{close}]"#)
    };
    refused(
        Violation::PayloadInvalid,
        &[
            &nested("[", "]"),
            &nested(r#"{"num":"#, "}"),
            &nested(r#"{"_placeholder":"#, "}"),
        ],
    );
    let text = nested("[", "]").replacen("51-", "2", 1);
    assert!(
        decode(&text).is_ok(),
        "nobody looks into the arguments of a plain event"
    );
}

#[test]
fn attachments_join_their_packet() {
    let text = r#"52-789["m",{"_placeholder":true,"num":1},{"_placeholder":true,"num":0}]"#;
    let messages = [
        Frame::Text(text),
        Frame::Binary(&[1, 2, 3]),
        Frame::Binary(&[]),
    ];
    let expected = Whole(text.to_owned(), vec![vec![1, 2, 3], vec![]]);
    assert_eq!(feed(&messages, &Limits::default()), Ok(Some(expected)));
    let answer = r#"61-/admin,3[{"_placeholder":true,"num":0}]"#;
    let messages = [Frame::Text(answer), Frame::Binary(&[9])];
    let expected = Whole(answer.to_owned(), vec![vec![9]]);
    assert_eq!(feed(&messages, &Limits::default()), Ok(Some(expected)));
}

#[test]
fn a_packet_that_announces_no_attachment_is_whole() {
    let expected = Ok(Some(Whole(r#"2["a"]"#.to_owned(), Vec::new())));
    assert_eq!(
        feed(&[Frame::Text(r#"50-["a"]"#)], &Limits::default()),
        expected
    );
}

#[test]
fn a_text_message_among_attachments_is_refused() {
    let text = Frame::Text(r#"51-["m",{"_placeholder":true,"num":0}]"#);
    refused_messages(Violation::AssemblyInterrupted, &[text, text]);
    refused_messages(Violation::AssemblyInterrupted, &[text, Frame::Text("1")]);
    refused_messages(Violation::AssemblyInterrupted, &[text, Frame::Text("abc")]);
}

#[test]
fn an_unannounced_attachment_is_refused() {
    refused_messages(Violation::AttachmentUnannounced, &[Frame::Binary(&[1])]);
    let whole = Frame::Text(r#"50-["a"]"#);
    let mut decoder = Decoder::new();
    assert!(decoder.decode(whole, &Limits::default()).is_ok());
    let extra = decoder.decode(Frame::Binary(&[]), &Limits::default());
    assert_eq!(extra.err(), Some(Violation::AttachmentUnannounced));
}

#[test]
fn attachments_are_bounded_together() {
    let text = r#"52-["m",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]"#;
    let fit = Limits {
        assembly_bytes: text.len() + 5,
        ..Limits::default()
    };
    let attach = |second| {
        [
            Frame::Text(text),
            Frame::Binary(&[0; 3]),
            Frame::Binary(second),
        ]
    };
    assert!(feed(&attach(&[0; 2]), &fit).is_ok_and(|decoded| decoded.is_some()));
    assert_eq!(feed(&attach(&[0; 3]), &fit), Err(Violation::AssemblyTooBig));
    let short = Limits {
        assembly_bytes: text.len() - 1,
        ..Limits::default()
    };
    assert_eq!(
        feed(&[Frame::Text(text)], &short),
        Err(Violation::AssemblyTooBig)
    );
}

#[test]
fn a_violation_frees_what_was_kept() {
    let text = Frame::Text(r#"51-["m",{"_placeholder":true,"num":0}]"#);
    let mut decoder = Decoder::new();
    assert!(decoder.decode(text, &Limits::default()).is_ok());
    assert!(decoder.buffered_bytes() > 0);
    assert!(decoder.decode(text, &Limits::default()).is_err());
    assert_eq!(decoder.buffered_bytes(), 0);
}
