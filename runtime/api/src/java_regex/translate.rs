//! From Java's notation of regular expressions to that of the engine.
//!
//! Where the two read the same text otherwise, the text is rewritten: what a dot, a dollar, `\d`, `\w`, `\s`, `\h`, `\v` and `\Z`
//! mean, quoting, comments, octal and control characters, escapes of what needs none, names of properties, and what `(?i)` makes of
//! letters: without `(?u)` only those of ASCII have an upper and a lower case.

mod class;
mod property;
mod quoted;

/// Line ends of Java, one character each.
const LINE_ENDS: &str = r"\n\r\x{85}\x{2028}\x{2029}";

/// The pattern in the engine's notation. An error is a sentence.
pub(super) fn translate(pattern: &str) -> Result<String, String> {
    let mut translator = Translator {
        chars: quoted::escaped(pattern),
        at: 0,
        out: String::with_capacity(pattern.len() * 2),
        flags: Flags::default(),
        scopes: Vec::new(),
        groups: 0,
        names: Vec::new(),
        repeatable: false,
        last: 0,
        empty: false,
    };
    translator.run()?;
    Ok(translator.out)
}

#[derive(Clone, Copy, Default)]
struct Flags {
    dotall: bool,
    multiline: bool,
    unix_lines: bool,
    comments: bool,
    /// Upper and lower case are the same,
    ignore_case: bool,
    /// in all scripts.
    unicode_case: bool,
}

impl Flags {
    /// Upper and lower case are the same, in all scripts.
    fn any_case(self) -> bool {
        self.ignore_case && self.unicode_case
    }

    /// Upper and lower case are the same, in ASCII alone.
    fn ascii_case(self) -> bool {
        self.ignore_case && !self.unicode_case
    }

    /// The other case of an ASCII letter, where it is the same.
    fn other_case(self, c: char) -> Option<char> {
        let letter = self.ascii_case() && c.is_ascii_alphabetic();
        letter.then(|| if c.is_ascii_lowercase() { c.to_ascii_uppercase() } else { c.to_ascii_lowercase() })
    }
}

struct Translator {
    chars: Vec<char>,
    at: usize,
    out: String,
    flags: Flags,
    /// Of the groups around: the flags, and where in `out` the group begins.
    scopes: Vec<(Flags, usize)>,
    /// Capturing groups so far.
    groups: usize,
    names: Vec<String>,
    /// Whether something stands before that a quantifier can be about,
    repeatable: bool,
    /// where in `out` it begins,
    last: usize,
    /// and whether it matches nothing but places: the engine does not repeat those.
    empty: bool,
}

/// What an escape stands for.
enum Escape {
    Char(char),
    /// A set: its parts for use between brackets, and whether it is turned.
    Set(String, bool),
}

impl Translator {
    fn peek(&self) -> Option<char> {
        self.chars.get(self.at).copied()
    }

    fn next(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.at += 1;
        Some(c)
    }

    fn eat(&mut self, text: &str) -> bool {
        let found = text.chars().enumerate().all(|(i, c)| self.chars.get(self.at + i) == Some(&c));
        if found {
            self.at += text.chars().count();
        }
        found
    }

    fn wrong(&self, what: &str) -> String {
        format!("{what} near index {}", self.at.saturating_sub(1))
    }

    fn run(&mut self) -> Result<(), String> {
        loop {
            self.skip_comments();
            let Some(c) = self.next() else { break };
            let start = self.out.len();
            let mut begins = start;
            let mut empty = false;
            match c {
                '\\' => empty = self.escape()?,
                '[' => self.class()?,
                '(' => self.open()?,
                ')' => {
                    (self.flags, begins) = self.scopes.pop().ok_or_else(|| self.wrong("Unmatched closing ')'"))?;
                    self.out.push(')');
                    empty = self
                        .out
                        .get(begins..)
                        .is_some_and(|group| ["(?=", "(?!", "(?<=", "(?<!"].iter().any(|look| group.starts_with(look)));
                }
                '.' if self.flags.dotall => self.out.push_str("(?s:.)"),
                '.' if self.flags.unix_lines => self.out.push_str(r"[^\n]"),
                '.' => self.out.push_str(&format!("[^{LINE_ENDS}]")),
                '^' | '$' => {
                    self.line_end(c == '^');
                    empty = true;
                }
                '|' => self.out.push('|'),
                '*' | '+' | '?' => self.repeat(&c.to_string())?,
                '{' => self.counted()?,
                c => self.literal(c),
            }
            // Flags for the rest of the group are nothing themselves.
            self.repeatable = !matches!(c, '(' | '|' | '*' | '+' | '?' | '{');
            (self.last, self.empty) = (begins, empty);
        }
        if self.scopes.is_empty() { Ok(()) } else { Err(self.wrong("Unclosed group")) }
    }

