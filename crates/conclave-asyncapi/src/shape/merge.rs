//! `allOf` written out: one schema that says what all of them say.

use std::collections::BTreeSet;

use serde_json::{Number, Value};

use crate::model::{Additional, Items, JsonType, Keywords, Schema, SchemaId, Schemas};

/// How deep `allOf` may nest.
const DEPTH_MAX: usize = 64;

/// Why schemas cannot hold together, as a sentence.
pub(super) struct Contradiction(pub(super) String);

/// A schema with its `allOf` written out, and what is wrong with it.
pub(super) struct Merged {
    pub(super) keywords: Keywords,
    /// Patterns beyond the one of `keywords`.
    pub(super) patterns: Vec<String>,
    pub(super) contradictions: Vec<Contradiction>,
}

/// Writes the `allOf` of a schema out, however deep.
pub(super) fn merged(schemas: &mut Schemas, id: SchemaId) -> Merged {
    let mut merging = Merging {
        schemas,
        into: Keywords::default(),
        patterns: Vec::new(),
        contradictions: Vec::new(),
        kinds_said: false,
        depth: 0,
    };
    merging.add(id, &mut BTreeSet::new());
    Merged {
        keywords: merging.into,
        patterns: merging.patterns,
        contradictions: merging.contradictions,
    }
}

struct Merging<'a> {
    schemas: &'a mut Schemas,
    into: Keywords,
    patterns: Vec<String>,
    contradictions: Vec<Contradiction>,
    kinds_said: bool,
    depth: usize,
}

impl Merging<'_> {
    /// Adds a schema and, before what it says itself, what its `allOf` say; a circle adds nothing.
    fn add(&mut self, id: SchemaId, seen: &mut BTreeSet<SchemaId>) {
        if !seen.insert(id) {
            return;
        }
        let Some(schema) = self.schemas.get(id) else {
            return;
        };
        let keywords = (*schema.keywords).clone();
        if self.depth >= DEPTH_MAX {
            let sentence = format!("`allOf` nests deeper than {DEPTH_MAX}");
            self.contradictions.push(Contradiction(sentence));
            return;
        }
        self.depth += 1;
        for part in &keywords.all_of {
            self.add(*part, seen);
        }
        self.depth -= 1;
        self.kinds(&keywords);
        self.annotations(&keywords);
        self.values(&keywords);
        self.bounds(&keywords);
        self.parts(keywords);
    }

    /// The outer schema's words count, so later ones win.
    fn annotations(&mut self, more: &Keywords) {
        let into = &mut self.into;
        into.never |= more.never;
        into.title = more.title.clone().or(into.title.take());
        into.description = more.description.clone().or(into.description.take());
        into.default = more.default.clone().or(into.default.take());
        into.format = more.format.clone().or(into.format.take());
        into.discriminator = more.discriminator.clone().or(into.discriminator.take());
        into.deprecated |= more.deprecated;
        into.conditional |= more.conditional;
        into.dependencies |= more.dependencies;
        into.unique_items |= more.unique_items;
        into.examples.extend(more.examples.iter().cloned());
    }

    fn kinds(&mut self, more: &Keywords) {
        if more.kinds.is_empty() {
            self.into.nullable |= more.nullable;
            return;
        }
        if !self.kinds_said {
            self.kinds_said = true;
            self.into.nullable |= more.nullable;
            self.into.kinds = more.kinds.clone();
            return;
        }
        self.into.nullable &= more.nullable;
        let both = |kind: &JsonType| match kind {
            JsonType::Integer if !more.kinds.contains(&JsonType::Integer) => {
                more.kinds.contains(&JsonType::Number)
            }
            _ => more.kinds.contains(kind),
        };
        let mut kinds: Vec<JsonType> = self.into.kinds.iter().copied().filter(both).collect();
        let narrows =
            self.into.kinds.contains(&JsonType::Number) && more.kinds.contains(&JsonType::Integer);
        if narrows && !kinds.contains(&JsonType::Integer) {
            kinds.push(JsonType::Integer);
        }
        if kinds.is_empty() {
            let sentence = format!(
                "`allOf` asks for {:?} and {:?} at once",
                self.into.kinds, more.kinds
            );
            self.contradictions.push(Contradiction(sentence));
            return;
        }
        self.into.kinds = kinds;
    }

    fn values(&mut self, more: &Keywords) {
        if let Some(choices) = &more.choices {
            self.into.choices = Some(match self.into.choices.take() {
                None => choices.clone(),
                Some(known) => known
                    .into_iter()
                    .filter(|value| choices.contains(value))
                    .collect(),
            });
        }
        if let Some(constant) = &more.constant {
            self.into.constant = Some(constant.clone());
        }
        let empty = self.into.choices.as_ref().is_some_and(Vec::is_empty);
        if empty {
            let sentence = "`allOf` leaves no value of `enum`".to_owned();
            self.contradictions.push(Contradiction(sentence));
            self.into.choices = None;
        }
        match (&self.into.pattern, &more.pattern) {
            (Some(known), Some(pattern)) if known != pattern => self.patterns.push(pattern.clone()),
            (None, Some(pattern)) => self.into.pattern = Some(pattern.clone()),
            _ => {}
        }
    }

    fn bounds(&mut self, more: &Keywords) {
        let into = &mut self.into;
        into.length_min = into.length_min.max(more.length_min);
        into.length_max = least(into.length_max, more.length_max);
        into.items_min = into.items_min.max(more.items_min);
        into.items_max = least(into.items_max, more.items_max);
        into.properties_min = into.properties_min.max(more.properties_min);
        into.properties_max = least(into.properties_max, more.properties_max);
        into.minimum = tighter(into.minimum.take(), more.minimum.as_ref(), |a, b| a > b);
        into.above = tighter(into.above.take(), more.above.as_ref(), |a, b| a > b);
        into.maximum = tighter(into.maximum.take(), more.maximum.as_ref(), |a, b| a < b);
        into.below = tighter(into.below.take(), more.below.as_ref(), |a, b| a < b);
        into.multiple_of = more.multiple_of.clone().or(into.multiple_of.take());
    }

    fn parts(&mut self, more: Keywords) {
        for (name, id) in more.properties {
            let position = self
                .into
                .properties
                .iter()
                .position(|(known, _)| *known == name);
            match position
                .and_then(|at| self.into.properties.get(at).map(|(_, known)| (at, *known)))
            {
                None => self.into.properties.push((name, id)),
                Some((_, known)) if known == id => {}
                Some((at, known)) => {
                    let both = both(self.schemas, known, id);
                    if let Some(property) = self.into.properties.get_mut(at) {
                        property.1 = both;
                    }
                }
            }
        }
        for name in more.required {
            if !self.into.required.contains(&name) {
                self.into.required.push(name);
            }
        }
        self.into.pattern_properties.extend(more.pattern_properties);
        self.into.items = self.items(more.items);
        self.into.additional = self.additional(more.additional);
        let into = &mut self.into;
        into.property_names = more.property_names.or(into.property_names);
        into.contains = more.contains.or(into.contains);
        into.not = more.not.or(into.not);
        self.alternatives(more.one_of, more.any_of);
    }

    /// Two lists of alternatives: one of the first together with one of the second.
    fn alternatives(&mut self, one_of: Vec<SchemaId>, any_of: Vec<SchemaId>) {
        for (more, is_one) in [(one_of, true), (any_of, false)] {
            if more.is_empty() {
                continue;
            }
            let known = if is_one {
                &mut self.into.one_of
            } else {
                &mut self.into.any_of
            };
            let known = std::mem::take(known);
            let product = match known.len().saturating_mul(more.len()) {
                0 => more,
                2..=64 => {
                    let pairs = known
                        .iter()
                        .flat_map(|a| more.iter().map(move |b| (*a, *b)));
                    let pairs: Vec<(SchemaId, SchemaId)> = pairs.collect();
                    pairs
                        .into_iter()
                        .map(|(a, b)| both(self.schemas, a, b))
                        .collect()
                }
                _ => {
                    let sentence = "`allOf` combines more alternatives than 64".to_owned();
                    self.contradictions.push(Contradiction(sentence));
                    known
                }
            };
            if is_one {
                self.into.one_of = product;
            } else {
                self.into.any_of = product;
            }
        }
    }

    fn items(&mut self, more: Items) -> Items {
        match (std::mem::take(&mut self.into.items), more) {
            (known, Items::Any) => known,
            (Items::Each(a), Items::Each(b)) if a != b => Items::Each(both(self.schemas, a, b)),
            (_, more) => more,
        }
    }

    fn additional(&mut self, more: Additional) -> Additional {
        match (self.into.additional, more) {
            (Additional::Never, _) | (_, Additional::Never) => Additional::Never,
            (Additional::Of(a), Additional::Of(b)) if a != b => {
                Additional::Of(both(self.schemas, a, b))
            }
            (Additional::Of(known), _) => Additional::Of(known),
            (known, Additional::Unsaid) => known,
            (_, more) => more,
        }
    }
}

