//! Log levels that change while the worker runs, under the logger names of Kafka Connect's REST API.
//!
//! Every name is kept as it is given. Java's loggers are classes, ours are modules: a table says which module a class name stands
//! for; any other name stands for the module of that name, so `millstream_jdbc` works as well.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};

use millstream_api::{Error, Result};
use parking_lot::Mutex;

use self::directives::Directives;
pub use self::level::Level;

mod directives;
mod level;
mod names;
#[cfg(test)]
mod tests;

/// The logger above all others.
pub const ROOT: &str = "root";

/// A logger as REST shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LoggerLevel {
    /// The level in effect.
    pub level: Level,
    /// When it last changed, in epoch milliseconds; `None` since the start.
    pub last_modified: Option<i64>,
}

/// Puts a filter, written as in `RUST_LOG`, into effect.
type Apply = Box<dyn Fn(&str) -> Result<()> + Send + Sync>;

/// The loggers of the process.
pub struct Loggers {
    state: Mutex<State>,
    apply: Apply,
}

struct State {
    /// Levels from the command line or environment that nobody has changed since.
    base: Directives,
    /// By module, or by name where no module has it.
    set: BTreeMap<String, Set>,
    /// Names asked for beyond the table's.
    known: BTreeSet<String>,
}

#[derive(Clone, Copy)]
struct Set {
    level: Level,
    /// `None` while it is what it was without being set.
    changed: Option<i64>,
}

static PROCESS: OnceLock<Arc<Loggers>> = OnceLock::new();

impl Loggers {
    /// Loggers that start with the directives (as in `RUST_LOG`) and change them through `apply`.
    pub(super) fn new(directives: &str, apply: impl Fn(&str) -> Result<()> + Send + Sync + 'static) -> Self {
        let state = State { base: Directives::parse(directives), set: BTreeMap::new(), known: BTreeSet::new() };
        Self { state: Mutex::new(state), apply: Box::new(apply) }
    }

    /// Loggers without a log: for a process that has none, and for tests.
    pub fn detached() -> Self {
        Self::new("info", |_| Ok(()))
    }

    /// Those of this process' log; detached ones when logging was never started.
    pub fn of_process() -> Arc<Self> {
        PROCESS.get_or_init(|| Arc::new(Self::detached())).clone()
    }

    /// Makes these the process' loggers; false if there are some already.
    pub(super) fn install(self) -> bool {
        PROCESS.set(Arc::new(self)).is_ok()
    }

    /// All loggers there are, by name.
    pub fn all(&self) -> BTreeMap<String, LoggerLevel> {
        let state = self.state.lock();
        state.names().into_iter().map(|name| (name.to_owned(), state.level(name))).collect()
    }

    /// One logger; `None` if there is none of exactly that name (`root` in any case).
    pub fn get(&self, name: &str) -> Option<LoggerLevel> {
        let name = canonical(name);
        let state = self.state.lock();
        state.names().contains(name).then(|| state.level(name))
    }

    /// Sets the level of a logger and of all whose name starts with that text (as Kafka Connect does), and gives the names of
    /// those whose level is another now, sorted. A logger that was not there is there afterwards.
    pub fn set(&self, name: &str, level: Level, now: i64) -> Result<Vec<String>> {
        let name = canonical(name);
        let mut state = self.state.lock();
        let before: BTreeMap<String, Level> =
            state.names().into_iter().chain([name]).map(|n| (n.to_owned(), state.level(n).level)).collect();
        if name != ROOT {
            state.known.insert(name.to_owned());
        }
        let targets: BTreeSet<String> = before
            .keys()
            .filter(|other| name == ROOT || other.starts_with(name))
            .map(|other| names::target(other).to_owned())
            .collect();
        let below = |target: &str| targets.iter().any(|top| names::is_within(target, top));
        let mut affected: BTreeSet<String> = state.set.keys().filter(|target| below(target)).cloned().collect();
        affected.extend(before.keys().map(|other| names::target(other).to_owned()).filter(|target| below(target)));
        affected.extend(targets.iter().cloned());
        let old = affected.iter().map(|target| (target.clone(), state.target_level(target))).collect::<Vec<_>>();
        match name {
            ROOT => state.base = Directives::root(level),
            _ => state.base.remove_within(&targets),
        }
        for (target, was) in old {
            let changed = if was.level == level { was.last_modified } else { Some(now) };
            state.set.insert(target, Set { level, changed });
        }
        (self.apply)(&state.directives())?;
        Ok(before.into_iter().filter(|(other, was)| state.level(other).level != *was).map(|(other, _)| other).collect())
    }

    /// Sets a level that was set for all workers, and says so in the log.
    pub fn set_for_all(&self, name: &str, word: &str) {
        let level = Level::parse(word).ok_or_else(|| unknown_level(word));
        match level.and_then(|level| self.set(name, level, crate::now_millis())) {
            Ok(_) => tracing::info!(logger = name, level = word, "log level set for all workers"),
            Err(error) => tracing::warn!(logger = name, %error, "a log level for all workers is not applied"),
        }
    }
}

impl State {
    fn names(&self) -> BTreeSet<&str> {
        let mut names: BTreeSet<&str> = names::listed().chain([ROOT]).collect();
        names.extend(self.known.iter().map(String::as_str));
        names
    }

    fn level(&self, name: &str) -> LoggerLevel {
        self.target_level(names::target(name))
    }

    fn target_level(&self, target: &str) -> LoggerLevel {
        match self.set.get(target) {
            Some(set) => LoggerLevel { level: set.level, last_modified: set.changed },
            None => {
                // The nearest level above it, whoever set it.
                let set = self
                    .set
                    .iter()
                    .filter(|(top, _)| names::is_within(target, top))
                    .map(|(top, s)| (top.len(), s.level));
                let base = self.base.level_of(target);
                let nearest = set.chain([base]).max_by_key(|(length, _)| *length);
                let root = self.set.get(ROOT).map_or(base.1, |set| set.level);
                let level = nearest.map_or(root, |(length, level)| if length == 0 { root } else { level });
                LoggerLevel { level, last_modified: None }
            }
        }
    }

    /// Everything as one filter. What was set stands last: of equal targets the last counts.
    fn directives(&self) -> String {
        let mut all = self.base.to_string();
        for (target, set) in &self.set {
            let word = set.level.directive();
            let directive = match target.as_str() {
                ROOT => word.to_owned(),
                target if directives::is_target(target) => format!("{target}={word}"),
                // No module is called that.
                _ => continue,
            };
            if !all.is_empty() {
                all.push(',');
            }
            all.push_str(&directive);
        }
        all
    }
}

fn canonical(name: &str) -> &str {
    if name.eq_ignore_ascii_case(ROOT) { ROOT } else { name }
}

/// The error of a level word that is none.
pub(crate) fn unknown_level(word: &str) -> Error {
    Error::not_found(format!("invalid log level '{word}'."))
}
