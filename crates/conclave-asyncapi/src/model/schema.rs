//! JSON Schema, draft 7 with what AsyncAPI adds.

use serde_json::Value;

use crate::source::Location;

/// Index of a schema in [`Schemas`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SchemaId(pub usize);

/// Every schema of a document, once, however often and however circularly it is referred to.
#[derive(Debug, Clone, Default)]
pub struct Schemas {
    pub(crate) all: Vec<Schema>,
}

impl Schemas {
    /// The schema with this index.
    #[must_use]
    pub fn get(&self, id: SchemaId) -> Option<&Schema> {
        self.all.get(id.0)
    }

    /// All of them, in the order in which they were reached.
    pub fn iter(&self) -> impl Iterator<Item = (SchemaId, &Schema)> {
        let all = self.all.iter().enumerate();
        all.map(|(index, schema)| (SchemaId(index), schema))
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.all.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }
}

/// A schema and where it stands.
#[derive(Debug, Clone)]
pub struct Schema {
    /// Where.
    pub at: Location,
    /// Its key among the document's components or definitions, if it stands there.
    pub key: Option<String>,
    /// `true` and `{}` are no keywords at all; `false` is [`Keywords::never`].
    pub keywords: Box<Keywords>,
}

/// A type of JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum JsonType {
    /// A list.
    Array,
    /// True or false.
    Boolean,
    /// A number without a fraction.
    Integer,
    /// Null.
    Null,
    /// Any number.
    Number,
    /// Names and values.
    Object,
    /// Text.
    String,
}

/// The elements of a list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Items {
    /// Anything.
    #[default]
    Any,
    /// All of one schema.
    Each(SchemaId),
    /// The first ones by place, the others by the last schema if there is one.
    Tuple(Vec<SchemaId>, Option<SchemaId>),
}

/// The properties that a schema does not name.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Additional {
    /// `additionalProperties` is not there: anything, but nobody expects it.
    #[default]
    Unsaid,
    /// `true`: anything.
    Any,
    /// `false`: none.
    Never,
    /// Of one schema.
    Of(SchemaId),
}

/// What a schema says. A keyword that is not there is empty.
#[derive(Debug, Clone, Default)]
pub struct Keywords {
    /// The schema `false`: nothing is valid.
    pub never: bool,
    /// `title`.
    pub title: Option<String>,
    /// `description`.
    pub description: Option<String>,
    /// `type`; any if empty.
    pub kinds: Vec<JsonType>,
    /// `nullable: true` of other dialects, or null among the types.
    pub nullable: bool,
    /// `enum`.
    pub choices: Option<Vec<Value>>,
    /// `const`.
    pub constant: Option<Value>,
    /// `format`.
    pub format: Option<String>,
    /// `default`.
    pub default: Option<Value>,
    /// `examples`, or `example`.
    pub examples: Vec<Value>,
    /// `deprecated: true`.
    pub deprecated: bool,
    /// `minLength`, in characters.
    pub length_min: Option<u64>,
    /// `maxLength`, in characters.
    pub length_max: Option<u64>,
    /// `pattern`.
    pub pattern: Option<String>,
    /// `minimum`.
    pub minimum: Option<serde_json::Number>,
    /// `maximum`.
    pub maximum: Option<serde_json::Number>,
    /// `exclusiveMinimum`.
    pub above: Option<serde_json::Number>,
    /// `exclusiveMaximum`.
    pub below: Option<serde_json::Number>,
    /// `multipleOf`.
    pub multiple_of: Option<serde_json::Number>,
    /// `items` and `additionalItems`.
    pub items: Items,
    /// `minItems`.
    pub items_min: Option<u64>,
    /// `maxItems`.
    pub items_max: Option<u64>,
    /// `uniqueItems`.
    pub unique_items: bool,
    /// `contains`.
    pub contains: Option<SchemaId>,
    /// `properties`, in the order of the document.
    pub properties: Vec<(String, SchemaId)>,
    /// `required`.
    pub required: Vec<String>,
    /// `additionalProperties`.
    pub additional: Additional,
    /// `patternProperties`.
    pub pattern_properties: Vec<(String, SchemaId)>,
    /// `propertyNames`.
    pub property_names: Option<SchemaId>,
    /// `minProperties`.
    pub properties_min: Option<u64>,
    /// `maxProperties`.
    pub properties_max: Option<u64>,
    /// `dependencies` is there.
    pub dependencies: bool,
    /// `allOf`.
    pub all_of: Vec<SchemaId>,
    /// `anyOf`.
    pub any_of: Vec<SchemaId>,
    /// `oneOf`.
    pub one_of: Vec<SchemaId>,
    /// `not`.
    pub not: Option<SchemaId>,
    /// `if` is there.
    pub conditional: bool,
    /// `discriminator`: the property that says which schema it is.
    pub discriminator: Option<String>,
}
