use super::*;
use crate::model::{Direction, HttpScheme, JsonType, Payload, SchemeKind, Within};
use crate::source::MemoryLoader;

/// Reads the first of these files.
fn reading(files: &[(&str, &str)]) -> Reading {
    let loader = MemoryLoader::new(files.iter().copied());
    read(files[0].0, &loader, &Limits::default())
}

#[track_caller]
fn document(text: &str) -> Document {
    let reading = reading(&[("a.yaml", text)]);
    assert_eq!(reading.diagnostics, [], "{text}");
    reading.document.expect("a document")
}

/// The findings of a document as lines.
fn findings(files: &[(&str, &str)]) -> Vec<String> {
    let found = reading(files).diagnostics;
    found.iter().map(ToString::to_string).collect()
}

const HEAD_2: &str = "asyncapi: 2.6.0\ninfo: {title: Chat, version: 1.10}\n";
const HEAD_3: &str = "asyncapi: 3.0.0\ninfo: {title: Chat, version: 1.10}\n";

/// The same service in both generations.
const CHAT_2: &str = include_str!("../../tests/documents/chat-2.6.yaml");
const CHAT_3: &str = include_str!("../../tests/documents/chat-3.0.yaml");

/// What both must read to, line by line.
fn outline(document: &Document) -> String {
    let mut lines = vec![format!("{} {}", document.title, document.api_version)];
    for server in &document.servers {
        let path = server.pathname.clone().unwrap_or_default();
        lines.push(format!(
            "server {} {}://{}{path} {:?}",
            server.name,
            server.protocol,
            server.host,
            needs(document, &server.security)
        ));
    }
    for channel in &document.channels {
        let parameters: Vec<&str> = channel
            .parameters
            .iter()
            .map(|parameter| parameter.name.as_str())
            .collect();
        let address = channel.address.clone().unwrap_or_default();
        lines.push(format!(
            "channel {address} {parameters:?} on {:?}",
            channel.servers
        ));
    }
    for operation in &document.operations {
        let names = |ids: &[MessageId]| {
            let names = ids.iter().filter_map(|id| document.message(*id));
            names
                .map(|message| message.name.clone())
                .collect::<Vec<_>>()
                .join("|")
        };
        let reply = operation.reply.as_ref().map(|reply| names(&reply.messages));
        lines.push(format!(
            "{:?} {} {} -> {reply:?} {:?} {:?}",
            operation.direction,
            operation.name,
            names(&operation.messages),
            needs(document, &operation.security),
            operation.permissions,
        ));
    }
    lines.join("\n")
}

fn needs(document: &Document, requirements: &[crate::model::Requirement]) -> Vec<Vec<String>> {
    let named = |needed: &crate::model::Needed| {
        let scheme = document.scheme(needed.scheme).expect("a scheme");
        format!("{}:{}{:?}", scheme.name, scheme.kind.label(), needed.scopes)
    };
    let all = requirements.iter();
    all.map(|requirement| requirement.all.iter().map(named).collect())
        .collect()
}

#[test]
fn both_generations_read_to_one_model() {
    let expected = "Chat 1.10\n\
        server production wss://api.example.com/chat [[\"jwtAuth:http[]\"]]\n\
        channel chat/{roomId}/messages [\"roomId\"] on []\n\
        Receive sendChatMessage ChatMessage -> Some(\"MessageDelivered\") [] [\"chat:send\"]\n\
        Send chatMessageSent ChatMessage -> None [[\"login:oauth2[\\\"chat.read\\\"]\"]] []";
    for (name, text) in [("2.6", CHAT_2), ("3.0", CHAT_3)] {
        assert_eq!(outline(&document(text)), expected, "{name}");
    }
}

#[test]
fn directions_are_those_of_the_application() {
    let two = document(&format!(
        "{HEAD_2}channels:\n  a:\n    publish: {{message: {{payload: true}}}}\n    subscribe: {{message: {{payload: true}}}}\n"
    ));
    let found: Vec<(&str, Direction)> = two
        .operations
        .iter()
        .map(|operation| (operation.name.as_str(), operation.direction))
        .collect();
    assert_eq!(
        found,
        [
            ("receive a", Direction::Receive),
            ("send a", Direction::Send)
        ]
    );
}

#[test]
fn traits_give_what_the_object_does_not_say_in_3_and_override_in_2() {
    let traits =
        "traits:\n      - {title: T, summary: S, headers: {type: object}}\n      - {summary: S2}\n";
    let message =
        format!("title: M\n      payload: true\n      headers: {{type: object}}\n      {traits}");
    let three = document(&format!(
        "{HEAD_3}components:\n  messages:\n    m:\n      {message}"
    ));
    let two = document(&format!(
        "{HEAD_2}channels: {{}}\ncomponents:\n  messages:\n    m:\n      {message}"
    ));
    let said = |document: &Document| {
        let message = &document.messages[0];
        (
            message.title.clone().unwrap(),
            message.summary.clone().unwrap(),
        )
    };
    assert_eq!(said(&three), ("M".to_owned(), "S2".to_owned()));
    assert_eq!(said(&two), ("T".to_owned(), "S2".to_owned()));
    let headers = three
        .schemas
        .get(three.messages[0].headers.unwrap())
        .unwrap();
    assert_eq!(headers.keywords.all_of.len(), 2);
}