/// A new schema for what both say.
pub(super) fn both(schemas: &mut Schemas, a: SchemaId, b: SchemaId) -> SchemaId {
    let Some(at) = schemas.get(b).map(|schema| schema.at.clone()) else {
        return a;
    };
    let keywords = Keywords {
        all_of: vec![a, b],
        ..Keywords::default()
    };
    let schema = Schema {
        at,
        key: None,
        keywords: Box::new(keywords),
    };
    add(schemas, schema)
}

/// A new schema.
pub(super) fn add(schemas: &mut Schemas, schema: Schema) -> SchemaId {
    let id = SchemaId(schemas.all.len());
    schemas.all.push(schema);
    id
}

fn least(a: Option<u64>, b: Option<u64>) -> Option<u64> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        _ => a.or(b),
    }
}

fn tighter(
    known: Option<Number>,
    more: Option<&Number>,
    wins: fn(f64, f64) -> bool,
) -> Option<Number> {
    let Some(more) = more else {
        return known;
    };
    match known {
        Some(known) => {
            let (a, b) = (
                known.as_f64().unwrap_or_default(),
                more.as_f64().unwrap_or_default(),
            );
            Some(if wins(a, b) { known } else { more.clone() })
        }
        None => Some(more.clone()),
    }
}

/// Whether a value is of a type.
pub(super) fn is_of(value: &Value, kind: JsonType) -> bool {
    match kind {
        JsonType::Array => value.is_array(),
        JsonType::Boolean => value.is_boolean(),
        JsonType::Integer => value.is_i64() || value.is_u64(),
        JsonType::Null => value.is_null(),
        JsonType::Number => value.is_number(),
        JsonType::Object => value.is_object(),
        JsonType::String => value.is_string(),
    }
}
