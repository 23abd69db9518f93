//! Tables: their names, which of them a connector reads, and how they are spread over tasks.

use std::fmt;

use millstream_api::{Error, Result};
use regex::Regex;

/// Whether identifiers are quoted in SQL (`quote.sql.identifiers`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quoting {
    /// Always, with quotes inside doubled.
    Always,
    /// Never: the database folds their case.
    Never,
}

impl Quoting {
    /// An identifier as SQL.
    pub fn identifier(self, name: &str) -> String {
        match self {
            Self::Always => format!("\"{}\"", name.replace('"', "\"\"")),
            Self::Never => name.to_owned(),
        }
    }

    /// A table's full name as SQL.
    pub fn table(self, table: &TableId) -> String {
        if table.schema.is_empty() {
            return self.identifier(&table.name);
        }
        format!("{}.{}", self.identifier(&table.schema), self.identifier(&table.name))
    }
}

/// A table, view or the like. Prints as `schema.table`, unquoted.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TableId {
    /// Its schema.
    pub schema: String,
    /// Its name.
    pub name: String,
}

impl TableId {
    /// Table `name` of `schema`.
    pub fn new(schema: impl Into<String>, name: impl Into<String>) -> Self {
        Self { schema: schema.into(), name: name.into() }
    }

    /// `schema.table`, unquoted: the table's name in offsets, regular expressions and errors.
    pub fn full_name(&self) -> String {
        format!("{}.{}", self.schema, self.name)
    }

    /// Parses the task setting `tables`: full names between commas, quoted or not.
    pub fn parse_list(text: &str) -> Result<Vec<Self>> {
        let wrong = || Error::config("the task's tables is not a list of table names");
        let mut tables = Vec::new();
        let mut rest = text.trim();
        while !rest.is_empty() {
            let (first, after) = part(rest).ok_or_else(wrong)?;
            let (table, after) = match after.strip_prefix('.') {
                // Only the first dot of an unquoted name separates: what follows may hold dots.
                Some(after) if rest.starts_with('"') => {
                    let (second, after) = part(after).ok_or_else(wrong)?;
                    (Self::new(first, second), after)
                }
                Some(after) => {
                    let (second, after) = after
                        .split_once(',')
                        .map_or((after, ""), |(name, _)| (name, after.get(name.len()..).unwrap_or_default()));
                    (Self::new(first, second), after)
                }
                None => (Self::new("", first), after),
            };
            tables.push(table);
            rest = match after.strip_prefix(',') {
                Some(after) => after.trim_start(),
                None if after.is_empty() => "",
                None => return Err(wrong()),
            };
        }
        Ok(tables)
    }
}

impl fmt::Display for TableId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.schema, self.name)
    }
}

/// One identifier and what follows it.
fn part(text: &str) -> Option<(String, &str)> {
    let Some(mut rest) = text.strip_prefix('"') else {
        let end = text.find(['.', ',']).unwrap_or(text.len());
        let (name, rest) = text.split_at_checked(end)?;
        return (!name.is_empty()).then(|| (name.to_owned(), rest));
    };
    let mut name = String::new();
    loop {
        let (before, after) = rest.split_once('"')?;
        name.push_str(before);
        match after.strip_prefix('"') {
            Some(after) => {
                name.push('"');
                rest = after;
            }
            None if after.is_empty() || after.starts_with(['.', ',']) => return Some((name, after)),
            // A quote that is not doubled, as Java's worker writes it into task configs.
            None => {
                name.push('"');
                rest = after;
            }
        }
    }
}

/// Which tables a connector reads.
#[derive(Clone, Debug)]
pub enum TableFilter {
    /// All.
    All,
    /// `table.whitelist`.
    Whitelist(Vec<String>),
    /// `table.blacklist`.
    Blacklist(Vec<String>),
    /// `table.include.list` and `table.exclude.list`: expressions that match whole full names.
    Patterns {
        /// What is read,
        include: Vec<Regex>,
        /// except this.
        exclude: Vec<Regex>,
    },
}

impl TableFilter {
    /// True when the table is to be read.
    pub fn accepts(&self, table: &TableId) -> bool {
        match self {
            Self::All => true,
            Self::Whitelist(names) => names.iter().any(|name| is_named(table, name)),
            Self::Blacklist(names) => !names.iter().any(|name| is_named(table, name)),
            Self::Patterns { include, exclude } => {
                let name = table.full_name();
                include.iter().any(|regex| regex.is_match(&name)) && !exclude.iter().any(|regex| regex.is_match(&name))
            }
        }
    }
}

/// The plain name, the full name, or the quoted full name; not a quoted plain name.
fn is_named(table: &TableId, name: &str) -> bool {
    table.name == name || table.full_name() == name || format!("\"{}\".\"{}\"", table.schema, table.name) == name
}

/// A Java regular expression that must match the whole text.
pub fn full_match(pattern: &str) -> Result<Regex> {
    Regex::new(&format!("^(?:{pattern})$")).map_err(|e| {
        Error::config(format!("{pattern} is not a regular expression that can be used here"))
            .hint("lists are split at commas first, so an expression cannot hold one")
            .caused_by(e)
    })
}

