//! Figures, each with what it stands beside and the mark it is to meet.

use serde::Serialize;

/// A limit.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Mark {
    /// The value may not be above this.
    AtMost(f64),
    /// The value divided by the peer's may not be above this.
    ShareAtMost(f64),
    /// The value divided by the peer's may not be below this.
    ShareAtLeast(f64),
}

/// Another program's value, measured in the same run.
#[derive(Debug, Clone, Serialize)]
pub struct Peer {
    /// What it is.
    pub name: String,
    /// Its value, in the figure's unit.
    pub value: f64,
}

/// One figure.
#[derive(Debug, Clone, Serialize)]
pub struct Figure {
    /// What was measured.
    pub name: String,
    /// The value.
    pub value: f64,
    /// Its unit.
    pub unit: &'static str,
    /// What it is compared with.
    pub peer: Option<Peer>,
    /// The mark.
    pub mark: Option<Mark>,
}

impl Figure {
    /// A figure without peer and mark.
    pub fn new(name: impl Into<String>, value: f64, unit: &'static str) -> Figure {
        Figure { name: name.into(), value, unit, peer: None, mark: None }
    }

    /// Puts another program's value beside it.
    #[must_use]
    pub fn beside(mut self, name: impl Into<String>, value: f64) -> Figure {
        self.peer = Some(Peer { name: name.into(), value });
        self
    }

    /// Gives it a mark.
    #[must_use]
    pub fn mark(mut self, mark: Mark) -> Figure {
        self.mark = Some(mark);
        self
    }

    /// The value divided by the peer's.
    pub fn share(&self) -> Option<f64> {
        self.peer.as_ref().filter(|peer| peer.value > 0.0).map(|peer| self.value / peer.value)
    }

    /// Whether the mark is met; none without a mark. A share that could not be computed is a miss.
    pub fn met(&self) -> Option<bool> {
        Some(match self.mark? {
            Mark::AtMost(limit) => self.value <= limit,
            Mark::ShareAtMost(limit) => self.share().is_some_and(|share| share <= limit),
            Mark::ShareAtLeast(limit) => self.share().is_some_and(|share| share >= limit),
        })
    }
}

/// The figures of one scenario, or why there are none.
#[derive(Debug, Clone, Serialize)]
pub struct Scenario {
    /// Its name, as `--only` takes it.
    pub name: &'static str,
    /// What it does.
    pub about: &'static str,
    /// Its figures.
    pub figures: Vec<Figure>,
    /// What it has to say about how they came about.
    pub notes: Vec<String>,
    /// Why it has none.
    pub error: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks() {
        let figure = Figure::new("a", 4.0, "us");
        assert_eq!(figure.met(), None);
        assert_eq!(figure.clone().mark(Mark::AtMost(4.0)).met(), Some(true));
        assert_eq!(figure.clone().mark(Mark::AtMost(3.9)).met(), Some(false));
        assert_eq!(figure.clone().mark(Mark::ShareAtLeast(0.5)).met(), Some(false));
        let beside = figure.beside("b", 8.0);
        assert_eq!(beside.clone().mark(Mark::ShareAtLeast(0.5)).met(), Some(true));
        assert_eq!(beside.mark(Mark::ShareAtMost(0.4)).met(), Some(false));
    }
}
