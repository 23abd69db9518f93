//! Regular expressions, their replacements and texts; date patterns and texts to read by them.

use super::dice::Dice;

/// An expression of Java at random.
pub fn expression(dice: &mut Dice, depth: usize) -> String {
    let alternatives = if dice.chance(15) { 2 } else { 1 };
    let mut out = Vec::new();
    for _ in 0..alternatives {
        let mut sequence = String::new();
        for _ in 0..=dice.below(4) {
            sequence += &term(dice, depth);
            if dice.chance(35) {
                sequence += dice.pick(&[
                    "*", "+", "?", "*?", "+?", "??", "*+", "++", "?+", "{2}", "{1,2}", "{0,}", "{1,}?", "{0,2}+",
                    "{,2}", "{2,1}", "{a}", "{1, 2}", "{0}", "{1}+",
                ]);
            }
        }
        out.push(sequence);
    }
    let expression = out.join("|");
    if depth > 1 && dice.chance(12) {
        return dice.word(&["(?i)", "(?iu)", "(?s)", "(?x)", "(?m)", "(?d)", "(?-i)", "(?i-s)", "^", "(?u)"])
            + &expression;
    }
    expression
}

fn term(dice: &mut Dice, depth: usize) -> String {
    let inner = depth.saturating_sub(1);
    match dice.below(if depth > 0 { 20 } else { 10 }) {
        0..=4 => dice.word(&["a", "b", "t", "1", "-", "_", "topic", "A", "é", ".", "..", " "]),
        5 => dice.word(&[
            "\\d", "\\w", "\\s", "\\D", "\\W", "\\S", "\\h", "\\v", "\\R", "\\b", "\\B", "\\A", "\\z", "\\Z", "^", "$",
            "\\H", "\\V", "\\G", "\\X",
        ]),
        6 => dice.word(&[
            "\\.",
            "\\-",
            "\\$",
            "\\_",
            "\\é",
            "\\x41",
            "\\u0061",
            "\\x{61}",
            "\\t",
            "\\cA",
            "\\0101",
            "\\e",
            "\\a",
            "\\1",
            "\\2",
            "\\11",
            "\\k<n>",
            "\\ ",
            "\\#",
            "\\07",
            "\\08",
            "\\y",
            "\\<",
            "\\@",
            "\\c",
            "\\x4",
            "\\u00e9",
            "\\ud83d\\ude00",
            "\\N{DIGIT ONE}",
        ]),
        7 => dice.word(&[
            "\\p{Lower}",
            "\\p{L}",
            "\\pL",
            "\\P{Lu}",
            "\\p{IsAlphabetic}",
            "\\p{Alpha}",
            "\\p{IsLatin}",
            "\\p{Punct}",
            "\\p{javaLowerCase}",
            "\\p{InGreek}",
            "\\p{Sc}",
            "\\p{IsDigit}",
            "\\p{script=Latin}",
            "\\p{lower}",
            "\\p{Xyz}",
            "\\p{gc=Lu}",
            "\\p{XDigit}",
            "\\p{blk=Basic Latin}",
            "\\p{InBasic_Latin}",
            "\\p{LC}",
            "\\p{Cntrl}",
            "\\p{Graph}",
            "\\p{IsL}",
            "\\p{Is_L}",
            "\\p{IsEmoji}",
            "\\p{IsWhite_Space}",
            "\\p{Space}",
            "\\p{Blank}",
            "\\p{ASCII}",
            "\\p{all}",
            "\\p{L1}",
            "\\p{javaMirrored}",
            "\\p{IsUppercase}",
            "\\p{isalphabetic}",
            "\\p{IsPunctuation}",
            "\\p{general_category=Nd}",
            "\\p{sc=GREEK}",
            "\\p{IsHan}",
            "\\p{IsIdeographic}",
            "\\p{IsJoin_Control}",
            "\\p{javaJavaIdentifierStart}",
            "\\p{javaSpaceChar}",
            "\\p{javaTitleCase}",
            "\\p{javaDefined}",
            "\\p{javaISOControl}",
        ]),
        8 => {
            "\\Q".to_owned()
                + &dice.word(&["a.b", "a", "[", "$1", "", "a\\b", "é "])
                + &dice.word(&["\\E", "\\E", "\\E", ""])
        }
        9 => class(dice, 1),
        10..=12 => class(dice, 2),
        13..=15 => format!("({})", expression(dice, inner)),
        16 => format!("(?<{}>{})", dice.word(&["n", "name", "a1", "1a", "n_x", "n"]), expression(dice, inner)),
        17 => format!("(?:{})", expression(dice, inner)),
        18 => {
            let open = dice.word(&["(?=", "(?!", "(?<=", "(?<!", "(?>"]);
            format!("{open}{})", expression(dice, inner))
        }
        _ => {
            let open =
                dice.word(&["(?i:", "(?s:", "(?-i:", "(?i-s:", "(?x:", "(?P<n>", "(?#", "(?", "(?U:", "(?u:", "(?m:"]);
            format!("{open}{})", expression(dice, inner))
        }
    }
}

