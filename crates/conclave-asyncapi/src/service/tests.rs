use super::*;
use crate::diagnostic::Diagnostic;
use crate::source::MemoryLoader;
use crate::{Limits, read};

const CHAT_2: &str = include_str!("../../tests/documents/chat-2.6.yaml");
const CHAT_3: &str = include_str!("../../tests/documents/chat-3.0.yaml");
const HEAD_2: &str = "asyncapi: 2.6.0\ninfo: {title: T, version: '1'}\n";
const HEAD_3: &str = "asyncapi: 3.0.0\ninfo: {title: T, version: '1'}\n";
const SERVER: &str = "servers: {s: {host: h, protocol: ws}}\n";

fn planned(text: &str, options: &Options) -> Result<Service, Vec<Diagnostic>> {
    let loader = MemoryLoader::new([("a.yaml", text)]);
    let reading = read("a.yaml", &loader, &Limits::default());
    assert_eq!(reading.diagnostics, [], "{text}");
    plan(&reading.document.expect("a document"), options).map(|(service, _)| service)
}

fn service(text: &str) -> Service {
    planned(text, &Options::default()).unwrap_or_else(|found| panic!("{text}: {found:?}"))
}

/// Every operation as one line.
fn outline(service: &Service) -> Vec<String> {
    let name = |of: &Type| {
        service
            .shapes
            .name_of(of)
            .map_or_else(|| format!("{of:?}"), str::to_owned)
    };
    let lines = service.operations.iter().map(|operation| {
        let channel = &service.channels[operation.channel].constant;
        let reply = operation.reply.as_ref().map(name);
        let (way, payload) = (operation.way, name(&operation.payload));
        format!(
            "{way:?} {channel} {} {payload} {reply:?} {:?}",
            operation.constant, operation.permissions
        )
    });
    lines.collect()
}

#[test]
fn both_generations_give_one_service() {
    let expected = [
        "In CHAT_MESSAGES SEND_CHAT_MESSAGE ChatMessage Some(\"MessageDelivered\") [\"chat:send\"]",
        "Out CHAT_MESSAGES CHAT_MESSAGE_SENT ChatMessage None []",
    ];
    for text in [CHAT_2, CHAT_3] {
        let service = service(text);
        assert_eq!(outline(&service), expected);
        assert_eq!(
            (service.path.as_str(), service.crate_name.as_str()),
            ("/chat", "chat")
        );
        assert_eq!(service.channels[0].service, "ChatMessagesService");
        assert_eq!(service.channels[0].parameters[0].field, "room_id");
        let needs = &service.security[0][0];
        assert_eq!(
            (needs.scheme.as_str(), &needs.how),
            ("jwtAuth", &How::HttpBearer)
        );
    }
}

#[test]
fn the_opposite_side_serves_what_the_document_sends() {
    let options = Options {
        side: Side::Opposite,
        ..Options::default()
    };
    let service = planned(CHAT_3, &options).expect("a service");
    let expected = [
        "Out CHAT_MESSAGES SEND_CHAT_MESSAGE ChatMessage Some(\"MessageDelivered\") [\"chat:send\"]",
        "In CHAT_MESSAGES SEND_CHAT_MESSAGE_REPLY MessageDelivered None [\"chat:send\"]",
        "In CHAT_MESSAGES CHAT_MESSAGE_SENT ChatMessage None []",
    ];
    assert_eq!(outline(&service), expected);
}

#[test]
fn several_messages_become_one_union() {
    let text = format!(
        "{HEAD_3}{SERVER}channels:\n  c:\n    address: /c\n    messages:\n      ping: {{payload: {{type: object, required: [t], properties: {{t: {{const: ping}}}}}}}}\n      pong: {{payload: {{type: object, required: [t], properties: {{t: {{const: pong}}}}}}}}\noperations:\n  talk: {{action: receive, channel: {{$ref: '#/channels/c'}}}}\n"
    );
    let service = service(&text);
    assert_eq!(outline(&service), ["In C TALK TalkRequest None []"]);
    let crate::shape::Form::Union(union) = &service.shapes.all[0].form else {
        panic!("no union");
    };
    let variants: Vec<&str> = union
        .variants
        .iter()
        .map(|variant| variant.name.as_str())
        .collect();
    assert_eq!(variants, ["Ping", "Pong"]);
    assert_eq!(
        service.operations[0]
            .sample
            .as_ref()
            .map(ToString::to_string)
            .as_deref(),
        Some("{\"t\":\"ping\"}")
    );
}

#[test]
fn only_channels_of_socket_servers_count() {
    let text = format!(
        "{HEAD_2}servers: {{k: {{url: h, protocol: kafka}}, s: {{url: 'ws://h:1/p/{{v}}', protocol: ws, variables: {{v: {{default: x}}}}}}}}\nchannels:\n  a: {{servers: [k], publish: {{message: {{payload: true}}}}}}\n  b: {{servers: [s], publish: {{message: {{payload: true}}}}}}\n"
    );
    let service = service(&text);
    assert_eq!(service.channels.len(), 1);
    assert_eq!(service.channels[0].name, "b");
    assert_eq!(service.path, "/p/x");
    assert_eq!(service.url, "ws://h:1/p/x");
}

#[test]
fn parameters_are_typed() {
    let text = format!(
        "{HEAD_2}servers: {{s: {{url: h, protocol: ws}}}}\nchannels:\n  r/{{id}}/{{n}}/{{kind}}/{{type}}:\n    parameters: {{id: {{schema: {{type: string, format: uuid}}}}, n: {{schema: {{type: integer}}}}, kind: {{schema: {{type: string, enum: [a, b]}}}}, type: {{schema: {{type: string}}}}}}\n    subscribe: {{message: {{payload: true}}}}\n"
    );
    let service = service(&text);
    let of: Vec<String> = service.channels[0]
        .parameters
        .iter()
        .map(|parameter| format!("{}: {:?}", parameter.field, parameter.of))
        .collect();
    assert_eq!(
        of,
        [
            "id: Uuid",
            "n: Integer(I64)",
            "kind: Named(ShapeId(0))",
            "type: Text"
        ]
    );
}

