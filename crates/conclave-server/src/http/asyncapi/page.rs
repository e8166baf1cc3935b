//! A document as a page: channels, what a client sends, what it hears, and the shape of each.

use conclave_asyncapi::model::{
    Additional, Channel, Direction, Document, Items, JsonType, Message, Operation, Payload, Schema,
    SchemaId,
};
use serde_json::Value;

use crate::http::html::{STYLE, escape, prose, write_all};

/// The page of the dialect `name`.
pub(super) fn page(name: &str, document: &Document) -> String {
    let mut html = String::new();
    let title = escape(&document.title);
    write_all(
        &mut html,
        format_args!(
            "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
             <meta name=\"viewport\" content=\"width=device-width\">\
             <title>{title}</title><style>{STYLE}</style></head><body>\
             <header><h1>{title} {}</h1><p>{}</p>\
             <p><a href=\"/asyncapi/{name}.yaml\">{name}.yaml</a> (AsyncAPI {}). \
             <a href=\"/docs\">HTTP calls</a></p></header>",
            escape(&document.api_version),
            about(document.description.as_deref()),
            escape(&document.version),
        ),
    );
    for (index, channel) in document.channels.iter().enumerate() {
        head(&mut html, channel);
        let here = |operation: &&Operation| operation.channel.0 == index;
        for operation in document.operations.iter().filter(here) {
            section(&mut html, document, operation);
        }
    }
    html.push_str("</body></html>");
    html
}

fn head(html: &mut String, channel: &Channel) {
    let title = channel.title.as_deref().unwrap_or(&channel.name);
    let address = escape(channel.address.as_deref().unwrap_or_default());
    write_all(
        html,
        format_args!(
            "<h2>{}</h2><p><code>{address}</code></p><p>{}</p>",
            escape(title),
            about(channel.description.as_deref())
        ),
    );
    let query = channel.bindings.pointer("/ws/query/properties");
    let query = query.and_then(Value::as_object).into_iter().flatten();
    let mut rows = String::new();
    for parameter in &channel.parameters {
        let said = about(parameter.description.as_deref());
        row(&mut rows, &parameter.name, "in the path", &said);
    }
    for (name, schema) in query {
        let said = about(schema["description"].as_str());
        row(&mut rows, name, "in the query", &said);
    }
    if !rows.is_empty() {
        write_all(html, format_args!("<table>{rows}</table>"));
    }
}

fn row(html: &mut String, name: &str, kind: &str, about: &str) {
    let name = escape(name);
    write_all(
        html,
        format_args!("<tr><td><code>{name}</code></td><td>{kind}</td><td>{about}</td></tr>"),
    );
}

/// What the server takes in is what a client sends.
fn section(html: &mut String, document: &Document, operation: &Operation) {
    let way = match operation.direction {
        Direction::Receive => "Send",
        Direction::Send => "Hear",
    };
    let said = about(operation.summary.as_deref());
    let more = about(operation.description.as_deref());
    write_all(html, format_args!("<h3>{way}</h3><p>{said} {more}</p>"));
    let messages = operation
        .messages
        .iter()
        .filter_map(|id| document.message(*id));
    for message in messages {
        message_shown(html, document, message);
    }
}

fn message_shown(html: &mut String, document: &Document, message: &Message) {
    let name = word(document, message);
    write_all(
        html,
        format_args!(
            "<details><summary><code>{}</code> <span>{}</span></summary><p>{}</p>",
            escape(&name),
            about(message.summary.as_deref()),
            about(message.description.as_deref())
        ),
    );
    if let Payload::Json(id) = &message.payload
        && let Some(schema) = document.schemas.get(*id)
    {
        fields(html, document, schema);
    }
    let payloads = message
        .examples
        .iter()
        .filter_map(|each| each.payload.as_ref());
    for payload in payloads {
        let text = payload
            .as_str()
            .map_or_else(|| payload.to_string(), str::to_owned);
        write_all(
            html,
            format_args!("<pre><code>{}</code></pre>", escape(&text)),
        );
    }
    html.push_str("</details>");
}

/// What a message is on the wire: its constant `type`, else its title or name.
fn word(document: &Document, message: &Message) -> String {
    let by_type = match &message.payload {
        Payload::Json(id) => constant_type(document, *id),
        Payload::Foreign { .. } | Payload::None => None,
    };
    let named = || {
        message
            .title
            .clone()
            .unwrap_or_else(|| message.name.clone())
    };
    by_type.unwrap_or_else(named)
}

fn constant_type(document: &Document, id: SchemaId) -> Option<String> {
    let keywords = &document.schemas.get(id)?.keywords;
    let (_, id) = keywords
        .properties
        .iter()
        .find(|(name, _)| name == "type")?;
    let constant = document.schemas.get(*id)?.keywords.constant.as_ref()?;
    constant.as_str().map(str::to_owned)
}

fn fields(html: &mut String, document: &Document, schema: &Schema) {
    let keywords = &schema.keywords;
    if keywords.properties.is_empty() {
        return;
    }
    html.push_str("<table>");
    for (name, id) in &keywords.properties {
        let Some(field) = document.schemas.get(*id) else {
            continue;
        };
        let optional = if keywords.required.contains(name) {
            ""
        } else {
            ", optional"
        };
        let kind = kind(document, *id, DEPTH_MAX) + optional;
        row(
            html,
            name,
            &kind,
            &about(field.keywords.description.as_deref()),
        );
    }
    html.push_str("</table>");
}

/// A type in words, as HTML.
fn kind(document: &Document, id: SchemaId, depth: u8) -> String {
    let Some(schema) = document.schemas.get(id).filter(|_| depth > 0) else {
        return "…".to_owned();
    };
    let keywords = &schema.keywords;
    let code = |value: &Value| format!("<code>{}</code>", escape(&value.to_string()));
    if let Some(value) = &keywords.constant {
        return code(value);
    }
    if let Some(choices) = &keywords.choices {
        return choices.iter().map(code).collect::<Vec<_>>().join(", ");
    }
    if !keywords.properties.is_empty() && keywords.additional != Additional::Unsaid {
        let fields = keywords.properties.iter();
        let names: Vec<_> = fields
            .map(|(name, _)| format!("<code>{}</code>", escape(name)))
            .collect();
        return format!("object of {}", names.join(", "));
    }
    if let Items::Each(item) = &keywords.items {
        return format!("list of {}", kind(document, *item, depth - 1));
    }
    let names: Vec<_> = keywords.kinds.iter().map(|kind| type_name(*kind)).collect();
    let mut text = if names.is_empty() {
        "anything".to_owned()
    } else {
        names.join(" or ")
    };
    if keywords.nullable && !keywords.kinds.contains(&JsonType::Null) {
        text.push_str(" or null");
    }
    if let Some(format) = &keywords.format {
        write_all(&mut text, format_args!(" ({})", escape(format)));
    }
    if let (Some(least), Some(most)) = (keywords.length_min, keywords.length_max) {
        write_all(&mut text, format_args!(", {least} to {most} characters"));
    }
    text
}

const fn type_name(kind: JsonType) -> &'static str {
    match kind {
        JsonType::Array => "list",
        JsonType::Boolean => "boolean",
        JsonType::Integer => "integer",
        JsonType::Null => "null",
        JsonType::Number => "number",
        JsonType::Object => "object",
        JsonType::String => "string",
    }
}

fn about(text: Option<&str>) -> String {
    prose(text.unwrap_or_default())
}

const DEPTH_MAX: u8 = 4;
