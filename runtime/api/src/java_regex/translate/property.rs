//! Names of character properties.

/// The parts of a set, for use between brackets, of what Java calls by this name.
pub(super) fn set(name: &str) -> Option<String> {
    let ascii = match name {
        "Lower" => "a-z",
        "Upper" => "A-Z",
        "ASCII" => r"\x00-\x7F",
        "Alpha" => "a-zA-Z",
        "Digit" => "0-9",
        "Alnum" => "a-zA-Z0-9",
        "Punct" => r"!-/:-@\[-`\{-\~",
        "Graph" => r"!-\~",
        "Print" => r"\x20-\~",
        "Blank" => r"\x20\t",
        "Cntrl" => r"\x00-\x1F\x7F",
        "XDigit" => "0-9a-fA-F",
        "Space" => r"\x20\t\n\x0B\x0C\r",
        "javaLowerCase" | "IsLowercase" => r"\p{Lowercase}",
        "javaUpperCase" | "IsUppercase" => r"\p{Uppercase}",
        "javaWhitespace" | "IsWhite_Space" | "IsWhiteSpace" => r"\p{White_Space}",
        "javaAlphabetic" | "IsAlphabetic" => r"\p{Alphabetic}",
        "javaDigit" => r"\p{Nd}",
        "javaLetter" => r"\p{L}",
        "javaLetterOrDigit" => r"\p{L}\p{Nd}",
        "IsDigit" => r"\p{Nd}",
        "IsLetter" => r"\p{L}",
        "IsIdeographic" => r"\p{Ideographic}",
        "IsControl" => r"\p{Cc}",
        "IsPunctuation" => r"\p{P}",
        "IsHex_Digit" | "IsHexDigit" => r"\p{Hex_Digit}",
        "IsAssigned" => r"\P{Cn}",
        "IsNoncharacter_Code_Point" | "IsNoncharacterCodePoint" => r"\p{Noncharacter_Code_Point}",
        "L1" => r"\x00-\x{FF}",
        "all" => r"\x00-\x{10FFFF}",
        _ => "",
    };
    if !ascii.is_empty() {
        return Some(ascii.to_owned());
    }
    let (kind, value) = name.split_once('=').unwrap_or(("", name));
    let is_word = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    let known = |property: String| {
        // What the engine does not know is not known.
        fancy_regex::Regex::new(&format!("[{property}]")).is_ok().then_some(property)
    };
    match kind.to_ascii_lowercase().as_str() {
        "script" | "sc" if is_word(value) => known(format!(r"\p{{Script={value}}}")),
        "general_category" | "gc" if is_word(value) => known(format!(r"\p{{gc={value}}}")),
        "" => {
            let short = value.strip_prefix("Is").unwrap_or(value);
            let category = short.len() <= 2 && is_word(short) && !short.contains('_');
            let script = |script: &&str| is_word(script) && !script.starts_with('_');
            match (category, value.strip_prefix("Is").filter(script)) {
                (true, _) => known(format!(r"\p{{gc={short}}}")),
                (false, Some(script)) => known(format!(r"\p{{Script={script}}}")),
                (false, None) => None,
            }
        }
        _ => None,
    }
}
