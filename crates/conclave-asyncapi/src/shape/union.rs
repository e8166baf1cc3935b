//! `oneOf` and `anyOf`: one of several types, told apart by a tag where there is one.

use serde_json::Value;

use super::merge::{self, Merged, both};
use super::name::{free, is_name, type_name};
use super::plan::{Draft, Plan, inferred};
use super::scalar::variant_name;
use super::{Form, Tag, Type, Union, Variant};
use crate::model::{Additional, JsonType, Keywords, Schema, SchemaId};

/// An alternative while the union is decided.
struct Alternative {
    id: SchemaId,
    /// The schema that names it: itself, or the one it was before the base was added.
    named_by: SchemaId,
    merged: Merged,
}

impl Alternative {
    fn keywords(&self) -> &Keywords {
        &self.merged.keywords
    }

    fn is_object(&self) -> bool {
        let keywords = self.keywords();
        let said = keywords.kinds.as_slice() == [JsonType::Object];
        (said || keywords.kinds.is_empty() && inferred(keywords) == Some(JsonType::Object))
            && keywords.one_of.is_empty()
            && keywords.any_of.is_empty()
    }
}

impl Plan {
    /// Whether one of the alternatives is null.
    pub(super) fn has_null_alternative(&self, keywords: &Keywords) -> bool {
        let alternatives = keywords.one_of.iter().chain(&keywords.any_of);
        let is_null = |id: &SchemaId| {
            let schema = self.schemas.get(*id);
            schema.is_some_and(|schema| is_null(&schema.keywords))
        };
        alternatives.into_iter().any(is_null)
    }

    pub(super) fn union(&mut self, draft: &Draft<'_>) -> Type {
        let Some(alternatives) = self.alternatives(draft) else {
            return self.without_alternatives(draft);
        };
        if let Some(texts) = texts_of_all(&alternatives) {
            return self.choice(draft, texts);
        }
        match alternatives.as_slice() {
            [] => return Type::Null,
            [only] => return self.type_of(only.id, draft.hint),
            _ => {}
        }
        let id = self.open(draft);
        let owner = self.name(id);
        let tag = self.tag(draft, &alternatives);
        let mut variants: Vec<Variant> = Vec::new();
        for (index, alternative) in alternatives.iter().enumerate() {
            let tags = match &tag {
                Some((_, tags)) => tags.get(index).cloned().unwrap_or_default(),
                None => Vec::new(),
            };
            let variant = self.variant(alternative, &owner, tags, &variants);
            let known = variants.iter().any(|known| known.of == variant.of);
            if tag.is_some() || !known {
                variants.push(variant);
            }
        }
        let union = Union {
            tag: tag.map(|(tag, _)| tag),
            variants,
        };
        self.close(id, Form::Union(union))
    }

    /// What the schema is if its alternatives only ask for properties to be there.
    fn without_alternatives(&mut self, draft: &Draft<'_>) -> Type {
        self.warning(
            draft.id,
            "the alternatives only say which properties must be there; that is not checked"
                .to_owned(),
        );
        let mut keywords = draft.keywords().clone();
        keywords.one_of.clear();
        keywords.any_of.clear();
        let merged = Merged {
            keywords,
            patterns: Vec::new(),
            contradictions: Vec::new(),
        };
        self.object(&Draft {
            merged: &merged,
            ..*draft
        })
    }

    /// The alternatives that are not null, each together with what the schema says besides; none if
    /// they are no types of their own.
    fn alternatives(&mut self, draft: &Draft<'_>) -> Option<Vec<Alternative>> {
        let keywords = draft.keywords();
        let mut base = keywords.clone();
        let listed = if keywords.one_of.is_empty() {
            std::mem::take(&mut base.any_of)
        } else {
            std::mem::take(&mut base.one_of)
        };
        (base.title, base.description, base.discriminator) = (None, None, None);
        (base.default, base.nullable, base.deprecated) = (None, false, false);
        base.examples.clear();
        let adds = !is_trivial(&base);
        if adds && listed.iter().all(|id| self.only_requires(*id)) {
            return None;
        }
        let base = adds.then(|| {
            let at = self.schemas.get(draft.id)?.at.clone();
            let schema = Schema {
                at,
                key: None,
                keywords: Box::new(base),
            };
            Some(merge::add(&mut self.schemas, schema))
        });
        let base = base.flatten();
        let mut alternatives = Vec::new();
        for named_by in listed {
            let id = base.map_or(named_by, |base| both(&mut self.schemas, base, named_by));
            let merged = merge::merged(&mut self.schemas, id);
            if !is_null(&merged.keywords) {
                alternatives.push(Alternative {
                    id,
                    named_by,
                    merged,
                });
            }
        }
        Some(alternatives)
    }

