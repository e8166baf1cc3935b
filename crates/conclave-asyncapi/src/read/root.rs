//! The document itself: version, info, and what the rest is read from.

use super::{Generation, Reader};
use crate::diagnostic::Severity;
use crate::model::{Document, Spelling};
use crate::source::{Cursor, Value};

/// The versions that are read.
const VERSIONS: &[&str] = &[
    "2.0.0", "2.1.0", "2.2.0", "2.3.0", "2.4.0", "2.5.0", "2.6.0", "3.0.0", "3.1.0",
];

/// The fields of the root, by generation.
const FIELDS_2: &[&str] = &[
    "asyncapi",
    "channels",
    "components",
    "defaultContentType",
    "externalDocs",
    "id",
    "info",
    "servers",
    "tags",
];
const FIELDS_3: &[&str] = &[
    "asyncapi",
    "channels",
    "components",
    "defaultContentType",
    "id",
    "info",
    "operations",
    "servers",
];

impl<'a> Reader<'a> {
    pub(super) fn document(&self) -> Option<Document> {
        self.tell_repeated_names();
        let main = self.sources.main()?;
        let root = match &main.root {
            Ok(node) => Cursor::root(main.path.clone(), node),
            Err(why) => {
                self.note_file(&main.path, why.place, Severity::Error, why.message.clone());
                return None;
            }
        };
        if !matches!(root.node.value, Value::Map(_)) {
            let kind = root.node.kind();
            self.error(
                &root,
                format!("expected an AsyncAPI document, found {kind}"),
            );
            return None;
        }
        let (version, generation) = self.version(&root)?;
        let known = match generation {
            Generation::Two => FIELDS_2,
            Generation::Three => FIELDS_3,
        };
        self.tell_unknown_fields(&root, "the document", known);
        Some(self.read_root(&root, version, generation))
    }

    fn read_root(&self, root: &Cursor<'a>, version: String, generation: Generation) -> Document {
        let info = self.object(root, "info");
        if info.is_none() {
            self.error(
                root,
                "`info` is missing: an object with `title` and `version`",
            );
        }
        let of_info = |name| {
            info.as_ref()
                .and_then(|info| self.required_text(info, name))
        };
        let (title, api_version) = (of_info("title"), of_info("version"));
        let description = info
            .as_ref()
            .and_then(|info| self.text(info, "description"));
        let servers = self.servers(root, generation);
        let (channels, operations) = self.channels_and_operations(root, &servers, generation);
        let named_schemas = self.components(root, generation);
        let schemas = self.read_schemas();
        Document {
            version,
            title: title.unwrap_or_default(),
            api_version: api_version.unwrap_or_default(),
            description,
            default_content_type: self.text(root, "defaultContentType"),
            servers,
            channels,
            operations,
            messages: std::mem::take(&mut self.messages.borrow_mut().all),
            schemes: std::mem::take(&mut self.schemes.borrow_mut().all),
            schemas,
            spellings: self.spellings(root),
            named_schemas,
        }
    }

    /// `x-spellings`: a list of `snake_case` and `camelCase`.
    fn spellings(&self, root: &Cursor<'a>) -> Vec<Spelling> {
        let mut spellings = Vec::new();
        for item in self.list(root, "x-spellings") {
            match item.text() {
                Some("camelCase") => spellings.push(Spelling::Camel),
                Some("snake_case") => spellings.push(Spelling::Snake),
                _ => self.error(
                    &item,
                    "`x-spellings` lists `camelCase`, `snake_case` or both",
                ),
            }
        }
        spellings
    }

    fn version(&self, root: &Cursor<'a>) -> Option<(String, Generation)> {
        let expected = "expected one of 2.0.0 to 2.6.0, 3.0.0 or 3.1.0";
        let Some(field) = root.get("asyncapi") else {
            let message = match root.get("openapi").or_else(|| root.get("swagger")) {
                Some(_) => "this is an OpenAPI document, not an AsyncAPI one".to_owned(),
                None => {
                    format!("`asyncapi` is missing: the version of the specification, {expected}")
                }
            };
            self.error(root, message);
            return None;
        };
        let version = self.text(root, "asyncapi").unwrap_or_default();
        if !VERSIONS.contains(&version.as_str()) {
            let advice = match version.split_once('.') {
                Some(("1", _)) => "; AsyncAPI 1.x has other rules, convert the document first",
                _ => "",
            };
            self.error(
                &field,
                format!("`asyncapi` is `{version}`, {expected}{advice}"),
            );
            return None;
        }
        let generation = if version.starts_with('2') {
            Generation::Two
        } else {
            Generation::Three
        };
        Some((version, generation))
    }

    fn tell_repeated_names(&self) {
        for file in self.sources.files() {
            for (place, name) in &file.repeated {
                let message = format!("`{name}` stands twice in one object; the first one counts");
                self.note_file(&file.path, *place, Severity::Error, message);
            }
        }
    }

    /// Warns of names that the specification does not have there; `x-` is free.
    pub(super) fn tell_unknown_fields(&self, cursor: &Cursor<'a>, what: &str, known: &[&str]) {
        for (name, field) in cursor.entries() {
            if known.contains(&name) || name.starts_with("x-") || name == "$ref" {
                continue;
            }
            self.warning(&field, format!("{what} has no `{name}`; it is ignored"));
        }
    }
}
