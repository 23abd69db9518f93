//! What the demo prints: numbered seconds before each step, and one live line.

use std::io::{IsTerminal, Write};
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// How often the live line is printed where it cannot be rewritten.
const PLAIN_INTERVAL: Duration = Duration::from_secs(5);

/// Standard output, and whether it is a terminal.
pub struct Screen {
    started: Instant,
    terminal: bool,
    live: Mutex<Live>,
}

#[derive(Default)]
struct Live {
    shown: bool,
    printed: Option<Instant>,
}

impl Screen {
    pub fn new() -> Screen {
        Screen { started: Instant::now(), terminal: std::io::stdout().is_terminal(), live: Mutex::default() }
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
        let mark = if self.terminal { "\x1b[32mok\x1b[0m" } else { "ok" };
        self.print(&format!("      {mark}  {text}\n"));
    }

    /// The end, in failure.
    pub fn failed(&self, reason: &str) {
        self.clear_line();
        eprintln!("\nThe demo failed: {reason}");
    }

    /// The line of progress: rewritten in place on a terminal, else printed every few seconds.
    pub fn live(&self, text: &str) {
        let mut live = self.live.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if self.terminal {
            write(&format!("\r\x1b[2K{:6.1} s  {text}", self.started.elapsed().as_secs_f64()));
            live.shown = true;
        } else if live.printed.is_none_or(|at| at.elapsed() >= PLAIN_INTERVAL) {
            write(&format!("{:6.1} s  {text}\n", self.started.elapsed().as_secs_f64()));
            live.printed = Some(Instant::now());
        }
    }

    /// Leaves the last live line as it is and goes on below it.
    pub fn clear_line(&self) {
        self.print("");
    }

    fn bold(&self, text: &str) -> String {
        if self.terminal { format!("\x1b[1m{text}\x1b[0m") } else { text.to_owned() }
    }

    fn print(&self, text: &str) {
        let mut live = self.live.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if std::mem::take(&mut live.shown) {
            write("\n");
        }
        write(text);
    }
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
    use super::counted;

    #[test]
    fn thousands_are_apart() {
        assert_eq!([counted(0_u64), counted(999_u64), counted(1000_u64)], ["0", "999", "1,000"]);
        assert_eq!(counted(12_345_678_u64), "12,345,678");
    }
}
