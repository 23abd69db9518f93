//! Ranges of plugin versions, written as Maven writes them (KIP-891): `[1.0,2.0)`, `[1.2]`, `(,1.0],[1.2,)`; a bare version means that one.

use std::cmp::Ordering;
use std::fmt;

use millstream_api::PluginInfo;

/// What a `*.plugin.version` asks for.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct VersionRange(Vec<Restriction>);

#[derive(Debug, PartialEq, Eq)]
struct Restriction {
    lower: Option<String>,
    lower_included: bool,
    upper: Option<String>,
    upper_included: bool,
}

/// The reason why the one version of a plugin is not what is asked for, if it is not.
pub(crate) fn check_version(asked: &str, plugin: &PluginInfo) -> Result<(), String> {
    match VersionRange::parse(asked)? {
        Some(range) if !range.contains(plugin.version) => Err(range.unfit(plugin)),
        _ => Ok(()),
    }
}

impl VersionRange {
    /// Reads a range; `None` means any version (`latest`). The error says what is wrong with the text.
    pub(super) fn parse(text: &str) -> Result<Option<Self>, String> {
        let text = text.trim();
        if text == "latest" {
            return Ok(None);
        }
        if !text.starts_with(['[', '(']) {
            return Ok(Some(Self(vec![Restriction::parse(&format!("[{text}]"))?])));
        }
        let (mut rest, mut all): (&str, Vec<Restriction>) = (text, Vec::new());
        while rest.starts_with(['[', '(']) {
            let end = rest.find([')', ']']).ok_or_else(|| format!("Unbounded range: {text}"))?;
            let (one, after) = rest.split_at(end + 1);
            let one = Restriction::parse(one)?;
            if let Some(upper) = all.last().map(|last| &last.upper) {
                let apart = matches!((upper, &one.lower), (Some(upper), Some(lower)) if compare(lower, upper).is_ge());
                if !apart && upper.is_some() {
                    return Err(format!("Ranges overlap: {text}"));
                }
            }
            all.push(one);
            rest = after.trim();
            rest = rest.strip_prefix(',').unwrap_or(rest).trim();
        }
        if !rest.is_empty() {
            return Err(format!("Only fully-qualified sets allowed in multiple set scenario: {text}"));
        }
        Ok(Some(Self(all)))
    }

    /// What is said where the one version of a plugin is not in the range.
    pub(super) fn unfit(&self, plugin: &PluginInfo) -> String {
        format!(
            "Plugin {} not found that matches the version range {self}, available versions: [{}]",
            plugin.class, plugin.version
        )
    }

    /// True when the version is in the range.
    pub(super) fn contains(&self, version: &str) -> bool {
        self.0.iter().any(|restriction| restriction.contains(version))
    }
}

impl Restriction {
    fn parse(text: &str) -> Result<Self, String> {
        let (lower_included, upper_included) = (text.starts_with('['), text.ends_with(']'));
        let inner = text.get(1..text.len().saturating_sub(1)).unwrap_or_default().trim();
        let Some((lower, upper)) = inner.split_once(',') else {
            if !lower_included || !upper_included {
                return Err(format!("Single version must be surrounded by []: {text}"));
            }
            let version = Some(inner.to_owned());
            return Ok(Self { lower: version.clone(), lower_included, upper: version, upper_included });
        };
        let bound = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
        let (lower, upper) = (bound(lower), bound(upper));
        if let (Some(lower), Some(upper)) = (&lower, &upper) {
            let order = compare(upper, lower);
            if order.is_lt() || (order.is_eq() && !(lower_included && upper_included)) {
                return Err(format!("Range defies version ordering: {text}"));
            }
        }
        Ok(Self { lower, lower_included, upper, upper_included })
    }

    fn contains(&self, version: &str) -> bool {
        let above = self.lower.as_ref().is_none_or(|lower| match compare(version, lower) {
            Ordering::Equal => self.lower_included,
            order => order.is_gt(),
        });
        let below = self.upper.as_ref().is_none_or(|upper| match compare(version, upper) {
            Ordering::Equal => self.upper_included,
            order => order.is_lt(),
        });
        above && below
    }
}

impl fmt::Display for VersionRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, one) in self.0.iter().enumerate() {
            let bound = |bound: &Option<String>| bound.clone().unwrap_or_default();
            let (open, close) =
                (if one.lower_included { '[' } else { '(' }, if one.upper_included { ']' } else { ')' });
            let comma = if index == 0 { "" } else { "," };
            write!(f, "{comma}{open}{},{}{close}", bound(&one.lower), bound(&one.upper))?;
        }
        Ok(())
    }
}

