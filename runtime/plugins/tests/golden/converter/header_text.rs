//! Texts of headers: what looks like numbers, dates, lists and maps, and what nearly does.

use super::random::Random;

const WORDS: &[&str] = &[
    "",
    " ",
    "  ",
    "\t",
    "\n",
    "\u{b}",
    "\u{1f}",
    "\u{a0}",
    "\0",
    "null",
    "true",
    "false",
    "NULL",
    "True",
    "FALSE",
    "nulll",
    "tru",
    "abc",
    "a b",
    "é",
    "中",
    "😀",
    "-",
    "+",
    ".",
    ",",
    ":",
    "\"",
    "\\",
    "[",
    "]",
    "{",
    "}",
    "[]",
    "{}",
    "\"\"",
    "\\\"",
    "\\,",
    "\\:",
    "\\[",
    "\\]",
    "\\{",
    "\\}",
    "\\\\",
    "\\\\\\\"",
    "'a'",
    "\"a\"",
    "\"1\"",
    "\"true\"",
    "\"null\"",
    "\"a b\"",
    "\" a \"",
    "\"a\\\"b\"",
    "\"a,b\"",
    "\"[1]\"",
    "\"2020-01-01\"",
    "\"12:34:56.789Z\"",
    "\"2020-01-01T12:34:56.789Z\"",
];

const NUMBERS: &[&str] = &[
    "0",
    "-0",
    "+0",
    "-0.0",
    "0.0",
    "00",
    "007",
    "-007",
    "+7",
    "127",
    "128",
    "-128",
    "-129",
    "32767",
    "32768",
    "-32769",
    "2147483647",
    "2147483648",
    "-2147483649",
    "9223372036854775807",
    "9223372036854775808",
    "-9223372036854775808",
    "-9223372036854775809",
    "123456789012345678901234567890",
    "1.0",
    "1.5",
    "1.50",
    "-1.5",
    "+1.5",
    "1.",
    ".5",
    "-.5",
    "1e3",
    "1E3",
    "1e+3",
    "1e-3",
    "1e",
    "1e+",
    "1.5e1",
    "15e-1",
    "1e38",
    "3.4028235e38",
    "3.4028236e38",
    "3.5e38",
    "1.7976931348623157e308",
    "1e309",
    "-1e309",
    "1e-45",
    "1e-46",
    "1.4e-45",
    "1e-400",
    "4.9e-324",
    "1e400",
    "1e2147483647",
    "1e2147483648",
    "1e-2147483647",
    "1e-2147483648",
    "0e2147483647",
    "0.1",
    "0.10",
    "16777217",
    "16777217.5",
    "0.123456789012345678901",
    "3.14159265358979",
    "100.00",
    "1e18",
    "1e19",
    "9.3e18",
    "9.2e18",
    "1_000",
    "1,000",
    "1 000",
    "0x10",
    "1f",
    "1d",
    "1L",
    "NaN",
    "Infinity",
    "-Infinity",
    "+NaN",
    "1e5.5",
    "--1",
    "++1",
    "+-1",
    "1-",
    "1+",
    "1.5.5",
    "42abc",
    "1/2",
    "١٢",
    "１",
    "1e00000000003",
    "1e-0",
    "0.0000001",
    "0e5",
    "0.00e-7",
    "-0e1",
    "99999999999999999999.0",
    "1000000000000000000000e-3",
    "128.0",
    "32768.00",
    "1e2147483640",
    "123456789.123456789e30",
    "5e-324",
    "2e-324",
    "0.5e-45",
];

const TIMES: &[&str] = &[
    "2020-01-01",
    "2020-02-29",
    "2021-02-29",
    "2020-13-01",
    "2020-12-32",
    "2020-00-00",
    "0000-01-01",
    "0001-01-01",
    "1582-10-10",
    "1969-12-31",
    "9999-12-31",
    "-200-01-01",
    "2020-1-001",
    "2020/01/01",
    "2020-01-1x",
    "20-01-0001",
    "+020-01-01",
    "2020-01-01 ",
    "2020--1-01",
    "2020- 1-01",
    "1970-01-01",
    "12:34:56.789Z",
    "24:00:00.000Z",
    "23:59:59.999Z",
    "00:00:00.000Z",
    "25:61:61.000Z",
    "1:2:3.000000Z",
    "12:34:56.789z",
    "12:34:56,789Z",
    "12:34:56.7890",
    "-1:00:00.000Z",
    "12:34:56:789Z",
    "10:11:12Z",
    "12:34",
    "2020-01-01T12:34:56.789Z",
    "2020-01-01t12:34:56.789Z",
    "2020-01-01T12:34:56.789z",
    "1969-12-31T23:59:59.999Z",
    "0000-00-00T00:00:00.000Z",
    "2020-01-01 12:34:56.789Z",
    "2020-13-45T99:99:99.999Z",
    "1500-02-29T00:00:00.000Z",
    "2020-01-01T12\\:34\\:56.789Z",
    "12\\:34\\:56.789Z",
    "2020-01-01T24:00:00.000Z",
    "2020-01-01T12:34:56.789+",
    "9999-99-99T99:99:99.999Z",
    "2020-01-01T1:2:3.0000000Z",
    "12:34:56.78 Z",
    "12:3 :56.789Z",
];

