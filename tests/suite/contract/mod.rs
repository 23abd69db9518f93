//! The contract: scenarios of `tests/contract`, run on Millstream and on Apache Kafka Connect by the same code.

mod bytes;
mod call;
mod difference;
mod failed;
mod http;
mod names;
mod pattern;
mod report;
mod run;
mod script;
mod stage;
mod tls;
mod topics;

use std::time::Duration;

use millstream_testbed::Result;

use crate::scenario::Kind;

/// The longest any single wait takes.
const LIMIT: Duration = Duration::from_secs(45);

/// `SCENARIOS=names,topics/` runs those scenarios alone whose name holds one of these texts.
fn chosen(mut found: Vec<script::Found>) -> Vec<script::Found> {
    if let Ok(wanted) = std::env::var("SCENARIOS") {
        found.retain(|one| wanted.split(',').any(|text| one.name.contains(text)));
    }
    found
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn millstream_keeps_the_contract() -> Result<()> {
    let mut outcomes = run::run(Kind::Millstream, chosen(script::load()?)).await?;
    println!("{}", report::lines(&outcomes));
    outcomes.retain(|outcome| !outcome.awaited);
    report::all_passed(outcomes)
}

/// Not in the gate, for it is a test of the scenarios and not of Millstream: `make contract-java`.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "make contract-java runs it"]
async fn java_keeps_the_contract() -> Result<()> {
    let outcomes = run::run(Kind::Java, chosen(script::load()?)).await?;
    println!("{}", report::lines(&outcomes));
    report::all_passed(outcomes)
}