/// Contiguous groups, at most `groups` of them, the first ones longer by one where it does not come out even.
pub fn group<T: Clone>(tables: &[T], groups: usize) -> Vec<Vec<T>> {
    let groups = groups.min(tables.len());
    let mut rest = tables;
    (0..groups)
        .map(|i| {
            let size = tables.len() / groups + usize::from(i < tables.len() % groups);
            let (group, after) = rest.split_at(size.min(rest.len()));
            rest = after;
            group.to_vec()
        })
        .collect()
}

/// The topic of a table. An invalid name is an error of kind `Config` that names table and topic.
pub fn topic_of(prefix: &str, table: &TableId) -> Result<String> {
    let topic = format!("{prefix}{}", table.name);
    let legal = !topic.is_empty()
        && topic.len() <= 249
        && topic != "."
        && topic != ".."
        && topic.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b));
    if legal {
        return Ok(topic);
    }
    Err(Error::config(format!("table {table} would go to the topic {topic:?}, which is not a legal topic name"))
        .hint("leave the table out (table.blacklist), or read it through a view with another name"))
}

/// Refuses tables of one name in several schemas: they would share a topic.
pub fn check_distinct_topics(tables: &[TableId]) -> Result<()> {
    let mut seen = std::collections::HashMap::new();
    for table in tables {
        if let Some(other) = seen.insert(table.name.as_str(), table) {
            return Err(Error::config(format!("{other} and {table} have the same name and would share a topic"))
                .hint("set schema.pattern, or list only one of them with its schema"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_tables_come_back() {
        for names in [vec![("public", "users")], vec![("a", "b"), ("x.y", "z,\"q\"")], vec![]] {
            let tables: Vec<_> = names.iter().map(|(schema, name)| TableId::new(*schema, *name)).collect();
            let text: Vec<_> = tables.iter().map(|table| Quoting::Always.table(table)).collect();
            assert_eq!(TableId::parse_list(&text.join(",")).unwrap(), tables);
        }
        assert_eq!(
            TableId::parse_list("public.users,public.a.b").unwrap(),
            [TableId::new("public", "users"), TableId::new("public", "a.b")]
        );
        assert_eq!(TableId::parse_list("\"public\".\"q\"t\"").unwrap(), [TableId::new("public", "q\"t")]);
        assert_eq!(TableId::parse_list("t").unwrap(), [TableId::new("", "t")]);
        for wrong in ["\"a", ",", "\"a\"x", ".b"] {
            assert!(TableId::parse_list(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn white_and_black_lists_know_three_spellings() {
        let table = TableId::new("public", "Users");
        for (name, found) in [
            ("Users", true),
            ("public.Users", true),
            ("\"public\".\"Users\"", true),
            ("users", false),
            ("\"Users\"", false),
            ("db.public.Users", false),
        ] {
            assert_eq!(TableFilter::Whitelist(vec![name.to_owned()]).accepts(&table), found, "{name}");
            assert_eq!(TableFilter::Blacklist(vec![name.to_owned()]).accepts(&table), !found, "{name}");
        }
    }

    #[test]
    fn patterns_match_the_whole_full_name() {
        let patterns = |include: &str, exclude: &[&str]| TableFilter::Patterns {
            include: vec![full_match(include).unwrap()],
            exclude: exclude.iter().map(|text| full_match(text).unwrap()).collect(),
        };
        let table = TableId::new("public", "users");
        assert!(patterns("public\\.users", &[]).accepts(&table));
        assert!(patterns("(?i)PUBLIC\\..*", &[]).accepts(&table));
        assert!(!patterns("users", &[]).accepts(&table));
        assert!(!patterns("public", &[]).accepts(&table));
        assert!(!patterns(".*", &[".*\\.users"]).accepts(&table));
        assert!(full_match("(").is_err());
    }

    #[test]
    fn groups_are_contiguous() {
        assert_eq!(group(&[1, 2, 3, 4], 3), [vec![1, 2], vec![3], vec![4]]);
        assert_eq!(group(&[1, 2, 3, 4, 5, 6, 7], 2), [vec![1, 2, 3, 4], vec![5, 6, 7]]);
        assert_eq!(group(&[1, 2, 3, 4, 5, 6, 7], 4), [vec![1, 2], vec![3, 4], vec![5, 6], vec![7]]);
        assert_eq!(group(&[1], 10), [vec![1]]);
        assert!(group::<i32>(&[], 3).is_empty());
        assert!(group(&[1], 0).is_empty());
    }

    #[test]
    fn topics() {
        assert_eq!(topic_of("db.", &TableId::new("public", "users")).unwrap(), "db.users");
        let error = topic_of("db.", &TableId::new("public", "a b")).unwrap_err().to_string();
        assert!(error.contains("public.a b") && error.contains("db.a b"));
        assert!(topic_of("", &TableId::new("s", ".")).is_err());
        let error = check_distinct_topics(&[TableId::new("a", "users"), TableId::new("b", "users")]).unwrap_err();
        assert!(error.to_string().contains("a.users and b.users"));
    }
}
