//! What the demo prints: the seconds before each step, and one live line.

use std::io::{IsTerminal, Write};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// How often the live line is printed where it cannot be rewritten.
const PLAIN_INTERVAL: Duration = Duration::from_secs(5);

/// Standard output, and whether it is a terminal.
pub struct Screen {
    started: Instant,
    /// Columns of the terminal; none where standard output is something else.
    terminal: Option<usize>,
    live: Mutex<Live>,
}

#[derive(Default)]
struct Live {
    /// Lines of the live line on the screen, the cursor being at the end of the last.
    lines: usize,
    printed: Option<Instant>,
}

impl Screen {
    pub fn new() -> Screen {
        let terminal = std::io::stdout().is_terminal().then(|| columns().unwrap_or(80));
        Screen { started: Instant::now(), terminal, live: Mutex::default() }
    }

    /// A title.
    pub fn heading(&self, text: &str) {
        self.print(&format!("{}\n", self.bold(text)));
    }

    /// Something done or begun.
    pub fn step(&self, text: &str) {
        self.print(&format!("{:6.1} s  {text}\n", self.started.elapsed().as_secs_f64()));
    }

    /// A line that belongs to the step before.
    pub fn detail(&self, text: &str) {
        self.print(&format!("          {text}\n"));
    }

    /// One check that held.
    pub fn passed(&self, text: &str) {
        let mark = if self.terminal.is_some() { "\x1b[32mok\x1b[0m" } else { "ok" };
        self.print(&format!("      {mark}  {text}\n"));
    }

    /// The end, in failure.
    pub fn failed(&self, reason: &str) {
        self.clear_line();
        eprintln!("\nThe demo failed: {reason}");
    }

    /// The line of progress: rewritten in place on a terminal (folded between `parts` where it is narrow), else printed
    /// every few seconds.
    pub fn live(&self, parts: &[String]) {
        let mut live = self.live.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let seconds = format!("{:6.1} s  ", self.started.elapsed().as_secs_f64());
        let Some(columns) = self.terminal else {
            if live.printed.is_none_or(|at| at.elapsed() >= PLAIN_INTERVAL) {
                write(&format!("{seconds}{}\n", parts.join(" | ")));
                live.printed = Some(Instant::now());
            }
            return;
        };
        let lines = folded(parts, columns.saturating_sub(seconds.len() + 1));
        let mut text = "\r\x1b[2K\x1b[1A".repeat(live.lines.saturating_sub(1));
        text.push_str("\r\x1b[J");
        text.push_str(&seconds);
        text.push_str(&lines.join("\n          "));
        write(&text);
        live.lines = lines.len();
    }

    /// Leaves the last live line as it is and goes on below it.
    pub fn clear_line(&self) {
        self.print("");
    }

    fn bold(&self, text: &str) -> String {
        if self.terminal.is_some() { format!("\x1b[1m{text}\x1b[0m") } else { text.to_owned() }
    }

    fn print(&self, text: &str) {
        let mut live = self.live.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if std::mem::take(&mut live.lines) > 0 {
            write("\n");
        }
        write(text);
    }
}

/// The width of the terminal.
fn columns() -> Option<usize> {
    let size = Command::new("stty").arg("size").stdin(Stdio::inherit()).stderr(Stdio::null()).output().ok()?;
    let columns = String::from_utf8(size.stdout).ok()?.split_whitespace().nth(1)?.parse().ok()?;
    (columns > 20).then_some(columns)
}

/// As many parts on a line as fit.
fn folded(parts: &[String], width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for part in parts {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 3 + part.chars().count() <= width => {
                line.push_str(" | ");
                line.push_str(part);
            }
            _ => lines.push(part.chars().take(width).collect()),
        }
    }
    lines
}

// A closed pipe (`| head`) must not end in a panic.
fn write(text: &str) {
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(text.as_bytes());
    let _ = out.flush();
}

/// A number with its thousands apart.
pub fn counted(number: impl TryInto<u64>) -> String {
    let digits = number.try_into().unwrap_or_default().to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{counted, folded};

    #[test]
    fn a_narrow_line_is_folded_between_its_parts() {
        let parts = ["ab", "cd", "efghijkl"].map(str::to_owned);
        assert_eq!(folded(&parts, 7), ["ab | cd", "efghijk"]);
        assert_eq!(folded(&parts, 80), ["ab | cd | efghijkl"]);
    }

    #[test]
    fn thousands_are_apart() {
        assert_eq!([counted(0_u64), counted(999_u64), counted(1000_u64)], ["0", "999", "1,000"]);
        assert_eq!(counted(12_345_678_u64), "12,345,678");
    }
}