/// Part of a version: a number or a word.
#[derive(Debug, PartialEq, Eq)]
enum Item {
    Number(String),
    Word(String),
}

impl Item {
    /// Words before a release in their order, then the release itself, then words after it.
    fn rank(&self) -> (i32, &str) {
        match self {
            Self::Number(digits) if digits.is_empty() => (0, ""),
            Self::Number(digits) => (3, digits),
            Self::Word(word) => match word.as_str() {
                "alpha" | "a" => (-5, ""),
                "beta" | "b" => (-4, ""),
                "milestone" | "m" => (-3, ""),
                "rc" | "cr" => (-2, ""),
                "snapshot" => (-1, ""),
                "" | "ga" | "final" | "release" => (0, ""),
                "sp" => (1, ""),
                other => (2, other),
            },
        }
    }
}

fn items(version: &str) -> Vec<Item> {
    let mut items = Vec::new();
    for part in version.to_ascii_lowercase().split(['.', '-', '_']) {
        let mut rest = part;
        while let Some(first) = rest.chars().next() {
            let digit = first.is_ascii_digit();
            let end = rest.find(|c: char| c.is_ascii_digit() != digit).unwrap_or(rest.len());
            let (run, after) = rest.split_at(end);
            if digit {
                items.push(Item::Number(run.trim_start_matches('0').to_owned()));
            } else {
                drop_zeros(&mut items);
                items.push(Item::Word(run.to_owned()));
            }
            rest = after;
        }
    }
    drop_zeros(&mut items);
    items
}

/// 1.0.0 is 1, and 1.0-rc is 1-rc.
fn drop_zeros(items: &mut Vec<Item>) {
    while items.last().is_some_and(|item| item.rank() == (0, "")) {
        items.pop();
    }
}

fn compare(a: &str, b: &str) -> Ordering {
    let (a, b) = (items(a), items(b));
    let rank = |items: &[Item], at: usize| -> (i32, usize, String) {
        let (rank, text) = items.get(at).map_or((0, ""), Item::rank);
        // Numbers of more digits are larger.
        (rank, if rank == 3 { text.len() } else { 0 }, text.to_owned())
    };
    (0..a.len().max(b.len()))
        .map(|at| rank(&a, at).cmp(&rank(&b, at)))
        .find(|order| order.is_ne())
        .unwrap_or(Ordering::Equal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_as_kafka_connect_reads_them() {
        for (text, fits) in [
            ("[4.0,5.0)", true),
            ("[5.0,)", false),
            ("(,4.3.1]", true),
            ("(,4.3.1)", false),
            ("4.3", false),
            ("4.3.1", true),
            ("4.3.1.0", true),
            ("[4.3.1]", true),
            ("9.9", false),
            ("", false),
            ("4.3.1,9", true),
            ("(,4.0],[4.3,)", true),
            ("[4.3.1-rc1,4.3.1)", false),
        ] {
            assert_eq!(VersionRange::parse(text).unwrap().unwrap().contains("4.3.1"), fits, "{text}");
        }
        assert_eq!(VersionRange::parse("latest"), Ok(None));
        assert_eq!(VersionRange::parse("9.9").unwrap().unwrap().to_string(), "[9.9,9.9]");
        assert_eq!(VersionRange::parse("").unwrap().unwrap().to_string(), "[,]");
        for (text, reason) in [
            ("[", "Unbounded range"),
            ("[4.0", "Unbounded range"),
            ("(4.0)", "surrounded by []"),
            ("[2,1]", "ordering"),
            ("[1,2],[1.5,3]", "overlap"),
            ("[1,2],3", "fully-qualified"),
        ] {
            assert!(VersionRange::parse(text).unwrap_err().contains(reason), "{text}");
        }
    }

    #[test]
    fn versions_in_order() {
        let order = ["1-alpha-2", "1-beta", "1.0-rc1", "1-SNAPSHOT", "1", "1-sp", "1-x", "1.1", "1.10", "2"];
        for pair in order.windows(2) {
            assert_eq!(compare(pair[0], pair[1]), Ordering::Less, "{pair:?}");
        }
        assert_eq!(compare("1.0.0", "1"), Ordering::Equal);
    }
}
