//! From schemas to shapes: which Rust types a document asks for, and what they are called.
//!
//! `merge` writes `allOf` out, `plan` decides what each schema becomes, `union` what `oneOf` and `anyOf`
//! do, `name` what things are called, `recursion` what must be boxed. Nothing here writes code.

mod fit;
mod merge;
mod name;
mod object;
mod plan;
mod recursion;
mod sample;
mod scalar;
mod union;

use serde_json::Value;

pub use fit::Misfit;
pub use name::{field_name, snake, type_name};
pub(crate) use name::{free, is_keyword};
pub use plan::Plan;

use crate::source::Location;

/// Index of a shape in [`Shapes::all`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ShapeId(pub usize);

/// A type as a field or a payload names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Type {
    /// `bool`.
    Bool,
    /// On the heap, since it holds itself.
    Boxed(Box<Self>),
    /// A date without a time.
    Date,
    /// `f64`.
    Float,
    /// A whole number.
    Integer(Width),
    /// An IPv4 address.
    Ipv4,
    /// An IPv6 address.
    Ipv6,
    /// Any JSON.
    Json,
    /// Any JSON object.
    JsonObject,
    /// A list.
    List(Box<Self>),
    /// Names and values of one type.
    Map(Box<Self>),
    /// A type of the document.
    Named(ShapeId),
    /// Only null.
    Null,
    /// The value or null.
    Nullable(Box<Self>),
    /// Text.
    Text,
    /// A point in time.
    Timestamp,
    /// A list of fixed length, each element of its own type.
    Tuple(Vec<Self>),
    /// A UUID.
    Uuid,
}

/// Bits and sign of a whole number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Width {
    /// 32 bits with sign.
    I32,
    /// 64 bits with sign.
    I64,
    /// 32 bits.
    U32,
    /// 64 bits.
    U64,
}

/// A named type.
#[derive(Debug, Clone)]
pub struct Shape {
    /// What it is called, `PascalCase`, once per document.
    pub name: String,
    /// What the document says of it.
    pub doc: Option<String>,
    /// Whether the document wants it no longer used.
    pub deprecated: bool,
    /// What it is.
    pub form: Form,
    /// The schema that it is made from.
    pub at: Location,
}

/// What a named type is.
#[derive(Debug, Clone)]
pub enum Form {
    /// One of several texts.
    Choice(Vec<Choice>),
    /// A value that keeps its bounds.
    Checked {
        /// The value.
        of: Type,
        /// The bounds.
        checks: Vec<Check>,
    },
    /// Named fields.
    Struct(Struct),
    /// One of several types.
    Union(Union),
    /// Being planned; never left behind.
    Unfinished,
}

/// A text of a [`Form::Choice`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// The variant's name.
    pub name: String,
    /// The text.
    pub text: String,
    /// Other texts that are read as this one.
    pub aliases: Vec<String>,
}

/// Named fields.
#[derive(Debug, Clone)]
pub struct Struct {
    /// In the order of the document.
    pub fields: Vec<Field>,
    /// What becomes of properties that the document does not name.
    pub rest: Rest,
}

/// What becomes of properties that the document does not name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rest {
    /// They are read over.
    Ignored,
    /// They are kept, in a field of this name.
    Kept(String, Type),
    /// They are refused.
    Refused,
}

/// A field.
#[derive(Debug, Clone)]
pub struct Field {
    /// Its name in Rust, without `r#`.
    pub name: String,
    /// Its name in JSON.
    pub property: String,
    /// Other names under which it is read.
    pub aliases: Vec<String>,
    /// Its type, without what `presence` adds.
    pub of: Type,
    /// Whether it may be absent or null.
    pub presence: Presence,
    /// What the document says of it.
    pub doc: Option<String>,
    /// Whether the document wants it no longer used.
    pub deprecated: bool,
}

/// Whether a field may be absent or null.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    /// `Option<T>`: it may be absent.
    Optional,
    /// `Option<Option<T>>`: it may be absent, and it may be null.
    OptionalNullable,
    /// `T`.
    Required,
    /// `Option<T>`: it must be there, but may be null.
    RequiredNullable,
}

/// One of several types.
#[derive(Debug, Clone)]
pub struct Union {
    /// How the variant is found.
    pub tag: Option<Tag>,
    /// In the order of the document.
    pub variants: Vec<Variant>,
}

/// The property whose text says which variant it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tag {
    /// The property.
    pub property: String,
    /// Whether the variants do not fix the text themselves, so that it must be written over theirs.
    pub written: bool,
}

/// A variant of a union.
#[derive(Debug, Clone)]
pub struct Variant {
    /// Its name.
    pub name: String,
    /// What it holds.
    pub of: Type,
    /// The texts of the tag that mean it; none without a tag.
    pub tags: Vec<String>,
    /// The JSON properties that it knows, if it is an object with known ones.
    pub properties: Vec<String>,
    /// Those of them that must be there.
    pub required: Vec<String>,
}

/// A bound that a [`Form::Checked`] keeps.
#[derive(Debug, Clone, PartialEq)]
pub enum Check {
    /// Greater than this.
    Above(serde_json::Number),
    /// At least this.
    AtLeast(serde_json::Number),
    /// At most this.
    AtMost(serde_json::Number),
    /// Less than this.
    Below(serde_json::Number),
    /// One of these values.
    Choices(Vec<Value>),
    /// A format of text: `uri`, `email`.
    Format(&'static str),
    /// So many elements or properties.
    Items(Option<u64>, Option<u64>),
    /// Names that all match one of these patterns.
    Keys(Vec<String>),
    /// So many characters.
    Length(Option<u64>, Option<u64>),
    /// A multiple of this.
    MultipleOf(serde_json::Number),
    /// A regular expression that matches somewhere.
    Pattern(String),
    /// No two elements are equal.
    Unique,
}

/// Every named type of a document, in the order in which they were met.
#[derive(Debug, Clone, Default)]
pub struct Shapes {
    /// By [`ShapeId`].
    pub all: Vec<Shape>,
}

impl Shapes {
    /// The shape with this index.
    #[must_use]
    pub fn get(&self, id: ShapeId) -> Option<&Shape> {
        self.all.get(id.0)
    }

    /// The name of a type if the document names it.
    #[must_use]
    pub fn name_of(&self, of: &Type) -> Option<&str> {
        match of {
            Type::Named(id) => self.get(*id).map(|shape| shape.name.as_str()),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests;
