//! Objects: structs, and maps where no property is named.

use super::name::{camel, field_name, free, snake};
use super::plan::{Draft, Plan};
use super::scalar::readable;
use super::{Check, Field, Form, Presence, Rest, Struct, Type};
use crate::model::{Additional, Keywords, SchemaId, Spelling};

impl Plan {
    pub(super) fn object(&mut self, draft: &Draft<'_>) -> Type {
        let keywords = draft.keywords();
        if keywords.properties.is_empty() && keywords.required.is_empty() {
            return self.map(draft);
        }
        if keywords
            .properties_min
            .or(keywords.properties_max)
            .is_some()
        {
            self.error(
                draft.id,
                "`minProperties` and `maxProperties` are not supported beside `properties`"
                    .to_owned(),
            );
        }
        let id = self.open(draft);
        let owner = self.name(id);
        let mut fields = Vec::new();
        for (property, schema) in &keywords.properties {
            if !self.is_never_schema(*schema) {
                let field = self.field(&owner, keywords, (property, *schema), &fields);
                fields.push(field);
            }
        }
        let known = |name: &String| {
            keywords
                .properties
                .iter()
                .any(|(property, _)| property == name)
        };
        for property in keywords.required.iter().filter(|name| !known(name)) {
            fields.push(Field {
                name: free_field(property, &fields),
                property: property.clone(),
                aliases: Vec::new(),
                of: Type::Json,
                presence: Presence::Required,
                doc: None,
                deprecated: false,
            });
        }
        let rest = self.rest(draft, &owner, &fields);
        self.close(id, Form::Struct(Struct { fields, rest }))
    }

    fn field(
        &mut self,
        owner: &str,
        keywords: &Keywords,
        (property, id): (&str, SchemaId),
        fields: &[Field],
    ) -> Field {
        let of = self.type_of(id, &format!("{owner} {property}"));
        let is_required = keywords.required.iter().any(|name| name == property);
        let (of, presence) = match (of, is_required) {
            (Type::Nullable(of), true) => (*of, Presence::RequiredNullable),
            (Type::Nullable(of), false) => (*of, Presence::OptionalNullable),
            (of, true) => (of, Presence::Required),
            (of, false) => (of, Presence::Optional),
        };
        let said = self.schemas.get(id).map(|schema| schema.keywords.as_ref());
        Field {
            name: free_field(property, fields),
            property: property.to_owned(),
            aliases: self.aliases(property, keywords),
            doc: said.and_then(|said| said.description.clone().or_else(|| said.title.clone())),
            deprecated: said.is_some_and(|said| said.deprecated),
            of,
            presence,
        }
    }

    /// The other spellings of a property that are read, as far as no other property has that name.
    fn aliases(&self, property: &str, keywords: &Keywords) -> Vec<String> {
        let is_taken = |name: &String| keywords.properties.iter().any(|(known, _)| known == name);
        let spelled = self.spellings.iter().map(|spelling| match spelling {
            Spelling::Camel => camel(property),
            Spelling::Snake => snake(property),
        });
        let mut aliases: Vec<String> = spelled
            .filter(|name| !name.is_empty() && !is_taken(name))
            .collect();
        aliases.dedup();
        aliases
    }

    fn is_never_schema(&self, id: SchemaId) -> bool {
        self.schemas
            .get(id)
            .is_some_and(|schema| schema.keywords.never)
    }

    fn rest(&mut self, draft: &Draft<'_>, owner: &str, fields: &[Field]) -> Rest {
        let keywords = draft.keywords();
        let hint = format!("{owner} value");
        if !keywords.pattern_properties.is_empty() {
            let sentence = "`patternProperties` beside `properties` is not supported";
            self.error(draft.id, sentence.to_owned());
        }
        let of = match keywords.additional {
            Additional::Unsaid => return Rest::Ignored,
            Additional::Never => return Rest::Refused,
            Additional::Of(id) => self.type_of(id, &hint),
            Additional::Any => Type::Json,
        };
        Rest::Kept(free_field("additional", fields), of)
    }

    /// An object without named properties.
    fn map(&mut self, draft: &Draft<'_>) -> Type {
        let keywords = draft.keywords();
        let hint = format!("{} value", draft.hint);
        let mut checks = Vec::new();
        let of = match (keywords.additional, keywords.pattern_properties.as_slice()) {
            (Additional::Never, []) => {
                let id = self.open(draft);
                let empty = Struct {
                    fields: Vec::new(),
                    rest: Rest::Refused,
                };
                return self.close(id, Form::Struct(empty));
            }
            (Additional::Of(id), []) => Type::Map(Box::new(self.type_of(id, &hint))),
            (Additional::Unsaid | Additional::Any, []) => Type::JsonObject,
            (Additional::Never, patterns) => {
                checks.push(Check::Keys(self.readable_patterns(draft, patterns)));
                self.map_of_patterns(draft, patterns, &hint)
            }
            (Additional::Unsaid, patterns) => self.map_of_patterns(draft, patterns, &hint),
            (Additional::Any | Additional::Of(_), _) => {
                let sentence = "`patternProperties` beside `additionalProperties` is not supported";
                self.error(draft.id, sentence.to_owned());
                Type::JsonObject
            }
        };
        let least = keywords.properties_min.filter(|least| *least > 0);
        if least.or(keywords.properties_max).is_some() {
            checks.push(Check::Items(least, keywords.properties_max));
        }
        self.checked(draft, of, checks)
    }

    fn map_of_patterns(
        &mut self,
        draft: &Draft<'_>,
        patterns: &[(String, SchemaId)],
        hint: &str,
    ) -> Type {
        let mut types = Vec::new();
        for (_, id) in patterns {
            types.push(self.type_of(*id, hint));
        }
        let same = types.windows(2).all(|pair| pair.first() == pair.last());
        match types.into_iter().next() {
            Some(of) if same => Type::Map(Box::new(of)),
            _ => {
                let sentence = "`patternProperties` with different schemas is not supported";
                self.error(draft.id, sentence.to_owned());
                Type::JsonObject
            }
        }
    }

    /// The patterns of names, as they are checked.
    fn readable_patterns(
        &mut self,
        draft: &Draft<'_>,
        patterns: &[(String, SchemaId)],
    ) -> Vec<String> {
        let mut read = Vec::new();
        for (pattern, _) in patterns {
            match readable(pattern) {
                Ok(pattern) => read.push(pattern),
                Err(why) => self.error(
                    draft.id,
                    format!("the pattern {pattern} is not supported: {why}"),
                ),
            }
        }
        read
    }
}

fn free_field(property: &str, fields: &[Field]) -> String {
    free(&field_name(property), |name| {
        fields.iter().all(|field| field.name != name)
    })
}