#[test]
fn references_reach_other_files_and_come_back() {
    let found = reading(&[
        (
            "api/asyncapi.yaml",
            "asyncapi: 3.0.0\ninfo: {title: T, version: '1'}\nchannels:\n  c:\n    address: c\n    messages:\n      m: {$ref: '../messages/m.yaml#/Message'}\n",
        ),
        (
            "messages/m.yaml",
            "Message:\n  payload: {$ref: './schemas.json#/definitions/Node'}\n",
        ),
        (
            "messages/schemas.json",
            "{\"definitions\": {\"Node\": {\"type\": \"object\", \"properties\": {\"next\": {\"$ref\": \"#/definitions/Node\"}, \"up\": {\"$ref\": \"schemas.json#/definitions/Node\"}}}}}",
        ),
    ]);
    assert_eq!(found.diagnostics, []);
    let document = found.document.unwrap();
    let Payload::Json(id) = document.messages[0].payload else {
        panic!("no payload");
    };
    let node = document.schemas.get(id).unwrap();
    assert_eq!(node.key.as_deref(), Some("Node"));
    assert_eq!(&*node.at.file, "messages/schemas.json");
    assert_eq!(
        node.keywords.properties,
        [("next".to_owned(), id), ("up".to_owned(), id)]
    );
}

/// Documents, most of them without their head, and their only finding.
const FINDINGS: &[(&str, &str)] = &[
    (
        "[1]",
        "a.yaml:1:1: error: expected an AsyncAPI document, found a list",
    ),
    (
        "openapi: 3.0.0",
        "a.yaml:1:1: error: this is an OpenAPI document, not an AsyncAPI one",
    ),
    (
        "asyncapi: 1.2.0",
        "a.yaml:1:11: error: `asyncapi` is `1.2.0`, expected one of 2.0.0 to 2.6.0, 3.0.0 or 3.1.0; AsyncAPI 1.x has other rules, convert the document first (at /asyncapi)",
    ),
    (
        "asyncapi: 3.0.0\ninfo: {title: T}",
        "a.yaml:2:7: error: `version` is missing (at /info)",
    ),
    (
        "channels:\n  c: {address: 'a/{id}'}",
        "a.yaml:4:6: warning: the address has `{id}`, but `parameters` does not describe it (at /channels/c)",
    ),
    (
        "channels:\n  c: {$ref: '#/components/channels/x'}\n",
        "a.yaml:4:13: error: `#/components/channels/x` leads nowhere: there is no `components` at `` of a.yaml (at /channels/c/$ref)",
    ),
    (
        "channels:\n  c: {$ref: 'https://example.com/x.yaml'}\n",
        "a.yaml:4:13: error: `https://example.com/x.yaml` is on the network, which is never asked: keep a copy beside the document (at /channels/c/$ref)",
    ),
    (
        "channels:\n  c: {$ref: '../x.yaml'}\n",
        "a.yaml:4:13: error: `../x.yaml` leads out of the document's folder (at /channels/c/$ref)",
    ),
    (
        "channels:\n  c: {$ref: 'x.yaml'}\n",
        "a.yaml:4:13: error: there is no file `x.yaml` (at /channels/c/$ref)",
    ),
    (
        "channels:\n  c: {$ref: '#/channels/c'}\n",
        "a.yaml:4:13: error: `#/channels/c` leads only to itself (at /channels/c/$ref)",
    ),
    (
        "operations:\n  o: {action: publish, channel: {}}\nchannels: {}",
        "a.yaml:4:15: error: `action` is `publish`, expected `send` or `receive` (at /operations/o/action)",
    ),
    (
        "components:\n  schemas:\n    S: {type: strng}\n",
        "a.yaml:5:15: error: `type` is \"strng\", expected array, boolean, integer, null, number, object or string (at /components/schemas/S/type)",
    ),
    (
        "components:\n  messages:\n    M: {payload: {schemaFormat: 'application/vnd.apache.avro;version=1.9.0', schema: {}}}\n",
        "a.yaml:5:18: warning: the schema is in `application/vnd.apache.avro;version=1.9.0`; only JSON Schema is read, so no types come from it (at /components/messages/M/payload)",
    ),
    (
        "servers:\n  s: {host: h, protocol: ws, security: [{jwt: []}]}\n",
        "a.yaml:4:41: error: expected a security scheme or a `$ref` to one (names with scopes are of AsyncAPI 2.x) (at /servers/s/security/0)",
    ),
    (
        "id: a\nid: b",
        "a.yaml:4:1: error: `id` stands twice in one object; the first one counts",
    ),
    (
        "operatons: {}",
        "a.yaml:3:12: warning: the document has no `operatons`; it is ignored (at /operatons)",
    ),
];

