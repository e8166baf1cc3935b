//! Schemas: each is read once, by where it stands, so circles end.

use std::collections::{BTreeMap, VecDeque};

use super::Reader;
use crate::model::{Additional, Items, JsonType, Keywords, Schema, SchemaId, Schemas};
use crate::source::{Cursor, Key, Value};

/// Schemas of one document, at most.
const SCHEMAS_MAX: usize = 100_000;

/// The schemas that were met, and those of them that are still to be read.
#[derive(Default)]
pub(crate) struct Pool<'a> {
    schemas: Vec<Schema>,
    by_key: BTreeMap<Key, SchemaId>,
    waiting: VecDeque<(SchemaId, Cursor<'a>)>,
}

impl<'a> Reader<'a> {
    /// The schema that a value is, its references followed. What it says is read later.
    pub(crate) fn schema(&self, cursor: Cursor<'a>) -> Option<SchemaId> {
        let cursor = self.follow(cursor)?;
        let key = cursor.key();
        let mut pool = self.schemas.borrow_mut();
        if let Some(id) = pool.by_key.get(&key) {
            return Some(*id);
        }
        if pool.schemas.len() >= SCHEMAS_MAX {
            drop(pool);
            self.error(&cursor, format!("more than {SCHEMAS_MAX} schemas"));
            return None;
        }
        let id = pool.add(Schema {
            at: cursor.location(),
            key: definition_key(&cursor),
            keywords: Box::default(),
        });
        pool.by_key.insert(key, id);
        pool.waiting.push_back((id, cursor));
        Some(id)
    }

    /// The schema under a name.
    pub(crate) fn schema_under(&self, cursor: &Cursor<'a>, name: &str) -> Option<SchemaId> {
        self.schema(cursor.get(name)?)
    }

    /// Schemas that hold together: the one, or a new one with all of them in `allOf`.
    pub(crate) fn schema_of_all(&self, cursors: Vec<Cursor<'a>>) -> Option<SchemaId> {
        let first = cursors.first()?.clone();
        let ids: Vec<SchemaId> = cursors
            .into_iter()
            .filter_map(|cursor| self.schema(cursor))
            .collect();
        if ids.len() < 2 {
            return ids.first().copied();
        }
        let keywords = Keywords {
            all_of: ids,
            ..Keywords::default()
        };
        let schema = Schema {
            at: first.location(),
            key: None,
            keywords: Box::new(keywords),
        };
        Some(self.schemas.borrow_mut().add(schema))
    }

    /// Reads every schema that was met, and those met on the way.
    pub(crate) fn read_schemas(&self) -> Schemas {
        loop {
            let next = self.schemas.borrow_mut().waiting.pop_front();
            let Some((id, cursor)) = next else { break };
            let keywords = self.keywords(&cursor);
            if let Some(schema) = self.schemas.borrow_mut().schemas.get_mut(id.0) {
                *schema.keywords = keywords;
            }
        }
        Schemas {
            all: std::mem::take(&mut self.schemas.borrow_mut().schemas),
        }
    }

    fn keywords(&self, cursor: &Cursor<'a>) -> Keywords {
        match &cursor.node.value {
            Value::Map(_) => {}
            Value::Bool(allowed) => {
                return Keywords {
                    never: !allowed,
                    ..Keywords::default()
                };
            }
            Value::Null => {
                self.warning(cursor, "an empty schema: anything is valid");
                return Keywords::default();
            }
            _ => {
                let kind = cursor.node.kind();
                self.error(
                    cursor,
                    format!("a schema must be an object or a boolean, not {kind}"),
                );
                return Keywords::default();
            }
        }
        let mut keywords = Keywords::default();
        self.annotations(cursor, &mut keywords);
        self.kinds(cursor, &mut keywords);
        self.bounds(cursor, &mut keywords);
        self.elements(cursor, &mut keywords);
        self.properties(cursor, &mut keywords);
        self.combinations(cursor, &mut keywords);
        keywords
    }

