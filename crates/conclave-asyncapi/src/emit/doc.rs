//! Descriptions as doc comments: Markdown that neither runs as a test nor upsets a lint.

use proc_macro2::TokenStream;
use quote::quote;

/// The doc comment of a description, or of what stands in for it.
pub(crate) fn doc(description: Option<&str>, otherwise: &str) -> TokenStream {
    let mut lines = plain_lines(description.unwrap_or_default());
    if lines.is_empty() {
        lines = plain_lines(otherwise);
    }
    let lines = lines.into_iter().map(|line| {
        if line.is_empty() {
            line
        } else {
            format!(" {line}")
        }
    });
    quote! { #(#[doc = #lines])* }
}

/// The lines of a description: no empty ones at either end or twice in a row, continuations of list
/// items indented, code marked as text.
pub(crate) fn plain_lines(description: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut indent = 0;
    let mut in_code = false;
    for line in description.lines() {
        let line = printable(line);
        let trimmed = line.trim();
        if trimmed.starts_with("```") {
            in_code = !in_code;
            indent = 0;
            lines.push(if in_code {
                "```text".to_owned()
            } else {
                "```".to_owned()
            });
            continue;
        }
        if in_code {
            lines.push(line.trim_end().to_owned());
            continue;
        }
        if trimmed.is_empty() {
            indent = 0;
            if lines.last().is_some_and(|last| !last.is_empty()) {
                lines.push(String::new());
            }
            continue;
        }
        let marker = list_marker(trimmed);
        if let Some(width) = marker {
            indent = width;
            lines.push(trimmed.to_owned());
        } else {
            lines.push(format!("{}{}", " ".repeat(indent), escaped(trimmed)));
        }
    }
    if in_code {
        lines.push("```".to_owned());
    }
    while lines.last().is_some_and(String::is_empty) {
        lines.pop();
    }
    lines
}

/// The line without tabs and control characters.
fn printable(line: &str) -> String {
    let spaced = line.replace('\t', "    ");
    spaced.chars().filter(|c| !c.is_control()).collect()
}

/// How far the text of a list item stands in, if the line begins one.
fn list_marker(line: &str) -> Option<usize> {
    if ["- ", "* ", "+ "]
        .iter()
        .any(|marker| line.starts_with(marker))
    {
        return Some(2);
    }
    let digits = line.chars().take_while(char::is_ascii_digit).count();
    let rest = line.get(digits..)?;
    let is_number = (1..=3).contains(&digits) && (rest.starts_with(". ") || rest.starts_with(") "));
    is_number.then_some(digits + 2)
}

/// A line that would begin something else than a paragraph, made a part of one.
fn escaped(line: &str) -> String {
    let first = line.chars().next();
    match first {
        Some('>' | '|' | '=' | '+' | '-' | '*') if !line.starts_with("**") => format!("\\{line}"),
        _ => line.replace("]:", "]\\:"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn descriptions_stay_readable_and_run_nothing() {
        let table = [
            ("  One.\n\n\n  Two.\n\n", "One.\n\nTwo."),
            ("- a\nb\n- c", "- a\n  b\n- c"),
            ("1. a\nb", "1. a\n   b"),
            ("```json\n{}\n```", "```text\n{}\n```"),
            ("```\nopen", "```text\nopen\n```"),
            ("    indented", "indented"),
            ("a\tb\u{7}", "a    b"),
            ("> quote", "\\> quote"),
            ("**bold** text", "**bold** text"),
            ("-", "\\-"),
        ];
        for (text, expected) in table {
            assert_eq!(plain_lines(text).join("\n"), expected, "{text}");
        }
    }
}
