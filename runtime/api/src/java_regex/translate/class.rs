//! Sets of characters between brackets, as Java reads them.
//!
//! What `&&` joins, what a `^` in the middle turns, and that single characters go into one set to which later ones are added even
//! where it was joined already, is Java's own: the set is built as Java builds it, and written for the engine when it is complete.

use std::cell::RefCell;
use std::rc::Rc;

use super::{Escape, Translator, bracketed, push_literal};

/// How deep brackets may be in brackets.
const DEPTH: usize = 100;

/// A set in the making.
enum Set {
    /// Single characters: parts for use between brackets. More may come.
    Singles(Rc<RefCell<String>>),
    /// In the engine's notation, brackets included.
    Plain(String),
    Union(Rc<Set>, Rc<Set>),
    Both(Rc<Set>, Rc<Set>),
    Not(Rc<Set>),
}

impl Set {
    fn write(&self, out: &mut String) {
        match self {
            Self::Singles(parts) if parts.borrow().is_empty() => out.push_str("[a&&b]"),
            Self::Singles(parts) => {
                out.push('[');
                out.push_str(&parts.borrow());
                out.push(']');
            }
            Self::Plain(set) => out.push_str(set),
            Self::Union(a, b) => Self::write_all(out, "[", a, "", b),
            Self::Both(a, b) => Self::write_all(out, "[", a, "&&", b),
            Self::Not(set) => {
                out.push_str("[^");
                set.write(out);
                out.push(']');
            }
        }
    }

    fn write_all(out: &mut String, open: &str, a: &Self, between: &str, b: &Self) {
        out.push_str(open);
        a.write(out);
        out.push_str(between);
        b.write(out);
        out.push(']');
    }
}

fn union(a: Option<Rc<Set>>, b: Rc<Set>) -> Rc<Set> {
    match a {
        Some(a) => Rc::new(Set::Union(a, b)),
        None => b,
    }
}

impl Translator {
    /// After an opening bracket: all up to the closing one, sets within sets included.
    pub(super) fn class(&mut self) -> Result<(), String> {
        let set = self.set(true, 0)?;
        let mut text = String::new();
        set.write(&mut text);
        match self.flags.any_case() {
            true => self.out.push_str(&format!("(?i:{text})")),
            false => self.out.push_str(&text),
        }
        Ok(())
    }

    /// A set up to its closing bracket, which is taken when `closes`.
    fn set(&mut self, closes: bool, depth: usize) -> Result<Rc<Set>, String> {
        if depth > DEPTH {
            return Err(self.wrong("Too many brackets in brackets"));
        }
        let singles = Rc::new(RefCell::new(String::new()));
        let (mut all, mut last): (Option<Rc<Set>>, Option<Rc<Set>>) = (None, None);
        let (mut turned, mut has_singles) = (false, false);
        loop {
            self.skip_comments();
            match self.peek() {
                None => return Err(self.wrong("Unclosed character class")),
                Some('^') if self.at > 0 && self.chars.get(self.at - 1) == Some(&'[') => {
                    self.at += 1;
                    turned = true;
                    continue;
                }
                Some('[') => {
                    self.at += 1;
                    let inner = self.set(true, depth + 1)?;
                    last = Some(inner.clone());
                    all = Some(union(all, inner));
                    continue;
                }
                Some('&') if self.chars.get(self.at + 1) == Some(&'&') => {
                    self.at += 2;
                    let right = self.right_side(depth)?;
                    if std::mem::take(&mut has_singles) {
                        let before = Rc::new(Set::Singles(singles.clone()));
                        if all.is_none() {
                            last = Some(before.clone());
                        }
                        all = Some(union(all, before));
                    }
                    last = right.clone().or(last);
                    all = Some(match (all, right, &last) {
                        (None, None, _) => return Err(self.wrong("Bad class syntax")),
                        (None, Some(right), _) => right,
                        (Some(all), _, Some(last)) => Rc::new(Set::Both(all, last.clone())),
                        // Java takes it, and fails when it is used.
                        (Some(_), _, None) => return Err(self.wrong("Bad class syntax")),
                    });
                    continue;
                }
                Some(']') if all.is_some() || has_singles => {
                    if closes {
                        self.at += 1;
                    }
                    if has_singles {
                        all = Some(union(all, Rc::new(Set::Singles(singles))));
                    }
                    let all = all.ok_or_else(|| self.wrong("Bad class syntax"))?;
                    return Ok(if turned { Rc::new(Set::Not(all)) } else { all });
                }
                Some(_) => {}
            }
            last = self.item(&singles)?;
            match &last {
                None => has_singles = true,
                Some(set) => all = Some(union(all, set.clone())),
            }
        }
    }

