//! A filter as `RUST_LOG` has it: `info,millstream_jdbc=debug`.

use std::collections::BTreeSet;
use std::fmt;

use super::{Level, names};

/// The parts of a filter.
pub(super) struct Directives {
    root: Option<Level>,
    targets: Vec<(String, Level)>,
    /// Directives about spans and fields: kept as they are.
    others: Vec<String>,
}

impl Directives {
    /// Reads a filter. What is no level of a module is kept and not looked into.
    pub(super) fn parse(text: &str) -> Self {
        let mut read = Self { root: None, targets: Vec::new(), others: Vec::new() };
        for part in split(text).into_iter().map(str::trim).filter(|part| !part.is_empty()) {
            match part.split_once('=') {
                None => match Level::parse(part) {
                    Some(level) => read.root = Some(level),
                    None if is_target(part) => read.targets.push((part.to_owned(), Level::Trace)),
                    None => read.others.push(part.to_owned()),
                },
                Some((target, word)) => match Level::parse(word) {
                    Some(level) if is_target(target) => read.targets.push((target.to_owned(), level)),
                    _ => read.others.push(part.to_owned()),
                },
            }
        }
        read
    }

    /// One level for everything.
    pub(super) fn root(level: Level) -> Self {
        Self { root: Some(level), targets: Vec::new(), others: Vec::new() }
    }

    /// Drops what is said about these modules and those within them.
    pub(super) fn remove_within(&mut self, tops: &BTreeSet<String>) {
        self.targets.retain(|(target, _)| !tops.iter().any(|top| names::is_within(target, top)));
    }

    /// The level of a module, and the length of the name that it was given to (0: to all).
    pub(super) fn level_of(&self, target: &str) -> (usize, Level) {
        let nearest =
            self.targets.iter().filter(|(top, _)| names::is_within(target, top)).max_by_key(|(top, _)| top.len());
        // Without a level for all, a filter lets nothing else through.
        nearest.map_or((0, self.root.unwrap_or(Level::Off)), |(top, level)| (top.len(), *level))
    }
}

impl fmt::Display for Directives {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let root = self.root.iter().map(|level| level.directive().to_owned());
        let targets = self.targets.iter().map(|(target, level)| format!("{target}={}", level.directive()));
        f.write_str(&root.chain(targets).chain(self.others.iter().cloned()).collect::<Vec<_>>().join(","))
    }
}

/// Can a module be called that, as far as a filter can say it?
pub(super) fn is_target(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | ':' | '.' | '-' | '$'))
}

/// At commas that stand in no brackets.
fn split(text: &str) -> Vec<&str> {
    let mut depth = 0i32;
    text.split(|c: char| {
        match c {
            '[' | '{' => depth += 1,
            ']' | '}' => depth -= 1,
            _ => {}
        }
        c == ',' && depth <= 0
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_are_read_and_written() {
        let text = "info,millstream_jdbc=debug,hyper,[task{connector=a,task=0}]=trace,x[y]=warn";
        let read = Directives::parse(text);
        assert_eq!(
            read.to_string(),
            "info,millstream_jdbc=debug,hyper=trace,[task{connector=a,task=0}]=trace,x[y]=warn"
        );
        assert_eq!(read.level_of("millstream_jdbc::query"), (15, Level::Debug));
        assert_eq!(read.level_of("millstream_jdbcx"), (0, Level::Info));
        assert_eq!(Directives::parse("a=debug").level_of("b"), (0, Level::Off));
    }
}