fn class(dice: &mut Dice, depth: usize) -> String {
    let mut out = String::from("[");
    if dice.chance(25) {
        out.push('^');
    }
    for _ in 0..=dice.below(4) {
        match dice.below(if depth > 0 { 9 } else { 6 }) {
            0..=2 => {
                out += dice.pick(&[
                    "a", "b", "t", "1", "_", ".", "-", "é", "$", "(", "|", " ", "A", "^", "]", "&", "~", "#", ":",
                ])
            }
            3 => {
                out +=
                    dice.pick(&["a-z", "A-Z", "0-9", "a-c", "z-a", "!-~", "é-ü", "--a", "a-", "\\x30-\\x39", "a-\\d"])
            }
            4 => {
                out += dice.pick(&[
                    "\\d",
                    "\\w",
                    "\\s",
                    "\\-",
                    "\\]",
                    "\\^",
                    "\\D",
                    "\\p{L}",
                    "\\pN",
                    "\\.",
                    "\\Qa-c\\E",
                    "\\b",
                    "\\n",
                    "\\W",
                    "\\h",
                    "\\R",
                ])
            }
            5 => {
                out += dice.pick(&[
                    "[:alpha:]",
                    "&&a",
                    "&&[^a]",
                    "&&[a-m]",
                    "&&\\w",
                    "&&",
                    "&&&",
                    "&&[a-c]&&[b-z]",
                    "a&&b-d",
                    "&&^a",
                ])
            }
            _ => out += &class(dice, depth - 1),
        }
    }
    if !dice.chance(2) {
        out.push(']');
    }
    out
}

/// A replacement at random.
pub fn replacement(dice: &mut Dice) -> String {
    let mut out = String::new();
    for _ in 0..=dice.below(3) {
        out += dice.pick(&[
            "x", "new-", "$1", "$0", "${n}", "$2", "$12", "\\$", "\\", "$", "${name}", "${1}", "$a", "é", "-", "\\\\",
            "${n", "$11x", ".", "$01", "${a1}", "\\n", "$١", "${é}",
        ]);
    }
    out
}

/// A name of a topic, or any text in its place.
pub fn topic(dice: &mut Dice) -> String {
    if dice.chance(30) {
        return dice.word(&[
            "topic",
            "a",
            "aa",
            "ab",
            "abc-1",
            "A",
            "t.1_b",
            "TOPIC",
            "prefix-topic-suffix",
            "test.topic.v1",
        ]);
    }
    let alphabet = [
        "a", "b", "t", "1", "-", "_", ".", "A", "é", "É", "topic", "2", "n", " ", "$", "\n", "\r", "ß", "😀", "k",
        "\u{212a}", "c",
    ];
    let most = if dice.chance(80) { 10 } else { alphabet.len() };
    (0..=dice.below(5)).map(|_| dice.pick(&alphabet[..most])).collect()
}

const FORMATS: [&str; 22] = [
    "yyyy-MM-dd'T'HH:mm:ss.SSS'Z'",
    "yyyy-MM-dd",
    "yyyyMMdd",
    "yyyy-MM-dd HH:mm:ss",
    "yyyy-MM-dd'T'HH:mm:ssXXX",
    "yyyy-MM-dd'T'HH:mm:ss.SSSXXX",
    "yyyy-MM-dd'T'HH:mm:ssZ",
    "MM/dd/yyyy hh:mm:ss a",
    "EEE, dd MMM yyyy HH:mm:ss z",
    "EEE MMM dd HH:mm:ss zzz yyyy",
    "yy-M-d",
    "HH:mm:ss.SSS",
    "dd-MMM-yy",
    "YYYY-'W'ww-u",
    "yyyy.MM.dd G 'at' HH:mm:ss z",
    "h:mm a",
    "yyyyy.MMMMM.dd GGG hh:mm aaa",
    "D yyyy",
    "yyyyMMddHHmmssSSS",
    "EEEE, MMMM d, yyyy",
    "K:mm a, z",
    "yyyy-MM-dd'T'HH:mm:ss.SSSSSS",
];

