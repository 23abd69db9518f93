//! The transformations of one connector, one after the other, each with its predicate.

mod edits;
mod order;
#[cfg(test)]
mod tests;

use std::sync::{Arc, LazyLock};

use arrow::array::{BooleanArray, Int64Array, UInt32Array};
use millstream_api::config::{ConfigType, Importance};
use millstream_api::{
    Batch, Config, ConfigDef, ConfigKey, ConnectorKind, Consumed, Error, Predicate, Result, Transformed,
};

use super::edit::Step;
use super::entries::Plans;
use super::outcome::{again, select};
use crate::table::{PREDICATES, TRANSFORMS};

/// Part of the rows of a batch, with their numbers there.
type Piece = (Batch, UInt32Array);

/// What a [`Chain`] made of a batch.
#[derive(Debug, Default)]
pub struct ChainOutput {
    /// Resulting batches, each with the row of the chain's input that every output row came from. For a sink, the numbers ascend
    /// over all parts; for a source, over all parts that share a topic. Rows that are neither here nor among the failures were
    /// dropped on purpose.
    pub parts: Vec<(Batch, UInt32Array)>,
    /// Rows that could not be transformed, ascending.
    pub failures: Vec<ChainFailure>,
}

/// A row that a transformation of a chain could not transform.
#[derive(Debug)]
pub struct ChainFailure {
    /// Row of the chain's input.
    pub row: usize,
    /// Alias of the transformation in the connector's configuration.
    pub alias: Arc<str>,
    /// Java's class name of the transformation.
    pub class: &'static str,
    /// Why.
    pub error: Error,
}

/// The transformations of one task in their order. What a predicate keeps from a transformation goes past it, in order.
#[derive(Default)]
pub struct Chain {
    stages: Vec<Stage>,
    /// For each stage: how it and those behind it edit maps in one go.
    plans: Vec<Plans>,
    strict: bool,
}

struct Stage {
    alias: Arc<str>,
    class: &'static str,
    transform: Box<dyn Step>,
    condition: Option<Condition>,
}

struct Condition {
    predicate: Box<dyn Predicate>,
    negate: bool,
}

const TRANSFORMS_KEY: &str = "transforms";
const PREDICATES_KEY: &str = "predicates";

static LISTS: LazyLock<ConfigDef> = LazyLock::new(|| {
    let list = |name: &str, doc: &str| ConfigKey::with_default(name, ConfigType::List, "", Importance::Low, doc);
    ConfigDef::new()
        .key(list(TRANSFORMS_KEY, "Aliases of the transformations."))
        .key(list(PREDICATES_KEY, "Aliases of the predicates."))
});

static STAGE: LazyLock<ConfigDef> = LazyLock::new(|| {
    let text = |name: &str, doc: &str| ConfigKey::nullable(name, ConfigType::String, Importance::Medium, doc);
    ConfigDef::new()
        .key(ConfigKey::required("type", ConfigType::Class, Importance::High, "Class of the transformation."))
        .key(text("predicate", "Alias of a predicate."))
        .key(ConfigKey::with_default("negate", ConfigType::Boolean, false, Importance::Medium, "Whether to turn it."))
});

impl Chain {
    /// The chain that a connector's configuration asks for: `transforms`, `predicates` and what stands below them.
    ///
    /// Errors are of kind [`millstream_api::ErrorKind::Config`] and name the full key.
    pub fn from_config(config: &Config, kind: ConnectorKind) -> Result<Self> {
        let lists = LISTS.validate(config).into_valid()?;
        let aliases = lists.list(TRANSFORMS_KEY);
        no_duplicates(TRANSFORMS_KEY, aliases)?;
        no_duplicates(PREDICATES_KEY, lists.list(PREDICATES_KEY))?;
        let stages: Vec<Stage> = aliases
            .iter()
            .map(|alias| Stage::of(alias, config, lists.list(PREDICATES_KEY), kind))
            .collect::<Result<_>>()?;
        let plans = stages.iter().map(|_| Plans::default()).collect();
        Ok(Self { stages, plans, strict: kind == ConnectorKind::Sink })
    }

