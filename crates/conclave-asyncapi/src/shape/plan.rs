//! Decides what each schema becomes.

use std::collections::{BTreeMap, BTreeSet};

use super::merge::{self, Merged};
use super::name::{free, is_name, singular, type_name};
use super::{Form, Shape, ShapeId, Shapes, Type, recursion};
use crate::diagnostic::{Diagnostic, Severity};
use crate::model::{Document, Items, JsonType, Keywords, Schema, SchemaId, Schemas, Spelling};
use crate::source::Location;

/// How deep schemas may lead to others before one is named.
const DEPTH_MAX: usize = 100;
/// Named types of one document.
const SHAPES_MAX: usize = 5_000;

/// The named types of a document, as they are asked for.
pub struct Plan {
    pub(super) schemas: Schemas,
    pub(super) shapes: Shapes,
    pub(super) spellings: Vec<Spelling>,
    by_schema: BTreeMap<SchemaId, Type>,
    names: BTreeSet<String>,
    /// What a schema is called among the variants of a union, where it has no name itself.
    pub(super) variant_hints: BTreeMap<SchemaId, String>,
    unions: BTreeMap<Vec<SchemaId>, Type>,
    found: Vec<Diagnostic>,
    depth: usize,
}

/// What is known of a schema while its shape is decided.
pub(super) struct Draft<'a> {
    pub(super) id: SchemaId,
    pub(super) merged: &'a Merged,
    pub(super) hint: &'a str,
    pub(super) nullable: bool,
}

impl Draft<'_> {
    pub(super) fn keywords(&self) -> &Keywords {
        &self.merged.keywords
    }
}

impl Plan {
    /// Nothing is planned yet.
    #[must_use]
    pub fn new(document: &Document) -> Self {
        Self {
            schemas: document.schemas.clone(),
            shapes: Shapes::default(),
            spellings: document.spellings.clone(),
            by_schema: BTreeMap::new(),
            names: BTreeSet::new(),
            variant_hints: BTreeMap::new(),
            unions: BTreeMap::new(),
            found: Vec::new(),
            depth: 0,
        }
    }

    /// The types, those that hold themselves boxed, and what was found.
    #[must_use]
    pub fn finish(mut self) -> (Shapes, Vec<Diagnostic>) {
        recursion::boxed(&mut self.shapes);
        self.found.sort();
        self.found.dedup();
        (self.shapes, self.found)
    }

    /// The type of a schema; `hint` names it where the document does not.
    pub fn type_of(&mut self, id: SchemaId, hint: &str) -> Type {
        if let Some(known) = self.by_schema.get(&id) {
            return known.clone();
        }
        if self.depth >= DEPTH_MAX || self.shapes.all.len() >= SHAPES_MAX {
            let sentence =
                format!("more than {SHAPES_MAX} types, or nested deeper than {DEPTH_MAX}");
            self.error(id, sentence);
            return Type::Json;
        }
        self.depth += 1;
        let merged = merge::merged(&mut self.schemas, id);
        let of = self.decide(id, &merged, hint);
        self.depth -= 1;
        self.by_schema.insert(id, of.clone());
        of
    }

    /// The type for one of several schemas, each with a name for its variant; `hint` names the union.
    pub fn one_of(&mut self, alternatives: &[(String, SchemaId)], hint: &str) -> Type {
        let ids: Vec<SchemaId> = alternatives.iter().map(|(_, id)| *id).collect();
        let (Some(first), false) = (ids.first(), ids.len() < 2) else {
            return ids.first().map_or(Type::Null, |id| self.type_of(*id, hint));
        };
        if let Some(known) = self.unions.get(&ids) {
            return known.clone();
        }
        let Some(at) = self.schemas.get(*first).map(|schema| schema.at.clone()) else {
            return Type::Json;
        };
        for (name, id) in alternatives {
            self.variant_hints
                .entry(*id)
                .or_insert_with(|| name.clone());
        }
        let keywords = Keywords {
            one_of: ids.clone(),
            ..Keywords::default()
        };
        let schema = Schema {
            at,
            key: None,
            keywords: Box::new(keywords),
        };
        let union = merge::add(&mut self.schemas, schema);
        let of = self.type_of(union, hint);
        self.unions.insert(ids, of.clone());
        of
    }

    /// One of several texts, under a name that is free.
    pub fn texts(&mut self, texts: Vec<String>, hint: &str, at: Location) -> Type {
        let values = texts.into_iter().map(serde_json::Value::from).collect();
        let keywords = Keywords {
            choices: Some(values),
            ..Keywords::default()
        };
        let schema = Schema {
            at,
            key: None,
            keywords: Box::new(keywords),
        };
        let id = merge::add(&mut self.schemas, schema);
        self.type_of(id, hint)
    }