    fn annotations(&self, cursor: &Cursor<'a>, keywords: &mut Keywords) {
        keywords.title = self.text(cursor, "title");
        keywords.description = self.text(cursor, "description");
        keywords.default = cursor.get("default").map(|value| value.node.to_json());
        keywords.deprecated = cursor.get("deprecated").is_some() && self.flag(cursor, "deprecated");
        if let Some(examples) = cursor.get("examples") {
            keywords.examples = examples
                .items()
                .iter()
                .map(|item| item.node.to_json())
                .collect();
        } else if let Some(example) = cursor.get("example") {
            keywords.examples = vec![example.node.to_json()];
        }
    }

    fn kinds(&self, cursor: &Cursor<'a>, keywords: &mut Keywords) {
        let named = match cursor.get("type") {
            Some(kind) if matches!(kind.node.value, Value::List(_)) => kind.items(),
            Some(kind) => vec![kind],
            None => Vec::new(),
        };
        for kind in named {
            match kind.text().and_then(json_type) {
                Some(JsonType::Null) => {
                    keywords.nullable = true;
                    keywords.kinds.push(JsonType::Null);
                }
                Some(known) if keywords.kinds.contains(&known) => {}
                Some(known) => keywords.kinds.push(known),
                None if matches!(kind.node.value, Value::Null) => {
                    self.warning(
                        &kind,
                        "`type` is empty; for the type null write \"null\" in quotes",
                    );
                }
                None => {
                    let written = kind.node.to_json();
                    self.error(
                        &kind,
                        format!("`type` is {written}, expected array, boolean, integer, null, number, object or string"),
                    );
                }
            }
        }
        if cursor.get("nullable").is_some() {
            keywords.nullable |= self.flag(cursor, "nullable");
        }
        if cursor.get("enum").is_some() {
            let choices = self.list(cursor, "enum");
            if choices.is_empty() {
                self.error(cursor, "`enum` is empty: no value would be valid");
            } else {
                keywords.choices = Some(choices.iter().map(|item| item.node.to_json()).collect());
            }
        }
        keywords.constant = cursor.get("const").map(|value| value.node.to_json());
        keywords.format = self.text(cursor, "format");
    }

    fn bounds(&self, cursor: &Cursor<'a>, keywords: &mut Keywords) {
        keywords.length_min = self.count(cursor, "minLength");
        keywords.length_max = self.count(cursor, "maxLength");
        keywords.pattern = self.text(cursor, "pattern");
        keywords.minimum = self.number(cursor, "minimum");
        keywords.maximum = self.number(cursor, "maximum");
        keywords.above = self.exclusive(cursor, "exclusiveMinimum", &mut keywords.minimum);
        keywords.below = self.exclusive(cursor, "exclusiveMaximum", &mut keywords.maximum);
        keywords.multiple_of = self.number(cursor, "multipleOf");
        keywords.items_min = self.count(cursor, "minItems");
        keywords.items_max = self.count(cursor, "maxItems");
        keywords.properties_min = self.count(cursor, "minProperties");
        keywords.properties_max = self.count(cursor, "maxProperties");
        if cursor.get("uniqueItems").is_some() {
            keywords.unique_items = self.flag(cursor, "uniqueItems");
        }
    }

    /// An exclusive bound; the boolean of older drafts turns the inclusive one into it.
    fn exclusive(
        &self,
        cursor: &Cursor<'a>,
        name: &str,
        inclusive: &mut Option<serde_json::Number>,
    ) -> Option<serde_json::Number> {
        let field = cursor.get(name)?;
        if let Value::Bool(exclusive) = field.node.value {
            self.warning(
                &field,
                format!("`{name}` is a number in draft 7, not a boolean"),
            );
            return if exclusive { inclusive.take() } else { None };
        }
        self.number(cursor, name)
    }

    fn elements(&self, cursor: &Cursor<'a>, keywords: &mut Keywords) {
        keywords.contains = self.schema_under(cursor, "contains");
        let Some(items) = cursor.get("items") else {
            return;
        };
        if !matches!(items.node.value, Value::List(_)) {
            keywords.items = self.schema(items).map_or(Items::Any, Items::Each);
            return;
        }
        let first = items
            .items()
            .into_iter()
            .filter_map(|item| self.schema(item));
        keywords.items = Items::Tuple(
            first.collect(),
            self.schema_under(cursor, "additionalItems"),
        );
    }

