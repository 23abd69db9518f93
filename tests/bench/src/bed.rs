//! The services a run uses.

use millstream_testbed::kafka::KafkaBuilder;
use millstream_testbed::{Error, Jvm, Kafka, Postgres, Result, S3, Topics};

use crate::table;

/// Broker, database with the table, S3 server.
pub struct Bed {
    pub kafka: Kafka,
    pub postgres: Postgres,
    pub s3: S3,
    pub topics: Topics,
}

impl Bed {
    /// Starts the services and makes the table.
    pub async fn start(rows: u64) -> Result<Bed> {
        let kafka: KafkaBuilder = Kafka::builder().jvm(Jvm::Throughput).heap_mb(1024);
        let postgres = async {
            let postgres = Postgres::builder().setting("shared_buffers", "512MB").start().await?;
            table::create(&postgres, rows).await?;
            Ok::<_, Error>(postgres)
        };
        let (kafka, postgres, s3) = tokio::try_join!(kafka.start(), postgres, S3::start())?;
        let topics = Topics::new(kafka.bootstrap());
        Ok(Bed { kafka, postgres, s3, topics })
    }
}
