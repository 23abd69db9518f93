//! Cutting bytes into lines.

/// The line at the start of `bytes`: its length, and the length with its end. `None` when no line is complete.
///
/// Lines end with LF, CR or CR LF. A CR that is the last byte is not an end yet: whether an LF belongs to it is seen when more comes.
pub(crate) fn first_line(bytes: &[u8]) -> Option<(usize, usize)> {
    let end = bytes.iter().position(|byte| matches!(byte, b'\n' | b'\r'))?;
    match (bytes.get(end)?, bytes.get(end + 1)) {
        (b'\n', _) => Some((end, end + 1)),
        (_, None) => None,
        (_, Some(b'\n')) => Some((end, end + 2)),
        (_, Some(_)) => Some((end, end + 1)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(text: &str) -> (Vec<&str>, usize) {
        let (mut lines, mut at) = (Vec::new(), 0);
        while let Some((line, with_end)) = first_line(&text.as_bytes()[at..]) {
            lines.push(&text[at..at + line]);
            at += with_end;
        }
        (lines, at)
    }

    #[test]
    fn all_ends() {
        assert_eq!(split("a\nb\rc\r\nd\n\ne"), (vec!["a", "b", "c", "d", ""], 10));
        assert_eq!(split("a\r"), (vec![], 0));
        assert_eq!(split("a\r\r\n"), (vec!["a", ""], 4));
        assert_eq!(split("é\n"), (vec!["é"], 3));
        assert_eq!(split(""), (vec![], 0));
    }
}