    /// True without any transformation.
    pub fn is_empty(&self) -> bool {
        self.stages.is_empty()
    }

    /// Transforms the rows of a batch from a source.
    pub fn apply(&mut self, batch: Batch) -> ChainOutput {
        self.run(batch, None)
    }

    /// Transforms the rows of a batch that a sink consumed.
    pub fn apply_consumed(&mut self, batch: Batch, from: Consumed<'_>) -> ChainOutput {
        self.run(batch, Some(from))
    }

    fn run(&mut self, batch: Batch, from: Option<Consumed<'_>>) -> ChainOutput {
        let rows = UInt32Array::from_iter_values(0..batch.len() as u32);
        let mut output = ChainOutput::default();
        let mut pieces = if batch.is_empty() { Vec::new() } else { vec![(batch, rows)] };
        let mut first = 0;
        while first < self.stages.len() {
            let count = self.neighbours(first);
            let mut next = Vec::with_capacity(pieces.len());
            for (batch, rows) in pieces {
                self.pass(first..first + count, batch, rows, from, &mut next, &mut output.failures);
            }
            pieces = next;
            first += count;
        }
        let left: Vec<u32> = pieces.iter().flat_map(|(_, rows)| rows.values().iter().copied()).collect();
        match (order::in_order(pieces, self.strict), self.stages.last()) {
            (Ok(parts), _) => output.parts = parts,
            (Err(error), stage) => {
                let failures = left.into_iter().filter_map(|row| Some(stage?.failure(row, again(&error))));
                output.failures.extend(failures);
            }
        }
        output.failures.sort_by_key(|failure| failure.row);
        output
    }
}

/// Parts of a piece, whose rows these are, with the rows of the chain's input.
fn hand_on(parts: Vec<Piece>, rows: &UInt32Array, next: &mut Vec<Piece>) {
    let origin = |row: &u32| rows.values().get(*row as usize).copied().unwrap_or_default();
    next.extend(parts.into_iter().filter(|(batch, _)| !batch.is_empty()).map(|(batch, inner)| {
        let rows = UInt32Array::from_iter_values(inner.values().iter().map(origin));
        (batch, rows)
    }));
}

/// The offsets of these rows.
fn offsets_of(rows: &UInt32Array, from: Consumed<'_>) -> Int64Array {
    if rows.len() == from.offsets.len() {
        return from.offsets.clone();
    }
    let offset = |row: &u32| from.offsets.values().get(*row as usize).copied().unwrap_or_default();
    Int64Array::from_iter_values(rows.values().iter().map(offset))
}

impl Stage {
    fn of(alias: &str, config: &Config, predicates: &[String], kind: ConnectorKind) -> Result<Self> {
        let prefix = format!("{TRANSFORMS_KEY}.{alias}.");
        let own = config.with_prefix(&prefix);
        let below = |error: Error| error.at(format!("configuration below {prefix}"));
        let values = STAGE.validate(&own).into_valid().map_err(below)?;
        let name = values.text("type").unwrap_or_default();
        let entry = TRANSFORMS.iter().find(|entry| entry.info.is_named(name));
        let made = entry.and_then(|entry| Some((entry.info.class, entry.make?())));
        let (class, mut transform) = made.ok_or_else(|| {
            Error::config(format!("Invalid value {name} for configuration {prefix}type: no such transformation"))
                .hint("GET /connector-plugins?connectorsOnly=false lists the plugins of this worker")
        })?;
        transform.configure(&own, kind).map_err(below)?;
        let negate = values.bool("negate").unwrap_or(false);
        let condition = match values.text("predicate").filter(|alias| !alias.is_empty()) {
            Some(alias) => Some(Condition { predicate: predicate(alias, &prefix, config, predicates)?, negate }),
            None if own.contains("negate") => {
                return Err(Error::config(format!("{prefix}negate is set without {prefix}predicate")));
            }
            None => None,
        };
        Ok(Self { alias: alias.into(), class, transform, condition })
    }

