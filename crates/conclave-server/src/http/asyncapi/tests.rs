use super::{DESCRIBED, read};

#[test]
fn our_own_parser_finds_nothing_wrong() {
    for described in &DESCRIBED {
        let reading = read(described.name, described.yaml);
        let found: Vec<String> = reading
            .diagnostics
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(found, Vec::<String>::new(), "{}", described.name);
        assert!(reading.document.is_some(), "{}", described.name);
    }
}

#[test]
fn the_pages_show_what_is_sent_and_heard() {
    for (name, expected) in [
        ("topics", ["publish-json", "gap"]),
        (
            "conversation",
            ["subscribe_conversation", "typing_indicator"],
        ),
        ("service", ["sendChatMessage", "receiveChatMessage"]),
        ("socketio", ["message:seen", "presence.updated"]),
        ("wallet", ["subscribe_contract", "balance_update"]),
    ] {
        let described = DESCRIBED.iter().find(|described| described.name == name);
        let page = described.unwrap().page.as_str();
        for word in expected {
            assert!(page.contains(word), "{name}: {word}");
        }
        assert!(page.starts_with("<!doctype html>") && page.ends_with("</html>"));
        assert!(!page.contains("<script"));
    }
}
