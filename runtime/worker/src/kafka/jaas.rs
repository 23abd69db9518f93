//! `sasl.jaas.config`: a login module's class and its options, in the syntax of Java's JAAS files.

use std::fmt;

/// A login module and its options. `Debug` shows no values.
pub(super) struct Login {
    /// Class of the login module.
    class: String,
    options: Vec<(String, String)>,
}

impl Login {
    /// Reads `Class required name="value" name=value;`. The reason of a failure holds nothing of the line.
    pub(super) fn parse(line: &str) -> Result<Self, &'static str> {
        let line = line.trim().strip_suffix(';').ok_or("it does not end with a semicolon")?;
        let (class, rest) = word(line.trim());
        let (flag, mut rest) = word(rest);
        if !["required", "requisite", "sufficient", "optional"].iter().any(|known| known.eq_ignore_ascii_case(flag)) {
            return Err("the word after the login module is not required, requisite, sufficient or optional");
        }
        let mut options = Vec::new();
        while !rest.is_empty() {
            let (name, after) = rest.split_once('=').ok_or("an option has no value")?;
            if name.contains(';') {
                return Err("it names more than one login module");
            }
            let (value, after) = option_value(after.trim_start())?;
            options.push((name.trim().to_owned(), value));
            rest = after.trim_start();
        }
        Ok(Self { class: class.to_owned(), options })
    }

    /// True when the login module's class, with or without its package, is this one.
    pub(super) fn is(&self, simple: &str) -> bool {
        self.class.rsplit('.').next() == Some(simple)
    }

    /// An option's value.
    pub(super) fn option(&self, name: &str) -> Option<&str> {
        self.options.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The options below a prefix, without it.
    pub(super) fn with_prefix(&self, prefix: &str) -> impl Iterator<Item = (&str, &str)> {
        self.options.iter().filter_map(move |(name, value)| Some((name.strip_prefix(prefix)?, value.as_str())))
    }
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.options.iter().map(|(name, _)| name).collect();
        f.debug_struct("Login").field("class", &self.class).field("options", &names).finish()
    }
}

fn word(text: &str) -> (&str, &str) {
    let end = text.find(char::is_whitespace).unwrap_or(text.len());
    let (word, rest) = text.split_at(end);
    (word, rest.trim_start())
}

/// A value, quoted (with `\` before `"` and `\`) or bare, and what follows.
fn option_value(text: &str) -> Result<(String, &str), &'static str> {
    let Some(quote) = text.chars().next().filter(|c| matches!(c, '"' | '\'')) else {
        let end = text.find(|c: char| c.is_whitespace() || c == ';').unwrap_or(text.len());
        let (value, rest) = text.split_at(end);
        return Ok((value.to_owned(), rest));
    };
    let mut value = String::new();
    let mut chars = text.char_indices().skip(1);
    while let Some((at, c)) = chars.next() {
        match c {
            c if c == quote => return Ok((value, text.get(at + 1..).unwrap_or_default())),
            '\\' => value.push(chars.next().ok_or("a quoted value does not end")?.1),
            c => value.push(c),
        }
    }
    Err("a quoted value does not end")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jaas_lines() {
        let line =
            r#"org.apache.kafka.common.security.scram.ScramLoginModule required username="u" password="a\"b;=c" x=y;"#;
        let login = Login::parse(line).unwrap();
        assert!(login.is("ScramLoginModule") && !login.is("PlainLoginModule"));
        assert_eq!((login.option("username"), login.option("password")), (Some("u"), Some("a\"b;=c")));
        assert_eq!((login.option("x"), login.option("z")), (Some("y"), None));
        assert!(!format!("{login:?}").contains("a\"b"));
        let spread = Login::parse("  X   REQUIRED\n  a = 'b c'\n  ext_d=e ;  ").unwrap();
        assert_eq!(spread.option("a"), Some("b c"));
        assert_eq!(spread.with_prefix("ext_").collect::<Vec<_>>(), [("d", "e")]);
        assert!(Login::parse("X required;").is_ok());
        for bad in [
            "",
            ";",
            "X;",
            "X perhaps a=b;",
            "X required username=\"u;",
            "X required username;",
            "X required a=b; Y required c=d;",
        ] {
            assert!(Login::parse(bad).is_err(), "{bad}");
        }
    }
}
