//! Tokens as text: one empty line between items, and the imports that are used.

use std::collections::BTreeSet;
use std::fmt;

use proc_macro2::{TokenStream, TokenTree};

/// Tokens that are no Rust: a fault of the generator, with what the compiler's grammar says.
#[derive(Debug)]
pub struct Unprintable(String);

impl fmt::Display for Unprintable {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "the generator wrote what is no Rust: {}", self.0)
    }
}

impl std::error::Error for Unprintable {}

/// Items as text.
pub(crate) fn printed(items: TokenStream) -> Result<String, Unprintable> {
    let file: syn::File = syn::parse2(items).map_err(|error| Unprintable(error.to_string()))?;
    let mut text = String::new();
    let mut after_import = false;
    for item in file.items {
        let is_import = matches!(item, syn::Item::Use(_) | syn::Item::Mod(_));
        let one = syn::File {
            shebang: None,
            attrs: Vec::new(),
            items: vec![item],
        };
        let begins = text.is_empty();
        if !(begins || after_import && is_import) {
            text.push('\n');
        }
        after_import = is_import;
        text.push_str(&prettyplease::unparse(&one));
    }
    Ok(spaced(&text))
}

/// The text with an empty line before each member that follows another, and between groups of imports.
fn spaced(text: &str) -> String {
    let mut spaced = String::with_capacity(text.len() + text.len() / 16);
    let mut before = "";
    for line in text.lines() {
        let member = MEMBERS.iter().any(|start| line.starts_with(start));
        let ended = before.starts_with("    ")
            && before.ends_with(['}', ';'])
            && !before.starts_with("     ");
        let group =
            line.starts_with("use ") && ended_import(before) && group(line) != last_group(&spaced);
        if member && ended || group {
            spaced.push('\n');
        }
        spaced.push_str(line);
        spaced.push('\n');
        before = line;
    }
    spaced
}

/// How the first line of a member of an `impl` or a trait begins.
const MEMBERS: &[&str] = &[
    "    ///",
    "    #[",
    "    pub fn ",
    "    pub async fn ",
    "    pub const fn ",
    "    fn ",
    "    async fn ",
];

fn ended_import(line: &str) -> bool {
    line.starts_with("use ") || line == "};"
}

/// Whether an import is of the standard library, of another crate, or of this one.
fn group(line: &str) -> u8 {
    match line.strip_prefix("use ") {
        Some(path) if path.starts_with("std::") => 0,
        Some(path) if path.starts_with("super::") => 2,
        _ => 1,
    }
}

/// The group of the last import in a text.
fn last_group(text: &str) -> u8 {
    let last = text.lines().rev().find(|line| line.starts_with("use "));
    last.map_or(0, group)
}

/// Names and where they come from, of which a file imports those that it uses.
pub(crate) struct Imports<'a>(pub(crate) &'a [(&'a str, &'a [&'a str])]);

impl Imports<'_> {
    /// The imports that `items` use, before them.
    pub(crate) fn before(&self, items: TokenStream) -> TokenStream {
        let mut used = BTreeSet::new();
        gather(items.clone(), &mut used);
        let mut text = String::new();
        for (path, names) in self.0 {
            let names: Vec<&str> = names
                .iter()
                .copied()
                .filter(|name| used.contains(*name))
                .collect();
            match names.as_slice() {
                [] => {}
                [one] => text.push_str(&format!("use {path}::{one};\n")),
                several => text.push_str(&format!("use {path}::{{{}}};\n", several.join(", "))),
            }
        }
        let mut all: TokenStream = text.parse().unwrap_or_default();
        all.extend(items);
        all
    }
}

fn gather(tokens: TokenStream, used: &mut BTreeSet<String>) {
    for token in tokens {
        match token {
            TokenTree::Ident(ident) => {
                used.insert(ident.to_string());
            }
            TokenTree::Group(group) => gather(group.stream(), used),
            TokenTree::Punct(_) | TokenTree::Literal(_) => {}
        }
    }
}