    /// A name that is free, kept from then on.
    pub fn take_name(&mut self, wished: &str) -> String {
        let name = free(wished, |name| !self.names.contains(name));
        self.names.insert(name.clone());
        name
    }

    /// What a named type is, as far as it is planned.
    #[must_use]
    pub fn form(&self, id: ShapeId) -> Option<&Form> {
        self.shapes.get(id).map(|shape| &shape.form)
    }

    fn decide(&mut self, id: SchemaId, merged: &Merged, hint: &str) -> Type {
        for contradiction in &merged.contradictions {
            self.error(id, contradiction.0.clone());
        }
        self.tell_unchecked(id, &merged.keywords);
        let keywords = &merged.keywords;
        if keywords.never {
            self.error(id, "the schema `false` is valid for nothing".to_owned());
            return Type::Json;
        }
        let lists_null =
            |values: &Vec<serde_json::Value>| values.iter().any(serde_json::Value::is_null);
        let draft = Draft {
            id,
            merged,
            hint,
            nullable: keywords.nullable
                || keywords.choices.as_ref().is_some_and(lists_null)
                || self.has_null_alternative(keywords),
        };
        let of = self.core(&draft);
        nullable(of, draft.nullable)
    }

    fn core(&mut self, draft: &Draft<'_>) -> Type {
        let keywords = draft.keywords();
        if keywords.constant.is_some() || keywords.choices.is_some() {
            return self.fixed(draft);
        }
        if !keywords.one_of.is_empty() || !keywords.any_of.is_empty() {
            return self.union(draft);
        }
        let mut kinds: Vec<JsonType> = keywords
            .kinds
            .iter()
            .copied()
            .filter(|kind| *kind != JsonType::Null)
            .collect();
        if kinds.contains(&JsonType::Number) {
            kinds.retain(|kind| *kind != JsonType::Integer);
        }
        match kinds.as_slice() {
            [] if !keywords.kinds.is_empty() => Type::Null,
            [] => match inferred(keywords) {
                Some(kind) => self.of_kind(draft, kind),
                None => Type::Json,
            },
            [kind] => self.of_kind(draft, *kind),
            several => self.union_of_kinds(draft, several),
        }
    }

    fn of_kind(&mut self, draft: &Draft<'_>, kind: JsonType) -> Type {
        match kind {
            JsonType::Array => self.list(draft),
            JsonType::Boolean => Type::Bool,
            JsonType::Integer => self.integer(draft),
            JsonType::Null => Type::Null,
            JsonType::Number => self.number(draft),
            JsonType::Object => self.object(draft),
            JsonType::String => self.text(draft),
        }
    }

    fn list(&mut self, draft: &Draft<'_>) -> Type {
        let keywords = draft.keywords();
        let hint = singular(draft.hint);
        let of = match &keywords.items {
            Items::Any => Type::List(Box::new(Type::Json)),
            Items::Each(id) => Type::List(Box::new(self.type_of(*id, &hint))),
            Items::Tuple(first, more) => {
                let mut elements = Vec::new();
                for (index, id) in first.iter().enumerate() {
                    elements.push(self.type_of(*id, &format!("{} {}", draft.hint, index + 1)));
                }
                let count = u64::try_from(first.len()).unwrap_or(u64::MAX);
                let all_there = keywords.items_min == Some(count);
                let exact = all_there && keywords.items_max == Some(count);
                let closed = more.is_some_and(|id| self.is_never(id));
                let same = elements.windows(2).all(|pair| pair.first() == pair.last());
                match elements.first() {
                    Some(element) if same && more.is_none() && !exact => {
                        Type::List(Box::new(element.clone()))
                    }
                    Some(_) if (exact || closed && all_there) && first.len() <= 12 => {
                        return Type::Tuple(elements);
                    }
                    Some(_) => {
                        let sentence = "elements with schemas of their own are read as any JSON, unless \
                                        `minItems` and `maxItems` say how many there are";
                        self.warning(draft.id, sentence.to_owned());
                        Type::List(Box::new(Type::Json))
                    }
                    None => Type::List(Box::new(Type::Json)),
                }
            }
        };
        self.checked_list(draft, of)
    }

    fn is_never(&self, id: SchemaId) -> bool {
        self.schemas
            .get(id)
            .is_some_and(|schema| schema.keywords.never)
    }

