use serde_json::json;

use super::*;
use crate::source::MemoryLoader;
use crate::{Limits, Severity, read};

/// The shapes of the schemas of a document's components, and what was found.
fn planned(schemas: &str) -> (Shapes, Vec<String>) {
    let head = "asyncapi: 3.0.0\ninfo: {title: T, version: '1'}\ncomponents:\n  schemas:\n";
    let body: String = schemas
        .lines()
        .map(|line| format!("    {line}\n"))
        .collect();
    let loader = MemoryLoader::new([("a.yaml", format!("{head}{body}"))]);
    let reading = read("a.yaml", &loader, &Limits::default());
    assert_eq!(reading.diagnostics, [], "{schemas}");
    let document = reading.document.expect("a document");
    let mut plan = Plan::new(&document);
    for (name, id) in &document.named_schemas {
        plan.type_of(*id, name);
    }
    let (shapes, found) = plan.finish();
    let found = found
        .iter()
        .map(|diagnostic| format!("{}: {}", diagnostic.severity, diagnostic.message));
    (shapes, found.collect())
}

/// Every shape as one line.
fn outline(shapes: &Shapes) -> Vec<String> {
    let line = |shape: &Shape| match &shape.form {
        Form::Choice(choices) => {
            let names: Vec<String> = choices
                .iter()
                .map(|choice| format!("{}={}", choice.name, choice.text))
                .collect();
            format!("choice {} {}", shape.name, names.join(" "))
        }
        Form::Checked { of, checks } => {
            format!("checked {} {} {checks:?}", shape.name, written(shapes, of))
                .replace("Number(", "(")
        }
        Form::Struct(of) => {
            let fields = of.fields.iter().map(|field| {
                let mark = match field.presence {
                    Presence::Optional => "?",
                    Presence::OptionalNullable => "??",
                    Presence::Required => "",
                    Presence::RequiredNullable => "!",
                };
                format!("{}{mark}: {}", field.name, written(shapes, &field.of))
            });
            let rest = match &of.rest {
                Rest::Ignored => String::new(),
                Rest::Kept(name, of) => format!(" ..{name}: {}", written(shapes, of)),
                Rest::Refused => " only".to_owned(),
            };
            format!(
                "struct {} {{{}}}{rest}",
                shape.name,
                fields.collect::<Vec<_>>().join(", ")
            )
        }
        Form::Union(of) => {
            let tag = of.tag.as_ref().map(|tag| {
                format!(
                    " by {}{}",
                    tag.property,
                    if tag.written { " written" } else { "" }
                )
            });
            let variants = of.variants.iter().map(|variant| {
                let tags = if variant.tags.is_empty() {
                    String::new()
                } else {
                    format!("[{}]", variant.tags.join(","))
                };
                format!("{}{tags}({})", variant.name, written(shapes, &variant.of))
            });
            format!(
                "union {}{} {}",
                shape.name,
                tag.unwrap_or_default(),
                variants.collect::<Vec<_>>().join(" ")
            )
        }
        Form::Unfinished => format!("unfinished {}", shape.name),
    };
    shapes.all.iter().map(line).collect()
}

fn written(shapes: &Shapes, of: &Type) -> String {
    crate::emit::type_tokens(shapes, of)
        .to_string()
        .replace(' ', "")
}

#[track_caller]
fn check(schemas: &str, expected: &[&str]) {
    let (shapes, found) = planned(schemas);
    assert_eq!(outline(&shapes), expected, "{schemas}");
    assert_eq!(found, [""; 0], "{schemas}");
}

#[test]
fn properties_become_fields_by_presence() {
    check(
        "User:\n  type: object\n  required: [id, nick]\n  properties:\n    id: {type: string, format: uuid}\n    nick: {type: [string, 'null']}\n    bornOn: {type: string, format: date}\n    seen: {type: string, format: date-time, nullable: true}\n    type: {type: string}\n    $self: {type: boolean}\n    '2fa': {type: boolean}",
        &[
            "struct User {id: Uuid, nick!: String, born_on?: Date, seen??: DateTime, type?: String, self_?: bool, n2fa?: bool}",
        ],
    );
}