    fn failure(&self, row: u32, error: Error) -> ChainFailure {
        ChainFailure { row: row as usize, alias: self.alias.clone(), class: self.class, error }
    }

    /// Hands on what it made of a piece, whose rows these are.
    fn hand_on(&self, done: Transformed, rows: &UInt32Array, next: &mut Vec<Piece>, failures: &mut Vec<ChainFailure>) {
        let origin = |row: usize| rows.values().get(row).copied().unwrap_or_default();
        failures.extend(done.failures.into_iter().map(|f| self.failure(origin(f.row), f.error)));
        hand_on(done.parts, rows, next);
    }

    /// Transforms the rows for which the condition holds; the others go past.
    fn apply(&mut self, batch: Batch, rows: &UInt32Array, from: Option<Consumed<'_>>) -> Result<Transformed> {
        let Some(condition) = &mut self.condition else { return Ok(self.transform(batch, rows, from)) };
        let holds = condition.predicate.test(&batch);
        let (through, past) = split(&holds, condition.negate);
        if past.is_empty() {
            return Ok(self.transform(batch, rows, from));
        }
        let passed = (select(batch.clone(), &past)?, past);
        if through.is_empty() {
            return Ok(Transformed { parts: vec![passed], failures: Vec::new() });
        }
        let origin = |row: u32| rows.values().get(row as usize).copied().unwrap_or_default();
        let chosen = UInt32Array::from_iter_values(through.values().iter().map(|row| origin(*row)));
        let mut done = self.transform(select(batch, &through)?, &chosen, from);
        let back = |row: u32| through.values().get(row as usize).copied().unwrap_or_default();
        for (_, rows) in &mut done.parts {
            *rows = UInt32Array::from_iter_values(rows.values().iter().map(|row| back(*row)));
        }
        for failure in &mut done.failures {
            failure.row = back(failure.row as u32) as usize;
        }
        done.parts.push(passed);
        done.parts = order::in_order(done.parts, false)?;
        Ok(done)
    }

    fn transform(&mut self, batch: Batch, rows: &UInt32Array, from: Option<Consumed<'_>>) -> Transformed {
        let Some(from) = from else { return self.transform.apply(batch) };
        let offsets = offsets_of(rows, from);
        self.transform.apply_consumed(batch, Consumed { partition: from.partition, offsets: &offsets })
    }
}

fn predicate(alias: &str, stage: &str, config: &Config, known: &[String]) -> Result<Box<dyn Predicate>> {
    let prefix = format!("{PREDICATES_KEY}.{alias}.");
    if !known.iter().any(|name| name == alias) {
        return Err(Error::config(format!(
            "Invalid value {alias} for configuration {stage}predicate: {PREDICATES_KEY} has no such alias"
        ))
        .hint(format!("add {alias} to {PREDICATES_KEY} and set {prefix}type")));
    }
    let own = config.with_prefix(&prefix);
    let class = own.get("type").unwrap_or_default().trim();
    let entry = PREDICATES.iter().find(|entry| entry.info.is_named(class));
    let mut predicate = entry.and_then(|entry| Some(entry.make?())).ok_or_else(|| {
        Error::config(format!("Invalid value {class} for configuration {prefix}type: no such predicate"))
    })?;
    predicate.configure(&own).map_err(|error| error.at(format!("configuration below {prefix}")))?;
    Ok(predicate)
}

fn no_duplicates(key: &str, aliases: &[String]) -> Result<()> {
    let twice = aliases.iter().enumerate().find(|(place, alias)| aliases.iter().take(*place).any(|a| a == *alias));
    match twice {
        Some((_, alias)) => Err(Error::config(format!("{key} names {alias} twice"))),
        None => Ok(()),
    }
}

/// The rows that go through a transformation, and those that go past it.
fn split(holds: &BooleanArray, negate: bool) -> (UInt32Array, UInt32Array) {
    let (through, past): (Vec<u32>, Vec<u32>) =
        (0..holds.len() as u32).partition(|row| holds.value(*row as usize) != negate);
    (through.into(), past.into())
}
