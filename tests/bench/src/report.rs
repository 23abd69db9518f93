//! The result as Markdown and as JSON.

use std::fmt::Write as _;

use serde::Serialize;

use crate::figures::{Figure, Mark, Scenario};
use crate::machine::Machine;

/// A whole run.
#[derive(Debug, Serialize)]
pub struct Report {
    /// Seconds since 1970 at its start.
    pub started: u64,
    /// How long it took, in seconds.
    pub seconds: f64,
    /// Rows of the generated table.
    pub rows: u64,
    /// The machine.
    pub machine: Machine,
    /// Load averages before the first scenario: what else ran.
    pub load_before: String,
    /// Load averages after the last one.
    pub load_after: String,
    /// The scenarios in order.
    pub scenarios: Vec<Scenario>,
}

impl Report {
    /// The report as Markdown.
    pub fn markdown(&self) -> String {
        let machine = &self.machine;
        let mut text = String::from("# Millstream benchmarks\n\n");
        let _ = writeln!(
            text,
            "{}, {} cores, {} MB, Linux {}. Load average before {}, after {}. {} rows, {:.0} s.",
            machine.cpu,
            machine.cores,
            machine.memory_mb,
            machine.kernel,
            self.load_before,
            self.load_after,
            self.rows,
            self.seconds
        );
        if !machine.optimised {
            text.push_str("\n**A build without optimisation: these figures say nothing about speed.**\n");
        }
        text.push_str("\n| scenario | figure | value | beside it | share | mark | |\n|---|---|---|---|---|---|---|\n");
        for scenario in &self.scenarios {
            for figure in &scenario.figures {
                let _ = writeln!(text, "| {} | {} |", scenario.name, cells(figure).join(" | "));
            }
            if let Some(error) = &scenario.error {
                let first = error.lines().next().unwrap_or_default().replace('|', "\\|");
                let _ = writeln!(text, "| {} | not measured: {first} | | | | | **failed** |", scenario.name);
            }
        }
        text.push('\n');
        for scenario in &self.scenarios {
            let _ = writeln!(text, "- **{}**: {}", scenario.name, scenario.about);
            for note in &scenario.notes {
                let _ = writeln!(text, "  - {note}");
            }
        }
        text
    }
}

fn cells(figure: &Figure) -> [String; 6] {
    let peer = figure.peer.as_ref();
    let mark = figure.mark.map_or(String::new(), |mark| match mark {
        Mark::AtMost(limit) => format!("at most {} {}", number(limit), figure.unit),
        Mark::ShareAtMost(limit) => format!("at most {} x", number(limit)),
        Mark::ShareAtLeast(limit) if limit < 1.0 => format!("at least {:.0} %", limit * 100.0),
        Mark::ShareAtLeast(limit) => format!("at least {} x", number(limit)),
    });
    let met = figure.met().map_or("", |met| if met { "pass" } else { "**miss**" });
    [
        figure.name.clone(),
        format!("{} {}", number(figure.value), figure.unit),
        peer.map_or(String::new(), |peer| format!("{} {}: {}", number(peer.value), figure.unit, peer.name)),
        figure.share().map_or(String::new(), |share| format!("{share:.2}")),
        mark,
        met.to_owned(),
    ]
}

/// A number with as many digits as mean something.
fn number(value: f64) -> String {
    match value.abs() {
        size if size >= 1000.0 => {
            let digits = format!("{value:.0}");
            let mut text = String::new();
            for (index, digit) in digits.chars().enumerate() {
                if index > 0 && (digits.len() - index).is_multiple_of(3) && digit.is_ascii_digit() {
                    text.push(',');
                }
                text.push(digit);
            }
            text
        }
        size if size >= 100.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

#[cfg(test)]
mod tests {
    use super::number;

    #[test]
    fn digits() {
        assert_eq!(
            [number(1_234_567.8), number(123.4), number(12.34), number(1.234)],
            ["1,234,568", "123", "12.3", "1.23"]
        );
    }
}