#[test]
fn bounds_become_checked_types_named_by_their_place() {
    check(
        "Room:\n  type: object\n  properties:\n    name: {type: string, minLength: 1, maxLength: 50}\n    size: {type: integer, minimum: 0}\n    age: {type: integer, format: int32, minimum: 18, maximum: 99}\n    share: {type: number, exclusiveMinimum: 0, multipleOf: 0.5}\n    tags: {type: array, items: {type: string}, maxItems: 3, uniqueItems: true}\n    slug: {type: string, pattern: '^[\\w-]+$'}\n    link: {type: string, format: uri}",
        &[
            "struct Room {name?: RoomName, size?: u64, age?: RoomAge, share?: RoomShare, tags?: RoomTags, slug?: RoomSlug, link?: RoomLink}",
            "checked RoomName String [Length(Some(1), Some(50))]",
            "checked RoomAge i32 [AtLeast((18)), AtMost((99))]",
            "checked RoomShare f64 [Above((0)), MultipleOf((0.5))]",
            "checked RoomTags Vec<String> [Items(None, Some(3)), Unique]",
            "checked RoomSlug String [Pattern(\"^[[0-9A-Za-z_]-]+$\")]",
            "checked RoomLink String [Format(\"uri\")]",
        ],
    );
}

#[test]
fn fixed_values_become_choices() {
    check(
        "A: {type: string, enum: [sent, 'not sent', '+1', '', Self]}\nB: {const: hello}\nC: {enum: [1, 2]}\nD: {oneOf: [{const: a}, {const: b}]}",
        &[
            "choice A Sent=sent NotSent=not sent N1=+1 Empty= SelfValue=Self",
            "choice B Hello=hello",
            "checked C i64 [Choices([(1), (2)])]",
            "choice D A=a B=b",
        ],
    );
}

#[test]
fn additional_properties_decide_what_becomes_of_the_rest() {
    check(
        "A: {type: object, additionalProperties: {type: integer}}\nB: {type: object, properties: {a: true}, additionalProperties: false}\nC: {type: object, properties: {additional: {type: string}}, additionalProperties: {type: boolean}}\nD: {type: object}\nE: {type: object, additionalProperties: false}\nF: {type: object, patternProperties: {'^[a-z]+$': {type: number}}, additionalProperties: false}",
        &[
            "struct B {a?: Value} only",
            "struct C {additional?: String} ..additional_2: bool",
            "struct E {} only",
            "checked F BTreeMap<String,f64> [Keys([\"^[a-z]+$\"])]",
        ],
    );
}

#[test]
fn all_of_is_one_type() {
    check(
        "Base: {type: object, required: [id], properties: {id: {type: string}, note: {type: string, maxLength: 9}}}\nMore:\n  allOf:\n    - $ref: '#/components/schemas/Base'\n    - {type: object, required: [size], properties: {size: {type: integer}, note: {minLength: 2}}}",
        &[
            "struct Base {id: String, note?: BaseNote}",
            "checked BaseNote String [Length(None, Some(9))]",
            "struct More {id: String, note?: MoreNote, size: i64}",
            "checked MoreNote String [Length(Some(2), Some(9))]",
        ],
    );
}

#[test]
fn unions_are_told_apart_by_constants() {
    check(
        "Event:\n  oneOf:\n    - {type: object, title: Joined, required: [kind], properties: {kind: {const: joined}, who: {type: string}}}\n    - {type: object, title: Left, required: [kind], properties: {kind: {enum: [left, kicked]}}}",
        &[
            "union Event by kind Joined[joined](Joined) Left[left,kicked](Left)",
            "struct Joined {kind: JoinedKind, who?: String}",
            "choice JoinedKind Joined=joined",
            "struct Left {kind: LeftKind}",
            "choice LeftKind Left=left Kicked=kicked",
        ],
    );
}

#[test]
fn a_discriminator_without_constants_is_written_by_the_union() {
    check(
        "Pet:\n  type: object\n  discriminator: petType\n  required: [petType]\n  properties: {petType: {type: string}}\nCat: {allOf: [{$ref: '#/components/schemas/Pet'}, {properties: {claws: {type: boolean}}}]}\nDog: {allOf: [{$ref: '#/components/schemas/Pet'}, {properties: {tail: {type: boolean}}}]}\nAnimal: {oneOf: [{$ref: '#/components/schemas/Cat'}, {$ref: '#/components/schemas/Dog'}]}",
        &[
            "struct Pet {pet_type: String}",
            "struct Cat {pet_type: String, claws?: bool}",
            "struct Dog {pet_type: String, tail?: bool}",
            "union Animal by petType written Cat[Cat](Cat) Dog[Dog](Dog)",
        ],
    );
}