/// A token of a collection, or a whole text.
fn scalar(r: &mut Random) -> String {
    match r.below(10) {
        0..3 => r.pick(NUMBERS).to_owned(),
        3 => r.integer(64).to_string(),
        4 => format!("{}{}.{}", r.pick(&["", "-"]), r.below(1000), r.next() % 1_000_000),
        5 => r.pick(TIMES).to_owned(),
        6 => r.pick(WORDS).to_owned(),
        7 => format!(
            "\"{}\"",
            r.pick(&["a", "b", "c d", "1", "x\\\"y", "é", "", " ", "2020-01-01", "true", "\\\\", "a:b", "{", "\\{"])
        ),
        8 => r.pick(&["null", "true", "false"]).to_owned(),
        _ => format!("{}e{}", r.integer(20), r.integer(8)),
    }
}

fn blank(r: &mut Random) -> &'static str {
    if r.percent(12) { r.pick(&[" ", "  ", "\t", "\n", "\u{1}", "\u{a0}", "\u{2003}"]) } else { "" }
}

/// What mostly is of one type.
fn of_kind(r: &mut Random, kind: usize) -> String {
    match kind {
        0 => r.integer(10).to_string(),
        1 => format!("{}.5", r.integer(20)),
        2 => format!("\"{}\"", r.pick(&["a", "b", "c d", "x\\\"y", "é", "", "e:f", "a,b"])),
        3 => r.pick(&["true", "false"]).to_owned(),
        4 => r.pick(TIMES).to_owned(),
        5 => format!("\"{}\"", r.pick(TIMES)),
        6 => r
            .pick(&[
                "1",
                "300",
                "70000",
                "3000000000",
                "1.5",
                "1e300",
                "12345678901234567890",
                "12345678901234567890.5",
            ])
            .to_owned(),
        7 => r.pick(&["2020-01-01", "12:34:56.789Z", "2020-01-01T12:34:56.789Z", "5", "100000"]).to_owned(),
        _ => scalar(r),
    }
}

fn collection(r: &mut Random, depth: usize) -> String {
    let kind = r.below(10);
    let mut out = blank(r).to_owned();
    let part = |r: &mut Random| {
        let inner = if depth > 0 && r.percent(25) { collection(r, depth - 1) } else { of_kind(r, kind) };
        format!("{}{inner}{}", blank(r), blank(r))
    };
    let list = r.percent(55);
    out.push(if list { '[' } else { '{' });
    for index in 0..r.below(5) {
        if index > 0 {
            out.push(',');
        }
        if list {
            out += &part(r);
        } else {
            let keys = r.below(4);
            let key = match keys {
                0 => of_kind(r, kind),
                1 => r.integer(6).to_string(),
                _ => format!("\"{}\"", r.pick(&["k", "l", "m", "a b", "é", ""])),
            };
            out += &format!("{}{key}{}:{}", blank(r), blank(r), part(r));
        }
    }
    if r.percent(4) {
        out += r.pick(&[",", ",,", ":", "\"", "\\"]);
    }
    if !r.percent(4) {
        out.push(if list != r.percent(2) { ']' } else { '}' });
    }
    out + blank(r)
}

/// A header's bytes.
pub fn text(r: &mut Random) -> Vec<u8> {
    let mut text = match r.below(10) {
        0..3 => scalar(r),
        3 => format!("{}{}{}", blank(r), scalar(r), blank(r)),
        4 => (0..r.below(4)).map(|_| scalar(r)).collect(),
        5 if r.percent(10) => {
            let depth = r.below(30);
            format!("{}{}{}", "[".repeat(depth), r.pick(&["", "1", "\"a\""]), "]".repeat(depth))
        }
        _ => collection(r, 2),
    }
    .into_bytes();
    if r.percent(12) && !text.is_empty() {
        let at = r.below(text.len());
        match r.below(4) {
            0 => {
                text.remove(at);
            }
            1 => text.insert(at, r.byte(b"[]{},:\"\\ 0-+.eTZ\xff\0n")),
            2 => text.truncate(at),
            _ => text[at] = r.byte(b"[]{},:\"\\ 0-+.eTZ\xff\0n"),
        }
    }
    text
}
