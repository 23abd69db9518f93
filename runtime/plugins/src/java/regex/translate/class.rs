//! Sets of characters between brackets.

use super::{Escape, Translator, bracketed, push_literal};

impl Translator {
    /// After an opening bracket: all up to the closing one, sets within sets included.
    pub(super) fn class(&mut self) -> Result<(), String> {
        self.out.push('[');
        if self.eat("^") {
            self.out.push('^');
        }
        let mut empty = true;
        loop {
            let Some(c) = self.next() else { return Err(self.wrong("Unclosed character class")) };
            match c {
                // Java takes a bracket that comes first as itself.
                ']' if !empty => {
                    self.out.push(']');
                    return Ok(());
                }
                '[' => self.class()?,
                '&' if self.eat("&") => {
                    while self.eat("&") {}
                    if self.peek() == Some(']') {
                        // Nothing follows: what stands before counts.
                        continue;
                    }
                    self.out.push_str(if empty { "" } else { "&&" });
                    continue;
                }
                c if self.flags.comments && c.is_ascii_whitespace() => continue,
                '#' if self.flags.comments => {
                    while self.next().is_some_and(|c| c != '\n') {}
                    continue;
                }
                '\\' if self.eat("Q") => {
                    while let Some(c) = self.quoted() {
                        push_literal(&mut self.out, c);
                    }
                }
                c => self.item(c)?,
            }
            empty = false;
        }
    }

    /// A character, a range or an escape.
    fn item(&mut self, c: char) -> Result<(), String> {
        let low = match self.class_char(c)? {
            Escape::Char(c) => c,
            Escape::Set(parts, turned) => {
                self.out.push_str(&bracketed(&parts, turned));
                return Ok(());
            }
        };
        let ends = matches!(self.chars.get(self.at + 1), None | Some(']' | '['));
        let is_range = self.peek() == Some('-') && !ends;
        match low {
            // To the engine, [: begins the name of a set, however it is escaped.
            ':' if !is_range => self.out.push_str(":-:"),
            low => push_literal(&mut self.out, low),
        }
        if !is_range {
            return Ok(());
        }
        self.at += 1;
        let c = self.next().ok_or_else(|| self.wrong("Unclosed character class"))?;
        match self.class_char(c)? {
            Escape::Char(high) if high >= low => {
                self.out.push('-');
                push_literal(&mut self.out, high);
                Ok(())
            }
            _ => Err(self.wrong("Illegal character range")),
        }
    }

    fn class_char(&mut self, c: char) -> Result<Escape, String> {
        if c != '\\' {
            return Ok(Escape::Char(c));
        }
        let c = self.next().ok_or_else(|| self.wrong("Unexpected end after a backslash"))?;
        self.escaped(c)
    }
}