#[test]
fn unions_without_a_tag_are_told_apart_by_fit() {
    check(
        "A: {anyOf: [{type: string}, {type: integer}, {type: 'null'}]}\nB: {type: [string, number]}\nC:\n  type: object\n  properties: {id: {type: string}}\n  oneOf:\n    - {title: Red, properties: {red: {type: string}}}\n    - {title: Blue, properties: {blue: {type: string}}}",
        &[
            "union A Text(String) Integer(i64)",
            "union B Text(String) Number(f64)",
            "union C Red(CRed) Blue(CBlue)",
            "struct CRed {id?: String, red?: String}",
            "struct CBlue {id?: String, blue?: String}",
        ],
    );
}

#[test]
fn what_holds_itself_is_boxed_where_it_must_be() {
    check(
        "Node: {type: object, properties: {next: {$ref: '#/components/schemas/Node'}, all: {type: array, items: {$ref: '#/components/schemas/Node'}}, other: {$ref: '#/components/schemas/Other'}}}\nOther: {oneOf: [{$ref: '#/components/schemas/Node'}, {type: string}]}",
        &[
            "struct Node {next?: Box<Node>, all?: Vec<Node>, other?: Box<Other>}",
            "union Other Node(Box<Node>) Text(String)",
        ],
    );
}

#[test]
fn names_are_free_and_no_words_of_the_language() {
    check(
        "Option: {type: object, properties: {a: {type: object, title: A longer sentence than any name, properties: {b: true}}}}\noption: {type: object, properties: {fn: true, fN: true}}",
        &[
            "struct OptionValue {a?: OptionValueA}",
            "struct OptionValueA {b?: Value}",
            "struct OptionValue2 {fn?: Value, f_n?: Value}",
        ],
    );
}

#[test]
fn tuples_and_lists() {
    check(
        "A: {type: object, properties: {pair: {type: array, items: [{type: string}, {type: number}], minItems: 2, maxItems: 2}, same: {type: array, items: [{type: string}]}}}",
        &["struct A {pair?: (String,f64,), same?: Vec<String>}"],
    );
}

#[test]
fn what_no_type_can_promise_is_an_error() {
    let table = [
        (
            "A: {not: {type: string}}",
            "error: `not` is not supported: no type can promise it",
        ),
        (
            "A: {type: string, pattern: '^(?=a)'}",
            "error: the `pattern` ^(?=a) is not supported: look-around, including look-ahead and look-behind, is not supported",
        ),
        (
            "A: {allOf: [{type: string}, {type: object}]}",
            "error: `allOf` asks for [String] and [Object] at once",
        ),
        (
            "A: {properties: {a: {type: integer, format: int32, maximum: 4294967296}}}",
            "error: a bound lies outside of what the number's format can hold",
        ),
        (
            "A: {type: object, properties: {a: true}, minProperties: 1}",
            "error: `minProperties` and `maxProperties` are not supported beside `properties`",
        ),
        (
            "A: {type: object, properties: {a: true}, patternProperties: {b: true}}",
            "error: `patternProperties` beside `properties` is not supported",
        ),
        (
            "A: {type: object, patternProperties: {b: {type: string}, c: {type: number}}}",
            "error: `patternProperties` with different schemas is not supported",
        ),
        (
            "A: {type: array, items: [{type: string}, {type: number}]}",
            "warning: elements with schemas of their own are read as any JSON, unless `minItems` and `maxItems` say how many there are",
        ),
        (
            "A: {type: string, enum: [1, 2]}",
            "warning: `enum` or `const` has values that `type` does not allow",
        ),
    ];
    for (schemas, expected) in table {
        assert_eq!(planned(schemas).1, [expected], "{schemas}");
    }
}

#[test]
fn circles_of_combinations_end() {
    for schemas in [
        "A: {allOf: [{$ref: '#/components/schemas/A'}]}",
        "A: {oneOf: [{$ref: '#/components/schemas/A'}, {type: string}]}",
        "A: {oneOf: [{$ref: '#/components/schemas/A'}]}",
        "A: {type: array, items: {$ref: '#/components/schemas/A'}}",
        "A: {additionalProperties: {$ref: '#/components/schemas/A'}}",
    ] {
        let (shapes, found) = planned(schemas);
        assert!(
            shapes.all.len() < 3,
            "{schemas}: {:?} {found:?}",
            outline(&shapes)
        );
    }
}

