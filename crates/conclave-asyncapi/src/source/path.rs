//! Paths of files inside the folder that references may not leave.

/// The path that `reference` means in the file `from`, or nothing if it leaves the folder.
///
/// Paths are relative, with `/`, without `.` and `..`: `examples/chat.yaml`.
pub(crate) fn join(from: &str, reference: &str) -> Option<String> {
    let decoded = percent_decoded(reference)?;
    if decoded.starts_with('/') || decoded.contains(['\\', '\0']) || has_drive(&decoded) {
        return None;
    }
    let folder = from.rsplit_once('/').map_or("", |(folder, _)| folder);
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in decoded.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            _ => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

fn has_drive(path: &str) -> bool {
    let mut characters = path.chars();
    let letter = characters.next().is_some_and(|c| c.is_ascii_alphabetic());
    letter && characters.next() == Some(':')
}

/// Text with its `%41` read, if that is text again.
pub(crate) fn percent_decoded(text: &str) -> Option<String> {
    if !text.contains('%') {
        return Some(text.to_owned());
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let high = char::from(rest.next()?).to_digit(16)?;
        let low = char::from(rest.next()?).to_digit(16)?;
        bytes.push(u8::try_from(high * 16 + low).ok()?);
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_stay_in_the_folder() {
        let table = [
            ("a.yaml", "b.yaml", Some("b.yaml")),
            ("a.yaml", "./x/b.yaml", Some("x/b.yaml")),
            ("x/a.yaml", "../b.yaml", Some("b.yaml")),
            ("x/y/a.yaml", "../z/b%20c.yaml", Some("x/z/b c.yaml")),
            ("a.yaml", "../b.yaml", None),
            ("x/a.yaml", "../../b.yaml", None),
            ("x/a.yaml", "%2e%2e/%2e%2e/b.yaml", None),
            ("a.yaml", "/etc/passwd", None),
            ("a.yaml", "%2fetc/passwd", None),
            ("a.yaml", "..\\b.yaml", None),
            ("a.yaml", "C:/b.yaml", None),
            ("a.yaml", "b%zz.yaml", None),
            ("a.yaml", "b%00.yaml", None),
        ];
        for (from, reference, expected) in table {
            assert_eq!(
                join(from, reference).as_deref(),
                expected,
                "{from} -> {reference}"
            );
        }
    }
}
