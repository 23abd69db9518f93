//! Paths to fields of fields, as `field.syntax.version=V2` writes them.

/// The steps of a path: between dots, or in backticks where a step holds a dot itself. Inside of backticks a backtick before a dot
/// is one of the name when a backslash stands before it. An error is a sentence.
pub(crate) fn steps(path: &str) -> Result<Vec<String>, String> {
    let mut steps = Vec::new();
    let mut rest = path;
    while !rest.is_empty() {
        let Some(quoted) = rest.strip_prefix('`') else {
            let (step, next) = rest.split_once('.').unwrap_or((rest, ""));
            steps.push(step.to_owned());
            rest = next;
            continue;
        };
        let (step, next) = quoted_step(quoted).ok_or_else(|| format!("a backtick of {path:?} has no other one"))?;
        steps.push(step);
        rest = next;
    }
    // A dot at the end is followed by a step without name.
    if path.ends_with('.') {
        steps.push(String::new());
    }
    Ok(steps)
}

/// The step up to the backtick that ends it, and what follows the dot behind.
fn quoted_step(text: &str) -> Option<(String, &str)> {
    let mut step = String::new();
    let mut rest = text;
    // How much of `rest` is known to be of the step.
    let mut seen = 0;
    loop {
        let tick = seen + rest.get(seen..)?.find('`')?;
        let (before, after) = (rest.get(..tick)?, rest.get(tick + 1..)?);
        let escaped = before.ends_with('\\');
        if after.is_empty() {
            step.push_str(before);
            return (!escaped).then_some((step, ""));
        }
        let Some(next) = after.strip_prefix('.') else {
            seen = tick + 1;
            continue;
        };
        if !escaped {
            step.push_str(before);
            return Some((step, next));
        }
        step.push_str(before.get(..tick - 1)?);
        step.push('`');
        rest = after;
        seen = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_have_steps() {
        let cases: &[(&str, &[&str])] = &[
            ("", &[]),
            ("a", &["a"]),
            ("a.b.c", &["a", "b", "c"]),
            ("a..b", &["a", "", "b"]),
            ("a.", &["a", ""]),
            (".", &["", ""]),
            ("`a.b`.c", &["a.b", "c"]),
            ("a.`b.c`", &["a", "b.c"]),
            ("`a`b`.c", &["a`b", "c"]),
            ("`a\\`.b`.c", &["a`.b", "c"]),
            ("`a\\`b`", &["a\\`b"]),
            ("a`b.c`d", &["a`b", "c`d"]),
            ("`größe.é`.x", &["größe.é", "x"]),
            ("`a`.", &["a", ""]),
        ];
        for (path, expected) in cases {
            assert_eq!(steps(path).as_deref().unwrap_or_default(), *expected, "{path}");
        }
        for path in ["`", "`a", "a.`b", "`a\\`", "`a`b", "`a.b"] {
            assert!(steps(path).is_err(), "{path}");
        }
    }
}