    fn only_requires(&self, id: SchemaId) -> bool {
        self.schemas.get(id).is_some_and(|schema| {
            let keywords = &schema.keywords;
            let more = !keywords.properties.is_empty()
                || !keywords.kinds.is_empty()
                || !keywords.all_of.is_empty();
            !keywords.required.is_empty() && !more
        })
    }

    fn variant(
        &mut self,
        alternative: &Alternative,
        owner: &str,
        tags: Vec<String>,
        known: &[Variant],
    ) -> Variant {
        let schema = self.schemas.get(alternative.named_by);
        let key = schema.and_then(|schema| schema.key.clone());
        let title = schema.and_then(|schema| schema.keywords.title.clone());
        let hinted = self.variant_hints.get(&alternative.named_by).cloned();
        let wished = key
            .or_else(|| title.filter(|title| is_name(title)))
            .or(hinted)
            .or_else(|| tags.first().filter(|tag| type_name(tag).is_some()).cloned())
            .unwrap_or_else(|| kind_name(alternative).to_owned());
        let is_free = |name: &str| known.iter().all(|variant| variant.name != name);
        let name = free(&variant_name(&wished), is_free);
        let keywords = alternative.keywords();
        let properties = keywords
            .properties
            .iter()
            .map(|(property, _)| property.clone());
        Variant {
            of: self.type_of(alternative.id, &format!("{owner} {name}")),
            properties: properties.collect(),
            required: keywords.required.clone(),
            name,
            tags,
        }
    }

    /// The property that tells the alternatives apart, and its texts for each of them.
    fn tag(
        &mut self,
        draft: &Draft<'_>,
        alternatives: &[Alternative],
    ) -> Option<(Tag, Vec<Vec<String>>)> {
        if !alternatives.iter().all(Alternative::is_object) {
            return None;
        }
        let discriminator = draft.keywords().discriminator.clone();
        let discriminator = discriminator.or_else(|| shared_discriminator(alternatives));
        if let Some(property) = discriminator {
            let fixed = self.texts_under(alternatives, &property);
            let written = fixed.is_none();
            let tags = fixed.or_else(|| self.keys(alternatives));
            let Some(tags) = tags else {
                self.error(draft.id, format!("the discriminator `{property}` has no text for some of the alternatives: give them names or a `const`"));
                return None;
            };
            return Some((Tag { property, written }, tags));
        }
        let first = alternatives.first()?.keywords().properties.clone();
        let candidates = first.iter().map(|(property, _)| property);
        let all_require = |property: &&String| {
            alternatives
                .iter()
                .all(|other| other.keywords().required.contains(property))
        };
        let (required, others): (Vec<&String>, Vec<&String>) = candidates.partition(all_require);
        for property in required.into_iter().chain(others) {
            if let Some(tags) = self.texts_under(alternatives, property) {
                let tag = Tag {
                    property: property.clone(),
                    written: false,
                };
                return Some((tag, tags));
            }
        }
        None
    }

    /// The texts that a property may have, for each alternative, if no text is in two.
    fn texts_under(
        &mut self,
        alternatives: &[Alternative],
        property: &str,
    ) -> Option<Vec<Vec<String>>> {
        let mut all: Vec<Vec<String>> = Vec::new();
        for alternative in alternatives {
            let properties = &alternative.keywords().properties;
            let (_, id) = properties.iter().find(|(name, _)| name == property)?;
            let texts = texts_of(&merge::merged(&mut self.schemas, *id).keywords)?;
            if texts
                .iter()
                .any(|text| all.iter().flatten().any(|known| known == text))
            {
                return None;
            }
            all.push(texts);
        }
        Some(all)
    }

