use proptest::prelude::*;

use super::{Address, Template};
use crate::spec::{ChannelSpec, ServiceSpec};

static SPEC: ServiceSpec = ServiceSpec::new("t", "1").channels(&[
    ChannelSpec::new("room", "chat/rooms/{room}/messages"),
    ChannelSpec::new("pair", "/a/{x}-{y}.json"),
    ChannelSpec::new("all", "chat/messages"),
]);

#[test]
fn what_a_value_may_not_hold_is_escaped_and_comes_back() {
    for room in ["general", "a/b", "50%", "ä ö", "{x}", "?#", "..", "a\nb"] {
        let address = SPEC.address(0, &[("room", room)]).unwrap();
        let inner = address.as_str().strip_prefix("chat/rooms/").unwrap();
        assert!(!inner.strip_suffix("/messages").unwrap().contains('/'));
        let found = SPEC.find_address(address.as_str());
        if room.chars().any(char::is_control) {
            assert!(found.is_none(), "controls are no part of an address");
        } else {
            let (channel, parameters) = found.unwrap();
            assert_eq!((channel, parameters.get("room")), (0, Some(room)));
        }
    }
}

#[test]
fn values_are_neither_missing_nor_empty_nor_endless() {
    for parameters in [&[][..], &[("room", "")], &[("other", "x")]] {
        let error = SPEC.address(0, parameters).unwrap_err();
        assert_eq!(error.details()[0].field, "room");
    }
    let long = "x".repeat(256);
    assert!(SPEC.address(0, &[("room", &long)]).is_err());
    assert!(SPEC.address(0, &[("room", &long[1..])]).is_ok());
    assert!(SPEC.address(9, &[]).is_err());
}

#[test]
fn addresses_of_other_forms_are_none() {
    for address in [
        "",
        "chat/rooms//messages",
        "chat/rooms/a/b/messages",
        "chat/rooms/a/messages/",
        "chat/rooms/a/message",
        "xchat/rooms/a/messages",
        "chat/rooms/%ff/messages",
        "/chat/messages",
    ] {
        assert!(SPEC.find_address(address).is_none(), "{address}");
    }
    let (channel, parameters) = SPEC.find_address("/a/1-2.json").unwrap();
    assert_eq!(channel, 1);
    assert_eq!(
        (parameters.get("x"), parameters.get("y")),
        (Some("1"), Some("2"))
    );
    assert_eq!(parameters.parse::<u8>("x").unwrap(), 1);
    let error = parameters.parse::<bool>("y").unwrap_err();
    assert_eq!(error.details()[0].field, "y");
}

#[test]
fn templates_that_cannot_be_told_apart_are_unsound() {
    for template in ["a/{x}{y}", "{}", "{a/b}", "a}b", "{a{b}"] {
        assert!(!Template(template).is_sound(), "{template}");
    }
    for template in ["", "/", "a", "{x}", "{x}/{y}", "{x}.{y}"] {
        assert!(Template(template).is_sound(), "{template}");
    }
}

proptest! {
    #[test]
    fn any_parameter_comes_back(room in "\\PC{1,60}") {
        let address = SPEC.address(0, &[("room", &room)]).unwrap();
        let (channel, parameters) = SPEC.find_address(address.as_str()).unwrap();
        prop_assert_eq!((channel, parameters.get("room")), (0, Some(room.as_str())));
    }

    #[test]
    fn any_text_is_an_address_or_none(text in "(chat|rooms|/|%|[a-z%/{}-]){0,12}") {
        if let Some((channel, parameters)) = SPEC.find_address(&text) {
            let owned = parameters.into_owned();
            let room = owned.get("room").unwrap_or_default();
            if channel == 0 {
                let again = Address::render(0, "chat/rooms/{room}/messages", &[("room", room)]);
                let (_, parameters) = SPEC.find_address(again.unwrap().as_str()).map(|(c, p)| (c, p.into_owned())).unwrap();
                prop_assert_eq!(parameters, owned);
            }
        }
    }
}
