//! Runs scenarios side by side: those that any worker will do for on one, the others on workers of their own.

use futures::StreamExt as _;
use millstream_testbed::{Error, Result};

use super::report::Outcome;
use super::script::{Found, Step};
use super::stage::{Bed, Stage};
use crate::scenario::Kind;

const AT_A_TIME: usize = 8;
/// A worker of its own is a process each.
const OWN_AT_A_TIME: usize = 3;

/// Runs all of these on workers of one kind.
pub async fn run(kind: Kind, scenarios: Vec<Found>) -> Result<Vec<Outcome>> {
    let (own, shared): (Vec<Found>, Vec<Found>) =
        scenarios.into_iter().partition(|found| found.scenario.worker.is_some());
    let on_own = async {
        let outcomes = futures::stream::iter(own).map(|found| async move { outcome(kind, &found, None).await });
        outcomes.buffer_unordered(OWN_AT_A_TIME).collect::<Vec<Outcome>>().await
    };
    let on_shared = async {
        if shared.is_empty() {
            return Ok(Vec::new());
        }
        let bed = Bed::start(kind, None).await?;
        let bed = &bed;
        let outcomes = futures::stream::iter(shared).map(|found| async move { outcome(kind, &found, Some(bed)).await });
        Ok::<_, Error>(outcomes.buffer_unordered(AT_A_TIME).collect::<Vec<Outcome>>().await)
    };
    let (mut outcomes, on_shared) = futures::join!(on_own, on_shared);
    outcomes.extend(on_shared?);
    Ok(outcomes)
}

async fn outcome(kind: Kind, found: &Found, shared: Option<&Bed>) -> Outcome {
    let result = play(kind, found, shared).await;
    // Logs stay out of the one line.
    let reason = |error: Error| error.to_string().replace('\n', " ");
    Outcome {
        name: found.name.clone(),
        steps: found.scenario.steps.len(),
        awaited: found.scenario.awaited.is_some(),
        differs: result.err().map(reason),
    }
}

async fn play(kind: Kind, found: &Found, shared: Option<&Bed>) -> Result<()> {
    let mut stage = Stage::set(kind, found, shared).await.map_err(|error| error.context(&found.file))?;
    for step in &found.scenario.steps {
        let place = format!("{}:{}", found.file, step.referenced.line());
        let played = match &step.value {
            Step::Call { method, path, call } => {
                let shown = stage.text(path);
                stage.call(method, path, call).await.map_err(|error| error.context(format!("{method} {shown}")))
            }
            Step::Wait(words) => stage.wait(words).await,
            Step::Produce(produce) => stage.produce(produce).await,
            Step::Records(records) => stage.records(records).await,
            Step::Topic(topics) => stage.topic(topics).await,
            Step::Append(files) => stage.append(files),
            Step::Lines(files) => stage.lines(files).await,
            Step::Committed(committed) => stage.committed(committed).await,
            Step::Configs(wanted) => stage.configs(wanted).await,
            Step::Offsets(wanted) => stage.offsets(wanted).await,
            Step::Statuses(wanted) => stage.statuses(wanted).await,
            Step::Newest(wanted) => stage.newest(wanted).await,
            Step::Worker(what) => stage.worker(*what).await,
        };
        if let Err(error) = played {
            return Err(Error::new(format!("{place}: {error}{}", stage.all_states().await)));
        }
    }
    Ok(())
}
