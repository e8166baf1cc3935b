//! What a plain scalar means: the core schema of YAML 1.2.

use super::node::{Number, Value};

/// The value of a scalar that was written without quotes.
pub(super) fn plain(text: &str) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Value::Null,
        "true" | "True" | "TRUE" => return Value::Bool(true),
        "false" | "False" | "FALSE" => return Value::Bool(false),
        _ => {}
    }
    match number(text) {
        Some(value) => Value::Number(Number {
            value,
            text: text.to_owned(),
        }),
        None => Value::Text(text.to_owned()),
    }
}

fn number(text: &str) -> Option<serde_json::Number> {
    if let Some(digits) = text.strip_prefix("0x") {
        return u64::from_str_radix(digits, 16).ok().map(Into::into);
    }
    if let Some(digits) = text.strip_prefix("0o") {
        return u64::from_str_radix(digits, 8).ok().map(Into::into);
    }
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    if !unsigned.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
        return None;
    }
    if unsigned.bytes().all(|byte| byte.is_ascii_digit()) {
        let positive = text.strip_prefix('+').unwrap_or(text);
        let signed = positive.parse::<i64>().ok().map(Into::into);
        let whole = signed.or_else(|| positive.parse::<u64>().ok().map(Into::into));
        return whole.or_else(|| float(positive));
    }
    float(text)
}

fn float(text: &str) -> Option<serde_json::Number> {
    let is_part = |byte: u8| byte.is_ascii_digit() || b"+-.eE".contains(&byte);
    if !text.bytes().all(is_part) || !text.bytes().any(|byte| byte.is_ascii_digit()) {
        return None;
    }
    serde_json::Number::from_f64(text.parse().ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_scalars_follow_the_core_schema() {
        let table = [
            ("~", "null"),
            ("", "null"),
            ("True", "true"),
            ("yes", "\"yes\""),
            ("2.6.0", "\"2.6.0\""),
            ("0x1F", "31"),
            ("0o17", "15"),
            ("-12", "-12"),
            ("+3", "3"),
            ("18446744073709551615", "18446744073709551615"),
            ("99999999999999999999", "1e+20"),
            ("1.50", "1.5"),
            (".5", "0.5"),
            ("1e3", "1000.0"),
            ("1e999", "\"1e999\""),
            (".", "\".\""),
            ("2024-01-24", "\"2024-01-24\""),
            (".inf", "\".inf\""),
            ("e3", "\"e3\""),
        ];
        for (text, expected) in table {
            let node = crate::source::node::Node {
                place: crate::diagnostic::Place::START,
                value: plain(text),
            };
            assert_eq!(node.to_json().to_string(), expected, "{text}");
        }
    }
}
