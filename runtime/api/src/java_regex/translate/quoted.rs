//! `\Q..\E`: what it quotes, with a backslash before each character that needs one.

/// The characters of a pattern without quotations, as Java prepares it before it reads anything else: a quotation may begin and end
/// anywhere, also in brackets.
pub(super) fn escaped(pattern: &str) -> Vec<char> {
    let mut out = Vec::with_capacity(pattern.len());
    let mut chars = pattern.chars().peekable();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        match chars.next() {
            Some('Q') => {
                let mut first = true;
                while let Some(c) = chars.next() {
                    if c == '\\' && chars.next_if_eq(&'E').is_some() {
                        break;
                    }
                    match c {
                        // A digit might go on an escape that stands before.
                        '0'..='9' if first => out.extend(['\\', 'x', '3', c]),
                        c if !c.is_ascii() || c.is_ascii_alphanumeric() => out.push(c),
                        c => out.extend(['\\', c]),
                    }
                    first = false;
                }
            }
            Some(next) => out.extend(['\\', next]),
            None => out.push('\\'),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotations_become_escapes() {
        for (pattern, expected) in [
            ("a\\Qb.c\\Ed", "ab\\.cd"),
            ("\\Q1a2\\E", "\\x31a2"),
            ("[a-\\Qz-\\E]", "[a-z\\-]"),
            ("\\Qa\\b", "a\\\\b"),
            ("\\\\Qa", "\\\\Qa"),
            ("\\Qé", "é"),
            ("\\Q\\E", ""),
            ("a\\Q", "a"),
        ] {
            assert_eq!(escaped(pattern).into_iter().collect::<String>(), expected, "{pattern}");
        }
    }
}