    /// The names of the alternatives, which are the discriminator's texts where nothing else is said.
    fn keys(&self, alternatives: &[Alternative]) -> Option<Vec<Vec<String>>> {
        let key = |alternative: &Alternative| {
            let schema = self.schemas.get(alternative.named_by)?;
            let name = schema
                .key
                .clone()
                .or_else(|| schema.keywords.title.clone())?;
            Some(vec![name])
        };
        alternatives.iter().map(key).collect()
    }

    /// `type: [string, integer]`.
    pub(super) fn union_of_kinds(&mut self, draft: &Draft<'_>, kinds: &[JsonType]) -> Type {
        let id = self.open(draft);
        let owner = self.name(id);
        let mut variants: Vec<Variant> = Vec::new();
        for kind in kinds {
            let mut keywords = draft.keywords().clone();
            keywords.kinds = vec![*kind];
            (keywords.title, keywords.description, keywords.nullable) = (None, None, false);
            let Some(at) = self.schemas.get(draft.id).map(|schema| schema.at.clone()) else {
                continue;
            };
            let schema = Schema {
                at,
                key: None,
                keywords: Box::new(keywords),
            };
            let part = merge::add(&mut self.schemas, schema);
            let name = label(*kind);
            variants.push(Variant {
                of: self.type_of(part, &format!("{owner} {name}")),
                name: name.to_owned(),
                tags: Vec::new(),
                properties: Vec::new(),
                required: Vec::new(),
            });
        }
        self.close(
            id,
            Form::Union(Union {
                tag: None,
                variants,
            }),
        )
    }
}

/// The discriminator that the alternatives inherit from one parent.
fn shared_discriminator(alternatives: &[Alternative]) -> Option<String> {
    let first = alternatives.first()?.keywords().discriminator.clone()?;
    let shared = |other: &Alternative| other.keywords().discriminator.as_ref() == Some(&first);
    alternatives.iter().all(shared).then_some(first)
}

fn is_null(keywords: &Keywords) -> bool {
    keywords.kinds.as_slice() == [JsonType::Null] || keywords.constant == Some(Value::Null)
}

/// Whether a schema says nothing that its alternatives would have to know.
fn is_trivial(base: &Keywords) -> bool {
    let kinds = base
        .kinds
        .iter()
        .all(|kind| matches!(kind, JsonType::Object | JsonType::Null));
    kinds
        && base.properties.is_empty()
        && base.required.is_empty()
        && base.pattern_properties.is_empty()
        && matches!(base.additional, Additional::Unsaid | Additional::Any)
        && base.one_of.is_empty()
        && base.any_of.is_empty()
        && (base.kinds.contains(&JsonType::Object) || inferred(base).is_none())
}

/// The texts of a schema that allows only those.
fn texts_of(keywords: &Keywords) -> Option<Vec<String>> {
    let values = match (&keywords.constant, &keywords.choices) {
        (Some(constant), _) => std::slice::from_ref(constant),
        (None, Some(choices)) => choices.as_slice(),
        (None, None) => return None,
    };
    let texts = values.iter().map(|value| value.as_str().map(str::to_owned));
    texts.collect()
}

fn texts_of_all(alternatives: &[Alternative]) -> Option<Vec<String>> {
    let mut texts = Vec::new();
    for alternative in alternatives {
        texts.extend(texts_of(alternative.keywords())?);
    }
    (!texts.is_empty()).then_some(texts)
}

fn kind_name(alternative: &Alternative) -> &'static str {
    let keywords = alternative.keywords();
    let kind = match keywords.kinds.as_slice() {
        [kind] => Some(*kind),
        _ => inferred(keywords),
    };
    kind.map_or("Other", label)
}

fn label(kind: JsonType) -> &'static str {
    match kind {
        JsonType::Array => "List",
        JsonType::Boolean => "Boolean",
        JsonType::Integer => "Integer",
        JsonType::Null => "Null",
        JsonType::Number => "Number",
        JsonType::Object => "Object",
        JsonType::String => "Text",
    }
}