/// A date pattern: a usual one, or letters at random.
pub fn date_pattern(dice: &mut Dice) -> String {
    if dice.chance(45) {
        return dice.word(&FORMATS);
    }
    let mut out = String::new();
    for _ in 0..=dice.below(5) {
        match dice.below(10) {
            0 => out += dice.pick(&["'T'", "'at'", "''", "'", "'a''b'", "é"]),
            1 => out += dice.pick(&["b", "T", "i", "n", "U", "Q", "e", "A"]),
            2 => out += dice.pick(&["XXXX", "yyyyyyyy", "MMMMMM", "zzzzz", "SSSSSS"]),
            _ => {
                let letter = dice.word(&[
                    "G", "y", "Y", "M", "L", "w", "W", "D", "d", "F", "E", "u", "a", "H", "k", "K", "h", "m", "s", "S",
                    "z", "Z", "X", "y", "M", "d", "H", "m", "s",
                ]);
                out += &letter.repeat(1 + dice.below(4));
                if dice.chance(70) {
                    out += dice.pick(&["-", ":", " ", ".", "/", ", "]);
                }
            }
        }
    }
    out
}

/// A text that may fit a date pattern.
pub fn date_text(dice: &mut Dice, pattern: &str) -> String {
    if dice.chance(8) {
        return dice.word(&[
            "",
            "x",
            "2020-01-01",
            "2020-02-30T25:61:61.1Z",
            "1",
            "20200101",
            "Jan",
            " 2020",
            "-1-1-1",
        ]);
    }
    let mut out = String::new();
    let mut chars = pattern.chars().peekable();
    let mut quoted = false;
    while let Some(c) = chars.next() {
        if c == '\'' {
            if chars.next_if_eq(&'\'').is_some() {
                out.push('\'');
            } else {
                quoted = !quoted;
            }
            continue;
        }
        if quoted || !c.is_ascii_alphabetic() {
            out.push(c);
            continue;
        }
        let mut count = 1;
        while chars.next_if_eq(&c).is_some() {
            count += 1;
        }
        if dice.chance(4) {
            out += dice.pick(&["", " ", "-", "99", "-5", "x", "+3", "  7", "2147483648", "99999999999999999999", "٣"]);
            continue;
        }
        out += &date_part(dice, c, count);
    }
    if dice.chance(5) {
        out += dice.pick(&["x", " ", "9", "Z"]);
    }
    if dice.chance(4) {
        out.insert(0, ' ');
    }
    out
}

fn date_part(dice: &mut Dice, letter: char, count: usize) -> String {
    let padded = |number: usize| format!("{number:0count$}");
    match letter {
        'y' | 'Y' => {
            let year = dice.pick(&[2024, 1970, 1969, 1582, 1, 9999, 10000, 24, 99, 4, 2000, 1900, 0, 123_456]);
            if count == 2 && dice.chance(70) { format!("{:02}", year % 100) } else { padded(year) }
        }
        'M' | 'L' if count > 2 => {
            dice.word(&["Jan", "February", "mar", "MAY", "Sept", "Sep", "december", "June", "Ju", "Octo", "May"])
        }
        'M' | 'L' => padded(1 + dice.below(13)),
        'd' => padded(1 + dice.below(31)),
        'D' => padded(1 + dice.below(366)),
        'w' => padded(1 + dice.below(53)),
        'W' | 'F' => padded(1 + dice.below(5)),
        'u' => padded(dice.below(9)),
        'E' => dice.word(&["Mon", "Tuesday", "wed", "THU", "Friday", "Saturday", "Sun", "sunday", "Tues"]),
        'a' => dice.word(&["AM", "PM", "am", "Pm", "A"]),
        'G' => dice.word(&["AD", "BC", "bc", "ad", "A.D."]),
        'H' | 'k' => padded(dice.below(25)),
        'K' | 'h' => padded(dice.below(13)),
        'm' | 's' => padded(dice.below(61)),
        'S' => padded(dice.pick(&[0, 1, 12, 123, 999, 1000, 123_456])),
        'X' | 'Z' | 'z' => dice.word(&[
            "Z",
            "+00:00",
            "+0000",
            "+01",
            "+0130",
            "-08:00",
            "+14:30",
            "UTC",
            "GMT",
            "PST",
            "PDT",
            "CET",
            "CEST",
            "Europe/Berlin",
            "GMT+2",
            "GMT-01:30",
            "EST",
            "-0000",
            "+2:30",
            "Pacific Standard Time",
            "Coordinated Universal Time",
            "utc",
            "JST",
            "IST",
            "+24:00",
            "+1",
            "America/New_York",
            "BST",
            "MSK",
            "AEST",
            "Central European Summer Time",
            "GMT+0200",
            "UTC+1",
            "+01:3",
            "HST",
            "WET",
            "EET",
            "UT",
        ]),
        _ => padded(dice.below(60)),
    }
}
