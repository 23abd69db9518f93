//! JSON and what is nearly JSON: Jackson's own leniencies and limits, bad text, other encodings.

use super::random::Random;

const NUMBERS: &[&str] = &[
    "0",
    "-0",
    "-0.0",
    "0.0",
    "00",
    "007",
    "-007",
    "01.5",
    "00e1",
    "1.",
    ".5",
    "-",
    "-.5",
    "+1",
    "--1",
    "1e5",
    "1E5",
    "1e+5",
    "1e-5",
    "1e400",
    "-1e400",
    "1e-400",
    "1e",
    "1e+",
    "1e5.5",
    "9223372036854775807",
    "9223372036854775808",
    "-9223372036854775808",
    "-9223372036854775809",
    "2147483647",
    "2147483648",
    "-2147483648",
    "-2147483649",
    "18446744073709551615",
    "123456789012345678901234567890",
    "1e19",
    "1e18",
    "4.9e-324",
    "2e-324",
    "2.2250738585072014e-308",
    "1.7976931348623157e308",
    "1.7976931348623159e308",
    "0.1",
    "3.4028235e38",
    "3.4028236e38",
    "1e999999999",
    "1e2147483647",
    "1e2147483648",
    "1e99999999999999999999",
    "1e-99999999999999999999",
    "0e99999999999",
    "0x10",
    "1f",
    "1L",
    "1d",
    "NaN",
    "-NaN",
    "Infinity",
    "-Infinity",
    "+Infinity",
    "INF",
    "-INF",
    "1_000",
    "1,000",
    "1a",
    "1.5.5",
    "1e5e5",
    "0.30000000000000004",
    "100",
    "128",
    "-129",
    "32768",
    "1.0",
    "1e2",
    "100e-2",
    "1.9",
    "-1.9",
    "9007199254740993",
    "999999999999999999",
    "1000000000000000000",
    "0.000001",
    "123456.789",
    "86400000",
    "86400001",
    "-1",
    "1.50",
    "5e-1",
    "12345678901234567890e-10",
    "0.00",
    "1e0",
    "1\u{0}",
    "1/",
    "1\"",
    "1true",
    "1[",
    "1{",
    "1:",
    "1\u{a0}",
    "1é",
];

const WORDS: &[&str] = &[
    "true",
    "false",
    "null",
    "True",
    "NULL",
    "nul",
    "nulll",
    "null1",
    "null_",
    "null$",
    "null.",
    "null-",
    "nullé",
    "true\"",
    "truefalse",
    "tru",
    "undefined",
    "none",
    "'a'",
    "a",
    "true[",
    "false{",
    "true/",
];

const PIECES: &[&str] = &[
    "a",
    "b c",
    "é",
    "中",
    "😀",
    "\\n",
    "\\\"",
    "\\\\",
    "\\/",
    "\\b",
    "\\f",
    "\\r",
    "\\t",
    "\\u0041",
    "\\u00e9",
    "\\u00E9",
    "\\ud83d\\ude00",
    "\\uD83D\\uDE00",
    "\\u0000",
    "\\u001f",
    "\\uffff",
    "\u{ffff}",
    "\u{2028}",
    "\u{7f}",
    "\u{80}",
    "\u{fffd}",
    "\u{feff}",
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "'",
    "/",
    "<",
    "&",
    "=",
    "a long text without anything to escape in it",
];

const BAD_PIECES: &[&[u8]] = &[
    b"\\ud83d",
    b"\\ude00",
    b"\\ude00\\ud83d",
    b"\\ud83d\\u0041",
    b"\\ud83dx",
    b"\\x",
    b"\\'",
    b"\\u12",
    b"\\u12g4",
    b"\\a",
    b"\\0",
    b"\n",
    b"\t",
    b"\r",
    b"\0",
    b"\x1f",
    b"\xff",
    b"\xc0\x80",
    b"\xed\xa0\x80",
    b"\xf4\x90\x80\x80",
    b"\xe2\x82",
    b"\x80",
    b"\xc3",
    b"\xf0\x9f\x98",
    b"\xc1\xbf",
    b"\xe0\x80\x80",
    b"\xf0\x80\x80\x80",
    b"\xf8\x88\x80\x80\x80",
    b"\\\n",
    b"\"",
    b"\\",
];

