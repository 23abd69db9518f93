//! Cursor columns: the same for all tables, or by table (`timestamp.columns.mapping`, `incrementing.column.mapping`).

use millstream_api::{Error, Result};
use regex::Regex;

use crate::tables::{TableId, full_match};

/// Which columns a table's cursor is made of.
#[derive(Clone, Debug)]
pub enum ColumnChoice {
    /// These, for every table.
    Same(Vec<String>),
    /// Those of the one expression that matches the table's full name.
    ByTable(Vec<(Regex, Vec<String>)>),
}

impl ColumnChoice {
    /// From the two keys; a mapping wins.
    pub fn of(names: &[String], mapping: &[String]) -> Result<Self> {
        if mapping.is_empty() {
            let names = names.iter().filter(|name| !name.is_empty()).cloned().collect();
            return Ok(Self::Same(names));
        }
        mapping.iter().map(|entry| parse_entry(entry)).collect::<Result<_>>().map(Self::ByTable)
    }

    /// The columns of a table. An error of kind `Config` when no expression matches it, or more than one.
    pub fn of_table(&self, table: &TableId) -> Result<&[String]> {
        let mapping = match self {
            Self::Same(names) => return Ok(names),
            Self::ByTable(mapping) => mapping,
        };
        let name = table.full_name();
        let mut matches = mapping.iter().filter(|(regex, _)| regex.is_match(&name));
        match (matches.next(), matches.next()) {
            (Some((_, columns)), None) => Ok(columns),
            (None, _) => Err(Error::config(format!("no entry of the column mapping matches the table {table}"))),
            (Some(_), Some(_)) => {
                Err(Error::config(format!("more than one entry of the column mapping matches the table {table}")))
            }
        }
    }
}

/// `regex:column`, `regex:[column]` or `regex:[column|column]`. The expression cannot hold a colon.
fn parse_entry(entry: &str) -> Result<(Regex, Vec<String>)> {
    let wrong = |what: &str| Error::config(format!("{entry:?} is no entry of a column mapping: {what}"));
    let (pattern, columns) = entry.split_once(':').ok_or_else(|| wrong("it has no colon"))?;
    if columns.contains(':') {
        return Err(wrong("it has more than one colon"));
    }
    let columns = columns.trim();
    let columns = columns.strip_prefix('[').and_then(|inner| inner.strip_suffix(']')).unwrap_or(columns);
    let columns: Vec<_> = columns.split('|').map(|column| column.trim().to_owned()).collect();
    if columns.iter().any(String::is_empty) {
        return Err(wrong("it names no column"));
    }
    Ok((full_match(pattern.trim())?, columns))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choice(mapping: &[&str]) -> Result<ColumnChoice> {
        ColumnChoice::of(&[], &mapping.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn one_entry_must_match() {
        let choice = choice(&[".*users:[seen]", "public\\.orders:[changed|made]", ".*:other"]).unwrap();
        assert_eq!(choice.of_table(&TableId::new("s", "t")).unwrap(), ["other"]);
        assert!(choice.of_table(&TableId::new("public", "users")).is_err());
        let choice = super::ColumnChoice::of(&[], &[".*orders:[a|b]".to_owned()]).unwrap();
        assert_eq!(choice.of_table(&TableId::new("public", "orders")).unwrap(), ["a", "b"]);
        assert!(choice.of_table(&TableId::new("public", "users")).unwrap_err().to_string().contains("public.users"));
    }

    #[test]
    fn malformed_entries() {
        for entry in ["users", "users:", "users:[]", "a:b:id", "(:id", "users:[a|]"] {
            assert!(choice(&[entry]).is_err(), "{entry}");
        }
    }
}
