//! What things are called in Rust.

/// Words that cannot name a field as they are.
const KEYWORDS: &[&str] = &[
    "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "do", "dyn",
    "else", "enum", "extern", "false", "final", "fn", "for", "gen", "if", "impl", "in", "let",
    "loop", "macro", "match", "mod", "move", "mut", "override", "priv", "pub", "ref", "return",
    "static", "struct", "trait", "true", "try", "type", "typeof", "unsafe", "unsized", "use",
    "virtual", "where", "while", "yield",
];

/// Words that not even `r#` makes a name.
const NEVER_NAMES: &[&str] = &["crate", "self", "super", "_"];

/// Names that generated code uses itself.
const TAKEN: &[&str] = &[
    "Address",
    "Arc",
    "AsRef",
    "AsyncApiError",
    "AsyncApiResult",
    "BTreeMap",
    "Box",
    "Call",
    "Claims",
    "Client",
    "ClientConfig",
    "ClientError",
    "Clone",
    "Connection",
    "Copy",
    "Date",
    "DateTime",
    "Debug",
    "Default",
    "Deref",
    "Deserialize",
    "Deserializer",
    "Dispatch",
    "Display",
    "Drop",
    "Eq",
    "Err",
    "Events",
    "Fn",
    "FnMut",
    "FnOnce",
    "From",
    "FromParameters",
    "FromPush",
    "FromStr",
    "Hash",
    "Into",
    "Invalid",
    "Ipv4Addr",
    "Ipv6Addr",
    "Iterator",
    "Known",
    "Map",
    "MessageContext",
    "None",
    "Ok",
    "Option",
    "Ord",
    "Parameters",
    "PartialEq",
    "PartialOrd",
    "Pattern",
    "Publisher",
    "Push",
    "Reach",
    "Result",
    "Router",
    "Self",
    "Send",
    "Serialize",
    "Serializer",
    "Service",
    "Some",
    "String",
    "Sync",
    "ToOwned",
    "ToString",
    "TryFrom",
    "TryInto",
    "Uuid",
    "Value",
    "Vec",
];

/// The words of a text: `HTTPServer_id2` gives `HTTP`, `Server`, `id2`.
fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let characters: Vec<char> = text.chars().collect();
    for (index, &character) in characters.iter().enumerate() {
        if !character.is_ascii_alphanumeric() {
            flush(&mut word, &mut words);
            continue;
        }
        let before = index.checked_sub(1).and_then(|at| characters.get(at));
        let after = characters.get(index + 1);
        let starts = character.is_ascii_uppercase()
            && (before.is_some_and(|c| c.is_ascii_lowercase() || c.is_ascii_digit())
                || before.is_some_and(char::is_ascii_uppercase)
                    && after.is_some_and(char::is_ascii_lowercase));
        if starts {
            flush(&mut word, &mut words);
        }
        word.push(character);
    }
    flush(&mut word, &mut words);
    words
}

fn flush(word: &mut String, words: &mut Vec<String>) {
    if !word.is_empty() {
        words.push(std::mem::take(word));
    }
}

/// `chat/{roomId}` as `ChatRoomId`; empty if there is no letter or digit.
pub(crate) fn pascal(text: &str) -> String {
    let capital = |word: &String| {
        let mut characters = word.chars();
        let first = characters.next().map(|c| c.to_ascii_uppercase());
        first
            .into_iter()
            .chain(characters.map(|c| c.to_ascii_lowercase()))
            .collect::<String>()
    };
    words(text).iter().map(capital).collect()
}

/// `message_id` as `messageId`; empty if there is no letter or digit.
pub(crate) fn camel(text: &str) -> String {
    let pascal = pascal(text);
    let mut characters = pascal.chars();
    let first = characters.next().map(|c| c.to_ascii_lowercase());
    first.into_iter().chain(characters).collect()
}

