//! What the pages that are made here are written with: HTML and a style, no script, so that nothing
//! in them can run.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// The content security policy of such a page: its own style alone.
pub(super) fn policy() -> String {
    let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, STYLE.as_bytes());
    format!(
        "default-src 'none'; style-src 'sha256-{}'; base-uri 'none'; form-action 'none'; \
         frame-ancestors 'none'",
        STANDARD.encode(hash)
    )
}

/// Text in which `…` stands for code.
pub(super) fn prose(text: &str) -> String {
    let text = escape(text);
    let mut html = String::with_capacity(text.len());
    for (number, part) in text.split('`').enumerate() {
        if number % 2 == 1 {
            write_all(&mut html, format_args!("<code>{part}</code>"));
        } else {
            html.push_str(part);
        }
    }
    html
}

/// Text that is only text.
pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for each in text.chars() {
        match each {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            each => escaped.push(each),
        }
    }
    escaped
}

/// Writing to a `String` cannot fail.
pub(super) fn write_all(html: &mut String, what: std::fmt::Arguments<'_>) {
    html.write_fmt(what).unwrap_or_default();
}

/// The style of these pages.
pub(super) const STYLE: &str = include_str!("html.css");
