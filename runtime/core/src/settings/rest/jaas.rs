//! The file that tells a JVM its login modules, as far as basic authentication reads it.

use std::iter::Peekable;
use std::str::CharIndices;

use millstream_api::{Error, Result};

const ENTRY: &str = "KafkaConnect";
const MODULE: &str = "org.apache.kafka.connect.rest.basic.auth.extension.PropertyFileLoginModule";

/// The file of credentials that the entry `KafkaConnect` names: option `file` of its login module.
///
/// `path` is named in errors (kind config). No text of the file is, but for class names: other entries may hold passwords.
pub fn credentials_file(text: &str, path: &str) -> Result<String> {
    let wrong = |reason: &str| {
        Error::config(format!("{path}: {reason}"))
            .hint(format!("{ENTRY} {{ {MODULE} required file=\"/path/of/credentials.properties\"; }};"))
    };
    let mut words = Words(text.char_indices().peekable());
    while let Some(name) = words.next(&wrong)? {
        let is_ours = name.is(ENTRY);
        words.expect("{", &wrong)?;
        let mut modules = Vec::new();
        loop {
            let class = words.need(&wrong)?;
            if class.is_mark('}') {
                break;
            }
            // required, requisite, sufficient or optional: one module decides alone.
            words.need(&wrong)?;
            let mut file = None;
            loop {
                let key = words.need(&wrong)?;
                if key.is_mark(';') {
                    break;
                }
                words.expect("=", &wrong)?;
                let value = words.need(&wrong)?;
                if key.is("file") {
                    file = Some(value.text);
                }
            }
            modules.push((class.text, file));
        }
        words.expect(";", &wrong)?;
        if !is_ours {
            continue;
        }
        return match modules.as_mut_slice() {
            [(class, file)] if class == MODULE => {
                file.take().ok_or_else(|| wrong("the login module of entry KafkaConnect has no option file"))
            }
            [(class, _)] => Err(wrong(&format!("login module {class} of entry KafkaConnect is a Java class"))),
            _ => Err(wrong("entry KafkaConnect must have one login module")),
        };
    }
    Err(wrong("there is no entry KafkaConnect"))
}

struct Word {
    text: String,
    quoted: bool,
}

impl Word {
    fn is(&self, text: &str) -> bool {
        !self.quoted && self.text == text
    }

    fn is_mark(&self, mark: char) -> bool {
        !self.quoted && self.text.starts_with(mark)
    }
}

struct Words<'a>(Peekable<CharIndices<'a>>);

impl Words<'_> {
    fn next(&mut self, wrong: &dyn Fn(&str) -> Error) -> Result<Option<Word>> {
        loop {
            let Some((at, c)) = self.0.next() else { return Ok(None) };
            let bare = |text: String| Ok(Some(Word { text, quoted: false }));
            match c {
                _ if c.is_whitespace() => {}
                '/' if self.0.next_if(|(_, next)| *next == '/').is_some() => {
                    while self.0.next_if(|(_, next)| *next != '\n').is_some() {}
                }
                '/' if self.0.next_if(|(_, next)| *next == '*').is_some() => {
                    let mut last = ' ';
                    loop {
                        let Some((_, c)) = self.0.next() else { return Err(wrong("a comment does not end")) };
                        if last == '*' && c == '/' {
                            break;
                        }
                        last = c;
                    }
                }
                '{' | '}' | ';' | '=' => return bare(c.to_string()),
                '"' | '\'' => return self.quoted(c, wrong).map(Some),
                _ if is_word(c) => {
                    let mut text = c.to_string();
                    while let Some((_, next)) = self.0.next_if(|(_, next)| is_word(*next)) {
                        text.push(next);
                    }
                    return bare(text);
                }
                _ => return Err(wrong(&format!("character {} cannot be read", at + 1))),
            }
        }
    }

    fn quoted(&mut self, quote: char, wrong: &dyn Fn(&str) -> Error) -> Result<Word> {
        let mut text = String::new();
        loop {
            match self.0.next() {
                Some((_, c)) if c == quote => return Ok(Word { text, quoted: true }),
                Some((_, '\\')) => text.extend(self.0.next().map(|(_, c)| c)),
                Some((_, c)) if c != '\n' => text.push(c),
                _ => return Err(wrong("a quoted text does not end")),
            }
        }
    }

    fn need(&mut self, wrong: &dyn Fn(&str) -> Error) -> Result<Word> {
        self.next(wrong)?.ok_or_else(|| wrong("the file ends within an entry"))
    }

    fn expect(&mut self, mark: &str, wrong: &dyn Fn(&str) -> Error) -> Result<()> {
        match self.need(wrong)?.is(mark) {
            true => Ok(()),
            false => Err(wrong(&format!("{mark} is missing"))),
        }
    }
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '.' | '_' | '-' | '$' | '/' | ':')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_of_the_entry() {
        let text = format!(
            "// users\nKafkaClient {{ a.b.PlainLoginModule required password=\"hunter2\" file=\"no\"; }};\n/* ours */\nKafkaConnect {{\n  {MODULE}\n  required debug=true file=\"/etc/a \\\"b\\\".properties\";\n}};\n"
        );
        assert_eq!(credentials_file(&text, "jaas.conf").unwrap(), "/etc/a \"b\".properties");
    }

    #[test]
    fn what_is_missing_is_told_and_passwords_are_not() {
        let entry = |body: &str| format!("X {{ a required password=\"hunter2\"; }}; KafkaConnect {{ {body} }};");
        for (text, reason) in [
            (String::new(), "no entry KafkaConnect"),
            (entry(""), "must have one login module"),
            (entry(&format!("{MODULE} required;")), "no option file"),
            (
                entry("com.example.Ldap required password=hunter2;"),
                "com.example.Ldap of entry KafkaConnect is a Java class",
            ),
            (entry(&format!("{MODULE} required file=\"hunter2;")), "does not end"),
            (entry("x required ;").replace("};", "}"), "is missing"),
            (entry("x required a=b"), "is missing"),
            ("KafkaConnect {".to_owned(), "ends within"),
            ("/* hunter2".to_owned(), "comment"),
            ("KafkaConnect § ".to_owned(), "character 14"),
        ] {
            let error = credentials_file(&text, "jaas.conf").unwrap_err().to_string();
            assert!(
                error.contains(reason) && error.contains("jaas.conf") && !error.contains("hunter2"),
                "{text}: {error}"
            );
        }
    }
}
