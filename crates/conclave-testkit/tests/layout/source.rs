//! Rust source with its comments and the contents of its literals blanked out, so that a rule about
//! code is not tripped by a word in a sentence or by the sample of another rule's test.

/// Code of the same length and the same lines as the text it came from.
pub(crate) struct Source {
    /// The text with a space for every character of a comment or inside a literal.
    pub(crate) code: String,
}

impl Source {
    /// Blanks `text`. Never fails: an unclosed literal or comment runs to the end.
    pub(crate) fn parse(text: &str) -> Self {
        let characters: Vec<char> = text.chars().collect();
        let mut code = String::with_capacity(text.len());
        let mut at = 0;
        while at < characters.len() {
            let rest = characters.get(at..).unwrap_or_default();
            let inert = inert_length(rest, code.chars().next_back());
            for character in rest.iter().take(inert.unwrap_or(1)) {
                let kept = inert.is_none() || *character == '\n';
                code.push(if kept { *character } else { ' ' });
            }
            at += inert.unwrap_or(1);
        }
        Self { code }
    }

    /// The lines of the code with their numbers, from 1.
    pub(crate) fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.code
            .lines()
            .enumerate()
            .map(|(index, line)| (index + 1, line))
    }

    /// The attributes, `#[…]` and `#![…]`, each with the number of its first line.
    pub(crate) fn attributes(&self) -> Vec<(usize, String)> {
        let mut found = Vec::new();
        let mut rest = self.code.as_str();
        while let Some(start) = rest.find('#') {
            let line = self.code.len() - rest.len() + start;
            let after = rest.get(start + 1..).unwrap_or("");
            let body = after.strip_prefix('!').unwrap_or(after);
            if body.starts_with('[') {
                let number = self.code.get(..line).unwrap_or("").matches('\n').count() + 1;
                found.push((number, bracketed(body)));
            }
            rest = after;
        }
        found
    }
}

/// The number of characters that a comment or literal takes at the start of `rest`; `None` where
/// code starts. `before` is the code's last character.
fn inert_length(rest: &[char], before: Option<char>) -> Option<usize> {
    let inside_word = before.is_some_and(is_word);
    match rest {
        ['/', '/', ..] => Some(rest.iter().take_while(|&&c| c != '\n').count()),
        ['/', '*', ..] => Some(block_comment(rest)),
        ['"', ..] => Some(quoted(rest, '"')),
        ['\'', '\\', ..] => Some(quoted(rest, '\'')),
        ['\'', _, '\'', ..] => Some(3),
        ['r', '"' | '#', ..] if !inside_word => raw_string(rest, 1),
        ['b' | 'c', 'r', '"' | '#', ..] if !inside_word => raw_string(rest, 2),
        _ => None,
    }
}

fn is_word(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

fn block_comment(rest: &[char]) -> usize {
    let mut depth = 0_usize;
    let mut at = 0;
    while let Some(here) = rest.get(at..).filter(|here| !here.is_empty()) {
        match here {
            ['/', '*', ..] => (depth, at) = (depth + 1, at + 2),
            ['*', '/', ..] => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            break;
        }
    }
    at
}

fn quoted(rest: &[char], quote: char) -> usize {
    let mut escaped = false;
    for (index, &character) in rest.iter().enumerate().skip(1) {
        if character == quote && !escaped {
            return index + 1;
        }
        escaped = character == '\\' && !escaped;
    }
    rest.len()
}

/// `None` where what looks like a raw string is a raw identifier such as `r#type`.
fn raw_string(rest: &[char], prefix: usize) -> Option<usize> {
    let after = rest.get(prefix..)?;
    let hashes = after.iter().take_while(|&&c| c == '#').count();
    let body = after.get(hashes..)?.strip_prefix(&['"'])?;
    let mut end = vec!['"'];
    end.extend(std::iter::repeat_n('#', hashes));
    let inside = body
        .windows(end.len())
        .position(|window| window == end)
        .unwrap_or(body.len());
    Some((prefix + hashes + 1 + inside + end.len()).min(rest.len()))
}

/// `text` up to the bracket that closes its first one.
fn bracketed(text: &str) -> String {
    let mut depth = 0_usize;
    for (index, character) in text.char_indices() {
        match character {
            '[' => depth += 1,
            ']' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return text.get(..index).unwrap_or("").to_owned();
        }
    }
    text.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, code: &str) {
        let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        let source = Source::parse(text);
        assert_eq!(words(&source.code), words(code), "{text}");
        assert_eq!(source.code.lines().count(), text.lines().count(), "{text}");
    }

    #[test]
    fn comments_and_literals_are_blanked() {
        check("a // b\nc", "a c");
        check("a /* b /* c */ d\n */ e", "a e");
        check("f(\"struct \\\" X\", 1)", "f( , 1)");
        check("f(r#\"a \" b\"#, br\"c\")", "f( , )");
        check(
            "let r#type = 'x'; let q = '\\''; z",
            "let r#type = ; let q = ; z",
        );
        check("fn f<'a>(x: &'a str) {}", "fn f<'a>(x: &'a str) {}");
        check("hr\"x\"", "hr");
        check("\"open", "");
    }

    #[test]
    fn attributes_are_found_over_several_lines() {
        let source = Source::parse("#![a]\nfn f() {}\n#[b(\n  c[1],\n)]\nfn g() {}");
        let bodies: Vec<_> = source.attributes();
        assert_eq!(bodies.len(), 2);
        assert_eq!(
            bodies.first().map(|(line, body)| (*line, body.as_str())),
            Some((1, "[a"))
        );
        assert_eq!(bodies.get(1).map(|(line, _)| *line), Some(3));
    }
}
