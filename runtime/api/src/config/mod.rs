//! Configuration: raw maps, definitions of keys, parsed and validated values.

mod def;
mod raw;
mod secret;
mod validate;

pub use def::{ConfigDef, ConfigKey, ConfigType, Default, Importance, Validator, Width};
pub use raw::Config;
pub use secret::Secret;
pub use validate::{ConfigValue, ConfigValues, Parsed};
