use proptest::prelude::*;

use super::{Envelope, EnvelopeFault};
use crate::checks;

#[track_caller]
fn fault(text: &str) -> EnvelopeFault {
    Envelope::decode(text).unwrap_err().fault
}

#[test]
fn the_contracts_envelope_is_read() {
    let text = r#"{"id":"1","operation":"sendChatMessage","payload":{"a": 1},
        "timestamp":"2024-01-24T10:25:37Z","correlation_id":"c\u0041","channel":"chat/x",
        "headers":{"h":2},"error":null,"more":[{"operation":"not this one"}]}"#;
    let envelope = Envelope::decode(text).unwrap();
    assert_eq!(envelope.id.as_deref(), Some("1"));
    assert_eq!(envelope.operation, "sendChatMessage");
    assert_eq!(envelope.payload.get(), r#"{"a": 1}"#);
    assert_eq!(envelope.timestamp.as_deref(), Some("2024-01-24T10:25:37Z"));
    assert_eq!(envelope.correlation_id.as_deref(), Some("cA"));
    assert_eq!(envelope.channel.as_deref(), Some("chat/x"));
    assert_eq!(envelope.headers.unwrap().get(), r#"{"h":2}"#);
    assert!(envelope.error.is_none());
}

#[test]
fn all_but_the_operation_may_be_missing() {
    let envelope = Envelope::decode(r#"{"operation":"a"}"#).unwrap();
    assert_eq!(envelope.payload.get(), "null");
    assert!(envelope.id.is_none() && envelope.headers.is_none());
    for text in ["{}", r#"{"operation":null}"#, r#"{"operation":""}"#] {
        assert_eq!(fault(text), EnvelopeFault::Missing("operation"));
    }
}

#[test]
fn a_name_that_stands_twice_is_refused_with_its_correlation_id() {
    let text = r#"{"operation":"a","correlation_id":"c","payload":1,"payload":2}"#;
    let error = Envelope::decode(text).unwrap_err();
    assert_eq!(error.fault, EnvelopeFault::Duplicate);
    assert_eq!(error.correlation_id.as_deref(), Some("c"));
    assert_eq!(error.operation.as_deref(), Some("a"));
    assert_eq!(
        fault(r#"{"operation":"a","oper\u0061tion":"b"}"#),
        EnvelopeFault::Duplicate
    );
}

#[test]
fn what_was_read_before_the_fault_is_known() {
    let error = Envelope::decode(r#"{"correlation_id":"c","operation":"a","payload":"#);
    let error = error.unwrap_err();
    assert_eq!(error.fault, EnvelopeFault::Malformed);
    assert_eq!(error.correlation_id.as_deref(), Some("c"));
    for text in ["", "[]", "7", "{} {}", "{\"operation\":\"a\"}x"] {
        assert_eq!(fault(text), EnvelopeFault::Malformed, "{text}");
    }
}

#[test]
fn members_are_bounded_and_of_their_kind() {
    let with = |name: &str, value: &str| format!(r#"{{"operation":"a","{name}":{value}}}"#);
    let text = |bytes: usize| format!("\"{}\"", "x".repeat(bytes));
    for (name, most) in [
        ("id", 128),
        ("correlation_id", 128),
        ("timestamp", 64),
        ("channel", 1024),
    ] {
        assert!(Envelope::decode(&with(name, &text(most))).is_ok(), "{name}");
        assert_eq!(
            fault(&with(name, &text(most + 1))),
            EnvelopeFault::TooLong(name)
        );
        assert_eq!(fault(&with(name, "7")), EnvelopeFault::Unfit(name));
    }
    assert_eq!(
        fault(&with("headers", "[]")),
        EnvelopeFault::Unfit("headers")
    );
    let many = format!(r#"{{"h":{}}}"#, text(8 * 1024));
    assert_eq!(
        fault(&with("headers", &many)),
        EnvelopeFault::TooLong("headers")
    );
    let operation = format!(r#"{{"operation":{}}}"#, text(129));
    assert_eq!(fault(&operation), EnvelopeFault::TooLong("operation"));
}

#[test]
fn the_seeds_of_the_fuzz_targets_hold() {
    for (target, check) in [
        (
            "service_envelope",
            checks::decode_envelope as fn(&[u8]) -> (),
        ),
        ("service_request", checks::read_request),
    ] {
        let folder = format!("{}/../../fuzz/seeds/{target}", env!("CARGO_MANIFEST_DIR"));
        let mut seen = 0;
        for file in std::fs::read_dir(folder).unwrap() {
            check(&std::fs::read(file.unwrap().path()).unwrap());
            seen += 1;
        }
        assert!(seen > 0, "{target} has no seeds");
    }
}

proptest! {
    #[test]
    fn any_text_is_read_or_answered(text in ".{0,200}") {
        checks::decode_envelope(text.as_bytes());
    }

    #[test]
    fn any_envelope_is_read_or_answered(
        members in prop::collection::vec(
            ("(id|operation|payload|timestamp|correlation_id|channel|headers|error|x)",
             r#"(null|7|-1e9|"[a-zé\\n]{0,9}"|\{\}|\{"a":1,"a":2\}|\[\[\]\]|"\\ud800")"#),
            0..9,
        )
    ) {
        let members: Vec<String> = members
            .into_iter()
            .map(|(name, value)| format!("\"{name}\":{value}"))
            .collect();
        checks::decode_envelope(format!("{{{}}}", members.join(",")).as_bytes());
    }

    #[test]
    fn any_head_is_read_or_refused(
        line in "[ -~]{0,60}",
        names in prop::collection::vec("(Authorization|Cookie|a|Origin|[a-z-]{1,9})", 0..6),
        values in prop::collection::vec("(Basic |Bearer |a=)?[ -~é]{0,40}", 6),
    ) {
        let lines: String = names
            .iter()
            .zip(&values)
            .map(|(name, value)| format!("{name}: {value}\r\n"))
            .collect();
        checks::read_request(format!("GET /{line} HTTP/1.1\r\n{lines}\r\n").as_bytes());
    }
}
