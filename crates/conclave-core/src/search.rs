//! A text that is looked for in others.

/// A part of a text, in whatever case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Search(Box<str>);

impl Search {
    /// Looks for this.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(text.to_lowercase().into())
    }

    /// What is looked for, in lower case.
    #[must_use]
    pub const fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is a part of `text`.
    #[must_use]
    pub fn is_in(&self, text: &str) -> bool {
        if !text.is_ascii() {
            return text.to_lowercase().contains(&*self.0);
        }
        let wanted = self.0.as_bytes();
        wanted.is_empty()
            || text
                .as_bytes()
                .windows(wanted.len())
                .any(|part| part.eq_ignore_ascii_case(wanted))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_found_in_any_case() {
        for (wanted, text, found) in [
            ("bob", "session-BOB", true),
            ("BOB", "bob", true),
            ("", "", true),
            ("", "x", true),
            ("bob", "bo", false),
            ("\u{c4}rger", "viel \u{e4}rger", true),
            ("\u{e4}", "a", false),
            ("o", "\u{e4}O", true),
        ] {
            assert_eq!(Search::new(wanted).is_in(text), found, "{wanted} in {text}");
        }
    }
}
