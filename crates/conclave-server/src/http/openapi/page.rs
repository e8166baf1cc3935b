//! The document as a page.

use serde_json::Value;

use crate::http::html::{STYLE, escape, policy, prose, write_all};

/// The page, and its content security policy.
pub(super) fn page(document: &Value) -> (String, String) {
    let mut html = String::new();
    let title = text(part(document, "/info/title"));
    write_all(
        &mut html,
        format_args!(
            "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
             <meta name=\"viewport\" content=\"width=device-width\">\
             <title>{title}: HTTP calls</title><style>{STYLE}</style></head><body>\
             <header><h1>{title} {}</h1><p>{}</p>\
             <p><a href=\"/openapi.json\">openapi.json</a>. What WebSockets speak: \
             <a href=\"/asyncapi/topics\">topics</a>, \
             <a href=\"/asyncapi/conversation\">conversations</a>, \
             <a href=\"/asyncapi/socketio\">Socket.IO</a>, \
             <a href=\"/asyncapi/service\">services</a>, \
             <a href=\"/asyncapi/wallet\">wallets</a>.</p></header>",
            text(part(document, "/info/version")),
            about(part(document, "/info/description")),
        ),
    );
    for tag in list(&document["tags"]) {
        chapter(&mut html, document, tag);
    }
    html.push_str("<h2 id=\"shapes\">Shapes</h2>");
    for (name, schema) in members(part(document, "/components/schemas")) {
        let name = escape(name);
        write_all(
            &mut html,
            format_args!("<section id=\"{name}\"><h3>{name}</h3>"),
        );
        if !schema["description"].is_null() {
            write_all(
                &mut html,
                format_args!("<p>{}</p>", about(&schema["description"])),
            );
        }
        fields(&mut html, schema);
        html.push_str("</section>");
    }
    html.push_str("</body></html>");
    (html, policy())
}

fn chapter(html: &mut String, document: &Value, tag: &Value) {
    write_all(
        html,
        format_args!(
            "<h2>{}</h2><p>{}</p>",
            text(&tag["name"]),
            about(&tag["description"])
        ),
    );
    for (path, methods) in members(&document["paths"]) {
        for (method, operation) in members(methods) {
            if *part(operation, "/tags/0") == tag["name"] {
                call(html, (method, path), operation);
            }
        }
    }
}

fn call(html: &mut String, (method, path): (&str, &str), operation: &Value) {
    let method = escape(&method.to_ascii_uppercase());
    write_all(
        html,
        format_args!(
            "<details id=\"{}\"><summary><b class=\"{method}\">{method}</b> <code>{}</code> \
             <span>{}</span></summary>",
            text(&operation["operationId"]),
            escape(path),
            text(&operation["summary"]),
        ),
    );
    if !operation["description"].is_null() {
        write_all(
            html,
            format_args!("<p>{}</p>", about(&operation["description"])),
        );
    }
    let proofs = list(&operation["security"]).flat_map(members);
    let proofs: Vec<_> = proofs.map(|(name, _)| escape(name)).collect();
    if !proofs.is_empty() {
        let proofs = proofs.join(" or ");
        write_all(html, format_args!("<p>Bearer: {proofs}.</p>"));
    }
    let parameters: Vec<_> = list(&operation["parameters"]).collect();
    if !parameters.is_empty() {
        html.push_str("<table><caption>Parameters</caption>");
        for parameter in parameters {
            let place = text(&parameter["in"]);
            let name = format!("{} <i>{place}</i>", text(&parameter["name"]));
            let needed = parameter["required"] == true;
            let about = about(&parameter["description"]);
            row(html, &name, needed, &kind(&parameter["schema"]), &about);
        }
        html.push_str("</table>");
    }
    for (media_type, content) in members(part(operation, "/requestBody/content")) {
        write_all(html, format_args!("<h4>Body: {}</h4>", escape(media_type)));
        fields(html, &content["schema"]);
    }
    for (status, answer) in members(&operation["responses"]) {
        if status == "default" {
            continue;
        }
        write_all(
            html,
            format_args!(
                "<h4>{}: {}</h4>",
                escape(status),
                about(&answer["description"])
            ),
        );
        for (_, content) in members(&answer["content"]) {
            fields(html, &content["schema"]);
        }
    }
    html.push_str("</details>");
}

/// The fields of an object as a table; of anything else its type.
fn fields(html: &mut String, schema: &Value) {
    let mut properties = members(&schema["properties"]).peekable();
    if properties.peek().is_none() {
        let kind = kind(schema);
        return write_all(html, format_args!("<p>{kind}</p>"));
    }
    html.push_str("<table>");
    for (name, property) in properties {
        let needed = list(&schema["required"]).any(|each| each == name);
        let about = about(&property["description"]);
        row(html, &escape(name), needed, &kind(property), &about);
    }
    html.push_str("</table>");
}

fn row(html: &mut String, name: &str, needed: bool, kind: &str, about: &str) {
    let optional = if needed { "" } else { "optional" };
    write_all(
        html,
        format_args!(
            "<tr><td><code>{name}</code></td><td>{kind}</td><td>{optional}</td><td>{about}</td></tr>"
        ),
    );
}

/// A type in words, as HTML.
fn kind(schema: &Value) -> String {
    if let Some(name) = schema["$ref"].as_str() {
        let name = escape(name.rsplit('/').next().unwrap_or_default());
        return format!("<a href=\"#{name}\">{name}</a>");
    }
    if let Some(words) = schema["enum"].as_array() {
        let words: Vec<_> = words
            .iter()
            .map(|word| format!("<code>{}</code>", text(word)))
            .collect();
        return words.join(", ");
    }
    let choices = list(&schema["oneOf"]).chain(list(&schema["anyOf"]));
    let choices: Vec<_> = choices.map(kind).collect();
    if !choices.is_empty() {
        return choices.join(" or ");
    }
    let kind = match &schema["type"] {
        Value::String(kind) if kind == "array" => {
            return format!("list of {}", self::kind(&schema["items"]));
        }
        Value::String(kind) => escape(kind),
        Value::Array(kinds) => kinds.iter().map(text).collect::<Vec<_>>().join(" or "),
        _ => "anything".to_owned(),
    };
    let format = schema["format"]
        .as_str()
        .filter(|format| *format != "int64");
    let bounds = ["minLength", "maxLength", "minimum", "maximum"].map(|name| &schema[name]);
    let bounds = match bounds {
        [least, most, Value::Null, Value::Null] | [Value::Null, Value::Null, least, most]
            if most.is_number() =>
        {
            format!(", {least} to {most}")
        }
        _ => String::new(),
    };
    let format = format.map_or_else(String::new, |format| format!(" ({})", escape(format)));
    format!("{kind}{format}{bounds}")
}

fn part<'a>(value: &'a Value, pointer: &str) -> &'a Value {
    value.pointer(pointer).unwrap_or(&Value::Null)
}

fn members(value: &Value) -> impl Iterator<Item = (&str, &Value)> {
    let members = value.as_object().into_iter().flatten();
    members.map(|(name, value)| (name.as_str(), value))
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

/// What the document says of something.
fn about(value: &Value) -> String {
    prose(value.as_str().unwrap_or_default())
}

fn text(value: &Value) -> String {
    escape(value.as_str().unwrap_or_default())
}
