//! From Java's notation of regular expressions to that of the engine.
//!
//! Where the two read the same text otherwise, the text is rewritten: what a dot, a dollar, `\d`, `\w`, `\s`, `\h`, `\v` and `\Z`
//! mean, quoting, comments, octal and control characters, escapes of what needs none, names of properties. Letters of other
//! scripts are the same to `(?i)` in upper and lower case, which in Java takes `(?u)` too.

mod class;
mod property;

/// Line ends of Java, one character each.
const LINE_ENDS: &str = r"\n\r\x{85}\x{2028}\x{2029}";

/// The pattern in the engine's notation. An error is a sentence.
pub(super) fn translate(pattern: &str) -> Result<String, String> {
    let mut translator = Translator {
        chars: pattern.chars().collect(),
        at: 0,
        out: String::with_capacity(pattern.len() * 2),
        flags: Flags::default(),
        scopes: Vec::new(),
        groups: 0,
        names: Vec::new(),
        repeatable: false,
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
}

struct Translator {
    chars: Vec<char>,
    at: usize,
    out: String,
    flags: Flags,
    /// Flags of the groups around.
    scopes: Vec<Flags>,
    /// Capturing groups so far.
    groups: usize,
    names: Vec<String>,
    /// Whether something stands before that a quantifier can be about.
    repeatable: bool,
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
        while let Some(c) = self.next() {
            match c {
                '\\' => self.escape()?,
                '[' => self.class()?,
                '(' => self.open()?,
                ')' => {
                    self.flags = self.scopes.pop().ok_or_else(|| self.wrong("Unmatched closing ')'"))?;
                    self.out.push(')');
                }
                '.' if self.flags.dotall => self.out.push_str("(?s:.)"),
                '.' if self.flags.unix_lines => self.out.push_str(r"[^\n]"),
                '.' => self.out.push_str(&format!("[^{LINE_ENDS}]")),
                '^' if self.flags.multiline => self.out.push_str("(?m:^)"),
                '^' => self.out.push_str(r"\A"),
                '$' if self.flags.multiline => self.out.push_str("(?m:$)"),
                '$' => self.end_of_text(),
                '|' => self.out.push('|'),
                '*' | '+' | '?' => self.repeat(&c.to_string())?,
                '{' => self.counted()?,
                '#' if self.flags.comments => {
                    while self.next().is_some_and(|c| c != '\n') {}
                    continue;
                }
                c if self.flags.comments && c.is_ascii_whitespace() => continue,
                c => push_literal(&mut self.out, c),
            }
            self.repeatable = !matches!(c, '(' | '|' | '*' | '+' | '?' | '{');
        }
        if self.scopes.is_empty() { Ok(()) } else { Err(self.wrong("Unclosed group")) }
    }

    /// The end, or what stands before the last line end.
    fn end_of_text(&mut self) {
        match self.flags.unix_lines {
            true => self.out.push_str(r"(?=\n?\z)"),
            false => self.out.push_str(&format!(r"(?=(?:\r\n|[{LINE_ENDS}])?\z)")),
        }
    }

    /// A quantifier with what makes it lazy or possessive.
    fn repeat(&mut self, quantifier: &str) -> Result<(), String> {
        if !self.repeatable {
            return Err(self.wrong("Dangling meta character"));
        }
        self.out.push_str(quantifier);
        if let Some(c @ ('?' | '+')) = self.peek() {
            self.at += 1;
            self.out.push(c);
        }
        Ok(())
    }

    /// `{n}`, `{n,}` or `{n,m}`.
    fn counted(&mut self) -> Result<(), String> {
        let mut text = String::from("{");
        while let Some(c) = self.next() {
            text.push(c);
            if c == '}' {
                break;
            }
        }
        let inner = text.strip_prefix('{').and_then(|text| text.strip_suffix('}')).unwrap_or_default();
        let (low, high) = inner.split_once(',').unwrap_or((inner, inner));
        let low: Result<u32, _> = low.parse();
        let high: Result<u32, _> = if high.is_empty() { Ok(u32::MAX) } else { high.parse() };
        match (low, high) {
            (Ok(low), Ok(high)) if low <= high => self.repeat(&text),
            _ => Err(self.wrong("Illegal repetition")),
        }
    }

    fn open(&mut self) -> Result<(), String> {
        let outer = self.flags;
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
    fn inline_flags(&mut self, outer: Flags) -> Result<(), String> {
        let (mut on, mut case) = (true, None);
        loop {
            match self.next() {
                Some('-') if on => on = false,
                Some('i') => case = Some(on),
                Some('s') => self.flags.dotall = on,
                Some('m') => self.flags.multiline = on,
                Some('d') => self.flags.unix_lines = on,
                Some('x') => self.flags.comments = on,
                // Case of all scripts: see above.
                Some('u') => {}
                Some('U') => return Err(self.wrong("the flag U is not supported")),
                Some(end @ (')' | ':')) => {
                    let flags = match case {
                        Some(true) => "i",
                        Some(false) => "-i",
                        None => "",
                    };
                    if end == ':' {
                        self.scopes.push(outer);
                        self.out.push_str(&format!("(?{flags}:"));
                    } else if !flags.is_empty() {
                        self.out.push_str(&format!("(?{flags})"));
                    }
                    return Ok(());
                }
                _ => return Err(self.wrong("Unknown inline modifier or group")),
            }
        }
    }

    fn escape(&mut self) -> Result<(), String> {
        let c = self.next().ok_or_else(|| self.wrong("Unexpected end after a backslash"))?;
        match c {
            'A' | 'z' | 'b' | 'B' => {
                self.out.push('\\');
                self.out.push(c);
            }
            'Z' => self.end_of_text(),
            'R' => self.out.push_str(r"(?:\r\n|[\n\x0B\x0C\r\x{85}\x{2028}\x{2029}])"),
            'Q' => {
                while let Some(c) = self.quoted() {
                    push_literal(&mut self.out, c);
                }
            }
            'k' => {
                if !self.eat("<") {
                    return Err(self.wrong("\\k is not followed by '<' for a named group"));
                }
                let name = self.name('>')?;
                self.out.push_str(&format!(r"\k<{name}>"));
            }
            '1'..='9' => self.back_reference(c),
            c => match self.escaped(c)? {
                Escape::Char(c) => push_literal(&mut self.out, c),
                Escape::Set(parts, turned) => self.out.push_str(&bracketed(&parts, turned)),
            },
        }
        Ok(())
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
            false => self.out.push_str(r"(?!)"),
        }
    }

    /// The next character of a `\Q` quotation; `None` at its end.
    fn quoted(&mut self) -> Option<char> {
        if self.eat(r"\E") { None } else { self.next() }
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
            c if c.is_ascii_alphabetic() => return Err(self.wrong(&format!("Illegal or unsupported escape \\{c}"))),
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