#[test]
fn findings_name_file_line_column_and_pointer() {
    for (text, expected) in FINDINGS {
        let whole =
            text.starts_with("[") || text.starts_with("openapi") || text.starts_with("asyncapi");
        let text = if whole {
            (*text).to_owned()
        } else {
            format!("{HEAD_3}{text}")
        };
        assert_eq!(findings(&[("a.yaml", &text)]), [*expected], "{text}");
    }
}

#[test]
fn a_chain_of_references_that_branches_ends() {
    let mut text = format!("{HEAD_3}channels: {{c: {{$ref: '#/r40'}}}}\nr0: {{q: {{}}}}\n");
    for level in 1..=40 {
        let below = level - 1;
        text.push_str(&format!(
            "r{level}: {{$ref: '#/r{below}/q'}}\nq{level}: {{$ref: '#/r{level}'}}\n"
        ));
    }
    text.push_str("loop: {$ref: '#/loop/loop/loop'}\n");
    assert!(has_error(&text));
}

fn has_error(text: &str) -> bool {
    crate::has_errors(&reading(&[("a.yaml", text)]).diagnostics)
}

#[test]
fn security_schemes_of_every_kind_are_read() {
    let table = [
        (
            "{type: http, scheme: Bearer, bearerFormat: JWT}",
            SchemeKind::Http(HttpScheme::Bearer(Some("JWT".to_owned()))),
        ),
        (
            "{type: http, scheme: basic}",
            SchemeKind::Http(HttpScheme::Basic),
        ),
        (
            "{type: http, scheme: digest}",
            SchemeKind::Http(HttpScheme::Other("digest".to_owned())),
        ),
        (
            "{type: httpApiKey, name: token, in: query}",
            SchemeKind::HttpApiKey {
                name: "token".to_owned(),
                within: Within::Query,
            },
        ),
        ("{type: apiKey, in: user}", SchemeKind::ApiKey(Within::User)),
        ("{type: userPassword}", SchemeKind::UserPassword),
        ("{type: X509}", SchemeKind::Other("X509".to_owned())),
        (
            "{type: openIdConnect, openIdConnectUrl: 'https://id.example.com'}",
            SchemeKind::OpenIdConnect {
                url: "https://id.example.com".to_owned(),
            },
        ),
        (
            "{type: oauth2, flows: {implicit: {authorizationUrl: a, availableScopes: {r: R, w: W}}, password: {availableScopes: {w: W}}}}",
            SchemeKind::Oauth2 {
                scopes: vec!["r".to_owned(), "w".to_owned()],
            },
        ),
    ];
    for (text, expected) in table {
        let document = document(&format!(
            "{HEAD_3}components: {{securitySchemes: {{s: {text}}}}}\n"
        ));
        assert_eq!(document.schemes[0].kind, expected, "{text}");
    }
}

#[test]
fn a_requirement_that_names_no_scheme_is_an_error() {
    let text = format!(
        "{HEAD_2}channels: {{}}\nservers: {{s: {{url: h, protocol: ws, security: [{{jwt: []}}]}}}}\n"
    );
    let expected = "a.yaml:4:54: error: there is no `jwt` in components.securitySchemes (at /servers/s/security/0/jwt)";
    assert_eq!(findings(&[("a.yaml", &text)]), [expected]);
}

#[test]
fn schemas_keep_what_they_say() {
    let text = format!(
        "{HEAD_3}components:\n  schemas:\n    S:\n      type: [string, 'null']\n      minLength: 1\n      pattern: ^a\n    N: {{type: number, exclusiveMinimum: 0, maximum: 10}}\n    A: {{type: array, items: [true, {{type: string}}], additionalItems: false, uniqueItems: true}}\n    F: false\n    O: {{additionalProperties: {{$ref: '#/components/schemas/S'}}, properties: {{b: true, a: true}}, required: [a]}}\n"
    );
    let document = document(&text);
    let keywords = |name: &str| {
        let (_, id) = document
            .named_schemas
            .iter()
            .find(|(known, _)| known == name)
            .unwrap();
        &document.schemas.get(*id).unwrap().keywords
    };
    assert_eq!(keywords("S").kinds, [JsonType::String, JsonType::Null]);
    assert!(keywords("S").nullable);
    assert_eq!(keywords("N").above.as_ref().unwrap().to_string(), "0");
    assert!(keywords("F").never);
    let order: Vec<&str> = keywords("O")
        .properties
        .iter()
        .map(|(name, _)| name.as_str())
        .collect();
    assert_eq!(order, ["b", "a"]);
    assert!(
        matches!(&keywords("A").items, crate::model::Items::Tuple(first, Some(_)) if first.len() == 2)
    );
}