#[test]
fn correlation_ids_have_their_places() {
    let text = format!(
        "{HEAD_3}{SERVER}channels:\n  c:\n    address: c\n    messages:\n      a: {{payload: true, correlationId: {{location: '$message.header#/id'}}}}\n      b: {{payload: true, correlationId: {{location: '$message.payload#/of'}}}}\noperations:\n  o:\n    action: receive\n    channel: {{$ref: '#/channels/c'}}\n    messages: [{{$ref: '#/channels/c/messages/a'}}]\n    reply: {{channel: {{$ref: '#/channels/c'}}, messages: [{{$ref: '#/channels/c/messages/b'}}]}}\n"
    );
    let service = service(&text);
    assert_eq!(
        service.operations[0].correlation,
        Correlation::Message(Carried::Header("/id".to_owned()))
    );
    assert_eq!(
        service.operations[0].reply_correlation,
        Correlation::Message(Carried::Payload("/of".to_owned()))
    );
}

#[test]
fn what_is_not_supported_is_an_error_with_its_place() {
    let channel = "channels: {c: {address: c, messages: {m: MESSAGE}}}\noperations: {o: {action: receive, channel: {$ref: '#/channels/c'}}}\n";
    let with = |message: &str| format!("{HEAD_3}{SERVER}{}", channel.replace("MESSAGE", message));
    let secured = |scheme: &str| {
        format!(
            "{HEAD_3}servers: {{s: {{host: h, protocol: ws, security: [{scheme}]}}}}\nchannels: {{}}\n"
        )
    };
    let table = [
        (
            format!("{HEAD_3}servers: {{k: {{host: h, protocol: kafka}}}}\n"),
            "the document has no WebSocket server (`protocol: ws` or `wss`)",
            "/servers",
        ),
        (
            secured("{type: X509}"),
            "the security scheme `X509` (X509) cannot be checked at a WebSocket handshake",
            "/servers/s",
        ),
        (
            secured("{type: http, scheme: digest}"),
            "the security scheme `http` (http digest) cannot be checked at a WebSocket handshake",
            "/servers/s",
        ),
        (
            with("{contentType: application/octet-stream, payload: true}"),
            "messages are JSON here; `application/octet-stream` is not supported",
            "/channels/c/messages/m",
        ),
        (
            with("{payload: {not: true}}"),
            "`not` is not supported: no type can promise it",
            "/channels/c/messages/m/payload",
        ),
        (
            with("{payload: true, correlationId: {location: '$request.x'}}"),
            "the correlation id is at `$request.x`, expected `$message.header#/…` or `$message.payload#/…`",
            "/channels/c/messages/m",
        ),
    ];
    for (text, expected, pointer) in table {
        let found = planned(&text, &Options::default()).expect_err(&text);
        let said: Vec<(&str, &str)> = found
            .iter()
            .map(|diagnostic| (diagnostic.message.as_str(), diagnostic.pointer.as_str()))
            .collect();
        assert_eq!(said, [(expected, pointer)], "{text}");
    }
}

#[test]
fn an_example_that_does_not_fit_is_told_and_left_out() {
    let text = format!(
        "{HEAD_3}{SERVER}channels: {{c: {{address: c, messages: {{m: {{payload: {{type: object, properties: {{n: {{type: integer}}}}}}, examples: [{{payload: {{n: one}}}}, {{payload: {{n: 1}}}}]}}}}}}}}\noperations: {{o: {{action: receive, channel: {{$ref: '#/channels/c'}}}}}}\n"
    );
    let loader = MemoryLoader::new([("a.yaml", text.as_str())]);
    let document = read("a.yaml", &loader, &Limits::default())
        .document
        .expect("a document");
    let (service, found) = plan(&document, &Options::default()).expect("a service");
    assert_eq!(service.operations[0].examples.len(), 1);
    assert_eq!(found.len(), 1);
    assert_eq!(
        found[0].message,
        "the example does not fit its schema, so it is not tested: `n`: expected a whole number"
    );
    assert_eq!(found[0].pointer, "/channels/c/messages/m/examples/0");
}

#[test]
fn an_open_server_does_not_open_what_another_one_guards() {
    let text = format!(
        "{HEAD_3}servers:\n  open: {{host: h, protocol: ws}}\n  half: {{host: h, protocol: ws}}\n  guarded: {{host: h, protocol: ws, pathname: /in, security: [{{type: http, scheme: bearer}}]}}\nchannels: {{}}\n"
    );
    assert_eq!(service(&text).security.len(), 1);
    assert_eq!(service(&text).path, "/in");
    let options = Options {
        server: Some("open".to_owned()),
        ..Options::default()
    };
    assert!(
        planned(&text, &options)
            .expect("a service")
            .security
            .is_empty()
    );
    let missing = Options {
        server: Some("none".to_owned()),
        ..Options::default()
    };
    assert!(planned(&text, &missing).is_err());
}

#[test]
fn a_path_with_an_unfilled_variable_is_refused() {
    let text = format!(
        "{HEAD_3}servers: {{s: {{host: h, protocol: ws, pathname: '/a/{{v}}'}}}}\nchannels: {{}}\n"
    );
    let found = planned(&text, &Options::default()).expect_err("a finding");
    assert_eq!(
        found[0].message,
        "the path has a variable without a default"
    );
}
