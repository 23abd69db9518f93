//! Changing some settings of a connector: made of what is stored, checked, and written only if that is still stored.

use millstream_api::{Config, Error, Result};

use super::requests::{WAITING, answer, info, not_found, writing_config};
use super::run::Herder;
use super::{PatchConnector, Reply};
use crate::model::ConnectorInfo;

/// How often a patch is made anew because another request was faster; checking may take a while.
const TRIES: usize = 10;

impl Herder {
    pub(super) fn patch_connector(&self, patch: PatchConnector, reply: Reply<ConnectorInfo>) {
        if let Err(error) = self.check_leader() {
            return answer(reply, Err(error));
        }
        let (stores, plugins, writing) = (self.env.stores.clone(), self.env.plugins.clone(), self.writing.clone());
        let validator = self.validator.clone();
        tokio::spawn(async move {
            let name = patch.name.clone();
            let patched = async {
                for _ in 0..TRIES {
                    // Not in a turn of its own: a connector that takes its time to look would hold up every other write.
                    let state = stores.configs.state();
                    let from = state.config(&name).ok_or_else(|| not_found(&name))?.clone();
                    drop(state);
                    let config = patch.apply(&from)?;
                    reply.stage("validating the connector's configuration");
                    validator.validate(None, &config).await?.require_valid()?;
                    reply.stage(WAITING);
                    let _turn = writing.lock().await;
                    let state = stores.configs.state();
                    if state.config(&name) != Some(&from) {
                        continue;
                    }
                    drop(state);
                    reply.stage(writing_config(&name));
                    stores.configs.put_connector(&name, &config, None).await?;
                    let mut info = info(&stores, &plugins, &name).ok_or_else(|| not_found(&name))?;
                    info.config = config;
                    return Ok(info);
                }
                Err(Error::conflict(format!("Connector {name} is being changed by others all the time")))
            };
            let patched = patched.await;
            answer(reply, patched);
        });
    }
}

impl PatchConnector {
    /// A connector's configuration with the patch applied.
    pub fn apply(&self, config: &Config) -> Result<Config> {
        let mut config = config.clone();
        for (key, value) in self.patch.iter() {
            match value {
                Some(value) => config.set(key, value),
                None => drop(config.remove(key)),
            }
        }
        match config.get("name") {
            // Kafka Connect stores another name here, and then refuses the config when it is sent back.
            Some(inner) if *inner != *self.name => Err(Error::config(format!(
                "Connector name configuration ({inner}) doesn't match connector name in the URL ({})",
                self.name
            ))),
            _ => Ok(config),
        }
    }
}
