//! The services of the demo: broker, database, S3 server and the worker.

use std::net::{IpAddr, Ipv4Addr, TcpListener};
use std::time::Duration;

use millstream_testbed::poll::until;
use millstream_testbed::{
    Context, Error, Kafka, Postgres, Result, S3, S3Server, Topics, Worker, WorkerProperties, free_port,
};

use crate::database;
use crate::screen::Screen;

/// The bucket of the sink connector.
pub const BUCKET: &str = "my-kafka-archive";

const POSTGRES_PORT: u16 = 5432;
const REST_PORT: u16 = 8083;
const READY: Duration = Duration::from_secs(60);
const BUCKET_LIMIT: Duration = Duration::from_secs(20);

/// Everything the worker talks to.
pub struct Services {
    pub kafka: Kafka,
    pub postgres: Postgres,
    pub s3: S3,
    pub topics: Topics,
    /// Whether the worker can be given the host name `db`; without it the connectors name the address.
    pub db_resolves: std::sync::atomic::AtomicBool,
}

impl Services {
    /// Starts the three services side by side and makes tables and bucket.
    pub async fn start(screen: &Screen) -> Result<Services> {
        screen.step("starting Apache Kafka, Postgres and an S3 server");
        let kafka = async {
            let kafka = Kafka::start().await.context("starting Apache Kafka")?;
            screen.step(&format!("Kafka is up at {}", kafka.bootstrap()));
            Ok::<_, Error>(kafka)
        };
        let postgres = async {
            let builder = Postgres::builder().address(postgres_address()?).port(POSTGRES_PORT);
            let postgres = builder.start().await.context("starting Postgres")?;
            database::create(&postgres).await?;
            screen.step(&format!(
                "Postgres is up at {}:{}, database mydb with tables orders and users",
                postgres.address(),
                postgres.port()
            ));
            Ok::<_, Error>(postgres)
        };
        let s3 = async {
            let s3 = S3::start().await.context("starting the S3 server")?;
            // MinIO may answer that it is not initialized for a moment after it has said that it is ready.
            until(format!("bucket {BUCKET}"), BUCKET_LIMIT, || async { s3.create_bucket(BUCKET).await.map(Some) })
                .await?;
            let name = match s3.server() {
                S3Server::MinIo => "MinIO",
                S3Server::Moto => "moto (an S3 stand-in)",
            };
            screen.step(&format!("{name} is up at {}, bucket {BUCKET}", s3.endpoint()));
            Ok::<_, Error>(s3)
        };
        let (kafka, postgres, s3) = tokio::try_join!(kafka, postgres, s3)?;
        let topics = Topics::new(kafka.bootstrap());
        Ok(Services { kafka, postgres, s3, topics, db_resolves: true.into() })
    }

    /// Starts one worker in distributed mode.
    pub async fn worker(&self, screen: &Screen) -> Result<Worker> {
        let local = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let port = if is_free(local, REST_PORT) { REST_PORT } else { free_port(local)? };
        let properties = WorkerProperties::distributed(&self.kafka.bootstrap(), "millstream-demo")
            .set("listeners", format!("http://127.0.0.1:{port}"))
            .set("key.converter", "org.apache.kafka.connect.storage.StringConverter")
            .set("value.converter", "org.apache.kafka.connect.json.JsonConverter")
            .set("value.converter.schemas.enable", false)
            .set("value.converter.decimal.format", "NUMERIC");
        let builder = || {
            Worker::builder(properties.clone())
                .envs(self.s3.environment())
                .env("AWS_ENDPOINT_URL_S3", self.s3.endpoint())
        };
        let worker = match builder().host("db", self.postgres.address()).prepare() {
            Ok(worker) => worker,
            Err(error) if error.to_string().contains("mount namespace") => {
                screen.step(&format!("note: {error}; the connectors will name {}", self.postgres.address()));
                self.db_resolves.store(false, std::sync::atomic::Ordering::Relaxed);
                builder().prepare()?
            }
            Err(error) => return Err(error),
        };
        worker.spawn()?;
        worker.wait_ready(READY).await?;
        screen.step(&format!("one Millstream worker is up at {} (distributed mode)", worker.rest().base()));
        Ok(worker)
    }
}

/// The first loopback address behind 127.0.0.1 whose Postgres port is free.
fn postgres_address() -> Result<IpAddr> {
    (2..=20)
        .map(|last| IpAddr::V4(Ipv4Addr::new(127, 0, 0, last)))
        .find(|&address| is_free(address, POSTGRES_PORT))
        .ok_or_else(|| Error::new(format!("port {POSTGRES_PORT} is taken on every loopback address from 127.0.0.2 on")))
}

fn is_free(address: IpAddr, port: u16) -> bool {
    TcpListener::bind((address, port)).is_ok()
}
