//! The AsyncAPI documents of the dialects (`docs/asyncapi`), held against what servers really say:
//! every text message that a test's client hears must be one that its document describes.

use std::sync::OnceLock;

use jsonschema::Validator;
use serde_json::{Value, json};

/// What one surface says, as its document has it.
pub(crate) struct Document {
    file: &'static str,
    surface: Surface,
    /// By the messages' names.
    said: Vec<(String, Validator)>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Surface {
    /// A message is a text frame.
    Frames,
    /// A message is the first argument of a Socket.IO event.
    Events,
}

/// The document of a path, where there is one.
pub(crate) fn of(path: &str) -> Option<&'static Document> {
    static DOCUMENTS: [OnceLock<Document>; 6] = [const { OnceLock::new() }; 6];
    let (slot, file, operation) = match path {
        "/ws" => (0, "topics.yaml", "sendFrame"),
        _ if path.starts_with("/ws/conversation/") => {
            (1, "conversation.yaml", "sendInConversation")
        }
        _ if path.starts_with("/ws/") => (2, "conversation.yaml", "sendOnFeed"),
        "/chat" => (4, "service.yaml", "sendEnvelope"),
        _ if path.starts_with("/api/v1/web3/ws/") => (5, "wallet.yaml", "sendFrame"),
        _ if path.starts_with("/socket.io/") => (3, "socketio.yaml", "sendEvent"),
        _ => return None,
    };
    Some(DOCUMENTS[slot].get_or_init(|| Document::new(file, operation)))
}

impl Document {
    fn new(file: &'static str, operation: &str) -> Self {
        let document = read(file);
        let names = names_in(&document, operation);
        Self {
            file,
            surface: if file == "socketio.yaml" {
                Surface::Events
            } else {
                Surface::Frames
            },
            said: names
                .into_iter()
                .map(|name| {
                    let validator = validator(&document, &name);
                    (said_as(&document, &name), validator)
                })
                .collect(),
        }
    }

    /// Fails where the document does not describe this text message.
    pub(crate) fn check(&self, text: &str) {
        match self.surface {
            Surface::Frames => self.check_frame(text),
            Surface::Events => self.check_event(text),
        }
    }

    /// Objects that are nested deeper than this test reads are passed over.
    fn check_frame(&self, text: &str) {
        let value = match serde_json::from_str(text) {
            Ok(value @ Value::Object(_)) => value,
            Err(_) if text.starts_with('{') => return,
            Ok(_) | Err(_) => Value::String(text.to_owned()),
        };
        let is_described = self
            .said
            .iter()
            .any(|(_, payload)| payload.is_valid(&value));
        assert!(is_described, "{} does not describe {text}", self.file);
    }

    /// `42["NAME",DATA,…]`; other packets, and events that are a backend's own, are not described.
    fn check_event(&self, text: &str) {
        let Some(array) = text.strip_prefix("42") else {
            return;
        };
        let Ok(Value::Array(arguments)) = serde_json::from_str(array) else {
            return;
        };
        let described = self.said.iter().find(|(name, _)| arguments[0] == **name);
        let Some((name, payload)) = described else {
            return;
        };
        let heard = arguments.get(1).unwrap_or(&Value::Null);
        let wrong: Vec<_> = payload
            .iter_errors(heard)
            .map(|error| error.to_string())
            .collect();
        assert!(wrong.is_empty(), "{}: {name}: {text}: {wrong:?}", self.file);
    }
}

#[test]
fn the_documents_examples_are_what_they_describe() {
    for file in FILES {
        let document = read(file);
        let messages = document["components"]["messages"].as_object().expect(file);
        for (name, message) in messages {
            let payload = validator(&document, name);
            let examples = message["examples"].as_array().expect(name);
            for example in examples {
                let wrong: Vec<_> = payload
                    .iter_errors(&example["payload"])
                    .map(|error| error.to_string())
                    .collect();
                assert!(wrong.is_empty(), "{file}, {name}: {wrong:?}");
            }
        }
    }
}

#[test]
fn every_message_of_a_document_belongs_to_an_operation() {
    for file in FILES {
        let document = read(file);
        let operations = document["operations"].as_object().expect(file);
        let named: Vec<String> = operations
            .keys()
            .flat_map(|operation| names_in(&document, operation))
            .collect();
        let messages = document["components"]["messages"].as_object().expect(file);
        for name in messages.keys() {
            assert!(named.contains(name), "{file}: {name}");
        }
    }
}

fn read(file: &str) -> Value {
    let path = std::path::Path::new(FOLDER).join(file);
    let text = std::fs::read_to_string(&path).expect(file);
    serde_saphyr::from_str(&text).expect(file)
}

/// The names of an operation's messages.
fn names_in(document: &Value, operation: &str) -> Vec<String> {
    let listed = document["operations"][operation]["messages"].as_array();
    let names = listed.expect(operation).iter().map(|reference| {
        let pointer = reference["$ref"].as_str().expect("a reference");
        pointer.rsplit('/').next().expect("a name").to_owned()
    });
    names.collect()
}

/// What a message is called on the wire: its `name`, where it has one.
fn said_as(document: &Value, name: &str) -> String {
    let message = &document["components"]["messages"][name];
    message["name"].as_str().unwrap_or(name).to_owned()
}

fn validator(document: &Value, name: &str) -> Validator {
    let schema = json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "allOf": [{ "$ref": format!("#/components/messages/{name}/payload") }],
        "components": document["components"],
    });
    let options = jsonschema::options().should_validate_formats(true);
    options
        .build(&schema)
        .unwrap_or_else(|error| panic!("{name}: {error}"))
}

const FILES: [&str; 5] = [
    "topics.yaml",
    "conversation.yaml",
    "service.yaml",
    "socketio.yaml",
    "wallet.yaml",
];
const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/asyncapi");
