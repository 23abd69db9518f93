//! Several services at once, and those that a whole test binary shares.

use tokio::sync::OnceCell;

use crate::{Error, Kafka, Postgres, Result, S3};

/// Which services a test wants to itself.
#[derive(Debug, Clone, Copy, Default)]
pub struct TestbedBuilder {
    kafka: bool,
    postgres: bool,
    s3: bool,
}

impl TestbedBuilder {
    /// A broker.
    #[must_use]
    pub fn kafka(mut self) -> Self {
        self.kafka = true;
        self
    }

    /// A Postgres server.
    #[must_use]
    pub fn postgres(mut self) -> Self {
        self.postgres = true;
        self
    }

    /// An S3 server.
    #[must_use]
    pub fn s3(mut self) -> Self {
        self.s3 = true;
        self
    }

    /// Starts what was asked for, side by side.
    pub async fn start(self) -> Result<Testbed> {
        let kafka = async { if self.kafka { Kafka::start().await.map(Some) } else { Ok(None) } };
        let postgres = async { if self.postgres { Postgres::start().await.map(Some) } else { Ok(None) } };
        let s3 = async { if self.s3 { S3::start().await.map(Some) } else { Ok(None) } };
        let (kafka, postgres, s3) = tokio::try_join!(kafka, postgres, s3)?;
        Ok(Testbed { kafka, postgres, s3 })
    }
}

/// Services of one test; they end with it.
#[derive(Debug)]
pub struct Testbed {
    kafka: Option<Kafka>,
    postgres: Option<Postgres>,
    s3: Option<S3>,
}

impl Testbed {
    /// No services yet.
    pub fn builder() -> TestbedBuilder {
        TestbedBuilder::default()
    }

    /// The broker; an error when none was asked for.
    pub fn kafka(&self) -> Result<&Kafka> {
        asked_for(self.kafka.as_ref(), "kafka")
    }

    /// Postgres; an error when none was asked for.
    pub fn postgres(&self) -> Result<&Postgres> {
        asked_for(self.postgres.as_ref(), "postgres")
    }

    /// The S3 server; an error when none was asked for.
    pub fn s3(&self) -> Result<&S3> {
        asked_for(self.s3.as_ref(), "s3")
    }
}

fn asked_for<'a, T>(service: Option<&'a T>, name: &str) -> Result<&'a T> {
    service.ok_or_else(|| Error::new(format!("this testbed was started without {name}()")))
}

/// The services of this process, each started when first asked for and ended with the process. A test that breaks a
/// service starts its own instead.
#[derive(Debug)]
pub struct Shared {
    kafka: OnceCell<Kafka>,
    postgres: OnceCell<Postgres>,
    s3: OnceCell<S3>,
}

/// The services of this process.
pub fn shared() -> &'static Shared {
    static SHARED: Shared =
        Shared { kafka: OnceCell::const_new(), postgres: OnceCell::const_new(), s3: OnceCell::const_new() };
    &SHARED
}

impl Shared {
    /// The broker.
    pub async fn kafka(&self) -> Result<&Kafka> {
        self.kafka.get_or_try_init(Kafka::start).await
    }

    /// Postgres.
    pub async fn postgres(&self) -> Result<&Postgres> {
        self.postgres.get_or_try_init(Postgres::start).await
    }

    /// The S3 server.
    pub async fn s3(&self) -> Result<&S3> {
        self.s3.get_or_try_init(S3::start).await
    }

    /// All three, started side by side.
    pub async fn all(&self) -> Result<(&Kafka, &Postgres, &S3)> {
        tokio::try_join!(self.kafka(), self.postgres(), self.s3())
    }
}

/// `prefix` with a suffix that no other test has: small letters, digits and hyphens, so that it can name a topic, a
/// group, a bucket or (quoted) a table.
/// A long prefix is cut to 50 characters.
pub fn unique(prefix: &str) -> String {
    let suffix = uuid::Uuid::new_v4().simple().to_string();
    let prefix: String = prefix.chars().take(50).collect();
    format!("{prefix}-{}", &suffix[..8])
}
