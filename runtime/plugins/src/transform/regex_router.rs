//! `org.apache.kafka.connect.transforms.RegexRouter`: topics renamed by a regular expression.

use std::sync::Arc;

use millstream_api::{Batch, Config, ConnectorKind, Error, Result, Transform, Transformed};

use super::edit::Step;
use super::outcome::{all_failed, all_rows};
use super::settings::REGEX_ROUTER;
use millstream_api::java_regex::{JavaRegex, Replacement};

/// Gives records of topics whose whole name matches another topic. Keeps its answer for the last topic.
#[derive(Default)]
pub(crate) struct RegexRouter {
    regex: Option<JavaRegex>,
    replacement: Option<Result<Replacement, String>>,
    last: Option<(Arc<str>, Arc<str>)>,
}

impl RegexRouter {
    fn renamed(&self, topic: &Arc<str>) -> Result<Arc<str>> {
        let wrong = |reason: &str| Error::data(format!("the topic {topic} cannot be renamed: {reason}"));
        let (Some(regex), Some(replacement)) = (&self.regex, &self.replacement) else { return Ok(topic.clone()) };
        if !regex.is_match(topic).map_err(|e| wrong(&e))? {
            return Ok(topic.clone());
        }
        // Only a topic that matches shows what is wrong with a replacement, as in Java.
        let replacement = replacement.as_ref().map_err(|e| wrong(e))?;
        // As in Java, what is replaced is the first match anywhere, which may be shorter than the whole name.
        let new = regex.replace_first(topic, replacement).map_err(|e| wrong(&e))?;
        Ok(new.map_or_else(|| topic.clone(), Arc::from))
    }
}

impl Step for RegexRouter {}

impl Transform for RegexRouter {
    fn configure(&mut self, config: &Config, _kind: ConnectorKind) -> Result<()> {
        let values = REGEX_ROUTER.validate(config).into_valid()?;
        let regex = JavaRegex::new(values.text("regex").unwrap_or_default())
            .map_err(|e| Error::config(format!("Invalid value for configuration regex: {e}")))?;
        let replacement = Replacement::new(values.text("replacement").unwrap_or_default());
        *self = Self { regex: Some(regex), replacement: Some(replacement), last: None };
        Ok(())
    }

    fn apply(&mut self, mut batch: Batch) -> Transformed {
        let known = self.last.as_ref().filter(|(topic, _)| *topic == batch.topic).map(|(_, new)| new.clone());
        let new = match known.map_or_else(|| self.renamed(&batch.topic), Ok) {
            Ok(new) => new,
            Err(error) => return all_failed(batch.len(), &error),
        };
        self.last = Some((batch.topic.clone(), new.clone()));
        batch.topic = new;
        all_rows(batch, Vec::new())
    }
}