    /// With the flag `x`: skips blanks and comments.
    fn skip_comments(&mut self) {
        while self.flags.comments {
            match self.peek() {
                Some(' ' | '\t' | '\n' | '\u{b}' | '\u{c}' | '\r') => self.at += 1,
                Some('#') => {
                    let end = |c: char| match self.flags.unix_lines {
                        true => c == '\n',
                        false => matches!(c, '\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}'),
                    };
                    let rest = self.chars.get(self.at..).unwrap_or_default();
                    self.at += rest.iter().position(|c| end(*c)).unwrap_or(rest.len());
                }
                _ => return,
            }
        }
    }

    /// A character that stands for itself, in either case where that is the same.
    fn literal(&mut self, c: char) {
        let any_case = self.flags.any_case() && c.is_alphabetic();
        if any_case {
            self.out.push_str("(?i:");
        }
        match self.flags.other_case(c) {
            Some(other) => self.out.push_str(&format!("[{c}{other}]")),
            None => push_literal(&mut self.out, c),
        }
        if any_case {
            self.out.push(')');
        }
    }

    /// `^` or `$`.
    fn line_end(&mut self, start: bool) {
        let text = match (start, self.flags.multiline, self.flags.unix_lines) {
            (true, false, _) => r"\A",
            (true, true, true) => r"(?:\A|(?<=\n)(?!\z))",
            (true, true, false) => r"(?:\A|(?:(?<=[\n\x{85}\x{2028}\x{2029}])|(?<=\r)(?!\n))(?!\z))",
            (false, true, true) => r"(?=\n|\z)",
            (false, true, false) => r"(?:(?=[\r\x{85}\x{2028}\x{2029}]|\z)|(?<!\r)(?=\n))",
            (false, false, _) => return self.end_of_text(),
        };
        self.out.push_str(text);
    }

    /// The end, or what stands before the last line end.
    fn end_of_text(&mut self) {
        match self.flags.unix_lines {
            true => self.out.push_str(r"(?=\n?\z)"),
            false => self.out.push_str(r"(?:(?=(?:\r\n|[\r\x{85}\x{2028}\x{2029}])?\z)|(?<!\r)(?=\n\z))"),
        }
    }

    /// A quantifier with what makes it lazy or possessive.
    fn repeat(&mut self, quantifier: &str) -> Result<(), String> {
        if !self.repeatable {
            return Err(self.wrong("Dangling meta character"));
        }
        if self.empty {
            self.out.insert_str(self.last, "(?:");
            self.out.push_str("|(?!))");
        }
        self.out.push_str(quantifier);
        match self.peek() {
            Some('?') => self.out.push('?'),
            // To the engine a + behind a count is another quantifier.
            Some('+') => {
                self.out.insert_str(self.last, "(?>");
                self.out.push(')');
            }
            _ => return Ok(()),
        }
        self.at += 1;
        Ok(())
    }

