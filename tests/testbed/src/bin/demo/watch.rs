//! The live line, and the eye on everything that may fail meanwhile.

use std::sync::Arc;
use std::time::Duration;

use millstream_testbed::rest::path_of;
use millstream_testbed::{ConnectRest, Error, Result};
use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};

use crate::database::Writer;
use crate::events::Events;
use crate::screen::{Screen, counted};
use crate::services::{BUCKET, Services};

/// The topics of the live line.
const TOPICS: [&str; 6] = ["db.orders", "db.users", "orders", "user-events", "typed.orders", "typed.users"];
const EVERY: Duration = Duration::from_secs(1);
const ASK: Duration = Duration::from_secs(5);

/// Looks at services, writers and connectors once a second.
pub struct Watch<'a> {
    services: &'a Services,
    writer: &'a Writer,
    events: &'a Events,
    rest: &'a ConnectRest,
    consumer: Arc<BaseConsumer>,
}

impl<'a> Watch<'a> {
    pub fn new(
        services: &'a Services,
        writer: &'a Writer,
        events: &'a Events,
        rest: &'a ConnectRest,
    ) -> Result<Watch<'a>> {
        let consumer = ClientConfig::new().set("bootstrap.servers", services.kafka.bootstrap()).create()?;
        Ok(Watch { services, writer, events, rest, consumer: Arc::new(consumer) })
    }

    /// Shows the live line until something fails; returns what failed.
    pub async fn run(&self, screen: &Screen) -> Error {
        let mut ticks = tokio::time::interval(EVERY);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            if let Err(error) = self.look(screen).await {
                return error;
            }
        }
    }

    async fn look(&self, screen: &Screen) -> Result<()> {
        self.writer.check().await?;
        self.events.check().await?;
        self.connectors().await?;
        let written = self.writer.written();
        let mut parts =
            vec![format!("rows {} inserted, {} updated", counted(written.inserted), counted(written.updated))];
        let topics = self.records().await?.into_iter().zip(TOPICS);
        parts.extend(topics.filter_map(|(count, topic)| Some(format!("{topic} {}", counted(count?)))));
        let objects = self.services.s3.list(BUCKET, "").await?;
        let kib = objects.iter().map(|object| object.size).sum::<u64>() / 1024;
        parts.push(format!("S3 {} files, {} KiB", objects.len(), counted(kib)));
        screen.live(&parts);
        Ok(())
    }

    /// Records in each topic; none for a topic that is not there yet.
    async fn records(&self) -> Result<Vec<Option<i64>>> {
        let consumer = self.consumer.clone();
        let asked = tokio::task::spawn_blocking(move || {
            // All topics at once: asking for one by name might create it.
            let metadata = consumer.fetch_metadata(None, ASK)?;
            let count = |topic: &str| -> Result<Option<i64>> {
                let Some(found) = metadata.topics().iter().find(|found| found.name() == topic) else {
                    return Ok(None);
                };
                let mut records = 0;
                for partition in found.partitions() {
                    let (low, high) = consumer.fetch_watermarks(topic, partition.id(), ASK)?;
                    records += high - low;
                }
                Ok(Some(records))
            };
            TOPICS.into_iter().map(count).collect()
        });
        asked.await?
    }

    async fn connectors(&self) -> Result<()> {
        for name in self.rest.list().await? {
            let answer = self.rest.get(&format!("{}/status", path_of(&name))).await?;
            if answer.status != 200 {
                continue;
            }
            let status = answer.json()?;
            let tasks = status["tasks"].as_array().into_iter().flatten();
            for part in std::iter::once(&status["connector"]).chain(tasks) {
                if part["state"] == "FAILED" {
                    let which = part["id"].as_i64().map_or(String::new(), |id| format!(" task {id}"));
                    let trace = part["trace"].as_str().unwrap_or("(no trace)");
                    return Err(Error::new(format!("connector {name}{which} is FAILED\n{trace}")));
                }
            }
        }
        Ok(())
    }
}
