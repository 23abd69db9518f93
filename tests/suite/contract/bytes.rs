//! Bytes of keys, values and headers as scenarios write them.

/// Bytes that a scenario gives: `0x` and pairs of hexadecimal digits, or text.
pub fn read(text: &str) -> Vec<u8> {
    let digits = text.strip_prefix("0x").filter(|digits| digits.len() % 2 == 0 && digits.is_ascii());
    let pairs = digits.map(|digits| digits.as_bytes().chunks(2));
    let read = pairs.and_then(|pairs| {
        let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
        pairs.map(byte).collect::<Option<Vec<u8>>>()
    });
    read.unwrap_or_else(|| text.as_bytes().to_vec())
}

/// Bytes as scenarios expect them: text, or `0x` and hexadecimal digits where they are no readable text.
pub fn shown(bytes: &[u8]) -> String {
    let readable = |text: &&str| !text.chars().any(|char| char.is_control() && !matches!(char, '\n' | '\r' | '\t'));
    match std::str::from_utf8(bytes).ok().as_ref().filter(|text| readable(text)) {
        Some(text) => (*text).to_owned(),
        None => bytes.iter().fold("0x".to_owned(), |text, byte| text + &format!("{byte:02x}")),
    }
}

#[test]
fn bytes_both_ways() {
    for (bytes, text) in [
        (&b"plain \"text\"\n"[..], "plain \"text\"\n"),
        (&[0, 0, 0, 7], "0x00000007"),
        (&[0xff, 0xfe], "0xfffe"),
        ("\u{e9}".as_bytes(), "\u{e9}"),
        (b"", ""),
    ] {
        assert_eq!(shown(bytes), text);
        assert_eq!(read(text), bytes);
    }
    assert_eq!(read("0x"), b"");
    assert_eq!(read("0xabc"), b"0xabc");
    assert_eq!(read("0x\u{e9}"), "0x\u{e9}".as_bytes());
}