    /// What stands after `&&`; `None` when nothing does. Several things count together.
    fn right_side(&mut self, depth: usize) -> Result<Option<Rc<Set>>, String> {
        let mut right = None;
        loop {
            self.skip_comments();
            match self.peek() {
                Some(']' | '&') => return Ok(right),
                Some('[') => {
                    self.at += 1;
                    let inner = self.set(true, depth + 1)?;
                    right = Some(union(right, inner));
                }
                _ => {
                    let inner = self.set(false, depth + 1)?;
                    right = Some(union(right, inner));
                }
            }
        }
    }

    /// A character, which is added to `singles`; or, as a set of its own, a range or an escape.
    fn item(&mut self, singles: &Rc<RefCell<String>>) -> Result<Option<Rc<Set>>, String> {
        let low = match self.class_char()? {
            Escape::Char(c) => c,
            Escape::Set(parts, turned) => return Ok(Some(Rc::new(Set::Plain(bracketed(&parts, turned))))),
        };
        self.skip_comments();
        let is_range = self.peek() == Some('-') && !matches!(self.chars.get(self.at + 1), None | Some(']' | '['));
        if !is_range {
            let mut part = String::new();
            push_part(&mut part, low);
            if let Some(other) = self.flags.other_case(low) {
                push_part(&mut part, other);
            }
            if u32::from(low) < 256 {
                singles.borrow_mut().push_str(&part);
                return Ok(None);
            }
            return Ok(Some(Rc::new(Set::Plain(bracketed(&part, false)))));
        }
        self.at += 1;
        match self.class_char()? {
            Escape::Char(high) if high >= low => {
                let mut parts = String::new();
                push_range(&mut parts, low, high);
                if self.flags.ascii_case() {
                    for (from, to, there) in [('a', 'z', 'A'), ('A', 'Z', 'a')] {
                        let (from_there, end) = (low.max(from), high.min(to));
                        if from_there <= end {
                            let moved = |c: char| char::from((c as u8) - (from as u8) + (there as u8));
                            push_range(&mut parts, moved(from_there), moved(end));
                        }
                    }
                }
                Ok(Some(Rc::new(Set::Plain(bracketed(&parts, false)))))
            }
            _ => Err(self.wrong("Illegal character range")),
        }
    }

    fn class_char(&mut self) -> Result<Escape, String> {
        let c = self.next().ok_or_else(|| self.wrong("Unclosed character class"))?;
        if c != '\\' {
            return Ok(Escape::Char(c));
        }
        match self.next() {
            None => Err(self.wrong("Unexpected end after a backslash")),
            Some('1'..='9') => Err(self.wrong("Illegal escape of a digit")),
            Some(c) => self.escaped(c),
        }
    }
}

fn push_range(out: &mut String, low: char, high: char) {
    push_literal(out, low);
    out.push('-');
    push_literal(out, high);
}

/// To the engine, `[:` begins the name of a set, however it is escaped.
fn push_part(out: &mut String, c: char) {
    if c == ':' { out.push_str(":-:") } else { push_literal(out, c) }
}