const BLANKS: &[&str] = &[" ", "\n", "\t", "\r", "\r\n", "  "];
const NO_BLANKS: &[&str] = &[
    "\u{b}", "\u{c}", "\u{a0}", "\0", "/*c*/", "//c\n", "#c\n", "\u{feff}", "\u{2028}", "\x1e", "\x08", "\x1c", "\x7f",
];

/// How far a text strays from JSON.
#[derive(Clone, Copy)]
pub struct Wild {
    /// Chance in a hundred of something bad at each place.
    pub bad: usize,
}

fn blank(r: &mut Random, wild: Wild, out: &mut Vec<u8>) {
    if r.percent(8) {
        out.extend_from_slice(r.pick(BLANKS).as_bytes());
    }
    if r.percent(wild.bad) {
        out.extend_from_slice(r.pick(NO_BLANKS).as_bytes());
    }
}

/// A number, or what looks like one.
pub fn number(r: &mut Random) -> String {
    match r.below(10) {
        0..5 => r.pick(NUMBERS).to_owned(),
        5 => r.integer(64).to_string(),
        6 => format!("{}", r.float()).replace("NaN", "1").replace("inf", "1e309"),
        7 => format!("{:e}", r.float()).replace("NaN", "1").replace("inf", "1e309"),
        8 if r.percent(40) => {
            // Hardly more, or exactly, or hardly less than half way between two floats of 32 bits.
            let low = f32::from_bits(0x3000_0000 + r.below(0x2fff_ffff) as u32);
            let half = (f64::from(low) + f64::from(f32::from_bits(low.to_bits() + 1))) / 2.0;
            let text = format!("{half}");
            let point = if text.contains('.') { "" } else { "." };
            match r.below(3) {
                0 => text,
                1 => format!("{text}{point}0000000000000000000001"),
                _ => text.replace(['5', '2'], "4"),
            }
        }
        8 => {
            let (whole, fraction) = (r.below(30), r.below(30));
            let digits =
                |r: &mut Random, count| (0..count).map(|_| char::from(b'0' + r.below(10) as u8)).collect::<String>();
            format!("1{}.{}0", digits(r, whole), digits(r, fraction))
        }
        _ if r.percent(5) => {
            let length = [998, 999, 1000, 1001, 1002][r.below(5)];
            match r.below(4) {
                0 => "9".repeat(length),
                1 => format!("0.{}", "1".repeat(length - 1)),
                2 => format!("-{}", "1".repeat(length)),
                _ => format!("{}.5e3", "1".repeat(length - 4)),
            }
        }
        _ => format!("{}e{}", r.integer(20), r.integer(8)),
    }
}

/// A string with its quotes.
pub fn string(r: &mut Random, wild: Wild) -> Vec<u8> {
    let mut out = vec![b'"'];
    for _ in 0..r.below(5) {
        if r.percent(wild.bad) {
            out.extend_from_slice(r.pick(BAD_PIECES));
        } else {
            out.extend_from_slice(r.pick(PIECES).as_bytes());
        }
    }
    if !r.percent(wild.bad / 2) {
        out.push(b'"');
    }
    out
}

/// Any value.
pub fn value(r: &mut Random, depth: usize, wild: Wild, out: &mut Vec<u8>) {
    blank(r, wild, out);
    match r.below(if depth == 0 { 4 } else { 6 }) {
        0 => out.extend_from_slice(
            if r.percent(wild.bad) { r.pick(WORDS) } else { r.pick(&["true", "false", "null"]) }.as_bytes(),
        ),
        1 => {
            let number = number(r);
            let fine = serde_json::from_str::<serde_json::Number>(&number).is_ok();
            out.extend_from_slice(if fine || wild.bad > 0 { &number } else { "5" }.as_bytes());
        }
        2 | 3 => out.extend(string(r, wild)),
        4 => {
            out.push(b'[');
            for index in 0..r.below(4) {
                if index > 0 {
                    out.push(b',');
                }
                value(r, depth - 1, wild, out);
            }
            if r.percent(wild.bad) {
                out.push(b',');
            }
            out.push(b']');
        }
        _ => {
            out.push(b'{');
            for index in 0..r.below(4) {
                if index > 0 {
                    out.push(b',');
                }
                blank(r, wild, out);
                if r.percent(70) {
                    out.extend_from_slice(r.pick(&["\"a\"", "\"b\"", "\"\"", "\"\\u0061\"", "\"é\""]).as_bytes());
                } else {
                    out.extend(string(r, wild));
                }
                blank(r, wild, out);
                out.push(b':');
                value(r, depth - 1, wild, out);
            }
            out.push(b'}');
        }
    }
    blank(r, wild, out);
}

