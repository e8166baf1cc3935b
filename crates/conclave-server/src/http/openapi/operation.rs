//! What is said of one call, in the terms of `OpenAPI` 3.1.

use axum::http::Method;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;
use utoipa::openapi::{RefOr, Schema};

/// One call.
pub(super) struct Operation {
    method: Method,
    path: &'static str,
    summary: &'static str,
    description: String,
    parameters: Vec<Value>,
    body: Option<Value>,
    answers: Map<String, Value>,
    security: Value,
    shapes: Vec<Collect>,
}

/// Puts a type's schema, and those it refers to, to the others.
pub(super) type Collect = fn(&mut Vec<(String, RefOr<Schema>)>);

/// A field of an object.
pub(super) struct Field {
    name: &'static str,
    schema: Value,
    needed: bool,
}

/// A call that anybody may make.
pub(super) fn call(method: Method, path: &'static str, summary: &'static str) -> Operation {
    let names = path.split('{').skip(1);
    let parameters = names.filter_map(|rest| rest.split('}').next()).map(|name| {
        json!({
            "name": name,
            "in": "path",
            "required": true,
            "schema": { "type": "string" },
        })
    });
    Operation {
        method,
        path,
        summary,
        description: String::new(),
        parameters: parameters.collect(),
        body: None,
        answers: Map::new(),
        security: json!([]),
        shapes: Vec::new(),
    }
}

impl Operation {
    pub(super) const fn method(&self) -> &Method {
        &self.method
    }

    pub(super) const fn path(&self) -> &'static str {
        self.path
    }

    pub(super) fn take_shapes(&mut self) -> Vec<Collect> {
        std::mem::take(&mut self.shapes)
    }

    /// More about it.
    pub(super) fn about(mut self, text: &str) -> Self {
        if !self.description.is_empty() {
            self.description.push(' ');
        }
        self.description.push_str(text);
        self
    }

    /// For who shows an access token.
    pub(super) fn token(mut self) -> Self {
        self.security = json!([{ "token": [] }]);
        self
    }

    /// For who shows an access token with a permission.
    pub(super) fn needs(self, permission: &str) -> Self {
        self.token().about(&format!("Permission: `{permission}`."))
    }

    /// For backends and users with a permission.
    pub(super) fn backend(mut self, permission: &str) -> Self {
        self.security = json!([{ "key": [] }, { "token": [] }]);
        if self.method != Method::GET {
            self.parameters.push(json!({
                "name": "Idempotency-Key",
                "in": "header",
                "description": "Who repeats the call within 24 hours gets the first one's answer.",
                "schema": { "type": "string", "minLength": 1, "maxLength": 255 },
            }));
        }
        self.about(&format!("Permission: `{permission}`."))
    }

    /// A field of the query.
    pub(super) fn query(mut self, field: Field) -> Self {
        let mut schema = field.schema;
        let about = schema
            .as_object_mut()
            .and_then(|schema| schema.remove("description"));
        let mut parameter = json!({
            "name": field.name,
            "in": "query",
            "required": field.needed,
            "schema": schema,
        });
        if let (Some(about), Some(parameter)) = (about, parameter.as_object_mut()) {
            parameter.insert("description".to_owned(), about);
        }
        self.parameters.push(parameter);
        self
    }

    /// `after` and `limit`, and a `Link` to what comes next.
    pub(super) fn paged(self, default: u32, most: u32) -> Self {
        self.query(may("after", text(), "What comes after this one."))
            .query(limit(default, most))
            .about("`Link` with `rel=\"next\"` says that there is more.")
    }

    /// A JSON object.
    pub(super) fn body(self, fields: impl IntoIterator<Item = Field>) -> Self {
        let required = true;
        self.body_of("application/json", object(fields), required)
    }

    /// A JSON object that may be missing.
    pub(super) fn optional_body(self, fields: impl IntoIterator<Item = Field>) -> Self {
        self.body_of("application/json", object(fields), false)
    }

    /// A body of another type.
    pub(super) fn body_of(mut self, media_type: &str, schema: Value, required: bool) -> Self {
        self.body = Some(json!({
            "required": required,
            "content": { media_type: { "schema": schema } },
        }));
        self
    }

    /// Answers one of these.
    pub(super) fn gives<T: ToSchema>(self, status: u16) -> Self {
        self.shaped::<T>().gives_json(status, reference::<T>())
    }

    /// Answers a list of these.
    pub(super) fn gives_list<T: ToSchema>(self, status: u16) -> Self {
        let list = json!({ "type": "array", "items": reference::<T>() });
        self.shaped::<T>().gives_json(status, list)
    }

    /// Answers JSON.
    pub(super) fn gives_json(self, status: u16, schema: Value) -> Self {
        self.gives_as(status, "application/json", schema)
    }

    /// Answers another type.
    pub(super) fn gives_as(mut self, status: u16, media_type: &str, schema: Value) -> Self {
        let empty = || json!({ "description": word(status), "content": {} });
        let answer = self.answers.entry(status.to_string()).or_insert_with(empty);
        if let Some(Value::Object(content)) = answer.get_mut("content") {
            content.insert(media_type.to_owned(), json!({ "schema": schema }));
        }
        self
    }

    /// Answers nothing but that it is done.
    pub(super) fn gives_nothing(mut self) -> Self {
        let answer = json!({ "description": word(204) });
        self.answers.insert("204".to_owned(), answer);
        self
    }

    fn shaped<T: ToSchema>(mut self) -> Self {
        self.shapes.push(|schemas| {
            schemas.push((T::name().into_owned(), T::schema()));
            T::schemas(schemas);
        });
        self
    }

    /// As the document has it.
    pub(super) fn described(self, tag: &str) -> Value {
        let mut answers = self.answers;
        let problem = json!({ "$ref": "#/components/responses/Problem" });
        answers.insert("default".to_owned(), problem);
        let mut described = json!({
            "tags": [tag],
            "operationId": operation_id(&self.method, self.path),
            "summary": self.summary,
            "security": self.security,
            "responses": answers,
        });
        let optional = [
            (
                "description",
                (!self.description.is_empty()).then(|| self.description.into()),
            ),
            (
                "parameters",
                (!self.parameters.is_empty()).then(|| self.parameters.into()),
            ),
            ("requestBody", self.body),
        ];
        if let Some(described) = described.as_object_mut() {
            for (name, value) in optional {
                if let Some(value) = value {
                    described.insert(name.to_owned(), value);
                }
            }
        }
        described
    }
}

