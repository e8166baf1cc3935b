mod attachments;
mod encoding;
mod namespaces;

use super::{AckId, Limits, NAMESPACE_BYTES_MAX, Packet};
use crate::Violation;

fn decode(text: &str) -> Result<Packet<'_>, Violation> {
    Packet::decode(text, &Limits::default())
}

/// `text` is read and written again the same, or as `expected` where that is given.
#[track_caller]
fn kept(text: &str, expected: Option<&str>) {
    let mut written = Vec::new();
    decode(text).expect(text).encode(&mut written);
    assert_eq!(
        String::from_utf8(written).unwrap(),
        expected.unwrap_or(text)
    );
}

#[track_caller]
fn refused(violation: Violation, texts: &[&str]) {
    for text in texts {
        assert_eq!(decode(text).err(), Some(violation), "{text}");
    }
}

#[test]
fn every_kind_of_packet_is_read_and_written() {
    for text in [
        "0",
        r#"0{"token":"123"}"#,
        "0/custom,",
        r#"0/custom,{"token":"abc"}"#,
        "1",
        "1/admin,",
        r#"2["message",1,"2",{"3":[true]}]"#,
        r#"2456["message-with-ack",1,"2",{"3":[false]}]"#,
        r#"2/admin,456["project:delete",123]"#,
        r#"2[7,"seven"]"#,
        r#"20["zero"]"#,
        r#"2["a",{"spaces" : "kept"}]"#,
        "3456[]",
        r#"3/admin,456[1,"2",{"3":[false]}]"#,
        r#"4{"message":"Not authorized"}"#,
        r#"4/random,{"message":"Invalid namespace"}"#,
        r#"4"refused""#,
        r#"51-["hello",{"_placeholder":true,"num":0}]"#,
        r#"52-789["m",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]"#,
        r#"51-/admin,456["m",{"deep":[{"_placeholder":true,"num":0}]}]"#,
        r#"61-/admin,456[{"_placeholder":true,"num":0}]"#,
    ] {
        kept(text, None);
    }
}

#[test]
fn the_short_forms_of_clients_are_read() {
    kept("0/custom", Some("0/custom,"));
    kept("1/custom", Some("1/custom,"));
    kept("0/,{}", Some("0{}"));
    kept("2[\"a\", 1 , 2 ]\n", Some(r#"2["a",1,2]"#));
    kept(r#"50-["a"]"#, Some(r#"2["a"]"#));
    kept(r#"2["\u0061\n"]"#, Some(r#"2["a\n"]"#));
}

#[test]
fn an_event_shows_its_parts() {
    let text = r#"2/admin,12["sendMessage",{"channelId":"general"},null]"#;
    let Ok(Packet::Event {
        namespace,
        ack,
        name,
        arguments,
        attachments,
    }) = decode(text)
    else {
        panic!("no event");
    };
    assert_eq!((namespace, ack, attachments), ("/admin", AckId::new(12), 0));
    assert_eq!(name.as_str(), "sendMessage");
    let arguments: Vec<_> = arguments.iter().map(|json| json.get()).collect();
    assert_eq!(arguments, [r#"{"channelId":"general"}"#, "null"]);
}

#[test]
fn a_packet_of_no_known_type_is_refused() {
    refused(Violation::PacketEmpty, &[""]);
    refused(
        Violation::PacketTypeUnknown,
        &["abc", "7", "9{}", " 0", "-1", "é", "[]", "\0"],
    );
}

#[test]
fn a_reserved_event_name_is_refused() {
    refused(
        Violation::EventNameReserved,
        &[
            r#"2["connect"]"#,
            r#"2["connect_error",{}]"#,
            r#"2["disconnect"]"#,
            r#"2["disconnecting"]"#,
            r#"2["newListener"]"#,
            r#"21["removeListener"]"#,
            r#"2["\u0063onnect"]"#,
            r#"51-["disconnect",{"_placeholder":true,"num":0}]"#,
        ],
    );
    kept(r#"2["Connect","disconnect"]"#, None);
}

#[test]
fn an_event_name_of_another_kind_is_refused() {
    refused(
        Violation::EventNameInvalid,
        &[
            "2[]",
            "2[{}]",
            r#"2[{"toString":"x"},1]"#,
            r#"2[["a"]]"#,
            "2[null]",
            "2[true]",
            r#"2["\ud800"]"#,
            r#"50-[{"_placeholder":true,"num":0}]"#,
        ],
    );
}

#[test]
fn a_payload_of_another_kind_is_refused() {
    refused(
        Violation::PayloadInvalid,
        &[
            "2{}",
            r#"2"a""#,
            "2null",
            "2[",
            r#"2["a"]]"#,
            r#"2["a"],"#,
            r#"2["a",]"#,
            r#"2["a" 1]"#,
            r#"2 ["a"]"#,
            r#"2["a",{]"#,
            r#"2abc["message-with-ack",1]"#,
            "31{}",
            "0[]",
            "0null",
            r#"0"token""#,
            "0{",
            "0{}{}",
            "0 {}",
            "4[]",
            "4false",
        ],
    );
    refused(
        Violation::PayloadMissing,
        &["2", "21", "2/admin,", "31", "3/admin,1", "4", "50-"],
    );
    refused(
        Violation::PayloadUnexpected,
        &["1{}", "1[]", "1x", "1/admin,{}", "1 "],
    );
}

#[test]
fn an_ack_id_has_one_form_and_a_bound() {
    kept(r#"29007199254740991["a"]"#, None);
    refused(
        Violation::AckIdInvalid,
        &[
            r#"29007199254740992["a"]"#,
            r#"218446744073709551615["a"]"#,
            r#"299999999999999999999999999999999999["a"]"#,
            r#"200["a"]"#,
            r#"2007["a"]"#,
            "301[]",
            "01{}",
            "0/custom,1",
            "10",
            "1/custom,7",
            r#"41{"message":""}"#,
        ],
    );
    refused(
        Violation::PayloadInvalid,
        &[r#"2-1["a"]"#, r#"2+1["a"]"#, r#"21.5["a"]"#, r#"2１["a"]"#],
    );
    refused(
        Violation::AckIdMissing,
        &["3[]", "3", "3/admin,[]", "60-[]"],
    );
}

#[test]
fn arguments_are_counted() {
    let limits = Limits {
        arguments: 2,
        ..Limits::default()
    };
    for (text, expected) in [
        (r#"2["a",1,2]"#, None),
        (r#"2["a",1,2,3]"#, Some(Violation::ArgumentsTooMany)),
        ("31[1,2]", None),
        ("31[1,2,3]", Some(Violation::ArgumentsTooMany)),
        ("31[1,2,3", Some(Violation::PayloadInvalid)),
    ] {
        assert_eq!(Packet::decode(text, &limits).err(), expected, "{text}");
    }
}

#[test]
fn a_long_namespace_is_refused() {
    let longest = format!("0/{}", "n".repeat(NAMESPACE_BYTES_MAX - 1));
    assert!(decode(&longest).is_ok());
    refused(
        Violation::NamespaceTooLong,
        &[&format!("{longest}n"), &format!("{longest}n,{{}}")],
    );
}