/// A few edits anywhere.
pub fn mutated(r: &mut Random, bytes: &mut Vec<u8>) {
    for _ in 0..=r.below(2) {
        if bytes.is_empty() {
            return;
        }
        let at = r.below(bytes.len());
        match r.below(7) {
            0 => {
                bytes.remove(at);
            }
            1 => bytes.truncate(at),
            2 => bytes.insert(at, r.byte(b"{}[],:\"\\ \n0-+.eE/'tfn\0\xff\x7f")),
            3 => bytes[at] = r.byte(b"{}[],:\"\\ \n0-+.eE/'tfn\0\xff\x7f"),
            4 => {
                let end = (at + 1 + r.below(8)).min(bytes.len());
                let again = bytes[at..end].to_vec();
                bytes.splice(at..at, again);
            }
            5 => {
                let end = (at + 1 + r.below(8)).min(bytes.len());
                bytes.drain(at..end);
            }
            _ => bytes[at] ^= 1 << r.below(8),
        }
    }
}

/// The text in another encoding, mostly with a mark.
pub fn encoded(r: &mut Random, text: &str) -> Vec<u8> {
    let mark = r.percent(50);
    let marked = if mark { format!("\u{feff}{text}") } else { text.to_owned() };
    match r.below(5) {
        0 => marked.into_bytes(),
        1 => marked.encode_utf16().flat_map(u16::to_be_bytes).collect(),
        2 => marked.encode_utf16().flat_map(u16::to_le_bytes).collect(),
        3 => marked.chars().flat_map(|c| u32::from(c).to_be_bytes()).collect(),
        _ => marked.chars().flat_map(|c| u32::from(c).to_le_bytes()).collect(),
    }
}

/// A payload without schema.
pub fn plain(r: &mut Random) -> Vec<u8> {
    let mut out = Vec::new();
    match r.below(20) {
        0 => {
            for _ in 0..r.below(6) {
                out.push(r.next() as u8);
            }
        }
        1 => {
            for _ in 0..r.below(3) {
                blank(r, Wild { bad: 40 }, &mut out);
            }
        }
        2 => {
            let depth: usize = [1, 2, 499, 500, 998, 999, 1000, 1001, 1002][r.below(9)];
            let (open, close) = [("[", "]"), ("{\"a\":", "}"), ("[[", "]]")][r.below(3)];
            let inside = r.pick(&["", "1", "[]", "{}", " ", "\"x\""]);
            let depth = if open == "[[" { depth.div_ceil(2) } else { depth };
            out = format!("{}{inside}{}", open.repeat(depth), close.repeat(depth)).into_bytes();
        }
        3 => {
            while out.is_empty() || out.len() > 900 {
                out.clear();
                value(r, 2, Wild { bad: 0 }, &mut out);
            }
            out = encoded(r, &String::from_utf8_lossy(&out));
        }
        4..7 => {
            value(r, 3, Wild { bad: 0 }, &mut out);
            mutated(r, &mut out);
        }
        7..10 => out = number(r).into_bytes(),
        10..12 => out = string(r, Wild { bad: 15 }),
        12..15 => value(r, 3, Wild { bad: 4 }, &mut out),
        15 => {
            value(r, 1, Wild { bad: 0 }, &mut out);
            out.extend_from_slice(
                r.pick(&[
                    " 1", "x", "{", "}", "]", ",", " null", "\"", "\0", "#", "/", "//", "é", "\u{b}", "1", ".", "e",
                ])
                .as_bytes(),
            );
        }
        _ => value(r, 3, Wild { bad: 0 }, &mut out),
    }
    out
}