/// A field that must be there.
pub(super) fn must(name: &'static str, schema: Value, about: &str) -> Field {
    field(name, schema, about, true)
}

/// A field that may be missing.
pub(super) fn may(name: &'static str, schema: Value, about: &str) -> Field {
    field(name, schema, about, false)
}

fn field(name: &'static str, mut schema: Value, about: &str, needed: bool) -> Field {
    if let Some(schema) = schema.as_object_mut()
        && !about.is_empty()
    {
        schema.insert("description".to_owned(), about.into());
    }
    Field {
        name,
        schema,
        needed,
    }
}

/// `limit` of a list.
pub(super) fn limit(default: u32, most: u32) -> Field {
    let schema = json!({
        "type": "integer", "minimum": 1, "maximum": most, "default": default,
    });
    may("limit", schema, "")
}

pub(super) fn text() -> Value {
    json!({ "type": "string" })
}

/// A text of so many characters.
pub(super) fn text_of(least: u32, most: u32) -> Value {
    json!({ "type": "string", "minLength": least, "maxLength": most })
}

pub(super) fn uuid() -> Value {
    json!({ "type": "string", "format": "uuid" })
}

pub(super) fn date() -> Value {
    json!({ "type": "string", "format": "date-time" })
}

pub(super) fn flag() -> Value {
    json!({ "type": "boolean" })
}

pub(super) fn number() -> Value {
    json!({ "type": "integer", "minimum": 0 })
}

pub(super) fn one_of(words: &[&str]) -> Value {
    json!({ "type": "string", "enum": words })
}

pub(super) fn list_of(items: Value) -> Value {
    json!({ "type": "array", "items": items })
}

/// An object of these fields and no others.
pub(super) fn object(fields: impl IntoIterator<Item = Field>) -> Value {
    let mut properties = Map::new();
    let mut required = Vec::new();
    for field in fields {
        if field.needed {
            required.push(field.name);
        }
        properties.insert(field.name.to_owned(), field.schema);
    }
    let mut object = json!({
        "type": "object", "properties": properties, "additionalProperties": false,
    });
    if let (Some(object), false) = (object.as_object_mut(), required.is_empty()) {
        object.insert("required".to_owned(), json!(required));
    }
    object
}

fn reference<T: ToSchema>() -> Value {
    json!({ "$ref": format!("#/components/schemas/{}", T::name()) })
}

/// `get_channels_id_messages`.
fn operation_id(method: &Method, path: &str) -> String {
    let mut id = method.as_str().to_ascii_lowercase();
    for part in path.split(|c: char| !c.is_ascii_alphanumeric()) {
        if !part.is_empty() {
            id.push('_');
            id.push_str(part);
        }
    }
    id
}

const fn word(status: u16) -> &'static str {
    match status {
        200 => "Done.",
        201 => "Made; `Location` says where, if it can be read.",
        204 => "Done; there is nothing to say.",
        _ => "Another answer.",
    }
}