#[test]
fn a_chain_that_is_too_deep_is_told() {
    let mut schemas = String::new();
    for level in 0..300 {
        let next = level + 1;
        schemas.push_str(&format!(
            "A{level}: {{properties: {{a: {{$ref: '#/components/schemas/A{next}'}}}}}}\n"
        ));
    }
    schemas.push_str("A300: {type: string}\n");
    let (_, found) = planned(&schemas);
    assert!(
        found
            .iter()
            .all(|line| line.starts_with(&Severity::Error.to_string())),
        "{found:?}"
    );
    assert!(
        found
            .iter()
            .any(|line| line.contains("nested deeper than 100")),
        "{found:?}"
    );
}

#[test]
fn values_fit_or_are_told_where_not() {
    let (shapes, _) = planned(
        "User: {type: object, required: [id], properties: {id: {type: string, format: uuid}, tags: {type: array, items: {type: string, maxLength: 2}}, at: {type: string, format: date-time}}, additionalProperties: false}",
    );
    let user = Type::Named(ShapeId(0));
    let id = "0190c9c0-0000-7000-8000-000000000001";
    let table = [
        (
            json!({"id": id, "tags": ["ab"], "at": "2024-02-29T23:59:60.5+01:00"}),
            None,
        ),
        (json!({}), Some("id")),
        (json!({"id": "no"}), Some("id")),
        (json!({"id": id, "tags": ["ab", "abc"]}), Some("tags[1]")),
        (json!({"id": id, "at": "2023-02-29T00:00:00Z"}), Some("at")),
        (json!({"id": id, "more": 1}), Some("more")),
        (json!([]), Some("")),
    ];
    for (value, expected) in table {
        let path = shapes.fits(&user, &value).err().map(|misfit| misfit.path);
        assert_eq!(path.as_deref(), expected, "{value}");
    }
}

#[test]
fn samples_fit_their_types() {
    let (shapes, _) = planned(
        "A: {type: object, required: [a, b, c, d, e, f], properties: {a: {type: string, pattern: '^[A-Z]{2}-\\d{3}$'}, b: {type: integer, exclusiveMinimum: 7}, c: {type: array, items: {type: string, minLength: 3}, minItems: 2}, d: {type: string, format: email}, e: {type: number, maximum: -3}, f: {oneOf: [{type: object, required: [k], properties: {k: {const: x}}}, {type: object, required: [k], properties: {k: {const: y}}}]}}}",
    );
    let sample = shapes.sample(&Type::Named(ShapeId(0)));
    let expected = json!({"a": "AA-111", "b": 8, "c": ["aaa", "aaa"], "d": "ann@example.com", "e": -3, "f": {"k": "x"}});
    assert_eq!(sample, Some(expected));
}

#[test]
fn other_spellings_are_read_where_the_document_says_so() {
    let text = "asyncapi: 3.0.0\ninfo: {title: T, version: '1'}\nx-spellings: [snake_case, camelCase]\ncomponents: {schemas: {S: {type: object, properties: {message_id: {type: string}, userId: {type: string}, user_id: {type: string}, kind: {enum: [Text, IMAGE]}}}}}\n";
    let loader = MemoryLoader::new([("a.yaml", text)]);
    let document = read("a.yaml", &loader, &Limits::default())
        .document
        .expect("a document");
    let mut plan = Plan::new(&document);
    plan.type_of(document.named_schemas[0].1, "S");
    let (shapes, _) = plan.finish();
    let Form::Struct(of) = &shapes.all[0].form else {
        panic!("no struct");
    };
    let aliases: Vec<&[String]> = of
        .fields
        .iter()
        .map(|field| field.aliases.as_slice())
        .collect();
    assert_eq!(aliases, [&["messageId".to_owned()][..], &[], &[], &[]]);
    let Form::Choice(choices) = &shapes.all[1].form else {
        panic!("no choice");
    };
    let aliases: Vec<&[String]> = choices
        .iter()
        .map(|choice| choice.aliases.as_slice())
        .collect();
    assert_eq!(
        aliases,
        [
            &["text".to_owned(), "TEXT".to_owned()][..],
            &["image".to_owned()][..]
        ]
    );
}
