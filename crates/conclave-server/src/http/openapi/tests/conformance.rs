//! Whether an answer is what the document says.

use std::sync::LazyLock;

use axum::http::Method;
use serde_json::Value;

/// Panics where the answer to a described call is another than described. Calls that are not
/// described must be refused.
pub(in crate::http) fn check(
    method: &Method,
    target: &str,
    status: u16,
    media_type: &str,
    text: &str,
) {
    let media_type = media_type.split(';').next().unwrap_or_default();
    let at = format!("{method} {target}: {status}");
    if status >= 400 {
        assert_eq!(media_type, "application/problem+json", "{at}");
        let problem = serde_json::from_str(text).expect("JSON");
        return fits(&DOCUMENT["components"]["schemas"]["Problem"], &problem, &at);
    }
    let path = target.split('?').next().unwrap_or_default();
    let operation = operation(method, path);
    if operation.is_none() && method == Method::OPTIONS {
        return;
    }
    let operation = operation.unwrap_or_else(|| panic!("{at} is not described"));
    let answer = &operation["responses"][status.to_string()];
    assert!(answer.is_object(), "{at} is not described");
    if status == 204 {
        return assert_eq!(text, "", "{at}");
    }
    let schema = &answer["content"][media_type]["schema"];
    assert!(schema.is_object(), "{at}: {media_type} is not described");
    if media_type.ends_with("json") {
        fits(schema, &serde_json::from_str(text).expect("JSON"), &at);
    }
}

static DOCUMENT: LazyLock<Value> = LazyLock::new(super::described);

/// The call, by the path with the fewest places for names.
fn operation(method: &Method, path: &str) -> Option<&'static Value> {
    let method = method.as_str().to_ascii_lowercase();
    let paths = DOCUMENT["paths"].as_object().expect("paths").iter();
    let paths = paths.filter(|(described, _)| matches(described, path));
    let (_, methods) = paths.min_by_key(|(described, _)| described.matches('{').count())?;
    methods.get(&method)
}

fn matches(described: &str, path: &str) -> bool {
    let (mut described, mut path) = (described.split('/'), path.split('/'));
    loop {
        match (described.next(), path.next()) {
            (None, None) => return true,
            (Some(place), Some(part)) if place.starts_with('{') && !part.is_empty() => {}
            (Some(same), Some(part)) if same == part => {}
            _ => return false,
        }
    }
}

fn fits(schema: &Value, value: &Value, at: &str) {
    if let Some(target) = schema["$ref"].as_str() {
        let target = DOCUMENT.pointer(target.trim_start_matches('#'));
        return fits(target.expect("a schema"), value, at);
    }
    if let Some(choices) = schema["oneOf"].as_array() {
        let fitting = choices.iter().filter(|choice| {
            let choice = std::panic::AssertUnwindSafe(|| fits(choice, value, at));
            std::panic::catch_unwind(choice).is_ok()
        });
        return assert_eq!(fitting.count(), 1, "{at}: {value}");
    }
    if let Some(words) = schema["enum"].as_array() {
        assert!(words.contains(value), "{at}: {value} is none of {words:?}");
    }
    let kinds: Vec<&str> = match &schema["type"] {
        Value::String(kind) => vec![kind],
        Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).collect(),
        _ => return,
    };
    assert!(
        kinds.contains(&kind(value)) || (kinds.contains(&"number") && value.is_number()),
        "{at}: {value} is no {kinds:?}"
    );
    if let Some(list) = value.as_array() {
        for (number, each) in list.iter().enumerate() {
            fits(&schema["items"], each, &format!("{at}[{number}]"));
        }
    }
    if let (Some(text), Some(format)) = (value.as_str(), schema["format"].as_str()) {
        let fits = match format {
            "date-time" => text.parse::<jiff::Timestamp>().is_ok() && text.ends_with('Z'),
            "uuid" => uuid::Uuid::try_parse(text).is_ok(),
            _ => panic!("{at}: the format {format}"),
        };
        assert!(fits, "{at}: {text} is no {format}");
    }
    if let Some(object) = value.as_object() {
        members(schema, object, at);
    }
}

fn members(schema: &Value, object: &serde_json::Map<String, Value>, at: &str) {
    for name in schema["required"].as_array().into_iter().flatten() {
        let name = name.as_str().expect("a name");
        assert!(object.contains_key(name), "{at}: {name} is missing");
    }
    let Some(properties) = schema["properties"].as_object() else {
        if schema["additionalProperties"].is_object() {
            for (name, value) in object {
                fits(
                    &schema["additionalProperties"],
                    value,
                    &format!("{at}.{name}"),
                );
            }
        }
        return;
    };
    for (name, value) in object {
        let property = properties.get(name);
        let property = property.unwrap_or_else(|| panic!("{at}: {name} is not described"));
        fits(property, value, &format!("{at}.{name}"));
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Array(_) => "array",
        Value::Bool(_) => "boolean",
        Value::Null => "null",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::Object(_) => "object",
        Value::String(_) => "string",
    }
}
