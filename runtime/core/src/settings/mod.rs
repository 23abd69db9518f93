//! Worker and connector configuration, parsed once into typed values.

mod connector;
mod connector_def;
mod converter;
mod errors;
mod listener;
mod metrics;
mod overrides;
pub mod provider;
mod rest;
mod worker;
mod restart_def;
mod worker_def;

pub use connector::{ConnectorSettings, ReloadAction, Topics, check_settings};
pub use connector_def::{Offered, offer, plugin_def, sink_def, source_def};
pub use converter::ConverterSettings;
pub use errors::{DeadLetterQueue, ErrorSettings};
pub use listener::{Advertised, Listener, Protocol};
pub use metrics::MetricsSettings;
pub use overrides::OverridePolicy;
pub use rest::{BasicAuth, CertificateStore, ClientAuth, CrossOrigin, HeaderValue, Keystore, ResponseHeader, RestConfig};
pub use rest::{StoreKind, TlsSettings, TlsVersion, Truststore, credentials_file};
pub use worker::{Distributed, Mode, StorageTopic, WorkerConfig};
