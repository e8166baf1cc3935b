use super::*;

fn json(text: &str) -> String {
    let parsed = parse(text, &Limits::default()).unwrap_or_else(|why| panic!("{text}: {why:?}"));
    parsed.root.to_json().to_string()
}

fn refused(text: &str, limits: &Limits) -> Unreadable {
    parse(text, limits)
        .map(|parsed| parsed.root.to_json())
        .expect_err(text)
}

#[test]
fn yaml_and_json_read_to_the_same() {
    let table = [
        ("a: 1\nb: [x, 'y', \"z\"]", r#"{"a":1,"b":["x","y","z"]}"#),
        ("{\"a\": \"\\/\\u00e4\\ud83d\\ude00\"}", r#"{"a":"/ä😀"}"#),
        (
            "{\n\t\"a\": {\n\t\t\"b\": [\n\t\t\t1\n\t\t]\n\t}\n}",
            r#"{"a":{"b":[1]}}"#,
        ),
        ("a: &x {b: 1}\nc: *x", r#"{"a":{"b":1},"c":{"b":1}}"#),
        (
            "a: &x {b: 1, c: 2}\nd:\n  <<: *x\n  c: 3",
            r#"{"a":{"b":1,"c":2},"d":{"b":1,"c":3}}"#,
        ),
        (
            "a: !!str 12\n200: ok\ntrue: 1",
            r#"{"200":"ok","a":"12","true":1}"#,
        ),
        ("a: |\n  one\n  two\n", r#"{"a":"one\ntwo\n"}"#),
        ("---\na: 1\n---\nb: 2", r#"{"a":1}"#),
        ("\u{feff}a: 1", r#"{"a":1}"#),
        ("a:\n", r#"{"a":null}"#),
    ];
    for (text, expected) in table {
        assert_eq!(json(text), expected, "{text}");
    }
}

#[test]
fn places_count_from_one() {
    let parsed = parse("a: 1\nb:\n  ä: [x,  y]\n", &Limits::default()).unwrap();
    let map = parsed.root.map().unwrap();
    let inner = map.get("b").unwrap().map().unwrap();
    let Value::List(items) = &inner.get("ä").unwrap().value else {
        panic!("no list");
    };
    assert_eq!(
        items[1].place,
        Place {
            line: 3,
            column: 11
        }
    );
}

#[test]
fn a_name_that_stands_twice_is_told() {
    let parsed = parse("a: 1\na: 2", &Limits::default()).unwrap();
    let expected = vec![(Place { line: 2, column: 1 }, "a".to_owned())];
    assert_eq!(parsed.repeated, expected);
    assert_eq!(parsed.root.to_json().to_string(), r#"{"a":1}"#);
}

#[test]
fn a_billion_laughs_end_in_a_diagnostic() {
    let mut text = "a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]\n".to_owned();
    for level in 1..12 {
        let alias = format!("*a{}", level - 1);
        let row = vec![alias; 9].join(", ");
        text.push_str(&format!("a{level}: &a{level} [{row}]\n"));
    }
    let why = refused(&text, &Limits::default());
    assert!(
        why.message.contains("once aliases are written out"),
        "{why:?}"
    );
}

#[test]
fn an_alias_to_what_it_stands_in_is_refused() {
    let why = refused("a: &x\n  b: *x", &Limits::default());
    assert_eq!(why.place, Place { line: 2, column: 6 });
}

#[test]
fn depth_is_bounded_with_aliases_too() {
    // The parser has a bound of its own for what is written in brackets.
    refused(&"[".repeat(5000), &Limits::default());
    let mut chained = "a0: &a0 [[[[[[[[x]]]]]]]]\n".to_owned();
    for level in 1..20 {
        let inner = level - 1;
        chained.push_str(&format!("a{level}: &a{level} [[[[[[*a{inner}]]]]]]\n"));
    }
    assert!(
        refused(&chained, &Limits::default())
            .message
            .contains("nest deeper than 96")
    );
}

#[test]
fn what_is_no_tree_is_told_with_its_place() {
    let table = [
        ("", 1, "empty"),
        ("a: [1, 2", 1, "not YAML"),
        ("a: 1\n b: 2", 2, "not YAML"),
        ("? [a]\n: 1", 1, "a name must be a text"),
        ("a: 1\n<<: 3", 2, "`<<` takes"),
        ("a: *missing", 1, "not YAML"),
    ];
    for (text, line, words) in table {
        let why = refused(text, &Limits::default());
        assert!(why.message.contains(words), "{text}: {why:?}");
        assert!(why.place.line >= line, "{text}: {why:?}");
    }
    let small = Limits {
        file_bytes_max: 3,
        ..Limits::default()
    };
    assert!(refused("a: 12", &small).message.contains("5 bytes"));
}