/// `sendChatMessage` as `send_chat_message`; empty if there is no letter or digit.
#[must_use]
pub fn snake(text: &str) -> String {
    let words = words(text);
    let small: Vec<String> = words.iter().map(|word| word.to_ascii_lowercase()).collect();
    small.join("_")
}

/// A name for a type, or nothing if the text has none in it.
#[must_use]
pub fn type_name(text: &str) -> Option<String> {
    let name = pascal(text);
    let first = name.chars().next()?;
    if first.is_ascii_digit() {
        return Some(format!("N{name}"));
    }
    if TAKEN.contains(&name.as_str()) {
        return Some(format!("{name}Value"));
    }
    Some(name)
}

/// A name for a field, a function or a module; `field` if the text has none in it.
#[must_use]
pub fn field_name(text: &str) -> String {
    let name = snake(text);
    match name.chars().next() {
        None => "field".to_owned(),
        Some(first) if first.is_ascii_digit() => format!("n{name}"),
        Some(_) if NEVER_NAMES.contains(&name.as_str()) => format!("{name}_"),
        Some(_) => name,
    }
}

/// Whether a field's name needs `r#`.
pub(crate) fn is_keyword(name: &str) -> bool {
    KEYWORDS.contains(&name)
}

/// `messages` as `message`, for the elements of a list.
pub(crate) fn singular(text: &str) -> String {
    let cut = |end: &str, put: &str| text.strip_suffix(end).map(|stem| format!("{stem}{put}"));
    if text.len() < 4 || text.ends_with("ss") || text.ends_with("us") || text.ends_with("is") {
        return format!("{text} item");
    }
    let known = cut("ies", "y")
        .or_else(|| cut("sses", "ss"))
        .or_else(|| cut("xes", "x"))
        .or_else(|| cut("ches", "ch"))
        .or_else(|| cut("s", ""));
    known.unwrap_or_else(|| format!("{text} item"))
}

/// Whether a title is short enough to be a name.
pub(crate) fn is_name(title: &str) -> bool {
    let count = title.split_whitespace().count();
    (1..=4).contains(&count) && title.len() <= 40 && type_name(title).is_some()
}

/// The name, or the name with the first number that is free.
pub(crate) fn free(name: &str, mut is_free: impl FnMut(&str) -> bool) -> String {
    if is_free(name) {
        return name.to_owned();
    }
    let separator = if name.chars().any(|c| c.is_ascii_uppercase()) {
        ""
    } else {
        "_"
    };
    let numbered = (2_usize..).map(|number| format!("{name}{separator}{number}"));
    numbered
        .into_iter()
        .find(|name| is_free(name))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_what_a_person_would_write() {
        let table = [
            ("sendChatMessage", "SendChatMessage", "send_chat_message"),
            (
                "chat/{roomId}/messages",
                "ChatRoomIdMessages",
                "chat_room_id_messages",
            ),
            ("HTTPServer", "HttpServer", "http_server"),
            (
                "v1.agent.v1-server-0",
                "V1AgentV1Server0",
                "v1_agent_v1_server_0",
            ),
            ("A_PROP_1", "AProp1", "a_prop_1"),
            ("type", "Type", "type"),
            ("self", "SelfValue", "self_"),
            ("24hVolume", "N24hVolume", "n24h_volume"),
            ("Option", "OptionValue", "option"),
            ("x-äö", "X", "x"),
            ("$$", "", "field"),
        ];
        for (text, as_type, as_field) in table {
            assert_eq!(type_name(text).unwrap_or_default(), as_type, "{text}");
            assert_eq!(field_name(text), as_field, "{text}");
        }
    }

    #[test]
    fn elements_are_called_by_the_singular() {
        let table = [
            ("messages", "message"),
            ("entries", "entry"),
            ("status", "status item"),
            ("data", "data item"),
        ];
        for (text, expected) in table {
            assert_eq!(singular(text), expected);
        }
    }
}
