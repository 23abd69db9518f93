//! Worker and connector configuration, parsed once into typed values.

mod chain;
mod connection_def;
mod connector;
mod connector_def;
mod converter;
mod errors;
mod group;
mod listener;
mod metrics;
mod overrides;
pub mod provider;
mod rest;
mod restart_def;
mod topic_pattern;
mod worker;
mod worker_def;

pub use chain::{StepSettings, TransformSettings};
pub use connector::{ConnectorSettings, ReloadAction, Topics, check_settings};
pub use connector_def::{Offered, common_def, offer, plugin_def, sink_def, source_def};
pub use converter::ConverterSettings;
pub use errors::{DeadLetterQueue, ErrorSettings};
pub use group::{ConnectProtocol, GroupSettings};
pub use listener::{Advertised, Listener, Protocol};
pub use metrics::MetricsSettings;
pub use overrides::OverridePolicy;
pub use rest::{
    BasicAuth, CertificateStore, ClientAuth, CrossOrigin, HeaderValue, Keystore, ResponseHeader, RestConfig,
};
pub use rest::{StoreKind, TlsSettings, TlsVersion, Truststore, credentials_file};
pub use topic_pattern::TopicPattern;
pub use worker::{Distributed, Mode, StorageTopic, WorkerConfig};