    /// What a schema asks for and no type can promise.
    fn tell_unchecked(&mut self, id: SchemaId, keywords: &Keywords) {
        let asked = [
            (keywords.not.is_some(), "not"),
            (keywords.conditional, "if"),
            (keywords.dependencies, "dependencies"),
            (keywords.contains.is_some(), "contains"),
            (keywords.property_names.is_some(), "propertyNames"),
        ];
        for (is_there, name) in asked {
            if is_there {
                self.error(
                    id,
                    format!("`{name}` is not supported: no type can promise it"),
                );
            }
        }
    }

    /// Begins a named type, so that what it holds can name it.
    pub(super) fn open(&mut self, draft: &Draft<'_>) -> ShapeId {
        let keywords = draft.keywords();
        let (key, at) = match self.schemas.get(draft.id) {
            Some(schema) => (schema.key.clone(), schema.at.clone()),
            None => (None, no_location()),
        };
        let title = keywords.title.as_deref().filter(|title| is_name(title));
        let own_title = self
            .schemas
            .get(draft.id)
            .and_then(|schema| schema.keywords.title.clone());
        let title = title.filter(|title| own_title.as_deref() == Some(*title));
        let wished = key
            .as_deref()
            .and_then(type_name)
            .or_else(|| title.and_then(type_name));
        let wished = wished
            .or_else(|| type_name(draft.hint))
            .unwrap_or_else(|| "Content".to_owned());
        let name = free(&wished, |name| !self.names.contains(name));
        self.names.insert(name.clone());
        let id = ShapeId(self.shapes.all.len());
        self.shapes.all.push(Shape {
            name,
            doc: keywords
                .description
                .clone()
                .or_else(|| keywords.title.clone()),
            deprecated: keywords.deprecated,
            form: Form::Unfinished,
            at,
        });
        self.by_schema
            .insert(draft.id, nullable(Type::Named(id), draft.nullable));
        id
    }

    /// Ends a named type.
    pub(super) fn close(&mut self, id: ShapeId, form: Form) -> Type {
        if let Some(shape) = self.shapes.all.get_mut(id.0) {
            shape.form = form;
        }
        Type::Named(id)
    }

    /// The name that a shape was given.
    pub(super) fn name(&self, id: ShapeId) -> String {
        self.shapes
            .get(id)
            .map(|shape| shape.name.clone())
            .unwrap_or_default()
    }

    pub(super) fn error(&mut self, id: SchemaId, message: String) {
        self.find(id, Severity::Error, message);
    }

    pub(super) fn warning(&mut self, id: SchemaId, message: String) {
        self.find(id, Severity::Warning, message);
    }

    fn find(&mut self, id: SchemaId, severity: Severity, message: String) {
        let at = self
            .schemas
            .get(id)
            .map_or_else(no_location, |schema| schema.at.clone());
        self.found.push(Diagnostic {
            file: at.file.to_string(),
            place: at.place,
            pointer: at.pointer,
            severity,
            message,
        });
    }
}

fn no_location() -> Location {
    Location {
        file: "".into(),
        pointer: String::new(),
        place: crate::diagnostic::Place::START,
    }
}

/// The type, or null as well.
pub(super) fn nullable(of: Type, is_nullable: bool) -> Type {
    match of {
        Type::Json | Type::Null | Type::Nullable(_) => of,
        _ if is_nullable => Type::Nullable(Box::new(of)),
        _ => of,
    }
}

/// The type that a schema means without saying so.
pub(super) fn inferred(keywords: &Keywords) -> Option<JsonType> {
    use crate::model::Additional;
    if !keywords.properties.is_empty()
        || !keywords.required.is_empty()
        || !keywords.pattern_properties.is_empty()
        || keywords.additional != Additional::Unsaid
        || keywords
            .properties_min
            .or(keywords.properties_max)
            .is_some()
    {
        return Some(JsonType::Object);
    }
    let counts = keywords.items_min.or(keywords.items_max);
    if keywords.items != Items::Any || counts.is_some() || keywords.unique_items {
        return Some(JsonType::Array);
    }
    if keywords.length_min.or(keywords.length_max).is_some() || keywords.pattern.is_some() {
        return Some(JsonType::String);
    }
    match keywords.format.as_deref() {
        Some("uuid" | "date-time" | "date" | "uri" | "email" | "ipv4" | "ipv6") => {
            return Some(JsonType::String);
        }
        Some("int32" | "int64") => return Some(JsonType::Integer),
        _ => {}
    }
    let bounds = [
        &keywords.minimum,
        &keywords.maximum,
        &keywords.above,
        &keywords.below,
        &keywords.multiple_of,
    ];
    bounds
        .into_iter()
        .any(Option::is_some)
        .then_some(JsonType::Number)
}
