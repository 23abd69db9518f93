//! What a run prints: one line for each scenario, in an order that two runs have in common.

use millstream_testbed::{Error, Result};

/// How one scenario ended.
#[derive(Debug)]
pub struct Outcome {
    pub name: String,
    /// How many steps it has.
    pub steps: usize,
    /// Whether Millstream need not do this yet.
    pub awaited: bool,
    /// What differs, on one line.
    pub differs: Option<String>,
}

/// `pass <scenario>` or `differs <scenario>: <reason>`, sorted by scenario, and a last line with the counts.
pub fn lines(outcomes: &[Outcome]) -> String {
    let mut outcomes: Vec<&Outcome> = outcomes.iter().collect();
    outcomes.sort_by(|left, right| left.name.cmp(&right.name));
    let mut text = String::new();
    for outcome in &outcomes {
        match &outcome.differs {
            None => text.push_str(&format!("pass {}\n", outcome.name)),
            Some(reason) => text.push_str(&format!("differs {}: {reason}\n", outcome.name)),
        }
    }
    let passed = outcomes.iter().filter(|outcome| outcome.differs.is_none()).count();
    let steps: usize = outcomes.iter().map(|outcome| outcome.steps).sum();
    text + &format!("contract: {passed} of {} scenarios hold, {steps} steps", outcomes.len())
}

/// An error that shows what differs, if anything does.
pub fn all_passed(mut outcomes: Vec<Outcome>) -> Result<()> {
    outcomes.retain(|outcome| outcome.differs.is_some());
    if outcomes.is_empty() { Ok(()) } else { Err(Error::new(lines(&outcomes))) }
}