    /// `{n}`, `{n,}` or `{n,m}`. With nothing to repeat, Java repeats nothing.
    fn counted(&mut self) -> Result<(), String> {
        if !self.repeatable {
            (self.last, self.repeatable, self.empty) = (self.out.len(), true, false);
            self.out.push_str("(?:|(?!))");
        }
        let mut text = String::from("{");
        while let Some(c) = self.next() {
            if !text.ends_with('{') && self.flags.comments && matches!(c, ' ' | '\t' | '\n' | '\u{b}' | '\u{c}' | '\r')
            {
                continue;
            }
            text.push(c);
            if c == '}' {
                break;
            }
        }
        let inner = text.strip_prefix('{').and_then(|text| text.strip_suffix('}')).unwrap_or_default();
        let (low, high) = inner.split_once(',').unwrap_or((inner, inner));
        let number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse::<u32>().ok())?;
        let high = if high.is_empty() { Some(u32::MAX) } else { number(high) };
        match (number(low), high) {
            (Some(low), Some(high)) if low <= high => self.repeat(&text),
            _ => Err(self.wrong("Illegal repetition")),
        }
    }

    fn open(&mut self) -> Result<(), String> {
        let outer = (self.flags, self.out.len());
        if !self.eat("?") {
            self.groups += 1;
            self.scopes.push(outer);
            self.out.push('(');
            return Ok(());
        }
        for plain in ["<=", "<!", ":", "=", "!", ">"] {
            if self.eat(plain) {
                self.scopes.push(outer);
                self.out.push_str("(?");
                self.out.push_str(plain);
                return Ok(());
            }
        }
        if self.eat("<") {
            let name = self.name('>')?;
            if self.names.contains(&name) {
                return Err(self.wrong(&format!("a second group is named {name}")));
            }
            self.names.push(name.clone());
            self.groups += 1;
            self.scopes.push(outer);
            self.out.push_str(&format!("(?<{name}>"));
            return Ok(());
        }
        self.inline_flags(outer)
    }

    /// A group's name up to `end`, which is taken too.
    fn name(&mut self, end: char) -> Result<String, String> {
        let mut name = String::new();
        while let Some(c) = self.peek().filter(char::is_ascii_alphanumeric) {
            self.at += 1;
            name.push(c);
        }
        let good = name.starts_with(|c: char| c.is_ascii_alphabetic()) && self.next() == Some(end);
        if good { Ok(name) } else { Err(self.wrong("a group's name is not made of letters and digits")) }
    }

    /// `(?i)` for the rest of the group, or `(?i:` for a group.
    fn inline_flags(&mut self, outer: (Flags, usize)) -> Result<(), String> {
        let mut on = true;
        loop {
            match self.next() {
                Some('-') if on => on = false,
                Some('i') => self.flags.ignore_case = on,
                Some('s') => self.flags.dotall = on,
                Some('m') => self.flags.multiline = on,
                Some('d') => self.flags.unix_lines = on,
                Some('x') => self.flags.comments = on,
                Some('u') => self.flags.unicode_case = on,
                Some('U') => return Err(self.wrong("the flag U is not supported")),
                Some(')') => return Ok(()),
                Some(':') => {
                    self.scopes.push(outer);
                    self.out.push_str("(?:");
                    return Ok(());
                }
                _ => return Err(self.wrong("Unknown inline modifier or group")),
            }
        }
    }

    /// True when what the escape stands for matches places alone.
    fn escape(&mut self) -> Result<bool, String> {
        let c = self.next().ok_or_else(|| self.wrong("Unexpected end after a backslash"))?;
        match c {
            'A' | 'z' | 'b' | 'B' => {
                self.out.push('\\');
                self.out.push(c);
                return Ok(true);
            }
            'Z' => {
                self.end_of_text();
                return Ok(true);
            }
            'R' => self.out.push_str(r"(?:\r\n|[\n\x0B\x0C\r\x{85}\x{2028}\x{2029}])"),
            'k' => {
                if !self.eat("<") {
                    return Err(self.wrong("\\k is not followed by '<' for a named group"));
                }
                let name = self.name('>')?;
                self.out.push_str(&format!(r"\k<{name}>"));
            }
            '1'..='9' => self.back_reference(c),
            c => match self.escaped(c)? {
                Escape::Char(c) => self.literal(c),
                Escape::Set(parts, turned) => self.out.push_str(&bracketed(&parts, turned)),
            },
        }
        Ok(false)
    }

    /// As many digits as make the number of a group that is there.
    fn back_reference(&mut self, first: char) {
        let mut number = first as usize - '0' as usize;
        while let Some(digit) = self.peek().and_then(|c| c.to_digit(10)) {
            let longer = number * 10 + digit as usize;
            if longer > self.groups {
                break;
            }
            number = longer;
            self.at += 1;
        }
        // Java matches nothing by a group that is not there.
        match number <= self.groups {
            true => self.out.push_str(&format!(r"(?:\{number})")),
            false => self.out.push_str(r"[a&&b]"),
        }
    }

    /// An escape that means the same inside and outside of brackets.
    fn escaped(&mut self, c: char) -> Result<Escape, String> {
        let set = |parts: &str, turned: bool| Ok(Escape::Set(parts.to_owned(), turned));
        Ok(Escape::Char(match c {
            'd' | 'D' => return set("0-9", c == 'D'),
            'w' | 'W' => return set("a-zA-Z0-9_", c == 'W'),
            's' | 'S' => return set(r"\x20\t\n\x0B\x0C\r", c == 'S'),
            'h' | 'H' => {
                return set(r"\x20\t\x{A0}\x{1680}\x{180e}\x{2000}-\x{200a}\x{202f}\x{205f}\x{3000}", c == 'H');
            }
            'v' | 'V' => return set(r"\n\x0B\x0C\r\x{85}\x{2028}\x{2029}", c == 'V'),
            'p' | 'P' => return Ok(Escape::Set(self.property()?, c == 'P')),
            't' => '\t',
            'n' => '\n',
            'r' => '\r',
            'f' => '\u{c}',
            'a' => '\u{7}',
            'e' => '\u{1b}',
            'c' => {
                let c = self.next().ok_or_else(|| self.wrong("Illegal control escape sequence"))?;
                char::from_u32(u32::from(c) ^ 64).ok_or_else(|| self.wrong("Illegal control escape sequence"))?
            }
            '0' => self.octal()?,
            'x' if self.eat("{") => {
                let digits: String = std::iter::from_fn(|| self.next().filter(|c| *c != '}')).collect();
                self.code_point(&digits)?
            }
            'x' => self.hex(2)?,
            'u' => self.hex(4)?,
            'G' | 'X' | 'N' => return Err(self.wrong(&format!("\\{c} is not supported"))),
            c if c.is_ascii_alphabetic() => return Err(self.wrong(&format!("Illegal escape \\{c}"))),
            c => c,
        }))
    }

    fn code_point(&self, digits: &str) -> Result<char, String> {
        let code = u32::from_str_radix(digits, 16).ok().and_then(char::from_u32);
        code.ok_or_else(|| self.wrong("Illegal hexadecimal escape sequence"))
    }

    fn hex(&mut self, len: usize) -> Result<char, String> {
        let digits: String = std::iter::from_fn(|| self.next()).take(len).collect();
        let unit = u16::from_str_radix(&digits, 16).map_err(|_| self.wrong("Illegal hexadecimal escape sequence"))?;
        // Two halves of a character beyond 16 bits.
        if (0xd800..0xdc00).contains(&unit) && self.eat(r"\u") {
            let digits: String = std::iter::from_fn(|| self.next()).take(4).collect();
            let low = u16::from_str_radix(&digits, 16).unwrap_or_default();
            let whole = char::decode_utf16([unit, low]).next().and_then(Result::ok);
            return whole.ok_or_else(|| self.wrong("half a character"));
        }
        char::from_u32(unit.into()).ok_or_else(|| self.wrong("half a character"))
    }

    /// After `\0`: one to three digits, not above 377.
    fn octal(&mut self) -> Result<char, String> {
        let mut code = None;
        for _ in 0..3 {
            let Some(digit) = self.peek().and_then(|c| c.to_digit(8)) else { break };
            let longer = code.unwrap_or(0) * 8 + digit;
            if longer > 0o377 {
                break;
            }
            code = Some(longer);
            self.at += 1;
        }
        code.and_then(char::from_u32).ok_or_else(|| self.wrong("Illegal octal escape sequence"))
    }

    /// After `\p`: the parts of a set.
    fn property(&mut self) -> Result<String, String> {
        let name: String = if self.eat("{") {
            let name = std::iter::from_fn(|| self.next().filter(|c| *c != '}')).collect();
            if self.chars.get(self.at.saturating_sub(1)) != Some(&'}') {
                return Err(self.wrong("Unclosed character family"));
            }
            name
        } else {
            self.next().map(String::from).unwrap_or_default()
        };
        property::set(&name).ok_or_else(|| self.wrong(&format!("the character property {name:?} is not supported")))
    }
}

fn bracketed(parts: &str, turned: bool) -> String {
    format!("[{}{parts}]", if turned { "^" } else { "" })
}

/// A character that stands for itself, inside or outside of brackets.
fn push_literal(out: &mut String, c: char) {
    match c {
        '\\' | '.' | '+' | '*' | '?' | '(' | ')' | '|' | '[' | ']' | '{' | '}' | '^' | '$' | '#' | '&' | '-' | '~' => {
            out.push('\\');
            out.push(c);
        }
        c if c.is_ascii_control() || c == ' ' => out.push_str(&format!(r"\x{:02X}", u32::from(c))),
        c => out.push(c),
    }
}
