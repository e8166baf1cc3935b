use super::*;
use crate::service::{Options, plan};
use crate::source::MemoryLoader;
use crate::{Limits, read};

const SECURE: &str = include_str!("../../../../examples/websocket-secure/asyncapi.yaml");

fn files(text: &str) -> Vec<GeneratedFile> {
    let loader = MemoryLoader::new([("asyncapi.yaml", text)]);
    let reading = read("asyncapi.yaml", &loader, &Limits::default());
    assert_eq!(reading.diagnostics, []);
    let (service, _) =
        plan(&reading.document.expect("a document"), &Options::default()).expect("a service");
    let dependencies = Dependencies {
        runtime: "path = \"../service\"".to_owned(),
        document: "asyncapi.yaml".to_owned(),
    };
    generate(&service, &dependencies).expect("Rust")
}

#[track_caller]
fn has(files: &[GeneratedFile], path: &str, parts: &[&str]) {
    let file = files.iter().find(|file| file.path == path).expect(path);
    for part in parts {
        assert!(
            file.text.contains(part),
            "{path} has no {part}:\n{}",
            file.text
        );
    }
}

#[test]
fn the_secure_chat_is_what_its_readme_promises() {
    let files = files(SECURE);
    has(
        &files,
        "src/service.rs",
        &[
            "pub trait ChatMessagesService: Send + Sync + 'static {",
            "    async fn handle_send_chat_message(\n        &self,\n        request: ChatMessage,\n        context: &MessageContext,\n    ) -> AsyncApiResult<MessageDelivered>;",
            "    /// Asks for `chat:send`.",
            "super::spec::operations::SEND_CHAT_MESSAGE => {",
        ],
    );
    has(
        &files,
        "src/spec.rs",
        &[
            "OperationSpec::receive(\"sendChatMessage\", 0).replies().permissions(&[\"chat:send\"])",
            "OperationSpec::send(\"receiveChatMessage\", 0).permissions(&[\"conversation.read\"])",
            "&[Requirement::new(\"jwtAuth\", Scheme::HttpBearer)]",
            "ChannelSpec::new(\"chatMessages\", \"chat/rooms/{roomId}/messages\")",
            "(\"roomId\", Location::Payload(\"/room_id\"))",
        ],
    );
}

#[test]
fn the_secure_chat_has_publishers_client_and_tests() {
    let files = files(SECURE);
    has(
        &files,
        "src/model.rs",
        &[
            "#[serde(alias = \"messageId\")]\n    pub message_id: Uuid,",
            "#[serde(rename = \"Text\", alias = \"text\", alias = \"TEXT\")]\n    Text,",
        ],
    );
    has(
        &files,
        "src/publisher.rs",
        &[
            "pub fn receive_chat_message(\n        &self,\n        room_id: &str,\n        message: &RoomMessage,\n    ) -> AsyncApiResult<Reach> {",
        ],
    );
    has(
        &files,
        "src/client.rs",
        &[
            "pub async fn update_user_profile(",
            "pub enum SecureChatEvent {",
        ],
    );
    has(
        &files,
        "tests/security_tests.rs",
        &[
            "async fn missing_permission_send_chat_message()",
            "async fn alg_none()",
        ],
    );
    has(
        &files,
        "Cargo.toml",
        &[
            "name = \"secure-chat\"",
            "conclave-service = { path = \"../service\" }",
        ],
    );
    has(
        &files,
        "README.md",
        &[
            "| `sendChatMessage` | `chat:send` |",
            "A connection must prove `jwtAuth`.",
        ],
    );
}

#[test]
fn every_file_says_that_it_is_generated() {
    for file in files(SECURE) {
        assert!(file.text.contains(MARK), "{}", file.path);
        assert!(PATHS.contains(&file.path), "{}", file.path);
    }
}

#[test]
fn the_same_document_gives_the_same_bytes() {
    assert_eq!(files(SECURE), files(SECURE));
}

#[test]
fn hostile_words_stay_words() {
    let text = "asyncapi: 3.0.0\ninfo: {title: '\"); panic!(\"', version: \"1\\\"\\n#\", description: \"*/ }\\n```\\nfn main() {}\"}\nservers: {s: {host: 'h\"', protocol: ws, pathname: '/\"#'}}\nchannels:\n  '\"x': {address: '/\"{a\"b}', parameters: {'a\"b': {description: '\"#]'}}, messages: {'m\"': {payload: {type: object, properties: {'p\"\\': {type: string, enum: ['\"', \"\\n\"], description: \"#![x]\"}}}}}}\noperations: {'o\"': {action: receive, channel: {$ref: '#/channels/\"x'}, x-permissions: ['\"]']}}\n";
    for file in files(text).iter().filter(|file| file.path.ends_with(".rs")) {
        assert!(
            syn::parse_file(&file.text).is_ok(),
            "{}:\n{}",
            file.path,
            file.text
        );
    }
    has(&files(text), "Cargo.toml", &["name = \"panic\""]);
}
