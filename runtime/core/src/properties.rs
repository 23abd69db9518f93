//! Java's `.properties` text.

use java_properties::PropertiesIter;
use millstream_api::{Config, Error, Result};

/// Reads `.properties` text as Java does: ISO-8859-1 with `\uXXXX` escapes, `#` and `!` comments, continued lines. Keys keep the order
/// of their first line; of a repeated key the last value counts.
///
/// `file` is named in the error (kind config), with the line where known.
pub fn parse(text: &[u8], file: &str) -> Result<Config> {
    // Each byte is the character of its number. The crate would take some for others (as windows-1252 has them), and what begins
    // like UTF-16 for that.
    read(&text.iter().map(|byte| char::from(*byte)).collect::<String>(), file)
}

/// The same for text in UTF-8, which is what Kafka's file config provider reads.
pub fn parse_utf8(text: &[u8], file: &str) -> Result<Config> {
    let text = std::str::from_utf8(text).map_err(|e| {
        let line = 1 + text.iter().take(e.valid_up_to()).filter(|byte| **byte == b'\n').count();
        Error::config(format!("{file}, line {line}: not UTF-8 text"))
    })?;
    read(text, file)
}

/// The crate must be given whole characters: it panics on text that ends within one.
fn read(text: &str, file: &str) -> Result<Config> {
    let mut lines = PropertiesIter::new_with_encoding(text.as_bytes(), encoding_rs::UTF_8);
    let mut config = Config::new();
    lines.read_into(|key, value| config.set(key, value)).map_err(|e| {
        let line = e.line_number().map(|line| format!(", line {line}")).unwrap_or_default();
        // The crate's own text may quote the line, and the line may be a password.
        Error::config(format!("{file}{line}: not a properties file"))
            .hint("each line is key=value; a backslash must be written twice, and \\u needs four digits")
    })?;
    Ok(config)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<(String, String)> {
        let config = parse(text.as_bytes(), "w.properties").unwrap();
        config.iter().map(|(k, v)| (k.to_owned(), v.unwrap().to_owned())).collect()
    }

    #[test]
    fn javas_rules() {
        let text = "# c\n! d\n\nb=1\n a : x y \nc long\\\n   er\nd=\\u00e9\\t\\\\\ne\nk\\ ey=v=w\nb=2\n";
        let expected = [("b", "2"), ("a", "x y "), ("c", "longer"), ("d", "é\t\\"), ("e", ""), ("k ey", "v=w")];
        let expected: Vec<_> = expected.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        // `c long\` has a blank as separator and continues.
        assert_eq!(read(&text.replace("c long", "c=long")), expected);
        assert_eq!(read(text), expected);
        assert_eq!(read("a=1\r\nb=2\r\n").len(), 2);
        assert_eq!(parse(&[b'a', b'=', 0xe9], "f").unwrap().get("a"), Some("é"));
        assert_eq!(parse(&[b'a', b'=', 0x80, 0xff], "f").unwrap().get("a"), Some("\u{80}ÿ"));
        assert_eq!(parse(&[0xfe, 0xff, b'a', b'=', b'1', 0], "f").unwrap().get("þÿa"), Some("1\0"));
        assert_eq!(parse_utf8("a=é\\Ж😀".as_bytes(), "f").unwrap().get("a"), Some("éЖ😀"));
    }

    #[test]
    fn an_error_names_file_and_line_but_no_text() {
        let error = parse(b"a=1\npassword=hunter2\\uZZ\n", "w.properties").unwrap_err().to_string();
        assert!(error.contains("w.properties, line 2"), "{error}");
        assert!(!error.contains("hunter2"), "{error}");
        let error = parse_utf8(b"a=1\nb=\xc3", "secrets").unwrap_err().to_string();
        assert!(error.contains("secrets, line 2"), "{error}");
    }
}