    fn properties(&self, cursor: &Cursor<'a>, keywords: &mut Keywords) {
        keywords.properties = self.schemas_under(cursor, "properties");
        keywords.pattern_properties = self.schemas_under(cursor, "patternProperties");
        keywords.property_names = self.schema_under(cursor, "propertyNames");
        keywords.dependencies = cursor.get("dependencies").is_some();
        if let Some(required) = cursor.get("required") {
            if let Value::Bool(_) = required.node.value {
                self.warning(
                    &required,
                    "`required` is a list of property names in the object's schema; a boolean here means nothing",
                );
            } else {
                keywords.required = self.texts(cursor, "required");
            }
        }
        keywords.additional = match cursor.get("additionalProperties") {
            None => Additional::Unsaid,
            Some(field) => match field.node.value {
                Value::Bool(true) => Additional::Any,
                Value::Bool(false) => Additional::Never,
                _ => self.schema(field).map_or(Additional::Any, Additional::Of),
            },
        };
    }

    fn schemas_under(&self, cursor: &Cursor<'a>, name: &str) -> Vec<(String, SchemaId)> {
        let Some(map) = self.object(cursor, name) else {
            return Vec::new();
        };
        let with_id =
            |(name, schema): (&str, Cursor<'a>)| Some((name.to_owned(), self.schema(schema)?));
        map.entries().into_iter().filter_map(with_id).collect()
    }

    fn combinations(&self, cursor: &Cursor<'a>, keywords: &mut Keywords) {
        let several = |name| {
            let items = self.list(cursor, name).into_iter();
            items.filter_map(|item| self.schema(item)).collect()
        };
        keywords.all_of = several("allOf");
        keywords.any_of = several("anyOf");
        keywords.one_of = several("oneOf");
        keywords.not = self.schema_under(cursor, "not");
        keywords.conditional = cursor.get("if").is_some();
        keywords.discriminator = match cursor.get("discriminator") {
            // OpenAPI writes an object here.
            Some(field) if field.node.map().is_some() => self.text(&field, "propertyName"),
            Some(_) => self.text(cursor, "discriminator"),
            None => None,
        };
    }

    fn number(&self, cursor: &Cursor<'a>, name: &str) -> Option<serde_json::Number> {
        let field = cursor.get(name)?;
        if let Value::Number(number) = &field.node.value {
            return Some(number.value.clone());
        }
        let kind = field.node.kind();
        self.error(&field, format!("`{name}` must be a number, not {kind}"));
        None
    }

    fn count(&self, cursor: &Cursor<'a>, name: &str) -> Option<u64> {
        let field = cursor.get(name)?;
        let count = match &field.node.value {
            Value::Number(number) => number.value.as_u64(),
            _ => None,
        };
        if count.is_none() {
            self.error(&field, format!("`{name}` must be a whole number from 0"));
        }
        count
    }
}

impl Pool<'_> {
    fn add(&mut self, schema: Schema) -> SchemaId {
        let id = SchemaId(self.schemas.len());
        self.schemas.push(schema);
        id
    }
}

fn json_type(name: &str) -> Option<JsonType> {
    Some(match name {
        "array" => JsonType::Array,
        "boolean" => JsonType::Boolean,
        "integer" => JsonType::Integer,
        "null" => JsonType::Null,
        "number" => JsonType::Number,
        "object" => JsonType::Object,
        "string" => JsonType::String,
        _ => return None,
    })
}

/// The name of a schema that stands in a place for schemas with names, or is a whole file.
fn definition_key(cursor: &Cursor<'_>) -> Option<String> {
    let pointer = cursor.pointer();
    if pointer.is_empty() {
        let file = cursor.file().rsplit('/').next()?;
        let stem = file.split('.').next()?;
        return (!stem.is_empty()).then(|| stem.to_owned());
    }
    let (parent, _) = pointer.rsplit_once('/')?;
    let folder = parent.rsplit('/').next()?;
    let top_level = parent.is_empty();
    let named = top_level || matches!(folder, "schemas" | "definitions" | "$defs" | "components");
    named.then(|| cursor.last_name())
}
