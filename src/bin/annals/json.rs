//! JSON text as text: whether bytes are one line of it, and how it is laid
//! out for people. Numbers, keys and strings are never read, so they stay as
//! they were written.

use serde_json::value::RawValue;

/// The text, if the bytes are JSON that can stand inside a line and be taken
/// out of it again unchanged: no line breaks, no whitespace around it.
pub(crate) fn on_one_line(bytes: &[u8]) -> Option<&str> {
    if bytes.iter().any(|byte| matches!(byte, b'\n' | b'\r')) {
        return None;
    }
    let text = text(bytes)?;
    (text.len() == bytes.len()).then_some(text)
}

/// The text, if the bytes are JSON; without the whitespace around it.
pub(crate) fn text(bytes: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(bytes).ok()?;
    serde_json::from_str::<&RawValue>(text)
        .ok()
        .map(RawValue::get)
}

/// JSON text on one line, with a space after each colon and comma.
pub(crate) fn compact(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for token in tokens(text) {
        out.push_str(token);
        if matches!(token, ":" | ",") {
            out.push(' ');
        }
    }
    out
}

/// JSON text over several lines, each behind `indent` spaces but the first.
pub(crate) fn indented(text: &str, indent: usize) -> String {
    let mut out = String::with_capacity(2 * text.len());
    let mut depth = 0;
    let mut tokens = tokens(text).peekable();
    while let Some(token) = tokens.next() {
        out.push_str(token);
        match token {
            "{" | "[" => depth += 1,
            ":" => out.push(' '),
            _ => {}
        }
        let opens = matches!(token, "{" | "[");
        let closes = matches!(tokens.peek(), Some(&("}" | "]")));
        if closes {
            depth -= 1;
        }
        if token == "," || (opens != closes && (opens || closes)) {
            out.push('\n');
            out.extend(std::iter::repeat_n(' ', indent + 2 * depth));
        }
    }
    out
}

/// The tokens of JSON text: brackets, colons, commas and scalars.
fn tokens(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        rest = rest.trim_start_matches([' ', '\t', '\n', '\r']);
        let first = rest.chars().next()?;
        let length = match first {
            '{' | '}' | '[' | ']' | ':' | ',' => 1,
            '"' => string_length(rest),
            _ => rest
                .find([' ', '\t', '\n', '\r', '}', ']', ',', ':'])
                .unwrap_or(rest.len()),
        };
        let (token, after) = rest.split_at(length);
        rest = after;
        Some(token)
    })
}

/// The length of the string that the text begins with, quotes included.
fn string_length(text: &str) -> usize {
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_exact_json_on_one_line_can_stand_in_a_line() {
        for good in [
            "null",
            "1.0e5",
            r#""a\u0000\"""#,
            r#"{ "a" : [1,  2], "a":{} }"#,
            "{\"\t\":1}",
        ] {
            // A literal tab is whitespace between tokens and wrong in a string.
            let expected = (!good.contains("\"\t\"")).then_some(good);
            assert_eq!(on_one_line(good.as_bytes()), expected);
        }
        for bad in [
            "", " 1", "1 ", "{\n}", "{\r}", "{", "01", "'a'", "1 2", "nul",
        ] {
            assert_eq!(on_one_line(bad.as_bytes()), None, "{bad}");
        }
        assert_eq!(on_one_line(b"\"\xff\""), None);
    }

    #[test]
    fn deep_and_large_json_is_json() {
        let deep = format!("{}1{}", "[".repeat(10_000), "]".repeat(10_000));
        assert_eq!(on_one_line(deep.as_bytes()), Some(&*deep));
        assert_eq!(on_one_line(b"1e99999"), Some("1e99999"));
    }

    #[test]
    fn layouts_change_nothing_but_whitespace() {
        let text = r#"{"a":1.50,"b": ["x, y: {\"",{ }, [ ] ],"a":null}"#;
        assert_eq!(
            compact(text),
            r#"{"a": 1.50, "b": ["x, y: {\"", {}, []], "a": null}"#
        );
        let shown = "{\n    \"a\": 1.50,\n    \"b\": [\n      \"x, y: {\\\"\",\n      {},\n      []\n    ],\n    \"a\": null\n  }";
        assert_eq!(indented(text, 2), shown);
        assert_eq!(compact("[]"), "[]");
    }
}
